"""What a person sees: lines on standard error, a bar while it runs, tables. The only file that imports rich."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import click
from click.core import ParameterSource

from normcli.cli._run_report import run_report
from normcli.errors import UsageError, printable, size
from normcli.jobs.results import Result
from normcli.pipeline import Events

WARNING, SUMMARY, DETAIL = 1, 0, -1  # louder first: -q leaves warnings, -qq nothing but errors


class Console(Events):
    """The events of a job as lines on standard error, as loud as asked, and a bar where there is a terminal for it."""

    def __init__(self, *, quiet: int, verbose: bool = False) -> None:
        self._least = quiet or (DETAIL if verbose else SUMMARY)
        self._verbose, self._started = verbose, time.monotonic()
        self._bar: Any = None

    def _line(self, level: int, text: str) -> None:
        if level >= self._least:
            with contextlib.suppress(OSError):
                os.write(2, f"normcli: {printable(text)}\n".encode("utf-8", "backslashreplace"))

    def begin(self, result: Result) -> None:
        """Raises UsageError where a command line wants it both quiet and verbose, once the report can say so."""
        run_report.begin(result)
        ctx = click.get_current_context(silent=True)
        if self._verbose and ctx and ctx.get_parameter_source("quiet") is ParameterSource.COMMANDLINE:
            raise UsageError("-v is not for -q")

    def warning(self, text: str) -> None:
        self._line(WARNING, f"warning: {text}")

    def notice(self, text: str) -> None:
        self._line(WARNING, text)

    def info(self, text: str) -> None:
        self._line(SUMMARY, text)

    def detail(self, text: str) -> None:
        self._line(DETAIL, text)

    def took(self, count: int | None) -> str:
        """So many bytes, and the time that went by."""
        return f"{size(count)} in {time.monotonic() - self._started:.1f} s"

    def start(self, total: int | None, unit: str) -> None:
        capable = os.isatty(2) and os.environ.get("TERM", "dumb") != "dumb" and self._least <= SUMMARY
        if not capable:
            return
        from rich.console import Console as Terminal
        from rich.progress import (
            BarColumn,
            Progress,
            SpinnerColumn,
            Task,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.text import Text

        class Rate(TextColumn):
            def render(self, task: Task) -> Text:
                return Text(f"{size(task.speed) if unit == 'B' else f'{task.speed or 0:,.0f} {unit}'}/s")

        columns = [SpinnerColumn(), BarColumn(), TaskProgressColumn(), Rate(""), TimeRemainingColumn()]
        self._bar = Progress(*columns, console=Terminal(file=sys.stderr), transient=True)
        self._bar.start()
        self._bar.add_task("", total=total)

    def advance(self, amount: int) -> None:
        if self._bar is not None:
            self._bar.advance(self._bar.task_ids[0], amount)

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> None:
    """A table on standard output: ruled on a terminal, plain and never wrapped or cut elsewhere. Text is literal."""
    cells = [[printable(c) for c in row] for row in rows]
    if not sys.stdout.isatty():
        widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
        for row in [list(header), *cells]:
            padded = (
                c.rjust(w) if j in right else c.ljust(w) for j, (c, w) in enumerate(zip(row, widths, strict=True))
            )
            sys.stdout.write("  ".join(padded).rstrip() + "\n")
        return
    from rich import box
    from rich.console import Console as Terminal
    from rich.table import Table
    from rich.text import Text

    ruled = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for j, name in enumerate(header):
        ruled.add_column(Text(name), justify="right" if j in right else "left", overflow="fold")
    for row in cells:
        ruled.add_row(*(Text(c) for c in row))
    Terminal(file=sys.stdout).print(ruled)
