"""Outputs that are put in place one after the other, or side by side where each is an object: that takes a few requests
to a store, and these take long, and little but time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from normcli.errors import NormcliError
from normcli.io import outputs
from normcli.io.outputs import Target
from normcli.io.transaction import Transaction

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

MOST = 16  # objects at once
BYTES = 64 << 20  # to be uploaded at once, but for one object that has more


class Publisher:
    """Puts outputs in place, each of which is begun after all before it, and none after one that failed. Left, it waits
    for those that are begun. Raises the error of the first, in this order, that failed: CannotCreateError,
    OutputError."""

    def __init__(self, changes: Transaction) -> None:
        self.count = 0  # of those in place, exact once none is under way
        self._changes = changes
        self._pool: ThreadPoolExecutor | None = None
        self._running: deque[tuple[Future[None], int]] = deque()  # with bytes to be uploaded
        self._failed = False

    def put(self, target: Target, complete: Callable[[], None], *before: Target | None) -> None:
        """Begins to put a target in place, and closes it then; `complete` is called, in any thread, once it is. A file,
        or an object together with those `before` it, is in place when this returns."""
        if before or not target.is_remote:
            with target:
                self.count += self._changes.commit(*before, target)
                complete()
            return
        try:
            self._make_room(target.upload_size)
            with outputs.changing:  # so that none is begun after a signal
                self._running.append((self._threads().submit(self._put, target, complete), target.upload_size))
        except BaseException:
            target.__exit__(None, None, None)
            raise

    def _put(self, target: Target, complete: Callable[[], None]) -> None:
        try:
            with target:
                self._changes.publish(target)
                complete()
        except BaseException:
            self._failed = True
            raise

    def _threads(self) -> ThreadPoolExecutor:
        from concurrent.futures import ThreadPoolExecutor

        self._pool = self._pool or ThreadPoolExecutor(MOST)
        return self._pool

    def _make_room(self, size: int) -> None:
        while self._running and (
            self._failed or len(self._running) >= MOST or size + sum(s for _, s in self._running) > BYTES
        ):
            self._take()

    def _take(self) -> None:
        """Waits for the first that is under way, and for all where it failed."""
        try:
            self._running.popleft()[0].result()
            self.count += 1
        except NormcliError:
            self._settle()
            self.count += sum(job.exception() is None for job, _ in self._running)
            self._running.clear()
            raise

    def wait(self) -> None:
        """Waits for all that are under way."""
        while self._running:
            self._take()

    def _settle(self) -> None:
        from concurrent.futures import wait

        wait([job for job, _ in list(self._running)])

    def __enter__(self) -> Self:
        outputs.rollbacks.append(self._settle)  # what is begun may be complete in a moment
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self.wait()
        except NormcliError as e:
            raise e from None  # of one before that which `error` is about
        finally:
            outputs.rollbacks.remove(self._settle)
            if self._pool is not None:
                self._pool.shutdown()
