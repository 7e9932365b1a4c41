"""The covariance of complete rows, taken apart without ever decomposing it itself.

On real data an eigendecomposition of Σ leaves cov − I at 3e-4 and calls full-rank data deficient because units
differ. So Σ = S·P·S with S = diag(s) and P the correlation, P = GΘGᵀ, and U and σ (Σ = Uσ²Uᵀ) come from the singular
value decomposition S·G·Θ^½ = U·σ·Rᵀ. (Kessy, Lewin and Strimmer 2018, Optimal whitening and decorrelation.) Constant
columns are left out of all that, and come last: beside them, the others are the same to the bit.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from normcli.blocks.record import Array
from normcli.errors import BadDataError
from normcli.methods import States, _graded
from normcli.methods._column import refuse_unsquarable
from normcli.stats.comoments import Comoments
from normcli.stats.extrema import Extrema

SMALL_PIVOT = 1e-10  # of the Cholesky factor of P: the column adds nothing
TINY = 1e-13  # eigenvalues of P below this share of the greatest count as 0


class Spectrum(Struct, frozen=True):
    """Σ = Uσ²Uᵀ and P = GΘGᵀ of one group, by falling size."""

    scale: Array  # s, (d,): standard deviations, 1 where constant
    vectors: Array  # G, (d, d)
    values: Array  # Θ, (d,), not negative
    rank: int
    left: Array  # U, (d, rank), or (d, d)
    sigma: Array  # σ, (rank,)
    right: Array  # R, (rank, rank)


def covariance(states: States, ddof: int) -> Array:
    """Σ, (d, d). Refuses what can't be squared, and too few complete rows."""
    c = states[Comoments]
    if not c.count[0]:
        raise BadDataError(
            "0 complete rows: in each row a selected value is missing", states.hint("`normcli describe` shows where")
        )
    if c.count[0] <= max(ddof, 0):
        raise BadDataError(
            f"{c.count[0]:.0f} complete rows (a row that misses a value takes no part) are too few for --ddof {ddof}",
            "a smaller --ddof, or more rows",
        )
    refuse_unsquarable(states, c.mean)
    sigma = c.covariance(ddof)[0]
    constant = (states[Extrema].least == states[Extrema].greatest)[0]
    sigma[constant, :] = sigma[:, constant] = 0.0
    return np.asarray(sigma)


def spectrum(sigma: Array, *, ridge: float = 0.0, full: bool = False) -> Spectrum:
    """Of a covariance (d, d); `ridge` is added to P's diagonal. With `full`, U has d columns whatever the rank."""
    if not sigma.size:
        return Spectrum(np.empty(0), sigma, np.empty(0), 0, sigma, np.empty(0), sigma)
    constant = np.diag(sigma) == 0.0
    if constant.any() and ridge == 0.0:
        return _beside_constants(spectrum(sigma[~constant][:, ~constant], full=full), constant, full=full)
    scale = np.where(constant, 1.0, np.sqrt(np.diag(sigma)))
    correlation = sigma / scale[:, None] / scale
    np.fill_diagonal(correlation, np.where(constant, 0.0, 1.0) + ridge)
    values, vectors = np.linalg.eigh(correlation)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    vectors = vectors * signs(vectors)
    rank = int(np.count_nonzero(values > TINY * values[0]))
    left, sizes, right = _decomposed(scale, vectors[:, :rank], np.sqrt(values[:rank]))
    sign = signs(left)
    left = left * sign
    if full and rank < len(left):
        rest = np.linalg.qr(left, mode="complete")[0][:, rank:]
        left = np.hstack([left, rest * signs(rest)])
    return Spectrum(scale, vectors, values, rank, left, sizes, right * sign)


def _decomposed(scale: Array, basis: Array, spread: Array) -> tuple[Array, Array, Array]:
    """U (d, r), σ and R (r, r) of S·G·Θ^½. A spectrum that falls far in one unit is LAPACK's: G is no better known."""
    if _graded.is_graded(scale):
        return _graded.svd(scale, basis, spread)
    left, sizes, right = np.linalg.svd(scale[:, None] * basis * spread, full_matrices=False)
    return left, sizes, right.T


def _beside_constants(s: Spectrum, constant: NDArray[np.bool_], *, full: bool) -> Spectrum:
    """Of all columns, by that of those that are not constant."""
    d, rest = len(constant), int(np.count_nonzero(constant))
    scale, values = np.ones(d), np.concatenate([s.values, np.zeros(rest)])
    scale[~constant] = s.scale

    def among(vectors: Array, more: int) -> Array:
        matrix = np.zeros((d, vectors.shape[1] + more))
        matrix[~constant, : vectors.shape[1]] = vectors
        matrix[np.flatnonzero(constant)[:more], vectors.shape[1] + np.arange(more)] = 1.0
        return matrix

    left = among(s.left, rest if full else 0)
    return Spectrum(scale, among(s.vectors, rest), values, s.rank, left, s.sigma, s.right)


def signs(vectors: Array) -> Array:
    """(columns,) ±1 that make the first entry of nearly the largest size positive: rounding can't choose the sign."""
    size = np.abs(vectors)
    first = np.argmax(size >= (1 - 2.0**-20) * size.max(axis=0), axis=0)
    return np.where(vectors[first, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)


def at_fault(sigma: Array, names: tuple[str, ...]) -> list[str]:
    """Columns that add no rank to those before them: constants, and small pivots of P's Cholesky factor."""
    scale = np.sqrt(np.diag(sigma))
    scale[scale == 0.0] = 1.0
    left = sigma / scale[:, None] / scale
    pivots = np.zeros(len(names))
    for j in range(len(names)):
        pivots[j] = left[j, j]
        if pivots[j] > SMALL_PIVOT:
            left = left - np.outer(left[:, j], left[j]) / pivots[j]
    small = pivots <= max(SMALL_PIVOT, pivots.min())  # where none is, the smallest
    return [name for name, at in zip(names, small.tolist(), strict=True) if at]
