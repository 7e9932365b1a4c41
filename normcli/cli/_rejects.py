"""--on-bad-row skip: bad rows of text are left out, and kept where --rejects says, committed with the output."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from normcli.cli._command import PLACE
from normcli.cli._needs import DATA, ROWS, SKIP, TEXT, option

if TYPE_CHECKING:
    from normcli.formats import Reject
    from normcli.outputs import Target
    from normcli.transaction import Transaction

F = TypeVar("F", bound=Callable[..., Any])
SOME = 100


def skipping(function: F) -> F:
    """The options that say what becomes of bad rows."""
    for decorate in (
        option(
            "--rejects",
            metavar="FILE",
            type=PLACE,
            needs=(DATA, SKIP, ROWS),
            help="Keep what was skipped, and why, as NDJSON.",
        ),
        option(
            "--max-bad-rows",
            type=click.IntRange(0),
            metavar="N",
            needs=(DATA, SKIP, ROWS),
            help=f"Skip so many, and no more.  [default: {SOME}]",
        ),
        option(
            "--on-bad-row",
            needs=(DATA, ROWS, TEXT),
            type=click.Choice(("error", "skip")),
            default="error",
            show_default=True,
            help="A row of text that can't be read right is an error, or skipped. A broken quote can't be.",
        ),
    ):
        function = decorate(function)
    return function


class Rejects:
    """The rows that are skipped, on their way to a file, if they are wanted."""

    def __init__(self, values: dict[str, Any], target: Target | None) -> None:
        self.skip = values["on_bad_row"] == "skip"
        self.most = SOME if values["max_bad_rows"] is None else values["max_bad_rows"]
        self.target = target

    def add(self, source: str, line: int, reject: Reject) -> None:
        if self.target is not None:
            told = {"file": source, "line": line, "reason": reject.reason, "raw": reject.raw}
            self.target.write(json.dumps(told, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")


def rejects(values: dict[str, Any], changes: Transaction) -> Rejects:
    """Raises CannotCreateError."""
    if not values["rejects"]:
        return Rejects(values, None)
    return Rejects(values, changes.open(values["rejects"], spool_dir=values["spool_dir"]))
