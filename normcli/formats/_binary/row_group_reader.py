"""Row groups of a Parquet file, read as batches of rows in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any

from normcli.formats._binary import dictionaries, pages, row_groups, seal
from normcli.formats._binary.faults import in_place
from normcli.formats._binary.sizes import Limit, expanded, longest_entry
from normcli.io.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

FAR_GROUP = 128 << 20  # bytes of a row group that are requested together, of an object store
FAR_BUFFERS = 64 << 20  # or else so many of all columns


class RowGroups:
    """The row groups of a Parquet file. Checksums of pages are verified, or the seal where there is one."""

    def __init__(self, source: Source, magic: bytes) -> None:
        """Raises ValueError or ArrowException where the file is damaged."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._source, self._limit = source, Limit.of(source)
        place = self._place = in_place(source)
        self._seal = seal.seal_of(source, magic)
        settings: dict[str, Any] = {"page_checksum_verification": self._seal is None or source.is_far}
        settings |= {"pre_buffer": False, "buffer_size": 1 << 16}
        self._file = pq.ParquetFile(place, **settings)
        self.footer = pages.Footer(source)
        if source.is_far:
            settings |= far_settings(self.footer)
            self._file = pq.ParquetFile(place, metadata=self._file.metadata, **settings)
        self._settings, self._coded = settings, (frozenset[str](), self._file)
        self.arrow: pa.Schema = self._file.schema_arrow
        texts = [f for f in row_groups.fields_by_path(self.arrow) if dictionaries.is_text(f.type)]
        self._texts = frozenset(f.name for f in texts)
        self._coded_anyway = frozenset(f.name for f in texts if pa.types.is_dictionary(f.type))
        about = self._file.metadata
        self.count, self.rows = int(about.num_row_groups), int(about.num_rows)
        in_groups = sum(map(self.rows_in, range(self.count)))
        if in_groups != self.rows:
            raise ValueError(f"{self.rows:,} rows by the footer, {in_groups:,} in its row groups")

    def rows_in(self, group: int) -> int:
        """How many rows a row group has."""
        return int(self._file.metadata.row_group(group).num_rows)

    def batches(self, rows: int, group: int, needed: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        """A row group's rows, so many at a time; as they were written where they are sealed. Raises BadDataError where
        they would take too much memory."""
        held, block, fields, chunks = 0.0, 0.0, self._file.schema, self.footer.group(group)
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
            if self._limit.room is not None and not self._source.is_far:  # where each header would be a request
                headers = list(pages.pages(self._source.read_at, chunk.start, chunk.end))
                load = pages.load(chunk, column, headers, rows, self._limit.block, longest)
                held, block = held + load.held, block + load.block
        self._limit.check(held, "a row group")
        file = self._with_codes(frozenset(coded - self._coded_anyway))
        if block > self._limit.block:
            self._measure(file, group, rows, needed, coded, block / self._limit.block)
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

        if name not in self.arrow.names:  # a part of one
            return inf
        file = pq.ParquetFile(self._place, metadata=self._file.metadata, read_dictionary=[name])
        first = next(self._rows_of(file, 1, group, [name]), None)
        if first is None or not pa.types.is_dictionary(first.column(0).type):
            return inf
        return longest_entry(first.column(0))

    def _measure(
        self, file: Any, group: int, rows: int, needed: Sequence[str] | None, coded: Container[str], times: float
    ) -> None:
        """Reads a row group in steps that are small for any content, to measure the bytes of its blocks."""
        most = min(rows, self.rows_in(group))
        step, count, block = rows, 0, 0
        while step > 1 and step * times > most:
            step //= 2
        for batch in self._rows_of(file, step, group, needed):
            count, block = count + batch.num_rows, block + expanded(batch, coded)
            self._limit.check_block(block)
            if count >= rows:
                count = block = 0


def far_settings(footer: pages.Footer) -> dict[str, Any]:
    """How to read where each request takes a while: a whole row group together, or larger pieces of its columns where
    that would be too much to hold."""
    groups = [[chunk.end - chunk.start for chunk in group if chunk] for group in footer.row_groups()]
    if max(map(sum, groups), default=0) <= FAR_GROUP:
        return {"pre_buffer": True}
    return {"pre_buffer": False, "buffer_size": max(1 << 16, FAR_BUFFERS // max(map(len, groups)))}
