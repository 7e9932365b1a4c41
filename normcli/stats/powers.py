"""Sums of powers of uncentred values."""

from typing import Self

import numpy as np
from msgspec.structs import replace

from normcli.blocks.block import Column
from normcli.blocks.record import Array, per_group
from normcli.stats import ColumnStatistic
from normcli.stats._compensated import GREATEST, add


class Powers(ColumnStatistic, frozen=True):
    """The sum of |x|^order of each column's present values, in units of the largest of them to that power, so that no
    power over- or underflows: between 1 and their number, or 0 if all are zero. Sums are hi + lo."""

    order: float = 2.0
    largest: Array = per_group("feature", holds="not negative")  # input units
    total: Array = per_group("feature", holds="not negative")
    total_low: Array = per_group("feature")

    def column(self, x: Column) -> tuple[Array, ...]:
        size = np.abs(x.values)
        largest = np.maximum(x.greatest, -x.least)
        largest = np.where(x.count > 0, largest, 0.0)
        size /= x.spread(np.where(largest > 0.0, largest, 1.0))
        total = x.total(x.weighted(_power(size, self.order)))
        return largest, total, np.zeros_like(total)

    def _merge(self, other: Self) -> Self:
        largest = np.maximum(self.largest, other.largest)
        unit = np.where(largest > 0.0, largest, 1.0)
        one, two = (_power(s.largest / unit, self.order) for s in (self, other))
        total, low = add(self.total * one, self.total_low * one, other.total * two, other.total_low * two)
        return replace(self, largest=largest, total=total, total_low=low)

    def norms(self) -> Array:
        """(groups, features) (Σ|x|^order)^(1/order), at most the greatest float."""
        total = self.total + self.total_low
        root = np.sqrt(total) if self.order == 2.0 else total ** (1.0 / self.order)
        with np.errstate(over="ignore"):
            return np.minimum(self.largest * root, GREATEST)


def _power(x: Array, order: float) -> Array:
    return x if order == 1.0 else x * x if order == 2.0 else np.power(x, order)
