"""Comparison: the verdict on new data, and all that it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from msgspec import Struct

from normcli.drift import bounds
from normcli.drift.comparing import Columns
from normcli.drift.keys import KeyComparison, KeyPairs
from normcli.drift.pairing import Sample, paired
from normcli.drift.raw_columns import Distributions
from normcli.limits import OFF, Limits
from normcli.parameters import Parameters
from normcli.parameters.keys import Key, Keyed

if TYPE_CHECKING:
    from normcli.drift.categories import CategoryChange, CategoryPair


class Change(Struct, frozen=True):
    """A column that is absent, new, or of another type. `drift` if the parameters need it."""

    column: str
    what: Literal["gone", "type", "new"]
    was: str | None
    now: str | None
    drift: bool
    cause: str | None = None  # for text in place of numbers: where it is, and an example


class Unseen(Struct, frozen=True):
    """Rows whose key was not fitted, their share, with its limit and floor, and the first of these keys."""

    by: tuple[str, ...]
    rows: int
    share: float
    some: tuple[Key, ...]
    drift: bool
    limit: float
    floor: float


class Incomplete(Struct, frozen=True):
    """The share of rows that are left out because they miss a value, in the fit and now; and the limit and the floor of
    its change."""

    fitted: float
    share: float
    drift: bool
    limit: float
    floor: float

    @property
    def change(self) -> float:
        """Difference of the shares."""
        return self.share - self.fitted


class Comparison(Struct, frozen=True):
    """Comparison of new data with the fitted data. `rows` is None if no step has statistics to compare with."""

    limits: Limits
    rows: int | None
    fitted_rows: int
    changes: tuple[Change, ...]
    steps: tuple[Columns, ...]
    incomplete: Incomplete | None = None  # of methods that use complete rows only
    unseen: Unseen | None = None  # of parameters by key
    keys: KeyComparison | None = None  # each key by itself, if that is wanted
    categories: tuple[CategoryChange, ...] = ()
    shaped: bool = False  # whether shapes were compared, which takes sketches

    @property
    def judged(self) -> bool:
        """Whether there are rows enough for a verdict on their values."""
        return self.rows is None or self.rows >= self.limits.min_rows

    @property
    def drift(self) -> bool | None:
        """The verdict; None if there are too few rows for one. Changes of columns need no minimum of rows."""
        of_rows = (x.drift for x in (self.incomplete, self.unseen) if x is not None)
        if any(c.drift for c in self.changes) or any(of_rows) or any(s.drifted.any() for s in self.steps):
            return True
        if any(c.drift for c in self.categories) or (self.keys is not None and self.keys.drifted):
            return True
        return False if self.judged else None


def comparison(
    parameters: Parameters, sample: Sample, limits: Limits, changes: tuple[Change, ...], *,
    distributions: Distributions, unseen: tuple[int, tuple[Key, ...]], keyed: Keyed | None = None,
) -> Comparison:  # fmt: skip
    """The verdict on a sample. `unseen` are the number of rows whose key was not fitted, and some of these keys. With
    `keyed`, states by key, each key is compared by itself, too."""
    entries = paired(parameters, sample, distributions, limits.min_rows)
    keys = None if keyed is None else KeyPairs.of(parameters, keyed, limits.min_rows)
    by_row = any(step.method.by_row for step in parameters.steps if step.learns)
    comparisons = sum(entry.comparisons(limits) for entry in entries)
    comparisons += (by_row and limits.max_missing < OFF) + (bool(parameters.by) and limits.max_outside < OFF)
    counted = _categories(parameters, sample)
    comparisons += sum(pair.is_judged(limits) and pair.limit(limits) < OFF for pair in counted)
    comparisons += 0 if keys is None else keys.comparisons(limits)
    alpha = bounds.RATE / max(comparisons, 1)
    enough = sample.rows >= limits.min_rows
    incomplete = new_keys = None
    if by_row:
        incomplete = _incomplete(parameters, sample, limits, alpha, enough=enough)
    if parameters.by:
        share = unseen[0] / max(sample.rows, 1)
        singles, pairs = (sum(rows == count for rows in parameters.key_rows) for count in (1, 2))
        floor = bounds.new_keys(alpha, singles, pairs, parameters.rows, max(sample.rows, 1)) / max(sample.rows, 1)
        drift = enough and share > max(limits.max_outside, floor)
        new_keys = Unseen(parameters.by, *unseen[:1], share, unseen[1], drift, limits.max_outside, floor)
    steps = tuple(entry.judged_by(limits, alpha) for entry in entries)
    return Comparison(
        limits, sample.rows, parameters.rows, changes, steps, incomplete, new_keys,
        None if keys is None else keys.judged_by(limits, alpha),
        categories=tuple(pair.judged_by(limits, alpha) for pair in counted),
        shaped=any(entry.pair.shapes is not None for entry in entries),
    )  # fmt: skip


def _categories(parameters: Parameters, sample: Sample) -> list[CategoryPair]:
    if not sample.categories:
        return []
    from normcli.drift.categories import pairs  # here, for few fits have any

    return pairs(parameters.categories, sample.categories)


def _incomplete(parameters: Parameters, sample: Sample, limits: Limits, alpha: float, *, enough: bool) -> Incomplete:
    rows = np.array(float(parameters.rows)), np.array(float(sample.rows))
    fitted, share = parameters.skipped / max(parameters.rows, 1), sample.incomplete / max(sample.rows, 1)
    floor = float(bounds.more(alpha, np.array(fitted), *rows))
    drift = enough and share - fitted > max(limits.max_missing, floor)
    return Incomplete(fitted, share, drift, limits.max_missing, floor)
