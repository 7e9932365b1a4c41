"""What goes wrong inside a run, and when: the Nth call of a kind that has to do with the run's own files.

Counted are only calls on what lies in the run's directory, and on its standard output. So a count means the same in
every run, whatever a library opens for itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import io
import os
import resource
import signal
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STDOUT = "<stdout>"
LOG = 200  # the descriptor of the log
CALLS = ("open", "write", "pwrite", "fsync", "rename", "close", "mkdir", "read")  # that may fail
TRANSFORM = "transform"  # a moment, too
REAL = {name: getattr(os, name) for name in ("open", "write", "pwrite", "fsync", "replace", "close", "dup", "mkdir")}


@dataclass(frozen=True)
class Fault:
    """The `nth` call (from 1) of a kind fails with `error`; or does half of what it should, and the next fails; or a
    signal comes, before or after it. Without a kind, every call counts."""

    call: str = ""
    nth: int = 0
    error: str = "EIO"
    short: bool = False
    number: int = 0  # of a signal
    after: bool = False
    delay: float = 0.0  # seconds until the signal comes

    def __str__(self) -> str:
        what = f"signal {self.number}" if self.number else "short" if self.short else self.error
        return f"{what} at {self.call or 'call'} {self.nth}"


@dataclass
class Calls:
    """Wraps what a run makes its files by, notes each call in a log, and lets the one that was chosen go wrong."""

    folder: Path
    log: int  # a descriptor; a line is a kind of call and what it is of
    fault: Fault

    def __post_init__(self) -> None:
        self.names: dict[int, str] = {1: STDOUT}
        self.counts = dict.fromkeys(("", *CALLS, TRANSFORM), 0)
        self.full = False  # a short write has happened
        self.lock = threading.Lock()

    def install(self) -> None:
        calls = self

        def wrapped(name: str, kind: str, where: Callable[..., str | None]) -> None:
            def call(*args: Any, **named: Any) -> Any:
                at = where(*args)
                if at is None:
                    return REAL[name](*args, **named)
                return calls.meet(kind, at, lambda *a: REAL[name](*a, **named), args)

            setattr(os, name, call)

        def opened(path: Any, *args: Any, **named: Any) -> int:
            at = calls.within(path)
            if at is None:
                fd: int = REAL["open"](path, *args, **named)
                calls.names.pop(fd, None)
            else:
                fd = calls.meet("open", at, lambda *a: REAL["open"](*a, **named), (path, *args))
                calls.names[fd] = at
            return fd

        def copied(fd: int) -> int:
            made: int = REAL["dup"](fd)
            if fd in calls.names:
                calls.names[made] = calls.names[fd]
            return made

        os.open, os.dup = opened, copied  # type: ignore[assignment]
        for name in ("write", "pwrite", "fsync"):
            wrapped(name, name, lambda fd, *args: calls.names.get(fd))
        wrapped("close", "close", lambda fd: calls.names.pop(fd, None))
        wrapped("replace", "rename", lambda old, new: calls.within(new))
        wrapped("mkdir", "mkdir", lambda path, *args: calls.within(path))

        class Input(io.FileIO):
            """An input: reading and closing it may go wrong, too."""

            def __init__(self, file: Any, *args: Any, **named: Any) -> None:
                self.at = STDOUT if file == 0 else calls.within(file) if not isinstance(file, int) else None
                super().__init__(file, *args, **named)

            def readinto(self, buffer: Any) -> Any:
                return self._met("read", super().readinto, buffer)

            def read(self, size: int | None = -1, /) -> Any:
                return self._met("read", super().read, size)

            def _met(self, kind: str, real: Callable[..., Any], *args: Any) -> Any:
                return real(*args) if self.at is None else calls.meet(kind, self.at, real, args)

        io.FileIO = Input  # type: ignore[misc]
        from normcli.pipeline import Work

        work = Work.__call__
        Work.__call__ = lambda *args: calls.meet(TRANSFORM, "a chunk", work, args)  # type: ignore[method-assign]

    def within(self, path: Any) -> str | None:
        """The name in the run's directory of what lies there."""
        full = os.path.abspath(os.fsdecode(path))
        top = str(self.folder)
        return os.path.relpath(full, top) if full == top or full.startswith(top + os.sep) else None

    def meet(self, kind: str, at: str, real: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        fault = self.fault
        with self.lock:
            with contextlib.suppress(OSError):  # a limit is one for the log, too
                REAL["write"](self.log, f"{kind} {at}\n".encode("utf-8", "surrogateescape"))
            self.counts[kind] += 1
            self.counts[""] += 1
            mine = fault.nth > 0 and fault.call in ("", kind) and self.counts[fault.call] == fault.nth
        if not mine and not (self.full and kind in ("write", "pwrite")):
            return real(*args)
        if fault.number:
            return self._signalled(real, args)
        if fault.short and not self.full and len(args[1]) > 1:
            self.full = True
            return real(args[0], memoryview(args[1])[: len(args[1]) // 2], *args[2:])
        if kind == "close":
            real(*args)  # the descriptor is gone, whatever it says
        raise OSError(getattr(errno, fault.error), os.strerror(getattr(errno, fault.error)))

    def _signalled(self, real: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """The call, and a signal before or after it, or a moment later."""

        def send() -> None:
            time.sleep(self.fault.delay)
            os.kill(os.getpid(), self.fault.number)

        if self.fault.delay:
            threading.Thread(target=send, daemon=True).start()
            return real(*args)
        made = real(*args) if self.fault.after else None
        os.kill(os.getpid(), self.fault.number)
        if self.fault.number != signal.SIGKILL:
            time.sleep(0.02)  # it is met by a thread of its own
        return made if self.fault.after else real(*args)


@dataclass(frozen=True)
class Disturbance:
    """What is to go wrong in a run. Called within its process before its first line."""

    folder: Path
    fault: Fault
    log: str = os.devnull  # where its calls are noted
    limit: int | None = None  # bytes that a file may have
    bound: bool = False  # by permission bits, though we are root
    block: int | None = None  # bytes of text, and rows, at which chunks are cut
    closed: bool = False  # standard output

    def __call__(self) -> None:
        from normcli.formats._binary import reader
        from normcli.formats._text import cutting

        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(log, LOG)
        os.close(log)
        tempfile.tempdir = None
        if self.closed:
            os.close(1)
            sys.stdout = sys.__stdout__ = None  # type: ignore[assignment, misc]  # as Python has it then
        if self.block:
            cutting.BLOCK = reader.BLOCK = self.block
        if self.limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.limit, resource.RLIM_INFINITY))
        if self.bound:
            header, none = struct.pack("Ii", 0x20080522, 0), bytes(24)
            assert ctypes.CDLL(None).capset(header, none) == 0
        Calls(self.folder, LOG, self.fault).install()
