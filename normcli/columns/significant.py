"""Rounding of floats to significant digits, as `format(x, '.6g')` rounds them: the nearest decimal, of two equally near
ones that whose last digit is even. What is rounded is spelled in at most so many digits, whoever writes it."""

from __future__ import annotations

from decimal import ROUND_DOWN, Context, Decimal
from math import isfinite

import numpy as np

from normcli.blocks.record import Array, Codes

STRIP = 1 << 14  # values, which fit a cache together with what is computed of them
SINGLE = 9  # digits that tell any two floats of 32 bits apart
DOUBLE = 17  # and of 64 bits
MOST = 15  # digits of a whole number that is exact, and so are its product and quotient with a power of ten
EXACT_POWER = 22  # greatest exponent of a power of ten that is a float
FAR = EXACT_POWER + DOUBLE  # and of those that are compared with
SPLIT = 2.0**27 + 1.0  # halves the digits of a float (Dekker 1971)
TENS = np.array([float(f"1e{k}") for k in range(-FAR, FAR + 1)])
EXPONENT, BIAS = 52, 1023
FLOORS = np.floor((np.arange(2048) - BIAS) * np.log10(2.0)).astype(np.int16)  # of log10, by exponents of two
HALF_SINGLE = np.int64(1 << 28)  # the bits behind a float of 32 bits, where it is halfway to the next


def round_to(values: Array, digits: int, kind: str = "float64") -> Array:
    """(rows,) the floats nearest to values rounded to so many digits, 1 to 17, in the type `kind`; NaN stays. The few
    that would be rounded up beyond the range of a float are rounded down."""
    if digits >= (SINGLE if kind == "float32" else DOUBLE):
        return values
    out = np.empty(len(values))
    with np.errstate(all="ignore"):
        for start in range(0, len(values), STRIP):
            x, y = values[start : start + STRIP], out[start : start + STRIP]
            rest = np.arange(len(x)) if digits > MOST else _scaled(x, digits, y)
            for i in rest.tolist():
                y[i] = _one(float(x[i]), digits)
            if kind == "float32":
                _off_halves(x, digits, y)
    return out


def _scaled(x: Array, digits: int, out: Array) -> Codes:
    """Rounds in place `out`; the rows that are left, of values for which a power of ten is no float."""
    size = np.abs(x)
    floor = FLOORS[size.view(np.int64) >> EXPONENT]
    exponent = digits - 1 - floor
    near = np.abs(exponent) < EXACT_POWER
    exponent[~near] = 0
    np.subtract(exponent, 1, out=exponent, where=size >= _power(digits - exponent))
    up, down = _power(np.maximum(exponent, 0)), _power(np.maximum(-exponent, 0))
    scaled = size * up / down  # one of the two is 1
    integer = np.rint(scaled)
    off = scaled - integer
    half = np.flatnonzero(np.abs(off) == 0.5)
    if len(half):
        integer[half] += _beyond_half(size[half], up[half], down[half], scaled[half], off[half])
    np.copysign(integer / up * down, x, out=out)
    np.copyto(out, x, where=(size == 0.0) | np.isnan(x))
    return np.flatnonzero(~near & (size > 0.0) & (size < np.inf))


def _power(exponent: Codes) -> Array:
    return np.asarray(TENS[exponent + FAR])


def _beyond_half(size: Array, up: Array, down: Array, scaled: Array, off: Array) -> Array:
    """(rows,) what is to be added to halves that were rounded to even, where they are no halves: the rounding error of
    a product, or the remainder of a quotient, is exact."""
    error = np.where(down == 1.0, _product_error(size, up, scaled), _remainder(size, down, scaled))
    return np.where(off * error > 0.0, np.sign(off), 0.0)


def _product_error(a: Array, b: Array, product: Array) -> Array:
    """a · b − product (Dekker 1971)."""
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    return np.asarray(((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low)


def _remainder(a: Array, b: Array, quotient: Array) -> Array:
    """a − quotient · b."""
    product = quotient * b
    return np.asarray((a - product) - _product_error(quotient, b, product))


def _halves(a: Array) -> tuple[Array, Array]:
    large = a * SPLIT
    high = large - (large - a)
    return high, a - high


def _one(x: float, digits: int) -> float:
    if not isfinite(x):
        return x
    y = float(f"{x:.{digits - 1}e}")
    return y if isfinite(y) else float(Context(digits, ROUND_DOWN).create_decimal(x))


def _off_halves(x: Array, digits: int, y: Array) -> None:
    """Moves floats that are halfway between two of 32 bits towards the decimals that they are nearest to, in place."""
    bits = y.view(np.int64) & (2 * HALF_SINGLE - 1)
    for i in np.flatnonzero((bits == HALF_SINGLE) & np.isfinite(y)).tolist():
        decimal = Decimal(f"{float(x[i]):.{digits - 1}e}")
        if decimal != Decimal(float(y[i])):
            y[i] = np.nextafter(y[i], np.inf if decimal > Decimal(float(y[i])) else -np.inf)
