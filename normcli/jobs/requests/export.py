"""The request to write what parameters compute for another engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from normcli import registry
from normcli.errors import UsageError
from normcli.jobs.facts import INVERSE, KEYS
from normcli.jobs.requests import Place, Request, option
from normcli.jobs.values import one_of

if TYPE_CHECKING:
    from normcli.parameters import Parameters


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class ExportRequest(Request):
    """To write what parameters compute for the target `to`, with the options of that target by name; of all rows, or of
    those of a key. With `inverse`, what undoes it; with `lossy`, but for values that were filled or held."""

    command = "export"
    params: str | Parameters = option("", "PARAMS", group="input")
    to: str = option("", group="output", check=one_of(*registry.names("exports")))
    output: str | None = option(None, "-o", group="output")
    inverse: bool = option(False, group="apply")
    lossy: bool = option(False, group="apply", needs=(INVERSE,))
    key: str | None = option(None, group="apply", needs=(KEYS,))
    target_options: Mapping[str, Any] = field(default_factory=dict)
    allow_edited: bool = option(False, group="safety")

    def check_options(self) -> None:
        if not self.to:
            raise UsageError("--to is missing", f"it is one of {', '.join(registry.names('exports'))}")
        super().check_options()

    def reads(self) -> Iterator[Place]:
        if isinstance(self.params, str):
            yield Place("PARAMS", self.params)

    def writes(self) -> Iterator[Place]:
        if self.output is not None:
            yield Place("-o", self.output)
