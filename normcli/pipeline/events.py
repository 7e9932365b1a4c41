"""What a run says while it goes, to whoever started it: a person at a terminal, a log, or nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from normcli.formats import Reader, Reject


class Events:
    """Every event of a run; by default each goes unheard. The command line prints them, Python warns."""

    def warning(self, text: str) -> None:
        """Something may be a mistake."""

    def notice(self, text: str) -> None:
        """Nothing is wrong, and it should be known."""

    def info(self, text: str) -> None:
        """What is done, for a person who watches."""

    def detail(self, text: str) -> None:
        """How it is done, and why, for a person who asks."""

    def progress(self, reader: Reader, weight: int, *, ended: bool) -> None:
        """A chunk of an input, of this weight in its `unit`, is done; or the input has `ended`."""

    def rejected(self, source: str, line: int, reject: Reject) -> None:
        """A bad row of an input is skipped."""


SILENT = Events()
