"""The request to merge parameter files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from normcli.jobs.facts import (
    LOCK,
)
from normcli.jobs.requests import Place, Request, option
from normcli.jobs.values import between

if TYPE_CHECKING:
    from normcli.parameters import Parameters


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class MergeRequest(Request):
    """To merge parameter files, or what is in them, into that of one fit over all their data."""

    command = "merge"
    may_replace = ("PARAMS",)  # all that is in them is in the output
    inputs: tuple[str | Parameters, ...] = option((), group="input")
    output: str | None = option(None, "-o", group="output")
    allow_duplicates: bool = option(False, group="safety")
    allow_edited: bool = option(False, group="safety")
    wait: float = option(0.0, group="safety", needs=(LOCK,), check=between(0, integer=False))
    note: str = option("", group="output")

    def reads(self) -> Iterator[Place]:
        yield from (Place("PARAMS", path) for path in self.inputs if isinstance(path, str))

    def writes(self) -> Iterator[Place]:
        if self.output is not None:
            yield Place("-o", self.output)
