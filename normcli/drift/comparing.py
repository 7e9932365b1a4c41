"""Comparison of columns: figures and shapes of the fit, and those of new data."""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from normcli.blocks.record import Array
from normcli.caching import cached_property
from normcli.drift import bounds
from normcli.drift.describing import FIGURES
from normcli.drift.measures import Measure, Pair, measures
from normcli.limits import OFF, Limits

SHARES = {"outside", "missing"}  # measures that need no unit


class Columns(Struct, frozen=True):
    """Columns that are compared together, (features,) each: NaN where a number is unknown.

    `past` has the measures whose limit and floor are exceeded. For `constant`, where a column that had a single value
    has another, and `unlearned`, where one that had no value has some, there is no limit, but a floor. A column that is
    not `judged` has too few values.
    """

    names: tuple[str, ...]
    fitted: dict[str, Array]
    data: dict[str, Array]
    apart: dict[str, Array]  # values by the key of a measure; they may be infinite
    limits: dict[str, Array]  # the same
    floors: dict[str, Array]  # the same: what undrifted data exceed by chance; may be infinite
    past: dict[str, NDArray[np.bool_]]
    judged: NDArray[np.bool_]

    @property
    def drifted(self) -> NDArray[np.bool_]:
        """(features,) whether any limit is exceeded."""
        return np.asarray(np.any(list(self.past.values()), axis=0), np.bool_)

    def reasons(self, j: int) -> list[str]:
        """The limits that column j exceeds."""
        return [name for name, where in self.past.items() if where[j]]

    def taken(self, rows: Sequence[int] | NDArray[np.bool_]) -> "Columns":
        """Some of the columns."""
        at = np.arange(len(self.names))[rows].tolist()
        parts = {
            name: {key: a[at] for key, a in getattr(self, name).items()}
            for name in ("fitted", "data", "apart", "limits", "floors", "past")
        }
        return Columns(tuple(self.names[j] for j in at), **parts, judged=self.judged[at])


class Compared(Struct, frozen=True, dict=True):
    """Columns before the verdict, which depends on how many there are. `columns` are what the names are of;
    `enough` (features,) tells whether there are rows enough, `judged` whether there are values enough."""

    names: tuple[str, ...]
    columns: tuple[str, ...]
    pair: Pair
    enough: NDArray[np.bool_]
    judged: NDArray[np.bool_]

    @classmethod
    def of(
        cls, names: tuple[str, ...], columns: tuple[str, ...], pair: Pair, enough: NDArray[np.bool_], min_rows: int
    ) -> "Compared":
        """Of columns, those with rows enough that also have values enough."""
        return cls(names, columns, pair, enough, (pair.rows[1] >= min_rows) & enough)

    @cached_property
    def values(self) -> Mapping[str, Array]:
        """By the name of a measure. A column with a single value has no unit for distances: its rule decides."""
        with np.errstate(all="ignore"):
            values = {name: measure.value(self.pair) for name, measure in measures().items()}
        return {n: x if n in SHARES else np.where(self._constant, np.nan, x) for n, x in values.items()}

    def comparisons(self, limits: Limits) -> int:
        """The number of values that may be past their limit."""
        return sum(
            int(np.count_nonzero(~np.isnan(self.values[name]) & self.judged & (self._limits(measure, limits) < OFF)))
            for name, measure in measures().items()
        )

    def _limits(self, measure: Measure, limits: Limits) -> Array:
        """(features,) those of a measure."""
        if not limits.columns:
            return np.full(len(self.names), getattr(limits, measure.limit))
        return np.array([limits.of(measure.limit, *pair) for pair in zip(self.names, self.columns, strict=True)])

    def judged_by(self, limits: Limits, alpha: float) -> Columns:
        """The verdict, where undrifted data exceed each floor with a probability of at most `alpha`."""
        was, now, enough = self.pair.fitted, self.pair.data, self.enough
        apart, ends, floors, past = {}, {}, {}, self._structural(alpha)
        judged = self.judged
        varied = judged & ~self._constant
        with np.errstate(all="ignore"):
            for name, measure in measures().items():
                value, floor = self.values[name], measure.floor(self.pair, alpha)
                key = measure.key
                ends[key] = self._limits(measure, limits)
                apart[key], floors[key] = value, np.where(np.isnan(value), np.nan, floor)
                exceeds = measure.size(value) > np.fmax(ends[key], floor)
                past[name] = exceeds & (enough if name == "missing" else varied)
        past["constant"] &= judged
        fitted, data = ({name: figures[name] for name in FIGURES} for figures in (was, now))
        return Columns(
            self.names, fitted, data, apart, ends, floors, past, judged | past["missing"] | past["unlearned"]
        )

    @property
    def _constant(self) -> NDArray[np.bool_]:
        return np.asarray(self.pair.fitted["min"] == self.pair.fitted["max"])

    def _structural(self, alpha: float) -> dict[str, NDArray[np.bool_]]:
        """Values in a column that had none, and other values in one that had a single value, if they are more than by
        chance: the rows that have them may all be new ones."""
        was, now = self.pair.fitted, self.pair.data
        with np.errstate(all="ignore"):
            present = 1.0 - np.where(np.isnan(now["missing"]), 0.0, now["missing"])
            unlearned = present > bounds.beyond(alpha, *self.pair.all_rows) / self.pair.all_rows[1]
            different = now["outside"] > bounds.beyond(alpha, *self.pair.rows) / self.pair.rows[1]
        changed = (now["min"] != was["min"]) | (now["max"] != was["max"])
        return {
            "unlearned": (was["count"] == 0) & (now["count"] > 0) & unlearned & self.enough,
            "constant": self._constant & (now["count"] > 0) & changed & different,
        }
