"""fit --unseen and --min-count: kept with the parameters, and an override says of its output that it was one."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli.errors import BadDataError
from normcli.jobs.run_report_file import run_report
from normcli.parameters import Unseen
from normcli.parameters import file as params
from tests import inside
from tests.cli.conftest import Workspace
from tests.conftest import examples
from tests.test_params import checker

ROWS = b"k,x\na,1\na,3\na,5\nb,10\nb,12\nc,7\n"
NEW = b"k,x\na,2\nnew,4\nc,9\n"
FIT = ("fit", "-m", "center", "--by", "k")


@pytest.fixture
def keyed(workspace: Workspace) -> Workspace:
    """Parameters by key with rules of their own, and without; and data with a key of which they know nothing."""
    (workspace / "rows.csv").write_bytes(ROWS)
    (workspace / "new.csv").write_bytes(NEW)
    workspace.succeeds(*FIT, "rows.csv", "-p", "p.json")
    workspace.succeeds(*FIT, "rows.csv", "-p", "q.json", "--unseen", "global", "--min-count", "2")
    return workspace


def read(path: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(path.read_bytes())
    return made


# -- in the file -------------------------------------------------------------------------------------------------
def test_the_file_holds_what_is_not_the_default(keyed: Workspace) -> None:
    assert {"unseen", "min_count"}.isdisjoint(read(keyed / "p.json"))
    assert [read(keyed / "q.json")[n] for n in ("unseen", "min_count")] == ["global", 2]
    given = ("--unseen", "error", "--min-count", "1")
    assert keyed.succeeds(*FIT, "rows.csv", *given).out == (keyed / "p.json").read_bytes()
    plan = params.read((keyed / "q.json").read_bytes())
    assert params.write(plan) == (keyed / "q.json").read_bytes()
    checker().validate(read(keyed / "q.json"))
    assert "unseen   global, min-count 2" in keyed.succeeds("inspect", "q.json").out.decode()


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('"unseen": "global"', '"unseen": "pas"', r"$.unseen: must be one of"),
        ('"unseen": "global"', '"unseen": ["pass"]', r"$.unseen: must be one of"),
        ('"min_count": 2', '"min_count": -2', r"$.min_count: must not be negative"),
        ('"min_count": 2', '"min_count": 2.0', r"$.min_count: must be a whole number"),
        ('"unseen": "global"', '"unseen": "pass"', r"$.digest"),
        (' "by": [\n  "k"\n ],\n', "", r"$.unseen: there is nothing to group by"),
    ],
)
def test_what_can_not_be_in_the_file_is_refused(old: str, new: str, where: str, keyed: Workspace) -> None:
    text = (keyed / "q.json").read_text()
    assert old in text
    (keyed / "q.json").write_text(text.replace(old, new))
    assert where in keyed.fails(65, "inspect", "q.json")


def test_apply_goes_by_the_file_and_may_override_it(keyed: Workspace) -> None:
    flags = ("--unseen", "global", "--min-count", "2")
    by_file = keyed.succeeds("apply", "new.csv", "-p", "q.json")
    assert by_file.out == b"k,x\na,-1.0\nnew,-2.333333333333333\nc,2.666666666666667\n"
    overridden = keyed.succeeds("apply", "new.csv", "-p", "p.json", *flags)
    assert (overridden.out, by_file.warnings) == (by_file.out, [])
    assert keyed.succeeds("apply", "new.csv", "-p", "q.json", *flags).warnings == []
    assert "k=new was not fitted" in keyed.fails(65, "apply", "new.csv", "-p", "q.json", "--unseen", "error")
    assert keyed.succeeds("apply", "new.csv", "-p", "q.json", "--min-count", "1").out.endswith(b"\nc,2.0\n")


def test_fit_and_apply_in_one_go_by_the_same(keyed: Workspace) -> None:
    flags = ("--min-count", "3")
    keyed.succeeds(*FIT, "rows.csv", "-p", "r.json", "-o", "one.csv", *flags)
    assert (keyed / "one.csv").read_bytes() == keyed.succeeds("apply", "rows.csv", "-p", "r.json").out


# -- who agrees --------------------------------------------------------------------------------------------------
def test_update_and_merge_agree(keyed: Workspace) -> None:
    update = ("fit", "--update", "-p", "q.json", "new.csv")
    assert "--min-count 3: q.json has 2" in keyed.fails(2, *update, "--min-count", "3")
    assert "--unseen pass: q.json has global" in keyed.fails(2, *update, "--unseen", "pass")
    assert "is for parameters by key" in keyed.fails(2, "fit", "-m", "center", "--min-count", "3", "rows.csv")
    refused = keyed.fails(65, "merge", "q.json", "p.json")
    assert refused.startswith("p.json: was fitted with --unseen error, and q.json with --unseen global")
    keyed.succeeds(*FIT, "new.csv", "-p", "n.json", "--unseen", "global", "--min-count", "2")
    merged = keyed.succeeds("merge", "q.json", "n.json").out
    keyed.succeeds(*update, "--unseen", "global")
    assert (keyed / "q.json").read_bytes() == merged
    assert json.loads(merged)["min_count"] == 2
    begun = ("fit", "--update", "--create", "-m", "center", "--by", "k", "-p", "c.json", "rows.csv")
    keyed.succeeds(*begun, "--min-count", "9")
    assert read(keyed / "c.json")["min_count"] == 9


def test_relearn_keeps_them_or_sets_others(keyed: Workspace) -> None:
    keyed.succeeds("fit", "-m", "zscore", "--by", "k", "rows.csv", "-p", "z.json")
    relearn = ("fit", "--relearn", "z.json", "-m", "center")
    kept = json.loads(keyed.succeeds(*relearn, "--unseen", "pass", "--min-count", "4").out)
    assert (kept["unseen"], kept["min_count"]) == ("pass", 4)
    (keyed / "k.json").write_text(keyed.succeeds(*relearn, "--unseen", "pass", "--min-count", "4").out.decode())
    again = ("fit", "--relearn", "k.json", "-m", "center")
    assert json.loads(keyed.succeeds(*again).out)["min_count"] == 4
    assert keyed.succeeds(*again, "--unseen", "error", "--min-count", "0").out == keyed.succeeds(*relearn).out
    assert "is for parameters by key" in keyed.fails(2, "fit", "--relearn", "k.json", "-m", "unit", "--unseen", "pass")


def test_no_row_passes_where_columns_become_others(keyed: Workspace) -> None:
    pca = ("fit", "-m", "whiten", "--kind", "pca", "--by", "k", "-p", "w.json", "--unseen", "pass")
    data = b"k,x,y\na,1,2\na,3,4.5\na,5,5\n"
    assert "no row can pass as it is" in keyed.fails(2, *pca, stdin=data)
    assert not (keyed / "w.json").exists()


# -- what an override leaves behind ------------------------------------------------------------------------------
def test_the_wrong_way_back_is_refused_where_data_say_how_they_were_normalized(keyed: Workspace) -> None:
    keyed.succeeds("apply", "rows.csv", "-p", "p.json", "--min-count", "2", "-o", "o.parquet")
    back = ("apply", "o.parquet", "-p", "p.json", "--inverse")
    assert "was normalized with --min-count 2, and is restored with --min-count 2 only" in keyed.fails(65, *back)
    assert "--min-count 2 only" in keyed.fails(65, *back, "--min-count", "3")
    restored = keyed.succeeds(*back, "--min-count", "2", "--to", "csv")
    assert (restored.out, restored.warnings) == (ROWS, [])
    assert "already" in keyed.fails(65, "apply", "o.parquet", "-p", "p.json", "-o", "x.csv")
    assert "already" in keyed.fails(65, "apply", "o.parquet", "-p", "p.json", "--min-count", "3", "-o", "x.csv")
    assert "already" in keyed.fails(65, "check", "o.parquet", "-p", "p.json")
    keyed.succeeds("apply", "rows.csv", "-p", "p.json", "-o", "plain.parquet")
    said = "was normalized as the parameters say, without --min-count 2"
    assert said in keyed.fails(65, "apply", "plain.parquet", "-p", "p.json", "--inverse", "--min-count", "2")


@pytest.mark.parametrize("to", ["csv", "ndjson", "tsv"])
def test_apply_warns_of_text_that_can_be_undone_in_one_way_only(to: str, keyed: Workspace) -> None:
    flags = ("--min-count", "2")
    done = keyed.succeeds("apply", "rows.csv", "-p", "p.json", *flags, "--to", to)
    (warning,) = done.warnings
    assert "can be undone with --min-count 2 only" in warning
    keyed.fails(65, "apply", "rows.csv", "-p", "p.json", *flags, "--to", to, "-o", "o.txt", "--werror")
    assert not (keyed / "o.txt").exists()
    (keyed / "o.txt").write_bytes(done.out)
    back = keyed.succeeds("apply", "o.txt", "--from", to, "-p", "p.json", "--inverse", "--to", "csv", *flags)
    assert back.out == ROWS
    assert len(back.warnings) == 1
    assert keyed.succeeds("apply", "o.txt", "--from", to, "-p", "p.json", "--inverse").warnings == []


def test_of_many_outputs_it_is_told_once(keyed: Workspace) -> None:
    done = keyed.succeeds("apply", "rows.csv", "new.csv", "-p", "q.json", "--min-count", "0", "-o", "out/")
    assert len(done.warnings) == 1
    binary = ("-o", "binary/", "--to", "parquet", "--werror")
    keyed.succeeds("apply", "rows.csv", "-p", "q.json", "--min-count", "0", *binary)


def test_what_nobody_can_undo_needs_no_warning(keyed: Workspace) -> None:
    keyed.succeeds("fit", "-m", "minmax", "--clip", "--by", "k", "rows.csv", "-p", "m.json")
    assert keyed.succeeds("apply", "rows.csv", "-p", "m.json", "--min-count", "2").warnings == []


def test_text_that_was_normalized_in_training_can_not_be_undone(workspace: Workspace) -> None:
    data = b"x\n1\n2\n30\n40\n"
    workspace.succeeds("fit", "-m", "batch", "--batch-size", "2", "-p", "b.json", stdin=data)
    done = workspace.succeeds("apply", "-p", "b.json", "--training", stdin=data)
    assert [w for w in done.warnings if "--training: what is written can't be undone" in w] == done.warnings != []
    assert workspace.succeeds("apply", "-p", "b.json", stdin=data).warnings == []
    workspace.succeeds("apply", "-p", "b.json", "--training", "-o", "o.arrow", "--werror", stdin=data)
    refused = workspace.fails(65, "apply", "o.arrow", "-p", "b.json", "--inverse")
    assert "was normalized with --training, which can't be undone" in refused
    data = b"x,y\n1,2\n2,5\n30,1\n40,0\n"
    workspace.succeeds("fit", "-m", "batch-instance", "--channels", "1", "-p", "i.json", stdin=data)
    assert workspace.succeeds("apply", "-p", "i.json", "--training", stdin=data).warnings == []


# -- the law -----------------------------------------------------------------------------------------------------
rules = st.tuples(st.sampled_from([None, "error", "global", "missing", "pass"]), st.sampled_from([None, 0, 1, 2, 3, 9]))
Given = tuple[Unseen | None, int | None]


def flags(given: Given) -> Iterator[str]:
    for flag, value in zip(("--unseen", "--min-count"), given, strict=True):
        yield from () if value is None else (flag, str(value))


def effective(file: Given, override: Given) -> Given:
    """What rows go by, from the words of the manual."""
    unseen, least = (ours if ours is not None else theirs for ours, theirs in zip(override, file, strict=True))
    return unseen or "error", max(least or 0, 1)


@given(file=rules, there=rules, back=rules, binary=st.booleans(), new=st.booleans())
@settings(max_examples=examples(200, part=16))
def test_data_come_back_by_the_rules_that_they_went_by_or_not_at_all(
    file: Given, there: Given, back: Given, binary: bool, new: bool
) -> None:
    x = np.array([1.0, 3.0, 5.0, 10.0, 12.5, 7.0, -4.0])
    keys = ["a", "a", "a", "b", "b", "c", "new" if new else "a"]
    with TemporaryDirectory() as name:
        folder = Path(name)
        made, out = folder / ("made.parquet" if binary else "made.csv"), folder / "back.parquet"
        pq.write_table(pa.table({"k": keys[:6], "x": x[:6]}), folder / "fit.parquet")
        pq.write_table(pa.table({"k": keys, "x": x}), folder / "in.parquet")
        where = ("-p", folder / "p.json")
        inside.run("fit", folder / "fit.parquet", "-m", "center", "--by", "k", *where, *flags(file))
        ways = [effective(file, way) for way in (there, back)]
        own = effective(file, (None, None))
        try:
            inside.run("apply", folder / "in.parquet", *where, "-o", made, *flags(there))
        except BadDataError:
            assert new
            assert ways[0][0] == "error"
            return
        assert bool(run_report.result.warnings) == (not binary and ways[0] != own)
        try:
            inside.run("apply", made, *where, "-o", out, "--inverse", *flags(back))
        except BadDataError:
            assert ways[0] != ways[1]
            return
        assert bool(run_report.result.warnings) == (not binary and ways[1] != own)
        assert ways[0] == ways[1] or not binary
        if ways[0] == ways[1]:
            unseen = ways[0][0] if new else "global"
            values = pq.read_table(out)["x"].to_pylist()
            wanted = [*x[:6].tolist(), None if unseen == "missing" else float(x[6])]
            assert [v is None for v in values] == [v is None for v in wanted]
            np.testing.assert_allclose(*(np.array(a, np.float64) for a in (values, wanted)), rtol=0, atol=1e-12 * 12.5)
