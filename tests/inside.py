"""The command within this process, for behaviour: a run takes a fifth of what a process takes that is forked for it.

`main` is a whole run, with its exit code, standard streams, directory and environment; `run` is one command without its
entry, which raises what goes wrong. Signals, limits and descriptors take a process: see tests/processes.
"""

import contextlib
import io
import os
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from normcli import registry
from normcli.cli import _process
from normcli.cli._run_report import run_report

PATIENCE = 60.0  # seconds after which a stream counts as left open


def run(name: str, *words: str | Path) -> None:
    """One command, silent. Raises what it does: NormcliError, click.UsageError, or a bug."""
    command: click.Command = registry.load("cli", name).command
    run_report.result = None
    quiet = ["-qq"] if name not in ("inspect", "methods") else []
    command.main([*map(str, words), *quiet], prog_name=f"normcli {name}", standalone_mode=False)


@contextlib.contextmanager
def folder() -> Iterator[None]:
    """A directory of its own to be in, empty at first and gone afterwards."""
    with TemporaryDirectory() as name, contextlib.chdir(name):
        yield


def main(
    args: Sequence[str | bytes | Path], *, cwd: Path, env: Mapping[str, str], stdin: bytes | None = None
) -> tuple[int, bytes, bytes]:
    """One run of the command line: its exit code, standard output and standard error, each a pipe. Without `stdin`
    that is /dev/null."""
    given = _Feeder(stdin) if stdin is not None else None
    out, err = _Reader(), _Reader()
    source = given.reading if given else os.open(os.devnull, os.O_RDONLY)
    with _environment(env), contextlib.chdir(cwd), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as the process does
        with _standard(source, out.writing, err.writing), _arguments(args):
            run_report.reset()
            code = _process._called()
            fault = run_report.end(code, run_report.error)
            if fault:
                _process._say(fault.message, fault.hint)
                code = code or fault.code
    for fd in (source, out.writing, err.writing):
        os.close(fd)
    if given:
        given.join(PATIENCE)
    return code, out.end(), err.end()


class _Reader(threading.Thread):
    """All that is written into a pipe."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.reading, self.writing = os.pipe()
        self.data = b""
        self.start()

    def run(self) -> None:
        with open(self.reading, "rb") as file:
            self.data = file.read()

    def end(self) -> bytes:
        self.join(PATIENCE)
        assert not self.is_alive(), "the run has left a standard stream open"
        return self.data


class _Feeder(threading.Thread):
    """Writes bytes into a pipe, as far as somebody reads them."""

    def __init__(self, data: bytes) -> None:
        super().__init__(daemon=True)
        self.reading, self.writing = os.pipe()
        self.data = data
        self.start()

    def run(self) -> None:
        with contextlib.suppress(BrokenPipeError), open(self.writing, "wb", buffering=0) as file:
            view = memoryview(self.data)
            while view:
                view = view[file.write(view) :]


@contextlib.contextmanager
def _environment(env: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    _replace_environment(env)
    try:
        yield
    finally:
        _replace_environment(before)


def _replace_environment(env: Mapping[str, str]) -> None:
    for name in os.environ.keys() - env.keys():
        del os.environ[name]
    os.environ.update({name: value for name, value in env.items() if os.environ.get(name) != value})


@contextlib.contextmanager
def _arguments(args: Sequence[str | bytes | Path]) -> Iterator[None]:
    before, sys.argv = sys.argv, ["normcli", *map(os.fsdecode, args)]
    try:
        yield
    finally:
        sys.argv = before


@contextlib.contextmanager
def _standard(*fds: int) -> Iterator[None]:
    """With these descriptors as the standard ones, and Python's streams on them as the process has them."""
    before, streams = [os.dup(fd) for fd in range(3)], (sys.stdin, sys.stdout, sys.stderr)
    for fd, new in enumerate(fds):
        os.dup2(new, fd)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = _text(io.BufferedWriter(_process.Stdout(1, "w", closefd=False)), line_buffering=False)
    sys.stderr = _text(open(2, "wb", closefd=False), line_buffering=True)  # noqa: SIM115
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        sys.stdin, sys.stdout, sys.stderr = streams
        for fd, old in enumerate(before):
            os.dup2(old, fd)
            os.close(old)


def _text(binary: io.BufferedWriter, *, line_buffering: bool) -> io.TextIOWrapper:
    return io.TextIOWrapper(binary, "utf-8", "backslashreplace", newline="\n", line_buffering=line_buffering)
