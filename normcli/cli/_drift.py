"""What check and apply --check share: how far data may be from those that were fitted, and what is said of them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

from normcli.cli._needs import CHECK, LEARNS, option
from normcli.cli._outputs import is_directory
from normcli.cli._report import current
from normcli.errors import DriftError, printable, short
from normcli.limits import Limits

if TYPE_CHECKING:
    from normcli.cli._console import Console
    from normcli.drift import Change, Columns, Comparison, Watch

F = TypeVar("F", bound=Callable[..., Any])
NAMED = 10  # columns


class Finite(click.FloatRange):
    """A number with bounds, and never nan or infinite."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        made = super().convert(value, param, ctx)
        if not math.isfinite(made):
            self.fail(f"{made} is no limit", param, ctx)
        return made


THRESHOLDS = {
    "max_shift": (Finite(0), "Of a column's mean, in fitted standard deviations."),
    "max_scale_ratio": (Finite(1), "Of a column's standard deviation and the fitted one, the larger by the smaller."),
    "max_outside": (
        Finite(0, 1),
        "Share of a column's values beyond the fitted range; or of rows whose key the fit has not seen.",
    ),
    "max_missing": (Finite(0, 1), "How much more of a column is missing, as a share of all rows."),
}


def thresholds(function: F) -> F:
    """The options that say what is drift."""
    for name, (kind, about) in reversed(THRESHOLDS.items()):
        flag, default = f"--{name.replace('_', '-')}", getattr(Limits, name)
        about = f"{about}  [default: {default:g}]"
        function = option(flag, type=kind, metavar="NUMBER", needs=(CHECK, LEARNS), help=about)(function)
    return function


def limits(values: dict[str, Any], min_rows: int) -> Limits:
    """Those that were given, and for the others what there is by default."""
    return Limits(**{n: values[n] for n in THRESHOLDS if values[n] is not None}, min_rows=min_rows)


def check_keeping(values: dict[str, Any]) -> None:
    """Raises UsageError where --check could not keep the old OUTPUT."""
    if not values["check"]:
        return
    output = values["output"]
    into = "standard output" if output in (None, "-") else "a directory" if is_directory(output) else None
    if into is None and os.path.exists(output) and not os.path.isfile(output):
        into = "no regular file"
    if values["check"] == "refuse" and into:
        what = "what is there by the time that drift is seen can't be taken back"
        raise click.UsageError(f"--check, and OUTPUT is {into}: {what}; --check=warn warns of it")


def watched(values: dict[str, Any], watch: Watch | None, told: Console) -> Callable[[int], None]:
    """What becomes of apply's OUTPUT, once all so many rows were seen."""

    def judge(rows: int) -> None:
        if watch is None:
            return
        found = watch.compared(limits(values, values["min_rows"] or Limits.min_rows), rows)
        notice(found, told)
        if found.rows is None:
            told.summary("nothing was learned from values: --check has compared columns alone")
        if found.drift and values["check"] == "refuse":
            raise DriftError(summary(found), "OUTPUT is what it was; --check=warn goes on all the same")
        if found.drift:
            told.warn(summary(found))

    return judge


def notice(found: Comparison, told: Console) -> None:
    """What should be known of a comparison whatever its verdict."""
    current.facts["drift"] = found.drift
    if not found.judged:
        least = found.limits.min_rows
        told.warn(f"{found.rows:,} rows are too few for a verdict on drift, which takes {least:,} (--min-rows)")


def summary(found: Comparison) -> str:
    """The drift on one line."""
    each = list(_drifted(found))
    more = f" and {len(each) - NAMED:,} more" if len(each) > NAMED else ""
    return f"drift: {', '.join(each[:NAMED])}{more}"


def _drifted(found: Comparison) -> Iterator[str]:
    for change in (c for c in found.changes if c.drift):
        yield f"{short(change.column)} ({changed(change)})"
    if found.unseen is not None and found.unseen.drift:
        yield f"unseen keys ({found.unseen.share:.2%} of rows)"
    if found.incomplete is not None and found.incomplete.drift:
        yield f"rows that miss a value ({found.incomplete.share:.2%}, were {found.incomplete.fitted:.2%})"
    for step in found.steps:
        for j in step.drifted.nonzero()[0].tolist():
            yield f"{short(step.names[j])} ({', '.join(spelled(step, j))})"


def changed(change: Change) -> str:
    """What has become of a column."""
    if change.what != "type":
        return change.what
    cause = f": {change.cause}" if change.cause else ""
    return f"{printable(change.now or '')}, was {printable(change.was or 'nothing')}{cause}"


def spelled(step: Columns, j: int) -> list[str]:
    """Why a column is past a limit."""
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
