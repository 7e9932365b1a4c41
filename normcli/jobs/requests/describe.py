"""The request to show what is in the columns of data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from normcli.jobs.facts import LOCK, SAVED
from normcli.jobs.requests import Place, option
from normcli.jobs.requests._showing import Shows
from normcli.jobs.values import between

if TYPE_CHECKING:
    from normcli.columns import Infinite


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class DescribeRequest(Shows):
    """To see what is in the columns of data."""

    command = "describe"
    columns: tuple[str, ...] = option((), group="columns")
    exclude: tuple[str, ...] = option((), group="columns")
    save: str | None = option(None, group="output")
    note: str = option("", group="output", needs=(SAVED,))
    wait: float = option(0.0, group="output", needs=(SAVED, LOCK), check=between(0, integer=False))
    infinite: Infinite = "missing"  # no option: infinite values are counted apart

    def writes(self) -> Iterator[Place]:
        if self.save is not None:
            yield Place("--save", self.save)
        yield from super().writes()
