"""The singular values of rows in units far apart.

LAPACK's are off by a rounding of the greatest: where units differ by 10¹⁵, nothing of the smallest is left, and the
vectors that belong to them are any. Jacobi's rotations err in proportion to each (Demmel and Veselić 1992, Jacobi's
method is more accurate than QR), and there are few to make after some QR decompositions (Drmač and Veselić 2008, New
fast and accurate Jacobi SVD algorithm).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from normcli.record import Array

GRADED = 1e-4  # singular values below this share of the greatest are left to rotations
STEPS = 4  # pairs of QR decompositions: each makes rows that are ten times apart a hundred times more orthogonal
SWEEPS = 40  # at most; six are usual


def svd(a: Array) -> tuple[Array, Array, Array]:
    """U (m, r), σ (r,) falling, and R (r, r) with a = U·diag(σ)·Rᵀ of a matrix (m, r) of rank r, whatever the units of
    its rows."""
    left, sizes, right = np.linalg.svd(a, full_matrices=False)
    if not is_graded(sizes):
        return left, sizes, right.T
    order = np.argsort(-np.abs(a).max(axis=1), kind="stable")
    x, outer, inner = a[order], np.eye(len(a)), np.eye(a.shape[1])
    for _ in range(STEPS):
        q, x = np.linalg.qr(x.T)
        inner = inner @ q
        q, x = np.linalg.qr(x.T)
        outer = outer @ q
    rows, turns = _orthogonalized(x.T)
    sizes = _sizes(rows)
    falling = np.argsort(-sizes, kind="stable")
    left[order] = outer @ (rows / sizes[:, None])[falling].T
    return left, sizes[falling], inner @ turns[falling].T


def is_graded(sizes: Array) -> bool:
    """Whether singular values (r,), falling, are so far apart that only rotations find the smallest."""
    return bool(sizes.size and sizes[-1] < GRADED * sizes[0])


def _orthogonalized(rows: Array) -> tuple[Array, Array]:
    """Rotations times the rows (n, n), so that these are orthogonal, each to its own size; and the rotations."""
    n, tolerance = len(rows), np.sqrt(len(rows)) * np.finfo(np.float64).eps
    both = np.hstack([rows, np.eye(n)])
    for _ in range(SWEEPS):
        unit = both[:, :n] / _sizes(both[:, :n])[:, None]
        due = np.triu(np.abs(unit @ unit.T) > tolerance, 1)
        if not due.any():
            break
        for first, second in _rounds(n):
            here = due[first, second]
            if here.any():
                _turn(both, n, first[here], second[here])
    return both[:, :n], both[:, n:]


def _turn(both: Array, n: int, first: NDArray[np.intp], second: NDArray[np.intp]) -> None:
    """Rotates disjoint pairs of rows, in place, so that their first n entries are orthogonal."""
    a, b = both[first], both[second]
    size_a, size_b = _sizes(a[:, :n]), _sizes(b[:, :n])
    cosine = np.sum((a[:, :n] / size_a[:, None]) * (b[:, :n] / size_b[:, None]), axis=1)
    cosine = np.where(cosine == 0.0, np.finfo(np.float64).tiny, cosine)
    with np.errstate(over="ignore"):  # then there is nothing to turn
        zeta = (size_b / size_a - size_a / size_b) / (2.0 * cosine)
    t = np.where(zeta < 0, -1.0, 1.0) / (np.abs(zeta) + np.hypot(1.0, zeta))
    c = 1.0 / np.hypot(1.0, t)[:, None]
    s = c * t[:, None]
    both[first], both[second] = c * a - s * b, s * a + c * b


def _rounds(n: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """A tournament: each of n meets each of the others once, the lower number first, in rounds of disjoint pairs."""
    seats = np.arange(n + n % 2)
    for _ in range(len(seats) - 1):
        one, two = seats[: len(seats) // 2], seats[: len(seats) // 2 - 1 : -1]
        first, second = np.minimum(one, two), np.maximum(one, two)
        yield first[second < n], second[second < n]
        seats = np.append(seats[0], np.roll(seats[1:], 1))


def _sizes(rows: Array) -> Array:
    """(n,) Euclid's lengths, also where squares would underflow."""
    largest = np.abs(rows).max(axis=1)
    return np.asarray(largest * np.sqrt(np.sum((rows / largest[:, None]) ** 2, axis=1)))
