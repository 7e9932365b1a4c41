"""The singular value decomposition of S·G·Θ^½ where S is of units far apart.

LAPACK's singular values are off by a rounding of the greatest: where units differ by 10¹⁵, nothing of the smallest is
left, and the vectors that belong to them are any. But pairs of QR decompositions part what is far apart (Mathias and
Stewart 1993, A block QR algorithm and the singular value decomposition), each row and column right to its own size
(Drmač and Veselić 2008, New fast and accurate Jacobi SVD algorithm, which begins so), and what is near each other
LAPACK does well.
"""

from collections.abc import Iterator

import numpy as np

from normcli.blocks.record import Array

GRADED = 1e-4  # units up to 10⁴ apart are LAPACK's: it is off by 1e-12 there, by 1e-11 at 10⁵, 5e-11 at 10⁶
PARTED = 1e-13  # what may be left above the diagonal, of the diagonal below it; rounding leaves 1e-14
SWEEPS = 30  # at most; three are usual


def is_graded(units: Array) -> bool:
    """Whether units (d,) are so far apart that LAPACK would miss the smallest singular values."""
    return bool(units.min() < GRADED * units.max())


def svd(scale: Array, basis: Array, spread: Array) -> tuple[Array, Array, Array]:
    """U (d, r), σ (r,) falling, and R (r, r) with S·G·Θ^½ = U·diag(σ)·Rᵀ: of units (d,), the r columns of G that belong
    to eigenvalues above 0, and the roots of these."""
    a = scale[:, None] * basis * spread
    order = np.argsort(-np.abs(a).max(axis=1), kind="stable")
    u, x, v = _diagonal(None if len(spread) == len(scale) else np.eye(len(a)), a[order])
    sizes = np.abs(np.diag(x))
    falling = np.argsort(-sizes, kind="stable")
    sizes, right = sizes[falling], v[:, falling]
    if u is None:
        return _left(scale, basis, spread, sizes, right), sizes, right
    left = np.empty_like(a)
    left[order] = (u * np.sign(np.diag(x)))[:, falling]
    return left, sizes, right


def _left(scale: Array, basis: Array, spread: Array, sizes: Array, right: Array) -> Array:
    """U of all rank, each entry right to its own size: S·G·Θ^½·R/σ in small units, S⁻¹·G·Θ^−½·R·σ in large ones."""
    small = (scale[:, None] * ((basis * spread) @ right)) / sizes
    large = (((basis / spread) @ right) * sizes) / scale[:, None]
    return np.where(scale[:, None] <= sizes, small, large)


def _diagonal(u: Array | None, x: Array) -> tuple[Array | None, Array, Array]:
    """The same u·x as u·x·vᵀ with x (r, r) diagonal to PARTED, and v orthogonal; rows of the x given fall in size.

    Without u, it isn't made.
    """
    u, x, v = _parted(u, x, np.eye(x.shape[1]))
    for sweep in range(SWEEPS):
        if np.all(np.abs(np.triu(x, 1)) <= PARTED * np.abs(np.diag(x))):
            break
        for band in _bands(np.abs(np.diag(x)), sweep % 2 / 2):
            left, _, right = np.linalg.svd(x[band, band])
            x[band] = left.T @ x[band]
            x[:, band] = x[:, band] @ right.T
            v[:, band] = v[:, band] @ right.T
            if u is not None:
                u[:, band] = u[:, band] @ left
        u, x, v = _parted(u, x, v)
    return u, x, v


def _parted(u: Array | None, x: Array, v: Array) -> tuple[Array | None, Array, Array]:
    """The same u·x·vᵀ with an upper triangular x, in which what is ten times apart is a hundred times less mixed."""
    q, x = np.linalg.qr(x.T)
    v = v @ q
    if u is None:
        return None, np.asarray(np.linalg.qr(x.T, mode="r")), v
    q, x = np.linalg.qr(x.T)
    return u @ q, x, v


def _bands(sizes: Array, shift: float) -> Iterator[slice]:
    """Neighbours of sizes (r,) less than 1/GRADED apart, cut elsewhere with a shift of ½: one or the other puts any two
    that are less than the root of that apart together."""
    levels = np.log(np.minimum.accumulate(sizes))
    at = np.floor((levels[0] - levels) / -np.log(GRADED) + shift)
    edges = [0, *(np.flatnonzero(np.diff(at)) + 1).tolist(), len(sizes)]
    yield from map(slice, edges[:-1], edges[1:])
