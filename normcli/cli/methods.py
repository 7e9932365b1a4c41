"""normcli methods."""

from typing import Any

import click

from normcli import registry
from normcli.cli import HELP
from normcli.cli._command import Entry


@click.command(context_settings=HELP, epilog="Example: normcli methods whiten")
@click.argument("method", required=False, type=Entry("methods"))
def command(**values: Any) -> None:
    """List the methods, or say all about one: formula, options, whether it can be undone."""
    from normcli.cli._console import table
    from normcli.cli._flags import flags

    name = values["method"]
    if name is None:
        rows = []
        for each in registry.names("methods"):
            kind: Any = registry.only("methods", each)
            rows.append((each, formula(kind), kind.invertible, " ".join(f.opts[0] for f in flags(kind, "x_"))))
        table(("method", "output", "invertible", "options"), rows)
        return
    if name not in registry.names("methods"):
        raise click.UsageError(f"{name}: no such method; the methods are {', '.join(registry.names('methods'))}")
    kind = registry.only("methods", name)
    first, _, rest = (kind.__doc__ or "").partition("\n")
    click.echo(f"{name}: {first}\n")
    click.echo("\n".join(line.strip() for line in rest.strip().splitlines()))
    click.echo(f"\nCan be undone: {kind.invertible}.")
    made = flags(kind, "x_")
    if made:
        click.echo("\nOptions:")
        table(("", ""), [("  " + " / ".join((*f.opts, *f.secondary_opts)), f.help or "") for f in made])
    click.echo(f"\nExample:\n  normcli fit data.csv -m {name} -p data.json")


def formula(kind: type) -> str:
    return (kind.__doc__ or "").partition("\n")[0]
