"""Category: how often the most common values of a column of texts occur."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

import numpy as np
from msgspec import Struct, field

from normcli.columns import Frame
from normcli.stats.frequencies import common

K = 64  # values of a column: a count is low by at most 1/65 of the rows
ENTRY = 200  # bytes of a count, and of a value that is not long


class Category(Struct, frozen=True):
    """Counts of the values of the column `name` in some rows, each of which counts once: the summary of Misra and
    Gries, of at most 64 values, as Frequencies has it.

    `rows` are those with a value, `missing` those without one. A count is low by at most `lost`, and a value that has
    none occurs at most `lost` times. Up to 64 values all counts are exact.
    """

    name: str
    rows: int = 0
    missing: int = 0
    lost: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def all_rows(self) -> int:
        """Rows with a value, and those without one."""
        return self.rows + self.missing

    @property
    def nbytes(self) -> int:
        """The memory that it takes, about, or will take after all rows."""
        return K * ENTRY + sum(map(sys.getsizeof, self.counts))

    @property
    def distinct(self) -> int | None:
        """The number of different values; None where there may be more than are counted."""
        return None if self.lost else len(self.counts)

    @property
    def most_common(self) -> list[tuple[str, int]]:
        """All values that are counted, the most common first; equal counts are in the order of their values."""
        return sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))

    def of(self, frame: Frame) -> Category:
        """The counts of the same column in the rows of a frame. Raises BadRowError for a column that is neither text
        nor integers."""
        codes, values = frame.texts(self.name)
        times = np.bincount(codes, minlength=len(values))
        missing = sum(int(times[i]) for i, value in enumerate(values) if value is None)
        present = np.array([i for i, value in enumerate(values) if value is not None and times[i]], np.intp)
        places, lost = common(times[present].astype(np.float64), K)
        counts = {str(values[i]): int(times[i] - lost) for i in present[places].tolist()}
        return Category(self.name, frame.rows - missing, missing, int(lost), counts)

    def merge(self, other: Category) -> Category:
        """Of the rows of both."""
        counts = dict(self.counts)
        for value, count in other.counts.items():
            counts[value] = counts.get(value, 0) + count
        less = int(common(np.array(list(counts.values()), np.float64), K)[1])
        counts = {value: count - less for value, count in counts.items() if count > less}
        lost = self.lost + other.lost + less
        return Category(self.name, self.rows + other.rows, self.missing + other.missing, lost, counts)

    def shares(self, value: str | None) -> tuple[float, float]:
        """The least and the greatest share of all rows that a value may have; None is missing."""
        if value is None:
            return self.missing / self.all_rows, self.missing / self.all_rows
        count = self.counts.get(value, 0)
        return count / self.all_rows, min(count + self.lost, self.rows) / self.all_rows


def merged(first: Sequence[Category], second: Sequence[Category]) -> tuple[Category, ...]:
    """Those of the rows of both, by name: a column that one of them lacks is as in the other."""
    columns = {category.name: category for category in first}
    for category in second:
        before = columns.get(category.name)
        columns[category.name] = category if before is None else before.merge(category)
    return tuple(columns.values())


def counted(categories: Sequence[Category], frames: Iterable[Frame]) -> tuple[Category, ...]:
    """Of the same columns, in the rows of frames. Raises BadRowError."""
    parts = (tuple(category.of(frame) for category in categories) for frame in frames)
    return reduce(merged, parts) if categories else ()
