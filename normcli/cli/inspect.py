"""normcli inspect."""

import json
import sys
from typing import Any

import click

from normcli.cli import HELP
from normcli.cli._command import PLACE


@click.command(context_settings=HELP, epilog="Example: normcli inspect data.json")
@click.option("--json-schema", is_flag=True, help="Print the JSON Schema of parameter files instead.")
@click.option("--allow-edited", is_flag=True, help="Take a parameter file whose digest does not match.")
@click.argument("params", required=False, type=PLACE)
def command(**values: Any) -> None:
    """Show a parameter file to a person."""
    from normcli import params, registry
    from normcli.cli._console import table
    from normcli.errors import printable
    from normcli.schema import schema

    if values["json_schema"]:
        click.echo(json.dumps(schema(), indent=1, ensure_ascii=False))
        return
    if not values["params"]:
        raise click.UsageError("PARAMS is missing", click.get_current_context())
    plan = params.read_file(values["params"], example="normcli inspect data.json", allow_edited=values["allow_edited"])
    if plan.note:
        click.echo(f"note     {printable(plan.note)}")
    click.echo(
        f"rows     {plan.rows:,}"
        + (f", of which {plan.skipped:,} miss a value and took no part" if plan.skipped else "")
    )
    for step in plan.steps:
        options = ", ".join(f"{k.replace('_', '-')} {shown(v)}" for k, v in params.options(step.method).items())
        click.echo(f"method   {registry.name_of(step.method)}" + (f" ({options})" if options else ""))
        for said in filter(None, (state.accuracy() for state in step.states)):
            click.echo(f"accuracy {said}")
        same = step.outputs == step.columns
        click.echo(f"gives    {'the same columns' if same else ', '.join(map(printable, step.outputs))}\n")
        described = params.described(step, plan.types)
        header = ("column", *next(iter(described.values())))
        table(header, [(n, *map(shown, e.values())) for n, e in described.items()], right=range(2, len(header)))
    click.echo(f"\n{plan.digest}")


def shown(value: Any) -> str:
    """A value for people: numbers to six digits on a terminal, which is narrow, and ten elsewhere."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}" if sys.stdout.isatty() else f"{value:.10g}"
    return " ".join(map(shown, value)) if isinstance(value, list) else f"{value:,}" if isinstance(value, int) else value
