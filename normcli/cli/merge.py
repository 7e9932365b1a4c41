"""normcli merge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from normcli.cli import HELP
from normcli.cli._command import PLACE

if TYPE_CHECKING:
    from normcli.plan import Plan

EXAMPLE = "normcli merge part-*.json -o whole.json"


@click.command(context_settings=HELP, epilog=f"Example: {EXAMPLE}")
@click.option("-o", "--output", metavar="PARAMS", type=PLACE, help="The merged file; default: standard output.")
@click.option("--again", is_flag=True, help="Count an input twice that two of the files have counted.")
@click.option("--allow-edited", is_flag=True, help="Take a parameter file whose digest does not match.")
@click.option("--note", default="", help="Words of your own; default: those of the files, where they are the same.")
@click.option("-q", "--quiet", count=True, envvar="NORMCLI_QUIET", help="Only errors.")
@click.argument("params", nargs=-1, required=True, type=PLACE)
def command(**values: Any) -> None:
    """Merge the parameter files of partial fits into that of one fit over all the data.

    The fits are of the same method, options and columns, each over its own data, in any order.
    """
    from dataclasses import replace

    from normcli import learning, outputs, params
    from normcli.cli._console import Console

    told = Console(quiet=values["quiet"], verbose=False, werror=False)
    given = values["params"]
    if given.count("-") > 1:
        raise click.UsageError("standard input is given twice", click.get_current_context())

    def read() -> Iterator[tuple[str, Plan]]:
        for path in given:
            yield path, params.read_file(path, example=EXAMPLE, allow_edited=values["allow_edited"])

    with outputs.open_target(values["output"]) as target:
        plan = learning.merge(read(), again=values["again"])
        target.write(params.write(replace(plan, note=values["note"] or plan.note)))
        target.commit()
    told.summary(f"merged {len(given)} files: {plan.rows:,} rows -> {target.name}")
