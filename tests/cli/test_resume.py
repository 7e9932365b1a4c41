"""Going on after a run into a directory was ended."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from normcli.io.manifest import NAME
from tests.cli.conftest import TABLE, Workspace, environment
from tests.conftest import longer

FILES = 12


@pytest.fixture
def tree(workspace: Workspace) -> Workspace:
    workspace.params()
    for number in range(FILES):
        path = workspace / "in" / f"k={number % 3}" / f"{number:02}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(TABLE * 1 + b"x,%d,1,2\n" % number)
    workspace.succeeds("apply", "-p", "p.json", "in", "-o", "undisturbed/", "--to", "parquet")
    return workspace


def apply(workspace: Workspace, *more: str, output: str = "out/") -> str:
    return workspace.succeeds("apply", "-p", "p.json", "in", "-o", output, "--to", "parquet", *more).err


def written(folder: Path) -> dict[str, bytes]:
    """All files but the manifest."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != NAME}


def test_what_is_complete_is_left_and_what_is_not_is_made(tree: Workspace) -> None:
    assert f"0 of {FILES} complete" in apply(tree, "--resume")
    before = {p: p.stat().st_mtime_ns for p in (tree / "out").rglob("*.parquet")}
    (tree / "in" / "k=0" / "00.csv").write_bytes(TABLE)  # one input changed
    path = tree / "out" / "k=1" / "01.parquet"  # one output truncated
    path.write_bytes(path.read_bytes()[:-1])
    (tree / "out" / "k=2" / "02.parquet").unlink()  # one gone
    flipped = bytearray((tree / "out" / "k=0" / "03.parquet").read_bytes())
    flipped[20] ^= 1
    (tree / "out" / "k=0" / "03.parquet").write_bytes(flipped)
    assert f"{FILES - 4} of {FILES} complete, 4 left" in apply(tree, "--resume")
    after = {p: p.stat().st_mtime_ns for p in (tree / "out").rglob("*.parquet")}
    assert sorted(p.stem for p in after if before.get(p) != after[p]) == ["00", "01", "02", "03"]
    apply(tree, output="fresh/")
    assert written(tree / "out") == written(tree / "fresh")
    assert f"{FILES} of {FILES} complete" in apply(tree, "--resume")


@pytest.mark.parametrize("change", [["--only"], *longer(["--inf", "missing"], ["--no-extra"])])
def test_another_option_makes_all_anew(change: list[str], tree: Workspace) -> None:
    apply(tree)
    assert f"0 of {FILES} complete" in apply(tree, *change, "--resume")


def test_other_parameters_make_all_anew_and_other_threads_nothing(tree: Workspace) -> None:
    apply(tree, "--threads", "2")
    assert f"{FILES} of {FILES} complete" in apply(tree, "--resume", "--threads", "1", "-v")
    tree.params("minmax")
    assert f"0 of {FILES} complete" in apply(tree, "--resume")


def test_by_content_a_touched_input_is_the_same(tree: Workspace) -> None:
    apply(tree, "--resume=digest")
    os.utime(tree / "in" / "k=0" / "00.csv")
    assert f"{FILES} of {FILES} complete" in apply(tree, "--resume=digest")
    path = tree / "in" / "k=0" / "00.csv"
    status = path.stat()
    path.write_bytes(path.read_bytes().replace(b"north", b"South"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert f"{FILES - 1} of {FILES} complete" in apply(tree, "--resume=digest")


@pytest.mark.parametrize(
    "damage", [b"{", b"\xff\n", *longer(b'{"output": 3}\n', b"[]\n", b'{"output": "k=0/00.parquet"}\n')]
)
def test_a_manifest_cut_short_costs_no_more_than_its_last_line(damage: bytes, tree: Workspace) -> None:
    apply(tree)
    with (tree / "out" / NAME).open("ab") as file:
        file.write(damage)
    assert " complete" in apply(tree, "--resume")
    assert written(tree / "out") == written(tree / "undisturbed")
    assert f"{FILES} of {FILES} complete" in apply(tree, "--resume")


@pytest.mark.parametrize("wait", [0.2, 0.35, *longer(0.3, 0.4, 0.5)])
def test_killed_and_resumed_is_as_if_undisturbed(wait: float, tree: Workspace) -> None:
    run = tree.start("apply", "-p", "p.json", "in", "-o", "out/", "--to", "parquet")
    time.sleep(wait)
    run.send_signal(signal.SIGKILL)
    run.wait()
    stale = tree / "out" / "k=0" / ".normcli-0123.tmp"
    stale.parent.mkdir(parents=True, exist_ok=True)
    stale.write_bytes(b"half")
    apply(tree, "--resume")
    assert written(tree / "out") == written(tree / "undisturbed")
    assert tree.temporaries() == []


KILLED = """
import os, signal, sys
from normcli.io import journal
from normcli.__main__ import main
journal.LINES, journal.SECONDS = 4, 60.0
left = [int(sys.argv.pop(1))]
def dying(self, *line):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, *line)
real, journal.Journal.WHERE = journal.Journal.WHERE, dying
sys.exit(main())
"""


@pytest.mark.parametrize(
    "death", [("add", 6, 6), ("_sync", 1, 5), *longer(("add", 1, 1), ("settle", 9, 8), ("_sync", 2, 9))]
)
@pytest.mark.parametrize("power", ["on", "lost"])
def test_killed_between_a_file_and_its_line_it_is_made_again(
    death: tuple[str, int, int], power: str, tree: Workspace
) -> None:
    """Files whose lines are not there yet, or not synced when the power is lost, are made again; no other ones."""
    where, turn, complete = death
    line = [sys.executable, "-c", KILLED.replace("WHERE", where), str(turn)]
    line += ["apply", "-p", "p.json", "in", "-o", "out/", "--to", "parquet"]
    done = subprocess.run(line, cwd=tree.path, env=environment(), capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    path = tree / "out" / NAME
    lines = path.read_bytes().splitlines(keepends=True)
    if power == "lost":  # and with it lines that were not synced, and what all but the first of these are of
        synced = 1 + (len(lines) - 1 - (where == "_sync")) // 4 * 4
        for entry in map(json.loads, lines[synced + 1 :]):
            (tree / "out" / entry["output"]).unlink()
        lines = lines[:synced]
        path.write_bytes(b"".join(lines))
    assert len(lines) == complete or power == "lost"
    assert f"{len(lines)} of {FILES} complete" in apply(tree, "--resume")
    assert written(tree / "out") == written(tree / "undisturbed")
    assert tree.temporaries() == []


def test_an_unfinished_file_of_a_run_that_goes_on_is_left(tree: Workspace) -> None:
    """A run stalled in a pipe has its temporary; another run's --resume must not take it away."""
    os.mkfifo(tree / "pipe")
    (tree / "out" / "k=0").mkdir(parents=True)
    stalled = tree.start("apply", "-p", "p.json", "pipe", "-o", "out/k=0/stalled.csv")
    with (tree / "pipe").open("wb", buffering=0) as pipe:
        pipe.write(TABLE)
        deadline = time.monotonic() + 20
        while not tree.temporaries() and time.monotonic() < deadline:
            time.sleep(0.01)
        apply(tree, "--resume")
        assert len(tree.temporaries()) == 1
    assert stalled.wait() == 0
    assert (tree / "out" / "k=0" / "stalled.csv").read_bytes().count(b"\n") == TABLE.count(b"\n")


def test_resume_is_for_a_directory(tree: Workspace) -> None:
    assert "directory, and o.csv is the name of a file (a slash at its end makes one: -o out/)" in tree.fails(
        2, "apply", "-p", "p.json", "table.csv", "-o", "o.csv", "--resume"
    )


def test_what_was_rejected_is_told_again(tree: Workspace) -> None:
    (tree / "in" / "k=1" / "01.csv").write_bytes(TABLE + b"1,2\n")
    skip = ("--resume", "--on-bad-row", "skip", "--rejects", "rejects")
    apply(tree, *skip)
    before = (tree / "rejects").read_bytes()
    assert before.count(b"\n") == 1
    (tree / "out" / "k=0" / "00.parquet").unlink()
    assert f"{FILES - 2} of {FILES} complete" in apply(tree, *skip)
    assert (tree / "rejects").read_bytes() == before


# -- judged as a whole run is ------------------------------------------------------------------------------------
GATES: dict[str, tuple[str, ...]] = {
    "warnings": (),
    "warnings are errors": ("--werror",),
    "drift": ("--check=warn",),
    "drift is an error": ("--check=warn", "--werror"),
    "no verdict": ("--check=warn", "--min-rows", "2000", "--werror"),
    "fewest rows": ("--min-rows", "2000"),
    "rejects": ("--on-bad-row", "skip", "--max-bad-rows", "3", "--rejects", "rejects"),
    "too many rejects": ("--on-bad-row", "skip", "--max-bad-rows", "2"),
    "warnings and rejects": ("--on-bad-row", "skip", "--werror"),
}
TELLING = ("exit_code", "rows_in", "rows_out", "rows_rejected", "warnings", "drift")
FITTED = b"k,x,y,i\n" + b"".join(b"%s,%d.5,%d,%d\n" % (b"ab"[n % 2 :][:1], n * 7 % 31, n, n) for n in range(60))


def day(number: int) -> bytes:
    """Rows of one file: with gaps, keys that were not fitted, whole numbers beyond 2^53, a new column."""
    more, name = (b",new", b",1") if number % 2 else (b"", b"")
    rows = [
        b"%s,%s,%d,%d"
        % (b"abc"[n % 3 :][:1], b"" if n % 9 < number else b"%d.25" % (n * 11 % 40), n - number, 2**53 + n)
        for n in range(20)
    ]
    return b"k,x,y,i" + more + b"\n" + b"\n".join(row + name for row in rows) + b"\n"


@pytest.fixture
def days(workspace: Workspace) -> Workspace:
    (workspace / "fitted.csv").write_bytes(FITTED)
    (workspace / "in").mkdir()
    for number in range(4):
        (workspace / "in" / f"{number}.csv").write_bytes(day(number))
    return workspace


def verdict(workspace: Workspace, *words: str) -> tuple[object, ...]:
    """All that a run into a directory says of the data, and what is there then."""
    done = workspace.run("apply", "in", "-p", "p.json", *words, "--run-report", "r.json")
    report = json.loads((workspace / "r.json").read_bytes())
    (workspace / "r.json").unlink()
    summary = [line.split(" columns")[0] for line in done.lines if line.startswith("normcli: applied")]
    error = [line.split(", and --werror")[0].split("; ")[0].split(" (")[0] for line in done.errors]
    return done.code, done.warnings, error, summary, {name: report.get(name) for name in TELLING}


@pytest.mark.parametrize(
    "method", [("zscore", "--by", "k"), *longer(("unit",), ("zscore",), ("batch", "--batch-size", "7"))]
)
@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("lost", ["", "1", *longer("0", "3", "02", "013", "0123")])
@pytest.mark.parametrize("empty", ["024", *longer("")])
def test_a_run_that_goes_on_is_judged_as_a_whole_one(
    method: tuple[str, ...], gate: str, lost: str, empty: str, days: Workspace
) -> None:
    """Whatever is complete already, and wherever an input is empty: the same exit code, warnings and counts, and the
    same files."""
    for number in empty:
        (days / "in" / f"{number}-.csv").touch()  # before the input of this number, or after all
    for number in (2, 3) if "rejects" in gate else ():
        with (days / "in" / f"{number}.csv").open("ab") as file:
            file.write(b"a,1\n")
    days.succeeds("fit", "fitted.csv", "-m", *method, "-c", "x,y,i", "-p", "p.json")
    words = (*(("--unseen", "global") if "--by" in method else ()), *GATES[gate])
    whole = verdict(days, *words, "-o", "whole/")
    days.run("apply", "in", "-p", "p.json", *(w for w in words if w != "--werror"), "-o", "out/")
    for number in map(int, lost):
        (days / "out" / f"{number}.csv").unlink(missing_ok=True)
    assert verdict(days, *words, "-o", "out/", "--resume") == whole
    if whole[0] == 0:
        assert written(days / "out") == written(days / "whole")


def test_an_entry_has_the_warnings_of_its_own_input(days: Workspace) -> None:
    """Also where the file is made after others that were warned of: a later run makes those alone anew."""
    days.succeeds("fit", "fitted.csv", "-m", "unit", "-c", "x,y", "-p", "p.json")
    for number, gaps in enumerate((b"a,,1,1\n", b"", b"a,,1,1\n", b"")):
        (days / "in" / f"{number}.csv").write_bytes(b"k,x,y,i\na,1,1,1\n" + gaps)
    line = ("apply", "in", "-p", "p.json", "-o", "out/")
    days.succeeds(*line)
    whole = (days / "out" / NAME).read_bytes()
    for number in (1, 3):
        (days / "out" / f"{number}.csv").unlink()
    assert len(days.succeeds(*line, "--resume").warnings) == 2
    assert set((days / "out" / NAME).read_bytes().splitlines()) == set(whole.splitlines())


def test_what_the_manifest_does_not_tell_is_measured_anew(days: Workspace) -> None:
    days.succeeds("fit", "fitted.csv", "-m", "zscore", "-c", "x,y", "-p", "p.json")
    line = ("apply", "in", "-p", "p.json", "-o", "out/")
    days.succeeds(*line)
    assert "4 of 4 complete" in days.succeeds(*line, "--resume").err
    done = days.succeeds(*line, "--resume", "--check=warn")
    assert "0 of 4 complete" in done.err
    assert done.warnings
    again = days.succeeds(*line, "--resume", "--check=warn")
    assert "4 of 4 complete" in again.err
    assert again.warnings == done.warnings
    assert "4 of 4 complete" in days.succeeds(*line, "--resume").err


DAMAGES: dict[str, Callable[[Any], object]] = {
    "no counts": lambda entry: entry.pop("tally"),
    "counts are none": lambda entry: entry.update(tally=[1]),
    "rows": lambda entry: entry["tally"].update(rows="9"),
    "no states": lambda entry: entry["watch"].pop("states"),
    "other states": lambda entry: entry["watch"]["states"][0].pop(),
    "other columns": lambda entry: entry["watch"]["states"][0][0].update(mean=[[1.0]]),
    "text in states": lambda entry: entry["watch"]["states"][0][0].update(mean=[["x", "y"]]),
    "other counts": lambda entry: entry["watch"].update(counts=[1]),
    "changes": lambda entry: entry["watch"].update(changes=[{"column": 3}]),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_manifest_that_says_something_else_is_not_believed(damage: str, days: Workspace) -> None:
    days.succeeds("fit", "fitted.csv", "-m", "zscore", "-c", "x,y", "-p", "p.json")
    for number in (1, 2, 3):
        (days / "in" / f"{number}.csv").unlink()
    line = ("apply", "in", "-p", "p.json", "-o", "out/", "--check=warn", "--resume")
    first = days.succeeds(*line)
    entry = json.loads((days / "out" / NAME).read_bytes())
    DAMAGES[damage](entry)
    (days / "out" / NAME).write_text(json.dumps(entry) + "\n")
    again = days.succeeds(*line)
    assert "0 of 1 complete" in again.err
    assert again.warnings == first.warnings
