"""Records: frozen structs of arrays with a leading group axis (one group where there are no keys).

States of statistics and transforms are records. Each array field declares its axes beyond the groups, the value of a
group without rows, and the values allowed in parameter files; the layout of the file, its validation and its JSON
Schema are derived from that.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal, Self

import numpy as np
from msgspec import Struct, field
from msgspec.structs import fields, replace
from numpy.typing import NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.intp]  # of groups
Holds = Literal["any", "positive", "not negative", "count"]


class Axes(Struct, frozen=True):
    """Axes of an array field: names of `dims` beyond the group axis; sizes of the same name agree within a record."""

    dims: tuple[str, ...]
    empty: float = 0.0
    holds: Holds = "any"
    symmetric: bool = False
    ragged: bool = False  # the last axis is padded with `empty`
    optional: bool = False  # NaN where it is unknown, as in states that were imported

    def __call__(self) -> Array:
        """The array of a record without groups: axes are the factory of their field's default."""
        return np.empty((0,) * (1 + len(self.dims)))

    @property
    def null(self) -> float | None:
        """What null stands for in parameter files; None where there must be a number."""
        return np.nan if self.optional else None if np.isfinite(self.empty) else self.empty

    def filled(self, values: Array, sizes: tuple[int, ...]) -> Array:
        """(groups, …) padded to these sizes, which are at least those of `values`, with neutral values."""
        if values.shape[1:] == sizes:
            return values
        nothing = self.ragged or not np.isfinite(self.empty)
        fill = self.empty if nothing else 1.0 if self.holds == "positive" else 0.0
        more = ((0, size - n) for size, n in zip(sizes, values.shape[1:], strict=True))
        return np.pad(values, [(0, 0), *more], constant_values=fill)


def per_group(
    *dims: str,
    empty: float = 0.0,
    holds: Holds = "any",
    symmetric: bool = False,
    ragged: bool = False,
    optional: bool = False,
) -> Any:
    """An array field (groups, *dims); a group without rows holds `empty`; a blank record has no groups at all."""
    return field(default_factory=Axes(dims, empty, holds, symmetric, ragged, optional))


def symmetric(lower: Array) -> Array:
    """A matrix from its lower triangle, which is what the parameter file stores."""
    return np.where(np.tri(len(lower), dtype=bool), lower, lower.T)


class Record(Struct, frozen=True):
    """A frozen struct some of whose fields are arrays per group."""

    @classmethod
    @cache
    def axes(cls) -> Mapping[str, Axes]:
        """The array fields and their axes; of each class computed once, for 100,000 small states are merged one by
        one."""
        return {f.name: f.default_factory for f in fields(cls) if isinstance(f.default_factory, Axes)}

    @classmethod
    def is_column_wise(cls) -> bool:
        """Whether every array has shape (groups, features)."""
        return all(a.dims == ("feature",) for a in cls.axes().values())

    @classmethod
    def is_apart(cls) -> bool:
        """Whether features are independent: each array has one feature axis, the first after the groups."""
        return all(a.dims[0] == "feature" and a.dims.count("feature") == 1 for a in cls.axes().values())

    def settings(self) -> dict[str, Any]:
        """The fields that are not arrays."""
        arrays = self.axes()
        return {name: getattr(self, name) for name in self.__struct_fields__ if name not in arrays}

    def fault(self) -> tuple[str, str] | None:
        """A field with an invalid value, and the reason, beyond what types and `holds` check; None if all are valid."""
        return None

    def taken(self, groups: Codes | list[int] | slice) -> Self:
        """A record of these groups, in this order."""
        return replace(self, **{name: getattr(self, name)[groups] for name in self.axes()})

    def reorder(self, order: Sequence[int]) -> Self:
        """A record of the same features in this order, along every feature axis."""
        arrays = {name: getattr(self, name) for name in self.axes()}
        for name, axes in self.axes().items():
            for at in (i for i, dim in enumerate(axes.dims, 1) if dim == "feature"):
                arrays[name] = np.take(arrays[name], order, axis=at)
        return replace(self, **arrays)

    @classmethod
    def stacked(cls, records: Sequence[Self]) -> Self:
        """The groups of all records. Shorter axes are padded: with 1 where values must be positive, else with 0."""
        first, stacks = records[0], {}
        for name, axes in cls.axes().items():
            arrays = [getattr(r, name) for r in records]
            shape = tuple(max(sizes) for sizes in zip(*(a.shape[1:] for a in arrays), strict=True))
            stacks[name] = np.concatenate([axes.filled(a, shape) for a in arrays])
        return replace(first, **stacks)

    @property
    def groups(self) -> int:
        """Number of groups; 0 in a blank record."""
        name = next(iter(self.axes()), None)
        return 0 if name is None else len(getattr(self, name))
