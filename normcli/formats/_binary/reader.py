"""Readers of record batches: what Parquet and Arrow have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar, Self

from msgspec.structs import replace

from normcli import columns
from normcli.caching import cached_property
from normcli.columns import Field
from normcli.errors import BadDataError, EmptyInputError, printable
from normcli.formats import Address, Description, Reader
from normcli.formats._binary.chunk import Chunk
from normcli.formats._binary.description import BatchDescription
from normcli.formats._binary.faults import reading
from normcli.formats._binary.options import Options
from normcli.formats._binary.sizes import Limit, longest_entry
from normcli.io.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 65_536  # rows to a block, within a row group or batch; part of what makes results the same bytes
VALUES = 1 << 20  # and fewer rows, by halves down to 1,024, where a block would hold more values than this
FEW = 1024  # rows to a sample


class BatchReader(Reader):
    """An input of record batches, cut into blocks of rows."""

    description: BatchDescription
    what: ClassVar[str]  # what the input should be, in words
    _range: range | None = None  # the row groups or batches that are read; None: all

    def __init__(self, source: Source, block_size: int | None) -> None:
        """Raises EmptyInputError where there is no byte."""
        if source.length == 0 or (not source.regular and not source.peek(1)):
            raise EmptyInputError(f"{source.name}: is empty", "did the command that made it fail?")
        super().__init__(source, block_size)
        self._limit = Limit.of(source)

    @classmethod
    def at(cls, source: Source, description: Description, address: Address) -> Self:
        make: Callable[..., Self] = cls
        reader = make(source, Options(), block_size=description.block_size)
        reader._range = range(address.start, address.end)
        size = sum(reader._row_counts(address.start, address.end))
        return reader.described_as(replace(description, start=address.place, size=size, notices=()))

    def runs(self) -> Iterator[tuple[Address, int]]:
        place = 0
        for number, rows in enumerate(self._row_counts()):
            yield Address(number, number + 1, place), -(-rows // self._rows)
            place += rows

    def _row_counts(self, start: int = 0, end: int | None = None) -> Iterator[int]:
        """The number of rows in each row group or batch, or some of them, where that is known before it is read."""
        yield from ()

    def list_size(self, name: str) -> int:
        sizes = map(columns.first_size, self._samples(name))
        size = next((s for s in sizes if s is not None), None)
        if not size:
            what = "an empty list" if size == 0 else "no list to take their length from"
            raise BadDataError(
                f"{self.description.name}: there is {what} in column '{printable(name)}'", "-x leaves it out"
            )
        return size

    def _numbers(self, count: int) -> range:
        """Of the row groups or batches that are read, of so many in all."""
        return range(count) if self._range is None else self._range

    @abstractmethod
    def _samples(self, name: str) -> Iterator[pa.Array]:
        """The lists in a column, from the first on, as far as they can be had before all is read."""

    @cached_property
    def _rows(self) -> int:
        """Rows to a block: fixed by the schema and the first lists, never by what is requested."""
        if self.description.block_size:
            return self.description.block_size
        rows, values = BLOCK, sum(map(self._values, self.description.schema))
        while rows > 1024 and rows * values > VALUES:
            rows //= 2
        return rows

    def _values(self, field: Field) -> int:
        """How many values there are to a row."""
        if field.list_of is None or field.list_size is not None:
            return field.list_size or 1
        first = next(self._samples(field.name), None)
        return (columns.first_size(first) if first is not None else None) or 1

    def _blocks(self, batch: pa.RecordBatch, rows: int) -> Iterator[Chunk]:
        """A batch in blocks, without a copy."""
        longest = max(map(longest_entry, batch.columns), default=0)
        for at in range(0, batch.num_rows, rows):
            block = batch.slice(at, rows)
            with reading(self.source, self.what):
                self._limit.check_expanded(block, longest)
            yield Chunk.of(block, can_end_segment=at + rows >= batch.num_rows)
