"""Records: frozen dataclasses of arrays with a leading group axis (one group where there are no keys).

What a statistic keeps and what a method learns are records. Each array field says its axes beyond the groups, what
a group without rows holds, and what the parameter file may hold; the file's layout, its checks and its JSON Schema
are read off that.
"""

from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Holds = Literal["any", "positive", "not negative", "count"]


@dataclass(frozen=True)
class Axes:
    """What an array field is: `dims` beyond the group axis, named; sizes with one name agree within a record."""

    dims: tuple[str, ...]
    empty: float = 0.0
    holds: Holds = "any"
    symmetric: bool = False
    ragged: bool = False  # lists of the last axis end where only `empty` follows


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

    def settings(self) -> dict[str, Any]:
        """The fields that are no arrays."""
        return {f.name: getattr(self, f.name) for f in fields(self) if "axes" not in f.metadata}

    def fault(self) -> tuple[str, str] | None:
        """A field, and why its value can't be, as far as types and `holds` don't say it."""
        return None

    @property
    def groups(self) -> int:
        """How many groups there are; none in a blank record."""
        name = next(iter(self.axes()), None)
        return 0 if name is None else len(getattr(self, name))
