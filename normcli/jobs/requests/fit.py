"""The request to learn parameters from data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from normcli.jobs.conventions import CONVENTIONS
from normcli.jobs.facts import (
    KEYS,
    LEARNS,
    LOCK,
    PARAMS_WRITTEN,
    UPDATE,
)
from normcli.jobs.requests import UNSEEN, OnCluster, Place, Writes, option
from normcli.jobs.values import between, one_of

if TYPE_CHECKING:
    from normcli.methods import Method
    from normcli.parameters import Unseen
    from normcli.parameters.plan import Plan


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class FitRequest(Writes, OnCluster):
    """To learn a method's parameters, or a plan's; and to normalize the same data, where they have an output.

    `method` is a method or its name, with `method_options`, and where they are not given, those of the program that it
    is `like`; `plan` is a file that asks for several steps, or what such
    a file says.
    """

    command = "fit"
    topics = dict.fromkeys(("limit", "fill", "precision", "drop_constant"), "columns")  # of -o
    method: str | Method | None = option(None, "-m", group="learn")
    method_options: Mapping[str, Any] = field(default_factory=dict)
    like: str | None = option(None, group="learn", check=one_of(*CONVENTIONS))
    plan: str | Plan | None = option(None, group="learn")
    params: str | None = option(None, "-p", group="output")
    columns: tuple[str, ...] = option((), group="columns")
    exclude: tuple[str, ...] = option((), group="columns")
    by: tuple[str, ...] = option((), group="learn", needs=(LEARNS,))
    categories: tuple[str, ...] = option((), group="learn", topic="drift", needs=(LEARNS,))
    weights: str | None = option(None, group="learn", needs=(LEARNS,))
    unseen: Unseen | None = option(None, group="learn", topic="keys", needs=(KEYS,), check=UNSEEN)
    min_count: int | None = option(None, group="learn", topic="keys", needs=(KEYS,), check=between(0))
    no_sketch: bool = option(False, group="learn", topic="drift", needs=(LEARNS,))
    update: bool = option(False, group="updating")
    create: bool = option(False, group="updating", topic="updating", needs=(UPDATE,))
    recount: bool = option(False, group="updating", topic="updating", needs=(UPDATE,))
    allow_edited: bool = option(False, group="safety")
    wait: float = option(0.0, group="updating", needs=(LOCK,), check=between(0, integer=False))
    note: str = option("", group="output", needs=(PARAMS_WRITTEN,))

    def reads(self) -> Iterator[Place]:
        yield from super().reads()
        if isinstance(self.plan, str):
            yield Place("--plan", self.plan)

    def writes(self) -> Iterator[Place]:
        if self.params is not None:
            yield Place("-p", self.params)
        if self.output is not None:
            yield Place("-o", self.output)
        yield from super().writes()
