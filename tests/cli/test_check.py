"""normcli check and apply --check: exit 1 is drift and nothing else, and an OUTPUT that drifted data would have
replaced is what it was."""

import gzip
import json
import os
import re
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import click
import numpy as np
import pytest

from normcli.cli import main
from normcli.drift.measures import measures
from normcli.errors import NormcliError
from tests.cli.conftest import Workspace

ROWS = 60


def table(seed: int, *, shift: float = 0.0, rows: int = ROWS) -> bytes:
    r = np.random.default_rng(seed)
    lines = [f"n{i % 3},{r.normal() + shift!r},{i * 7 % 10 / 10},{i % 4 + 1}" for i in range(rows)]
    return "\n".join(["site,a,b,w", *lines, ""]).encode()


@pytest.fixture
def here(workspace: Workspace) -> Workspace:
    """With data, parameters fitted on them, and data that have moved."""
    (workspace / "old.csv").write_bytes(table(1))
    (workspace / "moved.csv").write_bytes(table(2, shift=9.0))
    assert within(workspace, "fit", "old.csv", "-m", "zscore", "-c", "a,b", "-p", "p.json") == 0
    return workspace


def within(workspace: Workspace, *args: str) -> int:
    """The exit code of a command, called in this process."""
    before = Path.cwd()
    os.chdir(workspace.path)
    try:
        with main.make_context("normcli", list(args)) as ctx:
            main.invoke(ctx)
    except NormcliError as e:
        return e.code
    except click.UsageError:
        return 2
    finally:
        os.chdir(before)
    return 0


def document(workspace: Workspace, capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = within(workspace, "check", *args, "--json")

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return code, json.loads(capsys.readouterr().out, parse_constant=refuse)


# -- check -------------------------------------------------------------------------------------------------------
def test_what_is_as_it_was_is_exit_0_and_a_table(here: Workspace) -> None:
    done = here.succeeds("check", "old.csv", "-p", "p.json")
    lines = done.out.decode().splitlines()
    assert lines[:2] == ["rows     60, fitted 60", ""]
    heads = ["column", "mean", "fitted mean", "shift", "scale", "outside", "missing", "fitted missing"]
    heads += ["ks", "wasserstein", "psi", "drift"]
    assert re.split(" {2,}", lines[2]) == heads
    assert [line.split()[0] for line in lines[3:5]] == ["a", "b"]
    assert done.lines[0].startswith("normcli: check zscore: no drift: 60 rows, 2 columns, ")
    assert here.succeeds("check", "old.csv", "-p", "p.json", "-q").err == ""


def test_drift_is_exit_1_with_the_whole_table_and_one_line_that_names_it(here: Workspace) -> None:
    done = here.run("check", "moved.csv", "-p", "p.json", "-q", "--run-report", "r.json")
    assert done.code == 1
    assert done.out.decode().splitlines()[3].endswith("shift, outside, ks, wasserstein, psi")
    assert len(done.lines) == 1
    assert done.lines[0].startswith("normcli: error: drift: a (shift +")
    report = json.loads((here / "r.json").read_text())
    assert (report["exit_code"], report["drift"], report["command"], report["rows_in"]) == (1, True, "check", 60)
    assert report["error"].startswith("drift: a (")


def test_the_object_is_the_same_bytes_however_the_data_come(here: Workspace) -> None:
    (here / "moved.csv.gz").write_bytes(gzip.compress((here / "moved.csv").read_bytes()))
    args = ("check", "-p", "p.json", "--json", "-q")
    ways = [
        here.run(*args, "moved.csv", "--threads", "1"),
        here.run(*args, "moved.csv.gz", "--threads", "3"),
        here.run(*args, stdin=(here / "moved.csv").read_bytes()),
    ]
    assert {(w.code, w.out) for w in ways} == {(1, ways[0].out)}
    found = json.loads(ways[0].out)
    assert list(found) == [
        "drift", "rows", "fitted_rows", "limits", "changes", "incomplete", "unseen_keys", "keys", "categories",
        "columns",
    ]  # fmt: skip
    assert [list(c) for c in found["columns"]] == [
        ["column", "fitted", "data", "limits", "floors", *(m.key for m in measures().values()), "drift"]
    ] * 2
    assert found["columns"][0]["data"]["count"] == 60
    assert (found["drift"], found["columns"][0]["drift"], found["columns"][1]["drift"]) == (
        True,
        ["shift", "outside", "ks", "wasserstein", "psi"],
        [],
    )


def test_limits_are_options(here: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    wide: tuple[str, ...] = (
        "--max-shift",
        "20",
        "--max-outside",
        "1",
        "--max-scale-ratio",
        "3",
        "--max-missing",
        "0.5",
    )
    wide += ("--max-ks", "1", "--max-wasserstein", "30", "--max-psi", "40", "--max-psi", "b=0.5")
    code, found = document(here, capsys, "moved.csv", "-p", "p.json", *wide)
    assert (code, found["drift"]) == (0, False)
    assert found["limits"] == {
        "max_shift": 20.0, "max_scale_ratio": 3.0, "max_outside": 1.0, "max_missing": 0.5, "max_ks": 1.0,
        "max_wasserstein": 30.0, "max_psi": 40.0, "max_category": 0.1, "min_rows": 30,
        "columns": {"b": {"max_psi": 0.5}},
    }  # fmt: skip
    for bad in ("--max-shift=nan", "--max-shift=-1", "--max-shift=-inf", "--max-scale-ratio=0.9", "--max-outside=1.1"):
        assert within(here, "check", "old.csv", "-p", "p.json", bad) == 2


def test_too_few_rows_are_no_verdict(here: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "few.csv").write_bytes(table(2, shift=9.0, rows=29))
    assert within(here, "check", "few.csv", "-p", "p.json") == 0
    out, err = capfd.readouterr()
    assert "normcli: warning: 29 rows are too few for a verdict on drift, which takes 30 (--min-rows)\n" in err
    assert ": no verdict: 29 rows" in err
    assert out.splitlines()[4].endswith("too few values")
    assert within(here, "check", "few.csv", "-p", "p.json", "--json") == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["drift"], found["columns"][0]["drift"]) == (None, None)
    assert within(here, "check", "few.csv", "-p", "p.json", "--werror") == 65
    assert within(here, "check", "few.csv", "-p", "p.json", "--min-rows", "29") == 1


def test_columns_gone_or_no_longer_numeric_are_drift(here: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    x = (here / "old.csv").read_text()
    (here / "gone.csv").write_text(x.replace("site,a,b,w", "new,z,b,w"))
    code, found = document(here, capsys, "gone.csv", "-p", "p.json")
    told = [(c["column"], c["what"], c["drift"]) for c in found["changes"]]
    assert (code, told) == (
        1,
        [("a", "gone", True), ("site", "gone", False), ("new", "new", False), ("z", "new", False)],
    )
    rows = x.splitlines()
    (here / "text.csv").write_text("\n".join([rows[0], *(f"n,{'low' if i % 2 else 'high'},0.5,1" for i in range(60))]))
    code, found = document(here, capsys, "text.csv", "-p", "p.json")
    cause = "text.csv:2: 'high' in column 'a' is not a number"
    assert (code, found["changes"][0]) == (
        1,
        {"column": "a", "what": "type", "was": "float64", "now": "string", "drift": True, "cause": cause},
    )
    assert found["columns"][0]["data"] == {
        "count": 0, "missing": None, "mean": None, "std": None, "min": None, "max": None,
    }  # fmt: skip
    (here / "more.csv").write_text(x.replace("site,a,b,w", "site,a,b,v"))
    assert within(here, "check", "more.csv", "-p", "p.json") == 0
    assert within(here, "check", "more.csv", "-p", "p.json", "--no-extra") == 1


def test_text_that_is_met_later_is_bad_data(here: Workspace) -> None:
    (here / "late.csv").write_bytes(table(1, rows=1500) + b"x,low,0.5,1\n")
    assert here.fails(65, "check", "late.csv", "-p", "p.json").startswith("late.csv:1502: 'low' in column 'a' is not")


def test_nothing_to_compare_is_bad_data(here: Workspace) -> None:
    (here / "head.csv").write_bytes(b"site,a,b,w\n")
    (here / "empty.csv").write_bytes(b"")
    assert within(here, "check", "head.csv", "-p", "p.json") == 65
    assert within(here, "check", "empty.csv", "-p", "p.json") == 65
    assert within(here, "check", "nowhere.csv", "-p", "p.json") == 66
    assert within(here, "check", "p.json", "-p", "p.json") == 2
    assert within(here, "check", "old.csv") == 2


def test_of_a_method_that_learns_nothing_only_columns_are_told(here: Workspace) -> None:
    here.succeeds("fit", "old.csv", "-m", "unit", "-c", "a,b", "-p", "u.json")
    done = here.succeeds("check", "-p", "u.json", stdin=table(2, shift=9.0, rows=50_000))  # drained, not broken
    assert done.out == b"rows     not counted: nothing was learned\n"
    assert "check unit: columns as fitted, nothing learned: 2 columns" in done.err
    assert here.run("check", "-p", "u.json", stdin=b"site,a\n").code == 1


def test_all_inputs_are_compared_together(here: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = document(here, capsys, "old.csv", "moved.csv", "-p", "p.json")
    assert (code, found["rows"]) == (1, 120)
    (here / "less.csv").write_text((here / "old.csv").read_text().replace(",b,", ",c,", 1))
    code, found = document(here, capsys, "old.csv", "less.csv", "-p", "p.json")
    assert (code, found["columns"][0]["drift"], found["columns"][1]["drift"]) == (1, [], ["missing"])
    assert found["columns"][1]["missing_change"] == 0.5


def test_keys_that_the_fit_has_not_seen(here: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert within(here, "fit", "old.csv", "-m", "zscore", "-c", "a,b", "--by", "site", "-p", "k.json") == 0
    unseen = {"by": ["site"], "drift": False, "limit": 0.01, "floor": ANY}
    code, found = document(here, capsys, "old.csv", "-p", "k.json")
    assert (code, found["unseen_keys"]) == (0, unseen | {"rows": 0, "share": 0.0, "some": []})
    (here / "keys.csv").write_bytes((here / "old.csv").read_bytes().replace(b"n1,", b"n9,"))
    code, found = document(here, capsys, "keys.csv", "-p", "k.json")
    assert (code, found["columns"][0]["shift"]) == (1, 0.0)
    assert found["unseen_keys"] == unseen | {"rows": 20, "share": 20 / 60, "some": [["n9"]], "drift": True}
    capsys.readouterr()
    within(here, "check", "keys.csv", "-p", "k.json")
    assert "unseen   33.33% of rows have a key that was not fitted (site=n9)  drift\n" in capsys.readouterr().out
    assert within(here, "apply", "keys.csv", "-p", "k.json", "-o", "o.csv", "--check", "--unseen", "global") == 1
    assert within(here, "apply", "keys.csv", "-p", "k.json", "-o", "o.csv", "--check", "--unseen", "error") == 65


def test_rows_count_by_their_weight(here: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert within(here, "fit", "old.csv", "-m", "zscore", "-c", "a,b", "--weights", "w", "-p", "w.json") == 0
    code, found = document(here, capsys, "old.csv", "-p", "w.json")
    assert (code, found["columns"][0]["shift"], found["columns"][0]["scale_ratio"]) == (0, 0.0, 1.0)
    head, *rows = (here / "old.csv").read_text().splitlines()
    repeated = [row for row in rows for _ in range(int(row[-1]))]
    (here / "repeated.csv").write_text("\n".join([head, *(row[:-1] + "1" for row in repeated)]))
    again = document(here, capsys, "repeated.csv", "-p", "w.json")[1]
    assert again["columns"][0]["data"]["count"] == found["columns"][0]["data"]["count"] == 150
    assert abs(again["columns"][0]["shift"]) <= 1e-14
    (here / "unweighed.csv").write_text("\n".join([head.replace(",w", ",v"), *rows]))
    code, found = document(here, capsys, "unweighed.csv", "-p", "w.json")
    assert (code, found["changes"][0]["column"], found["columns"][0]["data"]["count"]) == (0, "w", 60)


def test_a_dry_run_says_what_would_be_read(here: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert within(here, "check", "moved.csv", "-p", "p.json", "--dry-run") == 0
    assert capsys.readouterr().out.startswith("read     moved.csv\ncolumns  a (float64), b (float64)\nleft ")


def test_bad_rows_may_be_left_out(here: Workspace) -> None:
    (here / "bad.csv").write_bytes(table(1) + b"n,low,0.5,1\n")
    args = ("check", "bad.csv", "-p", "p.json", "--on-bad-row", "skip", "--rejects", "bad.ndjson")
    assert "1 bad row rejected" in here.succeeds(*args).err
    assert json.loads((here / "bad.ndjson").read_text())["line"] == 62


def test_names_are_told_on_one_line_as_they_are_in_the_object(workspace: Workspace) -> None:
    names = ["[/red]", "=cmd()", "two\nlines", "-o"]
    for path, shift in (("t.csv", 0), ("u.csv", 9)):
        rows = [",".join(str(i % 5 + shift) for _ in names) for i in range(40)]
        (workspace / path).write_text("\n".join([",".join(f'"{n}"' for n in names), *rows]))
    assert within(workspace, "fit", "t.csv", "-m", "zscore", "-p", "p.json") == 0
    done = workspace.run("check", "u.csv", "-p", "p.json")
    assert done.code == 1
    assert [line.split("  ")[0] for line in done.out.decode().splitlines()[3:7]] == [
        "[/red]",
        "=cmd()",
        "two\\nlines",
        "-o",
    ]
    found = json.loads(workspace.run("check", "u.csv", "-p", "p.json", "--json").out)
    assert [c["column"] for c in found["columns"]] == names


# -- apply --check -----------------------------------------------------------------------------------------------
def test_drifted_data_leave_the_old_output(here: Workspace) -> None:
    (here / "out.csv").write_bytes(b"yesterday's\n")
    args = ("apply", "moved.csv", "-p", "p.json", "-o", "out.csv", "--check")
    told = here.fails(1, *args)
    assert told.startswith("drift: a (shift +")
    assert told.endswith("(OUTPUT is what it was; --check=warn replaces it all the same)")
    assert here.run(*args, "--run-report", "r.json").code == 1
    assert json.loads((here / "r.json").read_text())["drift"] is True


@pytest.mark.parametrize("options", [("zscore",), ("batch", "--batch-size", "7"), ("whiten",), ("unit",)], ids=str)
def test_the_output_is_that_of_apply_by_itself(options: tuple[str, ...], here: Workspace) -> None:
    assert within(here, "fit", "old.csv", "-m", *options, "-c", "a,b", "-p", "m.json") == 0
    assert within(here, "apply", "old.csv", "-p", "m.json", "-o", "plain.csv") == 0
    assert within(here, "apply", "old.csv", "-p", "m.json", "-o", "checked.csv", "--check") == 0
    assert (here / "checked.csv").read_bytes() == (here / "plain.csv").read_bytes()


def test_a_warning_goes_on(here: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    assert within(here, "apply", "moved.csv", "-p", "p.json", "-o", "plain.csv") == 0
    for output in ("checked.csv", "checked/"):
        capfd.readouterr()
        assert within(here, "apply", "moved.csv", "-p", "p.json", "-o", output, "--check=warn") == 0
        assert "normcli: warning: drift: a (shift +" in capfd.readouterr().err
    for made in ("checked.csv", "checked/moved.csv"):
        assert (here / made).read_bytes() == (here / "plain.csv").read_bytes()
    done = here.run("apply", "moved.csv", "-p", "p.json", "--check=warn")
    assert (done.code, done.out, len(done.warnings)) == (0, (here / "plain.csv").read_bytes(), 1)
    assert within(here, "apply", "moved.csv", "-p", "p.json", "-o", "new.csv", "--check=warn", "--werror") == 65
    assert not (here / "new.csv").exists()


def test_both_find_the_same(here: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """At a limit that is just that of check, and just below it."""
    shift = document(here, capsys, "moved.csv", "-p", "p.json")[1]["columns"][0]["shift"]
    args: tuple[str, ...] = ("apply", "moved.csv", "-p", "p.json", "-o", "o.csv", "--check", "--max-outside", "1")
    args += ("--max-ks", "1", "--max-wasserstein", "99", "--max-psi", "99")
    assert within(here, *args, "--max-shift", repr(shift)) == 0
    assert within(here, *args, "--max-shift", repr(np.nextafter(shift, 0.0).item())) == 1


def test_where_nothing_can_be_kept_it_is_refused_before_data_are_read(here: Workspace) -> None:
    for output in ((), ("-o", "-"), ("-o", "out/"), ("-o", "/dev/null")):
        assert within(here, "apply", "nowhere*.csv", "-p", "p.json", *output, "--check") in (2, 66)
        assert within(here, "apply", "moved.csv", "-p", "p.json", *output, "--check") == 2
    for more in (("--max-shift", "3"), ("--check", "--inverse")):
        assert within(here, "apply", "moved.csv", "-p", "p.json", "-o", "o.csv", *more) == 2
    assert "standard output" in here.fails(2, "apply", "-p", "p.json", "--check")


def test_few_rows_are_no_reason_to_keep_it(here: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "few.csv").write_bytes(table(2, shift=9.0, rows=29))
    args = ("apply", "few.csv", "-p", "p.json", "-o", "o.csv", "--check")
    assert within(here, *args) == 0
    assert "29 rows are too few for a verdict" in capfd.readouterr().err
    assert within(here, *args, "--min-rows", "29") == 1
    assert within(here, *args, "--min-rows", "30") == 65


# -- exit 1 ------------------------------------------------------------------------------------------------------
def test_nothing_else_is_exit_1(here: Workspace) -> None:
    for env in ({"_NORMCLI_COMPLETE": "nosuch_source"}, {"_NORMCLI_COMPLETE": "bash_nosuch"}):
        assert here.run(env=env, polite=False).code != 1
    assert here.run("check", "moved.csv", "-p", "p.json", via='exec "$@" >/dev/full').code == 74
    assert here.run("check", "moved.csv", "-p", "p.json", via='exec "$@" >&-').code == 74


@pytest.mark.parametrize(("flag", "first"), [("--check", "refuse"), ("--resume", "stat")])
def test_an_input_behind_a_flag_that_may_have_a_word_is_told_where_to_go(
    flag: str, first: str, here: Workspace
) -> None:
    said = here.fails(2, "apply", "-p", "p.json", "-o", "out/", flag, "old.csv")
    assert said.startswith(f"{flag} old.csv: is none of {first}, ")
    assert f"put {flag} behind INPUT, or write {flag}={first}" in said


def test_of_one_row_the_warning_is_in_the_singular(here: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "one.csv").write_bytes(table(1, rows=1))
    assert within(here, "check", "one.csv", "-p", "p.json") == 0
    assert "1 row is too few for a verdict" in capfd.readouterr().err


def test_without_a_value_there_is_no_table_of_values(here: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "other.csv").write_text("site,c\nn1,2\n")
    assert within(here, "check", "other.csv", "-p", "p.json") == 1
    assert "measure" not in capsys.readouterr().out


@pytest.mark.parametrize("how", ["refuse", "warn"])
def test_no_rows_are_no_verdict_on_what_would_be_written(how: str, here: Workspace) -> None:
    (here / "none.csv").write_bytes(table(1, rows=0))
    done = here.succeeds("apply", "none.csv", "-p", "p.json", "-o", "out.csv", f"--check={how}")
    assert "0 rows are too few" in done.warnings[0]
    assert (here / "out.csv").read_bytes() == (here / "none.csv").read_bytes()


def test_a_value_among_numbers_that_is_none_is_bad_data_and_text_is_another_type(here: Workspace) -> None:
    lines = table(1).splitlines()
    lines[20] = lines[20].replace(lines[20].split(b",")[1], b"$7")
    (here / "one.csv").write_bytes(b"\n".join(lines) + b"\n")
    assert here.fails(65, "check", "one.csv", "-p", "p.json").startswith(
        "one.csv:21: '$7' in column 'a' is not a number"
    )
    (here / "all.csv").write_bytes(b"\n".join([lines[0], *(b"n1,x,1,1" for _ in lines[1:])]) + b"\n")
    said = here.fails(1, "check", "all.csv", "-p", "p.json", out=True)
    assert "a (string, was float64: all.csv:2: 'x' in column 'a' is not a number)" in said
    assert "missing" not in said


def test_weights_that_are_gone_are_told_for_nothing_needs_them(here: Workspace) -> None:
    assert within(here, "fit", "old.csv", "-m", "zscore", "-c", "a,b", "--weights", "w", "-p", "w.json") == 0
    rows = [line.rsplit(b",", 1)[0] for line in table(1).splitlines()]
    (here / "now.csv").write_bytes(b"\n".join(rows) + b"\n")
    assert b"gone     w" in here.succeeds("check", "now.csv", "-p", "w.json").out
    here.succeeds("apply", "now.csv", "-p", "w.json", "-o", "out.csv", "--check")


def test_quiet_is_a_table_of_drift_alone(here: Workspace) -> None:
    assert here.succeeds("check", "old.csv", "-p", "p.json", "-q").out == b""
    assert b"shift" in here.run("check", "moved.csv", "-p", "p.json", "-q").out
    assert here.run("check", "moved.csv", "-p", "p.json", "-qq").out == b""


def test_what_is_normalized_can_not_be_compared(here: Workspace) -> None:
    here.succeeds("apply", "old.csv", "-p", "p.json", "-o", "z.parquet")
    assert "already" in here.fails(65, "check", "z.parquet", "-p", "p.json")


def test_where_values_tell_nothing_apply_says_so(here: Workspace) -> None:
    assert within(here, "fit", "old.csv", "-m", "unit", "-c", "a,b", "-p", "u.json") == 0
    done = here.succeeds("apply", "old.csv", "-p", "u.json", "-o", "u.csv", "--check")
    assert "nothing was learned from values: --check has compared columns alone" in done.err


def test_options_of_what_is_written_are_none_of_it(here: Workspace) -> None:
    shown = here.succeeds("check", "--help").out
    assert b"--na-values" in shown
    assert b"--compression" not in shown
    assert b"--infer-types" not in shown
    assert b"--compression" in here.succeeds("apply", "--help").out


def test_the_report_of_apply_names_the_method(workspace: Workspace) -> None:
    workspace.succeeds("apply", "table.csv", "-p", workspace.params("minmax"), "-o", "o.csv", "--run-report", "r.json")
    assert json.loads((workspace / "r.json").read_bytes())["method"] == "minmax"
