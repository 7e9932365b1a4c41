"""normcli check: tell whether new data still look like those that were fitted."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
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
    from normcli.jobs.comparisons import Comparison

ORDER = 3
aliases = ("drift", "compare", "validate", "diff", "test", "monitor")
EXAMPLES = (
    ("Do today's data look like those that were fitted?", "normcli check today.csv -p data.json"),
    ("For a machine", "normcli check d.csv -p p.json --json | jq '.columns[] | select(.drift[0])'"),
    ("Of small samples, with wider limits", "normcli check day.csv -p data.json --min-rows 10 --max-shift 1"),
    ("Did tonight's fit see other data?", "normcli check tonight.json -p data.json"),
    ("With another limit for a column", "normcli check today.csv -p data.json --max-psi price=0.5"),
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
BY_KEY = click.option("--by-key", is_flag=True, help="Compare each key by itself, too (fit --by)")


@click.command(cls=WithOptions, examples=EXAMPLES, more=("drift", "exit-codes", "formats"))
@PARAMS
@thresholds
@BY_KEY
@NO_EXTRA
@ALLOW_EDITED
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output instead of the table")
@partial(common, fewest=FEW)
@cluster_options
@many
@skipping
def command(**values: Any) -> None:
    """Tell whether new data still look like those that were fitted: exit 0 if so, 1 if they have drifted.

    INPUT: files, directories, quoted globs, s3:// URIs; else standard input. A parameter file is compared without data.
    Past its limit, and what undrifted rows exceed by chance, a value is drift; the limit inf switches a measure off.
    The table has a line for each column, and one for each value that is drift; with -v for all of them. With -q it is
    shown only of data that have drifted, with -qq never.
    """
    from normcli.cli._console import Console
    from normcli.cli._sparkline import are_shown, sparkline
    from normcli.jobs.check import check, distributions
    from normcli.jobs.comparisons import summary
    from normcli.jobs.requests.check import CheckRequest

    console, quiet, as_json = (
        Console(quiet=values["quiet"], verbose=values["verbose"]),
        values["quiet"],
        values["as_json"],
    )
    table = "--json" if as_json else "the table" if quiet < 2 else None
    draws = table == "the table" and are_shown()
    result = check(request(CheckRequest, values, table=table), console, sketch=draws)
    comparison, plan = result.comparison, result.parameters
    if comparison is None or plan is None:
        assert result.preview is not None
        show(result.preview)
        return
    if as_json or not quiet or (comparison.drift and quiet == 1):
        pairs = distributions(result).items() if draws else ()
        lines = {name: (sparkline(now), sparkline(fitted)) for name, (now, fitted) in pairs}
        show_comparison(comparison, as_json=as_json, full=values["verbose"], lines=lines)
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
    columns = plan.passes.columns if plan.learns else plan.needs()
    console.info(
        f"check {result.method}: {verdict}: {rows}{counted(len(columns), 'column')}, {console.took(result.bytes_in)}"
    )


def show_comparison(comparison: Comparison, *, as_json: bool, full: bool, lines: Mapping[str, tuple[str, str]]) -> None:
    """Prints the comparison on standard output and flushes it, before any message."""
    if as_json:
        from normcli.jobs.comparisons import figures

        click.echo(json.dumps(figures(comparison), ensure_ascii=False, allow_nan=False))
    else:
        from normcli.cli._comparison import show_table

        show_table(comparison, full=full, lines=lines)
    sys.stdout.flush()
