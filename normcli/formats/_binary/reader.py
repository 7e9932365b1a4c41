"""Readers of record batches: what Parquet and Arrow have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from normcli import columns
from normcli.columns import Field
from normcli.errors import BadDataError, EmptyInputError, printable
from normcli.formats import Reader
from normcli.formats._binary.chunk import Chunk
from normcli.formats._binary.description import BatchDescription
from normcli.formats._binary.faults import reading
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

    def __init__(self, source: Source, block_size: int | None) -> None:
        """Raises EmptyInputError where there is no byte."""
        if source.length == 0 or (not source.regular and not source.peek(1)):
            raise EmptyInputError(f"{source.name}: is empty", "did the command that made it fail?")
        super().__init__(source)
        self._block_size = block_size
        self._limit = Limit.of(source)

    def list_size(self, name: str) -> int:
        sizes = map(columns.first_size, self._samples(name))
        size = next((s for s in sizes if s is not None), None)
        if not size:
            what = "an empty list" if size == 0 else "no list to take their length from"
            raise BadDataError(
                f"{self.description.name}: there is {what} in column '{printable(name)}'", "-x leaves it out"
            )
        return size

    @abstractmethod
    def _samples(self, name: str) -> Iterator[pa.Array]:
        """The lists in a column, from the first on, as far as they can be had before all is read."""

    @cached_property
    def _rows(self) -> int:
        """Rows to a block: fixed by the schema and the first lists, never by what is requested."""
        if self._block_size:
            return self._block_size
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
            yield Chunk(block, at + rows >= batch.num_rows)
