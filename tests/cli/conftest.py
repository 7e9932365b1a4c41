"""The real command, run as a shell would, in a directory of its own: exit code, output and error apart.

Every run here is also held to what holds for all: exit 1 for drift alone, never a traceback, one line to a message.
"""

import os
import shutil
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

import pytest

from normcli import registry
from tests import inside
from tests.least_options import least
from tests.processes import Arg, start

Stream = int | IO[bytes]

PATIENCE = 60.0  # seconds after which a run counts as hanging
TABLE = b"""site,a,b,c
north,1,2.5,7
south,2,3.5,1
east,4,-1.25,3
west,8,0.5,2
"007",16,9.75,11
hill,3,4.5,5
"""


@dataclass(frozen=True)
class Done:
    """A run that ended."""

    code: int
    out: bytes
    err: str

    @property
    def lines(self) -> list[str]:
        """Of standard error."""
        return self.err.splitlines()

    @property
    def errors(self) -> list[str]:
        return [line for line in self.lines if line.startswith("normcli: error: ")]

    @property
    def warnings(self) -> list[str]:
        return [line for line in self.lines if line.startswith("normcli: warning: ")]


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours without what would change how the command behaves."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NORMCLI_", "_NORMCLI"))}
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS"):
        kept.pop(name, None)
    made = kept | dict(changes or {})
    if changes and "PYTHONPATH" in changes and "PYTHONPATH" in os.environ:
        made["PYTHONPATH"] += os.pathsep + os.environ["PYTHONPATH"]
    return made


def run(
    *args: Arg,
    cwd: Path,
    stdin: bytes | Stream = subprocess.DEVNULL,
    stdout: Stream = subprocess.PIPE,
    env: Mapping[str, str] | None = None,
    via: str = "",
    polite: bool = True,
    process: bool = False,
) -> Done:
    """One run to its end, within this process where that makes no difference. Not `polite`: standard error may hold
    more than messages."""
    if not process and not via and stdout == subprocess.PIPE and fits_inside(stdin, env):
        code, out, err = inside.main(
            args, cwd=cwd, env=environment(env), stdin=stdin if isinstance(stdin, bytes) else None
        )
    else:
        code, out, err = run_process(args, cwd=cwd, stdin=stdin, stdout=stdout, env=env, via=via)
    done = Done(code, out, err.decode("utf-8", "surrogateescape"))
    assert done.code != 1 or done.errors[-1].startswith("normcli: error: drift: "), done.err
    if polite:
        assert all(line.startswith("normcli: ") and line.isprintable() for line in done.err.split("\n")[:-1]), done.err
        assert done.err == "" or done.err.endswith("\n")
    return done


def fits_inside(stdin: bytes | Stream, env: Mapping[str, str] | None) -> bool:
    """Whether a run needs no process of its own: nothing special is its standard input, libraries find the environment
    that they were loaded in, and nothing else happens meanwhile."""
    return (
        (isinstance(stdin, bytes) or stdin == subprocess.DEVNULL)
        and all(name.startswith("NORMCLI_") for name in env or ())
        and threading.current_thread() is threading.main_thread()
        and "REAL_STARTS" not in os.environ
    )


def run_process(
    args: Sequence[Arg],
    *,
    cwd: Path,
    stdin: bytes | Stream,
    stdout: Stream,
    env: Mapping[str, str] | None,
    via: str,
) -> tuple[int, bytes, bytes]:
    """Exit code, standard output and standard error of a process."""
    given = subprocess.PIPE if isinstance(stdin, bytes) else stdin
    process = start(args, cwd=cwd, env=environment(env), via=via, stdin=given, stdout=stdout, stderr=subprocess.PIPE)
    with ending(process):
        out, err = process.communicate(stdin if isinstance(stdin, bytes) else None, PATIENCE)
    return process.returncode, out or b"", err


def required(method: str) -> list[str]:
    """The options that a method can't do without."""
    return least(registry.only("methods", method))


def needed(method: str, *options: str) -> list[str]:
    """Their flags, but for those that are given; each is 1."""
    flags = (f"--{name.replace('_', '-')}" for name in required(method))
    return [word for flag in flags if flag not in options for word in (flag, "1")]


@cache
def fitted(method: str, *options: str) -> bytes:
    """A parameter file, fitted on the table."""
    done = run("fit", "-m", method, *needed(method, *options), *options, cwd=Path("/"), stdin=TABLE)
    assert done.code == 0, done.err
    return done.out


@dataclass(frozen=True)
class Workspace:
    """A directory with the table in it, and the command run there."""

    path: Path
    process: bool = False  # whether each run is one of its own

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def params(self, method: str = "zscore", *options: str, name: str = "p.json") -> str:
        """A parameter file fitted on the table; its name."""
        (self.path / name).write_bytes(fitted(method, *options))
        return name

    def run(
        self,
        *args: Arg,
        stdin: bytes | Stream = subprocess.DEVNULL,
        stdout: Stream = subprocess.PIPE,
        env: Mapping[str, str] | None = None,
        via: str = "",
        polite: bool = True,
    ) -> Done:
        return run(
            *args,
            cwd=self.path,
            stdin=stdin,
            stdout=stdout,
            env=env,
            via=via,
            polite=polite,
            process=self.process,
        )

    def succeeds(
        self,
        *args: Arg,
        stdin: bytes | Stream = subprocess.DEVNULL,
        stdout: Stream = subprocess.PIPE,
        env: Mapping[str, str] | None = None,
        via: str = "",
    ) -> Done:
        """Exit 0 and no error."""
        done = self.run(*args, stdin=stdin, stdout=stdout, env=env, via=via)
        assert (done.code, done.errors) == (0, []), done.err
        return done

    def fails(
        self,
        code: int,
        *args: Arg,
        stdin: bytes | Stream = subprocess.DEVNULL,
        stdout: Stream = subprocess.PIPE,
        env: Mapping[str, str] | None = None,
        via: str = "",
        out: bool = False,
    ) -> str:
        """The one error that a run ends with; every file here is what it was, and unless `out`, nothing came out."""
        before = self.files()
        done = self.run(*args, stdin=stdin, stdout=stdout, env=env, via=via)
        assert done.code == code, (done.code, done.err)
        assert len(done.errors) == 1, done.err
        assert done.lines[-1] == done.errors[0]
        assert out or done.out == b""
        assert self.files() == before
        return done.errors[0].removeprefix("normcli: error: ")

    def start(
        self,
        *args: Arg,
        stdin: Stream = subprocess.DEVNULL,
        stdout: Stream = subprocess.DEVNULL,
        stderr: Stream = subprocess.PIPE,
        via: str = "",
    ) -> "subprocess.Popen[bytes]":
        """A run under way."""
        return start(args, cwd=self.path, env=environment(), via=via, stdin=stdin, stdout=stdout, stderr=stderr)

    def files(self) -> dict[str, tuple[int, bytes | None]]:
        """Mode and bytes of all that is here."""
        found = {}
        for path in sorted(self.path.rglob("*")):
            status = path.lstat()
            regular = stat.S_ISREG(status.st_mode)
            name = os.fsencode(path.relative_to(self.path)).decode("utf-8", "backslashreplace")
            found[name] = status.st_mode, path.read_bytes() if regular else None
        return found

    def temporaries(self) -> list[Path]:
        return [p for p in self.path.rglob(".normcli-*") if p.name.endswith(".tmp")]


@pytest.fixture
def workspace(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Workspace]:
    """The command's place of work. Whatever happened in it, no unfinished file may be left. Under the mark `process`
    each run is a process."""
    (tmp_path / "table.csv").write_bytes(TABLE)
    made = Workspace(tmp_path, process=request.node.get_closest_marker("process") is not None)
    yield made
    assert made.temporaries() == []


@pytest.fixture
def parquet(workspace: Workspace) -> str:
    """The table as Parquet, beside the other; its name."""
    import pyarrow.csv
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.csv.read_csv(workspace / "table.csv"), workspace / "table.parquet")
    return "table.parquet"


def until(true: Callable[[], object], what: str) -> None:
    """Waits for something to become true."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.01)


@contextmanager
def ending(process: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    """A run that is gone afterwards, whatever happens."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@cache
def permissions_bind() -> str:
    """A script for `via` under which permission bits hold for root, too. Skips where that can't be had."""
    if os.geteuid() != 0:
        return 'exec "$@"'
    script = 'exec setpriv --bounding-set -dac_override,-dac_read_search "$@"'
    if shutil.which("setpriv") is None or subprocess.run(["sh", "-c", script, "sh", "true"], check=False).returncode:
        pytest.skip("permission bits do not bind here")
    return script
