"""Handles: what the driver has of states on the workers of a Dask cluster, and how they are merged there.

States are merged from the left, some at once: those that follow wait until they are worth a task. At a checkpoint the
driver takes the state and sends it back as an argument of a task, which depends on nothing. A very large state is
several shards, each of which goes this way by itself.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from normcli.engines._worker_states import Place, pickled_state, split

if TYPE_CHECKING:
    from normcli.engines._dask_states import States

TOGETHER = 16  # states that one task merges, at most, or
TOGETHER_BYTES = 64 << 20  # of them: they wait in the memory of workers
MERGES = 16  # between two checkpoints, or more:
MERGES_OF_THREAD = 4  # for each thread of the cluster
MERGED = 1 << 30  # bytes of states merged between two checkpoints, about


class Handle(Struct, eq=False):
    """A state on a worker: of a pack of spans, or of other states, or one that the driver has sent."""

    states: States
    source: Any  # spans, handles of states that are merged or a pickled state, of which it can be made again
    place: Place = Place()
    count: int = 0  # states that were merged since the last checkpoint
    size: int = 0  # bytes of these states
    future: Any = None  # None: of handles, and not submitted yet; or needed for nothing but what it is a part of
    workers: frozenset[str] | None = None  # that make it; None: any

    def alone(self) -> Handle:
        """The same, in a task without those beside it."""
        handle = Handle(self.states, (self,), count=self.count, size=self.size)
        handle.submit()
        return handle

    def merge(self, other: Handle) -> Handle:
        """That of both, ours first; neither is used any more."""
        other.submit()
        first = self._checkpoint() if self._is_long else self
        parts = (*first.source, other) if first.future is None else (first, other)
        both = Handle(self.states, parts, count=first.count + other.count, size=first.size + other.size)
        if len(parts) >= TOGETHER or sum(part.size for part in parts[1:]) >= TOGETHER_BYTES:
            both.submit()
        return both

    @property
    def _is_long(self) -> bool:
        """Whether much would have to be done again. It is looked at as late as before a merge, when all shards have got
        as far."""
        most = max(MERGES, MERGES_OF_THREAD * self.states.workers.threads)
        return self.count > most or (self.size > MERGED // self.states.shards and self.count > 2)

    def _checkpoint(self) -> Handle:
        return self._sent(bytes(self.states.data(self)))

    def send(self, state: Any) -> Handle:
        """A state of the driver."""
        return self._sent(pickled_state(state))

    def _sent(self, data: bytes) -> Handle:
        handle = Handle(self.states, data, size=len(data))
        handle.submit()
        return handle

    def fetch(self) -> Any:
        return pickle.loads(self.states.data(self))

    def submit(self) -> None:
        """Has it made, where that was not asked for yet."""
        if self.future is None:
            self._submit()

    def _submit(self) -> None:
        self.workers = self.states.workers.restriction
        if isinstance(self.source, bytes):
            self.future = self.states.submit_data(self.source)
        elif isinstance(self.source, tuple):
            self.future = self.states.submit_parts(self.source)
        else:
            (self.future,) = self.states.performed([self.source])
            self.states.futures.add(self.future)

    def resubmit(self) -> None:
        """Has all that it is made of done again, by workers that may."""
        for handle in reversed(list(self._origins())):
            handle._submit()

    def waits_for_ever(self) -> bool:
        """Whether a part of it is for workers none of which is there."""
        equal = self.states.workers.equal
        return bool(equal) and any(h.workers is not None and not h.workers & equal for h in self._origins())

    def _origins(self) -> Iterator[Handle]:
        """It, and what it is made of, each before its own parts, the last of these first. A chain of merges may be
        longer than Python's stack is deep."""
        left = [self]
        while left:
            handle = left.pop()
            yield handle
            if isinstance(handle.source, tuple):
                left.extend(handle.source)


class Shards(Struct, frozen=True):
    """A state of a `kind` on workers: one handle, or several of its shards."""

    kind: type
    handles: tuple[Handle, ...]

    def merge(self, other: Shards) -> Shards:
        pairs = zip(self.handles, other.handles, strict=True)
        return Shards(self.kind, tuple(a.merge(b) for a, b in pairs))

    def send(self, state: Any) -> Shards:
        parts = split(state, len(self.handles))
        return Shards(self.kind, tuple(h.send(part) for h, part in zip(self.handles, parts, strict=True)))

    def fetch(self) -> Any:
        for handle in self.handles:
            handle.submit()
        states = [handle.fetch() for handle in self.handles]
        return states[0] if len(states) == 1 else self.kind.joined(states)  # type: ignore[attr-defined]
