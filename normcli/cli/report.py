"""normcli report: show a fit, and how new data compare with it, on a page with pictures."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from normcli.cli._cluster import cluster_options
from normcli.cli._command import PLACE, WithOptions
from normcli.cli._common import ALLOW_EDITED, common
from normcli.cli._drift import thresholds
from normcli.cli._reading import many, skipping
from normcli.cli._request import or_stdout, request
from normcli.cli._words import counted, counted_rows, show
from normcli.cli.check import BY_KEY, FEW, NO_EXTRA

ORDER = 6
aliases = ("page", "html", "plot", "chart", "dashboard", "visualize", "histogram")
EXAMPLES = (
    ("What was fitted, in pictures", "normcli report data.json -o report.html"),
    ("With today's data over it, in one pass", "normcli report data.json today.csv -o today.html"),
    ("Tonight's fit beside the first one, without data", "normcli report data.json tonight.json -o fits.html"),
    ("To another program", "normcli report data.json | gzip > report.html.gz"),
)


@click.command(cls=WithOptions, examples=EXAMPLES, more=("drift", "formats"))
@click.argument("params", metavar="PARAMS", type=PLACE)
@click.option("-o", "--output", metavar="FILE", type=PLACE, help="The page, as HTML; default: standard output")
@thresholds
@BY_KEY
@NO_EXTRA
@ALLOW_EDITED
@partial(common, fewest=FEW)
@cluster_options
@many
@skipping
def command(**values: Any) -> None:
    """Show a fit on one page of HTML: histograms before and after, quantiles, correlations, batches, keys; and how new
    data compare with it, drift first.

    PARAMS: the parameter file, from fit. INPUT: data to compare, or another parameter file, as for check; without any,
    nothing else is read. The page has no script and loads nothing; the same input gives the same bytes. Drift is shown,
    and the exit code is 0.
    """
    from normcli.cli._console import Console
    from normcli.jobs.report import report
    from normcli.jobs.requests.report import ReportRequest

    console = Console(quiet=values["quiet"], verbose=values["verbose"])
    result = report(request(ReportRequest, values, output=or_stdout(values["output"])), console)
    if result.preview is not None:
        show(result.preview)
        return
    assert result.parameters is not None
    columns = counted(len(result.parameters.needs()), "column")
    comparison, progress = result.comparison, result.progress
    read = "" if comparison is None else f"{counted_rows(comparison.rows or 0, progress)} against "
    fitted = f"{read}a fit of {counted(result.parameters.rows, 'row')}, {columns}"
    console.info(f"report {result.method}: {fitted} -> {result.targets[0]}")
