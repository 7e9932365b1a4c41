"""docs/reference.md: the help of every command and every topic, as they are shown. `make reference` writes it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from normcli.cli import _topics as topics
from normcli.cli import main

FILE = Path(__file__).parent.parent / "docs" / "reference.md"
WIDTH = 78  # of help on a terminal of 80 columns


def help_of(name: str = "", *, width: int = WIDTH) -> str:
    """What normcli NAME --help shows; without a name, normcli --help."""
    root = click.Context(main, info_name="normcli", terminal_width=width)
    if not name:
        return main.get_help(root)
    command: Any = main.get_command(root, name)
    settings = {**command.context_settings, "terminal_width": width}
    return str(command.get_help(click.Context(command, info_name=name, parent=root, **settings)))


def reference() -> str:
    """The whole document."""
    return "\n".join(_parts()) + "\n"


def _parts() -> Iterator[str]:
    yield "# Command-line reference\n"
    yield "Made of `--help` by `make reference`. `normcli help TOPIC` shows the topics on a terminal.\n"
    for name in ("", *main.list_commands(click.Context(main))):
        yield f"## {f'normcli {name}'.rstrip()}\n\n```text\n{help_of(name)}\n```\n"
    yield "## Topics\n"
    for name in topics.names():
        yield re.sub(r"^#", "###", topics.text(name), flags=re.MULTILINE)


if __name__ == "__main__":
    FILE.write_text(reference())
