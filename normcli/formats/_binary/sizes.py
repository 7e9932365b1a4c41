"""How much memory record batches take, and how much they may."""

from __future__ import annotations

from collections.abc import Container
from math import inf
from typing import TYPE_CHECKING, NoReturn, Self

from msgspec import Struct

from normcli.errors import lacking, raise_shortage, size
from normcli.formats import Description
from normcli.io.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

CONCURRENT = 4  # blocks, at least, for which there must be room


class Limit(Struct, frozen=True):
    """Bytes of memory that the data of an input may take at once; None: unlimited."""

    name: str  # of the input
    room: int | None

    @classmethod
    def of(cls, source: Source | Description) -> Self:
        return cls(source.name, source.room)

    @property
    def block(self) -> float:
        """Bytes that one block may have."""
        return inf if self.room is None else self.room / CONCURRENT

    def check(self, count: float, what: str) -> None:
        """Raises BadDataError where a number of bytes that can't be read in pieces exceeds it."""
        if self.room is not None and count > self.room:
            self._refuse(f"{what} takes {size(count)} once it is decoded")

    def check_block(self, count: float) -> None:
        """Raises BadDataError where a block of a number of bytes exceeds it."""
        if count > self.block:
            self._refuse(f"{CONCURRENT} blocks of its rows take {size(CONCURRENT * count)} and more")

    def check_expanded(self, block: pa.RecordBatch, longest: int) -> None:
        """Raises BadDataError where a block would be too much, had each row of a dictionary column a text of its own;
        none of these is longer than `longest` bytes."""
        if longest * block.num_rows > self.block:
            self.check_block(expanded(block))

    def _refuse(self, what: str) -> NoReturn:
        raise lacking(self.room, f"{self.name}: {what}, and there are {size(self.room)} of memory to use")


def longest_entry(column: pa.Array) -> int:
    """Bytes of the longest text in the dictionary of a column; 0 where it has none, or one that is damaged."""
    import pyarrow as pa

    try:
        lengths = _entry_lengths(column)
    except pa.ArrowException as e:  # which decoding reports
        raise_shortage(e)
        return 0
    if lengths is None:
        return 0
    import pyarrow.compute as pc

    return int(pc.max(lengths).as_py() or 0)


def expanded(batch: pa.RecordBatch, coded: Container[str] = ()) -> int:
    """Bytes of a batch, each row of a dictionary column with a text of its own unless it is `coded`. Raises
    ArrowException where it is damaged."""
    total = batch.nbytes
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        lengths = None if name in coded else _entry_lengths(column)
        if lengths is not None:
            import pyarrow.compute as pc  # slow to load, and most columns have no dictionary

            total += (pc.sum(lengths.take(column.indices)).as_py() or 0) - column.dictionary.nbytes
    return int(total)


def _entry_lengths(column: pa.Array) -> pa.Array | None:
    """Bytes of each text in the dictionary of a column, None where it has none."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        return None
    import pyarrow.compute as pc

    kind, entries = column.type.value_type, column.dictionary
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)):
        return None
    entries.validate(full=True)
    return pc.binary_length(entries)
