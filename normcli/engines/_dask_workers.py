"""The workers of a cluster that may work: those that compute as this process does, have its storage, and answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from normcli.engines._arithmetic import SAME, Reason
from normcli.engines._dask_connection import Connection
from normcli.engines._on_worker import compare
from normcli.engines._worker_plans import Plan, receive
from normcli.errors import ClusterError, UsageError, printable

LOOK = 3.0  # seconds between looks at which workers there are
ANSWER = 10.0  # seconds that new workers have before the run goes on without them


class Workers:
    """Each is sent the plan of the run and asked once, when it comes, and may answer as late as it likes: it has no
    work before."""

    def __init__(
        self, connection: Connection, patience: float, run: str, plan: Plan, warning: Callable[[str], None]
    ) -> None:
        """`warning` is called after each look at which some are left out."""
        self._warning = warning
        self._connection, self._client, self._patience = connection, connection.client, patience
        self._run, self._plan = run, plan
        self._deliveries = list[asyncio.Task[None]]()  # of the plan, ended or under way
        self._questions: dict[str, asyncio.Task[Any]] = {}  # by the address of a worker that has not answered
        self._reasons: dict[str, Reason] = {}  # of those that are left out, by address
        self.equal: frozenset[str] = frozenset()
        self.threads = 0  # of them
        self._looked = self._last_time = time.monotonic()  # of the last look, and of the last one with workers

    @property
    def restriction(self) -> frozenset[str] | None:
        """The workers that tasks are for; None for any."""
        return self.equal if self.equal and (self._reasons or self._questions) else None

    @property
    def silent(self) -> list[str]:
        """Those that have not answered."""
        return list(self._questions)

    def left_out(self, workers: frozenset[str] | None) -> bool:
        """Whether some of those that a task was for, None for any, are left out."""
        return bool(self._reasons) if workers is None else not workers.isdisjoint(self._reasons)

    def look_sometimes(self, suspect: str = "") -> bool:
        """Looks, where the last time was long ago, and whether it did."""
        due = time.monotonic() - self._looked > LOOK
        if due:
            self.look(suspect)
        return due

    def look(self, suspect: str = "") -> None:
        """Which workers there are, and whether they can work on this. Raises UsageError where none can, ClusterError
        where none has been there for long; it may be the `suspect` that they died of."""
        threads = dict(self._connection.call(self._client.nthreads))
        self.equal &= set(threads)
        for worker in self._questions.keys() - set(threads):
            self._client.loop.add_callback(self._questions.pop(worker).cancel)
        new = sorted(set(threads) - self.equal - set(self._reasons) - set(self._questions))
        if new:
            self.send_plan(new)
            self._connection.call(lambda: self._client.sync(self._ask, new))
        self._take_answers()
        now = self._looked = time.monotonic()
        self.threads = sum(count for worker, count in threads.items() if worker in self.equal)
        if threads and self._reasons.keys() >= threads.keys():
            self._refuse_all(threads)
        self._warn(threads)
        if self.equal:
            self._last_time = now
        elif now - self._last_time > self._patience:
            raise self._no_worker(bool(threads), suspect)

    def leave_out(self, worker: str, reason: Reason) -> None:
        """Has no more work for a worker. Raises UsageError where none is left."""
        self.equal -= {worker}
        self._reasons[worker] = reason
        self.look()

    def end(self) -> None:
        """Nobody waits for answers any more."""
        for task in (*self._questions.values(), *self._deliveries):
            self._client.loop.add_callback(task.cancel)
        self._questions.clear()

    def send_plan(self, workers: Sequence[str]) -> None:
        """Has the plan sent: once to the scheduler, and from there to each of these workers."""

        async def begin() -> None:
            self._deliveries.append(asyncio.ensure_future(self._deliver(workers)))

        self._connection.call(lambda: self._client.sync(begin))

    async def _deliver(self, workers: Sequence[str]) -> None:
        """One that hangs keeps no other from getting the plan. One that has not got it says so when it is to work."""
        with suppress(Exception):
            await self._client.run(receive, self._run, self._plan, workers=workers, on_error="ignore")

    async def _ask(self, workers: Sequence[str]) -> None:
        """Asks each by itself, so that one that hangs keeps nobody from answering."""
        for worker in workers:
            answer = self._client.run(compare, *self._plan[1:], workers=[worker], on_error="return")
            self._questions[worker] = asyncio.ensure_future(answer)
        await asyncio.wait([self._questions[worker] for worker in workers], timeout=min(ANSWER, self._patience))

    def _take_answers(self) -> None:
        for worker, question in [(w, q) for w, q in self._questions.items() if q.done()]:
            del self._questions[worker]
            error = question.exception()
            answer = error or question.result().get(worker, OSError())
            if isinstance(answer, OSError):  # the worker is lost, or is asked again at the next look
                continue
            if isinstance(answer, BaseException):  # it may have no normcli
                answer = f"can't begin: {type(answer).__name__}: {answer}", SAME
            what, hint = answer
            if what:
                self._reasons[worker] = what, hint
            else:
                self.equal |= {worker}

    def _warn(self, threads: Mapping[str, int]) -> None:
        out = sorted(threads.keys() & {*self._reasons, *self._questions}, key=lambda w: (w not in self._reasons, w))
        if out:
            silence = f"did not answer in {min(ANSWER, self._patience):g} s", "look at what it does"
            what, hint = self._reasons.get(out[0], silence)
            verb = "is" if len(out) == 1 else "are"
            rest = f"{self.threads:,} thread{'' if self.threads == 1 else 's'}"
            left = f"{len(out):,} of {len(threads):,} workers {verb} left out, which leaves {rest}"
            self._warning(printable(f"{left}: worker {out[0]} {what} ({hint})"))

    def _refuse_all(self, workers: Mapping[str, int]) -> None:
        worker = min(workers)
        what, hint = self._reasons[worker]
        raise UsageError(printable(f"no worker is left: worker {worker} {what}"), hint)

    def _no_worker(self, silent: bool, suspect: str) -> ClusterError:
        what = "no worker has answered" if silent else "no worker has been there"
        hint = f"the last ones died while they worked on {suspect}" if suspect else "look at why they ended"
        return ClusterError(f"{self._connection.name}: {what} for {self._patience:g} s", f"start some, or {hint}")
