"""Measures of drift of a column, each with its limit and its floor, from a comparison."""

import math

import numpy as np
from msgspec import Struct

from normcli.drift import Columns
from normcli.drift.measures import Measure
from normcli.drift.measures import measures as all_measures
from normcli.limits import LEAST, OFF
from normcli.reports.scales import NOTHING

NEARLY = 1e-9  # of a limit of 0
WORDS = {"constant": "was constant", "unlearned": "had no value"}  # of drift without a measure


class MeasuredDrift(Struct, frozen=True):
    """One measure: past both `limit` and `floor` is drift. Values are NaN where they are not defined."""

    name: str
    measure: Measure
    value: float
    limit: float
    floor: float
    drift: bool

    @property
    def severity(self) -> float | None:
        """How far it is on the way to drift, which is 1."""
        with np.errstate(all="ignore"):
            size = float(self.measure.size(np.array(self.value)))
        return None if math.isnan(size) else self._along(size)

    @property
    def floor_share(self) -> float | None:
        """The place of the floor on that way."""
        return self._along(self.floor) if math.isfinite(self.floor) else None

    def _along(self, size: float) -> float:
        none = LEAST.get(self.measure.limit, 0.0)  # the size of no drift at all
        end = max(self.limit, 0.0 if math.isnan(self.floor) else self.floor)
        if not math.isfinite(end):
            return 0.0
        return max(size - none, 0.0) / max(end - none, NEARLY)

    def cells(self) -> list[str]:
        """Its row of a table: name, value, limit, floor."""
        limit, floor = (
            self._spelled(self.measure.on_side_of(self.value, x)).removeprefix("+") for x in (self.limit, self.floor)
        )
        return [self.name, self._spelled(self.value), "off" if self.limit == OFF else limit, floor]

    def _spelled(self, value: float) -> str:
        if math.isnan(value):
            return NOTHING
        text = "∞" if math.isinf(value) else self.measure.spelled(value)
        return text.replace("-", "−").replace("%", " %")


def verdicts(columns: Columns, j: int) -> list[str]:
    """What is drift of column `j` and no measure, or why there is no verdict, in words."""
    if not columns.judged[j]:
        return ["too few values for a verdict"]
    return [f"drift: {WORDS[name]}" for name in columns.reasons(j) if name in WORDS]


def measures(columns: Columns, j: int) -> list[MeasuredDrift]:
    """The measures of column `j` that are defined; those of one that has too few values are no drift."""
    reasons = set(columns.reasons(j)) if columns.judged[j] else set()
    return [
        MeasuredDrift(name, measure, *numbers, drift=name in reasons)
        for name, measure in all_measures().items()
        if not math.isnan((numbers := _numbers(columns, measure.key, j))[0])
    ]


def _numbers(columns: Columns, key: str, j: int) -> tuple[float, float, float]:
    """Value, limit and floor of a measure."""
    value, limit, floor = (float(a[key][j]) for a in (columns.apart, columns.limits, columns.floors))
    return value, limit, floor
