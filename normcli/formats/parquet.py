"""Parquet: row groups streamed as blocks of rows, decoded ahead of the workers; page checksums written and verified.

One flipped bit in a Parquet file without checksums is a wrong value in silence (384 of 400 trials); with checksums of
pages written and verified, never. They do not cover the footer, nor the headers of pages: of what we write,
a seal does.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, get_args

from normcli.columns import Frame, Schema
from normcli.errors import BadDataError, printable
from normcli.formats import Format, Outlet
from normcli.formats import Writer as AnyWriter
from normcli.formats._binary import batches as binary
from normcli.formats._binary import dictionaries, pages, row_groups, seal
from normcli.formats._binary.batches import Chunk, Compression, Options
from normcli.formats._binary.row_groups import Sink
from normcli.io.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Chunk", "Options", "Reader", "Sink", "Writer"]

MAGIC = b"PAR1"
WHAT = "Parquet file"
COMPRESSIONS = get_args(Compression)
FAR_GROUP = 128 << 20  # bytes of a row group that are asked for at once, of an object store
FAR_BUFFERS = 64 << 20  # or else so many of all columns


class Reader(binary.Reader):
    """A Parquet file. Only the columns asked for are read."""

    what = WHAT

    def __init__(self, source: Source, options: Options, *, block_size: int | None = None) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        binary.check_any(source)
        with binary.reading(source, WHAT):
            place = self._place = binary.in_place(source)
            self._seal = seal.seal_of(source, MAGIC)
            settings: dict[str, Any] = {"page_checksum_verification": self._seal is None or source.is_far}
            settings |= {"pre_buffer": False, "buffer_size": 1 << 16}
            self._file = pq.ParquetFile(place, **settings)
            self._footer = pages.Footer(source)
            if source.is_far:
                settings |= far_settings(self._footer)
                self._file = pq.ParquetFile(place, metadata=self._file.metadata, **settings)
            self._settings, self._coded = settings, (frozenset[str](), self._file)
            arrow = self._file.schema_arrow
            super().__init__(source, _with_values(arrow), block_size)
            about = self._file.metadata
            in_groups = sum(about.row_group(j).num_rows for j in range(about.num_row_groups))
            if in_groups != about.num_rows:
                raise ValueError(f"{about.num_rows:,} rows by the footer, {in_groups:,} in its row groups")
        self.size: int | None = about.num_rows
        without = [printable(f.name) for f in arrow if _is_empty(f.type)]
        what = "a group without fields, of which a Parquet file holds nothing"
        self.notices = tuple(f"{source.name}: column '{name}' is left out: {what}" for name in without)
        texts = [f for f in row_groups.fields_by_path(arrow) if dictionaries.is_text(f.type)]
        self._texts = frozenset(f.name for f in texts)
        self._coded_anyway = frozenset(f.name for f in texts if pa.types.is_dictionary(f.type))
        self._unread = [f.name for f in arrow if not _is_empty(f.type) and _has_empty(f.type)]

    def chunks(self, needed: Sequence[str] | None = None) -> Iterator[Chunk]:
        for name in self._unread:
            if needed is None or name in needed:
                what = f"column '{printable(name)}' has a group without fields in it"
                raise BadDataError(f"{self.source.name}: {what}, and can't be read", "write the file without it")
        for group in range(self._file.num_row_groups):
            with binary.reading(self.source, WHAT):
                batches = self._batches(self._rows, group, needed)
                left = self._file.metadata.row_group(group).num_rows
                for batch in batches:
                    left -= batch.num_rows
                    yield Chunk(batch, left == 0)
                if left:  # checksums do not cover the headers of pages
                    raise ValueError(f"{abs(left)} rows too {'few' if left > 0 else 'many'} in a row group")

    def _samples(self, name: str) -> Iterator[pa.Array]:
        with binary.reading(self.source, WHAT):
            for group in range(self._file.num_row_groups):
                for batch in self._batches(binary.FEW, group, [name]):
                    yield batch.column(name)

    def _batches(self, rows: int, group: int, needed: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        """A row group's rows, so many at a time; as they were written where they are sealed. Raises BadDataError where
        they would take too much memory."""
        held, block, fields, chunks = 0.0, 0.0, self._file.schema, self._footer.group(group)
        coded = set[str]()
        if len(chunks) != len(fields):
            raise ValueError(f"{len(chunks):,} columns in row group {group + 1}, {len(fields):,} by the schema")
        inner = tuple(f"{name}." for name in needed or ())
        for chunk, column in zip(chunks, fields, strict=True):
            if chunk is None or not (needed is None or chunk.path in needed or chunk.path.startswith(inner)):
                continue
            if self._seal:
                self._seal.check(chunk.start, chunk.end)
            longest: Callable[[], float] | None = partial(self._longest, group, chunk.path)
            if chunk.path in self._texts and pages.is_coded(chunk, rows):
                coded.add(chunk.path)
                longest = None
            if self.source.room is not None and not self.source.is_far:  # where each header would be a request
                found = list(pages.pages(self.source.read_at, chunk.start, chunk.end))
                load = pages.load(chunk, column, found, rows, self._most, longest)
                held, block = held + load.held, block + load.block
        binary.check_held(self.source, held, "a row group")
        file = self._with_codes(frozenset(coded - self._coded_anyway))
        if block > self._most:
            self._measure(file, group, rows, needed, coded, block / self._most)
        return dictionaries.shared(self._rows_of(file, rows, group, needed))

    def _with_codes(self, names: frozenset[str]) -> Any:
        """The file, with the columns of these names read as dictionaries."""
        import pyarrow.parquet as pq

        if self._coded[0] != names:
            file = pq.ParquetFile(
                self._place, metadata=self._file.metadata, read_dictionary=sorted(names), **self._settings
            )
            self._coded = names, file
        return self._coded[1]

    def _rows_of(self, file: Any, rows: int, group: int, needed: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        batches: Iterator[pa.RecordBatch]
        batches = file.iter_batches(rows, row_groups=[group], columns=needed and list(needed), use_threads=False)
        return batches

    def _longest(self, group: int, name: str) -> float:
        """Bytes of the longest text in the dictionary of a column, without a bound where only the rows tell."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if name not in (f.name for f in self.schema):  # a part of one
            return inf
        file = pq.ParquetFile(self._place, metadata=self._file.metadata, read_dictionary=[name])
        first = next(self._rows_of(file, 1, group, [name]), None)
        if first is None or not pa.types.is_dictionary(first.column(0).type):
            return inf
        return binary.longest_entry(first.column(0))

    def _measure(
        self, file: Any, group: int, rows: int, needed: Sequence[str] | None, coded: Container[str], times: float
    ) -> None:
        """Reads a row group in steps that are small whatever is in them, to know how many bytes its blocks have."""
        most = min(rows, self._file.metadata.row_group(group).num_rows)
        step, count, block = rows, 0, 0
        while step > 1 and step * times > most:
            step //= 2
        for batch in self._rows_of(file, step, group, needed):
            count, block = count + batch.num_rows, block + binary.expanded(batch, coded)
            binary.check_block(self.source, block)
            if count >= rows:
                count = block = 0

    @property
    def codec(self) -> str | None:
        """The compression of the first row group, where all its columns have the same."""
        first = self._footer.group(0) if self._file.num_row_groups else []
        used = {chunk.codec for chunk in first if chunk}
        return used.pop() if len(used) == 1 and used <= set(COMPRESSIONS) else None


def _is_empty(kind: pa.DataType) -> bool:
    """Whether it is a group without fields. Nothing is stored of one, not even which rows are null; pyarrow leaves it
    out where it is a column, and reads no column that it is a part of."""
    import pyarrow as pa

    return bool(pa.types.is_struct(kind)) and not kind.num_fields


def _has_empty(kind: pa.DataType) -> bool:
    return _is_empty(kind) or any(_has_empty(kind.field(j).type) for j in range(kind.num_fields))


def _with_values(schema: pa.Schema) -> pa.Schema:
    """A schema of the columns of which the file holds something."""
    import pyarrow as pa

    return pa.schema([f for f in schema if not _is_empty(f.type)], schema.metadata)


def far_settings(footer: pages.Footer) -> dict[str, Any]:
    """How to read where each request takes a while: a whole row group at once, or larger pieces of its columns where
    that would be too much to hold."""
    groups = [[chunk.end - chunk.start for chunk in group if chunk] for group in footer.row_groups()]
    if max(map(sum, groups), default=0) <= FAR_GROUP:
        return {"pre_buffer": True}
    return {"pre_buffer": False, "buffer_size": max(1 << 16, FAR_BUFFERS // max(map(len, groups)))}


@dataclass(frozen=True)
class Writer:
    """Row groups with zstd or as the input's are, BYTE_STREAM_SPLIT for floats, dictionaries for text alone, and page
    checksums."""

    schema: pa.Schema
    compression: str = "zstd"

    @classmethod
    def for_input(cls, reader: Any, blank: Frame, options: Options | None, digests: tuple[str, ...]) -> Writer:
        asked = (options or Options()).packing(WHAT, COMPRESSIONS)
        schema = _with_times(binary.output_schema(blank, digests))
        return cls(schema, asked or getattr(reader, "codec", None) or cls.compression)

    @classmethod
    def refused(cls, blank: Frame) -> Schema:
        """Columns of types that the writer does not have; of dictionaries it looks into their values."""
        import pyarrow as pa

        return binary.refused(blank, lambda kind: row_groups.is_refused(pa.table({"x": pa.nulls(1, kind)})))

    def following(self, reader: Any, blank: Frame) -> AnyWriter:
        return binary.following(self, self.schema, reader, blank)

    def encode(self, frame: Frame) -> pa.RecordBatch:
        return dictionaries.encoded(frame.to_arrow(self.schema), self.schema, coded=True)

    def open(self, file: Outlet) -> Sink:
        return Sink(None, WHAT, seal.SealedOutlet(file, MAGIC), self.schema, self.compression)


def _with_times(schema: pa.Schema) -> pa.Schema:
    """A schema with values in place of dictionaries of durations and of moments in a time zone: as those, they would
    be read as whole numbers, and in UTC."""
    import pyarrow.types as t

    for j, f in enumerate(schema):
        kind = f.type.value_type if t.is_dictionary(f.type) else f.type
        if kind is not f.type and (t.is_duration(kind) or (t.is_timestamp(kind) and kind.tz is not None)):
            schema = schema.set(j, f.with_type(kind))
    return schema


FORMAT = Format(
    suffixes=(".parquet", ".pq"),
    binary=True,
    magic=b"PAR1",
    on_pipe="arrows",  # for a pipe has no footer to wait for
    options=Options,
    reader=Reader,
    writer=Writer,
)
