"""Block: the selected columns as numbers, the one thing that statistics, methods and transforms know."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from normcli.record import Array


@dataclass(frozen=True)
class Block:
    """Rows of numbers: `values` (rows, features), float64, column-major, finite or NaN where missing.

    Column-major because numpy sums a contiguous column pairwise, and row-major ones one after the other
    (100 times the error).
    """

    values: Array

    @property
    def rows(self) -> int:
        return len(self.values)

    @property
    def features(self) -> int:
        return len(self.values.T)

    def present(self) -> Iterator[Array]:
        """Each column's present values, (n,). Missing values are dealt with here, so that no statistic has to."""
        for x in self.values.T:
            yield x[~np.isnan(x)] if np.isnan(x.sum()) else x

    @cached_property
    def incomplete(self) -> NDArray[np.bool_] | None:
        """(rows,) which rows miss a value; None where none does."""
        gone: NDArray[np.bool_] | None = None
        for x in self.values.T:
            if np.isnan(x.sum()):
                gone = np.isnan(x) if gone is None else gone | np.isnan(x)
        return gone

    @cached_property
    def complete(self) -> "Block":
        """The rows that miss nothing."""
        if self.incomplete is None:
            return self
        return Block(np.asfortranarray(self.values[~self.incomplete]))
