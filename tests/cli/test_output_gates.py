"""What a run refuses to replace: one OUTPUT as a whole, in a directory each file by itself, PARAMS before both."""

import json
from pathlib import Path
from typing import Any

import pytest

from normcli.io.manifest import NAME
from tests.cli.conftest import TABLE, Workspace
from tests.conftest import longer

PLAIN, BIG = b"a,b,c\n1,2,3\n4,5,7\n", b"a,b,c\n9007199254740993,2,3\n4,5,7\n"
GAPS, BAD = b"a,b,c\n1,,3\n4,5,7\n", b"a,b,c\n1\n1,2,3,4\n"
SKIP = ("--on-bad-row", "skip")


def fill(workspace: Workspace, *contents: bytes) -> None:
    for folder in ("in", "out"):
        (workspace / folder).mkdir()
    for n, content in enumerate(contents):
        (workspace / "in" / f"{n}.csv").write_bytes(content)


def outputs(workspace: Workspace) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted((workspace / "out").glob("*")) if p.name != NAME}


def report(workspace: Workspace) -> Any:
    return json.loads((workspace / "r.json").read_bytes())


# -- warnings, file by file --------------------------------------------------------------------------------------
@pytest.mark.parametrize("warned", [BIG, GAPS])
def test_in_a_directory_each_file_has_a_gate_of_its_own(warned: bytes, workspace: Workspace) -> None:
    """With all of its warnings; what comes before is there, and is told."""
    workspace.params("unit")
    fill(workspace, PLAIN, PLAIN, warned, PLAIN)
    (workspace / "out" / "2.csv").write_bytes(b"old")
    done = workspace.run("apply", "in", "-p", "p.json", "-o", "out", "--werror")
    assert (done.code, len(done.warnings)) == (65, 1), done.err
    said = "1 warning, and --werror makes it an error; 2 files were written, that of in/2.csv was not"
    assert done.errors == [f"normcli: error: {said}"]
    assert list(outputs(workspace)) == ["0.csv", "1.csv", "2.csv"]
    assert outputs(workspace)["2.csv"] == b"old"


def test_nothing_was_replaced_is_said_only_where_it_is_so(workspace: Workspace) -> None:
    workspace.params("unit")
    fill(workspace, GAPS, PLAIN)
    assert "; nothing was replaced" in workspace.fails(65, "apply", "in", "-p", "p.json", "-o", "out/", "--werror")
    assert "; nothing was replaced" in workspace.fails(65, "apply", "in", "-p", "p.json", "-o", "out.csv", "--werror")


@pytest.mark.parametrize("contents", [(PLAIN, BIG, BIG), (GAPS, PLAIN, GAPS), *longer((BIG, GAPS, PLAIN))])
def test_a_directory_is_warned_of_as_its_files_are_one_by_one(
    contents: tuple[bytes, ...], workspace: Workspace
) -> None:
    """Each by itself, and what is the same of several once."""
    workspace.params("unit")
    fill(workspace, *contents)
    alone = [
        line.replace("warning: ", f"warning: in/{n}.csv: " if " rows (" in line else "warning: ")
        for n in range(len(contents))
        for line in workspace.succeeds("apply", f"in/{n}.csv", "-p", "p.json", "-o", f"{n}.csv").warnings
    ]
    done = workspace.succeeds("apply", "in", "-p", "p.json", "-o", "out/")
    assert done.warnings == list(dict.fromkeys(alone))
    assert outputs(workspace) == {f"{n}.csv": (workspace / f"{n}.csv").read_bytes() for n in range(len(contents))}


def test_parameters_count_among_the_files_that_were_replaced(workspace: Workspace) -> None:
    fill(workspace, PLAIN, GAPS)
    done = workspace.run("fit", "-m", "unit", "in", "-p", "k.json", "-o", "out", "--werror")
    assert (done.code, list(outputs(workspace)), (workspace / "k.json").exists()) == (65, ["0.csv"], True)
    assert "; 2 files were written, that of in/1.csv was not" in done.err


def test_a_warning_of_the_whole_run_says_how_many_files_were_replaced(workspace: Workspace) -> None:
    workspace.params()
    fill(workspace, PLAIN, PLAIN)
    line = ("apply", "in", "-p", "p.json", "--check=warn", "--werror", "--run-report", "r.json")
    done = workspace.run(*line, "-o", "out/")
    assert (done.code, len(outputs(workspace))) == (65, 2)
    assert "; 2 files were written" in done.err
    assert report(workspace)["exit_code"] == 65
    done = workspace.run(*line, "-o", "one.csv")
    assert "; nothing was replaced" in done.err
    assert not (workspace / "one.csv").exists()


def test_too_few_rows_in_a_directory_say_how_many_files_were_replaced(workspace: Workspace) -> None:
    """How many rows there are is known when the last was read."""
    workspace.params()
    fill(workspace, PLAIN, PLAIN)
    done = workspace.run("apply", "in", "-p", "p.json", "-o", "out/", "--min-rows", "5")
    assert (done.code, len(outputs(workspace))) == (65, 2)
    assert "4 rows, fewer than --min-rows 5; 2 files were written" in done.err
    error = workspace.fails(65, "apply", "in", "-p", "p.json", "-o", "one.csv", "--min-rows", "5")
    assert error == "4 rows, fewer than --min-rows 5 (did a source deliver less?)"


# -- PARAMS and a directory --------------------------------------------------------------------------------------
LATE = b"a,b,c,a_z\n1,2,3,4\n4,5,7,8\n"


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        ((PLAIN, LATE), ("-m", "zscore", "--column-suffix", "_z", "-c", "a,b,c")),
        ((b"a\n1\n-5\n", PLAIN), ("-m", "log1p")),
        ((PLAIN, PLAIN), ("-m", "zscore", "--min-rows", "5")),
        ((GAPS, PLAIN), ("-m", "unit", "--werror")),
        ((BAD, PLAIN), ("-m", "unit", *SKIP, "-c", "b")),
        ((PLAIN, BAD), ("-m", "zscore", *SKIP, "-c", "b")),
        ((PLAIN, b"a,b\n1,2\n"), ("-m", "zscore")),
    ],
    ids=["name taken", "first file", "rows", "warning", "rejected first", "rejected later", "column gone"],
)
@pytest.mark.parametrize("old", [b"old", None])
def test_parameters_stay_where_the_first_file_can_not_be_made_or_schemas_tell(
    contents: tuple[bytes, ...], words: tuple[str, ...], old: bytes | None, workspace: Workspace
) -> None:
    fill(workspace, *contents)
    if old:
        (workspace / "k.json").write_bytes(old)
    workspace.fails(65, "fit", *words, "in", "-p", "k.json", "-o", "out/")


def test_parameters_are_there_with_the_first_file(workspace: Workspace) -> None:
    """What a later file is refused for leaves both."""
    fill(workspace, b"a\n1\n2\n", b"a\n-5\n", b"a\n3\n")
    done = workspace.run("fit", "-m", "log1p", "in", "-p", "k.json", "-o", "out/")
    assert (done.code, list(outputs(workspace))) == (65, ["0.csv"])
    workspace.succeeds("apply", "in/0.csv", "-p", "k.json", "-o", "0.csv")
    assert (workspace / "0.csv").read_bytes() == outputs(workspace)["0.csv"]


# -- rows --------------------------------------------------------------------------------------------------------
TEXTS = {
    "csv": (b"a,b,c\n", b"1,2,3\n4,5,7\n2,2,9\n", b"1\n1,2,3,4\n"),
    "tsv": (b"a\tb\tc\n", b"1\t2\t3\n4\t5\t7\n2\t2\t9\n", b"1\n1\t2\t3\t4\n"),
    "ndjson": (
        b"",
        b'{"a":1,"b":2,"c":3}\n{"a":4,"b":5,"c":7}\n{"a":2,"b":2,"c":9}\n',
        b'[1]\n{"a":"x","b":1,"c":2}\n',
    ),
}


@pytest.mark.parametrize("suffix", ["csv", *longer("tsv"), "ndjson"])
@pytest.mark.parametrize("good", [3, 0])
@pytest.mark.parametrize("into", ["o.parquet", "out/"])
def test_rows_in_are_rows_out_and_rows_rejected(suffix: str, good: int, into: str, workspace: Workspace) -> None:
    """In every report; where all are rejected it is an error, and nothing is replaced."""
    header, rows, bad = TEXTS[suffix]
    fill(workspace)
    (workspace / "in" / f"0.{suffix}").write_bytes(header + (rows + bad if good else bad))
    workspace.params()
    commands: dict[str, tuple[str, ...]] = {
        "fit": ("fit", "-m", "zscore", "-p", "k.json"),
        "fit -o": ("fit", "-m", "zscore", "-p", "k.json", "-o", into),
        "fit -o, nothing learned": ("fit", "-m", "unit", "-p", "k.json", "-o", into),
        "apply": ("apply", "-p", "p.json", "-o", into),
        "check": ("check", "-p", "p.json", "-qq"),
    }
    if suffix == "ndjson" and not good:  # where no column of numbers is known, others have more to say
        commands = {"apply": commands["apply"]}
    for name, words in commands.items():
        more = ("-c", "a,b,c") if words[0] == "fit" else ()
        before = workspace.files()
        line = (*words, "in", *more, *SKIP, "--rejects", "rejects", "--run-report", "r.json")
        done = workspace.run(*line)
        told = report(workspace)
        assert (done.code, told["rows_in"], told["rows_rejected"]) == (0 if good else 65, good + 2, 2), (name, done.err)
        if not good:
            assert f"0.{suffix}: every row is rejected (2), the first in/0.{suffix}:" in done.err
            assert {k: v for k, v in workspace.files().items() if k != "r.json"} == before
        elif name != "check":
            assert told["rows_out"] == (None if name == "fit" else good)
            assert len((workspace / "rejects").read_bytes().splitlines()) == 2
        (workspace / "r.json").unlink()


def test_of_several_inputs_into_one_output_some_may_be_rejected_as_a_whole(workspace: Workspace) -> None:
    workspace.params()
    fill(workspace, BAD, PLAIN)
    done = workspace.succeeds("apply", "in", "-p", "p.json", *SKIP, "-o", "o.csv")
    assert "2 rows of 2 inputs, 2 bad rows rejected" in done.err
    error = workspace.fails(65, "apply", "in", "-p", "p.json", *SKIP, "-o", "out/")
    assert error.startswith("in/0.csv: every row is rejected (2), the first in/0.csv:2: 1 field where")
    (workspace / "in" / "0.csv").write_bytes(b"a,b,c\n1\n")
    error = workspace.fails(65, "apply", "in", "-p", "p.json", *SKIP, "-o", "out/")
    assert error.startswith("in/0.csv: the only row is rejected: in/0.csv:2: 1 field where")


def test_no_rows_at_all_are_none_that_were_rejected(workspace: Workspace) -> None:
    workspace.params()
    assert workspace.succeeds("apply", "-", "-p", "p.json", *SKIP, stdin=b"a,b,c\n").out == b"a,b,c\n"


# -- what was there before ---------------------------------------------------------------------------------------
def test_a_fit_says_that_it_replaces_one_that_counted_more(workspace: Workspace) -> None:
    (workspace / "few.csv").write_bytes(PLAIN)
    fit, note = ("fit", "-m", "zscore", "-p", "p.json"), ("--note", 'two\nlines, "quoted\\"')
    assert "replaces" not in workspace.succeeds(*fit, "few.csv").err
    assert "replaces" not in workspace.succeeds(*fit, "table.csv", *note).err
    assert workspace.succeeds(*fit, "few.csv").lines[-1].endswith(" -> p.json, replaces a fit of 6 rows")
    workspace.succeeds(*fit, "table.csv", *note)
    workspace.succeeds("fit", "-m", "zscore", "few.csv", "-p", "few.json")
    assert workspace.succeeds("merge", "few.json", "-o", "p.json").err.endswith(
        " -> p.json, replaces a fit of 6 rows\n"
    )
    workspace.succeeds(*fit, "table.csv")
    relearn = ("fit", "--relearn", "few.json", "-m", "center", "-p", "p.json")
    assert "p.json, replaces a fit of 6 rows" in workspace.succeeds(*relearn).err
    workspace.succeeds(*fit, "table.csv")
    assert "p.json, replaces a fit of 6 rows, o.csv" in workspace.succeeds(*fit, "few.csv", "-o", "o.csv").err
    assert "replaces" not in workspace.succeeds(*fit, "few.csv", "--update", "--recount").err


@pytest.mark.parametrize("old", [b"", b"{}", b"\xff\xfe", TABLE, b'{"format": "normcli", "version": 1, "rows": "9"}'])
def test_what_is_no_parameter_file_is_replaced_without_a_word(old: bytes, workspace: Workspace) -> None:
    (workspace / "p.json").write_bytes(old)
    assert workspace.succeeds("fit", "-m", "zscore", "table.csv", "-p", "p.json").err.endswith(" -> p.json\n")


def test_a_directory_that_can_not_be_written_is_told_before_data_are_read(workspace: Workspace) -> None:
    error = workspace.fails(73, "fit", "-m", "zscore", "table.csv", "-p", str(Path("none") / "p.json"))
    assert error.startswith("none/p.json: there is no directory ")
