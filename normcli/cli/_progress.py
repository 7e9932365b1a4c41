"""The progress line at the bottom of a terminal, shown after one second until the run ends."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from normcli.cli._terminal import width

if TYPE_CHECKING:
    from normcli.cli._status import Status
    from normcli.jobs.results import Result

FIRST, EVERY = 1.0, 0.1  # seconds until the first line, and between updates
WINDOW = 10.0  # seconds over which the rate is averaged
ERASE = b"\r\x1b[K"
PATIENCE = 0.2  # seconds to wait for a thread that is writing the line


class Line:
    """The progress line of this process on standard error, updated by a thread."""

    def __init__(self) -> None:
        self._lock, self._over = threading.Lock(), threading.Event()
        self._shown, self._done = False, 0

    def begin(self, result: Result, total: int | None, unit: str) -> None:
        """Starts the line for `total` units (None: unknown). If no thread can be started, there is no line."""
        self.end()
        self._result, self._total, self._unit = result, total, unit
        self._done, self._started = 0, time.monotonic()
        self._points = deque([(self._started, 0)])
        self._over = threading.Event()
        with contextlib.suppress(RuntimeError):
            threading.Thread(target=self._run, args=(self._over,), daemon=True).start()

    def advance(self, amount: int) -> None:
        """Adds to the units done."""
        self._done += amount

    def end(self) -> None:
        """Removes the line permanently. Thread-safe, also while another thread writes it."""
        self._over.set()
        if self._lock.acquire(timeout=PATIENCE):
            try:
                self._erase()
            finally:
                self._lock.release()

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Removes the line while something else is written; the next update shows it again."""
        with self._lock:
            self._erase()
            yield

    def _erase(self) -> None:
        if self._shown:
            self._shown = False
            with contextlib.suppress(OSError):
                os.write(2, ERASE)

    def _run(self, over: threading.Event) -> None:
        wait = FIRST
        while not over.wait(wait):
            wait = EVERY
            text = self.status(time.monotonic()).line(width(2) - 1)  # the last cell would begin another line
            with self._lock:
                if not over.is_set():
                    self._shown = True
                    with contextlib.suppress(OSError):
                        os.write(2, b"\r" + text.encode("utf-8", "backslashreplace") + b"\x1b[K")

    def status(self, now: float) -> Status:
        """The status at a time (in seconds of `time.monotonic`)."""
        from normcli.cli._status import Status

        result, progress = self._result, self._result.progress
        inputs = max(len(result.inputs or ()) - len(result.empty or ()), 1)
        source, done, total, unit = result.source, self._done, self._total, self._unit
        if total is None and source is not None and inputs == 1 and unit == "B":
            done = source.position  # also before there is a chunk of it
        elif unit != "B" and source is not None and source.length and total and inputs == 1:
            done, total, unit = source.length * done // total, source.length, "B"
        self._points.append((now, done))
        while now - self._points[0][0] > WINDOW:
            self._points.popleft()
        then, before = self._points[0]
        return Status(
            result.activity, (progress and progress.source) or (source.name if source else ""),
            min(progress.number if progress else 1, inputs), inputs, done, total, unit,
            progress.rows if progress else 0, (done - before) / (now - then) if now > then else 0.0,
            now - self._started,
        )  # fmt: skip


line = Line()
