"""Numbers of types with a fixed step, which are whole numbers and decimals: from floats that are near to them."""

from __future__ import annotations

import decimal
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normcli.blocks.record import Array, Codes
from normcli.columns.numbers import EXACT
from normcli.errors import BadRowError, printable

EPSILON = 2.0**-52
STRIP = 1 << 14  # values
DECIMAL = re.compile(r"decimal(\d+)\((\d+), (-?\d+)\)")
Where = NDArray[np.bool_]


@dataclass(frozen=True)
class Decimal:
    """A type of decimals."""

    width: int  # bits
    precision: int
    scale: int

    @classmethod
    def of(cls, kind: str) -> Decimal | None:
        found = DECIMAL.fullmatch(kind)
        return cls(*map(int, found.groups())) if found else None

    @property
    def ends(self) -> tuple[decimal.Decimal, decimal.Decimal]:
        """The least and the greatest."""
        nines = (9,) * self.precision
        return decimal.Decimal((1, nines, -self.scale)), decimal.Decimal((0, nines, -self.scale))


def step(kind: str) -> float | None:
    """How far neighbours of a type are apart: 1 of integers, 10⁻ˢ of decimals of scale s; None of any other."""
    decimals = Decimal.of(kind)
    if decimals:
        return float(f"1e{-decimals.scale}")
    return 1.0 if kind.startswith(("int", "uint")) else None


@dataclass(frozen=True)
class Fixed:
    """A column (rows,) in a type with a step: `nearest` as floats, and where they stand for the `values` themselves,
    NaN where missing; `fractions` are where none is meant, `above` and `below` where the type's end is."""

    kind: str
    values: Array
    nearest: Array
    missing: Where | None = None
    fractions: Where | None = None
    above: Where | None = None
    below: Where | None = None

    @property
    def decimal(self) -> Decimal | None:
        """The type, if it is one of decimals."""
        return Decimal.of(self.kind)

    @property
    def ordinary(self) -> Array:
        """(rows,) as floats, those that the type surely holds; 0 elsewhere."""
        odd = [mask for mask in (self.missing, self.fractions, self.above, self.below) if mask is not None]
        return np.where(np.logical_or.reduce(odd), 0.0, self.nearest) if odd else self.nearest

    @property
    def integers(self) -> NDArray[Any]:
        """(rows,) in the type; anything where there is none."""
        limits, out = np.iinfo(self.kind), self.ordinary.astype(self.kind)
        for mask, end in ((self.above, limits.max), (self.below, limits.min)):
            if mask is not None:
                out[mask] = end
        return out


@dataclass(frozen=True)
class Rounding:
    """Floats (rows,) beside the nearest numbers of a type, NaN where missing."""

    name: str
    kind: str
    values: Array
    nearest: Array
    ends: tuple[float, float]  # the least and the greatest of these, or 0 where there is none farther out
    farthest: float  # how far a value is from the nearest, at most

    @classmethod
    def of(cls, values: Array, kind: str, name: str) -> Rounding:
        """In strips that stay in the cache."""
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
        """(rows,) values less the nearest."""
        with np.errstate(all="ignore"):
            return self.values - self.nearest

    @cached_property
    def missing(self) -> Where | None:
        """(rows,) where there is no value; None if there is one everywhere."""
        missing = np.isnan(self.nearest)
        return missing if missing.any() else None

    @property
    def count(self) -> int:
        """How many values there are."""
        return len(self.values) - (0 if self.missing is None else int(np.count_nonzero(self.missing)))

    @cached_property
    def step(self) -> float:
        found = step(self.kind)
        assert found is not None
        return found

    @cached_property
    def span(self) -> float:
        """The greatest value in size."""
        return max(map(abs, self.ends))

    @property
    def extremes(self) -> tuple[int, int]:
        """Rows of the least and the greatest value; any two where there is none."""
        if not self.count:
            return 0, 0
        return int(np.nanargmin(self.values)), int(np.nanargmax(self.values))

    def rounding(self, tight: float) -> Array:
        """(rows,) how far off a value may be by the arithmetic alone, `tight` beside its own last digits."""
        out: Array = np.abs(self.values)
        out *= 4.0 * EPSILON
        out += tight
        return out

    @cached_property
    def _limits(self) -> tuple[float, float]:
        """The least and the greatest of the type, as floats: a float of whole numbers may be 1 beyond."""
        decimals = Decimal.of(self.kind)
        if decimals:
            low, high = map(float, decimals.ends)
            return low, high
        limits = np.iinfo(self.kind)
        return float(limits.min), float(limits.max)

    @property
    def within(self) -> bool:
        """Whether all of them are inside of the type's ends."""
        (low, high), (least, greatest) = self._limits, self.ends
        if high < EXACT * self.step:
            return low <= least and greatest <= high
        return low < least and greatest < high  # the ends as floats may be farther out

    def is_uncertain(self, error: Array, large: float) -> Where:
        """Where another number may be meant: where values that are off by up to `error` (rows,), or as floats are,
        may be so by more than `large` steps."""
        uncertain = error > large * self.step
        if self.span >= (EXACT - 1.0) * self.step:
            uncertain |= np.abs(self.values) >= EXACT * self.step
        return uncertain

    def at(self, rows: Codes) -> Rounding:
        """Some rows alone."""
        return Rounding.of(self.values[rows], self.kind, self.name)

    def plain(self) -> Fixed:
        """Where rounding explains all of them, and none is beyond the type."""
        return Fixed(self.kind, self.values, self.nearest, self.missing)

    def doubtful(self, tolerance: Array) -> Codes:
        """The rows of what is farther off than its tolerance (rows,), or beyond the type."""
        doubtful = np.abs(self.off) > tolerance
        if not self.within:
            low, high = self._limits
            doubtful |= (self.nearest > high) | (self.nearest < low)
        return np.flatnonzero(doubtful)

    def fixed(self, tolerance: Array, wider: Callable[[Codes], Array], *, text: bool) -> Fixed:
        """Where what is farther off than its tolerance (rows,) is a fraction; of those rows, and those beyond the type,
        it may be `wider`. Raises BadRowError at the first that is beyond the type by more, or is a fraction unless it
        becomes `text`."""
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
