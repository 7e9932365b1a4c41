"""Runs of the real command by the hundred: each a process of its own, forked from one that has imported everything.

Importing takes most of what a run on a small file takes. What is forked goes through the very entry point, with
descriptors, a directory and an environment of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from tests.faults.faulty import Calls, Fault
from tests.server import fork, preload, stream

PATIENCE = 60.0  # seconds
NUMBER = struct.Struct("q")


@dataclass(frozen=True)
class Request:
    """One run: its words, where, and what is to go wrong in it."""

    words: tuple[str, ...]
    folder: Path
    fault: Fault = Fault()
    stdin: str = os.devnull
    stdout: str = os.devnull
    stderr: str = os.devnull
    log: str = os.devnull
    env: dict[str, str] = field(default_factory=dict)
    limit: int | None = None  # bytes that a file may have
    bound: bool = False  # by permission bits, though we are root
    block: int | None = None  # bytes of text, and rows, at which chunks are cut


# -- in the nursery ----------------------------------------------------------------------------------------------
def serve(path: str) -> None:
    """Answers requests until standard input ends: each with the process's number, then with how it ended."""
    preload()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who answers is waited for by nobody
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(64)
    os.write(1, b"ready\n")
    watching = os.getppid()
    while os.getppid() == watching:
        server.settimeout(1.0)
        with contextlib.suppress(TimeoutError):
            connection, _ = server.accept()
            if fork() == 0:
                _answer(connection)
            connection.close()


def _answer(connection: socket.socket) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    connection.settimeout(None)
    with connection.makefile("rb") as file:
        request = pickle.load(file)
    pid = fork()
    if pid == 0:
        connection.close()  # and no other: libraries have descriptors of their own
        _begin(request)
    connection.sendall(NUMBER.pack(pid))
    _, status = os.waitpid(pid, 0)
    connection.sendall(NUMBER.pack(os.waitstatus_to_exitcode(status)))
    os._exit(0)


def _begin(request: Request) -> NoReturn:
    """Becomes the run."""
    from normcli.__main__ import main
    from normcli.formats import _binary, _text

    for fd, path, flags in (
        (0, request.stdin, os.O_RDONLY),
        (1, request.stdout, os.O_WRONLY | os.O_CREAT),
        (2, request.stderr, os.O_WRONLY | os.O_CREAT | os.O_APPEND),
    ):
        if path == "closed":
            os.close(fd)
            continue
        opened = os.open(path, flags, 0o666)
        if opened != fd:
            os.dup2(opened, fd)
            os.close(opened)
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            setattr(sys, name, stream(fd))
        except OSError:  # closed
            setattr(sys, name, None)
    log = os.open(request.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(log, 200)
    os.close(log)
    os.chdir(request.folder)
    os.environ.update(request.env)
    tempfile.tempdir = None
    if request.block:
        _text.BLOCK = _binary.BLOCK = request.block
    if request.limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request.limit, resource.RLIM_INFINITY))
    if request.bound:
        header, none = struct.pack("Ii", 0x20080522, 0), bytes(24)
        assert ctypes.CDLL(None).capset(header, none) == 0
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN if number == signal.SIGPIPE else signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["normcli", *request.words]
    Calls(request.folder, 200, request.fault).install()
    main()


# -- outside -----------------------------------------------------------------------------------------------------
@dataclass
class Running:
    """A run under way."""

    pid: int
    connection: socket.socket

    @property
    def there(self) -> bool:
        """Whether it was not waited for yet."""
        return self.connection.fileno() >= 0

    @property
    def ended(self) -> bool:
        return bool(select.select([self.connection], [], [], 0)[0])

    def wait(self) -> int:
        """Its exit code; that of a signal is negative."""
        with self.connection:
            return received(self.connection)


def received(connection: socket.socket) -> int:
    (number,) = NUMBER.unpack(connection.recv(NUMBER.size, socket.MSG_WAITALL))
    return int(number)


@dataclass
class Nursery:
    """The way to have runs."""

    path: str

    def start(self, request: Request) -> Running:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        connection.connect(self.path)
        connection.sendall(pickle.dumps(request))
        return Running(received(connection), connection)


@contextlib.contextmanager
def nursery(folder: Path) -> Iterator[Nursery]:
    """One that is there until all is done."""
    path = folder / "nursery"
    made = [sys.executable, "-m", "tests.faults.nursery", str(path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(made, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield Nursery(str(path))
        finally:
            process.kill()


if __name__ == "__main__":
    serve(sys.argv[1])
