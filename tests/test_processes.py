"""A forked run is the run of a process of its own: exit code, output, error and files."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests import processes
from tests.cli.conftest import PATIENCE, TABLE, environment

NULL = subprocess.DEVNULL
PIPES = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
FIT = ("fit", "-m", "zscore", "-p", "p.json")
LINES = [
    [("--help",), ("methods",), ("methods", "whiten")],
    [(*FIT, "table.csv"), ("apply", "-p", "p.json"), ("inspect", "p.json")],
    [(*FIT, "-v"), ("apply", "-p", "p.json", "table.csv", "-o", "z.parquet"), ("apply", "-p", "p.json", "z.parquet")],
    [("fit", "-m", "whiten", "table.csv", "-o", "-", "-p", "w.json"), ("merge", "w.json", "w.json")],
    [("fit",), ("no-command",), (*FIT, "no.csv"), (*FIT, "ragged.csv"), (*FIT[:3], "table.csv", "-p", "no/p.json")],
]


def seen(how: type[subprocess.Popen[bytes]], path: Path, lines: list[tuple[str, ...]]) -> list[object]:
    """All that can be seen of these runs, one after the other, but for how long they took."""
    path.mkdir()
    (path / "table.csv").write_bytes(TABLE)
    (path / "ragged.csv").write_bytes(TABLE + b"x,1\n")
    found: list[object] = []
    for line in lines:
        words = [*processes.WORDS, *line]
        with how(words, cwd=path, env=environment({"COLUMNS": "50"}), **PIPES) as process:
            out, err = process.communicate(TABLE, PATIENCE)
        found += [process.returncode, out, re.sub(rb"[\d.]+ s\b", b"", err.replace(bytes(path), b""))]
    return [*found, {file.name: file.read_bytes() for file in path.iterdir()}]


@pytest.mark.parametrize("lines", LINES, ids=lambda lines: " ".join(lines[0]))
def test_both_ways_are_the_same(tmp_path: Path, lines: list[tuple[str, ...]]) -> None:
    assert seen(processes.Forked, tmp_path / "a", lines) == seen(subprocess.Popen, tmp_path / "b", lines)


def test_a_fork_begins_when_it_is_forked(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(TABLE)
    begun = time.monotonic()
    words = [*processes.WORDS, *FIT, "table.csv", "--run-report", "r.json"]
    with processes.Forked(words, cwd=tmp_path, env=environment(), stdin=NULL, stdout=NULL, stderr=NULL) as process:
        assert process.wait(PATIENCE) == 0
    assert json.loads((tmp_path / "r.json").read_bytes())["seconds"] <= time.monotonic() - begun


def test_so_is_the_end_by_a_signal(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(TABLE)
    reading, writing = os.pipe()
    os.close(reading)
    for how in (processes.Forked, subprocess.Popen):
        words = [*processes.WORDS, *FIT[:3], "table.csv"]
        with how(words, cwd=tmp_path, env=environment(), stdin=NULL, stdout=writing, stderr=NULL) as process:
            assert process.wait(PATIENCE) == -signal.SIGPIPE
    os.close(writing)


def test_what_is_read_at_start_takes_a_process_of_its_own(tmp_path: Path) -> None:
    run = processes.start(["--version"], cwd=tmp_path, env=environment({"PYTHONUTF8": "0"}), stdout=subprocess.DEVNULL)
    with run:
        assert type(run) is subprocess.Popen
