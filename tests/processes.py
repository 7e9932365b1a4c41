"""Starts of the command: as a process of its own, or as a fork of one that has the imports behind it.

Both behave alike, and a fork takes a tenth of the time. With REAL_STARTS set, as make soak has it, there are no forks.
"""

import inspect
import json
import os
import pickle
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tests import fork_server

Arg = str | bytes | Path

ROOT = str(Path(__file__).parents[1])  # what tests are imported from
WORDS = [sys.executable, "-m", "normcli"]

AT_START = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC", "ARROW_", "POLARS_", "OPENBLAS_", "OMP_", "MKL_")


def at_start(env: Mapping[str, str]) -> dict[str, str]:
    """What Python and its libraries read once, while they start."""
    return {name: value for name, value in env.items() if name.startswith(AT_START)}


OURS = at_start(os.environ)


def start(
    args: Sequence[Arg], *, cwd: Path | None, env: Mapping[str, str], via: str = "", **streams: Any
) -> "subprocess.Popen[bytes]":
    """A run under way. `via` is a shell's script that runs the command's words as "$@"; it, and an environment that
    differs in what is read at start, take a process of their own."""
    words: list[Arg] = [*WORDS, *args]
    if via:
        words = ["sh", "-c", via, "sh", *words]
    alone = via or at_start(env) != OURS or "REAL_STARTS" in os.environ
    return (subprocess.Popen if alone else Forked)(words, cwd=cwd, env=env, **streams)


@cache
def _server() -> tuple["subprocess.Popen[bytes]", socket.socket]:
    ours, theirs = socket.socketpair()
    with theirs:
        words = [sys.executable, "-P", fork_server.__file__, str(theirs.fileno())]
        made = subprocess.Popen(words, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return made, ours


def end_server() -> None:
    if _server.cache_info().currsize:
        process, control = _server()
        control.close()
        process.wait()
        _server.cache_clear()


class Forked(subprocess.Popen):  # type: ignore[type-arg]
    """A run that the server forks: python -m normcli and its arguments. Its process calls `prepare` first."""

    def __init__(self, words: Sequence[Arg], *, prepare: Callable[[], object] | None = None, **streams: Any) -> None:
        self._prepare = "" if prepare is None else pickle.dumps(prepare).hex()
        super().__init__(words, **streams)

    def _execute_child(self, *given: Any) -> None:
        of = inspect.signature(subprocess.Popen._execute_child).bind(self, *given).arguments
        pipes = [of[name] for name in ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")]
        self._told, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(_server()[1], [b"."], [pipes[0], pipes[3], pipes[5], theirs.fileno()])
        self._close_pipe_fds(*pipes)
        args, cwd = [os.fsdecode(a) for a in of["args"][len(WORDS) :]], os.fspath(of["cwd"] or os.getcwd())
        told = {"args": args, "cwd": cwd, "env": dict(of["env"]), "prepare": self._prepare, "root": ROOT}
        self._told.sendall(json.dumps(told).encode() + b"\n")
        self.pid = self._number()
        self._child_created = True

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._told], [], [], None if timeout is None else max(timeout, 0))[0]:
                raise subprocess.TimeoutExpired(self.args, timeout)
            with self._told:
                self.returncode = os.waitstatus_to_exitcode(self._number())
        return self.returncode

    def _number(self) -> int:
        """The next that is told."""
        told = self._told.recv(4)
        assert told, "the server has died"
        return int.from_bytes(told)
