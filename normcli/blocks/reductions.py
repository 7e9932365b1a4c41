"""Reductions of whole columns by the native kernel, all columns of a block at once, to the bits of numpy's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from normcli.blocks.record import Array
from normcli.kernel import columns as kernel
from normcli.kernel import library
from normcli.kernel.sketches import Samples

PROBE = 1500  # values
WIDEST = 1e150  # greatest − least up to which no sum of deviations overflows


class Sampling(Struct, frozen=True):
    """How the columns of a block are sampled while they are reduced."""

    position: int  # of the block
    k: int  # most items of a sketch
    shares: tuple[float, float]  # as of `Samples`
    most: int  # values of a sample

    def of(self, columns: int, rows: int) -> Samples:
        """Room for samples of so many columns (rows,)."""
        return Samples(columns, columns * min(rows, self.most), self.position, self.k, self.shares)


class Reductions(Struct, frozen=True):
    """What statistics use of the present values of columns of one group, without weights. Like a `Column` of several,
    but for the values, of which each column may have another number."""

    arrays: tuple[Array, ...]  # the columns, (rows,) each; NaN where missing
    pointers: kernel.Pointers  # (columns,) to them
    samples: Samples | None  # of them, if they were sampled
    count: Array  # (columns,) as all that follow
    sum: Array
    least: Array
    greatest: Array
    mean: Array  # sum / count
    deviations: Array  # sum of x − mean
    squares: Array  # sum of (x − mean)²

    @classmethod
    def of(cls, columns: Sequence[Array], sampling: Sampling | None = None) -> Reductions | None:
        """Of columns (rows,), contiguous and aligned, and samples of them, if they are to be sampled; None where the
        kernel does not compute them."""
        if not columns or not _adds_as_numpy(library()) or any(x.dtype != np.float64 for x in columns):
            return None
        pointers = kernel.pointers(columns)
        samples = sampling.of(len(columns), len(columns[0])) if sampling else None
        reduced = kernel.reductions(pointers, len(columns[0]), samples)
        return None if reduced is None else cls(tuple(columns), pointers, samples, *reduced)

    @property
    def rows(self) -> int:
        """Of each column."""
        return len(self.arrays[0])

    @property
    def missing(self) -> Array:
        """(columns,) number of values that are NaN."""
        return self.rows - self.count

    @property
    def sums(self) -> Array:
        """(columns,) of all values: NaN where one is missing, or through overflow."""
        return np.where(self.count < self.rows, np.nan, self.sum)

    @property
    def certain(self) -> NDArray[np.bool_]:
        """(columns,) which of them have values, of which no sum but that of squares overflows, and no zero is in doubt:
        all others are reduced by numpy."""
        with np.errstate(over="ignore", invalid="ignore"):
            return (self.count > 0.0) & np.isfinite(self.sum) & (self.greatest - self.least <= WIDEST)

    def __getitem__(self, some: slice) -> Reductions:
        """Of some of the columns."""
        parts: dict[str, Any] = {n: getattr(self, n)[some] for n in self.__struct_fields__ if n != "samples"}
        return replace(self, samples=None, **parts)

    def about(self, centre: Array) -> tuple[Array, Array]:
        """(columns,) the mean of x − centre, and the sum of squares, of columns that are `certain`."""
        total, squares = self.deviations, self.squares
        if centre is not self.mean:
            total, squares = kernel.deviations(self.pointers, self.rows, self.count, centre)
        return total / self.count, squares

    def as_features(self, a: Array) -> Array:
        """(1, columns) of (columns,)."""
        return a[None]


@cache
def _adds_as_numpy(loaded: object) -> bool:
    """Whether the sums of the kernel are those of numpy, which may add in another order in another version."""
    if loaded is None:
        return False
    columns = tuple(np.modf(np.outer(np.sqrt([2.0, 3.0, 5.0]), np.arange(1.0, PROBE)))[0])
    reduced = kernel.reductions(kernel.pointers(columns), len(columns[0]))
    if reduced is None:
        return False
    _, total, _, _, mean, *deviations = reduced
    away = [x - centre for x, centre in zip(columns, mean, strict=True)]
    return np.array_equal([total, *deviations], [[x.sum() for x in a] for a in (columns, away, map(np.square, away))])
