"""What a person sees: lines on standard error, a bar while it runs. The only file that imports rich."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import Any

import click
from click.core import ParameterSource

from normcli.cli._run_report import run_report
from normcli.cli._terminal import styled
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

    def _line(self, level: int, text: str, kind: str = "") -> None:
        if level >= self._least:
            with contextlib.suppress(OSError):
                os.write(2, f"normcli: {kind}{printable(text)}\n".encode("utf-8", "backslashreplace"))

    def begin(self, result: Result) -> None:
        """Raises UsageError where a command line wants it both quiet and verbose, once the report can say so."""
        run_report.begin(result)
        ctx = click.get_current_context(silent=True)
        if self._verbose and ctx and ctx.get_parameter_source("quiet") is ParameterSource.COMMANDLINE:
            raise UsageError("-v is not for -q")

    def warning(self, text: str) -> None:
        self._line(WARNING, text, styled("warning:", 2, fg="yellow", bold=True) + " ")

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
