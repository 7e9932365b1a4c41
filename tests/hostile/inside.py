"""The command within this process, for what takes thousands of runs: the same click commands without their entry."""

from pathlib import Path

import click

from normcli import registry
from normcli.cli._report import current


def run(name: str, *words: str | Path) -> None:
    """One run, silent. Raises what the command does: NormcliError, click.UsageError, or a bug."""
    command: click.Command = registry.load("cli", name).command
    current.facts, current.warnings = {}, []
    quiet = ["-qq"] if name not in ("inspect", "methods") else []
    command.main([*map(str, words), *quiet], prog_name=f"normcli {name}", standalone_mode=False)
