"""normcli apply: normalize data by the parameters that fit learned, or restore them."""

from __future__ import annotations

from typing import Any

import click

from normcli.cli._cluster import cluster_options
from normcli.cli._command import WithOptions, Word
from normcli.cli._common import ALLOW_EDITED, PARAMS, common
from normcli.cli._drift import thresholds
from normcli.cli._keys import rules
from normcli.cli._names import Column
from normcli.cli._reading import many, skipping
from normcli.cli._request import request
from normcli.cli._words import adjusted, counted, counted_rows, show
from normcli.cli._writing import written

ORDER = 2
aliases = ("transform", "predict")
EXAMPLES = (
    ("Normalize by what was fitted", "normcli apply new.csv -p data.json -o new-z.csv"),
    ("Restore", "normcli apply new-z.csv -p data.json --inverse -o new.csv"),
    ("Restore predictions of one column", "normcli apply predicted.csv -p data.json --inverse -c price -o prices.csv"),
    ("Unless the data have drifted", "normcli apply new.csv -p data.json -o new-z.csv --check"),
    ("Each file of a directory", "normcli apply measurements/ -p m.json -o normalized/ --to parquet"),
    ("In a pipe", "zcat new.csv.gz | normcli apply -p data.json | gzip > new-z.csv.gz"),
)


@click.command(cls=WithOptions, examples=EXAMPLES, more=("columns", "drift", "formats", "keys"))
@PARAMS
@written
@click.option("--inverse", is_flag=True, help="Restore normalized data")
@click.option("--lossy", is_flag=True, help="Restore but what was filled or held, which stays as it is")
@click.option(
    "-c",
    "--columns",
    multiple=True,
    type=Column(numbers=True),
    metavar="SELECTOR",
    help="Only these fitted columns; others pass as they are",
)
@click.option(
    "-x", "--exclude", multiple=True, type=Column(numbers=True), metavar="SELECTOR", help="All but these fitted columns"
)
@click.option("--training", is_flag=True, help="Each batch by its own statistics (batch methods)")
@rules
@click.option(
    "--check",
    is_flag=False,
    flag_value="refuse",
    type=Word(("refuse", "warn")),
    help="If data drifted: exit 1 and keep OUTPUT, or warn",
)
@thresholds
@click.option(
    "--resume",
    is_flag=False,
    flag_value="stat",
    type=Word(("stat", "digest")),
    help="Skip finished files, by time or by content",
)
@click.option("--no-extra", is_flag=True, help="Refuse columns that the fit did not see")
@click.option("--in-place", is_flag=True, help="OUTPUT may be INPUT")
@click.option("--allow-normalized", is_flag=True, help="Also data marked as normalized by these PARAMS")
@ALLOW_EDITED
@common
@cluster_options
@many
@skipping
def command(**values: Any) -> None:
    """Normalize data by the parameters that fit learned, or restore them.

    INPUT: files, directories, quoted globs, s3:// URIs; else standard input. Columns are matched by name;
    all others pass through, from text character for character. OUTPUT appears whole or not at all.
    """
    from normcli.cli._console import Console
    from normcli.jobs.apply import apply
    from normcli.jobs.requests.apply import ApplyRequest

    console = Console(quiet=values["quiet"], verbose=values["verbose"])
    result = apply(request(ApplyRequest, values), console)
    progress = result.progress
    if progress is None:
        if result.preview is not None:
            show(result.preview)
        return
    what = "restored" if result.inverse else "applied"
    missing = f", {counted(progress.incomplete, 'row')} missing for a missing value" if progress.incomplete else ""
    taken = counted(len(result.columns), "column") + adjusted(result, progress)
    console.info(
        f"{what} {result.method}: {counted_rows(progress.rows, progress)}{missing}, {taken}, "
        f"{console.took(progress.count)} -> {', '.join(result.targets)}"
    )
