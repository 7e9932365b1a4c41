"""normcli check."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from normcli.cli._command import WithOptions
from normcli.cli._common import ALLOW_EDITED, PARAMS, common
from normcli.cli._drift import thresholds
from normcli.cli._reading import many, skipping
from normcli.cli._request import request
from normcli.cli._words import counted, counted_rows, show
from normcli.errors import DriftError
from normcli.limits import Limits

if TYPE_CHECKING:
    from normcli.drift import Columns, Comparison

EXAMPLE = "normcli check today.csv -p data.json"
EXAMPLES = (
    ("Do today's data look like those that were fitted?", EXAMPLE),
    ("For a machine", "normcli check today.csv -p data.json --json | jq '.columns[] | select(.drift | length > 0)'"),
    ("Of small samples, with wider limits", "normcli check day.csv -p data.json --min-rows 10 --max-shift 1"),
    (
        "Normalize unless they have drifted",
        "normcli check -q d.csv -p p.json && normcli apply d.csv -p p.json -o z.csv",
    ),
)
FEW = click.option(  # only allows a verdict on fewer rows, and may be given in vain
    "--min-rows",
    type=click.IntRange(0),
    default=Limits.min_rows,
    show_default=True,
    metavar="N",
    help="Fewer rows allow no verdict on values: a warning and exit 0. A column needs as many values.",
)
HEADER = ("column", "mean", "fitted", "shift", "scale", "outside", "missing", "fitted", "drift")


@click.command(cls=WithOptions, examples=EXAMPLES)
@PARAMS
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One JSON object on standard output, in place of the table.",
)
@thresholds
@click.option("--no-extra", is_flag=True, help="Columns that the fit did not see are drift, too.")
@ALLOW_EDITED
@skipping
@partial(common, fewest=FEW)
@many
def command(**values: Any) -> None:
    """Tell whether new data still look like those that were fitted: exit 0 if so, 1 if they have drifted.

    In one pass the data are measured as the fit did, and compared with what it has kept: per column the shift of the
    mean in fitted standard deviations, the ratio of standard deviations (scale), the share of values outside the fitted
    range, and how much is missing; past a limit is drift. So is a column that is gone, or no longer numeric, or another
    value in a column that was constant, or any in one that was empty. New columns are told, and columns that take no
    part in normalizing may come and go. Of a method that learns nothing (unit, layer) only columns are compared.

    With -q the table is shown only of data that have drifted, with -qq never.

    Columns are compared as they come to the step that learned from them; of matrix methods (whiten), over rows that
    miss nothing; of batch methods, running over batches; with keys (fit --by), over all rows together.
    """
    from normcli import drift
    from normcli.cli._console import Console
    from normcli.jobs.check import check
    from normcli.jobs.requests import CheckRequest

    console, quiet, as_json = (
        Console(quiet=values["quiet"], verbose=values["verbose"]),
        values["quiet"],
        values["as_json"],
    )
    table = "--json" if as_json else "the table" if quiet < 2 else None
    result = check(request(CheckRequest, values, table=table), console)
    comparison, plan = result.comparison, result.plan
    if comparison is None or plan is None:
        assert result.preview is not None
        show(result.preview)
        return
    if as_json or not quiet or (comparison.drift and quiet == 1):
        show_comparison(comparison, as_json=as_json)
    if comparison.drift:
        raise DriftError(drift.summary(comparison))
    verdict = (
        "no verdict"
        if comparison.drift is None
        else "no drift"
        if plan.learns
        else "columns as fitted, nothing learned"
    )
    rows = f"{counted_rows(comparison.rows or 0, result.progress)}, " if plan.learns else ""
    console.info(
        f"check {result.method}: {verdict}: {rows}{counted(len(plan.needs()), 'column')}, "
        f"{console.took(result.bytes_in)}"
    )


def show_comparison(comparison: Comparison, *, as_json: bool) -> None:
    """The comparison on standard output, all of it, before anything is said of it."""
    if as_json:
        from normcli.drift.figures import figures

        click.echo(json.dumps(figures(comparison), ensure_ascii=False, allow_nan=False))
    else:
        show_table(comparison)
    sys.stdout.flush()


def show_table(comparison: Comparison) -> None:
    """For a person."""
    from normcli.cli._console import table
    from normcli.drift import changed
    from normcli.errors import short
    from normcli.methods import listed
    from normcli.parameters.keys import described

    rows, incomplete, unseen = comparison.rows, comparison.incomplete, comparison.unseen
    click.echo("rows     " + ("not counted: nothing was learned" if rows is None else f"{rows:,}"))
    if rows is not None:
        click.echo(f"fitted   {comparison.fitted_rows:,}")
    if incomplete is not None:
        shares = f"{incomplete.share:.2%} of rows miss a value, fitted {incomplete.fitted:.2%}"
        click.echo(f"missing  {shares}{_marked(incomplete.drift)}")
    if unseen is not None:
        some = "; ".join(described(unseen.by, key) for key in unseen.some[:3])
        more = f" ({some}{' …' if len(unseen.some) > 3 else ''})" if some else ""
        click.echo(f"unseen   {unseen.share:.2%} of rows have a key that was not fitted{more}{_marked(unseen.drift)}")
    for change in (c for c in comparison.changes if c.drift):
        click.echo(f"column   {short(change.column)}: {changed(change)}{_marked(True)}")
    for what in ("gone", "new"):
        names = [c.column for c in comparison.changes if c.what == what and not c.drift]
        if names:
            click.echo(f"{what:8} {listed(names)}")
    lines = [line for step in comparison.steps for line in _rows(step)]
    if lines:
        click.echo()
        table(HEADER, lines, right=range(1, 8))


def _marked(drift: bool) -> str:
    return "  drift" if drift else ""


def _rows(step: Columns) -> Iterator[tuple[str, ...]]:
    for j, name in enumerate(step.names):
        fitted, data, apart = ({n: float(a[j]) for n, a in d.items()} for d in (step.fitted, step.data, step.apart))
        verdict = ", ".join(step.reasons(j)) if step.judged[j] else "too few values"
        yield (
            name, *(_shown(v, ".6g") for v in (data["mean"], fitted["mean"])), _shown(apart["shift"], "+.3f"),
            _shown(apart["scale_ratio"], ".3f"), _shown(apart["outside"], ".2%"), _shown(data["missing"], ".2%"),
            _shown(fitted["missing"], ".2%"), verdict,
        )  # fmt: skip


def _shown(value: float, how: str) -> str:
    text = f"{value:{how if abs(value) < 1e6 or how[-1] == '%' else '+.3g'}}"
    if not text.strip("-0.%"):  # no zero comes from below
        text = f"{0.0:{how}}"
    return "-" if math.isnan(value) else text
