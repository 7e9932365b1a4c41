"""Keys: the values by which rows are grouped, and what was seen of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normcli.blocks.record import Array, Codes
from normcli.errors import printable
from normcli.stats import Statistic

Key = tuple[str | None, ...]  # one text for each column that rows are grouped by; None is null
Seen = tuple[Statistic, ...]


@dataclass(frozen=True)
class Keyed:
    """States by key: group i of each statistic, and `rows[i]` rows, are of `keys[i]`."""

    keys: tuple[Key, ...]
    rows: Array  # (keys,)
    seen: tuple[Seen, ...]  # of each step


class Ledger:
    """What was seen of each key so far: filled in place, for what is added touches few of many."""

    def __init__(self) -> None:
        self._at: dict[Key, int] = {}
        self._rows = np.zeros(0)
        self._seen: tuple[Seen, ...] = ()

    def __len__(self) -> int:
        return len(self._at)

    def add(self, part: Keyed) -> None:
        """What comes after all that there is."""
        known = len(self._at)
        at = np.array([self._at.setdefault(key, len(self._at)) for key in part.keys], np.intp)
        new = at >= known
        self._grow(len(self._at), part.seen)
        self._rows[at] += part.rows
        seen = []
        for mine, theirs in zip(self._seen, part.seen, strict=True):
            seen.append(tuple(self._added(kept, more, at, new) for kept, more in zip(mine, theirs, strict=True)))
        self._seen = tuple(seen)

    def _added(self, kept: Statistic, part: Statistic, at: Codes, new: NDArray[np.bool_]) -> Statistic:
        """Groups `at` with those of `part`, which are all there is of the `new` ones."""
        first = part.taken(np.flatnonzero(new))
        both = first if new.all() else kept.taken(at[~new]).merge(part.taken(np.flatnonzero(~new)))
        for each in (first, both):
            kept = kept if _fits(each, kept) else _longer(each, kept, kept.groups)
        _put(kept, at[new], first)
        if not new.all():
            _put(kept, at[~new], both)
        return kept

    def _grow(self, count: int, like: tuple[Seen, ...]) -> None:
        """Room for so many keys."""
        if count <= len(self._rows):
            return
        room = max(count, 2 * len(self._rows))
        self._rows = np.concatenate([self._rows, np.zeros(room - len(self._rows))])
        self._seen = tuple(
            tuple(_longer(s, seen[i] if seen else None, room) for i, s in enumerate(step))
            for step, seen in zip(like, self._seen or [()] * len(like), strict=True)
        )

    def sorted(self) -> Keyed:
        """All of it, by key: null, then texts."""
        keys = sorted(self._at, key=lambda key: [(text is not None, text or "") for text in key])
        at = np.array([self._at[key] for key in keys], np.intp)
        return Keyed(tuple(keys), self._rows[at], tuple(tuple(s.taken(at) for s in seen) for seen in self._seen))


def _put(kept: Statistic, at: Codes, groups: Statistic) -> None:
    for name, axes in kept.axes().items():
        to = getattr(kept, name)
        to[at] = axes.filled(getattr(groups, name), to.shape[1:])


def _longer(like: Statistic, old: Statistic | None, room: int) -> Statistic:
    """Arrays of our own of as many groups, which begin as the old ones, and have room for those of `like`."""
    made: dict[str, Any] = {}
    for name, axes in like.axes().items():
        mine, theirs = (np.empty((0, *getattr(s, name).shape[1:])) for s in (old or like, like))
        sizes = tuple(map(max, zip(mine.shape[1:], theirs.shape[1:], strict=True)))
        there = theirs if old is None else getattr(old, name)
        made[name] = axes.filled(there, sizes)
        more = np.full((room - len(there), *sizes), axes.empty if axes.ragged else 0.0)
        made[name] = np.concatenate([made[name], more])
    return replace(like, **made)


def _fits(part: Statistic, kept: Statistic) -> bool:
    """Whether there is room for a group of `part`, as far as its axes go."""
    both = ((getattr(s, name).shape[1:] for s in (part, kept)) for name in kept.axes())
    return all(all(n <= room for n, room in zip(*shapes, strict=True)) for shapes in both)


def described(by: Sequence[str], key: Key) -> str:
    """A key for messages: store=17, region=null; in quotes what would look like another key."""
    each = zip(by, key, strict=True)
    return ", ".join(f"{printable(name)}={'null' if text is None else _told_apart(text)}" for name, text in each)


def _told_apart(text: str) -> str:
    text = printable(text)
    return f'"{text}"' if text in ("", "null") or ", " in text or text != text.strip() else text
