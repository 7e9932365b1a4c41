"""Measures of drift of a column, each with its limit and its floor, from a comparison."""

import math
from collections.abc import Callable

import numpy as np
from msgspec import Struct

from normcli.drift import Columns, Comparison
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


def measures(comparison: Comparison, columns: Columns, j: int) -> list[Measure]:
    """The measures of column `j`; those of one that has too few values are no drift."""
    limits, judged = comparison.limits, bool(columns.judged[j])
    apart = {name: float(values[j]) for name, values in columns.apart.items()}
    reasons = set(columns.reasons(j)) if judged else set()
    ratio = apart["scale_ratio"]
    with np.errstate(all="ignore"):
        farthest = max(ratio, float(np.divide(1.0, ratio))) if not math.isnan(ratio) else ratio
    rows = (
        ("shift", abs(apart["shift"]), limits.max_shift, number, 0.0),
        ("scale", farthest, limits.max_scale_ratio, number, 1.0),
        ("outside", apart["outside"], limits.max_outside, share, 0.0),
        ("missing", apart["missing_change"], limits.max_missing, share, 0.0),
    )
    return [Measure(name, value, limit, None, name in reasons, text, start) for name, value, limit, text, start in rows]
