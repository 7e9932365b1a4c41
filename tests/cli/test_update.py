"""fit --update and --relearn: what was counted stays counted, whoever else runs and whenever one is ended."""

import json
import os
import signal
from functools import cache
from pathlib import Path

import pytest

from tests.cli.conftest import Workspace, ending, permissions_bind, run, until
from tests.test_locks import lock_of

MONDAY = b"site,a,b\nnorth,1,2.5\nsouth,2,3.5\n"
TUESDAY = b"b,site,a\n9.75,north,16\n4.5,south,3\n"
WEDNESDAY = b"site,a,b,more\nnorth,-1,0.25,x\n"
UPDATE = ("fit", "--update", "-p", "p.json")
CREATE = (*UPDATE, "--create", "-m", "zscore")


@cache
def of_monday() -> bytes:
    return run("fit", "-m", "zscore", cwd=Path("/"), stdin=MONDAY).out


@pytest.fixture
def week(workspace: Workspace) -> Workspace:
    """Three nights' files, and the parameters of the first."""
    for name, data in (("mon", MONDAY), ("tue", TUESDAY), ("wed", WEDNESDAY)):
        (workspace / f"{name}.csv").write_bytes(data)
    (workspace / "p.json").write_bytes(of_monday())
    return workspace


def read(workspace: Workspace, name: str = "p.json") -> dict[str, object]:
    made: dict[str, object] = json.loads((workspace / name).read_bytes())
    return made


# -- the same as one fit -----------------------------------------------------------------------------------------
def test_night_after_night_is_one_fit_over_all(week: Workspace) -> None:
    done = week.succeeds(*UPDATE, "tue.csv")
    assert "update zscore: 2 rows, 4 in all, 2 columns, 1 left out, " in done.err
    week.succeeds(*UPDATE, "-m", "zscore", "--ddof", "0", "-c", "a,b", stdin=WEDNESDAY)
    whole = week.succeeds("fit", "-m", "zscore", "mon.csv", "tue.csv", "wed.csv")
    assert (week / "p.json").read_bytes() == whole.out
    assert not lock_of(week / "p.json").exists()


def test_it_also_normalizes_tonight_by_all_that_was_seen(week: Workspace) -> None:
    week.succeeds(*UPDATE, "tue.csv", "-o", "tue-z.csv", "--run-report", "r.json")
    assert (week / "tue-z.csv").read_bytes() == week.succeeds("apply", "-p", "p.json", "tue.csv").out
    report = json.loads((week / "r.json").read_bytes())
    assert {k: report[k] for k in ("command", "method", "rows_in", "rows_out")} == {
        "command": "fit", "method": "zscore", "rows_in": 2, "rows_out": 2,
    }  # fmt: skip
    assert report["digest"] == read(week)["digest"]


def test_a_link_stays_a_link(week: Workspace) -> None:
    (week / "there").mkdir()
    os.replace(week / "p.json", week / "there" / "real.json")
    (week / "p.json").symlink_to("there/real.json")
    week.succeeds(*UPDATE, "tue.csv")
    assert (week / "p.json").is_symlink()
    assert read(week, "there/real.json")["rows"] == 4
    assert [p.name for p in (week / "there").iterdir()] == ["real.json"]


# -- once --------------------------------------------------------------------------------------------------------
def test_what_was_counted_is_said_and_left_out(week: Workspace) -> None:
    before = (week / "p.json").stat()
    done = week.succeeds(*UPDATE, "-q", "mon.csv")
    assert done.lines == ["normcli: warning: mon.csv: was counted already, and is left out (--recount counts it again)"]
    assert (week / "p.json").stat().st_mtime_ns == before.st_mtime_ns
    done = week.succeeds(*UPDATE, "tue.csv", "mon.csv", "wed.csv")
    assert [line.split()[2] for line in done.warnings] == ["mon.csv:"]
    assert "3 rows of 3 inputs, 5 in all" in done.lines[-1]
    assert len(read(week)["inputs"]) == 3  # type: ignore[arg-type]
    error = week.fails(65, *UPDATE, "--werror", stdin=MONDAY)
    assert error.startswith("1 warning, and --werror")
    assert "2 rows, 7 in all" in week.succeeds(*UPDATE, "--recount", "mon.csv").err


# -- what is not there, or does not go with it -------------------------------------------------------------------
def test_an_absent_file_is_no_new_beginning_unless_asked_for_and_said(week: Workspace) -> None:
    os.unlink(week / "p.json")
    assert week.fails(66, *UPDATE, "mon.csv") == "p.json: there is no such file (--create begins one)"
    assert "--create needs -m" in week.fails(2, *UPDATE, "--create", "mon.csv")
    done = week.succeeds(*CREATE, "mon.csv")
    assert done.lines[0] == "normcli: p.json: there is no such file, a new one begins"
    assert week.succeeds(*CREATE, "-q", "-c", "a,b", "tue.csv").lines == []
    assert read(week)["rows"] == 4
    error = week.fails(66, "fit", "--update", "--create", "-m", "zscore", "-p", "unmounted/p.json", "mon.csv")
    assert error == "unmounted/p.json: there is no directory unmounted (mkdir -p unmounted makes it)"


@pytest.mark.soak
@pytest.mark.parametrize(
    ("code", "args", "said"),
    [
        (2, ("-m", "minmax"), "-m minmax: p.json is of zscore (-m may be left out)"),
        (2, ("-m", "zscore", "--ddof", "1"), "-m zscore with --ddof 1: p.json is of zscore with --ddof 0"),
        (2, ("-c", "a"), "-c and -x select a: p.json is of a, b"),
        (2, ("-x", "nope"), "p.json: no column is called 'nope'"),
        (2, ("-p", "-"), "--update needs -p PARAMS, a file"),
        (2, ("--wait", "nan"), "'nan' is not 0 or more"),
        (2, ("-p", "tue.csv"), "-p tue.csv is the INPUT"),
    ],
)
def test_what_contradicts_is_said(week: Workspace, code: int, args: tuple[str, ...], said: str) -> None:
    if "tue.csv" in args:
        os.replace(week / "p.json", week / "tue.csv")
    assert said in week.fails(code, *UPDATE, *args, "tue.csv")


def test_tonight_must_hold_what_is_needed(week: Workspace) -> None:
    assert "no column is called b" in week.fails(65, *UPDATE, stdin=b"a,c\n1,2\n")
    assert "no rows to learn from" in week.fails(65, *UPDATE, stdin=b"a,b\n")


def test_options_without_update_are_refused(week: Workspace) -> None:
    assert "--recount is for --update" in week.fails(2, "fit", "-m", "zscore", "--recount", "mon.csv")


def test_where_nothing_can_be_written_it_says_so_before_reading(week: Workspace) -> None:
    os.chmod(week.path, 0o555)
    try:
        error = week.fails(73, *UPDATE, "tue.csv", via=permissions_bind())
    finally:
        os.chmod(week.path, 0o755)
    assert error.startswith("p.json: the directory ")
    assert "can't be written to (ls -ld " in error


def test_an_edited_file_is_refused_unless_it_is_meant(week: Workspace) -> None:
    (week / "p.json").write_bytes((week / "p.json").read_bytes().replace(b'"rows": 2', b'"rows": 20'))
    assert "--allow-edited accepts it" in week.fails(65, *UPDATE, "tue.csv")
    assert "22 in all" in week.succeeds(*UPDATE, "--allow-edited", "tue.csv").err


# -- others, and the end -----------------------------------------------------------------------------------------
def test_six_at_once_are_all_counted_once(workspace: Workspace) -> None:
    names = [f"{i}.csv" for i in range(6)]
    for i, name in enumerate(names):
        (workspace / name).write_bytes(b"a,b\n" + b"".join(b"%d,%d\n" % (i * 100 + k, k * k) for k in range(50)))
    runs = [workspace.start(*CREATE, "--wait", "60", name) for name in (*names, names[0])]
    said = [run.communicate(timeout=60)[1].decode() for run in runs]
    assert [run.returncode for run in runs] == [0] * len(runs), said
    assert sum("counted already" in each for each in said) == 1
    assert sum("a new one begins" in each for each in said) == 1
    assert read(workspace)["rows"] == 300
    assert len(set(read(workspace)["inputs"])) == 6  # type: ignore[call-overload]
    assert not lock_of(workspace / "p.json").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_ended_while_it_reads_it_leaves_the_old_file_and_nothing_in_the_way(week: Workspace, number: int) -> None:
    before = (week / "p.json").read_bytes()
    with ending(week.start(*UPDATE, stdin=-1)) as process:
        until(lock_of(week / "p.json").exists, "the lock")
        assert week.run(*UPDATE, "tue.csv").code == 75
        process.send_signal(number)
        assert process.wait() == -number
    assert (week / "p.json").read_bytes() == before
    for left in week.temporaries():
        assert number == signal.SIGKILL
        left.unlink()
    assert lock_of(week / "p.json").exists() == (number == signal.SIGKILL)
    week.succeeds(*UPDATE, "tue.csv")
    assert read(week)["rows"] == 4


# -- relearn -----------------------------------------------------------------------------------------------------
def test_another_method_is_learned_without_data(week: Workspace) -> None:
    relearn = ("fit", "--relearn", "p.json", "-m", "minmax", "--range", "-1", "1")
    done = week.succeeds(*relearn, "-p", "m.json")
    assert done.lines == ["normcli: relearned minmax: 2 columns -> m.json"]
    whole = week.succeeds("fit", "-m", "minmax", "--range", "-1", "1", "mon.csv")
    assert (week / "m.json").read_bytes() == whole.out
    assert "INPUT is not for --relearn" in week.fails(2, *relearn, "mon.csv")
    assert "--dry-run is not for --relearn" in week.fails(2, *relearn, "--dry-run")
    error = week.fails(2, "fit", "--relearn", "p.json", "-m", "whiten", "-p", "w.json")
    assert error == (
        "p.json: whiten learns from extrema, comoments of complete rows, and the file has kept extrema, moments "
        "(fit it from the data)"
    )


def test_what_can_not_begin_is_not_said_to(workspace: Workspace) -> None:
    done = workspace.run("fit", "--update", "--create", "-m", "robust", "--exact", "table.csv", "-p", "new.json")
    assert (done.code, len(done.lines)) == (2, 1)


def test_relearning_says_what_lacks_in_words(workspace: Workspace) -> None:
    workspace.params("robust")
    for line, needed in (
        (("robust", "--exact"), "exact, at 0.25 and 0.5 and 0.75"),
        (("quantile", "--exact"), "exact, 1000 of them"),
    ):
        error = workspace.fails(2, "fit", "--relearn", "p.json", "-m", *line, "-p", "new.json")
        assert f"quantiles ({needed}), and the file has kept extrema, moments, quantiles (from a sketch)" in error
