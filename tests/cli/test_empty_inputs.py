"""Inputs that hold nothing: left out where nobody has named them, refused where somebody has."""

import bz2
import gzip
import json
import lzma
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Workspace
from tests.conftest import longer

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

NOTHING = {
    "0.csv": b"",
    "1.csv.gz": gzip.compress(b""),
    "2.csv.zst": zstd.compress(b""),
    "3.csv.gz": b"",
    "4.csv": b"\n\r\n\n",
    "5.tsv": b"\xef\xbb\xbf",
    "6.ndjson.gz": gzip.compress(b" \n\n"),
    "7.parquet": b"",
    "8.arrow": b"",
    "9.arrows": b"",
    "a.csv.bz2": bz2.compress(b""),
    "b.csv.xz": lzma.compress(b"\n"),
}
SOME = b"a\n1\n2\n4\n"


@pytest.fixture
def parts(workspace: Workspace) -> Workspace:
    """A directory as Spark writes it: a few files, and one for each partition that has no row."""
    (workspace / "in").mkdir()
    for name, data in NOTHING.items() | {"0a.csv": SOME, "9a.csv": SOME, "8a.csv": b"a\n"}.items():
        (workspace / "in" / name).write_bytes(data)
    (workspace / "full").mkdir()
    for name in ("0a.csv", "8a.csv", "9a.csv"):
        (workspace / "full" / name).write_bytes((workspace / "in" / name).read_bytes())
    return workspace


def report(path: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(path.read_bytes())
    return found


@pytest.mark.parametrize(
    "method", [["zscore"], *longer(["unit"], ["robust", "--exact"], ["batch", "--batch-size", "2"])]
)
@pytest.mark.parametrize("name", ["in", "in/*"])
def test_they_are_left_out_and_counted(parts: Workspace, name: str, method: list[str]) -> None:
    """The same results as without them, of fit, of fit -o and of apply, into one output and into a directory."""
    for given, into in ((name, "a"), ("full", "b")):
        (parts / into).mkdir()
        runs = [
            parts.succeeds("fit", "-m", *method, given, "-p", f"{into}/p.json", "-o", f"{into}/one.csv"),
            parts.succeeds("fit", "-m", *method, given, "-p", f"{into}/q.json", "-o", f"{into}/many/"),
            parts.succeeds("apply", given, "-p", f"{into}/p.json", "-o", f"{into}/two.csv"),
            parts.succeeds("apply", given, "-p", f"{into}/p.json", "-o", f"{into}/more/", "--run-report", "r.json"),
        ]
        for done in runs:
            assert (f"{len(NOTHING)} empty inputs left out" in done.err) is (into == "a")
            assert not done.warnings
            assert "6 rows of 3 inputs" in done.err
        said = report(parts / "r.json")
        assert said["inputs_empty"] == ([f"in/{n}" for n in sorted(NOTHING)] if into == "a" else [])
        assert [str(n).partition("/")[2] for n in said["inputs"]] == ["0a.csv", "8a.csv", "9a.csv"]  # type: ignore[attr-defined]
    made = {p.relative_to(parts / "a"): p.read_bytes() for p in (parts / "a").rglob("*.*") if p.name[0] != "."}
    assert made == {p.relative_to(parts / "b"): p.read_bytes() for p in (parts / "b").rglob("*.*") if p.name[0] != "."}


def test_check_and_update_leave_them_out(parts: Workspace) -> None:
    parts.succeeds("fit", "-m", "zscore", "full", "-p", "p.json")
    assert f"{len(NOTHING)} empty inputs left out" in parts.succeeds("check", "in", "-p", "p.json").err
    parts.succeeds("fit", "-m", "zscore", "full/0a.csv", "-p", "u.json")
    done = parts.succeeds("fit", "--update", "-p", "u.json", "in")
    assert f"{len(NOTHING)} empty inputs left out" in done.err
    assert len(done.warnings) == 2  # both files, and no other, were counted already


def test_what_is_left_of_a_run_may_be_empty(parts: Workspace) -> None:
    parts.succeeds("fit", "-m", "zscore", "full", "-p", "p.json")
    parts.succeeds("apply", "in", "-p", "p.json", "-o", "out/")
    done = parts.succeeds("apply", "in", "-p", "p.json", "-o", "out/", "--resume")
    assert f"3 of {len(NOTHING) + 3} complete" in done.err
    assert f"{len(NOTHING)} empty inputs left out" in done.err
    assert sorted(p.name for p in (parts / "out").iterdir() if p.name[0] != ".") == ["0a.csv", "8a.csv", "9a.csv"]


@pytest.mark.parametrize("name", NOTHING)
def test_one_that_was_named_is_refused(parts: Workspace, name: str) -> None:
    (parts / "p.json").write_bytes(b"as it was")
    (parts / "list").write_text(f"in/0a.csv\nin/{name}\n")
    others = [["in/0a.csv", f"in/{name}"], ["--files-from", "list"]] if name == "0.csv" else []
    for names in ([f"in/{name}"], *others):
        done = parts.run("fit", "-m", "center", *names, "-p", "p.json")
        assert (done.code, len(done.errors)) == (65, 1)
        assert f"in/{name}: is empty" in done.errors[0]
        assert (parts / "p.json").read_bytes() == b"as it was"


@pytest.mark.parametrize("name", ["none", "none/*"])
def test_so_is_a_directory_of_nothing_else(parts: Workspace, name: str) -> None:
    (parts / "none").mkdir()
    for n, data in NOTHING.items():
        (parts / "none" / n).write_bytes(data)
    parts.succeeds("fit", "-m", "zscore", "full", "-p", "p.json")
    for line in (["fit", "-m", "zscore", "-p", "q.json"], ["check", "-p", "p.json"], ["apply", "-p", "p.json"]):
        for more in ([], ["-o", "out/"]) if line[0] != "check" else ([],):
            done = parts.run(*line, name, *more)
            assert (done.code, len(done.errors), done.out) == (65, 1, b"")
            assert "every file in it is empty" in done.errors[0]
            assert not (parts / "q.json").exists()


def test_a_damaged_file_is_not_empty(parts: Workspace) -> None:
    (parts / "in" / "1.csv.gz").write_bytes(NOTHING["1.csv.gz"][:-1])
    done = parts.run("fit", "-m", "zscore", "in", "-p", "p.json")
    assert (done.code, len(done.errors)) == (65, 1)
    assert "in/1.csv.gz: the gzip data are truncated" in done.errors[0]
