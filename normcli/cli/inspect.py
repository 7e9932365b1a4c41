"""normcli inspect."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from normcli.cli import HELP
from normcli.cli._command import PLACE
from normcli.cli._common import ALLOW_EDITED, COLOR
from normcli.errors import UsageError

if TYPE_CHECKING:
    from normcli.parameters import Parameters
    from normcli.parameters.keys import Key

NOTHING = "''"  # how a shell spells it


@click.command(context_settings=HELP, epilog="Example: normcli inspect data.json")
@click.option("--json-schema", is_flag=True, help="Print the JSON Schema of parameter files instead.")
@ALLOW_EDITED
@click.option("--key", metavar="KEY", help="What was seen of one key of fit --by, which is a row of CSV.")
@click.option("-v", "--verbose", is_flag=True, help="Show whole tables and lists, whatever the terminal.")
@COLOR
@click.argument("params", required=False, type=PLACE)
def command(**values: Any) -> None:
    """Show a parameter file to a person."""
    from normcli import registry
    from normcli.cli._table import Column, names, table
    from normcli.errors import printable
    from normcli.jobs.parameter_files import parameters
    from normcli.parameters import file as params
    from normcli.parameters import keys
    from normcli.parameters.json_schema import schema

    for flag, value in (("--key", values["key"]), ("PARAMS", values["params"])):
        if values["json_schema"] and value is not None:
            raise UsageError(f"{flag} is not for --json-schema, which is of all parameter files")
    if values["json_schema"]:
        click.echo(json.dumps(schema(), indent=1, ensure_ascii=False))
        return
    if not values["params"]:
        raise click.UsageError("PARAMS is missing", click.get_current_context())
    plan = parameters(values["params"], example="normcli inspect data.json", allow_edited=values["allow_edited"])
    if values["key"] is not None and not plan.by:
        raise UsageError("--key is for parameters by key, and these are not (fit --by)")
    group = 0 if values["key"] is None else group_of(plan, values["key"])
    if plan.note:
        click.echo(f"note     {printable(plan.note)}")
    click.echo(
        f"rows     {plan.rows:,}"
        + (f", of which {plan.skipped:,} miss a value and took no part" if plan.skipped else "")
    )
    if plan.dialect:
        spelled = (f"{n.replace('_', '-')} {printable(str(shown(v))) or NOTHING}" for n, v in plan.dialect)
        click.echo(f"dialect  {', '.join(spelled)}")
    if plan.weights is not None:
        click.echo(f"weights  {printable(plan.weights)}")
    if plan.by:
        click.echo(f"by       {', '.join(map(printable, plan.by))}: {len(plan.keys):,} keys")
        click.echo(f"unseen   {plan.rules.unseen}, min-count {plan.rules.min_count:,}")
    if group:
        key = keys.described(plan.by, plan.keys[group - 1])
        click.echo(f"key      {key}: {plan.key_rows[group - 1]:,} rows")
    for i, (step, columns) in enumerate(zip(plan.steps, plan.schemas, strict=True)):
        options = ", ".join(
            f"{k.rstrip('_').replace('_', '-')} {printable(shown(v))}" for k, v in params.options(step.method).items()
        )
        label = "method  " if len(plan.steps) == 1 else f"{chr(10) if i else ''}steps[{i}]"
        click.echo(f"{label} {registry.name_of(step.method)}" + (f" ({options})" if options else ""))
        for line in filter(None, (state.accuracy() for state in step.states)):
            click.echo(f"accuracy {line}")
        same = step.outputs == step.columns
        click.echo(f"gives    {'the same columns' if same else ', '.join(map(printable, step.outputs))}\n")
        described = params.described(step, columns, group)
        heads = (*next(iter(described.values())),)
        table(
            (names(), *(Column(head, right=bool(i), rank=1) for i, head in enumerate(heads))),
            [(n, *e.values()) for n, e in described.items()],
            whole=values["verbose"],
        )
    click.echo(f"\n{plan.digest}")


def group_of(plan: Parameters, text: str) -> int:
    """The group of a key. Raises UsageError where there is none."""
    from normcli.errors import printable

    exact = [g for g, key in enumerate(plan.keys, 1) if spelled(key) == text]
    matches = exact or [g for g, key in enumerate(plan.keys, 1) if ",".join(t or "" for t in key) == text]
    if len(matches) == 1:
        return matches[0]
    some = " or ".join(
        printable(spelled(plan.keys[g - 1])) or "'' (null)" for g in matches or range(1, min(len(plan.keys), 5) + 1)
    )
    what = "may be" if matches else "no such key; there are"
    raise click.UsageError(f"--key {text}: {what} {some}" + (" …" if not matches and len(plan.keys) > 5 else ""))


def spelled(key: Key) -> str:
    """A key as a row of CSV: null is nothing, a text that is empty or has a comma or a quote in it is quoted."""

    def field(text: str | None) -> str:
        if text is None:
            return ""
        return '"' + text.replace('"', '""') + '"' if not text or set(text) & set(',"\r\n') else text

    return ",".join(map(field, key))


def shown(value: Any) -> str:
    """A value for people: numbers to six digits on a terminal, which is narrow, and ten elsewhere."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}" if sys.stdout.isatty() else f"{value:.10g}"
    return " ".join(map(shown, value)) if isinstance(value, list) else f"{value:,}" if isinstance(value, int) else value
