"""normcli apply."""

from __future__ import annotations

from typing import Any

import click

from normcli.cli._command import WithOptions, Word
from normcli.cli._common import ALLOW_EDITED, PARAMS, common
from normcli.cli._drift import thresholds
from normcli.cli._keys import rules
from normcli.cli._reading import many, skipping
from normcli.cli._request import request
from normcli.cli._words import counted, counted_rows, show
from normcli.cli._writing import written

EXAMPLES = (
    ("Normalize by what was fitted", "normcli apply new.csv -p data.json -o new-z.csv"),
    ("In a pipe", "zcat new.csv.gz | normcli apply -p data.json | gzip > new-z.csv.gz"),
    ("Each file below a directory", "normcli apply measurements/ -p measurements.json -o normalized/ --to parquet"),
    ("Unless the data have drifted", "normcli apply new.csv -p data.json -o new-z.csv --check"),
    ("Restore", "normcli apply new-z.csv -p data.json --inverse -o new.csv"),
)


@click.command(cls=WithOptions, examples=EXAMPLES)
@PARAMS
@written
@click.option("--inverse", is_flag=True, help="Restore normalized data.")
@rules("what the parameters say")
@click.option(
    "--training",
    is_flag=True,
    help="Each batch of rows by its own statistics, as a network in training does; for methods of batches. Batches are "
    "cut over all INPUTs together, or in a directory, over each.",
)
@click.option("--no-extra", is_flag=True, help="Refuse columns that the fit did not see.")
@click.option(
    "--check",
    is_flag=False,
    flag_value="refuse",
    type=Word(("refuse", "warn")),
    help="See in the same pass whether the data still look like those that were fitted, as normcli check does: if not, "
    "exit 1 and leave the old OUTPUT, a file, as it is; or with --check=warn, warn and go on.",
)
@thresholds
@click.option(
    "--resume",
    is_flag=False,
    flag_value="stat",
    type=Word(("stat", "digest")),
    help="Into a directory: leave what an earlier run completed from the same inputs (told by size and time, or with "
    "--resume=digest by content), by the same parameters and options.",
)
@click.option("--in-place", is_flag=True, help="OUTPUT may be INPUT, though text can't tell that it was normalized.")
@click.option(
    "--allow-normalized", is_flag=True, help="Even if the data say that they were normalized by these parameters."
)
@ALLOW_EDITED
@skipping
@common
@many
def command(**values: Any) -> None:
    """Normalize data by the parameters that fit learned, or restore them.

    INPUT is a CSV or Parquet file, a directory of them, a glob in quotes, or several of these; without one, or for -,
    standard input. Each, as PARAMS and OUTPUT, may be in an object store: s3://bucket/key. Columns are matched by name;
    all others pass through in place, character for character. OUTPUT appears whole or not at all; where it is a
    directory or ends in /, each input becomes a file of its own in it.
    """
    from normcli.cli._console import Console
    from normcli.jobs.apply import apply
    from normcli.jobs.requests import ApplyRequest

    console = Console(quiet=values["quiet"], verbose=values["verbose"])
    result = apply(request(ApplyRequest, values), console)
    progress = result.progress
    if progress is None:
        if result.preview is not None:
            show(result.preview)
        return
    what = "restored" if result.inverse else "applied"
    missing = f", {counted(progress.incomplete, 'row')} missing for a missing value" if progress.incomplete else ""
    console.info(
        f"{what} {result.method}: {counted_rows(progress.rows, progress)}{missing}, "
        f"{counted(len(result.columns), 'column')}, {console.took(progress.count)} -> {', '.join(result.targets)}"
    )
