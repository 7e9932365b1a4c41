"""A file to which lines are appended, synced in batches: a sync for each of 100,000 files takes longer than to make
them. A line is written at once, so that only a power loss can take away those that are not synced."""

from __future__ import annotations

import contextlib
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

from normcli.errors import NormcliError, OutputError, advice, printable
from normcli.io import outputs

LINES, SECONDS = 64, 1.0  # a batch is synced after so many, or so long after its first


class Batches(ABC):
    """Lines that are added one by one, and survive in batches. Thread-safe."""

    def __init__(self) -> None:
        self._count = 0  # lines that are not synced
        self._timer: threading.Timer | None = None
        self._timers: list[threading.Thread] = []  # all that may not have ended
        self._failure: NormcliError | None = None  # of a sync
        self._lock = threading.RLock()

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether it was begun, and is not closed."""

    @abstractmethod
    def lines(self) -> list[bytes]:
        """Those of earlier runs, before it is begun. Raises NoInputError."""

    @abstractmethod
    def begin(self, lines: Iterable[bytes]) -> None:
        """Replaces all that is there by these lines. Raises CannotCreateError, OutputError."""

    @abstractmethod
    def finish(self, lines: Callable[[], Iterable[bytes]]) -> None:
        """Everything was added; with it, these are all lines. Raises CannotCreateError, OutputError."""

    def settle(self, directory: str) -> None:  # noqa: B027, for most have nothing to do
        """A file was renamed in a directory: with the next batch, that is made to survive a power loss."""

    def add(self, line: bytes) -> None:
        """Raises CannotCreateError, OutputError, also for an earlier line that could not be synced."""
        with self._lock:
            self._write(line)
            self._count += 1
            if self._count >= LINES or self._failure:
                self.sync()
            else:
                self._await()

    def sync(self) -> None:
        """Raises CannotCreateError, OutputError where what was added can't be synced."""
        with self._lock:
            self._stop()
            if self._failure:
                raise self._failure
            self._sync()

    def close(self) -> None:
        """Nothing more is added. What can't be synced any more is for `sync` to tell."""
        with self._lock:
            self._stop()
            with contextlib.suppress(NormcliError):
                self.sync()
        for timer in self._timers:  # without the lock, which one of them may wait for
            timer.join()

    @abstractmethod
    def _write(self, line: bytes) -> None:
        """Raises OutputError."""

    @abstractmethod
    def _sync(self) -> None:
        """Makes what was added survive. Raises CannotCreateError, OutputError."""

    def _await(self) -> None:
        """Has the batch synced when its time is over."""
        if self._timer is None:
            self._timer = threading.Timer(SECONDS, self._sync_late)
            self._timer.daemon = True
            self._timer.start()
            self._timers = [*filter(threading.Thread.is_alive, self._timers), self._timer]

    def _sync_late(self) -> None:
        with self._lock:
            if self._timer is not threading.current_thread():
                return  # it was synced meanwhile
            self._timer = None
            try:
                self._sync()
            except NormcliError as e:
                self._failure = e

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None


class Journal(Batches):
    """Lines of a file, and the directories of the files that they are about, which are synced before."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path, self._fd = path, outputs.CLOSED
        self._directories: set[str] = set()  # not synced

    @property
    def is_open(self) -> bool:
        return self._fd != outputs.CLOSED

    def lines(self) -> list[bytes]:
        """None of a file that can't be read."""
        try:
            with open(self._path, "rb") as file:
                return file.read().splitlines()
        except OSError:
            return []

    def begin(self, lines: Iterable[bytes]) -> None:
        with outputs.open_target(self._path) as target:
            target.write(b"".join(lines))
            target.commit()
        try:
            self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except OSError as e:
            raise self._failed(e) from None

    def finish(self, lines: Callable[[], Iterable[bytes]]) -> None:
        self.sync()

    def settle(self, directory: str) -> None:
        with self._lock:
            self._directories.add(directory)
            self._await()

    def close(self) -> None:
        super().close()
        with self._lock:
            if self.is_open:
                os.close(self._fd)
            self._fd = outputs.CLOSED

    def _write(self, line: bytes) -> None:
        try:
            while line:
                line = line[os.write(self._fd, line) :]
        except OSError as e:
            raise self._failed(e) from None

    def _sync(self) -> None:
        try:
            for directory in sorted(self._directories):
                outputs.sync_directory(directory)
            self._directories.clear()
            if self._count:
                os.fsync(self._fd)
        except OSError as e:
            raise self._failed(e) from None
        self._count = 0

    def _failed(self, error: OSError) -> OutputError:
        return OutputError(f"{printable(self._path)}: writing failed: {error.strerror}", advice(error))
