"""Statistic: what every file here offers."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from normcli.block import Block
from normcli.record import Array, Record


@dataclass(frozen=True)
class Statistic(Record):
    """What is kept of the rows seen. Made with its settings only it is blank: no groups, the identity of `merge`."""

    @property
    def multiple(self) -> int:
        """Rows to a whole batch: data are cut between batches only, and in blocks of fixed size. 1: anywhere."""
        return 1

    def of(self, block: Block) -> Self:
        """The statistic of one block, by a blank's settings."""
        raise NotImplementedError

    def merge(self, other: Self) -> Self:
        """Of the rows of both, `self`'s first. Associative to rounding; changes neither."""
        if not self.groups:
            return other
        return self._merge(other) if other.groups else self

    def _merge(self, other: Self) -> Self:
        raise NotImplementedError

    def summary(self) -> dict[str, Array]:
        """(groups, features) each, under the names that people use: count, mean, min …"""
        return {}


@dataclass(frozen=True)
class ColumnStatistic(Statistic):
    """A statistic of each column by itself."""

    def column(self, x: Array, missing: int) -> tuple[ArrayLike, ...]:
        """The array fields, a number each, of one column's present values (n,)."""
        raise NotImplementedError

    def of(self, block: Block) -> Self:
        each = [self.column(x, block.rows - len(x)) for x in block.present()]
        table = np.array(each, dtype=np.float64).reshape(len(each), len(self.axes()))
        return replace(self, **{n: table[:, j][None].copy() for j, n in enumerate(self.axes())})
