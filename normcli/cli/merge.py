"""normcli merge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from normcli.cli import HELP
from normcli.cli._command import PLACE
from normcli.cli._common import ALLOW_EDITED, QUIET, REPORT, console, counted, methods_of, parameters
from normcli.cli._inputs import tell_left
from normcli.cli._params import WAIT, lock, replacing, rows_before
from normcli.cli._report import current

if TYPE_CHECKING:
    from normcli.plan import Plan

EXAMPLE = "normcli merge part-*.json -o whole.json"


@click.command(context_settings=HELP, epilog=f"Example: {EXAMPLE}")
@click.option("-o", "--output", metavar="PARAMS", type=PLACE, help="The merged file; default: standard output.")
@click.option("--again", is_flag=True, help="Count an input twice that two of the files have counted.")
@ALLOW_EDITED
@click.option("--note", default="", help="Words of your own; default: those of the files, where they are the same.")
@WAIT
@REPORT
@QUIET
@click.argument("inputs", metavar="PARAMS...", nargs=-1, required=True, type=PLACE)
def command(**values: Any) -> None:
    """Merge the parameter files of partial fits into that of one fit over all the data.

    The fits are of the same method, options and columns, each over its own data. Columns are matched by name, and stand
    as in the first file. The order of the files changes last bits at most. For -, one of them is read from standard
    input; for a quoted pattern, 's3://bucket/*.json', the objects that it finds.
    """
    from dataclasses import replace

    from normcli import inputs, learning, params
    from normcli.transaction import Transaction

    told, found = console(values, "merge"), inputs.expand(values["inputs"])
    tell_left(found, told)
    files = [str(each.path) for each in found.inputs]
    current.facts |= {"inputs": files}
    if files.count("-") > 1:
        raise click.UsageError("standard input is given twice", click.get_current_context())

    def read() -> Iterator[tuple[str, Plan]]:
        cut = None
        for path in files:
            if cut:
                told.warn(cut)
            name = "<stdin>" if path == "-" else path
            plan = parameters(values, path, example=EXAMPLE)
            cut = (short := learning.cut_batch(plan)) and f"{name}: {short}"
            yield name, plan

    with Transaction() as changes:
        lock(values["output"], values["wait"], changes)
        target = changes.open(values["output"])
        before = rows_before(values["output"])
        merged = learning.merge(read(), again=values["again"])
        plan = params.sealed(replace(merged, note=values["note"] or merged.note))
        method = methods_of(plan)
        current.facts |= {"method": method, "digest": plan.digest, "rows_in": plan.rows}
        learning.warn_of_columns(plan, told.warn)
        for piece in params.pieces(plan):
            target.write(piece)
        changes.commit(target)
    rows, where = counted(plan.rows, "row"), f"{target.name}{replacing(before, plan.rows)}"
    told.summary(f"merged {method}: {rows} of {counted(len(files), 'file')} -> {where}")
