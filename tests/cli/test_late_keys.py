"""Keys of NDJSON that the first rows do not have are columns like others."""

import json
from typing import Any

import pytest

from tests.cli.conftest import Workspace
from tests.conftest import longer

FIRST = 1000  # rows that tell which columns there are


def lines(rows: int = FIRST + 5, **late: Any) -> str:
    """Rows of a; from row 1,001 on with the late keys, too."""
    return "".join(json.dumps({"a": i} | (late if i >= FIRST else {})) + "\n" for i in range(rows))


@pytest.fixture
def late(workspace: Workspace) -> Workspace:
    (workspace / "late.ndjson").write_text(lines(late=2.5))
    (workspace / "never.ndjson").write_text(lines())
    return workspace


def test_fit_warns_of_numbers_that_it_leaves_out(late: Workspace) -> None:
    done = late.succeeds("fit", "late.ndjson", "-m", "center", "-p", "p.json")
    assert done.warnings == [
        "normcli: warning: late.ndjson:1001: column 'late' is left out: the first rows do not have it (-c takes it)"
    ]
    assert late.succeeds("fit", "late.ndjson", "-m", "center", "-x", "late", "-p", "p.json").warnings == []
    assert late.succeeds("fit", "late.ndjson", "-m", "center", "-c", "a", "-p", "p.json").warnings == []
    late.fails(65, "fit", "late.ndjson", "-m", "center", "--werror", "-p", "p.json")
    late.fails(65, "fit", "late.ndjson", "-m", "center", "-c", "a,l*", "--werror", "-p", "p.json")
    for other in ("text", None, [1], True):
        (late / "other.ndjson").write_text(lines(late=other))
        assert late.succeeds("fit", "other.ndjson", "-m", "center", "-p", "p.json").warnings == []


def test_each_column_is_warned_of_once(late: Workspace) -> None:
    (late / "more.ndjson").write_text(lines(late=1, later=2))
    done = late.succeeds("fit", "late.ndjson", "more.ndjson", "-m", "center", "-p", "p.json")
    assert [w.split(": ")[2] for w in done.warnings] == ["late.ndjson:1001", "more.ndjson:1001"]


@pytest.mark.parametrize("selector", ["late", *longer("a,late")])
def test_a_late_column_is_taken(late: Workspace, selector: str) -> None:
    late.succeeds("fit", "late.ndjson", "-m", "minmax", "-c", selector, "-p", "p.json", "-o", "o.ndjson")
    about = json.loads((late / "p.json").read_bytes())["steps"][0]["columns"]["late"]
    assert (about["count"], about["mean"]) == (5, 2.5)
    late.succeeds("apply", "late.ndjson", "-p", "p.json", "-o", "q.ndjson", "--no-extra", "--check=warn")
    assert (late / "q.ndjson").read_bytes() == (late / "o.ndjson").read_bytes()
    rows = [json.loads(line) for line in (late / "q.ndjson").read_bytes().splitlines()]
    assert ["late" in row for row in rows] == [i >= FIRST for i in range(FIRST + 5)]
    late.succeeds("check", "late.ndjson", "-p", "p.json")
    late.succeeds("fit", "--update", "-p", "p.json", "late.ndjson", "--recount")


def test_a_column_that_never_comes_is_missing(late: Workspace) -> None:
    said = "never.ndjson: no column is called late (there are a)"
    assert late.fails(65, "fit", "never.ndjson", "-m", "center", "-c", "late", "-p", "p.json") == said
    late.succeeds("fit", "late.ndjson", "-m", "center", "-c", "late", "-p", "p.json")
    assert late.fails(65, "apply", "never.ndjson", "-p", "p.json", "-o", "o.ndjson") == said
    assert "late (gone)" in late.run("check", "never.ndjson", "-p", "p.json").errors[-1]
    (late / "few.ndjson").write_text(lines(3))
    assert "called 'late'" in late.fails(65, "fit", "few.ndjson", "-m", "center", "-c", "late", "-p", "p.json")


def test_late_columns_are_extra(late: Workspace) -> None:
    late.succeeds("fit", "never.ndjson", "-m", "center", "-p", "p.json")
    assert late.fails(65, "apply", "late.ndjson", "-p", "p.json", "-o", "o.ndjson", "--no-extra") == (
        "late.ndjson:1001: a column that was not fitted: late (without --no-extra it passes)"
    )
    late.succeeds("apply", "late.ndjson", "-p", "p.json", "-o", "o.ndjson")
    assert b'"late":2.5' in (late / "o.ndjson").read_bytes().replace(b" ", b"")
    assert b"new      late" in late.succeeds("check", "late.ndjson", "-p", "p.json").out
    done = late.run("check", "late.ndjson", "-p", "p.json", "--no-extra")
    assert (done.code, done.errors) == (1, ["normcli: error: drift: late (new)"])


def test_late_keys_of_groups(late: Workspace) -> None:
    (late / "keys.ndjson").write_text(lines(k="u"))
    done = late.succeeds("fit", "keys.ndjson", "-m", "center", "-c", "a", "--by", "k", "-p", "p.json", "-o", "o.ndjson")
    assert done.warnings == []
    assert [entry["key"] for entry in json.loads((late / "p.json").read_bytes())["keys"]] == [[None], ["u"]]
    late.succeeds("apply", "keys.ndjson", "-p", "p.json", "-o", "q.ndjson")
    assert (late / "q.ndjson").read_bytes() == (late / "o.ndjson").read_bytes()


@pytest.mark.parametrize("rows", [3, 3000])
def test_all_columns_that_never_come_are_named_at_once(workspace: Workspace, rows: int) -> None:
    (workspace / "both.csv").write_text("discount,rating\n1,2\n2,4\n")
    workspace.succeeds("fit", "both.csv", "-m", "center", "-p", "p.json")
    (workspace / "lacks.ndjson").write_text(lines(rows))
    said = workspace.fails(65, "apply", "lacks.ndjson", "-p", "p.json", "-o", "o.csv")
    assert said.startswith("lacks.ndjson: no columns are called discount, rating")
