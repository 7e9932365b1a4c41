"""Types with a fixed step (integers and decimals): rounding of floats to their values."""

from __future__ import annotations

import decimal
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from normcli.blocks.record import Array, Codes
from normcli.caching import cached_property
from normcli.columns.numbers import EXACT
from normcli.errors import BadRowError, printable

EPSILON = 2.0**-52
STRIP = 1 << 14  # values
DECIMAL = re.compile(r"decimal(\d+)\((\d+), (-?\d+)\)")
Where = NDArray[np.bool_]


class Decimal(Struct, frozen=True):
    """A decimal type of Arrow."""

    width: int  # bits
    precision: int
    scale: int

    @classmethod
    def of(cls, kind: str) -> Decimal | None:
        """The type of that name; None if it is no decimal type."""
        match = DECIMAL.fullmatch(kind)
        return cls(*map(int, match.groups())) if match else None

    @property
    def ends(self) -> tuple[decimal.Decimal, decimal.Decimal]:
        """The least and the greatest value."""
        nines = (9,) * self.precision
        return decimal.Decimal((1, nines, -self.scale)), decimal.Decimal((0, nines, -self.scale))


def step(kind: str) -> float | None:
    """The distance of neighbouring values of a type: 1 for integers, 10⁻ˢ for decimals of scale s; None for others."""
    decimals = Decimal.of(kind)
    if decimals:
        return float(f"1e{-decimals.scale}")
    return 1.0 if kind.startswith(("int", "uint")) else None


class Fixed(Struct, frozen=True):
    """A column of a type with a step, all arrays (rows,): `values` as floats and the `nearest` multiples of the step,
    NaN where missing; masks of `fractions`, which are no multiples, and of values clipped to the ends of the type,
    `above` and `below`."""

    kind: str
    values: Array
    nearest: Array
    missing: Where | None = None
    fractions: Where | None = None
    above: Where | None = None
    below: Where | None = None

    @property
    def decimal(self) -> Decimal | None:
        """The type, if it is a decimal type."""
        return Decimal.of(self.kind)

    @property
    def ordinary(self) -> Array:
        """(rows,) nearest values as floats where the type certainly holds them; 0 elsewhere."""
        odd = [mask for mask in (self.missing, self.fractions, self.above, self.below) if mask is not None]
        return np.where(np.logical_or.reduce(odd), 0.0, self.nearest) if odd else self.nearest

    @property
    def integers(self) -> NDArray[Any]:
        """(rows,) values in the integer type; undefined where missing or a fraction."""
        limits, out = np.iinfo(self.kind), self.ordinary.astype(self.kind)
        for mask, end in ((self.above, limits.max), (self.below, limits.min)):
            if mask is not None:
                out[mask] = end
        return out


class Rounding(Struct, frozen=True, dict=True):
    """Floats (rows,) and the nearest values (rows,) of a type with a step, NaN where missing."""

    name: str
    kind: str
    values: Array
    nearest: Array
    ends: tuple[float, float]  # the least and the greatest of `nearest` and 0
    farthest: float  # greatest distance of a value from the nearest

    @classmethod
    def of(cls, values: Array, kind: str, name: str) -> Rounding:
        """Rounds values (rows,) to the type `kind`, in strips that stay in the cache."""
        decimals, nearest, strip = Decimal.of(kind), np.empty(len(values)), np.empty(STRIP)
        least = greatest = below = above = 0.0
        with np.errstate(all="ignore"):
            for start in range(0, len(values), STRIP):
                x, near = values[start : start + STRIP], nearest[start : start + STRIP]
                np.round(x, decimals.scale, out=near) if decimals else np.rint(x, out=near)
                off = np.subtract(x, near, out=strip[: len(x)])
                least, greatest = np.fmin.reduce(near, initial=least), np.fmax.reduce(near, initial=greatest)
                below, above = np.fmin.reduce(off, initial=below), np.fmax.reduce(off, initial=above)
        return cls(name, kind, values, nearest, (float(least), float(greatest)), float(max(-below, above)))

    @property
    def off(self) -> Array:
        """(rows,) values − nearest."""
        with np.errstate(all="ignore"):
            return self.values - self.nearest

    @cached_property
    def missing(self) -> Where | None:
        """(rows,) mask of missing values; None if there are none."""
        missing = np.isnan(self.nearest)
        return missing if missing.any() else None

    @property
    def count(self) -> int:
        """The number of values that are not missing."""
        return len(self.values) - (0 if self.missing is None else int(np.count_nonzero(self.missing)))

    @cached_property
    def step(self) -> float:
        """The distance of neighbouring values of the type."""
        size = step(self.kind)
        assert size is not None
        return size

    @cached_property
    def span(self) -> float:
        """The greatest absolute value."""
        return max(map(abs, self.ends))

    @property
    def extremes(self) -> tuple[int, int]:
        """Rows of the least and the greatest value; (0, 0) if all are missing."""
        if not self.count:
            return 0, 0
        return int(np.nanargmin(self.values)), int(np.nanargmax(self.values))

    def rounding(self, tight: float) -> Array:
        """(rows,) bound of the rounding errors of the arithmetic: relative to the value, plus `tight`."""
        out: Array = np.abs(self.values)
        out *= 4.0 * EPSILON
        out += tight
        return out

    @cached_property
    def _limits(self) -> tuple[float, float]:
        """The least and the greatest value of the type as floats, which may be 1 beyond an integer type."""
        decimals = Decimal.of(self.kind)
        if decimals:
            low, high = map(float, decimals.ends)
            return low, high
        limits = np.iinfo(self.kind)
        return float(limits.min), float(limits.max)

    @property
    def within(self) -> bool:
        """Whether all values are inside the range of the type."""
        (low, high), (least, greatest) = self._limits, self.ends
        if high < EXACT * self.step:
            return low <= least and greatest <= high
        return low < least and greatest < high  # the ends as floats may be farther out

    def is_uncertain(self, error: Array, large: float) -> Where:
        """(rows,) mask of the values whose nearest may be wrong: `error` (rows,), or the spacing of floats, may exceed
        `large` steps."""
        uncertain = error > large * self.step
        if self.span >= (EXACT - 1.0) * self.step:
            uncertain |= np.abs(self.values) >= EXACT * self.step
        return uncertain

    def at(self, rows: Codes) -> Rounding:
        """The rounding of some rows."""
        return Rounding.of(self.values[rows], self.kind, self.name)

    def plain(self) -> Fixed:
        """The column, if all differences are rounding errors and no value is beyond the type."""
        return Fixed(self.kind, self.values, self.nearest, self.missing)

    def doubtful(self, tolerance: Array) -> Codes:
        """The rows of values farther from the nearest than their tolerance (rows,), or beyond the type."""
        doubtful = np.abs(self.off) > tolerance
        if not self.within:
            low, high = self._limits
            doubtful |= (self.nearest > high) | (self.nearest < low)
        return np.flatnonzero(doubtful)

    def fixed(self, tolerance: Array, wider: Callable[[Codes], Array], *, text: bool) -> Fixed:
        """The column, in which values farther from the nearest than their tolerance (rows,) are fractions. `wider`
        gives the tolerance of doubtful rows more exactly. Raises BadRowError for the first value beyond the type by
        more than its tolerance, or that is a fraction, unless fractions become `text`."""
        low, high = self._limits
        doubtful = self.doubtful(tolerance)
        if len(doubtful):
            tolerance[doubtful] = np.maximum(tolerance[doubtful], wider(doubtful))
        elif self.within:
            return self.plain()
        fractions = np.abs(self.off) > tolerance
        above, below = ~fractions & (self.nearest >= high), ~fractions & (self.nearest <= low)
        beyond = (above & (self.values - high > tolerance)) | (below & (low - self.values > tolerance))
        beyond |= (fractions & ((self.nearest > high) | (self.nearest < low))) | np.isinf(self.values)
        if (bad := beyond if text else beyond | fractions).any():
            row = int(np.argmax(bad))
            raise BadRowError(row, self._fault(row, beyond=bool(beyond[row])), "--dtype float64 takes it")
        masks = (mask if mask.any() else None for mask in (fractions, above, below))
        return Fixed(self.kind, self.values, self.nearest, self.missing, *masks)

    def _fault(self, row: int, *, beyond: bool) -> str:
        column = f"in column '{printable(self.name)}'"
        if beyond:
            return f"the result {column} is beyond {self.kind}"
        what = "not a whole number" if self.step == 1.0 else f"not a multiple of {self.step:g}"
        return f"the result {float(self.values[row])!r} {column} is {what}, as {self.kind} holds"
