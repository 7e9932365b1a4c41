"""The request for a page on a fit, and on new data beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from normcli.jobs.requests import Place, option
from normcli.jobs.requests.check import CheckRequest

if TYPE_CHECKING:
    from normcli.parameters import Parameters


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class ReportRequest(CheckRequest):
    """To show parameters on a page, and data, if there are any, compared with those that they were fitted on."""

    command = "report"
    params: str | Parameters = option("", "PARAMS", group="drift")
    output: str | None = option(None, "-o", group="output")

    @property
    def has_input(self) -> bool:
        """Whether there is anything to compare with the fit: standard input has to be named."""
        return bool(self.input) or self.files_from is not None or self.tables is not None

    def reads(self) -> Iterator[Place]:
        yield from (Place("PARAMS" if place.flag == "-p" else place.flag, place.path) for place in super().reads())

    def writes(self) -> Iterator[Place]:
        yield from super().writes()
        if self.output is not None:
            yield Place("-o", self.output)
