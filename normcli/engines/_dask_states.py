"""Large states of a map, which stay on the workers of a Dask cluster and are merged there: the driver has handles.

Only the last of a chain of merges is wanted from the scheduler. It knows how to come by those before it, and by the
spans before them, as long as something depends on them: where a worker dies, Dask does again what is lost, back to the
last checkpoint.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from threading import Event
from typing import Any
from weakref import WeakSet

from normcli.engines import Folding
from normcli.engines._arithmetic import NO_REASON, facts
from normcli.engines._dask_connection import Connection
from normcli.engines._dask_handles import Handle, Shards
from normcli.engines._dask_workers import LOOK, Workers
from normcli.engines._on_worker import Reply, perform
from normcli.engines._worker_states import Place, TaskOutput, Unpickler, keep, merge, perform_keeping, reply_of, take
from normcli.errors import ClusterError, printable

LARGE = 1 << 20  # bytes of a state that stays on the workers
SHARD = 64 << 20  # bytes of a state above which it is split, about
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
        self.shards = max(1, -(-state // SHARD))  # of each
        self.futures: WeakSet[Any] = WeakSet()  # all that are wanted
        self._merging = deque[tuple[Any, tuple[Any, ...]]]()  # merges under way, and what they need
        self._numbers = count()

    @property
    def perform(self) -> tuple[Callable[..., Any], dict[str, Any]]:
        """The task of a pack, and what else it takes."""
        if not self.active:
            return perform, {}
        return perform_keeping, {"kind": pickle.dumps(self._folding.kind), "shards": self.shards}

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

        def shard(index: int) -> Handle:
            place = Place(index, reply.digests[index], name)
            handle = Handle(self, list(spans), place, 1, reply.sizes[index], output, workers)
            return handle if self.shards == 1 else handle.alone()

        def remote(index: int) -> Any:
            shards = map(shard, range(index * self.shards, (index + 1) * self.shards))
            return self._folding.remote(Shards(self._folding.kind, tuple(shards)))

        return iter(Unpickler(reply.results, remote).load())

    def submit(self, function: Callable[..., TaskOutput], *arguments: Any) -> Any:
        """A future of what makes a state."""
        import dask

        self._release()
        key, workers = f"{self._name}-{function.__name__}-{next(self._numbers)}", self.workers.restriction
        places = None if workers is None else sorted(workers)
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
            future = self.connection.call(
                lambda: self._client.submit(function, *arguments, key=key, workers=places, priority=URGENT, pure=False)
            )
        self.futures.add(future)
        return future

    def submit_data(self, state: bytes) -> Any:
        """A future of a pickled state of the driver."""
        return self.submit(keep, TaskOutput(Reply(""), (state,)))

    def submit_parts(self, parts: Sequence[Handle]) -> Any:
        """A future of all of them merged, or of a single one that has others beside it. What it needs stays wanted
        until it is done: the scheduler may hear of what is no longer wanted before it knows what for."""
        needs, places = tuple(part.future for part in parts), tuple(part.place for part in parts)
        future = (
            self.submit(take, *places, *needs)
            if len(parts) == 1
            else self.submit(merge, places, facts(comoments=False), *needs)
        )
        self._merging.append((future, needs))
        for part in parts:
            part.future = None
        return future

    def _release(self) -> None:
        """What was merged is not needed any more."""
        while self._merging and self._merging[0][0].done():
            self._merging.popleft()

    def data(self, handle: Handle) -> bytes | memoryview:
        """A pickled state, from the workers. Raises ClusterError, BadDataError."""
        handle.submit()
        for tries in count(1):
            output = self._output(handle)
            if output is None:
                self._check_failure(handle.future, tries)
            elif output.reply.error is not None:
                raise output.reply.error
            elif output.reply.lacks_plan:
                self.workers.send_plan([output.reply.worker])
            elif output.reply.reason == NO_REASON:
                self._release()
                return output.states[handle.place.index]
            else:
                self.workers.leave_out(output.reply.worker, output.reply.reason)  # it came late
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
