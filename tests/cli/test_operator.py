"""What whoever runs it unattended asks for: reports, dry runs, fewest rows, rows that may be skipped."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from normcli.cli._process import _report_words
from normcli.io.transaction import Transaction
from normcli.jobs.results import Result
from tests.cli.conftest import PATIENCE, TABLE, Workspace, until

BAD = b"a,b\n1,x\n2,y\n3,z\n4\n5,w\n6,q,r\n"


def report(workspace: Workspace) -> Any:
    return json.loads((workspace / "r.json").read_bytes())


# -- bad rows ----------------------------------------------------------------------------------------------------
@pytest.fixture
def bad(workspace: Workspace) -> Workspace:
    (workspace / "bad.csv").write_bytes(BAD)
    (workspace / "good.csv").write_bytes(b"a,b\n1,x\n2,y\n3,z\n5,w\n")
    return workspace


def test_bad_rows_are_left_out_told_and_kept(bad: Workspace) -> None:
    skip = ["--on-bad-row", "skip", "--rejects", "rejects.ndjson"]
    done = bad.succeeds("fit", "-m", "zscore", "bad.csv", *skip, "-p", "p.json", "--run-report", "r.json")
    assert "4 rows, 2 bad rows rejected" in done.err
    assert [json.loads(line) for line in (bad / "rejects.ndjson").read_bytes().splitlines()] == [
        {"file": "bad.csv", "line": 5, "reason": "1 field where the first row has 2", "raw": "4"},
        {"file": "bad.csv", "line": 7, "reason": "3 fields where the first row has 2", "raw": "6,q,r"},
    ]
    assert (report(bad)["rows_in"], report(bad)["rows_rejected"]) == (6, 2)
    bad.succeeds("fit", "-m", "zscore", "good.csv", "-p", "q.json")
    steps = [json.loads((bad / name).read_bytes())["steps"] for name in ("p.json", "q.json")]
    assert steps[0] == steps[1]
    bad.succeeds("apply", "bad.csv", "-p", "p.json", *skip, "-o", "one.csv")
    bad.succeeds("apply", "good.csv", "-p", "p.json", "-o", "two.csv")
    bad.succeeds("fit", "-m", "zscore", "bad.csv", *skip, "-p", "p.json", "-o", "three.csv")
    assert (bad / "one.csv").read_bytes() == (bad / "two.csv").read_bytes() == (bad / "three.csv").read_bytes()


@pytest.mark.parametrize("command", [["fit", "-m", "zscore", "-p", "n.json"], ["apply", "-p", "p.json", "-o", "n.csv"]])
def test_more_than_may_be_is_an_error_and_no_target_changes(command: list[str], bad: Workspace) -> None:
    bad.succeeds("fit", "-m", "zscore", "good.csv", "-p", "p.json")
    error = bad.fails(65, *command, "bad.csv", "--on-bad-row", "skip", "--max-bad-rows", "1", "--rejects", "rejects")
    assert error.startswith("bad.csv:7: 3 fields where the first row has 2; it is bad row number 2")


def test_a_broken_quote_can_not_be_skipped(bad: Workspace) -> None:
    (bad / "bad.csv").write_bytes(b'a,b\n1,x\n2,"y\n3,z\n')
    error = bad.fails(65, "fit", "-m", "zscore", "bad.csv", "--on-bad-row", "skip", "-p", "n.json")
    assert error.startswith("bad.csv:3: a quote that is never closed")


@pytest.mark.parametrize(
    "words", [["--rejects", "x"], ["--max-bad-rows", "3"], ["--on-bad-row", "skip", "--rejects", "p.json"]]
)
def test_options_without_sense_are_refused(words: list[str], bad: Workspace) -> None:
    bad.fails(2, "fit", "-m", "zscore", "good.csv", "-p", "p.json", *words)


def test_only_rows_of_text_can_be_skipped(workspace: Workspace) -> None:
    pq.write_table(pa.table({"a": [1.0]}), workspace / "t.parquet")
    assert "is for text" in workspace.fails(
        2, "fit", "-m", "zscore", "t.parquet", "--on-bad-row", "skip", "-p", "p.json"
    )


# -- reports -----------------------------------------------------------------------------------------------------
def test_a_report_of_what_was_done(workspace: Workspace) -> None:
    (workspace / "w.csv").write_bytes(TABLE + b"flat,1,2,3\n")
    workspace.succeeds("fit", "-m", "zscore", "w.csv", "-p", "p.json", "--run-report", "r.json")
    told = report(workspace)
    assert (told["exit_code"], told["error"], told["rows_in"], told["inputs"]) == (0, None, 7, ["w.csv"])
    assert told["digest"] == json.loads((workspace / "p.json").read_bytes())["digest"]
    assert told["bytes_in"] == len((workspace / "w.csv").read_bytes())
    workspace.succeeds("apply", "w.csv", "-p", "p.json", "-o", "o.csv", "--run-report", "r.json")
    assert (report(workspace)["rows_out"], report(workspace)["output"]) == (7, "o.csv")


def test_a_report_says_what_was_given(workspace: Workspace) -> None:
    """Standard output, by default, is nobody's path."""
    (workspace / "w.csv").write_bytes(TABLE)
    workspace.succeeds("fit", "-m", "zscore", "w.csv", "--run-report", "r.json")
    assert report(workspace)["params"] is None
    workspace.succeeds("fit", "-m", "zscore", "w.csv", "-p", "-", "--run-report", "r.json")
    assert report(workspace)["params"] == "-"
    workspace.run("fit", "-m", "zscore", "none.csv", "--run-report", "r.json")
    assert (report(workspace)["exit_code"], report(workspace)["method"], report(workspace)["inputs"]) == (
        66,
        "zscore",
        ["none.csv"],
    )


@pytest.mark.parametrize("words", ["fit -m zscore -q -v", "check -p p.json --json --dry-run"])
def test_a_report_of_words_that_contradict_each_other(words: str, workspace: Workspace) -> None:
    (workspace / "w.csv").write_bytes(TABLE)
    done = workspace.run(*words.split(), "w.csv", "--run-report", "r.json")
    assert (done.code, report(workspace)["exit_code"]) == (2, 2)
    assert "not for" in report(workspace)["error"]


def test_blank_lines_are_counted_also_where_what_was_read_is_spooled(workspace: Workspace) -> None:
    (workspace / "w.csv").write_bytes(b"a,b\n1,2\n\n3,4\n")
    for output in ([], ["-o", "o.csv"], ["-o", "o/"]):
        done = workspace.succeeds("fit", "-m", "zscore", "w.csv", "-p", "p.json", *output)
        assert "2 rows, 1 blank line skipped, 2 columns" in done.err


@pytest.mark.parametrize("words", ["fit w.csv", "fit w.csv -m zscore -o o.csv", "fit w.csv --update", "merge - -"])
def test_a_usage_error_names_the_help_of_its_command(words: str, workspace: Workspace) -> None:
    (workspace / "w.csv").write_bytes(TABLE)
    done = workspace.run(*words.split())
    assert done.code == 2
    if words == "fit w.csv":  # what is missing is a method, and another command lists these
        assert "`normcli methods` lists them" in done.err
    else:
        assert done.err.endswith(f"(try normcli {words.split()[0]} --help)\n")


def test_a_report_of_what_went_wrong(workspace: Workspace) -> None:
    (workspace / "bad.csv").write_bytes(b"a\n1\noops\n")
    done = workspace.run("fit", "-m", "zscore", "-c", "a", "bad.csv", "-p", "p.json", "--run-report", "r.json")
    assert done.code == 65
    assert (report(workspace)["exit_code"], report(workspace)["error"]) == (
        65,
        done.errors[0].removeprefix("normcli: error: ").partition(" (")[0],
    )


def test_a_report_tells_warnings(workspace: Workspace) -> None:
    (workspace / "same.csv").write_bytes(b"a,b\n1,2\n1,3\n")
    workspace.run("fit", "-m", "zscore", "same.csv", "-p", "p.json", "--werror", "--run-report", "r.json")
    warned = ["constant: a; it comes out as 0 (-x a leaves it out)"]
    assert (report(workspace)["exit_code"], report(workspace)["warnings"]) == (65, warned)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_report_of_a_run_that_a_signal_ended(number: signal.Signals, workspace: Workspace) -> None:
    workspace.params()
    os.mkfifo(workspace / "pipe")
    run = workspace.start("apply", "pipe", "-p", "p.json", "-o", "o.csv", "--run-report", "r.json")
    with (workspace / "pipe").open("wb", buffering=0) as pipe:
        pipe.write(TABLE)
        until(workspace.temporaries, "the run has begun")
        run.send_signal(number)
        assert run.wait(PATIENCE) == -number
    assert (report(workspace)["exit_code"], report(workspace)["error"]) == (
        128 + number,
        f"ended by {number.name}",
    )
    assert not (workspace / "o.csv").exists()


def test_a_report_says_what_an_ended_run_has_replaced(workspace: Workspace) -> None:
    workspace.params()
    os.mkfifo(workspace / "pipe.csv")
    run = workspace.start("apply", "table.csv", "pipe.csv", "-p", "p.json", "-o", "out/", "--run-report", "r.json")
    with (workspace / "pipe.csv").open("wb", buffering=0) as pipe:
        pipe.write(TABLE)
        until((workspace / "out" / "table.csv").exists, "the first file is in place")
        until(lambda: any((workspace / "out").glob(".normcli-*")), "and settled, for the second one is begun")
        run.send_signal(signal.SIGHUP)
        error = run.communicate(timeout=PATIENCE)[1].decode().splitlines()[-1]
    assert error == "normcli: error: ended by SIGHUP; out/table.csv was written"
    assert error.endswith(f": {report(workspace)['error']}")


def test_a_report_says_nothing_of_files_that_may_be_restored(tmp_path: Path) -> None:
    result = Result("fit")
    result.changes = changes = Transaction()
    with changes:
        first, last = (changes.open(str(tmp_path / name)) for name in ("p.json", "o.csv"))
        changes._pending = [first, last]
        assert _report_words(signal.SIGHUP, result) == "ended by SIGHUP"
        first.prepare()
        first.commit()
        assert (changes.replaced, changes.settled) == ([first.name], False)
        assert _report_words(signal.SIGHUP, result) == "ended by SIGHUP"
        last.prepare()
        last.commit()
        assert _report_words(signal.SIGHUP, result) == f"ended by SIGHUP; {first.name} and {last.name} were written"


def test_a_report_that_can_not_be_written_is_a_failure(workspace: Workspace) -> None:
    done = workspace.run("fit", "-m", "zscore", "table.csv", "-p", "p.json", "--run-report", "none/r.json")
    assert done.code == 73
    assert "--run-report none/r.json" in done.err
    assert not (workspace / "p.json").exists()  # that is known before


def test_a_report_may_be_in_the_output_directory(workspace: Workspace) -> None:
    workspace.params()
    workspace.succeeds("apply", "table.csv", "-p", "p.json", "-o", "out/", "--run-report", "out/r.json")
    assert json.loads((workspace / "out" / "r.json").read_bytes())["exit_code"] == 0


@pytest.mark.parametrize("flag", ["--run-report", "--rejects"])
@pytest.mark.parametrize("other", ["table.csv", "./p.json", "o.csv", "in/t.csv", "out/t.csv"])
def test_what_is_told_beside_replaces_no_other_file_of_the_run(flag: str, other: str, workspace: Workspace) -> None:
    workspace.params()
    for name in ("in", "out"):
        (workspace / name).mkdir()
        (workspace / name / "t.csv").write_bytes(TABLE)
    before = {p: p.read_bytes() for p in (workspace / ".").rglob("*") if p.is_file()}
    line = ("in", "-o", "out/") if "/t" in other else ("table.csv", "-o", "o.csv")
    done = workspace.run("apply", *line, "-p", "p.json", "--on-bad-row", "skip", flag, other)
    said = f"-o and {flag} are both {other}" if other == "o.csv" else f"{flag} {other} is another file"
    assert (done.code, said in done.err) == (2, True)
    assert {p: p.read_bytes() for p in (workspace / ".").rglob("*") if p.is_file()} == before


# -- the rest ----------------------------------------------------------------------------------------------------
def test_a_dry_run_tells_and_does_nothing(workspace: Workspace) -> None:
    before = workspace.files()
    out = workspace.succeeds(
        "fit", "-m", "zscore", "table.csv", "-p", "p.json", "-o", "o.csv", "--dry-run"
    ).out.decode()
    assert out.splitlines() == [
        "read     table.csv",
        "columns  a (int64), b (float64), c (int64)",
        "left out site (string)",
        "write    p.json, o.csv",
    ]
    assert workspace.files() == before
    workspace.params()
    before = workspace.files()
    out = workspace.succeeds(
        "apply", "table.csv", "-p", "p.json", "-o", "d/", "--to", "parquet", "--dry-run"
    ).out.decode()
    assert out.splitlines()[0] == "read     table.csv -> d/table.parquet"
    assert workspace.files() == before


def test_fewer_rows_than_asked_for_are_refused(workspace: Workspace) -> None:
    workspace.params()
    assert workspace.fails(65, "fit", "-m", "zscore", "table.csv", "-p", "q.json", "--min-rows", "7").startswith(
        "6 rows"
    )
    workspace.fails(65, "apply", "table.csv", "-p", "p.json", "-o", "o.csv", "--min-rows", "7")
    workspace.succeeds("apply", "table.csv", "-p", "p.json", "-o", "o.csv", "--min-rows", "6")


def test_files_with_a_footer_become_a_stream_on_a_pipe_and_stay_files_in_a_file(workspace: Workspace) -> None:
    workspace.params("center", "-c", "a")
    for name, magic in (("t.parquet", b"PAR1"), ("t.arrow", b"ARROW1")):
        workspace.succeeds("apply", "table.csv", "-p", "p.json", "-o", name)
        back = ["apply", "-p", "p.json", name, "--inverse"]
        piped = workspace.succeeds(*back).out
        assert piped[:4] == b"\xff\xff\xff\xff"
        with (workspace / "file").open("wb") as file:
            workspace.succeeds(*back, stdout=file)
        assert (workspace / "file").read_bytes().startswith(magic)
        restored = workspace.succeeds("apply", "-p", "p.json", "--to", "csv", stdin=piped).out
        assert restored == workspace.succeeds("apply", "-p", "p.json", "table.csv").out


# -- what a new user found ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("delimiter", list(".-+0e"))
def test_a_delimiter_that_numbers_are_made_of_is_refused(delimiter: str, workspace: Workspace) -> None:
    assert "numbers are made of" in workspace.fails(2, "fit", "-m", "zscore", "table.csv", "--delimiter", delimiter)


def test_a_quote_never_closed_is_told_where_it_opened(workspace: Workspace) -> None:
    (workspace / "q.csv").write_bytes(b'a,b\n1,"x\n2,y\n3,""\n')
    assert workspace.fails(65, "fit", "-m", "zscore", "q.csv").startswith("q.csv:2: a quote that is never closed")


def test_a_pipe_is_closed_when_all_is_written(workspace: Workspace) -> None:
    os.mkfifo(workspace / "pipe")
    code = (
        "import normcli, sys; from normcli.methods.zscore import ZScore\n"
        "normcli.apply(normcli.fit('table.csv', ZScore()), 'table.csv', 'pipe', from_='csv'); sys.stdin.read()"
    )
    run = subprocess.Popen([sys.executable, "-c", code], cwd=workspace.path, stdin=subprocess.PIPE)
    try:
        assert (workspace / "pipe").read_bytes().startswith(b"site,a,b,c\n")  # ends, though the writer lives on
    finally:
        run.communicate(b"", timeout=20)


@pytest.mark.parametrize("wrong", ["int7", "uint", "float8", "decimal", "integer"])
def test_a_type_that_there_is_not_is_refused_in_parameters(wrong: str, workspace: Workspace) -> None:
    text = (workspace / workspace.params()).read_text()
    (workspace / "e.json").write_text(text.replace('"type": "int64"', f'"type": "{wrong}"'))
    error = workspace.fails(65, "apply", "table.csv", "-p", "e.json", "--allow-edited", "--inverse")
    assert f"$.schema[1].type: '{wrong}' is no type of numbers" in error


def test_a_name_without_end_is_cut_in_messages(workspace: Workspace) -> None:
    (workspace / "l.csv").write_bytes(b"a" * 100_000 + b",b\nx,y\n")
    assert len(workspace.fails(65, "fit", "-m", "zscore", "l.csv")) < 500


def test_paths_in_reports_are_text(workspace: Workspace) -> None:
    name = b"\xff.csv"
    with open(bytes(workspace.path) + b"/" + name, "wb") as file:
        file.write(TABLE)
    workspace.succeeds("fit", "-m", "zscore", name, "-p", "p.json", "--run-report", "r.json")
    assert report(workspace)["inputs"] == ["\\xff.csv"]
