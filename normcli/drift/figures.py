"""A comparison as JSON values, for `check --json` and run reports."""

from collections.abc import Iterator
from typing import Any, TypedDict, cast

import numpy as np
from msgspec.structs import asdict

from normcli.drift.comparing import Columns
from normcli.drift.comparison import Comparison
from normcli.drift.keys import KeyComparison


class ColumnFigures(TypedDict):
    """An input column of the step that learned from it, or a column of lists; null where a number is unknown or
    infinite."""

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
    limits: dict[str, float]  # of each of these values
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
    limit: float
    floor: float | None
    change: float


class UnseenFigures(TypedDict):
    """Rows whose key was not fitted, and the first of these keys."""

    by: list[str]
    rows: int
    share: float
    some: list[list[str | None]]
    drift: bool
    limit: float
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
    """Limits of all columns, and those of single ones, by column."""

    max_shift: float
    max_scale_ratio: float
    max_outside: float
    max_missing: float
    max_ks: float
    max_wasserstein: float
    max_psi: float
    max_category: float
    min_rows: int
    columns: dict[str, dict[str, float]]


class CategoryFigures(TypedDict):
    """A column of categories, and the value whose share differs most; null is missing."""

    column: str
    value: str | None
    fitted: float
    share: float
    distance: float
    limit: float
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
        "limits": asdict(comparison.limits),
        "changes": [asdict(change) for change in comparison.changes],
        "incomplete": incomplete and _finite({**asdict(incomplete), "change": incomplete.change}),
        "unseen_keys": unseen
        and _finite({**asdict(unseen), "by": list(unseen.by), "some": [list(key) for key in unseen.some]}),
        "keys": comparison.keys and _keys(comparison.keys),
        "categories": [_finite(asdict(change)) for change in comparison.categories],
        "columns": [column for step in comparison.steps for column in _columns(step)],
    }
    return cast(Figures, document)


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


def _finite(document: dict[str, Any]) -> dict[str, Any]:
    """With null in place of an infinite floor."""
    return document | {"floor": _number("floor", document["floor"])}
