"""Statistic: what every file here offers."""

from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar, Self

import numpy as np

from normcli.blocks.block import Block, Column
from normcli.blocks.record import Array, Record


@dataclass(frozen=True)
class Statistic(Record):
    """What is kept of the rows seen. Made with its settings only it is blank: no groups, the identity of `merge`."""

    whole_weights: ClassVar[bool] = False  # rows count whole times only

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

    def by_key(self) -> Self:
        """With the settings that it has where there are many groups."""
        return self

    @property
    def repeats(self) -> bool:
        """Whether a further pass over the data may be needed; known before the first."""
        return False

    def next_pass(self) -> "Statistic | None":
        """The blank of a further pass over the same data, if it needs one: then `refined` wants what that saw."""
        return None

    def refined(self, found: "Statistic") -> Self:
        """With what the pass that `next_pass` asks for has found."""
        raise NotImplementedError

    def accuracy(self) -> str:
        """How far off what it says may be, in words; nothing where that is rounding."""
        return ""

    def described_settings(self) -> str:
        """Its settings for people, who know what they asked the method for."""
        return ", ".join(f"{name} {value}" for name, value in self.settings().items())

    def bytes_of(self, features: int) -> int:
        """Of one group, at most. An axis that is not of features has its own extent."""
        extents = {"feature": features} | self.extents
        return sum(8 * prod(extents[dim] for dim in axes.dims) for axes in self.axes().values())

    @property
    def extents(self) -> dict[str, int]:
        """How long the axes that are not of features are, at most."""
        return {}

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
