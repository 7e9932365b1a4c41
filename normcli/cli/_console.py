"""What a person sees: lines on standard error, a bar while it runs, tables. The only file that imports rich."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from normcli.cli._report import current
from normcli.errors import BadDataError, printable, replaced, size

WARNING, SUMMARY, DETAIL = 1, 0, -1  # louder first: -q leaves warnings, -qq nothing but errors


class Console:
    """Lines on standard error, as loud as asked; remembers that it warned."""

    def __init__(self, *, quiet: int, verbose: bool, werror: bool) -> None:
        self._least = quiet if quiet else DETAIL if verbose else SUMMARY
        self._werror = werror
        self.warnings = 0
        self.started = time.monotonic()

    def _line(self, level: int, text: str) -> None:
        if level >= self._least:
            with contextlib.suppress(OSError):
                os.write(2, f"normcli: {printable(text)}\n".encode("utf-8", "backslashreplace"))

    def warn(self, text: str) -> None:
        self.warnings += 1
        current.warnings.append(text)
        self._line(WARNING, f"warning: {text}")

    def notice(self, text: str) -> None:
        """What should be known even if nothing is wrong."""
        self._line(WARNING, text)

    def summary(self, text: str) -> None:
        self._line(SUMMARY, text)

    def detail(self, text: str) -> None:
        self._line(DETAIL, text)

    def settle(self, outcome: str = replaced(0)) -> None:
        """Before a target is replaced: raises where warnings count as errors, with what was done before."""
        if self._werror and self.warnings:
            plural = "s" if self.warnings > 1 else ""
            raise BadDataError(f"{self.warnings} warning{plural}, and --werror was asked for; {outcome}")

    def took(self, count: int) -> str:
        """So many bytes, and the time that went by."""
        return f"{size(count)} in {time.monotonic() - self.started:.1f} s"

    @contextlib.contextmanager
    def bar(self, total: int | None, unit: str, *, shown: bool) -> Iterator[Any]:
        """A function to be told how far it went; a bar where `shown` and there is a terminal for it."""
        capable = os.isatty(2) and os.environ.get("TERM", "dumb") != "dumb" and self._least <= SUMMARY
        if not (shown and capable):
            yield lambda weight: None
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
        with Progress(*columns, console=Terminal(file=sys.stderr), transient=True) as progress:
            task = progress.add_task("", total=total)
            yield lambda weight: progress.advance(task, weight)


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
