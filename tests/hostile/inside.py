"""The command within this process, for what takes thousands of runs: the same click commands without their entry."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from normcli import registry
from normcli.cli._report import report


def run(name: str, *words: str | Path) -> None:
    """One run, silent. Raises what the command does: NormcliError, click.UsageError, or a bug."""
    command: click.Command = registry.load("cli", name).command
    report.result = None
    quiet = ["-qq"] if name not in ("inspect", "methods") else []
    command.main([*map(str, words), *quiet], prog_name=f"normcli {name}", standalone_mode=False)


@contextmanager
def folder() -> Iterator[None]:
    """A directory of its own to be in, empty at first and gone afterwards."""
    here = Path.cwd()
    with TemporaryDirectory() as name:
        os.chdir(name)
        try:
            yield
        finally:
            os.chdir(here)
