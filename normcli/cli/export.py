"""normcli export: write what a parameter file computes for another engine."""

from __future__ import annotations

from typing import Any

import click

from normcli.cli._command import PLACE, TARGET, Entry
from normcli.cli._common import ALLOW_EDITED, COLOR, QUIET, RUN_REPORT, VERBOSE
from normcli.cli._kinds import WithKinds
from normcli.cli._names import KEY
from normcli.cli._request import or_stdout, request

ORDER = 8
aliases = ("convert", "save-as", "onnx", "sql", "codegen")
EXAMPLES = (
    ("A module of Python that needs numpy alone", "normcli export data.json --to numpy -o scale.py"),
    ("Numbers for any language", "normcli export data.json --to json"),
    ("What undoes it, for PyTorch", "normcli export data.json --to torch --inverse -o back.py"),
    ("An estimator of scikit-learn", "normcli export data.json --to sklearn -o scale.skops"),
    ("Of the rows of one key (fit --by)", "normcli export sales.json --to numpy --key berlin"),
)


class WithTargets(WithKinds):
    """With the flags of all targets."""

    job, room, prefix, word, title = "export", "exports", TARGET, "--to", "Targets"


@click.command(cls=WithTargets, examples=EXAMPLES, more=("exports",))
@click.option(
    "--to", default="", type=Entry("exports"), metavar="TARGET", help="What is written; the targets are listed below"
)
@click.option("-o", "--output", metavar="FILE", type=PLACE, help="Where; default: standard output")
@click.option("--inverse", is_flag=True, help="What restores the original values instead")
@click.option("--lossy", is_flag=True, help="With --inverse: what was filled or held stays as it is")
@click.option("--key", type=KEY, metavar="KEY", help="Of the rows of one key of fit --by, a row of CSV")
@ALLOW_EDITED
@RUN_REPORT
@QUIET
@VERBOSE
@COLOR
@click.argument("params", metavar="PARAMS", required=True, type=PLACE)
def command(**values: Any) -> None:
    """Write what a parameter file computes for another engine: the same numbers, without normcli.

    A target says which methods it can compute; the others are refused with the reason. A missing value is NaN, or NULL,
    there too. What no engine does: it checks neither types nor drift, and knows no infinite values.
    """
    from normcli.cli._console import Console
    from normcli.jobs.export import export
    from normcli.jobs.requests.export import ExportRequest

    console = Console(quiet=values["quiet"], verbose=values["verbose"])
    result = export(request(ExportRequest, values, output=or_stdout(values["output"])), console)
    console.info(f"exported {result.method} to {values['to']} -> {result.targets[0]}")
