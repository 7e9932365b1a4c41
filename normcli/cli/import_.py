"""normcli import: make a parameter file of a scaler that another program has learned."""

from __future__ import annotations

from typing import Any

import click

from normcli.cli._command import ORIGIN, PLACE, Entry
from normcli.cli._common import COLOR, QUIET, RUN_REPORT, VERBOSE
from normcli.cli._kinds import WithKinds
from normcli.cli._request import or_stdout, request
from normcli.cli._words import counted, replacing

ORDER = 8
aliases = ("convert-from", "from", "read", "skops", "batchnorm")
EXAMPLES = (
    ("A StandardScaler of scikit-learn", "normcli import s.skops --from sklearn -o p.json"),
    ("A model of Spark, whose vectors have no names", "normcli import model --from spark --columns a,b"),
    ("BatchNorm", "normcli import bn.safetensors --from torch --eps 1e-5 --momentum 0.1"),
)


class WithOrigins(WithKinds):
    """With the flags of all programs."""

    job, room, prefix, word, title = "import", "imports", ORIGIN, "--from", "Programs"


@click.command(cls=WithOrigins, examples=EXAMPLES, more=("imports",))
@click.option(
    "--from", "from_", default="", type=Entry("imports"), metavar="PROGRAM", help="Whose; they are listed below"
)
@click.option("-o", "--output", metavar="PARAMS", type=PLACE, help="The parameter file; default: standard output")
@click.option(
    "--columns", multiple=True, metavar="NAME[,NAME]", help="What its columns are called, in order, as in a line of CSV"
)
@click.option("--note", default="", metavar="TEXT", help="Words of your own to keep; default: what it was")
@RUN_REPORT
@QUIET
@VERBOSE
@COLOR
@click.argument("source", metavar="FILE", required=True, type=PLACE)
def command(**values: Any) -> None:
    """Make a parameter file of a scaler that another program has learned: to apply it, to undo it, to look at it.

    The file is read as data: no code in it runs. What it does not say is not known: check compares no minima, and no
    share of missing values, and only a fit whose values are counted (StandardScaler) can be merged, and updated.
    """
    from normcli.cli._console import Console
    from normcli.jobs.import_ import import_parameters
    from normcli.jobs.requests.import_ import ImportRequest

    console = Console(quiet=values["quiet"], verbose=values["verbose"])
    names = [name for text in values["columns"] for name in _names(text)]
    wanted = request(ImportRequest, values, columns=tuple(names), output=or_stdout(values["output"]))
    result = import_parameters(wanted, console)
    assert result.parameters is not None
    columns = counted(len(result.parameters.needs()), "column")
    to = f"{result.targets[0]}{replacing(result.rows_before, result.parameters.rows)}"
    console.info(f"imported {result.what}: {columns}, as {result.method} -> {to}")


def _names(text: str) -> list[str]:
    """The names between commas, as in a line of CSV. Raises UsageError where a quote is not closed."""
    import csv

    from normcli.errors import UsageError

    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error:
        raise UsageError(f"--columns {text}: is no line of CSV", "a name in quotes ends with one") from None
