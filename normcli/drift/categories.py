"""Categories of new data against those of the fit: the largest difference of the shares of a value."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct

from normcli.drift.bounds import inverse_counts
from normcli.limits import Limits
from normcli.parameters.categories import Category

DIGITS = 12  # of distances that count as the same


class CategoryChange(Struct, frozen=True):
    """A column of categories. `distance` is the largest difference between the shares of all rows that a value, or
    missing, has in the fit and in new data, the smallest that the errors of both counts allow; `value` is the one that
    has it (None: missing), with its shares. `drift` is None with too few rows for a verdict."""

    column: str
    value: str | None
    fitted: float
    share: float
    distance: float
    limit: float
    floor: float
    drift: bool | None


class CategoryPair(Struct, frozen=True):
    """The counts of a column in the fit and in new data, each of at least one row."""

    fitted: Category
    data: Category

    def judged_by(self, limits: Limits, alpha: float) -> CategoryChange:
        """The verdict, where undrifted data exceed the floor with a probability of at most `alpha`: by the inequality
        of Hoeffding, of each value that is compared, in both directions."""
        values = sorted({*self.fitted.counts, *self.data.counts}, key=self._order)
        compared = [*values, *([None] if self.fitted.missing or self.data.missing else [])]
        distance, value = max(
            ((self._distance(v), v) for v in compared), key=lambda pair: round(pair[0], DIGITS), default=(0.0, None)
        )
        h = float(inverse_counts(np.array(self.fitted.all_rows), np.array(self.data.all_rows)))
        floor = math.sqrt(math.log(2 * max(len(compared), 1) / alpha) / 2 * h)
        name, limit = self.data.name, self.limit(limits)
        drift = distance > max(limit, floor) if self.is_judged(limits) else None
        fitted, share = self.fitted.shares(value)[0], self.data.shares(value)[0]
        return CategoryChange(name, value, fitted, share, distance, limit, floor, drift)

    def limit(self, limits: Limits) -> float:
        """The limit of the distance."""
        return limits.of("max_category", self.data.name, self.data.name)

    def is_judged(self, limits: Limits) -> bool:
        """Whether there are rows enough for a verdict."""
        return self.data.all_rows >= limits.min_rows

    def _order(self, value: str) -> tuple[float, str]:
        """Common values first."""
        return -self.fitted.counts.get(value, 0), value

    def _distance(self, value: str | None) -> float:
        """The gap between the intervals in which both shares are."""
        (low, high), (new_low, new_high) = self.fitted.shares(value), self.data.shares(value)
        return max(low - new_high, new_low - high, 0.0)


def pairs(fitted: Sequence[Category], data: Iterable[Category]) -> list[CategoryPair]:
    """Those columns of which both have rows."""
    counts = {category.name: category for category in data if category.all_rows}
    return [CategoryPair(c, counts[c.name]) for c in fitted if c.all_rows and c.name in counts]
