"""normcli methods: list the methods, or say all about one."""

from typing import Any

import click

from normcli import registry, suggestions
from normcli.cli._command import Entry, Plain
from normcli.cli._common import COLOR
from normcli.errors import UsageError

ORDER = 9
EXAMPLES = (
    ("Every method, with its formula and options", "normcli methods"),
    ("All about one, by any of its names", "normcli methods whiten"),
)


@click.command(cls=Plain, examples=EXAMPLES)
@COLOR
@click.argument("method", required=False, type=Entry("methods"))
def command(**values: Any) -> None:
    """List the methods, or say all about one: formula, options, whether it can be undone, source, other names."""
    from normcli.cli._flags import flags
    from normcli.cli._table import Column, definitions, names, table

    name = values["method"]
    if name is None:
        rows = []
        for method in registry.names("methods"):
            kind: Any = registry.only("methods", method)
            rows.append((method, formula(kind), kind.invertible, " ".join(f.opts[0] for f in flags(kind, "x_"))))
        about = (Column(head, right=False, rank=rank) for head, rank in (("invertible", 1), ("options", 2)))
        columns = (names("method"), Column("output", right=False, least=60), *about)
        table(columns, rows, most=len(rows), more="normcli methods METHOD")
        return
    entry = suggestions.called(name, "methods")
    if entry is None:
        raise UsageError(f"{name}: no such method", suggestions.of_room(name, "methods"))
    kind = registry.only("methods", entry)
    click.echo(f"{entry}: {formula(kind)}\n")
    click.echo("\n".join(line.strip() for line in (kind.__doc__ or "").splitlines()[2:]).strip())
    *drawing, what = kind.shares.split("\n")
    click.echo("\nValues that share (rows downwards, columns across; equal letters share):")
    click.echo("".join(f"  {line}\n" for line in drawing) + f"  {what}")
    options = flags(kind, "x_")
    if options:
        click.echo("\nOptions:")
        definitions([(f"  {spelled(f)}", f"{f.help}{'  [required]' if f.required else ''}") for f in options])
    click.echo(f"\nCan be undone: {kind.invertible}.")
    click.echo(f"From: {kind.source}.")
    click.echo(f"Also called: {', '.join(kind.aliases)}.")
    click.echo(f"\nExample:\n  {kind.example or f'normcli fit data.csv -m {entry} -p data.json'}")


def spelled(option: click.Option) -> str:
    """The flags of an option and its metavar."""
    return f"{' / '.join((*option.opts, *option.secondary_opts))} {option.metavar or ''}".rstrip()


def formula(kind: type) -> str:
    """The formula of a method: the first line of its docstring."""
    return (kind.__doc__ or "").partition("\n")[0]
