"""Row groups of the Parquet files that we write: what came as dictionaries of text is written as such.

pyarrow writes columns of dictionaries as they are, where their type in the file's schema says so. The schema that
readers are to have may say otherwise: it stands in the metadata, under a name of Arrow's.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import field

from normcli.errors import BadDataError, printable, raise_shortage
from normcli.formats._binary import dictionaries, seal, sizes
from normcli.formats._binary.faults import first_line, writing

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 65_536  # at least to a row group
BYTES = 32 << 20  # or so many, each row with a text of its own
PAGE = 1 << 20  # bytes of the largest dictionary that pyarrow writes


class Sink(seal.Sink):
    """Row groups of whole pieces, as many as make one that is worth it: small ones cost their readers dearly. A column
    that comes as a dictionary in the first is written as one in all of them."""

    schema: pa.Schema
    compression: str
    coded: Collection[str] = ()  # columns that are written as dictionaries
    waiting: list[pa.RecordBatch] = field(default_factory=list)
    rows: int = 0  # that wait
    size: int = 0  # their bytes

    def write(self, piece: pa.RecordBatch) -> None:
        self.waiting.append(piece)
        self.rows, self.size = self.rows + piece.num_rows, self.size + self._plain_size(piece)
        if self.rows >= ROWS or self.size >= BYTES:
            self._write_group()

    def close(self) -> None:
        if self.waiting:
            self._write_group()
        self._begin()
        super().close()

    def _plain_size(self, piece: pa.RecordBatch) -> int:
        """Bytes of a piece whose columns are of the types in the schema."""
        import pyarrow as pa

        coded = [f for f in piece.schema if pa.types.is_dictionary(f.type)]
        kinds = {f.name: self.schema.field(f.name).type for f in coded}
        wide = sum(bool(pa.types.is_large_string(kind)) for kind in kinds.values())  # whose places have 4 bytes more
        size = sizes.expanded(piece, [n for n, kind in kinds.items() if pa.types.is_dictionary(kind)])
        return size + 4 * int(piece.num_rows) * wide

    def _begin(self) -> None:
        if self.writer is None:
            self.coded = self._small()
            with writing(self.what):
                self.writer = writer_of(self.sealed, self.schema, self.coded, self.compression)

    def _small(self) -> frozenset[str]:
        """The columns of text that wait as dictionaries which pyarrow writes whole."""
        names = (f.name for f in fields_by_path(self.schema) if dictionaries.is_text(f.type))
        columns = {n: [p.column(n) for p in self.waiting] for n in names}
        return frozenset(n for n, parts in columns.items() if 0 < dictionaries.size(parts) < PAGE)

    def _write_group(self) -> None:
        self._begin()
        waiting, size = self.waiting, self.size
        self.waiting, self.rows, self.size = [], 0, 0
        if size - sum(p.nbytes for p in waiting) <= dictionaries.LARGEST:
            self._write_table(waiting)
            return
        schema = dictionaries.joined_schema(self.schema, self.coded)
        for part in (part for piece in waiting for part in dictionaries.expanded(piece, schema)):
            self._write_table([part])

    def _write_table(self, parts: Sequence[pa.RecordBatch]) -> None:
        import pyarrow as pa

        table = dictionaries.joined(parts, self.schema, self.coded)
        try:
            self.writer.write_table(table, row_group_size=max(table.num_rows, 1))
        except pa.ArrowException as e:
            raise_shortage(e)
            at_fault = next((n for n in table.column_names if is_refused(table.select([n]))), None)
            where = "the columns" if at_fault is None else f"column '{printable(at_fault)}'"
            what = f"{where} can't be written as {self.what}: {first_line(e)}"
            raise BadDataError(what, "another --to may") from None


def writer_of(file: Any, schema: pa.Schema, coded: Collection[str], compression: str) -> Any:
    """A writer of tables as `dictionaries.joined` makes them, whose readers have the schema. Raises ArrowException."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    plain = fields_by_path(schema)
    floats = [f.name for f in plain if pa.types.is_floating(f.type)]
    texts = [f.name for f in plain if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
    writer = pq.ParquetWriter(
        file,
        dictionaries.joined_schema(schema, coded),
        compression=compression,
        use_dictionary=sorted({*texts, *coded}),
        use_byte_stream_split=floats,
        write_page_checksum=True,
        store_schema=not coded,
    )
    if coded:
        metadata = {**(schema.metadata or {}), b"ARROW:schema": b64encode(schema.serialize())}
        writer.add_key_value_metadata(metadata)
    return writer


def fields_by_path(schema: pa.Schema) -> list[pa.Field]:
    """The columns that can be called by their names where names are paths: no part of another is called so."""
    import pyarrow as pa

    inner = tuple(f"{f.name}." for f in schema if pa.types.is_nested(f.type))
    return [f for f in schema if not f.name.startswith(inner)]


def is_refused(table: pa.Table) -> bool:
    """Whether a table can't be written, whatever is done with what is."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.write_table(table, pa.BufferOutputStream())
    except (pa.ArrowException, OSError) as e:
        raise_shortage(e)
        return True
    return False
