"""The request to compare data with those that were fitted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from normcli.jobs.facts import KEYS
from normcli.jobs.requests import OnCluster, Place, option
from normcli.jobs.requests._showing import Shows
from normcli.jobs.requests._watching import Watches
from normcli.jobs.values import between
from normcli.limits import Limits

if TYPE_CHECKING:
    from normcli.parameters import Parameters


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class CheckRequest(Shows, Watches, OnCluster):
    """To compare data with those that parameters were fitted on."""

    command = "check"
    min_rows: int = option(Limits().min_rows, group="safety", check=between(0))
    params: str | Parameters = option("", "-p", group="drift")
    no_extra: bool = option(False, group="drift")
    by_key: bool = option(False, group="drift", needs=(KEYS,))
    allow_edited: bool = option(False, group="safety")

    def reads(self) -> Iterator[Place]:
        yield from super().reads()
        if isinstance(self.params, str):
            yield Place("-p", self.params)
