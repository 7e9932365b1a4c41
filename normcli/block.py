"""Block: the selected columns as numbers, the one thing that statistics, methods and transforms know."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from normcli.record import Array


@dataclass(frozen=True)
class Block:
    """Rows of numbers: `columns` holds an array (rows,) of each, float64, contiguous, finite or NaN where missing.

    Column by column, because numpy sums a contiguous column pairwise, and the columns of a row-major matrix one
    after the other (100 times the error).
    """

    columns: tuple[Array, ...]
    matrix: Array | None = None  # of which the columns are views, where there is one

    @classmethod
    def of(cls, matrix: ArrayLike) -> "Block":
        """Of a matrix (rows, features)."""
        whole = np.asfortranarray(matrix, np.float64)
        return cls(tuple(whole.T), whole)

    @classmethod
    def joined(cls, blocks: "Sequence[Block]") -> "Block":
        """One after the other; at least one."""
        if len(blocks) == 1:
            return blocks[0]
        return cls(tuple(map(np.concatenate, zip(*(b.columns for b in blocks), strict=True))))

    @property
    def rows(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    @cached_property
    def values(self) -> Array:
        """(rows, features), column-major."""
        if self.matrix is not None:
            return self.matrix
        matrix = np.empty((self.rows, len(self.columns)), order="F")
        for x, column in zip(matrix.T, self.columns, strict=True):
            x[:] = column
        return matrix

    @cached_property
    def sums(self) -> Array:
        """(features,) of all values: NaN where one is missing, or where infinities or overflow make it so."""
        return np.array([x.sum() for x in self.columns])

    def present(self) -> Iterator[Array]:
        """Each column's present values, (n,). Missing values are dealt with here, so that no statistic has to."""
        for x, total in zip(self.columns, self.sums.tolist(), strict=True):
            yield x[~np.isnan(x)] if total != total else x

    @cached_property
    def incomplete(self) -> NDArray[np.bool_] | None:
        """(rows,) which rows miss a value; None where none does."""
        gone: NDArray[np.bool_] | None = None
        for j in np.flatnonzero(np.isnan(self.sums)):
            missing = np.isnan(self.columns[j])
            gone = missing if gone is None else gone | missing
        return gone if gone is not None and gone.any() else None

    @property
    def complete(self) -> "Block":
        """The rows that miss nothing."""
        if self.incomplete is None:
            return self
        return Block(tuple(x[~self.incomplete] for x in self.columns))

    @property
    def all_or_nothing(self) -> "Block":
        """The same rows; those that miss a value miss all."""
        if self.incomplete is None:
            return self
        return Block(tuple(np.where(self.incomplete, np.nan, x) for x in self.columns))
