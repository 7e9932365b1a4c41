"""Measures of drift of a column, each with its limit and its floor, from a comparison."""

import math
from collections.abc import Callable

import numpy as np
from msgspec import Struct

from normcli.drift import Columns
from normcli.drift.measures import measures as drift_measures
from normcli.reports.scales import number, share


class Measure(Struct, frozen=True):
    """One measure: `limit` and `floor` are values of it; beyond both is drift. None where it is unknown."""

    name: str
    value: float | None
    limit: float
    floor: float | None
    drift: bool
    text: Callable[[float | None, int], str]
    start: float = 0.0  # the value of no drift at all

    @property
    def severity(self) -> float | None:
        """How far it is on the way to drift, which is 1."""
        if self.value is None or math.isnan(self.value):
            return None
        return self._part(self.value) / (self._part(max(self.limit, self.floor or 0.0)) or 1e-9)

    @property
    def floor_share(self) -> float | None:
        """The place of the floor on that way."""
        if self.floor is None or not math.isfinite(self.floor):
            return None
        return self._part(self.floor) / (self._part(max(self.limit, self.floor)) or 1e-9)

    def _part(self, x: float) -> float:
        return max(x - self.start, 0.0)

    def cells(self) -> list[str]:
        """Its row of a table: name, value, limit, floor."""
        return [self.name, *(self.text(x, 3) for x in (self.value, self.limit, self.floor))]


WORDS = {"constant": "was constant", "unlearned": "had no value"}  # of drift without a measure


def verdicts(columns: Columns, j: int) -> list[str]:
    """What is drift of column `j` and no measure, or why there is no verdict, in words."""
    if not columns.judged[j]:
        return ["too few values for a verdict"]
    return [f"drift: {WORDS[name]}" for name in columns.reasons(j) if name in WORDS]


def measures(columns: Columns, j: int) -> list[Measure]:
    """The measures of column `j`, without those of its shape that are not defined; those of one that has too few values
    are no drift."""
    reasons = set(columns.reasons(j)) if columns.judged[j] else set()
    of_column = list[Measure]()
    for name, measure in drift_measures().items():
        value, limit, floor = (float(a[measure.key][j]) for a in (columns.apart, columns.limits, columns.floors))
        with np.errstate(all="ignore"):
            size = float(measure.size(np.array(value)))
        if not (measure.of_shape and math.isnan(value)):
            text = share if "%" in measure.form else number
            end = floor if math.isfinite(floor) else None
            of_column.append(Measure(name, size, limit, end, name in reasons, text, measure.none))
    return of_column
