"""The transformation of Yeo and Johnson (2000), then centred and scaled."""

from typing import Any

import numpy as np

from normcli.blocks.block import Block
from normcli.blocks.expressions import Expression, call, constant, maximum, minimum, where_equal, where_less
from normcli.blocks.record import Array, per_group
from normcli.transforms import LAST, Terms, Transform

ONE = 1.0 - 2.0**-53  # the float below 1
PLACES = 2.0**-50  # what rounding there and back may come to: eight halves of a last place


class Power(Transform, frozen=True):
    """y = (φ(x) − center) / scale with φ(x) = (ψ(x, λ) − ψ(origin, λ)) / ψ'(origin, λ).

    Of ψ(x, λ) = ((1 + x)^λ − 1)/λ, or −((1 − x)^(2−λ) − 1)/(2 − λ) below zero (their limits, ±log(1 + |x|), at λ = 0
    and 2), φ is the part that does not depend on units: with its origin among the values, numbers far from zero keep
    their digits, and no power of them is beyond a float. At origin 0 it is ψ itself.
    """

    exponent: Array = per_group("feature", empty=np.nan)  # λ
    origin: Array = per_group("feature", empty=np.nan)  # input units
    center: Array = per_group("feature", empty=np.nan)  # of φ; φ is in input units near the origin
    scale: Array = per_group("feature", empty=np.nan, holds="positive")

    def terms(self) -> Terms:
        return Terms({"lambda": self.exponent[0]})

    def _normalized(self, block: Block) -> Array:
        out = np.empty((block.rows, len(block.columns)), order="F")
        for j, (x, y) in enumerate(zip(block.columns, out.T, strict=True)):
            with np.errstate(over="ignore"):  # the caller reports infinite results
                y[:] = forth(x, self.exponent[0, j], self.origin[0, j])
            y -= self.center[0, j]
            y /= self.scale[0, j]
            y += 0.0  # turns −0 into 0
        return out

    def _inverse(self, block: Block) -> Array:
        out = np.empty((block.rows, len(block.columns)), order="F")
        for j, (y, x) in enumerate(zip(block.columns, out.T, strict=True)):
            phi = y * self.scale[0, j]
            phi += self.center[0, j]
            with np.errstate(over="ignore"):
                x[:] = back(phi, self.exponent[0, j], self.origin[0, j])
            x += 0.0
        return out

    def formula(self, x: Expression) -> Expression:
        sign, exponent, origin = self._from_zero()
        phi = forth_formula(x * sign, exponent, origin) * sign
        return (phi - self.parameter("center")) / self.parameter("scale") + 0.0

    def inverse_formula(self, y: Expression) -> Expression:
        sign, exponent, origin = self._from_zero()
        phi = (y * self.parameter("scale") + self.parameter("center")) * sign
        return back_formula(phi, exponent, origin) * sign + 0.0

    def _from_zero(self) -> tuple[Expression, Array, Array]:
        """Signs with which no origin is below zero, and the exponents and origins (features,) for these."""
        below = self.origin[0] < 0.0
        exponent = np.where(below, 2.0 - self.exponent[0], self.exponent[0])
        return constant(np.where(below, -1.0, 1.0), "sign"), exponent, np.abs(self.origin[0])

    def rounding(self, block: Block, restored: Array, j: int, allowed: Any) -> Array | float:
        if block.codes is None and (bound := self._bound(block.columns[j], j)) <= allowed:
            return bound
        out = np.empty(block.rows)
        for group, rows, part in block.iter_groups():
            here = slice(None) if rows is None else rows
            deviation = part.columns[j] * self.scale[group, j]
            phi = deviation + self.center[group, j]
            sizes = np.abs(deviation) + np.abs(phi)
            out[here] = blur(restored[here], phi, sizes, self.exponent[group, j], self.origin[group, j])
        return out

    def _bound(self, y: Array, j: int) -> float:
        """A bound of `rounding` for all values (rows,) of column j, which is of one group: the sizes and the slope of x
        over φ are greatest at an end."""
        ends = np.array([np.fmin.reduce(y, initial=np.inf), np.fmax.reduce(y, initial=-np.inf)])
        if not np.isfinite(ends).all():
            return np.inf
        deviation = ends * self.scale[0, j]
        phi = deviation + self.center[0, j]
        sizes = (np.abs(deviation) + np.abs(phi)).max()
        x = back(phi, self.exponent[0, j], self.origin[0, j])
        return float(blur(x, phi, sizes, self.exponent[0, j], self.origin[0, j]).max())

    def _inverse_error(self, block: Block, error: Array, restored: Block) -> Array:
        """On the steeper side; includes the rounding of the centre of φ and of the logarithms."""
        error = error + 4.0 * LAST * np.abs(self.center[0] / self.scale[0])
        x, origin = restored.values, np.abs(self.origin[0])
        error *= [steep(exponent) for exponent in self.exponent[0].tolist()]
        off = np.abs(self.inverse(Block.of(block.values + error)) - x)
        x = np.abs(x)
        logs = np.log1p(x)
        logs += 1.0 + np.log1p(origin)
        x += 1.0 + origin
        logs *= x
        logs *= 4.0 * LAST
        off += logs
        return np.asarray(off)


def forth(x: Array, exponent: float, origin: float) -> Array:
    """φ(x), increasing; infinite where it is beyond a float."""
    if origin < 0.0:
        return -forth(-x, 2.0 - exponent, -origin)
    far = np.float64(1.0 + origin)
    if origin > 0.0 or not (x < 0.0).any():
        same = far * stretched(np.log1p((np.maximum(x, 0.0) - origin) / far), exponent)
        if not (x < 0.0).any():
            return same
    else:
        same = stretched(np.log1p(np.maximum(x, 0.0)), exponent)
    below = -stretched(np.log1p(-np.minimum(x, 0.0)), 2.0 - exponent)
    if origin > 0.0:  # φ(0) + ψ(x) / ψ'(origin)
        below = below * far ** (1.0 - exponent) + far * stretched(-np.log1p(np.float64(origin)), exponent)
    return np.where(x < 0.0, below, same)


def back(phi: Array, exponent: float, origin: float, end: float = ONE) -> Array:
    """The inverse of φ. Values beyond the range of φ, which is bounded for negative exponents, are clipped to `end`; at
    1, x is infinite."""
    if origin < 0.0:
        return -back(-phi, 2.0 - exponent, -origin, end)
    far = np.float64(1.0 + origin)
    at_zero = far * stretched(-np.log1p(np.float64(origin)), exponent)
    same = origin + far * np.expm1(shrunk(phi / far, exponent, end))
    if not (phi < at_zero).any():
        return same
    psi = (np.minimum(phi, at_zero) - at_zero) * far ** (exponent - 1.0)
    return np.where(phi < at_zero, -np.expm1(shrunk(-psi, 2.0 - exponent, end)), same)


def forth_formula(x: Expression, exponent: Array, origin: Array) -> Expression:
    """`forth` for origins (features,) of at least 0."""
    far, at_zero = _at_zero(exponent, origin)
    u = call("log1p", (maximum(x, 0.0) - constant(origin, "origin")) / far)
    same = stretched_formula(u, exponent, "exponent") * far
    below = -stretched_formula(call("log1p", -minimum(x, 0.0)), 2.0 - exponent, "exponent_below")
    below = below * _slope(origin, 1.0 - exponent) + at_zero
    return where_less(x, 0.0, below, same)


def back_formula(phi: Expression, exponent: Array, origin: Array) -> Expression:
    """`back` for origins (features,) of at least 0."""
    far, at_zero = _at_zero(exponent, origin)
    same = call("expm1", shrunk_formula(phi / far, exponent, "exponent")) * far + constant(origin, "origin")
    psi = (minimum(phi, at_zero) - at_zero) * _slope(origin, exponent - 1.0)
    below = -call("expm1", shrunk_formula(-psi, 2.0 - exponent, "exponent_below"))
    return where_less(phi, at_zero, below, same)


def _at_zero(exponent: Array, origin: Array) -> tuple[Expression, Expression]:
    """1 + origin, and φ(0), infinite beyond a float."""
    far = 1.0 + origin
    pairs = zip(-np.log1p(origin), exponent.tolist(), strict=True)
    with np.errstate(over="ignore"):
        at_zero = far * [stretched(u, e) for u, e in pairs]
    return constant(far, "unit"), constant(at_zero, "at_zero")


def _slope(origin: Array, exponent: Array) -> Expression:
    """What joins the halves at 0: powers of 1 + origin, infinite beyond a float."""
    with np.errstate(over="ignore"):
        return constant((1.0 + origin) ** exponent, "slope")


def stretched_formula(u: Expression, exponent: Array, label: str) -> Expression:
    """`stretched` with an exponent for each column, which has this label."""
    by = constant(np.where(exponent == 0.0, 1.0, exponent), label)
    return where_equal(constant(exponent, label), 0.0, u, call("expm1", u * by) / by)


def shrunk_formula(s: Expression, exponent: Array, label: str) -> Expression:
    """`shrunk` with an exponent for each column, which has this label."""
    by = constant(np.where(exponent == 0.0, 1.0, exponent), label)
    return where_equal(constant(exponent, label), 0.0, s, call("log1p", maximum(s * by, -ONE)) / by)


def blur(x: Array, phi: Array, sizes: Array, exponent: float, origin: float) -> Array:
    """(rows,) bounds of the error of x if φ(x) is off by some units in the last place of numbers of these sizes;
    infinite beyond the range of φ."""
    with np.errstate(all="ignore"):
        off = np.abs(back(phi + steep(exponent) * PLACES * sizes, exponent, origin, 1.0) - x)
    return np.where(np.isnan(off) & ~np.isnan(x), np.inf, off)


def steep(exponent: float) -> float:
    """The side, 1 or −1, on which x moves the more with φ: its slope ψ'(origin) / ψ'(x) rises with x below λ = 1, and
    falls above."""
    return 1.0 if exponent < 1.0 else -1.0


def stretched(u: Array, exponent: float) -> Array:
    """(eᵘ^exponent − 1) / exponent, and its limit u at 0."""
    return u + 0.0 if exponent == 0.0 else np.expm1(exponent * u) / exponent


def shrunk(s: Array, exponent: float, end: float) -> Array:
    """u of `stretched`."""
    return s + 0.0 if exponent == 0.0 else np.log1p(np.maximum(exponent * s, -end)) / exponent
