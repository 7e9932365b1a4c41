"""What runs in a worker of a cluster: it compares itself with the driver, and only then unpickles what it is to do."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from typing import Any

from msgspec import Struct
from threadpoolctl import threadpool_limits

from normcli.engines import SHARED, Share
from normcli.engines._arithmetic import NO_REASON, SAME, Reason, difference_from
from normcli.engines._worker_plans import plans

EMPTY = pickle.dumps([])
MOST_READY = 64  # runs of which it is known that nothing is missing


class Reply(Struct, frozen=True):
    """Of a worker: the results of a pack's spans, up to the first one in which work raised an `error`; or why it does
    not work on any."""

    worker: str  # its address
    results: bytes = EMPTY  # a pickled list: beside a pickle, buffers of a network are unaligned
    reason: Reason = NO_REASON  # to leave the worker out
    lacks_plan: bool = False  # it is to be sent
    error: BaseException | None = None
    digests: tuple[bytes, ...] = ()  # of states that stay on the worker, within all results
    sizes: tuple[int, ...] = ()  # bytes of them

    @property
    def failed(self) -> bool:
        """Whether a result is missing."""
        return bool(self.reason != NO_REASON or self.lacks_plan or self.error)


class _Running:
    """The spans that run in this process: BLAS has one thread from the first to the last, and each span its share of
    what there is."""

    def __init__(self) -> None:
        self._lock, self._count, self._limits = threading.Lock(), 0, ExitStack()
        self._work: tuple[bytes, Any] = (b"", None)
        self._ready: dict[bytes, None] = {}  # what works need, pickled, of which nothing is missing here

    @contextmanager
    def one(self) -> Iterator[None]:
        """One more."""
        with self._lock:
            if self._count == 0:
                self._limits.enter_context(threadpool_limits(1, "blas"))
            self._count += 1
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1
                if self._count == 0:
                    self._limits.close()

    def share(self, worker: Any, is_wanted: Callable[[], bool]) -> Share:
        """That of each of them. What the worker holds is not theirs, but Dask puts on disk what is above a half."""
        threads = max(1, worker.state.nthreads // self._count)
        limit = worker.memory_manager.memory_limit
        room = limit and limit - min(worker.state.nbytes, limit // 2)
        return Share(threads, room and room * threads // worker.state.nthreads, is_wanted)

    def unpickled(self, work: bytes) -> Any:
        """The work of a run, unpickled once."""
        with self._lock:
            if self._work[0] != work:
                self._work = work, pickle.loads(work)
            return self._work[1]

    def lack(self, ready: bytes) -> str:
        """What the work needs and this worker lacks; empty where nothing is missing. It is looked for outside the lock:
        storage may hang, and other runs go on."""
        with self._lock:
            if ready in self._ready:
                return ""
        lack = str(pickle.loads(ready)())
        with self._lock:
            if not lack:
                self._ready[ready] = None
            while len(self._ready) > MOST_READY:
                del self._ready[next(iter(self._ready))]
        return lack


_running = _Running()


async def compare(driver: dict[str, str], ready: bytes) -> Reason:
    """As `_compare`, while the worker goes on to speak with the scheduler: storage may hang."""
    return await asyncio.to_thread(_compare, driver, ready)


def _compare(driver: dict[str, str], ready: bytes) -> Reason:
    """What differs from the driver, or else what the work needs and this worker lacks."""
    reason = difference_from(driver)
    lack = _running.lack(ready) if ready and reason == NO_REASON else ""
    return (lack, SHARED) if lack else reason


def perform(pack: bytes, run: str, pickled: Callable[[list[Any]], bytes] = pickle.dumps) -> Reply:
    """The spans of a pack, one after the other, by the plan of a run. Raises Reschedule where the result was not wanted
    meanwhile, and is again."""
    from distributed import Reschedule, get_worker

    worker, plan = get_worker(), plans.get(run)
    if plan is None:
        return Reply(worker.address, lacks_plan=True)
    pickled_work, driver, ready = plan
    reason = _compare(driver, ready)
    if reason != NO_REASON:
        return Reply(worker.address, reason=reason)
    is_wanted, results, error = _Wanted(worker), list[Any](), None
    try:
        work, spans = _running.unpickled(pickled_work), pickle.loads(pack)
    except Exception as e:  # it was loaded from files that have been replaced
        return Reply(worker.address, reason=(f"has other code: {type(e).__name__}: {e}", SAME))
    try:
        with _running.one():
            for span in takewhile(lambda _: is_wanted(), spans):
                results.append(work(span, _running.share(worker, is_wanted)))
    except Exception as e:
        error = portable(e)
    if not is_wanted():  # a part may be missing
        raise Reschedule
    return Reply(worker.address, pickled(results), error=error)


class _Wanted:
    """Whether the task of this thread is still needed: it is cancelled where the driver gives up, or has ended. Once it
    was not, it is not any more: work may have ended early."""

    def __init__(self, worker: Any) -> None:
        self._worker, self._key, self._wanted = worker, worker.get_current_task(), True

    def __call__(self) -> bool:
        task = self._worker.state.tasks.get(self._key)
        self._wanted = self._wanted and task is not None and task.state == "executing"
        return self._wanted


def portable(error: Exception) -> BaseException:
    """An error as it can be pickled, without what it came of."""
    error.__traceback__ = error.__cause__ = error.__context__ = None
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
