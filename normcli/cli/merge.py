"""normcli merge: make one parameter file of those of partial fits."""

from __future__ import annotations

from typing import Any

import click

from normcli.cli._command import PLACE, Plain
from normcli.cli._common import ALLOW_EDITED, COLOR, QUIET, RUN_REPORT, VERBOSE
from normcli.cli._params import WAIT
from normcli.cli._request import or_stdout, request
from normcli.cli._words import counted, replacing

ORDER = 7
aliases = ("combine", "join", "concat", "add")
EXAMPLES = (("One fit of all the data that the parts counted", "normcli merge part-*.json -o whole.json"),)


@click.command(cls=Plain, examples=EXAMPLES, more=("updating",))
@click.option("-o", "--output", metavar="PARAMS", type=PLACE, help="The merged file; default: standard output")
@click.option("--allow-duplicates", is_flag=True, help="Count an input twice that two files have counted")
@ALLOW_EDITED
@click.option("--note", default="", metavar="TEXT", help="Words of your own; default: the files' own, if the same")
@WAIT
@RUN_REPORT
@QUIET
@VERBOSE
@COLOR
@click.argument("inputs", metavar="PARAMS...", nargs=-1, required=True, type=PLACE)
def command(**values: Any) -> None:
    """Merge the parameter files of partial fits into that of one fit over all the data.

    The fits are of the same method, options and columns, each over its own data. Columns are matched by name, and stand
    as in the first file. The order of the files changes last bits at most. For -, one of them is read from standard
    input; for a quoted pattern, 's3://bucket/*.json', the objects that it finds.
    """
    from normcli.cli._console import Console
    from normcli.jobs.merge import merge
    from normcli.jobs.requests.merge import MergeRequest

    console = Console(quiet=values["quiet"], verbose=values["verbose"])
    result = merge(request(MergeRequest, values, output=or_stdout(values["output"])), console)
    assert result.parameters is not None
    assert result.inputs is not None
    rows, files = counted(result.parameters.rows, "row"), counted(len(result.inputs), "file")
    to = f"{result.targets[0]}{replacing(result.rows_before, result.parameters.rows)}"
    console.info(f"merged {result.method}: {rows} of {files} -> {to}")
