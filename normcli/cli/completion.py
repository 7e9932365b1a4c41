"""normcli completion: print what a shell has to read for completion."""

from __future__ import annotations

from typing import Any

import click

from normcli.cli._command import OneOf, Plain

ORDER = 11
EXAMPLES = (
    ("In ~/.bashrc", 'eval "$(normcli completion bash)"'),
    ("In ~/.zshrc, after compinit", 'eval "$(normcli completion zsh)"'),
    ("Once", "normcli completion fish > ~/.config/fish/completions/normcli.fish"),
)


@click.command(cls=Plain, examples=EXAMPLES)
@click.argument("shell", type=OneOf(("bash", "zsh", "fish")))
def command(**values: Any) -> None:
    """Print what a shell has to read to complete commands, options, values, columns of INPUT, and files."""
    from normcli.cli._completion import script

    click.echo(script(values["shell"]), nl=False)
