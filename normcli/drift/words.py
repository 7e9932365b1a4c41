"""Drift in messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from normcli.errors import printable, short

if TYPE_CHECKING:
    from normcli.drift import Change, Columns, Comparison

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
        for j in step.drifted.nonzero()[0].tolist():
            yield f"{short(step.names[j])} ({', '.join(spelled(step, j))})"


def changed(change: Change) -> str:
    """A change of a column."""
    if change.what != "type":
        return change.what
    cause = f": {change.cause}" if change.cause else ""
    return f"{printable(change.now or '')}, was {printable(change.was or 'nothing')}{cause}"


def spelled(step: Columns, j: int) -> list[str]:
    """The limits that column j exceeds, with values."""
    apart = {name: float(values[j]) for name, values in step.apart.items()}
    words = {
        "unlearned": "had no value",
        "constant": "was constant",
        "shift": f"shift {apart['shift']:+.3g}",
        "scale": f"scale {apart['scale_ratio']:.3g}",
        "outside": f"{apart['outside']:.2%} outside",
        "missing": f"{apart['missing_change']:+.2%} missing",
    }
    return [words[reason] for reason in step.reasons(j)]
