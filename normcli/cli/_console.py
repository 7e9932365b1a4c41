"""What a person sees: lines on standard error, how far it has come while it runs."""

from __future__ import annotations

import contextlib
import os
import time

import click
from click.core import ParameterSource

from normcli.cli._progress import line
from normcli.cli._run_report import run_report
from normcli.cli._terminal import is_capable, styled
from normcli.errors import UsageError, printable, size
from normcli.jobs.results import Result
from normcli.pipeline import Events

WARNING, SUMMARY, DETAIL = 1, 0, -1  # louder first: -q leaves warnings, -qq nothing but errors


class Console(Events):
    """The events of a job as lines on standard error, as loud as asked, and a bar where there is a terminal for it."""

    def __init__(self, *, quiet: int, verbose: bool = False) -> None:
        self._least = quiet or (DETAIL if verbose else SUMMARY)
        self.verbose, self._started = verbose, time.monotonic()
        self._result: Result | None = None

    def _line(self, level: int, text: str, kind: str = "") -> None:
        if level >= self._least:
            with line.away(), contextlib.suppress(OSError):
                os.write(2, f"normcli: {kind}{printable(text)}\n".encode("utf-8", "backslashreplace"))

    def begin(self, result: Result) -> None:
        """Raises UsageError where a command line wants it both quiet and verbose, once the report can say so."""
        run_report.begin(result)
        self._result = result
        ctx = click.get_current_context(silent=True)
        if self.verbose and ctx and ctx.get_parameter_source("quiet") is ParameterSource.COMMANDLINE:
            raise UsageError("-v and -q contradict each other")

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
        if is_capable(2) and self._least <= SUMMARY and self._result is not None:
            line.begin(self._result, total, unit)

    def advance(self, amount: int) -> None:
        line.advance(amount)

    def stop(self) -> None:
        line.end()
