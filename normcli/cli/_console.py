"""The console: messages and progress on standard error."""

from __future__ import annotations

import contextlib
import os
import time

import click
from click.core import ParameterSource

from normcli.cli._progress import line
from normcli.cli._terminal import is_capable, styled
from normcli.errors import UsageError, printable, size
from normcli.jobs.events import Events
from normcli.jobs.results import Result
from normcli.jobs.run_report_file import run_report

WARNING, SUMMARY, DETAIL = 1, 0, -1  # -q leaves warnings, -qq only errors; a notice is no warning


class Console(Events):
    """The events of a job as lines on standard error, at the level of -q and -v, with a progress bar on a terminal."""

    def __init__(self, *, quiet: int, verbose: bool = False) -> None:
        self._least = quiet or (DETAIL if verbose else SUMMARY)
        self.verbose, self._started = verbose, time.monotonic()
        self._result: Result | None = None

    def _line(self, level: int, text: str, kind: str = "") -> None:
        if level >= self._least:
            with line.away(), contextlib.suppress(OSError):
                os.write(2, f"normcli: {kind}{printable(text)}\n".encode("utf-8", "backslashreplace"))

    def begin(self, result: Result) -> None:
        """Begins the run report. Raises UsageError if the command line has both -q and -v, after the report has begun
        so that it contains the error."""
        run_report.begin(result)
        self._result = result
        ctx = click.get_current_context(silent=True)
        if self.verbose and ctx and ctx.get_parameter_source("quiet") is ParameterSource.COMMANDLINE:
            raise UsageError("-v is not for -q")

    def warning(self, text: str) -> None:
        self._line(WARNING, text, styled("warning:", 2, fg="yellow", bold=True) + " ")

    def notice(self, text: str) -> None:
        self._line(SUMMARY, text)

    def info(self, text: str) -> None:
        self._line(SUMMARY, text)

    def detail(self, text: str) -> None:
        self._line(DETAIL, text)

    def took(self, count: int | None) -> str:
        """The number of bytes and the elapsed time in seconds, as text."""
        return f"{size(count)} in {time.monotonic() - self._started:.1f} s"

    def start(self, total: int | None, unit: str) -> None:
        if is_capable(2) and self._least <= SUMMARY and self._result is not None:
            line.begin(self._result, total, unit)

    def advance(self, amount: int) -> None:
        line.advance(amount)

    def stop(self) -> None:
        line.end()
