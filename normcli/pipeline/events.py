"""Events of a running job, for its caller: a terminal, a log, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from normcli.formats import Reject


class Events:
    """The callbacks of a run; each does nothing by default. The command line prints them, Python warns.

    All are called by the thread that runs the job. What one raises ends the run: files are what they were, but for
    those of a directory that are complete already.
    """

    def begin(self, result: Any) -> None:
        """A run begins, and nothing is done yet. The job fills its `result`, a Result of `normcli.jobs.results`, while
        it runs, so that there is one of a job that fails, too."""

    def warning(self, text: str) -> None:
        """Something may be a mistake."""

    def notice(self, text: str) -> None:
        """Nothing is wrong, and it should be known."""

    def info(self, text: str) -> None:
        """What is done, for a person who watches."""

    def detail(self, text: str) -> None:
        """How it is done, and why, for a person who asks."""

    def begin_pass(self, number: int, count: int) -> None:
        """A pass over the data begins, from 1, of `count` that there are to be because steps learn from the results of
        others; there is no such event where one is all."""

    def begin_reading(self, number: int) -> None:
        """The data are read once more in the same pass, for exact quantiles: the reading of this number, from 2."""

    def end_pass(self, number: int, count: int) -> None:
        """The pass has ended that began last; what its steps learn is known."""

    def start(self, total: int | None, unit: str) -> None:
        """Reading begins, of a number of units if it is known: bytes (B) or rows. It may begin again, for a further
        pass over the data, or to write the output. The first rows of a pipe are awaited before that, between a `start`
        and a `stop` of their own."""

    def advance(self, amount: int) -> None:
        """A number of further units were read."""

    def stop(self) -> None:
        """Reading has ended; nothing is in place yet but files of a directory."""

    def rejected(self, source: str, line: int, reject: Reject) -> None:
        """A bad row of an input is skipped; its `line`, or row, counts from 1."""


SILENT = Events()
