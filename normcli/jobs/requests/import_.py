"""The request to import what another program has learned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from normcli import registry
from normcli.errors import UsageError
from normcli.jobs.requests import Place, Request, option
from normcli.jobs.values import one_of


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class ImportRequest(Request):
    """To make parameters of the file `source` of the program `from_`, with the options of that by name. `columns` are
    the names of its columns, by default those in the file."""

    command = "import"
    source: str = option("", "FILE", group="input")
    from_: str = option("", "--from", group="input", check=one_of(*registry.names("imports")))
    columns: tuple[str, ...] = option((), group="columns")
    output: str | None = option(None, "-o", group="output")
    note: str = option("", group="output")
    origin_options: Mapping[str, Any] = field(default_factory=dict)

    def check_options(self) -> None:
        if not self.from_:
            raise UsageError("--from is missing", f"it is one of {', '.join(registry.names('imports'))}")
        super().check_options()

    def reads(self) -> Iterator[Place]:
        yield Place("FILE", self.source)

    def writes(self) -> Iterator[Place]:
        if self.output is not None:
            yield Place("-o", self.output)
