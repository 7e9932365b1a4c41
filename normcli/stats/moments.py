"""Count, mean and squares of each column."""

from typing import Self

import numpy as np
from msgspec.structs import replace

from normcli.blocks.block import Column
from normcli.blocks.record import Array, per_group
from normcli.blocks.reductions import Reductions
from normcli.stats import ReducedStatistic
from normcli.stats._compensated import add, bounded, in_unit, mean, merged_mean, scaled, unit

OFF_CENTRE = 2.0**-10  # share of n·lo² in the squares above which they are computed again


class Moments(ReducedStatistic, frozen=True):
    """Count, mean and centred sum of squares of each column's present values.

    Mean and squares are hi + lo. A block is reduced in two passes (centre on its rounded mean, then square; Chan,
    Golub and LeVeque 1983, the corrected two-pass algorithm), blocks are merged by their pairwise update. Squares
    beyond the range of a float are clipped to the greatest float; methods that square refuse such columns. For a tiny
    total weight they are stored times 2^`unit`.
    """

    count: Array = per_group("feature", holds="count")
    missing: Array = per_group("feature", holds="count", optional=True)
    mean: Array = per_group("feature")  # input units
    mean_low: Array = per_group("feature")
    squares: Array = per_group("feature", holds="not negative")  # input units, squared
    squares_low: Array = per_group("feature")

    def column(self, x: Column | Reductions) -> tuple[Array, ...]:
        count, missing = x.count, x.missing
        x = x if isinstance(x, Reductions) else in_unit(x)
        n = x.count
        centre = x.mean if isinstance(x, Reductions) else mean(x, x.values)
        low, squares = _about(x, centre)
        off_centre = ~(n * low * low <= OFF_CENTRE * squares) | np.isinf(squares)
        if off_centre.any():
            centre = np.where(off_centre, centre + low, centre)
            low, squares = _about(x, centre)
        squares = np.maximum(squares - n * low * low, 0.0)
        hi = centre + low
        squares, nothing = bounded(squares, np.zeros_like(n))
        return count, missing, hi, low - (hi - centre), squares, nothing

    def _merge(self, other: Self) -> Self:
        hi, lo, gap, share = merged_mean(
            (self.count, other.count), (self.mean, other.mean), (self.mean_low, other.mean_low)
        )
        count = self.count + other.count
        power = unit(count)
        shifts = ((s, power - unit(s.count)) for s in (self, other))
        terms = [scaled(a, shift) for s, shift in shifts for a in (s.squares, s.squares_low)]
        with np.errstate(over="ignore", invalid="ignore"):
            between = gap * (gap * (scaled(self.count, power) * share))
            squares = add(*terms, between)
        squares_hi, squares_lo = bounded(*squares)
        return replace(
            self,
            count=count,
            missing=self.missing + other.missing,
            mean=hi,
            mean_low=lo,
            squares=squares_hi,
            squares_low=squares_lo,
        )

    def variance(self, ddof: int) -> Array:
        """(groups, features) squares / (count − ddof), 0 where count ≤ ddof."""
        left = scaled(self.count - ddof, unit(self.count))
        return np.where(left > 0, (self.squares + self.squares_low) / np.where(left > 0, left, 1.0), 0.0)

    def summary(self) -> dict[str, Array]:
        return {
            "count": self.count,
            "missing": self.missing,
            "mean": self.mean + self.mean_low,
            "std": np.sqrt(self.variance(0)),
        }


def _about(x: Column | Reductions, centre: Array) -> tuple[Array, Array]:
    """(groups,) mean and sum of squares of x − centre."""
    if isinstance(x, Reductions):
        return x.about(centre)
    with np.errstate(over="ignore"):
        d = x.values - x.spread(centre)
        low = mean(x, d)
        return np.where(np.isfinite(low), low, 0.0), x.total(x.weighted(np.square(d, out=d)))
