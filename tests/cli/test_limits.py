"""Under any limit of memory, a run ends well or with exit 74: never with 1, which is drift, nor by a library's own way
out."""

import errno
import io
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from normcli import registry
from normcli.cli import _guard
from normcli.errors import ShortageError
from normcli.formats._binary.faults import reading, writing
from normcli.io.locks import locked
from normcli.io.outputs import open_target
from normcli.io.sources import Source, open_source
from normcli.io.stores._filesystems import store_request
from tests.cli.conftest import Workspace
from tests.conftest import longer

RUNS = {
    "check CSV": "check table.csv -p p.json --min-rows 1",
    "check Parquet": "check t.parquet -p p.json --min-rows 1",
    "fit": "fit table.csv -m whiten -p q.json",
    "fit Parquet": "fit t.parquet -m zscore -p q.json",
    "apply": "apply table.csv -p p.json -o o.csv",
    "apply Parquet": "apply t.parquet -p p.json -o o.parquet",
    "inspect": "inspect p.json",
    "methods": "methods",
    "help": "--help",
}


@pytest.fixture
def place(workspace: Workspace) -> Workspace:
    workspace.params()
    pl.read_csv(workspace / "table.csv").write_parquet(workspace / "t.parquet")
    return workspace


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize(
    "limit", ["-v 50000", "-v 120000", "-v 450000", "-d 100000", *longer(
        *(f"-v {kb}" for kb in range(60_000, 600_000, 20_000)), *(f"-d {kb}" for kb in range(20_000, 400_000, 20_000)),
        "-v 1000000", "-v 2000000",
    )]
)  # fmt: skip
def test_a_run_has_room_or_says_that_it_has_not(place: Workspace, run: str, limit: str) -> None:
    done = place.run(*RUNS[run].split(), via=f'ulimit {limit}; exec "$@"')
    assert done.code in (0, 74), done.err
    assert len(done.errors) == (done.code == 74), done.err
    assert done.code == 0 or "memory" in done.errors[0]
    assert not list(place.path.glob(".normcli-*"))


def test_what_libraries_take_is_no_more_than_is_asked_for(place: Workspace) -> None:
    """So that small data are worked on wherever the limits allow a run to begin."""
    least = dict(zip("vd", (need + 64 * _guard.OF_CPU for _, _, need in _guard.LIMITS), strict=True))
    for letter, need in least.items():
        for run in ("check CSV", "fit", "apply Parquet"):
            place.succeeds(*RUNS[run].split(), via=f'ulimit -{letter} {need >> 10}; exec "$@"')


# -- much data ---------------------------------------------------------------------------------------------------
LARGE = {
    "apply": "apply {} -p p.json -o o.parquet",
    "apply to text": "apply {} -p p.json -o o.csv",
    "apply to NDJSON": "apply {} -p p.json -o o.ndjson",
    "fit": "fit {} -m robust -c x -p q.json",
    "fit -o": "fit {} -m center -c x -p q.json -o o.parquet",
}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """130 MB of text that does not get smaller, in one row group."""
    rows, length = 200_000, 110
    draw, ends = np.random.default_rng(0), np.arange(0, (rows + 1) * length, length, dtype=np.int32)

    def texts() -> pa.Array:
        letters = draw.integers(97, 123, rows * length, np.uint8)
        return pa.StringArray.from_buffers(rows, pa.py_buffer(ends), pa.py_buffer(letters))

    table = pa.table({"x": draw.normal(size=rows), **{f"s{j}": texts() for j in range(6)}})
    path = tmp_path_factory.mktemp("large") / "large.parquet"
    pq.write_table(table, path, row_group_size=rows, use_dictionary=False)
    return path


def converted(large: Path, suffix: str) -> Path:
    """The file of a format that has what is in the Parquet file; written once, beside that."""
    path = large.with_suffix(f".{suffix}")
    if path.exists():
        return path
    if suffix == "arrow":
        feather.write_feather(pq.read_table(large), path, compression="uncompressed", chunksize=65_536)
    else:
        getattr(pl.read_parquet(large), f"write_{suffix}")(path)
    return path


@pytest.mark.parametrize("suffix", ["parquet", *longer("csv", "ndjson", "arrow")])
@pytest.mark.parametrize("run", LARGE)
@pytest.mark.parametrize(
    "limit", ["-v 560000", *longer(*(f"-v {kb}" for kb in range(470_000, 900_000, 20_000)), "-d 280000", "-d 340000")]
)
def test_too_little_memory_is_no_fault_of_the_data(
    workspace: Workspace, large: Path, run: str, limit: str, suffix: str
) -> None:
    workspace.succeeds("fit", "-m", "center", "-p", "p.json", stdin=b"x\n1\n2\n")
    words = LARGE[run].format(converted(large, suffix)).split()
    before = {p.name for p in workspace.path.iterdir()}
    done = workspace.run(*words, via=f'ulimit {limit}; exec "$@"', polite=False)  # polars says more where it aborts
    assert done.code in (0, 74), done.err
    assert done.code == 0 or {p.name for p in workspace.path.iterdir()} == before
    assert len(done.errors) == (done.code == 74), done.err
    assert done.code == 0 or "memory" in done.errors[0]
    assert len(done.lines) < 20


@pytest.mark.parametrize(
    "error", [pa.ArrowMemoryError("realloc of size 9 failed"), OSError("ZSTD: Allocation error : not enough memory")]
)
def test_a_library_that_has_too_little_memory_does_not_blame_what_it_reads(error: Exception) -> None:
    def reads() -> None:
        with reading(Source("x.parquet", io.FileIO(os.devnull)), "Parquet file"):
            raise error

    def writes() -> None:
        with writing("Parquet file"):
            raise error

    def asks() -> None:
        with store_request("s3://bucket/x"):
            raise error

    for does in (reads, writes, asks):
        with pytest.raises(MemoryError):
            does()


# -- a library's own way out -------------------------------------------------------------------------------------
ENDING = """
import ctypes, sys, threading
import normcli.cli._process as process
from normcli.io import outputs
from normcli.jobs.run_report_file import run_report
from normcli.jobs.results import Result

def ended(line=" ".join(sys.argv[1:])):
    import numpy, polars, pyarrow.parquet
    run_report.begin(Result("fit", run_report="report.json"))
    with outputs.open_target("o.csv") as target:
        target.write(b"half")
        libc = ctypes.PyDLL(None) if "holding" in line else ctypes.CDLL(None)
        end = libc.abort if "abort" in line else lambda: libc.exit(1)
        for _ in range(40 if "many" in line else 0):
            threading.Thread(target=end, daemon=True).start()
        if "thread" in line:
            other = threading.Thread(target=end)
            other.start()
            other.join()
        end()

process._invoked = ended
from normcli.__main__ import main
main()
"""


@pytest.mark.parametrize(
    "how",
    ["exit", "abort", "abort in a thread", "exit holding the GIL", "abort holding the GIL", "abort in many threads"],
)
def test_a_library_that_ends_the_process_does_not_look_like_drift(how: str, tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_bytes(b"old")
    line = [sys.executable, "-c", ENDING, *how.split()]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert done.returncode == 74, done
    assert done.stderr.count(b"normcli: error: a library ended the run") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["o.csv", "report.json"]
    assert (tmp_path / "o.csv").read_bytes() == b"old"
    assert json.loads((tmp_path / "report.json").read_bytes())["exit_code"] == 74


# -- what can't be had -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("command", ["check", "inspect"])
def test_a_limit_is_held_against_what_a_command_takes(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    least = _guard.OF_LIGHT if command == "inspect" else _guard.LIMITS[0][2] + 2 * _guard.OF_CPU
    monkeypatch.setattr(_guard.os, "sched_getaffinity", lambda pid: {0, 1})
    monkeypatch.delenv("NORMCLI_THREADS", raising=False)
    monkeypatch.setenv(_guard.POOL, "2")
    for limit in (resource.RLIM_INFINITY, least):
        monkeypatch.setattr(_guard.resource, "getrlimit", lambda kind, limit=limit: (limit, limit))
        _guard.check_room(command, (), data=command == "check")
    monkeypatch.setattr(_guard.resource, "getrlimit", lambda kind: (least - 1, least))
    with pytest.raises(ShortageError, match=f"too little memory: .*{command} needs at least"):
        _guard.check_room(command, (), data=command == "check")


@pytest.mark.parametrize(
    ("words", "variable", "threads"),
    [
        ("", None, 64), ("--threads 1", None, 1), ("--threads=2", None, 2), ("", "3", 3), ("--threads 1", "3", 1),
        ("--threads 900", None, 64), ("--threads oops", None, 64), ("--threads", None, 64), ("--threads 0", None, 64),
    ],
)  # fmt: skip
def test_what_threads_take_is_of_those_that_are_started(
    words: str, variable: str | None, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    least = _guard.LIMITS[0][2] + threads * _guard.OF_CPU
    for name, value in ((_guard.POOL, None), ("NORMCLI_THREADS", variable)):
        monkeypatch.setenv(name, value or "")
        monkeypatch.delenv(name) if value is None else None
    monkeypatch.setattr(_guard.os, "sched_getaffinity", lambda pid: set(range(64)))
    monkeypatch.setattr(_guard.resource, "getrlimit", lambda kind: (least, least))
    _guard.check_room("fit", words.split(), data=True)
    assert os.environ[_guard.POOL] == str(threads)
    monkeypatch.setattr(_guard.resource, "getrlimit", lambda kind: (least - 1, least))
    with pytest.raises(ShortageError):
        _guard.check_room("fit", words.split(), data=True)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN])
@pytest.mark.parametrize("opens", [open_source, open_target, locked])
def test_what_can_not_be_opened_for_a_shortage_is_neither_missing_nor_forbidden(
    opens: Any, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*args: object, **options: object) -> None:
        raise OSError(number, os.strerror(number))

    for module, name in ((os, "open"), (io, "FileIO")):
        monkeypatch.setattr(module, name, short)
    with pytest.raises(ShortageError, match=os.strerror(number)), opens(str(tmp_path / "x")):
        pass


@pytest.mark.parametrize("files", [5, 9, 13, *longer(6, 7, 8, 10, 11, 12, 14, 15)])
@pytest.mark.parametrize("run", ["check CSV", "fit", "apply Parquet", "inspect"])
def test_too_few_open_files_are_no_fault_of_what_is_opened(place: Workspace, run: str, files: int) -> None:
    before = {p.name for p in place.path.iterdir()}
    done = place.run(*RUNS[run].split(), via=f'ulimit -n {files}; exec "$@"', polite=False)
    assert done.code in (0, 74), done.err
    assert done.code == 0 or {p.name for p in place.path.iterdir()} == before


@pytest.mark.parametrize("command", registry.names("cli"))
def test_help_of_a_command_needs_no_room_for_data(workspace: Workspace, command: str) -> None:
    assert b"Usage" in workspace.succeeds(command, "--help", via='ulimit -v 300000; exec "$@"').out


def imported(cause: str) -> ImportError:
    error = ImportError("an essay\nof many lines")
    error.__cause__ = ImportError(cause)
    return error


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (MemoryError(), "out of memory"),
        (
            imported("libx.so: failed to map segment"),
            "a library can't be loaded: libx.so: failed to map segment",
        ),
        (RuntimeError("can't start new thread"), "can't start new thread"),
        (BaseException('Err value: Os { code: 24, kind: TooManyOpenFiles, message: "" }'), "Os { code: 24"),
        (ValueError("thread"), None),
        (ImportError("broken"), None),
        (NameError("name 'x' is not defined"), None),
        (BaseException("LazyLock instance has previously been poisoned"), None),  # under no limit
    ],
)
def test_what_could_not_be_had_is_told_from_bugs(error: BaseException, why: str | None) -> None:
    lack = _guard.shortage(error)
    assert (lack is None) if why is None else (lack is not None and why in lack)


@pytest.mark.parametrize(
    "error", [NameError("name 'PyDataFrame' is not defined"), SystemError("without exception set")]
)
def test_a_library_in_part_is_too_little_memory_under_a_limit(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit, short in ((resource.RLIM_INFINITY, False), (1 << 30, True)):
        monkeypatch.setattr(_guard.resource, "getrlimit", lambda kind, limit=limit: (limit, limit))
        assert (_guard.shortage(error) is not None) == short
