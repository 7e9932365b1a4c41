"""Records: frozen dataclasses of arrays with a leading group axis (one group where there are no keys).

What a statistic keeps and what a method learns are records. Each array field says its axes beyond the groups, what
a group without rows holds, and what the parameter file may hold; the file's layout, its checks and its JSON Schema
are read off that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.intp]  # of groups
Holds = Literal["any", "positive", "not negative", "count"]


@dataclass(frozen=True)
class Axes:
    """What an array field is: `dims` beyond the group axis, named; sizes with one name agree within a record."""

    dims: tuple[str, ...]
    empty: float = 0.0
    holds: Holds = "any"
    symmetric: bool = False
    ragged: bool = False  # lists of the last axis end where only `empty` follows

    def filled(self, values: Array, sizes: tuple[int, ...]) -> Array:
        """(groups, …) with axes of these sizes, none less than its own: what is added stands for nothing."""
        if values.shape[1:] == sizes:
            return values
        nothing = self.ragged or not np.isfinite(self.empty)
        fill = self.empty if nothing else 1.0 if self.holds == "positive" else 0.0
        more = ((0, size - n) for size, n in zip(sizes, values.shape[1:], strict=True))
        return np.pad(values, [(0, 0), *more], constant_values=fill)


def per_group(
    *dims: str, empty: float = 0.0, holds: Holds = "any", symmetric: bool = False, ragged: bool = False
) -> Any:
    """An array field (groups, *dims); a group without rows holds `empty`; a blank record has no groups at all."""
    axes = Axes(dims, empty, holds, symmetric, ragged)
    return field(default_factory=lambda: np.empty((0,) * (1 + len(dims))), metadata={"axes": axes})


def symmetric(lower: Array) -> Array:
    """A matrix by its lower triangle, which is what the parameter file keeps."""
    return np.where(np.tri(len(lower), dtype=bool), lower, lower.T)


@dataclass(frozen=True)
class Record:
    """A frozen dataclass some of whose fields are arrays per group."""

    @classmethod
    def axes(cls) -> dict[str, Axes]:
        """The array fields and what they are."""
        return {f.name: f.metadata["axes"] for f in fields(cls) if "axes" in f.metadata}

    @classmethod
    def is_column_wise(cls) -> bool:
        """Whether every array has one entry per feature and no more."""
        return all(a.dims == ("feature",) for a in cls.axes().values())

    @classmethod
    def is_apart(cls) -> bool:
        """Whether each array says of one feature, or of another, what it does."""
        return all(a.dims[0] == "feature" and a.dims.count("feature") == 1 for a in cls.axes().values())

    def settings(self) -> dict[str, Any]:
        """The fields that are no arrays."""
        return {f.name: getattr(self, f.name) for f in fields(self) if "axes" not in f.metadata}

    def fault(self) -> tuple[str, str] | None:
        """A field, and why its value can't be, as far as types and `holds` don't say it."""
        return None

    def taken(self, groups: Codes | list[int] | slice) -> Self:
        """Of these groups alone, in this order."""
        return replace(self, **{name: getattr(self, name)[groups] for name in self.axes()})

    def reorder(self, order: Sequence[int]) -> Self:
        """Of the same features in this order, along every axis that is of them."""
        arrays = {name: getattr(self, name) for name in self.axes()}
        for name, axes in self.axes().items():
            for at in (i for i, dim in enumerate(axes.dims, 1) if dim == "feature"):
                arrays[name] = np.take(arrays[name], order, axis=at)
        return replace(self, **arrays)

    @classmethod
    def stacked(cls, records: Sequence[Self]) -> Self:
        """One of all their groups. Where their axes differ in size, the shorter are filled: with 1 what must be
        positive, else with 0."""
        first, stacks = records[0], {}
        for name, axes in cls.axes().items():
            arrays = [getattr(r, name) for r in records]
            shape = tuple(max(sizes) for sizes in zip(*(a.shape[1:] for a in arrays), strict=True))
            stacks[name] = np.concatenate([axes.filled(a, shape) for a in arrays])
        return replace(first, **stacks)

    @property
    def groups(self) -> int:
        """How many groups there are; none in a blank record."""
        name = next(iter(self.axes()), None)
        return 0 if name is None else len(getattr(self, name))
