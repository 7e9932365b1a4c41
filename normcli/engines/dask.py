"""A Dask cluster: each span is a task of its own, which a worker opens, reads and folds by itself."""

from __future__ import annotations

import os
import pickle
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, takewhile
from threading import Event
from typing import Any, Generic, TypeVar

from normcli.engines import HasName, Share
from normcli.engines._dask_address import check_secure
from normcli.engines._on_worker import Reply, compare, identity, perform
from normcli.errors import ClusterError, UsageError, printable

S = TypeVar("S", bound=HasName)
R = TypeVar("R")

ADDRESS = "DASK_SCHEDULER_ADDRESS"
CONNECTING = 20  # seconds that a scheduler has to answer
LOOK = 3.0  # seconds between looks at which workers there are
AHEAD = 4  # spans in flight for each thread of the cluster
FEWEST = 8  # of them, however few threads there are
RESULTS = 512 << 20  # bytes of results in flight, about
EXAMPLE = "normcli fit 'data/*.csv' -m zscore -p p.json --engine dask --scheduler tls://head:8786"


@dataclass
class Dask:
    """The cluster of a client, which stays open."""

    client: Any  # a distributed.Client; the library is typed in part only
    patience: float = 60.0  # seconds without any worker after which a run gives up
    _closes_client: bool = False  # the client is ours, and closed at the end

    @classmethod
    def connect(cls, address: str | None, *, insecure: bool = False) -> Dask:
        """The cluster of the scheduler at an address, that of DASK_SCHEDULER_ADDRESS for None. Raises UsageError where
        there is none or anybody in between could read and write what is pending to it, ClusterError where it does not
        answer."""
        address = address or os.environ.get(ADDRESS)
        if not address:
            raise UsageError(f"--engine dask needs --scheduler ADDRESS, or {ADDRESS}", f"for example: {EXAMPLE}")
        shown = printable(address)
        try:
            from distributed import Client

            make: Callable[..., Any] = Client
        except ImportError:
            raise UsageError("--engine dask needs dask.distributed", "pip install 'normcli[dask]'") from None
        import logging

        import dask

        check_secure(address, insecure=insecure)
        for logger in [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]:
            logging.getLogger(logger).setLevel(logging.CRITICAL + 1)  # normcli reports what matters
        try:
            client = make(address, timeout=CONNECTING, set_as_default=False, name="normcli")
        except (OSError, ValueError, TypeError, RuntimeError) as e:
            what = f"--scheduler {shown}: no Dask scheduler answers"
            raise ClusterError(what, f"{type(e).__name__}: {printable(str(e))}") from None
        patience = dask.utils.parse_timedelta(dask.config.get("normcli.no-worker-timeout", "60s"))
        return cls(client, float(patience), _closes_client=True)

    @property
    def name(self) -> str:
        """What messages call it."""
        return printable(self.client.scheduler.address) if self.client.scheduler else "the scheduler"

    def map_spans(
        self, work: Callable[[S, Share], R], spans: Iterable[S | None], *, state: int = 0,
        ready: Callable[[], str] | None = None,
    ) -> Generator[R]:  # fmt: skip
        most = max(FEWEST, RESULTS // max(state, 1))
        run: _Run[S, R] = _Run(self, pickle.dumps(work), pickle.dumps(ready) if ready else b"", most)
        try:
            yield from run.results(spans)
        finally:
            run.end()

    @property
    def description(self) -> str:
        threads = self.client.nthreads()
        return f"dask at {self.name}: {len(threads):,} workers, {sum(threads.values()):,} threads"

    def close(self, patience: float) -> bool:
        if self._closes_client:
            with suppress(Exception):
                self.client.close(timeout=max(patience, 0.1))
        return True


@dataclass
class _Pending(Generic[S]):
    """A span under way."""

    span: S
    future: Any  # of a Reply


class _Run(Generic[S, R]):
    """The spans of one map: those under way, and the workers that do them."""

    def __init__(self, cluster: Dask, sealed: bytes, ready: bytes, most: int) -> None:
        """At most `most` spans are in flight."""
        from normcli.engines._arithmetic import facts

        self._cluster, self._client, self._most = cluster, cluster.client, most
        self._name, self._count = f"normcli-{os.urandom(8).hex()}", 0
        self._facts, self._ready = facts(), ready
        self._differences: dict[str, str] = {}  # by the address of a worker
        self._equal: set[str] = set()
        self._threads, self._pending = 1, deque[_Pending[S]]()
        self._looked = self._last_worker_time = time.monotonic()  # of the last look, and of the last one with workers
        self._done = Event()  # set whenever a span is
        self._sealed: Any = None  # a future
        self._call(self._look)
        self._sealed = self._call(lambda: self._client.submit(identity, sealed, key=f"{self._name}-work", pure=False))

    def results(self, spans: Iterable[S | None]) -> Iterator[R]:
        source, failure, ended = iter(spans), None, False
        while True:
            window = min(self._most, max(FEWEST, AHEAD * self._threads))
            if not ended and len(self._pending) <= window // 2:
                batch: list[S] = []
                try:
                    ended = True
                    for span in islice(source, window - len(self._pending)):
                        ended = False
                        if span is None:  # until there are results
                            break
                        batch.append(span)
                except BaseException as e:  # in its turn
                    failure, ended = e, True
                self._pending.extend(self._submitted(batch))
            if not self._pending:
                if ended:
                    break
                continue
            for reply in self._next():
                yield pickle.loads(reply)
        if failure is not None:
            raise failure

    def end(self) -> None:
        """Nothing of it stays on the scheduler."""
        futures: list[Any] = [pending.future for pending in self._pending]
        self._pending.clear()
        if self._sealed is not None:
            futures.append(self._sealed)
        if self._client.status == "running":
            with suppress(Exception):
                self._client.cancel(futures, force=True)

    def _submitted(self, spans: Sequence[S]) -> list[_Pending[S]]:
        if not spans:
            return []
        keys = [f"{self._name}-{self._count + n}" for n in range(len(spans))]
        self._count += len(spans)
        about = {
            "workers": sorted(self._equal) if self._differences and self._equal else None,
            "pure": False,
            "key": keys,
        }
        pickled, arguments = (
            list(map(pickle.dumps, spans)),
            {"sealed": self._sealed, "driver": self._facts, "ready": self._ready},
        )
        futures = self._call(lambda: self._client.map(perform, pickled, **about, **arguments))
        for future in futures:
            future.add_done_callback(lambda _: self._done.set())
        return [_Pending(span, future) for span, future in zip(spans, futures, strict=True)]

    def _next(self) -> list[bytes]:
        """The results of the first span under way, and of those after it that are done, once it is."""
        self._wait(self._pending[0])
        first = self._pending[0]
        if first.future.status != "finished":
            self._submit_elsewhere(first)
            return []
        done = list(takewhile(lambda pending: pending.future.status == "finished", self._pending))
        replies: list[Reply] = self._call(
            lambda: self._client.gather([pending.future for pending in done], errors="skip")
        )
        if len(replies) < len(done):  # one was lost meanwhile, and is waited for again
            return []
        results: list[bytes] = []
        for reply in replies:
            if reply.lack:
                self._refuse(reply.worker, reply.lack)
            if reply.difference:
                self._leave_out(reply.worker, reply.difference)
                self._pending[0] = self._submitted([self._pending[0].span])[0]
                break
            if reply.error is not None:
                if not results:
                    raise reply.error
                break  # in its turn
            results.append(reply.result)
            self._pending.popleft()
        return results

    def _wait(self, pending: _Pending[S]) -> None:
        """Waits until a span is done. Raises ClusterError where there is no worker to do it."""
        while not pending.future.done():
            self._done.wait(LOOK)
            self._done.clear()
            if time.monotonic() - self._looked > LOOK and not pending.future.done():
                self._call(self._look)

    def _look(self) -> None:
        """Which workers there are, and whether they compute as we do. Raises UsageError where none does, ClusterError
        where none has been there for long."""
        now = time.monotonic()
        threads = dict(self._client.nthreads())
        self._looked = now
        new = sorted(set(threads) - self._equal - set(self._differences))
        self._equal &= set(threads)
        if new:
            answers = self._client.run(compare, self._facts, self._ready, workers=new, on_error="return")
            for worker, answer in answers.items():
                if isinstance(answer, OSError):  # the worker is lost, or is compared again at the next look
                    continue
                failed = isinstance(answer, Exception)  # it may have no normcli
                difference, lack = (f"{type(answer).__name__}: {answer}", "") if failed else answer
                if lack:
                    self._refuse(worker, lack)
                if difference:
                    self._differences[worker] = difference
                else:
                    self._equal.add(worker)
        self._threads = sum(count for worker, count in threads.items() if worker in self._equal)
        if threads and self._differences.keys() >= threads.keys():
            self._refuse_all(threads)
        if threads:
            self._last_worker_time = now
        elif now - self._last_worker_time > self._cluster.patience:
            what = f"{self._cluster.name}: no worker has been there for {self._cluster.patience:g} s"
            raise ClusterError(what, "start some, or look at why they ended")
        if self._differences and new:  # what waits for workers that are gone would wait for ever
            self._resubmit()

    def _resubmit(self) -> None:
        """Submits the spans that are not done again, for the workers that may do them."""
        for pending in self._pending:
            if not pending.future.done():
                self._client.cancel([pending.future], force=True)
                pending.future = self._submitted([pending.span])[0].future

    def _leave_out(self, worker: str, difference: str) -> None:
        self._equal.discard(worker)
        self._differences[worker] = difference
        self._call(self._look)

    def _refuse(self, worker: str, lack: str) -> None:
        raise UsageError(f"worker {printable(worker)}: {lack}", "what is read and written has to be there for all")

    def _refuse_all(self, workers: Iterable[str]) -> None:
        worker = next(iter(sorted(workers)))
        what = f"no worker computes as this machine does: {printable(worker)} has {self._differences[worker]}"
        raise UsageError(what, "the same versions and the same kind of processor give the same bytes")

    def _submit_elsewhere(self, pending: _Pending[S]) -> None:
        """A span that a worker which differs could not even unpickle, for others. Raises ClusterError for one that
        nobody has done for another reason."""
        from distributed.scheduler import KilledWorker

        if self._client.status != "running" or pending.future.cancelled():
            raise self._scheduler_lost(None)
        error = pending.future.exception()
        if isinstance(error, KilledWorker):
            count = error.allowed_failures + 1
            what = f"{pending.span.name}: {count} workers died, one after the other, while they worked on it"
            raise ClusterError(what, "do they have memory enough? their logs may say more")
        before = len(self._differences)
        self._call(self._look)
        if len(self._differences) > before:
            pending.future = self._submitted([pending.span])[0].future
            return
        what = f"{pending.span.name}: a worker could not begin: {type(error).__name__}: {error}"
        raise ClusterError(printable(what), "have all workers the same normcli?")

    def _call(self, function: Callable[[], Any]) -> Any:
        """The answer of the scheduler. Raises ClusterError where the connection is lost."""
        from distributed.comm.core import CommClosedError

        if self._client.status != "running":
            raise self._scheduler_lost(None)
        try:
            return function()
        except (CommClosedError, OSError) as e:
            raise self._scheduler_lost(e) from None
        except Exception as e:
            if self._client.status != "running":
                raise self._scheduler_lost(e) from None
            raise

    def _scheduler_lost(self, error: Exception | None) -> ClusterError:
        why = (
            f"{type(error).__name__}: {error}"
            if error is not None and str(error)
            else "it ended, or cancelled this run"
        )
        return ClusterError(f"{self._cluster.name}: the scheduler is gone", printable(why))
