"""Large states of a map, which stay on the workers of a Dask cluster and are merged there: the driver has handles.

Only the last of a chain of merges is wanted from the scheduler. It knows how to come by those before it, and by the
spans before them, as long as something depends on them: where a worker dies, Dask does again what is lost, back to the
last checkpoint. At a checkpoint the driver takes the state and sends it back as an argument of a task, which depends
on nothing.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from threading import Event
from typing import Any
from weakref import WeakSet

from msgspec import Struct

from normcli.engines import Folding
from normcli.engines._arithmetic import facts
from normcli.engines._dask_connection import Connection
from normcli.engines._dask_workers import LOOK, Workers
from normcli.engines._on_worker import Reply, perform
from normcli.engines._worker_states import Place, TaskOutput, Unpickler, keep, merge, perform_keeping, reply_of
from normcli.errors import ClusterError, printable

LARGE = 1 << 20  # bytes of a state that stays on the workers
MERGES = 16  # between two checkpoints, or more:
MERGES_OF_THREAD = 4  # for each thread of the cluster
MERGED = 1 << 30  # bytes of states merged between two checkpoints, about
URGENT = 1  # priority of what makes room for others
TRIES = 2  # of what is not to blame for the death of workers


class States:
    """The large states of one map."""

    def __init__(
        self, connection: Connection, workers: Workers, name: str, folding: Folding,
        performed: Callable[[Sequence[Sequence[Any]]], list[Any]], state: int,
    ) -> None:  # fmt: skip
        """States have about `state` bytes; `performed` submits packs of spans."""
        self.connection, self.workers, self.performed, self._folding = connection, workers, performed, folding
        self._client, self._name = connection.client, name
        self.active = state > LARGE  # states stay on the workers
        self.futures: WeakSet[Any] = WeakSet()  # all that are wanted
        self._merging = deque[tuple[Any, tuple[Any, ...]]]()  # merges under way, and what they need
        self._numbers = count()

    @property
    def perform(self) -> tuple[Callable[..., Any], dict[str, Any]]:
        """The task of a pack, and what else it takes."""
        return (perform_keeping, {"kind": pickle.dumps(self._folding.kind)}) if self.active else (perform, {})

    def replies(self, outputs: Sequence[Any]) -> list[Any]:
        """Futures of what comes to the driver of tasks."""
        self.futures.update(outputs)
        keys = [f"{future.key}-reply" for future in outputs]
        replies: list[Any] = self.connection.call(
            lambda: self._client.map(reply_of, outputs, key=keys, priority=URGENT, pure=False)
        )
        return replies

    def results(self, spans: Sequence[Any], output: Any, reply: Reply, workers: frozenset[str] | None) -> Iterator[Any]:
        """The results of a pack that was for `workers`, with what stands for states that stay on them."""
        self.active = self.active or len(reply.results) > LARGE * len(spans)
        name = spans[0].name if len(spans) == 1 else f"one of {spans[0].name} to {spans[-1].name}"

        def remote(index: int) -> Any:
            place = Place(index, reply.digests[index], name)
            return self._folding.remote(Handle(self, list(spans), place, 1, reply.sizes[index], output, workers))

        return iter(Unpickler(reply.results, remote).load())

    def submit(self, function: Callable[..., TaskOutput], *arguments: Any) -> Any:
        """A future of what makes a state."""
        import dask

        key, workers = f"{self._name}-{function.__name__}-{next(self._numbers)}", self.workers.restriction
        places = None if workers is None else sorted(workers)
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
            future = self.connection.call(
                lambda: self._client.submit(function, *arguments, key=key, workers=places, priority=URGENT, pure=False)
            )
        self.futures.add(future)
        return future

    def merged(self, first: Handle, second: Handle) -> Any:
        """A future of both. What it needs stays wanted until it is done: the scheduler may hear of what is no longer
        wanted before it knows what for."""
        needs = first.future, second.future
        future = self.submit(merge, *needs, (first.place, second.place), facts())
        self._merging.append((future, needs))
        while self._merging and self._merging[0][0].done():
            self._merging.popleft()
        first.future = second.future = None
        return future

    def data(self, handle: Handle) -> bytes:
        """A pickled state, from the workers. Raises ClusterError, BadDataError."""
        for tries in count(1):
            output = self._output(handle)
            if output is None:
                self._check_failure(handle.future, tries)
            elif output.reply.error is not None:
                raise output.reply.error
            elif not output.reply.difference:
                return output.states[handle.place.index]
            else:
                self.workers.leave_out(output.reply.worker, output.reply.difference)  # it came late
            handle.resubmit()
        raise NotImplementedError

    def _output(self, handle: Handle) -> TaskOutput | None:
        """What is on a worker, once it is there; None where that went wrong."""
        done = Event()
        while True:
            future = handle.future
            future.add_done_callback(lambda _: done.set())
            while not future.done():
                done.wait(LOOK)
                if not future.done() and self.workers.look_sometimes() and handle.waits_for_ever():
                    handle.resubmit()
                    future = handle.future
                    future.add_done_callback(lambda _: done.set())
            done.clear()
            if future.status != "finished":
                return None
            outputs: list[TaskOutput] | None = self.connection.gather([future])
            if outputs:  # else it was lost meanwhile, and is made again
                return outputs[0]

    def _check_failure(self, future: Any, tries: int) -> None:
        """Raises ClusterError where it is of no use to try again."""
        if self._client.status != "running" or future.cancelled():
            raise self.connection.lost()
        if tries < TRIES:
            return
        error = future.exception()
        what = f"statistics of what was read can't be merged: {type(error).__name__}: {error}"
        raise ClusterError(printable(what), "have the workers memory enough? their logs may say more")


class Handle(Struct, eq=False):
    """A state on a worker: of a pack of spans, or of two states that are merged, or one that the driver has sent."""

    states: States
    source: Any  # spans, two handles or a pickled state, of which it can be made again
    place: Place = Place()
    count: int = 0  # states that were merged since the last checkpoint
    size: int = 0  # bytes of these states
    future: Any = None  # None: it is not needed but for the state that it became a part of
    workers: frozenset[str] | None = None  # that make it; None: any

    def merge(self, other: Handle) -> Handle:
        both = Handle(self.states, (self, other), Place(), self.count + other.count, self.size + other.size)
        both._submit()
        threads = self.states.workers.threads
        if both.count > max(MERGES, MERGES_OF_THREAD * threads) or (both.size > MERGED and both.count > 2):
            both.source = self.states.data(both)  # a checkpoint
            both.count, both.size = 0, len(both.source)
            both._submit()
        return both

    def send(self, state: Any) -> Handle:
        data = pickle.dumps(state)
        sent = Handle(self.states, data, size=len(data))
        sent._submit()
        return sent

    def fetch(self) -> Any:
        return pickle.loads(self.states.data(self))

    def _submit(self) -> None:
        self.workers = self.states.workers.restriction
        if isinstance(self.source, bytes):
            self.future = self.states.submit(keep, self.source)
        elif isinstance(self.source, tuple):
            self.future = self.states.merged(*self.source)
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
