"""Measures of drift: each file here is one, and says how far new data are from those that were fitted, and how far
undrifted data may be by chance."""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
from msgspec import Struct

from normcli import registry
from normcli.blocks.record import Array
from normcli.drift.shapes import Shapes


class Pair(Struct, frozen=True):
    """What is known of columns, (columns,) each: figures of the fit and of new data, and their shapes.

    `rows` are the independent rows with a value, and `all_rows` all of them: of the fit, and of new data.
    """

    fitted: Mapping[str, Array]  # count, missing (a share), mean, mean_low, std, min, max; NaN where unknown
    data: Mapping[str, Array]  # the same, and outside
    rows: tuple[Array, Array]
    all_rows: tuple[Array, Array]
    shapes: Shapes | None = None


class Measure(Struct, frozen=True, kw_only=True):
    """One measure. It is named by its file; its value by `key`, in JSON and Python, and its limit by `limit`.

    `value` (columns,) is NaN where it is not defined; `floor` is what the size of it exceeds by chance with a given
    probability, in undrifted data.
    """

    key: str
    limit: str
    value: Callable[[Pair], Array]
    floor: Callable[[Pair, float], Array]
    form: str  # how it is shown: a format
    words: str  # of drift, with the value {}
    size: Callable[[Array], Array] = np.abs  # what the limit is for
    is_ratio: bool = False  # drift is above a limit, and below its reciprocal
    of_shape: bool = False  # needs shapes

    def spelled(self, value: float) -> str:
        """A value as text."""
        return format(value, self.form)

    def on_side_of(self, value: float, bound: float) -> float:
        """A limit or a floor as it is for a value: for a ratio below 1, where drift is below it, its reciprocal."""
        return 1.0 / bound if self.is_ratio and value < 1.0 else bound


@cache
def measures() -> Mapping[str, Measure]:
    """All measures by name, in the order in which they are shown."""
    room = "drift.measures"
    names = sorted(registry.names(room), key=lambda name: registry.order(room, name) or 0)
    return {name: registry.load(room, name).MEASURE for name in names}
