"""Runs of the whole command within this process, its entry point included: exit code, output and error apart."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from normcli.cli import _process, _report


@dataclass(frozen=True)
class Run:
    """One that has ended."""

    words: tuple[str, ...]
    code: int
    out: bytes
    err: str
    report: dict[str, Any] | None

    def lines(self, kind: str) -> list[str]:
        """Of standard error: of `error` or `warning`."""
        return [line for line in self.err.splitlines() if line.startswith(f"normcli: {kind}: ")]

    def check(self) -> None:
        """What holds of every run, whatever was asked and of what: it ends with 0, or with one error line and the exit
        code of an error that a person can do something about."""
        shown = f"normcli {' '.join(self.words)}\n-> {self.code}\n{self.err}"
        assert self.code in (0, 1, 2, 65), shown
        assert len(self.lines("error")) == (self.code != 0), shown
        assert (self.code == 1) == any(line.startswith("normcli: error: drift: ") for line in self.lines("error")), (
            shown
        )
        assert all(line.startswith("normcli: ") and line.isprintable() for line in self.err.splitlines()), shown
        if self.report is not None:
            assert self.report["exit_code"] == self.code, shown
            assert (self.report["error"] is None) == (self.code == 0), shown


def run(folder: Path, *words: str, stdin: bytes = b"", report: bool = True) -> Run:
    """One run in `folder`, which must be the working directory; with a report, but for commands that have none."""
    path = folder / "report.json"
    path.unlink(missing_ok=True)
    line = [*words, *(["--report", path.name] if report else [])]
    _report.report.__init__()  # type: ignore[misc]  # a process has one run
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        with _standard(given.fileno(), out.fileno(), err.fileno(), line):
            code = _process._called()
            fault = _report.report.end(code, _report.report.error)
            assert fault is None, fault
        streams = [_read(file) for file in (out, err)]
    said = json.loads(path.read_bytes()) if path.exists() else None
    assert said is not None or not report or code == 2, words
    path.unlink(missing_ok=True)
    done = Run(tuple(line), code, streams[0], streams[1].decode("utf-8", "surrogateescape"), said)
    done.check()
    return done


def _read(file: Any) -> bytes:
    file.seek(0)
    return bytes(file.read())


@contextlib.contextmanager
def _standard(given: int, out: int, err: int, line: list[str]) -> Iterator[None]:
    """With these descriptors as the standard ones, and `line` as the command line."""
    before, kept = [os.dup(fd) for fd in range(3)], (sys.argv, sys.stdout, sys.stderr)
    for fd, new in enumerate((given, out, err)):
        os.dup2(new, fd)
    sys.argv = ["normcli", *line]
    sys.stdout, sys.stderr = (io.TextIOWrapper(open(fd, "wb", closefd=False)) for fd in (1, 2))  # noqa: SIM115
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        sys.argv, sys.stdout, sys.stderr = kept
        for fd, old in enumerate(before):
            os.dup2(old, fd)
            os.close(old)
