"""The progress line at the bottom of a terminal, shown after one second until the run ends."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from normcli.cli._terminal import cells, shortened, width
from normcli.errors import printable, size

if TYPE_CHECKING:
    from normcli.jobs.results import Result

FIRST, EVERY = 1.0, 0.1  # seconds until the first line, and between updates
WINDOW = 10.0  # seconds over which the rate is averaged
BAR, LEAST = 20, 12  # cells of the bar, and the minimum of a shortened name
ERASE = b"\r\x1b[K"
PATIENCE = 0.2  # seconds to wait for a thread that is writing the line


@dataclass(frozen=True)
class Status:
    """The progress of a run: `done` of `total` (None: unknown) bytes (unit B) or rows, and the recent `rate` per
    second."""

    activity: str
    name: str = ""  # of the input that is being read
    number: int = 1  # of this input, from 1
    inputs: int = 1
    done: int = 0
    total: int | None = None
    unit: str = "B"
    rows: int = 0
    rate: float = 0.0
    seconds: float = 0.0

    @property
    def share(self) -> float | None:
        """The completed share, from 0 to 1; None if the total is unknown."""
        return min(self.done / self.total, 1.0) if self.total else None

    def line(self, room: int) -> str:
        """The line in at most `room` cells: the least important parts are dropped first, and the name is shortened in
        the middle."""
        number = f" ({self.number:,} of {self.inputs:,})" if self.inputs > 1 else ""
        parts = {
            "what": self.activity, "name": printable(self.name) + number, "bar": self._bar(), "share": self._share(),
            "amount": self._amount(), "rows": f"{self.rows:,} rows" if self.rows and self.unit == "B" else "",
            "rate": self._rate(), "time": self._time(),
        }  # fmt: skip
        for part in ("", "bar", "rows", "rate", "amount"):
            parts.pop(part, None)
            rest = "  ".join(text for what, text in parts.items() if text and what != "name")
            left = room - cells(rest) - 2 - cells(number)
            if left >= min(LEAST, cells(parts["name"])):
                break
        parts["name"] = shortened(printable(self.name), max(left, 0)) + number
        return shortened("  ".join(text for text in parts.values() if text), room)

    def _bar(self) -> str:
        if self.share is None:
            return ""
        full = int(self.share * BAR)
        return "━" * full + "─" * (BAR - full)

    def _share(self) -> str:
        return "" if self.share is None else f"{int(self.share * 100):3} %"

    def _amount(self) -> str:
        if self.total is None:
            return f"{self._counted(self.done)} read" if self.done else "waiting for data"
        done = min(self.done, self.total)
        return f"{self._counted(done) if self.unit == 'B' else f'{done:,}'} of {self._counted(self.total)}"

    def _rate(self) -> str:
        return f"{self._counted(self.rate)}/s" if self.rate else ""

    def _time(self) -> str:
        """The remaining time, or the elapsed time if the total is unknown."""
        if self.total is None:
            return clock(self.seconds)
        left = self.total - self.done
        return f"{clock(left / self.rate)} left" if self.rate and left > 0 else ""

    def _counted(self, count: float) -> str:
        return size(count) if self.unit == "B" else f"{count:,.0f} {self.unit}"


def clock(seconds: float) -> str:
    """A duration as 0:07, 12:34 or 5:06:07."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:,}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


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
