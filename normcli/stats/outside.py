"""The number of values beyond limits."""

from typing import Self

import numpy as np
from msgspec.structs import replace

from normcli.blocks.block import Block, Column
from normcli.blocks.record import Array, per_group
from normcli.stats import ColumnStatistic


class Outside(ColumnStatistic, frozen=True):
    """The number of present values of each column, and of those below `least` or above `greatest`: limits of each
    column in input units; () for no limits."""

    count: Array = per_group("feature", holds="count")
    beyond: Array = per_group("feature", holds="count")
    least: tuple[float, ...] = ()
    greatest: tuple[float, ...] = ()

    def of(self, block: Block) -> Self:
        limits = list(zip(self.least, self.greatest, strict=True)) or [(-np.inf, np.inf)] * len(block.columns)
        counts = [_counted(x, *ends) for x, ends in zip(block.present(), limits, strict=True)]
        table = np.array(counts, np.float64).reshape(len(counts), 2, block.groups)
        return replace(self, count=table[:, 0].T, beyond=table[:, 1].T)

    def _merge(self, other: Self) -> Self:
        return replace(self, count=self.count + other.count, beyond=self.beyond + other.beyond)

    def summary(self) -> dict[str, Array]:
        return {"count": self.count, "outside": self.beyond / np.where(self.count > 0.0, self.count, 1.0)}


def _counted(x: Column, low: float, high: float) -> tuple[Array, Array]:
    """(groups,) the number of values, and of those beyond the limits."""
    if not len(x.values) or (x.values.min() >= low and x.values.max() <= high):  # the common case: faster than counting
        return x.count, np.zeros_like(x.count)
    beyond = (x.values < low) | (x.values > high)
    return x.count, x.total(x.weighted(beyond.astype(np.float64)))
