"""No two outputs of a run go to one stream: what is there could be read as neither."""

import json
import os
from itertools import combinations

import pytest

from tests.cli.conftest import TABLE, Workspace

pytestmark = pytest.mark.process  # descriptors and pipes are the point

SKIP = ("--on-bad-row", "skip")
STDOUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
# a command, and its outputs with the words that send each to standard output
COMMANDS = {
    "fit": (("fit", "-m", "zscore", "table.csv"), {"-p": ("-p", "-")}),
    "fit by default": (("fit", "-m", "zscore", "table.csv"), {"-p": ()}),
    "fit -o": (("fit", "-m", "zscore", "table.csv"), {"-p": ("-p", "-"), "-o": ("-o", "-")}),
    "fit -o of what is not learned": (("fit", "-m", "unit", "table.csv"), {"-o": ("-o", "-")}),
    "relearn": (("fit", "--relearn", "p.json", "-m", "minmax"), {"-p": ()}),
    "apply": (("apply", "table.csv", "-p", "p.json"), {"-o": ("-o", "-")}),
    "apply by default": (("apply", "table.csv", "-p", "p.json"), {"-o": ()}),
    "merge": (("merge", "p.json"), {"-o": ()}),
    "check": (("check", "table.csv", "-p", "p.json"), {"the table": ()}),
    "check --json": (("check", "table.csv", "-p", "p.json"), {"--json": ("--json", "-qq")}),
    "fit --dry-run": (("fit", "-m", "zscore", "table.csv", "-p", "x"), {"--dry-run": ("--dry-run",)}),
    "apply --dry-run": (("apply", "table.csv", "-p", "p.json"), {"--dry-run": ("--dry-run",)}),
}
REPORT = {"--run-report": ("--run-report", "-")}
REJECTS = {"fit", "fit -o", "apply", "check"}


def cases() -> list[tuple[str, ...]]:
    """All pairs of outputs of each command, both sent to standard output."""
    found = []
    for name, (line, outputs) in COMMANDS.items():
        beside = {"--rejects": (*SKIP, "--rejects", "-")} if name in REJECTS else {}
        for pair in combinations((outputs | beside | REPORT).items(), 2):
            found.append((*line, *pair[0][1], *pair[1][1]))
    return found


@pytest.mark.parametrize("words", cases(), ids=" ".join)
def test_two_outputs_of_a_command_are_never_both_standard_output(words: tuple[str, ...], workspace: Workspace) -> None:
    workspace.params()
    assert " are both standard output" in workspace.fails(2, *words)


@pytest.mark.parametrize("one", STDOUT)
@pytest.mark.parametrize("other", STDOUT)
def test_however_it_is_called(one: str, other: str, workspace: Workspace) -> None:
    workspace.params()
    line = ("apply", "table.csv", "-p", "p.json", "-o", one)
    assert "are both standard output" in workspace.fails(2, *line, "--run-report", other)
    assert "are both standard output" in workspace.fails(2, *line, *SKIP, "--rejects", other)


def test_nor_one_pipe_or_descriptor_by_two_names(workspace: Workspace) -> None:
    workspace.params()
    os.mkfifo(workspace / "fifo")
    (workspace / "link").symlink_to("fifo")
    line = ("apply", "table.csv", "-p", "p.json", *SKIP)
    assert "-o and --rejects are both link" in workspace.fails(2, *line, "-o", "fifo", "--rejects", "link")
    for more in (("--run-report", "/dev/fd/3"), ("--rejects", "/proc/self/fd/3")):
        workspace.fails(2, *line, "-o", "/dev/fd/3", *more, via='exec "$@" 3>/dev/null')
        workspace.fails(2, *line, *more, via='exec "$@" 3>&1')


def test_nor_a_file_that_standard_output_is(workspace: Workspace) -> None:
    workspace.params()
    with (workspace / "out").open("wb") as file:
        done = workspace.run("apply", "table.csv", "-p", "p.json", "--run-report", "out", stdout=file)
    assert (done.code, (workspace / "out").read_bytes()) == (2, b"")


def test_one_alone_has_it(workspace: Workspace) -> None:
    """A report, or what was rejected, while data go to a file; nothing else is there."""
    workspace.params()
    (workspace / "bad.csv").write_bytes(TABLE + b"x,y,1,2\n")
    line = ("bad.csv", *SKIP, "-p", "q.json", "-o", "o.csv")
    for command in (("fit", "-m", "zscore", "-c", "a,b,c"), ("apply",)):
        assert json.loads(workspace.succeeds(*command, *line, "--rejects", "-").out)["line"] == 8
        assert json.loads(workspace.succeeds(*command, *line, "--run-report", "-").out)["rows_rejected"] == 1
    assert (
        json.loads(workspace.succeeds("check", "table.csv", "-p", "p.json", "-qq", "--run-report", "-").out)["rows_in"]
        == 6
    )
    assert json.loads(workspace.succeeds("merge", "p.json", "-o", "m.json", "--run-report", "-").out)["rows_in"] == 6


def test_a_device_takes_all_that_comes(workspace: Workspace) -> None:
    workspace.params()
    null = os.devnull
    workspace.succeeds("apply", "table.csv", "-p", "p.json", "-o", null, "--run-report", null, *SKIP, "--rejects", null)


FILES = {  # outputs of a command that may be files
    "fit": (("fit", "-m", "zscore", "table.csv"), ("-p", "-o", "--rejects", "--run-report")),
    "apply": (("apply", "table.csv", "-p", "p.json"), ("-o", "--rejects", "--run-report")),
    "merge": (("merge", "p.json"), ("-o", "--run-report")),
}


@pytest.mark.parametrize("command", FILES)
def test_nor_one_file_whether_it_is_there_or_not(command: str, workspace: Workspace) -> None:
    workspace.params()
    words, flags = FILES[command]
    (workspace / "here").mkdir()
    (workspace / "old.csv").touch()
    (workspace / "symbolic.csv").symlink_to("old.csv")
    (workspace / "hard.csv").hardlink_to(workspace / "old.csv")
    for one, other in (("new.csv", "here/../new.csv"), ("old.csv", "symbolic.csv"), ("old.csv", "hard.csv")):
        for first, second in combinations(flags, 2):
            more = SKIP if "--rejects" in (first, second) else ()
            more = (*more, "-p", "k.json") if command == "fit" and first != "-p" else more
            for dry in ((), ("--dry-run",)) if command != "merge" else ((),):
                error = workspace.fails(2, *words, *more, first, one, second, other, *dry)
                assert error.startswith(f"{first} and {second} are both "), error


def test_nor_to_a_file_that_is_read(workspace: Workspace) -> None:
    workspace.params()
    (workspace / "plan.toml").write_text('[[steps]]\nmethod = "unit"\n')
    (workspace / "list").write_text("table.csv\n")
    apply = ("apply", "-p", "p.json", "-o", "o.csv")
    for line, name in (
        (("fit", "table.csv", "--plan", "plan.toml", "-p", "k.json"), "plan.toml"),
        ((*apply, "table.csv"), "table.csv"),
        ((*apply, "--files-from", "list"), "list"),
        ((*apply, "--files-from", "list"), "table.csv"),
        ((*apply, "table.csv"), "p.json"),
        (("fit", "--relearn", "p.json", "-m", "minmax", "-p", "k.json"), "p.json"),
    ):
        before = workspace.files()
        assert workspace.fails(2, *line, "--run-report", name).startswith(
            f"--run-report {name} is another file of this run"
        )
        assert workspace.files() == before
