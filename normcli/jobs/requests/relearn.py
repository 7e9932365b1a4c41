"""The request to learn a method again, from the statistics of a parameter file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from normcli.jobs.facts import (
    KEYS,
    LOCK,
)
from normcli.jobs.format_options import format_option_names
from normcli.jobs.requests import UNSEEN, Place, Request, option
from normcli.jobs.requests.fit import FitRequest
from normcli.jobs.values import between

if TYPE_CHECKING:
    from normcli.methods import Method
    from normcli.parameters import Parameters, Unseen


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class RelearnRequest(Request):
    """To learn a method from the statistics that a parameter file has kept, without data."""

    command = "fit"
    relearn: str | Parameters = option("", group="updating")
    method: str | Method | None = option(None, "-m", group="learn")
    method_options: Mapping[str, Any] = field(default_factory=dict)
    params: str | None = option(None, "-p", group="output")
    unseen: Unseen | None = option(None, group="learn", needs=(KEYS,), check=UNSEEN)
    min_count: int | None = option(None, group="learn", needs=(KEYS,), check=between(0))
    no_sketch: bool = option(False, group="learn")
    allow_edited: bool = option(False, group="safety")
    wait: float = option(0.0, group="updating", needs=(LOCK,), check=between(0, integer=False))
    note: str = option("", group="output")

    @classmethod
    def refusal(cls, name: str) -> str:
        fits = FitRequest.options()
        if name == "plan":
            return "not for --relearn, which learns one method again"
        other = (name in fits and name not in cls.options()) or name in format_option_names()
        return "not for --relearn, which reads no data" if other else ""

    def reads(self) -> Iterator[Place]:
        if isinstance(self.relearn, str):
            yield Place("--relearn", self.relearn)

    def writes(self) -> Iterator[Place]:
        if self.params is not None:
            yield Place("-p", self.params)
