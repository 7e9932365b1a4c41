"""Places where nothing can be put: told before a byte of the data is read."""

import os
from collections.abc import Callable

import pytest

from tests.robustness import runs
from tests.robustness.laws import Harness

WORDS: dict[str, tuple[str, ...]] = {
    "fit -p": ("fit", "in.csv", "-m", "zscore", "-p", "{}/new.json"),
    "fit -o": ("fit", "in.csv", "-m", "zscore", "-p", "new.json", "-o", "{}/out.csv"),
    "fit -p -o": ("fit", "in.csv", "-m", "zscore", "-p", "{}/new.json", "-o", "out.csv"),
    "fit --update": ("fit", "in.csv", "--update", "-p", "{}/p.json"),
    "apply -o": ("apply", "in.csv", "-p", "p.json", "-o", "{}/out.csv"),
    "apply --rejects": ("apply", "in.csv", "-p", "p.json", "--on-bad-row", "skip", "--rejects", "{}/rejects"),
    "apply --run-report": ("apply", "in.csv", "-p", "p.json", "-o", "out.csv", "--run-report", "{}/report"),
    "fit --run-report": ("fit", "in.csv", "-m", "zscore", "-p", "new.json", "--run-report", "{}/report"),
    "merge": ("merge", "1.json", "2.json", "-o", "{}/new.json"),
}


@pytest.mark.parametrize("place", ["missing", "a file", "read-only"])
@pytest.mark.parametrize("what", WORDS)
def test_that_is_told_before_data_is_read(what: str, place: str, harness: Callable[[str], Harness]) -> None:
    """The input is a pipe in which nobody would ever put anything."""
    here = harness("apply csv")
    folder = here.home / "workspace"
    here.scenario.prepare(here.template, folder)
    os.mkfifo(folder / "in.csv")
    there = folder / "there"
    if place == "a file":
        there.touch()
    elif place == "read-only":
        there.mkdir()
        (there / "p.json").write_bytes((folder / "p.json").read_bytes())
        there.chmod(0o555)
    said = here.home / "said"
    words = tuple(word.format("there") for word in WORDS[what])
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    code = runs.end(runs.start(words, folder, stderr=str(said), bound=True))
    lines = said.read_text().splitlines()
    expected = 66 if what == "fit --update" and place != "read-only" else 73
    broken = code != expected or len(lines) != 1 or {p: p.stat().st_mtime_ns for p in folder.rglob("*")} != before
    here.tally.count(f"directory is {place}", well=False, broken=broken)
    assert (code, len(lines)) == (expected, 1), lines
    assert not broken
