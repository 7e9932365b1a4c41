"""The normal distribution."""

import math

import numpy as np

from normcli.blocks.record import Array

TAIL = 1e-7  # shares nearer to 0 or 1 are taken for the least or the greatest value

# Wichura, Algorithm AS 241: The percentage points of the normal distribution (1988), PPND16; the highest power first
_CENTRE = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
_MIDDLE = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
     3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
     0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0),
)  # fmt: skip
_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
     0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
     0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0),
)  # fmt: skip


def ppf(p: Array) -> Array:
    """(n,) the quantiles at shares from 0 to 1, to 1e-15; ∓inf at the ends, NaN where missing."""
    q = p - 0.5
    with np.errstate(all="ignore"):
        z = q * _ratio(_CENTRE, 0.180625 - q * q)
        outer = np.flatnonzero(np.abs(q) > 0.425)
        r = np.sqrt(-np.log(np.where(q[outer] < 0, p[outer], 1.0 - p[outer])))
        size = np.where(r <= 5.0, _ratio(_MIDDLE, r - 1.6), _ratio(_TAIL, r - 5.0))
        z[outer] = np.copysign(np.where(np.isinf(r), np.inf, size), q[outer])
    return z


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
    above, below = (np.full_like(x, c[0]) for c in coefficients)
    for a, b in zip(*(c[1:] for c in coefficients), strict=True):
        above *= x
        above += a
        below *= x
        below += b
    above /= below
    return above


def share(z: Array) -> Array:
    """(n,) the share of values below; NaN where missing."""
    return 0.5 * np.fromiter(map(math.erfc, (z * -math.sqrt(0.5)).tolist()), np.float64, len(z))
