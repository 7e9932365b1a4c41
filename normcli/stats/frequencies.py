"""The most common values of each column, and the number of distinct values."""

from typing import Annotated, Self

import numpy as np
from msgspec import Meta
from msgspec.structs import replace

from normcli.blocks.block import Block
from normcli.blocks.record import Array, Codes, per_group
from normcli.stats import ColumnStatistic
from normcli.stats._compactors import ascending

Row = tuple[Array, Array, float]  # values (n,), ascending; their counts (n,); what was subtracted from these


class Frequencies(ColumnStatistic, frozen=True):
    """Counts of the most common present values of each column: the summary of Misra and Gries (Finding repeated
    elements, 1982), of at most k values.

    Up to k distinct values, the summary contains all of them, and counts are exact. Beyond, the same amount is
    subtracted from every count until k values are left (Agarwal, Cormode, Huang, Phillips, Wei and Yi, Mergeable
    summaries, 2012). Then a count is low by at most `lost`, and a value that is not in the summary occurs at most
    `lost` times: no more than 1/(k + 1) of the values, for any order, split and merge. Equal blocks merged in the same
    order give equal summaries.
    """

    values: Array = per_group("feature", "value", empty=np.inf, ragged=True)  # input units, ascending
    counts: Array = per_group("feature", "value", holds="not negative", ragged=True)  # by weight
    lost: Array = per_group("feature", holds="not negative")
    k: Annotated[int, Meta(ge=1, le=1 << 20)] = 999

    def of(self, block: Block) -> Self:
        rows: list[list[Row]] = [[(np.empty(0), np.empty(0), 0.0)] * len(block.columns) for _ in range(block.groups)]
        for j, column in enumerate(block.present()):
            for group, x, weights in column.iter_groups():
                rows[group][j] = _common_values(x, weights, self.k)
        return self._laid(rows, len(block.columns))

    def of_counts(self, values: Array, counts: Array, lost: float) -> Self:
        """The summary of one column and one group, from at most k distinct values (n,) and their counts (n,), which are
        low by at most `lost`."""
        order = np.argsort(values)
        return self._laid([[(values[order], counts[order], lost)]], 1)

    def _laid(self, rows: list[list[Row]], features: int) -> Self:
        width = max((len(values) for row in rows for values, _, _ in row), default=0)
        values = np.full((len(rows), features, width), np.inf)
        counts, lost = np.zeros_like(values), np.zeros((len(rows), features))
        for g, row in enumerate(rows):
            for j, (x, count, less) in enumerate(row):
                values[g, j, : len(x)], counts[g, j, : len(x)], lost[g, j] = x, count, less
        return replace(self, values=values, counts=counts, lost=lost)

    def _merge(self, other: Self) -> Self:
        values = np.concatenate([self.values, other.values], axis=2)
        counts = np.concatenate([self.counts, other.counts], axis=2)
        order = np.argsort(values, axis=2, kind="stable")
        values, counts = np.take_along_axis(values, order, 2), np.take_along_axis(counts, order, 2)
        same = values[:, :, 1:] == values[:, :, :-1]  # values are distinct on each side
        counts[:, :, :-1] += np.where(same, counts[:, :, 1:], 0.0)
        counts[:, :, 1:][same] = 0.0
        lost = self.lost + other.lost
        if counts.shape[2] > self.k:
            at = counts.shape[2] - self.k - 1
            less = np.partition(counts, at, axis=2)[:, :, at]  # the greatest count to be dropped
            counts, lost = np.maximum(counts - less[:, :, None], 0.0), lost + less
        order = np.argsort(counts == 0.0, axis=2, kind="stable")
        width = int((counts > 0.0).sum(axis=2).max(initial=0))
        counts = np.take_along_axis(counts, order, 2)[:, :, :width]
        values = np.where(counts > 0.0, np.take_along_axis(values, order, 2)[:, :, :width], np.inf)
        return replace(self, values=values, counts=counts, lost=lost)

    @property
    def extents(self) -> dict[str, int]:
        return {"value": self.k}

    @property
    def distinct(self) -> Array:
        """(groups, features) the number of distinct values; NaN if more than k."""
        return np.where(self.lost > 0.0, np.nan, (self.counts > 0.0).sum(axis=2))

    def most_common(self, group: int, feature: int) -> tuple[Array, Array]:
        """The values of a column that are certainly more common than any not in the summary, by descending count (equal
        counts by ascending value), and their counts, which are low by at most `lost`."""
        values, counts = self.values[group, feature], self.counts[group, feature]
        certain = np.flatnonzero(counts > self.lost[group, feature])
        order = certain[np.argsort(-counts[certain], kind="stable")]
        return values[order], counts[order]

    def summary(self) -> dict[str, Array]:
        return {"distinct": self.distinct}


def common(counts: Array, k: int) -> tuple[Codes, float]:
    """The places of the at most k values that remain, by the counts (n,), and what to subtract from their counts."""
    if len(counts) <= k:
        return np.arange(len(counts)), 0.0
    at = len(counts) - k - 1
    less = float(np.partition(counts, at)[at])
    return np.flatnonzero(counts > less), less


def _common_values(x: Array, weights: Array | None, k: int) -> Row:
    """The summary of values (n,) of one column and one group."""
    order = None if weights is None else np.argsort(x, kind="stable")
    ordered = ascending(x) if order is None else x[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))[: len(x)]
    if weights is None and len(starts) == len(x) > k:  # as for most measurements: no value occurs twice
        return np.empty(0), np.empty(0), 1.0
    if weights is None or order is None:
        counts = np.diff(starts, append=len(x)).astype(np.float64)
    else:
        counts = np.add.reduceat(weights[order], starts)
    places, lost = common(counts, k)
    return ordered[starts[places]] + 0.0, counts[places] - lost, lost  # zero has one sign
