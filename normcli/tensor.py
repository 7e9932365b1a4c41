"""A row as a tensor: d columns are C channels of L = d/C positions, channel after channel, and rows are (N, C, L).

Statistics over its axes, which every normalization layer is a choice of: over a run of columns of each row (all of
them, a group of channels, one channel), or over a channel of each batch of rows. All are centred before they are
squared, on a mean that is corrected by the mean of what it leaves: with the rounded one alone, a row of mean 100 and
deviation 0.01 comes out wrong by 1e-12.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from normcli.record import Array

Norm = Literal["l2", "l1"]

VALUES = 1 << 15  # of a strip of rows, which stays in a core's cache while it is gone over
FINE = 1e-250, 1e250  # sums of squares of which neither squares were lost nor the sum overflowed
NORMAL = float(np.sqrt(np.pi / 2.0))  # standard deviation of a normal distribution over its mean absolute one


def strips(rows: int, width: int) -> Iterator[slice]:
    """Rows in runs that a cache holds."""
    size = max(VALUES // max(width, 1), 64)
    return (slice(at, min(at + size, rows)) for at in range(0, rows, size))


def per_feature(given: float | Sequence[float], features: int, channels: int) -> Array:
    """(features,) one number for all, or one for each channel or each feature."""
    if isinstance(given, float | int):
        return np.full(features, float(given))
    numbers = np.asarray(given, np.float64)
    return numbers if len(numbers) == features else np.repeat(numbers, features // channels)


# -- over runs of columns ----------------------------------------------------------------------------------------
def row_sums(x: Array) -> Array:
    """(rows,) of (rows, width), column-major. One column after the other, also of a single row, which numpy would sum
    pairwise: what a row gives does not depend on others."""
    return x.sum(axis=1) if len(x) != 1 else np.add.accumulate(x[0])[-1:]


def centre_rows(x: Array) -> Array:
    """(rows, width), in place: each row less its mean. The means, (rows,), NaN where a value is."""
    mean = row_sums(x) / x.shape[1]
    x -= mean[:, None]
    low = row_sums(x) / x.shape[1]
    x -= low[:, None]
    return np.asarray(mean + low)


def spread_rows(deviations: Array, norm: Norm = "l2") -> Array:
    """(rows,) of (rows, width) deviations: their mean square, or √(π/2) times their mean size."""
    if norm == "l1":
        return np.asarray(row_sums(np.abs(deviations)) / deviations.shape[1] * NORMAL)
    return np.asarray(row_sums(np.square(deviations)) / deviations.shape[1])


def divisor(spread: Array, eps: float | Array, norm: Norm = "l2") -> Array:
    """√(variance + eps), or s + eps; one of exactly 0 is 1."""
    by = spread + eps if norm == "l1" else np.sqrt(spread + eps)
    return np.where(by == 0.0, 1.0, by)


def normalize_rows(x: Array, eps: float, *, centred: bool = True) -> None:
    """(rows, width), in place: each row less its mean (or as it is), over √(mean square + eps); NaN where a value is.

    Rows whose squares leave the range of a float are done again in units of their own, a power of two.
    """
    given = x.copy()
    if centred:
        centre_rows(x)
    variance = spread_rows(x)
    far = ~(variance < FINE[1])
    if eps < FINE[0]:
        far |= variance < FINE[0]
    x /= divisor(variance, eps)[:, None]
    far &= ~np.isnan(given).any(axis=1) if far.any() else False
    if far.any():
        x[far] = _scaled(given[far], eps, centred=centred)


def _scaled(x: Array, eps: float, *, centred: bool) -> Array:
    """As `normalize_rows`, of rows of any size."""
    power = np.frexp(np.abs(x).max(axis=1))[1]
    power = np.maximum(power, int(np.frexp(np.sqrt(eps))[1]) - 500) if eps else power
    x = np.asfortranarray(np.ldexp(x, -power[:, None]))
    if centred:
        centre_rows(x)
    return np.asarray(x / divisor(spread_rows(x), np.ldexp(eps, -2 * power))[:, None])
