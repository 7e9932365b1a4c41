"""Statistic: what every file here offers."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from normcli.block import Block, Column
from normcli.record import Array, Record


@dataclass(frozen=True)
class Statistic(Record):
    """What is kept of the rows seen. Made with its settings only it is blank: no groups, the identity of `merge`."""

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

    def column(self, x: Column) -> tuple[Array, ...]:
        """The array fields, (groups,) each, of one column's present values."""
        raise NotImplementedError

    def of(self, block: Block) -> Self:
        each = zip(*(self.column(x) for x in block.present()), strict=True)
        made = {n: np.stack(a, axis=1) for n, a in zip(self.axes(), each, strict=False)}
        return replace(self, **{n: made.get(n, np.empty((block.groups, 0))) for n in self.axes()})
