"""A comparison as JSON values, for `check --json` and run reports."""

from collections.abc import Iterator
from typing import Any, TypedDict, cast

import numpy as np
from msgspec.structs import asdict

from normcli.drift.comparing import Columns
from normcli.drift.watching import Comparison


class ColumnFigures(TypedDict):
    """An input column of the step that learned from it; null where a number is unknown or infinite."""

    column: str
    fitted: dict[str, float | None]  # count, missing (a share), mean, std, min, max
    data: dict[str, float | None]
    shift: float | None
    scale_ratio: float | None
    outside: float | None
    missing_change: float | None
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
    change: float


class UnseenFigures(TypedDict):
    """Rows whose key was not fitted, and the first of these keys."""

    by: list[str]
    rows: int
    share: float
    some: list[list[str | None]]
    drift: bool


class Figures(TypedDict):
    """Comparison of new data with the fitted data."""

    drift: bool | None
    rows: int | None
    fitted_rows: int
    limits: dict[str, float]
    changes: list[ChangeFigures]
    incomplete: IncompleteFigures | None
    unseen_keys: UnseenFigures | None
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
        "incomplete": incomplete and {**asdict(incomplete), "change": incomplete.change},
        "unseen_keys": unseen and {**asdict(unseen), "by": list(unseen.by), "some": [list(key) for key in unseen.some]},
        "columns": [column for step in comparison.steps for column in _columns(step)],
    }
    return cast(Figures, document)


def _columns(step: Columns) -> Iterator[dict[str, Any]]:
    """The columns of a step, in order."""
    sides = {side: {n: a.tolist() for n, a in getattr(step, side).items()} for side in ("fitted", "data", "apart")}
    for j, name in enumerate(step.names):
        numbers = {side: {n: _number(n, values[j]) for n, values in arrays.items()} for side, arrays in sides.items()}
        drift = step.reasons(j) if step.judged[j] else None
        yield {"column": name, "fitted": numbers["fitted"], "data": numbers["data"], **numbers["apart"], "drift": drift}


def _number(name: str, value: float) -> float | int | None:
    if not np.isfinite(value):
        return None
    return int(value) if name == "count" and value.is_integer() else value + 0.0  # sums of weights may be fractions
