"""A run of the command in which something goes wrong: forked like any other, and disturbed before it begins."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from tests.cli.conftest import PATIENCE, ending, environment
from tests.processes import WORDS, Forked
from tests.robustness.faulty import Disturbance, Fault

CLOSED = "closed"  # in place of standard output's path
NONE = Fault()


def start(
    words: tuple[str, ...],
    folder: Path,
    fault: Fault = NONE,
    *,
    stdin: str = os.devnull,
    stdout: str = os.devnull,
    stderr: str = os.devnull,
    log: str = os.devnull,
    env: Mapping[str, str] | None = None,
    limit: int | None = None,
    bound: bool = False,
    block: int | None = None,
) -> Forked:
    """A run under way in `folder`. Its standard streams and the log of its calls are files; see `Disturbance`."""
    closed = stdout == CLOSED
    disturbance = Disturbance(folder, fault, log, limit=limit, bound=bound, block=block, closed=closed)
    with ExitStack() as stack:
        fds = []
        for path, flags in (
            (stdin, os.O_RDONLY),
            (os.devnull if closed else stdout, os.O_WRONLY | os.O_CREAT),
            (stderr, os.O_WRONLY | os.O_CREAT | os.O_APPEND),
        ):
            fds.append(os.open(path, flags, 0o666))
            stack.callback(os.close, fds[-1])
        given, out, err = fds
        streams = {"stdin": given, "stdout": out, "stderr": err}
        return Forked([*WORDS, *words], cwd=folder, env=environment(env), prepare=disturbance, **streams)


def end(running: Forked) -> int:
    """Its exit code; that of a signal is negative."""
    with ending(running):
        return running.wait(PATIENCE)
