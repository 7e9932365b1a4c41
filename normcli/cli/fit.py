"""normcli fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from normcli.cli._command import PLACE, Entry, WithOptions
from normcli.cli._common import common
from normcli.cli._keys import rules
from normcli.cli._params import WAIT, continuing
from normcli.cli._reading import many, selecting, skipping
from normcli.cli._request import or_stdout, request
from normcli.cli._words import counted, counted_rows, replacing, show
from normcli.cli._writing import written

if TYPE_CHECKING:
    from normcli.cli._console import Console
    from normcli.jobs.results import FitResult

EXAMPLES = (
    ("Standardize every numeric column, parameters to a file", "normcli fit data.csv -m zscore -p data.json"),
    ("Some columns, to a range", "normcli fit data.parquet -m minmax --range -1 1 -c 'x*' -x x7 -p data.json"),
    ("All files below a directory together", "normcli fit measurements/ -m zscore -p measurements.json"),
    ("Learn and normalize in one", "normcli fit data.csv -m zscore -p data.json -o data-z.csv"),
    ("Add tonight's data", "normcli fit --update -p data.json tonight.csv"),
    ("Another method from what was seen", "normcli fit --relearn data.json -m minmax --range -1 1 -p minmax.json"),
    ("Each store by its own statistics", "normcli fit sales.csv -m zscore --by store -p sales.json"),
    ("Several steps in one pass, as a file says", "normcli fit embeddings.parquet --plan plan.toml -p p.json"),
    ("Two title lines, single quotes", 'normcli fit export.csv -m zscore -p p.json --skip-lines 2 --quote "\'"'),
    ("In a bucket", "normcli fit s3://lake/measurements/ -m zscore -p s3://lake/measurements.json"),
    ("From a pipe", "zcat data.csv.gz | normcli fit -m whiten --kind pca -p data.json"),
)


@click.command(cls=WithOptions, examples=EXAMPLES)
@click.option("-m", "--method", type=Entry("methods"), metavar="METHOD", help="What to learn; see `normcli methods`.")
@click.option(
    "--plan",
    metavar="FILE",
    type=PLACE,
    help="In place of -m: a TOML file with several steps, each with method, columns, exclude and options; see above.",
)
@click.option(
    "-p",
    "--params",
    metavar="PARAMS",
    type=PLACE,
    help="The parameter file; default: standard output.",
)
@written
@selecting
@click.option(
    "--by",
    multiple=True,
    metavar="COLUMN[,COLUMN]",
    help="Learn from the rows of each key apart, too: of each text or whole number, or pair of them, in these columns.",
)
@click.option(
    "--weights",
    metavar="COLUMN",
    help="How often each row counts: numbers of at least 0, not only whole.",
)
@rules("error, and 0; kept in PARAMS")
@continuing
@WAIT
@click.option(
    "--note",
    default="",
    help="Words of your own to keep in the parameter file.",
)
@skipping
@common
@many
def command(**values: Any) -> None:
    """Learn a method's parameters from data, in one pass; with -o, normalize the same data, too.

    INPUT is a CSV or Parquet file, a directory of them, a glob in quotes, or several of these, learned from together;
    without one, or for -, standard input. Each, as PARAMS and OUTPUT, may be in an object store: s3://bucket/key. By
    default every numeric column takes part. Missing values are left out and counted.

    A plan (--plan) is steps that follow each other, learned together in one pass: a column learns in one of them at
    most; before that come only steps of single values (log1p, asinh), after it those that learn nothing (unit). So
    embeddings are whitened, then brought to unit length:

    \b
        [[steps]]
        method = "whiten"
        columns = ["embedding"]
        options = { kind = "pca", components = 64 }
        [[steps]]
        method = "unit"
        columns = ["embedding"]
    """
    from normcli.cli._console import Console
    from normcli.jobs.requests import FitRequest, RelearnRequest

    console = Console(quiet=values["quiet"], verbose=values["verbose"])
    if values["relearn"]:
        from normcli.jobs.update import relearn

        summarize_relearn(
            relearn(request(RelearnRequest, values, params=or_stdout(values["params"])), console), console
        )
        return
    from normcli.jobs.fit import fit

    params = values["params"] if values["output"] is not None else or_stdout(values["params"])
    summarize(fit(request(FitRequest, values, params=params), console), console)


def summarize(result: FitResult, console: Console) -> None:
    """One line: what was learned of what, and where it went; or what a dry run would do."""
    from normcli.errors import printable
    from normcli.methods import listed

    plan = result.plan
    if plan is None:
        assert result.preview is not None
        show(result.preview)
        return
    columns, left = list(result.columns), list(result.left)
    first, *others = result.targets or ("",)
    more = f", {plan.rows:,} in all" if result.updated else ""
    more += f", {counted(len(plan.keys), 'key')} of {','.join(map(printable, plan.by))}" if plan.by else ""
    taken = f"{counted(len(columns), 'column')} ({listed(columns)}), {len(left)} left"
    to = ", ".join([first + replacing(result.rows_before, plan.rows), *others])
    console.info(
        f"{'update' if result.updated else 'fit'} {result.method}: {counted_rows(result.rows, result.progress)}{more}, "
        f"{taken}{f' ({listed(left)})' if left else ''}, {console.took(result.bytes_in)} -> {to}"
    )


def summarize_relearn(result: FitResult, console: Console) -> None:
    assert result.plan is not None
    to = f"{result.targets[0]}{replacing(result.rows_before, result.plan.rows)}"
    console.info(f"relearned {result.method}: {counted(len(result.columns), 'column')} -> {to}")
