"""Compensated sums, as unevaluated pairs hi + lo, and means without overflow."""

from collections.abc import Iterator
from math import isqrt

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from normcli.blocks.block import Column
from normcli.blocks.record import Array

GREATEST = np.finfo(np.float64).max
Exponents = NDArray[np.int64]  # of two
LIGHT = 2.0**-200  # a total weight below which products with squares may underflow
RUN = 64  # rows whose products BLAS sums
TILE = 128  # rows of a matrix that are transposed at once
STRIP = 1 << 13  # values of matrices added at once: temporaries stay in the cache


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """a + b as the rounded sum and its exact error (Knuth; no branch, any order of sizes)."""
    s = a + b
    z = s - a
    error = a - (s - z)
    error += b - z
    return s, error


def add(hi: Array, lo: Array, *terms: Array) -> tuple[Array, Array]:
    """(hi + lo) + terms as a pair with |lo| at most half a unit in the last place of hi."""
    for term in terms:
        hi, error = two_sum(hi, term)
        error += lo
        lo = error
    return two_sum(hi, lo)


def strips(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice, slice]]:
    """Runs of groups, of rows within them, and of columns up to the diagonal, of matrices (groups, rows, columns) that
    are the last rows of square ones: together the lower triangles."""
    groups, rows, columns = shape
    depth = max(STRIP // max(rows * columns, 1), 1)
    for g in range(0, groups, depth):
        start, first = 0, columns - rows
        while start < rows:
            height = max((isqrt((first + start) ** 2 + 4 * STRIP) - first - start) // 2, 1)  # · columns is STRIP
            end = min(start + height, rows)
            yield slice(g, g + depth), slice(start, end), slice(first + end)
            start = end


def mirror(matrices: Array) -> None:
    """Fills the upper triangles of square matrices (groups, rows, rows) from the lower ones, tile by tile."""
    for start in range(0, matrices.shape[1], TILE):
        rows = slice(start, start + TILE)
        matrices[:, :start, rows] = matrices[:, rows, :start].swapaxes(1, 2)
        tile = matrices[:, rows, rows]
        tile[...] = np.where(np.tri(tile.shape[1], dtype=bool), tile, tile.swapaxes(1, 2))


def bounded(hi: Array, lo: Array) -> tuple[Array, Array]:
    """The pair, or the greatest float and 0 where it overflowed: a state is always finite."""
    if np.isfinite(hi.sum()) and np.isfinite(lo.sum()):
        return hi, lo
    fine = np.isfinite(hi) & np.isfinite(lo)
    return np.where(fine, hi, GREATEST), np.where(fine, lo, 0.0)


def unit(count: Array) -> Exponents:
    """The even power of two by which weights, and the stored sums of squares, are multiplied: 0, but for a tiny total
    weight the power that makes it about 1."""
    light = (count > 0.0) & (count < LIGHT)
    return np.where(light, -2 * (np.frexp(count)[1] // 2), 0) if light.any() else np.zeros(count.shape, np.int64)


def scaled(a: Array, power: Exponents) -> Array:
    """a · 2^power, broadcast."""
    return np.ldexp(a, power) if power.any() else a


def in_unit(x: Column) -> Column:
    """The column with weights scaled by the `unit` of their total."""
    if x.weights is None or not (power := unit(x.count)).any():
        return x
    return replace(x, weights=np.ldexp(x.weights, x.spread(power)))


def mean(x: Column, values: Array) -> Array:
    """(groups,) weighted mean of finite values (n,) of a column, also if their sum overflows; 0 without values."""
    count = np.where(x.count > 0, x.count, 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        total = x.total(x.weighted(values))
        if np.isfinite(total).all():
            return total / count
        scaled = np.ldexp(x.total(x.weighted(np.ldexp(values, -64))) / count, 64)
    return np.where(np.isfinite(total), total / count, scaled)  # a group does not depend on the others


def centre(x: Column) -> Array:
    """(groups,) a float next to the mean of each group, at any distance from zero; exact for a constant."""
    rough = mean(x, x.values)
    with np.errstate(over="ignore", invalid="ignore"):
        better = rough + mean(x, x.values - x.spread(rough))
    return np.where(np.isfinite(better), better, rough)


def products(x: Array, weights: Array | None) -> Array:
    """(d, d) weighted xᵀx of a matrix (rows, d), its lower triangle right to the bit, summed in short runs: BLAS adds
    term after term, with an error of several units for every hundred rows on columns of few values."""
    total, part = np.zeros((x.shape[1],) * 2), np.empty((x.shape[1],) * 2)
    for start in range(0, len(x), RUN):
        run = x[start : start + RUN]
        other = run.copy()  # for a matrix and its own transpose, numpy uses a slower routine that copies triangles
        if weights is not None:
            other *= weights[start : start + RUN, None]
        total += np.matmul(run.T, other, out=part)
    return total


def merged_mean(
    count: tuple[Array, Array], hi: tuple[Array, Array], lo: tuple[Array, Array]
) -> tuple[Array, Array, Array, Array]:
    """Mean of two parts (hi, lo), the gap between their means, and the second part's share of all.

    Chan, Golub and LeVeque (1979), eq. 1.5a, with the mean in two doubles. Where the gap itself overflows, the mean
    is the weighted sum instead and the gap the greatest float.
    """
    total = count[0] + count[1]
    share = count[1] / np.where(total > 0, total, 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        gap = (hi[1] - hi[0]) + (lo[1] - lo[0])
        far = ~np.isfinite(gap)
        new_hi, new_lo = add(hi[0], lo[0], gap * share)
        if far.any():
            new_hi = np.where(far, hi[0] * (1.0 - share) + hi[1] * share, new_hi)
            new_lo, gap = np.where(far, 0.0, new_lo), np.where(far, GREATEST, gap)
    first, second = count[1] == 0, count[0] == 0  # an empty part leaves the other unchanged, to the bit
    if first.any() or second.any():
        new_hi = np.where(first, hi[0], np.where(second, hi[1], new_hi))
        new_lo = np.where(first, lo[0], np.where(second, lo[1], new_lo))
        gap = np.where(first | second, 0.0, gap)
    return new_hi, new_lo, gap, share
