"""Ranks of values among those of the fit, column by column."""

from typing import Literal

import numpy as np

from normcli.blocks.block import Block
from normcli.blocks.expressions import Expression
from normcli.blocks.record import Array, per_group
from normcli.errors import NoFormulaError
from normcli.transforms import LAST, Terms, Transform
from normcli.transforms._normal import TAIL, ppf, share

NORMAL = np.finfo(np.float64).tiny  # smaller numbers have fewer digits
ROUNDING = 8 * LAST  # of shares


class Ranks(Transform, frozen=True):
    """y = the share of values below x, interpolated between `quantiles` at evenly spaced shares; with `distribution`
    normal, the normal quantile of it, held to that of 1e-7 on both sides.

    As scikit-learn's QuantileTransformer: of equal quantiles, the middle of their shares; 0 at the least value and
    below, 1 at the greatest and above. The parameters of a column without values are NaN, and its values become
    missing.
    """

    quantiles: Array = per_group("feature", "quantile", empty=np.nan)  # input units, never falling
    distribution: Literal["uniform", "normal"] = "uniform"

    def fault(self) -> tuple[str, str] | None:
        if not self.quantiles.shape[2]:
            return "quantiles", "there is none"
        before, after = self.quantiles[..., :-1], self.quantiles[..., 1:]
        if ((after < before) | (np.isnan(before) & ~np.isnan(after))).any():
            return "quantiles", "must not fall"
        return None

    def terms(self) -> Terms:
        shares = {"q25": 0.25, "median": 0.5, "q75": 0.75}
        at = [_at_shares(np.array(list(shares.values())), k) if len(k) else [np.nan] * 3 for k in self._knots]
        columns = dict(zip(shares, np.array(at).reshape(-1, 3).T, strict=True))
        return Terms(columns, values={"quantiles": max(map(len, self._knots), default=0)})

    @property
    def _knots(self) -> list[Array]:
        """The quantiles of each column in the first group, without padding."""
        return [knots[~np.isnan(knots)] for knots in self.quantiles[0]]

    def _normalized(self, block: Block) -> Array:
        out = np.empty((block.rows, len(block.columns)), order="F")
        for x, y, knots in zip(block.columns, out.T, self._knots, strict=True):
            y[:] = self._share(x, knots)
            if self.distribution == "normal":
                y[:] = np.clip(ppf(y), *_ENDS)
            y += 0.0
        return out

    def formula(self, x: Expression) -> Expression:
        raise NoFormulaError("values are looked up in a table of quantiles")

    def inverse_formula(self, y: Expression) -> Expression:
        return self.formula(y)

    def _share(self, x: Array, knots: Array) -> Array:
        """(rows,) from 0 to 1, NaN where missing."""
        if not len(knots):
            return np.full(len(x), np.nan)
        shares = np.linspace(0.0, 1.0, len(knots))
        out = _between(x, knots, shares)
        if (knots[1:] == knots[:-1]).any():  # on equal knots, the mean of their last and first share
            out = 0.5 * (out - _between(-x, -knots[::-1], -shares[::-1]))
        out[x >= knots[-1]] = 1.0
        out[x <= knots[0]] = 0.0
        return out

    def _inverse(self, block: Block) -> Array:
        out = np.empty((block.rows, len(block.columns)), order="F")
        for y, x, knots in zip(block.columns, out.T, self._knots, strict=True):
            if not len(knots):
                x[:] = np.nan
                continue
            shares = share(y) if self.distribution == "normal" else y
            x[:] = _at_shares(shares, knots)
            if self.distribution == "normal":  # values beyond the tails have no distinct shares
                x[shares < TAIL] = knots[0]
                x[shares > 1.0 - TAIL] = knots[-1]
            x += 0.0
        return out

    def _inverse_error(self, block: Block, error: Array, restored: Block) -> Array:
        """Includes the rounding of shares; 0 at the ends, which represent all values beyond them."""
        out = np.full((block.rows, len(block.columns)), np.nan, order="F")
        for y, e, x, knots in zip(block.columns, error.T, out.T, self._knots, strict=True):
            if not len(knots):
                continue
            normal = self.distribution == "normal"
            exact, low, high = (share(v) if normal else v for v in (y, y - e, y + e))
            tail = TAIL if normal else 0.0
            low, high = low - ROUNDING, high + ROUNDING
            low, high = np.where(low <= tail, 0.0, low), np.where(high >= 1.0 - tail, 1.0, high)
            middle = _at_shares(exact, knots)
            x[:] = np.maximum(middle - _at_shares(low, knots), _at_shares(high, knots) - middle)
            x[(exact <= tail) | (exact >= 1.0 - tail)] = 0.0
        return out


def _at_shares(x: Array, knots: Array) -> Array:
    """(rows,) `knots` at their evenly spaced shares, and between them."""
    return _between(x, np.linspace(0.0, 1.0, len(knots)), knots, even=True)


def _between(x: Array, knots: Array, values: Array, *, even: bool = False) -> Array:
    """(rows,) `values` at rising `knots`, and on the lines between them; NaN where missing. As np.interp, also where a
    step from one knot to the next, or the slope there, is beyond a float or too small for all of its digits."""
    with np.errstate(all="ignore"):
        out = on_even(x, knots, values) if even else np.interp(x, knots, values)
        step, rise = np.diff(knots), np.diff(values)
        slope = np.abs(rise / step)
        steep = (step > 0.0) & (rise != 0.0) & ~((slope >= NORMAL) & (slope < np.inf) & np.isfinite(rise))
        if not steep.any():
            return out
        at = np.clip(np.searchsorted(knots, x, "right") - 1, 0, len(step) - 1)
        rows = np.flatnonzero(steep[at] & (x > knots[0]) & (x < knots[-1]))
        x, at = x[rows], at[rows]
        a, b, u, v = knots[at], knots[at + 1], values[at], values[at + 1]
        far = np.where(np.isfinite(b - a), 1.0, 0.5)  # so that no difference is beyond a float
        share = (x * far - a * far) / (b * far - a * far)
        out[rows] = u * (1.0 - share) + v * share
    return out


def on_even(x: Array, knots: Array, values: Array) -> Array:
    """(rows,) as np.interp, to the bit, at knots that are evenly spaced from 0 to 1: the interval of a value is
    computed, as a binary search would take most of the time."""
    last = len(knots) - 1
    if not last:
        return np.where(np.isnan(x), x, values[0])
    with np.errstate(all="ignore"):
        at = (np.clip(x, 0.0, 1.0) * last).astype(np.intp)
        np.clip(at, 0, last - 1, out=at)
        at -= (x < knots[at]) & (at > 0)
        at += (x >= knots[at + 1]) & (at < last - 1)
        slope = np.diff(values) / np.diff(knots)
        out = slope[at] * (x - knots[at]) + values[at]
    out[x >= 1.0] = values[-1]
    out[x <= 0.0] = values[0]
    return out


_ENDS = tuple(ppf(np.array([TAIL - np.spacing(1.0), 1.0 - (TAIL - np.spacing(1.0))])).tolist())
