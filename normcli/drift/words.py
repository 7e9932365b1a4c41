"""Drift in messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from normcli.drift.measures import measures
from normcli.errors import printable, short
from normcli.parameters.keys import described

if TYPE_CHECKING:
    from normcli.drift import Change, Columns, Comparison
    from normcli.drift.categories import CategoryChange

NAMED = 10  # columns


def summary(comparison: Comparison) -> str:
    """The drift on one line."""
    reasons = list(_drifted(comparison))
    more = f" and {len(reasons) - NAMED:,} more" if len(reasons) > NAMED else ""
    return f"drift: {', '.join(reasons[:NAMED])}{more}"


def _drifted(comparison: Comparison) -> Iterator[str]:
    for change in (c for c in comparison.changes if c.drift):
        yield f"{short(change.column)} ({changed(change)})"
    if comparison.unseen is not None and comparison.unseen.drift:
        yield f"unseen keys ({comparison.unseen.share:.2%} of rows)"
    if comparison.incomplete is not None and comparison.incomplete.drift:
        yield f"rows that miss a value ({comparison.incomplete.share:.2%}, were {comparison.incomplete.fitted:.2%})"
    for step in comparison.steps:
        yield from _of_columns(step)
    for category in comparison.categories:
        if category.drift:
            yield f"{short(category.column)} ({shares(category)})"
    for of_key in comparison.keys.drifted if comparison.keys is not None else ():
        key = described(comparison.keys.by if comparison.keys else (), of_key.key)
        yield from (f"{key}: {text}" for step in of_key.columns for text in _of_columns(step))


def _of_columns(step: Columns) -> Iterator[str]:
    for j in step.drifted.nonzero()[0].tolist():
        yield f"{short(step.names[j])} ({', '.join(spelled(step, j))})"


def shares(category: CategoryChange) -> str:
    """The value of a column of categories that differs most, with its share, now and in the fit."""
    value = "missing" if category.value is None else short(category.value)
    return f"{value} {category.share:.1%}, was {category.fitted:.1%}"


def changed(change: Change) -> str:
    """A change of a column."""
    if change.what != "type":
        return change.what
    cause = f": {change.cause}" if change.cause else ""
    return f"{printable(change.now or '')}, was {printable(change.was or 'nothing')}{cause}"


def spelled(step: Columns, j: int) -> list[str]:
    """The limits that column j exceeds, with values."""
    words = {"unlearned": "had no value", "constant": "was constant"} | {
        name: measure.words.format(measure.spelled(float(step.apart[measure.key][j])))
        for name, measure in measures().items()
    }
    return [words[reason] for reason in step.reasons(j)]
