"""normcli check: tell whether new data still look like those that were fitted."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from normcli.cli._cluster import cluster_options
from normcli.cli._command import WithOptions
from normcli.cli._common import ALLOW_EDITED, PARAMS, common
from normcli.cli._drift import thresholds
from normcli.cli._reading import many, skipping
from normcli.cli._request import request
from normcli.cli._words import counted, counted_rows, show
from normcli.errors import DriftError
from normcli.limits import Limits

if TYPE_CHECKING:
    from normcli.cli._table import Column
    from normcli.jobs.comparisons import Columns, Comparison

ORDER = 3
aliases = ("drift", "compare", "validate", "diff", "test", "monitor")
EXAMPLES = (
    ("Do today's data look like those that were fitted?", "normcli check today.csv -p data.json"),
    ("For a machine", "normcli check d.csv -p p.json --json | jq '.columns[] | select(.drift[0])'"),
    ("Of small samples, with wider limits", "normcli check day.csv -p data.json --min-rows 10 --max-shift 1"),
    (
        "Normalize unless they have drifted",
        "normcli check d.csv -p p.json && normcli apply d.csv -p p.json -o z.csv",
    ),
)
FEW = click.option(  # only affects the verdict; no effect if there is none
    "--min-rows",
    type=click.IntRange(0),
    default=Limits().min_rows,
    show_default=True,
    metavar="N",
    help="Fewer rows, or values of a column, allow no verdict",
)
NO_EXTRA = click.option("--no-extra", is_flag=True, help="Columns that the fit did not see are drift, too")
RANKS = {"shift": 2, "scale": 3, "outside": 4, "missing": 5}  # the greatest is dropped first on a narrow terminal


@click.command(cls=WithOptions, examples=EXAMPLES, more=("drift", "exit-codes", "formats"))
@PARAMS
@thresholds
@NO_EXTRA
@ALLOW_EDITED
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output instead of the table")
@partial(common, fewest=FEW)
@cluster_options
@many
@skipping
def command(**values: Any) -> None:
    """Tell whether new data still look like those that were fitted: exit 0 if so, 1 if they have drifted.

    INPUT: files, directories, quoted globs, s3:// URIs; else standard input. With -q the table is shown
    only of data that have drifted, with -qq never.
    """
    from normcli.cli._console import Console
    from normcli.jobs.check import check
    from normcli.jobs.comparisons import summary
    from normcli.jobs.requests.check import CheckRequest

    console, quiet, as_json = (
        Console(quiet=values["quiet"], verbose=values["verbose"]),
        values["quiet"],
        values["as_json"],
    )
    table = "--json" if as_json else "the table" if quiet < 2 else None
    result = check(request(CheckRequest, values, table=table), console)
    comparison, plan = result.comparison, result.parameters
    if comparison is None or plan is None:
        assert result.preview is not None
        show(result.preview)
        return
    if as_json or not quiet or (comparison.drift and quiet == 1):
        show_comparison(comparison, as_json=as_json, full=values["verbose"])
    if comparison.drift:
        raise DriftError(summary(comparison))
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


def show_comparison(comparison: Comparison, *, as_json: bool, full: bool) -> None:
    """Prints the comparison on standard output and flushes it, before any message."""
    if as_json:
        from normcli.jobs.comparisons import figures

        click.echo(json.dumps(figures(comparison), ensure_ascii=False, allow_nan=False))
    else:
        show_table(comparison, full=full)
    sys.stdout.flush()


def show_table(comparison: Comparison, *, full: bool) -> None:
    """Prints a comparison for users."""
    from normcli.cli._table import table
    from normcli.errors import short
    from normcli.jobs.comparisons import changed, described
    from normcli.methods import listed

    rows, incomplete, unseen = comparison.rows, comparison.incomplete, comparison.unseen
    counts = "not counted: nothing was learned" if rows is None else f"{rows:,}, fitted {comparison.fitted_rows:,}"
    click.echo(f"rows     {counts}")
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
    drifting = [reason for step in comparison.steps for j in range(len(step.names)) for reason in _reasons(step, j)]
    rows_of = [(step, j) for step in comparison.steps for j in range(len(step.names))]
    if rows_of:
        click.echo()
        table(
            _columns_shown({*drifting}), [_row(*column) for column in rows_of],
            marked=[bool(_reasons(*column)) for column in rows_of], mark="drift", full=full,
        )  # fmt: skip


def _marked(drift: bool) -> str:
    return "  drift" if drift else ""


def _reasons(step: Columns, j: int) -> list[str]:
    """The reasons why a column has drifted; empty if there are too few values for a verdict."""
    return step.reasons(j) if step.judged[j] else []


def _columns_shown(drifting: Collection[str]) -> tuple[Column, ...]:
    """The columns of the table: those of measures in `drifting` are dropped last."""
    from normcli.cli._table import LEAST, Column, names

    share = partial(_shown, how=".2%")
    rank = {name: 1 if name in drifting else rank for name, rank in RANKS.items()}
    return (
        names(),
        *(Column(name, rank=1, shown=partial(_shown, how="g")) for name in ("mean", "fitted mean")),
        Column("shift", rank=rank["shift"], shown=partial(_shown, how="+.3f")),
        Column("scale", rank=rank["scale"], shown=partial(_shown, how=".3f")),
        Column("outside", rank=rank["outside"], shown=share),
        *(Column(name, rank=rank["missing"], shown=share) for name in ("missing", "fitted missing")),
        Column("drift", right=False, least=LEAST),
    )


def _row(step: Columns, j: int) -> tuple[float | str, ...]:
    fitted, data, apart = ({n: float(a[j]) for n, a in d.items()} for d in (step.fitted, step.data, step.apart))
    verdict = ", ".join(step.reasons(j)) if step.judged[j] else "too few values"
    return (
        step.names[j], data["mean"], fitted["mean"], apart["shift"], apart["scale_ratio"], apart["outside"],
        data["missing"], fitted["missing"], verdict,
    )  # fmt: skip


def _shown(value: float, digits: int, *, how: str) -> str:
    """A mean as a number with at most 6 digits; any other value in the format `how`."""
    from normcli.cli._table import DIGITS, number

    if how == "g":
        return number(value + 0.0, min(digits, DIGITS))
    if abs(value) >= 1e6 and how[-1] != "%":
        how = "+.3g"
    text = f"{value:{how}}"
    if not text.strip("-0.%"):  # no -0
        text = f"{0.0:{how}}"
    return "-" if math.isnan(value) else text
