"""Row groups of a Parquet file, read as batches of rows in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator, Sequence
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from normcli.formats import load
from normcli.formats._binary import dictionaries, pages, row_groups, seal
from normcli.formats._binary.chunk import Chunk
from normcli.formats._binary.faults import in_place
from normcli.formats._binary.group_decoding import ColumnBlocks, GroupDecoding
from normcli.formats._binary.parquet_file import ParquetFile
from normcli.formats._binary.sizes import Limit, expanded, longest_entry
from normcli.io.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

FAR_GROUP = 128 << 20  # bytes of a row group that are requested together, of an object store
FAR_BUFFERS = 64 << 20  # or else so many of all columns
SHARES = 16  # of columns, at most, that are decoded side by side: each takes some microseconds a block
OF_BLOCK = 2  # and so many for each block of a row group: as many workers are at it at once, at most
LARGEST = (1 << 31) - 1  # bytes of a block whose texts are in one array


class _Plan(Struct):
    """How a row group is read: where the chunks of each column are, the columns that are read as dictionaries, bytes
    that are held all the time and by a block at most, as far as they are known; and whether columns can be decoded
    side by side."""

    places: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    codes: frozenset[str] = frozenset()
    held: float = 0.0
    block: float = 0.0
    in_shares: bool = True


class RowGroups:
    """The row groups of a Parquet file. Checksums of pages are verified, or the seal where there is one."""

    def __init__(self, source: Source, magic: bytes) -> None:
        """Raises ValueError or ArrowException where the file is damaged."""
        import pyarrow as pa

        self._source, self._limit = source, Limit.of(source)
        place = self._place = in_place(source)
        self._seal = seal.seal_of(source, magic)
        settings: dict[str, Any] = {"page_checksum_verification": self._seal is None or source.is_far}
        settings |= {"pre_buffer": False, "buffer_size": 1 << 16}
        self._file = ParquetFile(place, **settings)
        self.footer = pages.Footer(source)
        if source.is_far:
            settings |= far_settings(self.footer)
            self._file = ParquetFile(place, metadata=self._file.metadata, **settings)
        self._settings, self._coded = settings, (frozenset[str](), self._file)
        self.arrow: pa.Schema = self._file.arrow
        texts = [f for f in row_groups.fields_by_path(self.arrow) if dictionaries.is_text(f.type)]
        self._texts = frozenset(f.name for f in texts)
        self._coded_anyway = frozenset(f.name for f in texts if pa.types.is_dictionary(f.type))
        paths = [column.path for column in self._file.schema]
        self._names: Sequence[str | None] = _columns_of(paths, self.arrow) or [None] * len(paths)  # of chunks' columns
        about = self._file.metadata
        self.count, self.rows = int(about.num_row_groups), int(about.num_rows)
        in_groups = sum(map(self.rows_in, range(self.count)))
        if in_groups != self.rows:
            raise ValueError(f"{self.rows:,} rows by the footer, {in_groups:,} in its row groups")

    def rows_in(self, group: int) -> int:
        """How many rows a row group has."""
        return int(self._file.metadata.row_group(group).num_rows)

    def blocks(self, rows: int, group: int, needed: Sequence[str] | None) -> Iterator[Chunk]:
        """A row group as blocks of so many rows, mostly to be decoded by whoever works on them. Raises as `batches`."""
        plan = self._plan(rows, group, needed)
        names = [n for n in (self.arrow.names if needed is None else needed) if n in plan.places]
        file = self._with_codes(plan.codes)
        if not plan.in_shares or not names:
            yield from self._decoded(self._batches(file, plan, rows, group, needed), group)
            return
        count, read = self.rows_in(group), partial(self._batches, file, plan, rows, group)
        sizes = [min(rows, count - at) for at in range(0, count, rows)]
        step = -(-len(names) // min(SHARES, OF_BLOCK * len(sizes))) if len(sizes) > 1 else len(names)
        shares = [names[at : at + step] for at in range(0, len(names), step)]
        decoding = GroupDecoding(self._source, sizes, [ColumnBlocks(partial(read, share)) for share in shares])
        for number, size in enumerate(sizes):
            held = 0 if number else plan.held  # while the group before it is, too
            needs = load(int(held + min(plan.block, self._limit.block)), size * len(names))
            yield Chunk(size, number + 1 == len(sizes), partial(decoding.block, number), needs)

    def _decoded(self, batches: Iterator[pa.RecordBatch], group: int) -> Iterator[Chunk]:
        """A row group as blocks that are decoded in turn, perhaps of fewer rows."""
        left = self.rows_in(group)
        for batch in batches:
            left -= batch.num_rows
            yield Chunk.of(batch, can_end_segment=left == 0)
        if left:  # checksums do not cover the headers of pages
            raise ValueError(f"{abs(left)} rows too {'few' if left > 0 else 'many'} in a row group")

    def batches(self, rows: int, group: int, needed: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        """A row group's rows, so many at a time; as they were written where they are sealed. Raises BadDataError where
        they would take too much memory; ValueError, ArrowException where they are damaged."""
        plan = self._plan(rows, group, needed)
        return self._batches(self._open(plan.codes), plan, rows, group, needed)

    def _plan(self, rows: int, group: int, needed: Sequence[str] | None) -> _Plan:
        """Raises as `batches`, before anything is decoded."""
        fields, chunks, plan = self._file.schema, self.footer.group(group), _Plan()
        if len(chunks) != len(fields):
            raise ValueError(f"{len(chunks):,} columns in row group {group + 1}, {len(fields):,} by the schema")
        coded, wanted = set[str](), None if needed is None else set(needed)
        for chunk, column, name in zip(chunks, fields, self._names, strict=True):
            if not (wanted is None or name is None or name in wanted):
                continue
            places = plan.places.setdefault(name or "", [])
            if chunk is None:  # whoever reads it reports that it is encrypted
                continue
            places.append((chunk.start, chunk.end))
            longest: Callable[[], float] | None = partial(self._longest, group, chunk.path)
            if chunk.path in self._texts and pages.is_coded(chunk, rows):
                coded.add(chunk.path)
                longest = None
            if chunk.path in self._coded_anyway and chunk.dictionary == inf:
                plan.in_shares = False  # where the dictionary ends, so does a batch
            if self._limit.room is not None and not self._source.is_far:  # where each header would be a request
                headers = list(pages.pages(self._source.read_at, chunk.start, chunk.end))
                more = pages.load(chunk, column, headers, rows, self._limit.block, longest)
                plan.held, plan.block = plan.held + more.held, plan.block + more.block
        self._limit.check(plan.held, "a row group")
        plan.codes = frozenset(coded - self._coded_anyway)
        if plan.block > self._limit.block:
            self._measure(self._open(plan.codes), group, rows, needed, coded, plan.block / self._limit.block)
        if self._source.is_far or plan.block > LARGEST or None in self._names:
            plan.in_shares = False
        return plan

    def _batches(
        self, file: ParquetFile, plan: _Plan, rows: int, group: int, needed: Sequence[str] | None
    ) -> Iterator[pa.RecordBatch]:
        if self._seal:
            for name in needed if plan.in_shares and needed is not None else plan.places:
                for start, end in plan.places.get(name, ()):
                    self._seal.check(start, end)
        return dictionaries.shared(file.batches(rows, group, needed))

    def _with_codes(self, names: frozenset[str]) -> ParquetFile:
        """The file, with the columns of these names read as dictionaries: for batches of as many rows each, for how
        many there are is a setting of the file."""
        if self._coded[0] != names:
            self._coded = names, self._open(names)
        return self._coded[1]

    def _open(self, coded: Collection[str] = ()) -> ParquetFile:
        return ParquetFile(self._place, metadata=self._file.metadata, coded=coded, **self._settings)

    def _longest(self, group: int, name: str) -> float:
        """Bytes of the longest text in the dictionary of a column, without a bound where only the rows tell."""
        import pyarrow as pa

        if name not in self.arrow.names:  # a part of one
            return inf
        file = self._open([name])
        first = next(file.batches(1, group, [name]), None)
        if first is None or not pa.types.is_dictionary(first.column(0).type):
            return inf
        return longest_entry(first.column(0))

    def _measure(
        self, file: ParquetFile, group: int, rows: int, needed: Sequence[str] | None, coded: Container[str],
        times: float,
    ) -> None:  # fmt: skip
        """Reads a row group in steps that are small for any content, to measure the bytes of its blocks."""
        most = min(rows, self.rows_in(group))
        step, count, block = rows, 0, 0
        while step > 1 and step * times > most:
            step //= 2
        for batch in file.batches(step, group, needed):
            count, block = count + batch.num_rows, block + expanded(batch, coded)
            self._limit.check_block(block)
            if count >= rows:
                count = block = 0


def _columns_of(paths: Sequence[str], schema: pa.Schema) -> list[str] | None:
    """The column that each path is of, in the order of the schema; None where that is not certain."""
    names = iter(schema.names if len(row_groups.fields_by_path(schema)) == len(schema) else ())
    columns, name = list[str](), next(names, None)
    for path in paths:
        while name is not None and path != name and not path.startswith(f"{name}."):
            name = next(names, None)
        if name is None:
            return None
        columns.append(name)
    return columns


def far_settings(footer: pages.Footer) -> dict[str, Any]:
    """How to read where each request takes a while: a whole row group together, or larger pieces of its columns where
    that would be too much to hold."""
    groups = [[chunk.end - chunk.start for chunk in group if chunk] for group in footer.row_groups()]
    if max(map(sum, groups), default=0) <= FAR_GROUP:
        return {"pre_buffer": True}
    return {"pre_buffer": False, "buffer_size": max(1 << 16, FAR_BUFFERS // max(map(len, groups)))}
