"""A comparison as JSON values, for `check --json` and run reports."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, TypedDict, cast

import numpy as np
from msgspec.structs import asdict

from normcli.drift.comparing import Columns
from normcli.drift.comparison import Comparison
from normcli.drift.keys import KeyComparison
from normcli.limits import Limits


class ColumnFigures(TypedDict):
    """An input column of the step that learned from it, or a column of lists; null where a number is unknown or
    infinite. A `scale_ratio` is drift above its limit and floor, and below the reciprocals of both."""

    column: str
    fitted: dict[str, float | None]  # count, missing (a share), mean, std, min, max
    data: dict[str, float | None]
    shift: float | None
    scale_ratio: float | None
    outside: float | None
    missing_change: float | None
    ks: float | None
    wasserstein: float | None
    psi: float | None
    limits: dict[str, float | None]  # of each of these values; null is switched off
    floors: dict[str, float | None]  # what each exceeds by chance, where nothing has drifted
    drift: list[str] | None  # limits exceeded; null if there are too few values for a verdict


class ChangeFigures(TypedDict):
    """A column that is absent, new, or of another type."""

    column: str
    what: str
    was: str | None
    now: str | None
    drift: bool
    cause: str | None


class IncompleteFigures(TypedDict):
    """The share of rows that miss a value."""

    fitted: float
    share: float
    drift: bool
    limit: float | None
    floor: float | None
    change: float


class UnseenFigures(TypedDict):
    """Rows whose key was not fitted, and the first of these keys."""

    by: list[str]
    rows: int
    share: float
    some: list[list[str | None]]
    drift: bool
    limit: float | None
    floor: float | None


class KeyFigures(TypedDict):
    """A key that has drifted, and those of its columns that have."""

    key: list[str | None]
    rows: int
    columns: list[ColumnFigures]


class KeysFigures(TypedDict):
    """Keys compared by themselves: how many, and those that have drifted."""

    by: list[str]
    compared: int
    drifted: list[KeyFigures]


class LimitFigures(TypedDict):
    """Limits of all columns, and those of single ones, by column; null switches a measure off."""

    max_shift: float | None
    max_scale_ratio: float | None
    max_outside: float | None
    max_missing: float | None
    max_ks: float | None
    max_wasserstein: float | None
    max_psi: float | None
    max_category: float | None
    min_rows: int
    columns: dict[str, dict[str, float | None]]


class CategoryFigures(TypedDict):
    """A column of categories, and the value whose share differs most; null is missing."""

    column: str
    value: str | None
    fitted: float
    share: float
    distance: float
    limit: float | None
    floor: float | None
    drift: bool | None


class Figures(TypedDict):
    """Comparison of new data with the fitted data."""

    drift: bool | None
    rows: int | None
    fitted_rows: int
    limits: LimitFigures
    changes: list[ChangeFigures]
    incomplete: IncompleteFigures | None
    unseen_keys: UnseenFigures | None
    keys: KeysFigures | None
    categories: list[CategoryFigures]
    columns: list[ColumnFigures]


def figures(comparison: Comparison) -> Figures:
    """A comparison as JSON values."""
    incomplete, unseen = comparison.incomplete, comparison.unseen
    document: dict[str, Any] = {
        "drift": comparison.drift,
        "rows": comparison.rows,
        "fitted_rows": comparison.fitted_rows,
        "limits": _limits(comparison.limits),
        "changes": [asdict(change) for change in comparison.changes],
        "incomplete": incomplete and _all_finite({**asdict(incomplete), "change": incomplete.change}),
        "unseen_keys": unseen
        and _all_finite({**asdict(unseen), "by": list(unseen.by), "some": [list(key) for key in unseen.some]}),
        "keys": comparison.keys and _keys(comparison.keys),
        "categories": [_all_finite(asdict(change)) for change in comparison.categories],
        "columns": [column for step in comparison.steps for column in _columns(step)],
    }
    return cast(Figures, document)


def _limits(limits: Limits) -> dict[str, Any]:
    columns = {column: _all_finite(of_one) for column, of_one in limits.columns.items()}
    return _all_finite({n: x for n, x in asdict(limits).items() if n != "given"} | {"columns": columns})


def _keys(keys: KeyComparison) -> dict[str, Any]:
    drifted = [
        {
            "key": list(of_key.key),
            "rows": of_key.rows,
            "columns": [c for step in of_key.columns for c in _columns(step)],
        }
        for of_key in keys.drifted
    ]
    return {"by": list(keys.by), "compared": keys.compared, "drifted": drifted}


def _columns(step: Columns) -> Iterator[dict[str, Any]]:
    """The columns of a step, in order."""
    sides = {
        name: {key: values.tolist() for key, values in getattr(step, name).items()}
        for name in ("fitted", "data", "apart", "limits", "floors")
    }
    for j, name in enumerate(step.names):
        numbers = {side: {n: _number(n, values[j]) for n, values in arrays.items()} for side, arrays in sides.items()}
        apart, drift = numbers.pop("apart"), step.reasons(j) if step.judged[j] else None
        yield {"column": name, **numbers, **apart, "drift": drift}


def _number(name: str, value: float) -> float | int | None:
    if not np.isfinite(value):
        return None
    return int(value) if name == "count" and value.is_integer() else value + 0.0  # sums of weights may be fractions


def _all_finite(document: Mapping[str, Any]) -> dict[str, Any]:
    """With null in place of infinity."""
    return {n: None if isinstance(x, float) and not math.isfinite(x) else x for n, x in document.items()}
