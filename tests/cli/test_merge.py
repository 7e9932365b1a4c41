"""normcli merge: partial fits become the one over all the data, or it is said what keeps them apart."""

import json
from functools import cache
from pathlib import Path

import pytest

from tests.cli.conftest import Workspace, run

ROWS = [b"%d,%g,x\n" % (i, (i * 37 % 11) / 3) for i in range(12)]
HEADER = b"a,b,c\n"


@cache
def fitted(data: bytes) -> bytes:
    return run("fit", "-m", "whiten", cwd=Path("/"), stdin=data).out


@pytest.fixture
def parts(workspace: Workspace) -> list[str]:
    """The parameter files of three parts."""
    for i in range(3):
        data = HEADER + b"".join(ROWS[4 * i : 4 * i + 4])
        (workspace / f"{i}.csv").write_bytes(data)
        (workspace / f"part-{i}.json").write_bytes(fitted(data))
    return [f"part-{i}.json" for i in range(3)]


def test_parts_are_the_whole(workspace: Workspace, parts: list[str]) -> None:
    whole = workspace.succeeds("fit", "-m", "whiten", "0.csv", "1.csv", "2.csv").out
    done = workspace.succeeds("merge", *parts, "-o", "whole.json", "--run-report", "r.json")
    assert done.lines == ["normcli: merged whiten: 12 rows of 3 files -> whole.json"]
    assert (workspace / "whole.json").read_bytes() == whole
    report = json.loads((workspace / "r.json").read_bytes())
    told = {k: report[k] for k in ("command", "method", "inputs", "output", "rows_in", "exit_code")}
    assert told == {
        "command": "merge", "method": "whiten", "inputs": parts, "output": "whole.json", "rows_in": 12, "exit_code": 0,
    }  # fmt: skip
    assert report["digest"] == json.loads(whole)["digest"]
    with (workspace / parts[1]).open("rb") as file:
        assert workspace.succeeds("merge", parts[0], "-", parts[2], stdin=file).out == whole
    workspace.succeeds("merge", *parts, "-o", parts[0])
    assert (workspace / parts[0]).read_bytes() == whole


@pytest.mark.soak
def test_what_keeps_them_apart_is_said(workspace: Workspace, parts: list[str]) -> None:
    workspace.params()
    assert workspace.fails(65, "merge", *parts, "p.json", "-o", parts[0]).startswith(
        "p.json: is of zscore, and part-0.json"
    )
    twice = workspace.fails(65, "merge", parts[0], parts[1], parts[0], "-o", "out.json")
    assert twice.startswith("part-0.json: 1 of the inputs that it has counted was counted before, first by part-0.json")
    assert b'"rows": 12' in workspace.succeeds("merge", parts[0], parts[1], parts[0], "--allow-duplicates").out
    assert workspace.fails(66, "merge", parts[0], "absent.json").startswith("absent.json: ")
    assert "Missing argument" in workspace.fails(2, "merge")
    assert "standard input is given twice" in workspace.fails(2, "merge", "-", "-")
    assert workspace.fails(65, "merge", "-", stdin=b"{}").startswith("<stdin>: $")
    assert workspace.fails(73, "merge", parts[0], "-o", "no/whole.json").startswith("no/whole.json: ")


def test_constants_are_warned_of_and_words_kept(workspace: Workspace) -> None:
    for i in range(2):
        workspace.succeeds("fit", "-m", "zscore", "--note", "ours", "-p", f"{i}.json", stdin=b"a,b\n1,%d\n" % i)
    done = workspace.succeeds("merge", "0.json", "1.json", "-q")
    assert done.warnings == ["normcli: warning: constant: a; it comes out as 0 (-x a leaves it out)"]
    assert b'"note": "ours"' in done.out
    assert b'"note": "mine"' in workspace.succeeds("merge", "0.json", "1.json", "--note", "mine").out


def test_steps_are_counted_in_words(workspace: Workspace) -> None:
    (workspace / "plan.toml").write_text(
        '[[steps]]\nmethod = "log1p"\ncolumns = ["a"]\n[[steps]]\nmethod = "zscore"\ncolumns = ["a"]\n'
    )
    workspace.succeeds("fit", "table.csv", "--plan", "plan.toml", "-p", "two.json")
    workspace.params("zscore", "-c", "a")
    assert workspace.fails(65, "merge", "two.json", "p.json").startswith("p.json: has 1 step, and two.json 2")
