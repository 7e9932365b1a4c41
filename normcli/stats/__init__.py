"""Statistic: the interface of every file here."""

from collections.abc import Iterable, Sequence
from math import prod
from typing import ClassVar, Self

import numpy as np
from msgspec.structs import replace

from normcli.blocks.block import Block, Column
from normcli.blocks.record import Array, Record
from normcli.blocks.reductions import Reductions


class Statistic(Record, frozen=True):
    """The state of a statistic over rows, mergeable. Constructed from its settings alone it is blank: without groups,
    the identity of `merge`."""

    integer_weights: ClassVar[bool] = False  # weights must be integers

    @property
    def multiple(self) -> int:
        """Rows per batch: data are split only between batches, and in blocks of fixed size. 1: anywhere."""
        return 1

    @property
    def is_blank(self) -> bool:
        """Whether it is of no block."""
        return not self.groups

    def unknown(self, features: int) -> Self:
        """The state of one group of so many columns, of which it is not known: NaN, also merged with any other."""
        return replace(self, **{name: np.full((1, features), np.nan) for name in self.axes()})

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is known of any column. What has no values is known: a sketch of none is empty."""
        arrays = [getattr(self, name) for name in self.axes()]
        return any(a.size for a in arrays) and all(bool(np.isnan(a).all()) for a in arrays)

    def of(self, block: Block) -> Self:
        """The statistic of one block, with the settings of this (blank) one."""
        raise NotImplementedError

    def merge(self, other: Self) -> Self:
        """The statistic of the rows of both, those of `self` first. Associative up to rounding; neither is changed."""
        if self.is_blank:
            return other
        return self if other.is_blank else self._merge(other)

    def _merge(self, other: Self) -> Self:
        raise NotImplementedError

    def split(self, shards: int) -> list[Self]:
        """So many shards, each of which merges by itself with that of another state; `joined` after that, they are the
        merged state to the bit. By features, where these are independent; else each is all of it."""
        axes = self._feature_axes()
        parts = {name: np.array_split(getattr(self, name), shards, axis) for name, axis in axes.items()}
        return [replace(self, **{name: part[n] for name, part in parts.items()}) for n in range(shards)]

    @classmethod
    def joined(cls, shards: Sequence[Self]) -> Self:
        """The state of which these are all shards, in order."""
        joined = {}
        for name, axis in cls._feature_axes().items():
            arrays = [getattr(shard, name) for shard in shards]
            sizes = [max(lengths) for lengths in zip(*(a.shape[1:] for a in arrays), strict=True)]
            at = axis - 1  # of sizes, which have no groups
            filled = (cls.axes()[name].filled(a, (*sizes[:at], a.shape[axis], *sizes[axis:])) for a in arrays)
            joined[name] = np.concatenate(list(filled), axis)
        return replace(shards[0], **joined)

    @classmethod
    def _feature_axes(cls) -> dict[str, int]:
        """The place of the feature axis of each array; empty where one of them has none, or several."""
        axes = cls.axes()
        alone = all(a.dims.count("feature") == 1 for a in axes.values())
        return {name: 1 + a.dims.index("feature") for name, a in axes.items()} if alone else {}

    def by_key(self) -> Self:
        """The statistic with its settings for many groups."""
        return self

    @property
    def repeats(self) -> bool:
        """Whether a further pass over the data may be needed; known before the first pass."""
        return False

    def next_pass(self) -> "Statistic | None":
        """The blank statistic of a further pass over the same data, whose result goes to `refined`; None if none is
        needed."""
        return None

    def refined(self, state: "Statistic") -> Self:
        """This statistic with the result of the pass that `next_pass` requested."""
        raise NotImplementedError

    def accuracy(self) -> str:
        """The error bound of its results as text; empty if they are exact up to rounding."""
        return ""

    def computation(self) -> str:
        """How it is computed here, as text, where its last digits depend on that; else empty."""
        return ""

    def described_settings(self) -> str:
        """Its settings as text for users."""
        return ", ".join(f"{name} {value}" for name, value in self.settings().items())

    def bytes_of(self, features: int) -> int:
        """Upper bound of the size of one group in bytes. Axes other than features have their own `extents`."""
        extents = {"feature": features} | self.extents
        return sum(8 * prod(extents[dim] for dim in axes.dims) for axes in self.axes().values())

    @property
    def extents(self) -> dict[str, int]:
        """The maximum lengths of the axes other than features."""
        return {}

    def summary(self) -> dict[str, Array]:
        """Arrays (groups, features) by the usual names: count, mean, min …"""
        return {}


class ColumnStatistic(Statistic, frozen=True):
    """A statistic of each column by itself."""

    def column(self, x: Column) -> tuple[Array, ...]:
        """The array fields, (groups,) each, of the present values of one column, or of several."""
        raise NotImplementedError

    def of(self, block: Block) -> Self:
        return self._joined(block, [tuple(map(x.as_features, self.column(x))) for x in block.strips()])

    def _joined(self, block: Block, strips: Iterable[tuple[Array, ...]]) -> Self:
        """The state of a block from the array fields (groups, features) of its strips of columns."""
        fields = zip(*strips, strict=True)
        arrays = {n: np.concatenate(a, axis=1) for n, a in zip(self.axes(), fields, strict=False)}
        return replace(self, **{n: arrays.get(n, np.empty((block.groups, 0))) for n in self.axes()})


class ReducedStatistic(ColumnStatistic, frozen=True):
    """A statistic of each column's reductions: `column` takes those of several columns by the native kernel, too."""

    def column(self, x: Column | Reductions) -> tuple[Array, ...]:
        raise NotImplementedError

    def of(self, block: Block) -> Self:
        return self._joined(block, [tuple(map(x.as_features, self.column(x))) for x in block.reduced()])
