"""A file to which lines are appended, synced in batches: a sync for each of 100,000 files takes longer than to make
them. A line is written at once, so that only a power loss can take away those that are not synced."""

from __future__ import annotations

import contextlib
import os
import threading

from normcli.errors import OutputError, advice, printable
from normcli.io import outputs

LINES, SECONDS = 64, 1.0  # a batch is synced after so many, or so long after its first


class Journal:
    """Lines of a file, and the directories of the files that they are about, which are synced before. Thread-safe."""

    def __init__(self, path: str) -> None:
        self._path, self._fd = path, outputs.CLOSED
        self._directories: set[str] = set()  # not synced
        self._count = 0  # lines that are not synced
        self._timer: threading.Timer | None = None
        self._failure: OSError | None = None  # of a sync when the time was over
        self._lock = threading.RLock()

    @property
    def is_open(self) -> bool:
        return self._fd != outputs.CLOSED

    def begin(self, lines: bytes) -> None:
        """Replaces the file by one of these lines. Raises CannotCreateError, OutputError."""
        with outputs.open_target(self._path) as target:
            target.write(lines)
            target.commit()
        try:
            self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except OSError as e:
            raise self._failed(e) from None

    def settle(self, directory: str) -> None:
        """A file was renamed in a directory: with the next batch, that is made to survive a power loss."""
        with self._lock:
            self._directories.add(directory)
            self._await()

    def add(self, line: bytes) -> None:
        """Raises OutputError, also for an earlier line that could not be synced."""
        with self._lock:
            try:
                while line:
                    line = line[os.write(self._fd, line) :]
            except OSError as e:
                raise self._failed(e) from None
            self._count += 1
            if self._count >= LINES or self._failure:
                self.sync()
            else:
                self._await()

    def sync(self) -> None:
        """Raises OutputError where a directory or a line can't be synced."""
        with self._lock:
            self._stop()
            try:
                if self._failure:
                    raise self._failure
                self._sync()
            except OSError as e:
                raise self._failed(e) from None

    def close(self) -> None:
        """Nothing more is added. What can't be synced any more is for `sync` to tell."""
        with self._lock:
            self._stop()
            with contextlib.suppress(OSError):
                self._sync()
            if self.is_open:
                os.close(self._fd)
            self._fd = outputs.CLOSED

    def _sync(self) -> None:
        """Raises OSError."""
        for directory in sorted(self._directories):
            outputs.sync_directory(directory)
        self._directories.clear()
        if self._count:
            os.fsync(self._fd)
        self._count = 0

    def _await(self) -> None:
        """Has the batch synced when its time is over."""
        if self._timer is None:
            self._timer = threading.Timer(SECONDS, self._sync_late)
            self._timer.daemon = True
            self._timer.start()

    def _sync_late(self) -> None:
        with self._lock:
            if self._timer is not threading.current_thread():
                return  # it was synced meanwhile
            self._timer = None
            try:
                self._sync()
            except OSError as e:
                self._failure = e

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def _failed(self, error: OSError) -> OutputError:
        return OutputError(f"{printable(self._path)}: writing failed: {error.strerror}", advice(error))
