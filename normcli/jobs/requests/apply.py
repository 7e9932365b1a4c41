"""The request to normalize or restore data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from normcli.jobs.facts import (
    DIRECTORY,
    INVERSE,
    KEYS,
    NO_CHECK,
    NO_TRAINING,
    need,
)
from normcli.jobs.requests import UNSEEN, OnCluster, Place, Writes, option
from normcli.jobs.requests._watching import Watches
from normcli.jobs.values import between, one_of

if TYPE_CHECKING:
    from normcli.parameters import Parameters, Unseen


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class ApplyRequest(Writes, Watches, OnCluster):
    """To normalize data by parameters, or to restore them; `params` are a file, or what is in one."""

    command = "apply"
    may_replace_input = True
    params: str | Parameters = option("", "-p", group="apply")
    inverse: bool = option(False, group="apply", shapes=True)
    lossy: bool = option(False, group="apply", needs=(INVERSE,), shapes=True)
    columns: tuple[str, ...] = option((), "-c", group="apply", shapes=True)
    exclude: tuple[str, ...] = option((), "-x", group="apply", shapes=True)
    unseen: Unseen | None = option(None, group="apply", needs=(KEYS,), check=UNSEEN)
    min_count: int | None = option(None, group="apply", needs=(KEYS,), check=between(0))
    training: bool = option(False, group="apply", needs=(need("no inverse", NO_TRAINING),), shapes=True)
    no_extra: bool = option(False, group="safety", shapes=True)
    check: Literal["refuse", "warn"] | None = option(
        None, group="drift", needs=(need("no inverse", NO_CHECK),), check=one_of("refuse", "warn")
    )
    resume: Literal["stat", "digest"] | None = option(
        None, group="updating", needs=(DIRECTORY,), check=one_of("stat", "digest")
    )
    in_place: bool = option(False, group="safety")
    allow_normalized: bool = option(False, group="safety")
    allow_edited: bool = option(False, group="safety")

    def reads(self) -> Iterator[Place]:
        yield from super().reads()
        if isinstance(self.params, str):
            yield Place("-p", self.params)

    def writes(self) -> Iterator[Place]:
        yield Place("-o", self.output or "-")
        yield from super().writes()
