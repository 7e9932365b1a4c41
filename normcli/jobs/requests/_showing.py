"""What is common to the requests of jobs that show a table, or JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from normcli.errors import UsageError
from normcli.jobs.requests import Place, Reads

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Shows(Reads):
    """What the command line calls what it puts on standard output, if anything: a table, or JSON."""

    table: str | None = None

    def check_options(self) -> None:
        if self.dry_run and self.table == "--json":
            raise UsageError("--json is not for --dry-run")
        super().check_options()

    def writes(self) -> Iterator[Place]:
        if self.table is not None:
            yield Place(self.table, "-")
        yield from super().writes()
