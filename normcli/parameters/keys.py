"""Keys: the values by which rows are grouped, and the statistics of each key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from normcli.blocks.record import Array, Codes
from normcli.errors import printable
from normcli.stats import Statistic

Key = tuple[str | None, ...]  # a string for each column that rows are grouped by; None is null
StepStates = tuple[Statistic, ...]  # of one step, in the order of its method's statistics


class Keyed(Struct, frozen=True):
    """States by key: group i of each statistic, and `rows[i]` rows, are of `keys[i]`."""

    keys: tuple[Key, ...]
    rows: Array  # (keys,)
    states: tuple[StepStates, ...]  # of each step


class Ledger:
    """Statistics of each key so far, updated in place because a chunk holds few of many keys."""

    def __init__(self) -> None:
        self._at: dict[Key, int] = {}
        self._rows = np.zeros(0)
        self._states: tuple[StepStates, ...] = ()

    def __len__(self) -> int:
        return len(self._at)

    def add(self, part: Keyed) -> None:
        """Adds statistics of the rows that follow."""
        known = len(self._at)
        at = np.array([self._at.setdefault(key, len(self._at)) for key in part.keys], np.intp)
        new = at >= known
        self._grow(len(self._at), part.states)
        self._rows[at] += part.rows
        states = []
        for mine, theirs in zip(self._states, part.states, strict=True):
            states.append(tuple(self._added(total, more, at, new) for total, more in zip(mine, theirs, strict=True)))
        self._states = tuple(states)

    def _added(self, total: Statistic, part: Statistic, at: Codes, new: NDArray[np.bool_]) -> Statistic:
        """The total with `part` merged into its groups `at`, of which those where `new` is true had no rows before."""
        first = part.taken(np.flatnonzero(new))
        both = first if new.all() else total.taken(at[~new]).merge(part.taken(np.flatnonzero(~new)))
        for groups in (first, both):
            total = total if _fits(groups, total) else _longer(groups, total, total.groups)
        _put(total, at[new], first)
        if not new.all():
            _put(total, at[~new], both)
        return total

    def _grow(self, count: int, prototypes: tuple[StepStates, ...]) -> None:
        """Allocates room for `count` keys."""
        if count <= len(self._rows):
            return
        room = max(count, 2 * len(self._rows))
        self._rows = np.concatenate([self._rows, np.zeros(room - len(self._rows))])
        self._states = tuple(
            tuple(_longer(s, states[i] if states else None, room) for i, s in enumerate(step))
            for step, states in zip(prototypes, self._states or [()] * len(prototypes), strict=True)
        )

    def sorted(self) -> Keyed:
        """All states, sorted by key: null first, then strings."""
        keys = sorted(self._at, key=lambda key: [(text is not None, text or "") for text in key])
        at = np.array([self._at[key] for key in keys], np.intp)
        return Keyed(tuple(keys), self._rows[at], tuple(tuple(s.taken(at) for s in states) for states in self._states))


def _put(total: Statistic, at: Codes, groups: Statistic) -> None:
    for name, axes in total.axes().items():
        to = getattr(total, name)
        to[at] = axes.filled(getattr(groups, name), to.shape[1:])


def _longer(prototype: Statistic, old: Statistic | None, room: int) -> Statistic:
    """A copy of `old` with `room` groups, whose axes are long enough for the groups of `prototype`, too."""
    arrays: dict[str, Any] = {}
    for name, axes in prototype.axes().items():
        mine, theirs = (np.empty((0, *getattr(s, name).shape[1:])) for s in (old or prototype, prototype))
        sizes = tuple(map(max, zip(mine.shape[1:], theirs.shape[1:], strict=True)))
        begin = theirs if old is None else getattr(old, name)
        arrays[name] = axes.filled(begin, sizes)
        more = np.full((room - len(begin), *sizes), axes.empty if axes.ragged else 0.0)
        arrays[name] = np.concatenate([arrays[name], more])
    return replace(prototype, **arrays)


def _fits(part: Statistic, total: Statistic) -> bool:
    """Whether the axes of `total` are long enough for the groups of `part`."""
    both = ((getattr(s, name).shape[1:] for s in (part, total)) for name in total.axes())
    return all(all(n <= room for n, room in zip(*shapes, strict=True)) for shapes in both)


def described(by: Sequence[str], key: Key) -> str:
    """A key for messages: store=17, region=null; strings that would be ambiguous are quoted."""
    pairs = zip(by, key, strict=True)
    return ", ".join(f"{printable(name)}={'null' if text is None else _quote(text)}" for name, text in pairs)


def _quote(text: str) -> str:
    text = printable(text)
    return f'"{text}"' if text in ("", "null") or ", " in text or text != text.strip() else text
