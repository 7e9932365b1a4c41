"""Distribution: the values of a column as a quantile sketch knows them."""

from typing import Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from normcli.blocks.record import Array
from normcli.parameters.sketches import ColumnSketches
from normcli.reports.scales import Scale

MANY = 0.1  # the share of a value that is drawn by itself
TAIL = 0.005  # the share of values at each end that may lie outside a picture
BINS = 32


class Distribution(Struct, frozen=True):
    """Sorted values, and the number of rows that each stands for, (n,) each; both are empty without a value."""

    values: Array
    weights: Array

    @classmethod
    def of(cls, values: Array, weights: Array) -> Self:
        """Of values in any order, of which some may be NaN or infinite: these are left out."""
        finite = np.isfinite(values)
        order = np.argsort(values[finite], kind="stable")
        return cls(values[finite][order], weights[finite][order])

    @classmethod
    def in_sketches(cls, sketches: ColumnSketches | None, name: str) -> Self | None:
        """That of a column; None where there is no sketch of it, or no value in it."""
        if sketches is None or name not in sketches.names or sketches.statistic.is_blank:
            return None
        of = cls.of(*sketches.weighted(name))
        return of if len(of.values) else None

    @property
    def total(self) -> float:
        """The number of rows."""
        return float(self.weights.sum())

    @property
    def is_exact(self) -> bool:
        """Whether each value is that of one row."""
        return bool((self.weights == 1.0).all())

    def quantiles(self, shares: Array) -> Array:
        """Linear quantiles between the middles of the ranks of the values."""
        ends = np.cumsum(self.weights)
        middle = (np.append(0.0, ends[:-1]) + ends - 1.0) / 2.0
        return np.asarray(np.interp(shares * (ends[-1] - 1.0), middle, self.values))

    def mean(self) -> float:
        """About the mean of the rows."""
        with np.errstate(all="ignore"):
            return float((self.values * (self.weights / self.total)).sum())

    def deviation(self) -> float:
        """About the standard deviation of the rows."""
        unit = float(np.abs(self.values).max()) or 1.0  # whose square may be no float
        apart = self.values / unit - self.mean() / unit
        return unit * float(np.sqrt((apart**2 * (self.weights / self.total)).sum()))

    def rescaled(self, scale: Scale, to: Self) -> Scale | None:
        """The scale where our values are those of `to`; None unless these lie on a rising line over ours."""
        x, y = self.values, to.values
        if len(x) != len(y) or not x[0] < x[-1] or not y[0] < y[-1]:
            return None
        with np.errstate(all="ignore"):
            slope = (y[-1] - y[0]) / (x[-1] - x[0])
            if not (np.abs(y[0] + slope * (x - x[0]) - y) <= 1e-9 * (y[-1] - y[0])).all():
                return None
            low, high = (float(y[0] + slope * (end - x[0])) for end in (scale.low, scale.high))
        return Scale(low, high) if np.isfinite([low, high]).all() and low < high else None

    def frequent(self) -> Array:
        """The values that several rows have, and at least a tenth of all."""
        values, where = np.unique(self.values, return_inverse=True)
        weights = np.bincount(where, self.weights, len(values))
        return np.asarray(values[(weights >= MANY * self.total) & (weights >= 2.0)])

    def shares(self, values: Array) -> Array:
        """The shares of rows with exactly these values."""
        return np.array([self.weights[self.values == value].sum() for value in values]) / self.total

    def ends(self) -> tuple[float, float]:
        """A range that nearly all values lie in: all of it, unless the tails are long."""
        least, greatest = float(self.values[0]), float(self.values[-1])
        low, high = map(float, self.quantiles(np.array([TAIL, 1.0 - TAIL])))
        room = (high / 2 - low / 2) / 2  # a quarter of the range, in halves
        return (least if low / 2 - least / 2 <= room else low), (greatest if greatest / 2 - high / 2 <= room else high)

    def within(self, bins: "Bins", without: Array) -> Array:
        """(bins,) the share of the rows in each bin, `without` the rows of these values."""
        rest = ~np.isin(self.values, without)
        places = bins.scale.at(self.values[rest])
        return np.histogram(places, bins.count, (0.0, 1.0), weights=self.weights[rest])[0] / self.total


class Bins(Struct, frozen=True):
    """Bins of equal width over a scale."""

    scale: Scale
    count: int

    @classmethod
    def over(cls, fit: Distribution, new: Distribution | None) -> Self:
        """Bins over nearly all values of the fit, and those of new data that lie within twice that range beside it.
        Bins of whole numbers hold equally many of them."""
        low, high = fit.ends()
        if new is not None:
            reach = 4.0 * (high / 2 - low / 2) or np.inf
            first, last = new.ends()
            low, high = min(low, max(first, low - reach)), max(high, min(last, high + reach))
        both = [fit.values] if new is None else [fit.values, new.values]
        if high - low < 1e15 and max(abs(low), abs(high)) < 1e15 and all(map(_is_integral, both)):
            low, high = np.floor(low), np.ceil(high)
            width = np.ceil((high - low + 1.0) / BINS)
            bins = int(np.ceil((high - low + 1.0) / width))
            return cls(Scale(float(low) - 0.5, float(low + width * bins) - 0.5), bins)
        return cls(Scale.around(low, high), BINS)


def _is_integral(values: Array) -> bool:
    return bool((values == np.rint(values)).all())


def evenly(count: int) -> NDArray[np.float64]:
    """Shares from 1 to 99 %, that many."""
    return np.linspace(0.01, 0.99, count)
