"""normcli fit: learn a method's parameters from data, and normalize them, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from normcli.cli._cluster import cluster_options
from normcli.cli._command import PLACE, Entry, WithOptions
from normcli.cli._common import common
from normcli.cli._keys import rules
from normcli.cli._names import Column
from normcli.cli._params import WAIT, continuing
from normcli.cli._reading import many, selecting, skipping
from normcli.cli._request import or_stdout, request
from normcli.cli._words import FEW, adjusted, counted, counted_rows, noted, option, replacing, show, some
from normcli.cli._writing import written

if TYPE_CHECKING:
    from normcli.cli._console import Console
    from normcli.jobs.results import FitResult

Option = Callable[[str, Sequence[str]], str]  # -c or -x with columns, as they are typed
ORDER = 1
aliases = ("train", "learn", "standardize", "normalize", "normalise", "scale", "transform")
EXAMPLES = (
    ("Standardize every numeric column", "normcli fit data.csv -m zscore -p data.json"),
    ("Learn and normalize in one", "normcli fit data.csv -m zscore -p data.json -o data-z.csv"),
    ("Some columns, to a range", "normcli fit data.parquet -m minmax --range -1 1 -c 'x*' -x x7 -p d.json"),
    ("Add tonight's data, from a pipe", "zcat tonight.csv.gz | normcli fit --update -p data.json"),
)


@click.command(cls=WithOptions, examples=EXAMPLES, more=("columns", "formats", "keys", "plans", "updating"))
@click.option("-m", "--method", type=Entry("methods"), metavar="METHOD", help="The method; `normcli methods` lists all")
@click.option("--like", metavar="PROGRAM", help="Defaults of sklearn, spark, r, pandas or torch")
@click.option("--plan", metavar="FILE", type=PLACE, help="Several steps, as a TOML file says, instead of -m")
@click.option("-p", "--params", metavar="PARAMS", type=PLACE, help="The parameter file; default: standard output")
@written
@selecting
@click.option(
    "--by",
    multiple=True,
    type=Column(numbers=False),
    metavar="COLUMN[,COLUMN]",
    help="Learn for each key of these columns apart, too",
)
@click.option(
    "--categories",
    multiple=True,
    type=Column(numbers=False),
    metavar="COLUMN[,COLUMN]",
    help="Count the values of these columns, for check",
)
@click.option(
    "--weights", type=Column(numbers=True), metavar="COLUMN", help="How often each row counts: numbers from 0"
)
@rules
@click.option("--no-sketch", is_flag=True, help="No sketches of columns: they hold real values")
@continuing
@WAIT
@click.option("--note", default="", metavar="TEXT", help="Words of your own to keep in PARAMS")
@common
@cluster_options
@many
@skipping
def command(**values: Any) -> None:
    """Learn the parameters of a method or a plan; with -o, normalize, too.

    INPUT: files, directories, quoted globs, s3:// URIs; else standard input. Every numeric column takes
    part, unless -c or -x says otherwise.
    """
    from normcli.cli._console import Console
    from normcli.jobs.requests.fit import FitRequest

    console = Console(quiet=values["quiet"], verbose=values["verbose"])
    if values["relearn"]:
        from normcli.jobs.requests.relearn import RelearnRequest
        from normcli.jobs.update import relearn

        summarize_relearn(
            relearn(request(RelearnRequest, values, params=or_stdout(values["params"])), console), console
        )
        return
    from normcli.jobs.fit import fit

    params = values["params"] if values["output"] is not None else or_stdout(values["params"])
    result = fit(request(FitRequest, values, params=params), console)
    summarize(result, console, _option_of_steps() if values["plan"] is not None else option)


def _option_of_steps() -> Option:
    from normcli.jobs.advice import selectors

    return selectors


def summarize(result: FitResult, console: Console, spell: Option) -> None:
    """Prints the summary line, or the result of a dry run."""
    from normcli.errors import printable

    plan = result.parameters
    if plan is None:
        assert result.preview is not None
        show(result.preview)
        return
    first, *rest = result.targets or ("",)
    more = f", {plan.rows:,} in all" if result.updated else ""
    more += f", {counted(len(plan.keys), 'key')} of {','.join(map(printable, plan.by))}" if plan.by else ""
    more += f", categories of {some([category.name for category in plan.categories])}" if plan.categories else ""
    taken = columns_taken(result, spell, named=console.verbose) + adjusted(result, result.progress)
    to = ", ".join([first + replacing(result.rows_before, plan.rows), *rest])
    console.info(
        f"{'update' if result.updated else 'fit'} {result.method}: {counted_rows(result.rows, result.progress)}{more}, "
        f"{taken}, {console.took(result.bytes_in)} -> {to}"
    )


def columns_taken(result: FitResult, spell: Option, *, named: bool) -> str:
    """The number of columns selected and left out, by name if `named`; with notes on doubtful ones."""
    note = codes_note(result.codes, spell)
    taken = counted(len(result.columns), "column") + noted(result.columns if named else (), note)
    left = f", {len(result.left):,} left out" if result.left else ""
    return taken + left + noted(result.left if named else (), lists_note(result.lists, spell))


def codes_note(names: Sequence[str], spell: Option) -> str:
    """What excludes columns which look like codes."""
    if len(names) < 2:
        return "".join(f"{some(names)} looks like a code: {spell('-x', names)} leaves it out" for _ in names)
    flags = spell("-x", names) if len(names) <= FEW else spell("-x", ()).split()[0]
    return f"{some(names)} look like codes: {flags} leaves them out"


def lists_note(names: Sequence[str], spell: Option) -> str:
    """What selects columns of lists."""
    if not names:
        return ""
    flags = " or ".join(spell("-c", [name]) for name in names[:FEW])
    return (
        f"{some(names)} hold{'s' if len(names) == 1 else ''} lists: {flags} takes {'it' if len(names) == 1 else 'one'}"
    )


def summarize_relearn(result: FitResult, console: Console) -> None:
    """Prints the summary line of --relearn."""
    assert result.parameters is not None
    to = f"{result.targets[0]}{replacing(result.rows_before, result.parameters.rows)}"
    console.info(f"relearned {result.method}: {counted(len(result.columns), 'column')} -> {to}")
