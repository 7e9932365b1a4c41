"""Row groups of the Parquet files that we write: what came as dictionaries of text is written as such.

Each is encoded by itself, as a file of its own, whose row groups are then put into the file that is written.

pyarrow writes columns of dictionaries as they are, where their type in the file's schema says so. The schema that
readers are to have may say otherwise: it stands in the metadata, under a name of Arrow's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from normcli.errors import BadDataError, printable, raise_shortage
from normcli.formats import Outlet
from normcli.formats._binary import dictionaries, seal, sizes, splicing
from normcli.formats._binary.faults import first_line, writing

if TYPE_CHECKING:
    import pyarrow as pa

WHAT = "Parquet file"
ROWS = 65_536  # at least to a row group
BYTES = 32 << 20  # or so many, each row with a text of its own
PAGE = 1 << 20  # bytes of the largest dictionary that pyarrow writes


class Grouping(Struct, frozen=True):
    """Whole pieces in row groups, as many as make one that is worth it: small ones cost their readers dearly. A column
    of text that comes as a small dictionary is written as one."""

    schema: pa.Schema
    compression: str

    def share(self, piece: pa.RecordBatch) -> float:
        return max(int(piece.num_rows) / ROWS, self._plain_size(piece) / BYTES)

    def load(self, pieces: Sequence[pa.RecordBatch]) -> int:
        return 3 * sum(map(self._plain_size, pieces))

    def encode(self, pieces: Sequence[pa.RecordBatch]) -> splicing.Groups:
        """Raises BadDataError."""
        import pyarrow as pa

        coded, file = self.coded(pieces), pa.BufferOutputStream()
        with writing(WHAT):
            writer = writer_of(file, self.schema, coded, self.compression, store_schema=False)
        for parts in self._parts(pieces, coded):
            _write(writer, dictionaries.joined(parts, self.schema, coded))
        with writing(WHAT):
            writer.close()
        return splicing.groups_of(memoryview(file.getvalue()))

    def _plain_size(self, piece: pa.RecordBatch) -> int:
        """Bytes of a piece whose columns are of the types in the schema."""
        import pyarrow as pa

        coded = [f for f in piece.schema if pa.types.is_dictionary(f.type)]
        kinds = {f.name: self.schema.field(f.name).type for f in coded}
        wide = sum(bool(pa.types.is_large_string(kind)) for kind in kinds.values())  # whose places have 4 bytes more
        size = sizes.expanded(piece, [n for n, kind in kinds.items() if pa.types.is_dictionary(kind)])
        return size + 4 * int(piece.num_rows) * wide

    def coded(self, pieces: Sequence[pa.RecordBatch]) -> frozenset[str]:
        """The columns of text that come as dictionaries which pyarrow writes whole."""
        names = (f.name for f in fields_by_path(self.schema) if dictionaries.is_text(f.type))
        columns = {n: [p.column(n) for p in pieces] for n in names}
        return frozenset(n for n, parts in columns.items() if 0 < dictionaries.size(parts) < PAGE)

    def _parts(self, pieces: Sequence[pa.RecordBatch], coded: Collection[str]) -> Iterator[Sequence[pa.RecordBatch]]:
        """The pieces, by row groups: several where their text is too much for one."""
        if sum(map(self._plain_size, pieces)) - sum(p.nbytes for p in pieces) <= dictionaries.LARGEST:
            yield pieces
            return
        schema = dictionaries.joined_schema(self.schema, coded)
        for piece in pieces:
            for part in dictionaries.expanded(piece, schema):
                yield [part]


class Sink(Struct):
    """Row groups, one after the other, then their footer."""

    sealed: seal.SealedOutlet
    footer: splicing.Footer

    @classmethod
    def of(cls, file: Outlet, schema: pa.Schema, compression: str) -> Sink:
        import pyarrow as pa

        with writing(WHAT):
            writer = writer_of(empty := pa.BufferOutputStream(), schema, (), compression)
            writer.close()
        sealed = seal.SealedOutlet(file, splicing.MAGIC)
        sealed.write(splicing.MAGIC)
        return cls(sealed, splicing.Footer(memoryview(empty.getvalue())))

    def write(self, piece: splicing.Groups) -> None:
        by = self.sealed.size - len(splicing.MAGIC)
        self.sealed.write(piece.data)
        for group in piece.footers:
            self.footer.add(group, by)

    def close(self) -> None:
        self.sealed.hold()
        self.sealed.write(self.footer.end())
        self.sealed.finish()


def _write(writer: Any, table: pa.Table) -> None:
    """A row group. Raises BadDataError."""
    import pyarrow as pa

    try:
        writer.write_table(table, row_group_size=max(table.num_rows, 1))
    except pa.ArrowException as e:
        raise_shortage(e)
        at_fault = next((n for n in table.column_names if is_refused(table.select([n]))), None)
        where = "the columns" if at_fault is None else f"column '{printable(at_fault)}'"
        raise BadDataError(f"{where} can't be written as {WHAT}: {first_line(e)}", "another --to may") from None


def writer_of(
    file: Any, schema: pa.Schema, coded: Collection[str], compression: str, *, store_schema: bool = True
) -> Any:
    """A writer of tables as `dictionaries.joined` makes them. Raises ArrowException."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    plain = fields_by_path(schema)
    floats = [f.name for f in plain if pa.types.is_floating(f.type)]
    texts = [f.name for f in plain if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
    return pq.ParquetWriter(
        file,
        dictionaries.joined_schema(schema, coded),
        compression=compression,
        use_dictionary=sorted({*texts, *coded}),
        use_byte_stream_split=floats,
        write_page_checksum=True,
        store_schema=store_schema,
    )


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
