"""Shapes: distributions of columns as step functions, the fitted ones and those of new data at the same cuts."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from normcli.blocks.record import Array
from normcli.caching import cached_property
from normcli.drift.bounds import inverse_counts

OUTER = 20  # cuts beyond each end of the fitted values, so that deciles of wider data are known, and one at the end
REACH, GROWTH = 0.25, 2.0  # of the nearest of them, in spreads; and of each by the one before
EPSILON = 1e-12  # of rounded sums of shares
LARGEST = np.finfo(np.float64).max


class Shapes(Struct, frozen=True, dict=True):
    """Fitted distributions and counts of new data, (columns, cuts) each.

    Cuts ascend; those without fitted mass lie beyond the fitted values, or pad a column of fewer. `fitted` and `data`
    count independent rows; an `error` is that of the ranks of a sketch, as a share of all values.
    """

    cuts: Array
    weights: Array  # number of fitted values at each cut
    less: Array  # number of new values below each cut
    most: Array  # and of those at most as large
    total: Array  # (columns,) number of new values
    fitted: Array  # (columns,)
    data: Array  # (columns,)
    fitted_error: Array  # (columns,)
    data_error: Array  # (columns,)
    least: Array  # (columns,) new value; NaN where unknown
    greatest: Array  # (columns,)

    @cached_property
    def upto(self) -> Array:
        """F: the share of fitted values up to each cut."""
        return np.asarray(np.cumsum(self.weights, axis=-1) / self._values)

    @cached_property
    def below(self) -> Array:
        """The share of fitted values below each cut."""
        return np.asarray((np.cumsum(self.weights, axis=-1) - self.weights) / self._values)

    @property
    def shares(self) -> Array:
        """The share of fitted values at each cut."""
        return np.asarray(self.weights / self._values)

    @property
    def _values(self) -> Array:
        return np.asarray(self.weights.sum(axis=-1, keepdims=True))

    @cached_property
    def new_upto(self) -> Array:
        """G: the share of new values up to each cut."""
        with np.errstate(all="ignore"):
            return np.asarray(self.most / self.total[..., None])

    @cached_property
    def new_below(self) -> Array:
        """The share of new values below each cut."""
        with np.errstate(all="ignore"):
            return np.asarray(self.less / self.total[..., None])

    @property
    def h(self) -> Array:
        """(columns,) 1/n + 1/m."""
        return inverse_counts(self.fitted, self.data)

    @property
    def error(self) -> Array:
        """(columns,) of ranks, of both sketches."""
        return self.fitted_error + self.data_error

    def place(self, share: Array | float) -> NDArray[np.intp]:
        """(columns,) the index of the first cut up to which there is this share of the fitted values."""
        wanted = np.broadcast_to(np.asarray(share, np.float64), self.cuts.shape[:-1])[..., None]
        return np.asarray(np.minimum((self.upto < wanted - EPSILON).sum(axis=-1), self.cuts.shape[-1] - 1))

    def at(self, place: NDArray[np.intp]) -> Array:
        """(columns,) the cuts at these indices."""
        return np.asarray(np.take_along_axis(self.cuts, place[..., None], -1)[..., 0])

    def quantile(self, share: Array | float) -> Array:
        """(columns,) the least fitted value up to which there is this share."""
        return self.at(self.place(share))

    def new_quantile(self, share: float) -> Array:
        """(columns,) the same of new values, which are spread evenly between two cuts, as far as they reach."""
        place = np.minimum((self.new_upto < share - EPSILON).sum(axis=-1), self.cuts.shape[-1] - 1)
        before = np.maximum(place - 1, 0)
        low, high = (
            np.take_along_axis(a, i[..., None], -1)[..., 0]
            for a, i in ((self.new_upto, before), (self.new_below, place))
        )
        with np.errstate(all="ignore"):
            part = np.clip((share - low) / (high - low), 0.0, 1.0)
            a, b = np.fmax(self.at(before), self.least), np.fmin(self.at(place), self.greatest)
            value = np.where((place > before) & (high > low), a + (b - a) * part, b)
            return np.where(self.total > 0, value, np.nan)


class Cuts(Struct, frozen=True):
    """The cuts of one column, ascending, and the number of fitted values at each: two at least, NaN of a column without
    any value, so that nothing is known of it."""

    at: Array  # (cuts,)
    weights: Array

    @classmethod
    def of(cls, values: Array, weights: Array) -> Self:
        """Of the sorted items of a sketch, and the number of values that each stands for: these, and some beyond."""
        if not len(values):
            return cls(np.full(2, np.nan), np.zeros(2))
        upto = np.cumsum(weights) / weights.sum()
        first, last = values[np.searchsorted(upto, np.array([0.1, 0.9]) - EPSILON)]
        with np.errstate(over="ignore"):
            spread = next((s for s in (last - first, values[-1] - values[0], abs(values[0])) if s > 0.0), 1.0)
            reach = spread * np.append(REACH * GROWTH ** np.arange(OUTER), np.inf)
            outer = np.clip([values[0] - reach, values[-1] + reach], -LARGEST, LARGEST)
        at = np.sort(np.concatenate([values, *outer]))
        at = at[np.append(True, at[1:] > at[:-1])]  # as np.unique, which imports numpy.ma
        return cls(at, np.bincount(np.searchsorted(at, values), weights, len(at)).astype(np.float64))


class Counted(Struct, frozen=True):
    """New values of one column among its cuts: how many are less than each, and at most as large, and all."""

    less: Array  # (cuts,)
    most: Array
    total: float
    error: float = 0.0  # of ranks, as a share, where the values are known from a sketch

    @classmethod
    def of(cls, cuts: Cuts, values: Array, weights: Array, error: float) -> Self:
        """Of the sorted items of a sketch, and the number of values that each stands for."""
        upto = np.append(0.0, np.cumsum(weights))
        less, most = (upto[np.searchsorted(values, cuts.at, side)] for side in ("left", "right"))
        return cls(less, most, float(upto[-1]), error)


def joined(
    columns: Sequence[tuple[Cuts, Counted]], rows: tuple[Array, Array], fitted_error: Array, ends: tuple[Array, Array]
) -> Shapes:
    """The shapes of one column or more, of so many independent `rows` (columns,) of the fit and of new data, whose
    least and greatest values are `ends`, NaN where unknown."""
    width = max(len(cuts.at) for cuts, _ in columns)

    def padded(arrays: Iterable[tuple[Array, float]]) -> Array:
        rows = [np.pad(a, (0, width - len(a)), constant_values=fill) for a, fill in arrays]
        return np.array(rows, np.float64).reshape(len(rows), width)

    at = padded((c.at, c.at[-1]) for c, _ in columns)
    weights = padded((c.weights, 0.0) for c, _ in columns)
    less, most = padded((n.less, n.total) for _, n in columns), padded((n.most, n.total) for _, n in columns)
    total, error = (np.array([getattr(n, name) for _, n in columns]) for name in ("total", "error"))
    return Shapes(at, weights, less, most, total, *rows, fitted_error, error, *ends)


def of_shapes(measure: Callable[..., Array]) -> Callable[..., Array]:
    """A function of Shapes as one of a Pair that may have some; NaN if it has none."""

    def of_pair(pair: Any, *more: float) -> Array:
        if pair.shapes is None:
            return np.full_like(pair.fitted["count"], np.nan)
        return measure(pair.shapes, *more)

    return of_pair
