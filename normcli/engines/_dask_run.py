"""The spans of one map on a Dask cluster: a task for each pack of them, and their results in order."""

from __future__ import annotations

import os
import pickle
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice, takewhile
from threading import Event
from typing import Any, Generic, TypeVar

from msgspec import Struct

from normcli.engines import Folding, Unit
from normcli.engines._arithmetic import NO_REASON
from normcli.engines._dask_connection import Connection
from normcli.engines._dask_states import States
from normcli.engines._dask_workers import LOOK, Workers
from normcli.engines._on_worker import Reply, perform
from normcli.engines._packs import PACK_LOAD, Packs, load_of, most_of
from normcli.engines._worker_plans import Plan
from normcli.errors import ClusterError, printable

S = TypeVar("S", bound=Unit)
R = TypeVar("R")

AHEAD = 4  # tasks in flight for each thread of the cluster, where results are small
THREAD_RESULTS = 128 << 20  # bytes of their results for each thread, in the memory of workers
SHARES = 1.5  # that the spans which are left are cut into, for each thread: it evens out how long they take
FEWEST = 8  # tasks in flight, however few threads there are
GATHER = 64 << 20  # bytes of results that come to the driver at once


class _PackTask(Struct, Generic[S]):
    """A pack of spans under way."""

    spans: Sequence[S]
    future: Any = None  # of a Reply; None: to be submitted
    output: Any = None  # a future of what stays on the worker, if that is more
    workers: frozenset[str] | None = None  # that it is for; None: any
    trial: bool = False  # it may kill workers, and is done while nothing else is

    @property
    def load(self) -> int:
        return sum(map(load_of, self.spans))


class Run(Generic[S, R]):
    """Tasks in order, as many as the workers need to be busy."""

    def __init__(
        self, connection: Connection, patience: float, plan: Plan, state: int, warning: Callable[[str], None],
        folding: Folding | None = None,
    ) -> None:  # fmt: skip
        """A result has about `state` bytes; `warning` is called, maybe often, where workers are left out."""
        self._connection, self._client = connection, connection.client
        self._most = most_of(state)
        reply = max(1, state * self._most)
        self._ahead, self._gather = max(1, min(AHEAD, THREAD_RESULTS // reply)), max(1, GATHER // reply)
        self._name, self._count = f"normcli-{os.urandom(8).hex()}", 0
        self._tasks = deque[_PackTask[S]]()
        self._done = Event()  # set whenever a task is
        self._workers = Workers(connection, patience, self._name, plan, warning)
        self._states: States | None = None  # of what stays on the workers
        if folding is not None:
            self._states = States(connection, self._workers, self._name, folding, self._performed, state)

    def results(self, spans: Iterable[S | None]) -> Iterator[R]:
        """What comes of each span. Raises what work on one raised, or the spans themselves, in its turn; UsageError,
        ClusterError."""
        packs = Packs(spans, self._most)
        self._workers.look()
        while self._take(packs):
            self._submit()
            yield from self._next()
        if packs.failure is not None:
            raise packs.failure

    def end(self) -> None:
        """All spans are done: nothing of it stays on the scheduler but states that are still needed."""
        self._workers.end()
        if self._states is None or not self._states.futures:
            self.close()

    def close(self) -> None:
        """Nothing of it stays on the scheduler."""
        self._workers.end()
        futures = [f for task in self._tasks for f in (task.future, task.output) if f is not None]
        futures += self._states.futures if self._states else ()
        self._tasks.clear()
        if futures and self._client.status == "running":
            with suppress(Exception):
                self._client.cancel(futures, force=True)

    # -- submitting ----------------------------------------------------------------------------------------------
    def _take(self, packs: Packs[S]) -> bool:
        """Takes packs up to what the workers need, once half of that is done: fewer, larger messages. Whether there is
        anything to do."""
        threads = self._workers.threads
        window = max(min(FEWEST, self._ahead), threads * self._ahead)
        if len(self._tasks) > window // 2:
            return True
        load = sum(task.load for task in self._tasks)
        while len(self._tasks) < window and (load < PACK_LOAD * window or len(self._tasks) < 2 * threads):
            task = _PackTask(packs.next(max(FEWEST, int(SHARES * threads))))
            if not task.spans:
                break
            self._tasks.append(task)
            load += task.load
        return bool(self._tasks) or not packs.ended

    def _submit(self) -> None:
        """Submits the tasks that have no future; on trial, the first alone."""
        first = islice(self._tasks, 1 if self._tasks and self._tasks[0].trial else None)
        tasks = [task for task in first if task.future is None]
        if not tasks:
            return
        workers = self._workers.restriction
        futures = self._performed([task.spans for task in tasks])
        keeps = self._states is not None and self._states.active
        replies = self._states.replies(futures) if self._states and keeps else futures
        for task, future, reply in zip(tasks, futures, replies, strict=True):
            task.future, task.output, task.workers = reply, future if keeps else None, workers
            reply.add_done_callback(lambda _: self._done.set())

    def _performed(self, packs: Sequence[Sequence[S]]) -> list[Any]:
        """Futures of the tasks of packs of spans."""
        workers = self._workers.restriction
        places = None if workers is None else sorted(workers)
        keys = [f"{self._name}-{self._count + n}" for n in range(len(packs))]
        self._count += len(packs)
        pickled = [pickle.dumps(list(spans)) for spans in packs]
        function, arguments = self._states.perform if self._states else (perform, {})
        futures: list[Any] = self._connection.call(
            lambda: self._client.map(
                function, pickled, run=self._name, key=keys, workers=places, pure=False, **arguments
            )
        )
        return futures

    def _cancel(self, tasks: Iterable[_PackTask[S]]) -> None:
        """Has tasks submitted again, but for those that are done."""
        running = [task for task in tasks if task.future is not None and not task.future.done()]
        if running:
            futures = [task.future if task.output is None else task.output for task in running]
            self._connection.call(lambda: self._client.cancel(futures, force=True))
        for task in running:
            task.future = None

    # -- results -------------------------------------------------------------------------------------------------
    def _next(self) -> Iterator[R]:
        """The results of the first task, and of those after it that are done, once it is."""
        first = self._tasks[0] if self._tasks else None
        if first is None or not self._is_done(first):
            return
        if first.future.status != "finished":
            self._redo(first)
            return
        done = list(islice(takewhile(_is_finished, self._tasks), self._gather))
        replies: list[Reply] | None = self._connection.gather([task.future for task in done])
        if replies is None:  # one was lost meanwhile, and is waited for again
            return
        for task, reply in zip(done, replies, strict=True):
            if reply.lacks_plan:
                task.future = None
                self._workers.send_plan([reply.worker])
                return
            if reply.reason != NO_REASON:
                task.future = None
                self._workers.leave_out(reply.worker, reply.reason)
                return
            yield from self._results(task, reply)
            if reply.error is not None:
                raise reply.error
            self._tasks.popleft().future = None  # even if an error keeps this frame

    def _results(self, task: _PackTask[S], reply: Reply) -> Iterator[R]:
        if self._states is None:
            return iter(pickle.loads(reply.results))
        return self._states.results(task.spans, task.output, reply, task.workers)

    def _is_done(self, task: _PackTask[S]) -> bool:
        """Whether a task is done; it waits a while. Raises ClusterError where there is no worker to do it."""
        if not task.future.done():
            self._done.wait(LOOK)
            self._done.clear()
        if self._workers.look_sometimes(task.spans[0].name if task.trial else ""):
            self._move()
        return task.future is not None and bool(task.future.done())

    def _move(self) -> None:
        """Has tasks submitted again that wait for workers that are gone, or are with those that do not answer."""
        if not self._workers.equal:
            return
        silent, stuck = self._workers.silent, set[str]()
        if silent:
            tasks = self._connection.call(lambda: self._client.processing(silent))
            stuck = {str(key) for keys in tasks.values() for key in keys}
        self._cancel(task for task in self._tasks if self._waits(task, stuck))

    def _waits(self, task: _PackTask[S], stuck: Container[str]) -> bool:
        if task.future is None:
            return False
        is_for_nobody = task.workers is not None and task.workers.isdisjoint(self._workers.equal)
        return is_for_nobody or task.future.key in stuck

    # -- tasks that failed ---------------------------------------------------------------------------------------
    def _redo(self, task: _PackTask[S]) -> None:
        """Has one submitted again that a worker could not even unpickle, for others; or that killed workers, if it was
        not alone. Raises ClusterError for one that nobody has done for another reason."""
        from distributed.scheduler import KilledWorker

        if self._client.status != "running" or task.future.cancelled():
            raise self._connection.lost()
        error = task.future.exception()
        if isinstance(error, KilledWorker):
            self._try(task, error.allowed_failures + 1)
            return
        self._workers.look()
        if not self._workers.left_out(task.workers):
            what = f"{task.spans[0].name}: a worker could not begin: {type(error).__name__}: {error}"
            raise ClusterError(printable(what), "have all workers the same normcli?")
        task.future = None

    def _try(self, task: _PackTask[S], deaths: int) -> None:
        """Has the spans of a task that workers died of done one by one, while nothing else is: Dask blames all that a
        worker had to do. Raises ClusterError for one that was alone."""
        if task.trial:
            what = f"{task.spans[0].name}: {deaths} workers died, one after the other, while they worked on it"
            raise ClusterError(what, "do they have memory enough? their logs may say more")
        self._tasks.popleft()
        self._cancel(self._tasks)
        self._tasks.extendleft(_PackTask([span], trial=True) for span in reversed(task.spans))


def _is_finished(task: _PackTask[Any]) -> bool:
    return task.future is not None and task.future.status == "finished"
