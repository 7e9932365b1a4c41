"""Columns of native frames as bytes: numbers as they stand in memory, and of the text what is written again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar

import numpy as np
from msgspec import Struct

from normcli.kernel import text as kernel
from normcli.kernel.text import Fields, Numbers, Offsets, Words

T = TypeVar("T")
EMPTY = 2  # bytes of an empty field that is alone in its line: quotes


@lru_cache(maxsize=16)
def shared(value: T) -> T:
    """One and the same object for equal ones, as there are many layouts of the same columns."""
    return value


class PackedColumns(Struct, frozen=True):
    """The layout of packed columns: the memory of numbers, column by column; the lengths of fields, column by column,
    and of the words for missing values; the rows of these, and their columns; the text of all fields and words in that
    order, each in a line of its own."""

    places: tuple[tuple[str, int | None], ...]  # of columns of numbers, among those that have words; None: of fields
    rows: int
    words: int

    def unpack(self, data: bytes) -> tuple[dict[str, Numbers | Fields], Words]:
        """The columns, whose fields stand in these bytes, and the words, whose first row is 0."""
        numbers = sum(place is not None for _, place in self.places)
        values = np.frombuffer(data, np.float64, numbers * self.rows).reshape(numbers, self.rows)
        count = (len(self.places) - numbers) * self.rows
        lengths = np.frombuffer(data, np.uint32, count + self.words, values.nbytes)
        at = values.nbytes + lengths.nbytes
        missing = np.empty(self.words, kernel.WORD)
        missing["row"], missing["column"] = np.frombuffer(data, np.uint32, 2 * self.words, at).reshape(2, self.words)
        sizes = np.where(lengths == 0, np.uint32(EMPTY), lengths) + np.uint32(1)  # of lines
        starts = np.cumsum(sizes, dtype=np.uint32) - sizes + np.uint32(at + 8 * self.words)
        missing["start"], missing["length"] = starts[count:], lengths[count:]
        of_numbers, first = iter(values), iter(range(0, count, self.rows or 1))

        def fields(start: int) -> Fields:
            return Fields(starts[start : start + self.rows], lengths[start : start + self.rows])

        columns = {
            n: fields(next(first, 0)) if place is None else Numbers(next(of_numbers), place) for n, place in self.places
        }
        return columns, missing


def pack(
    columns: Mapping[str, Numbers | Fields], rows: int, text: bytes, words: Words, first_row: int
) -> tuple[PackedColumns, list[memoryview]]:
    """The layout and the memory of columns, of which fields stand in a text, and the words for missing values of some
    rows, the first of which is called `first_row` there."""
    words = words[slice(*np.searchsorted(words["row"], [first_row, first_row + rows]))]
    fields = [c for c in columns.values() if isinstance(c, Fields)]
    starts: Offsets = np.concatenate([*(f.starts for f in fields), words["start"]])
    lengths: Offsets = np.concatenate([*(f.lengths for f in fields), words["length"]])
    table = kernel.Table([Fields(starts, lengths)], len(starts), text, np.empty(0, kernel.WORD), 0)
    lines = table.formatted(",", crlf=False)
    assert lines is not None, "there are no numbers"
    places = shared(tuple((n, c.place if isinstance(c, Numbers) else None) for n, c in columns.items()))
    values = [c.values for c in columns.values() if isinstance(c, Numbers)]
    arrays = (*values, lengths, words["row"] - np.uint32(first_row), words["column"])
    memory = [np.ascontiguousarray(a).view(np.uint8).data for a in arrays]
    return PackedColumns(places, rows, len(words)), [*memory, *(memoryview(line) for line in lines)]
