"""What a person reads while it runs and when it is done: on standard error, one line to a message."""

import os
import pty
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from normcli import kernel
from tests.cli.conftest import PATIENCE, TABLE, Workspace, environment
from tests.processes import start

GAPS = TABLE.replace(b"4,", b",")  # one value gone, which is one row in six
COLOUR = re.compile(rb"\x1b\[[0-9;:]*m")
ESCAPE = b"\x1b"


@dataclass
class Terminal:
    """A terminal for a run: the end that the run has, and what was seen on it."""

    fd: int
    seen: bytearray = field(default_factory=bytearray)


@contextmanager
def terminal() -> Iterator[Terminal]:
    """One with somebody at it who watches, until the block ends."""
    ours, theirs = pty.openpty()
    made = Terminal(theirs)

    def watch() -> None:
        try:
            while data := os.read(ours, 1 << 16):
                made.seen += data
        except OSError:  # the other end is gone
            pass

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield made
    finally:
        os.close(theirs)
        watcher.join(PATIENCE)
        os.close(ours)


def at_terminal(workspace: Workspace, *args: str, on: tuple[int, ...], env: dict[str, str]) -> tuple[int, bytes]:
    """A run with a terminal as these descriptors: its code, and all that was seen there."""
    with terminal() as t:
        streams = {
            name: t.fd if fd in on else subprocess.DEVNULL for fd, name in enumerate(("stdin", "stdout", "stderr"))
        }
        code = start(args, cwd=workspace.path, env=environment(env), **streams).wait(PATIENCE)
    return code, bytes(t.seen)


# -- how much is said --------------------------------------------------------------------------------------------
def test_success_is_one_line_that_says_what_was_done(workspace: Workspace) -> None:
    (workspace / "table.csv").write_bytes(TABLE + b"\n\n")
    (line,) = workspace.succeeds("fit", "table.csv", "-m", "zscore", "-p", "p.json").lines
    for word in ("zscore", "6 rows", "2 blank lines", "3 columns, 1 left out, ", "-> p.json", " s "):
        assert word in line
    line = workspace.succeeds("fit", "table.csv", "-m", "zscore", "-p", "p.json", "-v").lines[-1]
    assert "3 columns (a, b, c), 1 left out (site), " in line
    (line,) = workspace.succeeds("apply", "table.csv", "-p", "p.json", "-o", "out.csv").lines
    for word in ("zscore", "6 rows", "2 blank lines", "3 columns", "99 B", "-> out.csv", " s "):
        assert word in line
    (line,) = workspace.succeeds("apply", "out.csv", "-p", "p.json", "--inverse").lines
    assert "restored" in line
    assert "<stdout>" in line


def test_each_q_leaves_out_the_least_of_what_is_said(workspace: Workspace) -> None:
    (workspace / "said.csv").write_bytes(b"# lab\na,zip,mix\n1,007,1\n2,008,x\n")
    line = ("fit", "said.csv", "--comment", "#", "-m", "zscore", "-p", "p.json")
    every = workspace.succeeds(*line).lines
    said = [text.split("mix")[0].split("zip")[0].removeprefix("normcli: ") for text in every]
    notices = ["said.csv: lines that begin with '#' are left out, as comments", "said.csv: "]
    assert said[:3] == [notices[0], "warning: said.csv:4: column '", notices[1]]
    assert said[3].startswith("fit zscore: ")
    assert workspace.succeeds(*line, "-q").lines == every[1:2]
    assert workspace.succeeds(*line, "-qq").lines == []
    assert workspace.succeeds(*line, env={"NORMCLI_QUIET": "1"}).lines == every[1:2]


def test_many_columns_are_not_all_named(workspace: Workspace) -> None:
    (workspace / "wide.csv").write_text(",".join(f"c{j}" for j in range(300)) + "\n" + ",".join("1" * 300) + "\n")
    done = workspace.succeeds("fit", "wide.csv", "-m", "zscore", "-p", "p.json")
    assert ", 300 columns, " in done.lines[-1]
    assert "c19 and 280 more" in done.warnings[0]
    assert "c20" not in done.err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), ["warning", "summary"]),
        (("-q",), ["warning"]),
        (("-qq",), []),
        (("-v",), ["detail", "warning", "summary"]),
    ],
)
def test_quiet_and_verbose(workspace: Workspace, flags: tuple[str, ...], said: list[str]) -> None:
    (workspace / "gaps.csv").write_bytes(GAPS)
    workspace.params("decorrelate")
    for line, verb in (
        (("fit", "gaps.csv", "-m", "decorrelate", "-p", "new.json"), "fit decorrelate: "),
        (("apply", "gaps.csv", "-p", "p.json", "-o", "out.csv"), "applied decorrelate: "),
    ):
        kinds = []
        for words in workspace.succeeds(*line, *flags).lines:
            kind = "warning" if words.startswith("normcli: warning: ") else "detail"
            kinds.append("summary" if words.startswith(f"normcli: {verb}") else kind)
        assert list(dict.fromkeys(kinds)) == said


@pytest.mark.parametrize(("method", "count"), [("decorrelate", 1), ("zscore", 0)])
def test_verbose_says_how_co_moments_are_computed(workspace: Workspace, method: str, count: int) -> None:
    (workspace / "table.csv").write_bytes(TABLE)
    lines = workspace.succeeds("fit", "table.csv", "-m", method, "-p", "p.json", "-v").lines
    assert lines.count(f"normcli: {kernel.comoments_description()}") == count


def test_errors_are_always_said(workspace: Workspace) -> None:
    assert "nosuch.csv" in workspace.fails(66, "fit", "nosuch.csv", "-m", "zscore", "-qq")


def test_rows_that_came_out_missing_are_told(workspace: Workspace) -> None:
    (workspace / "gaps.csv").write_bytes(GAPS)
    workspace.params("unit")
    done = workspace.succeeds("apply", "gaps.csv", "-p", "p.json", "-o", "out.csv")
    assert "1 row missing" in done.lines[-1]
    assert "1 of 6 rows (16.7%) miss a selected value" in done.warnings[0]


# -- warnings ----------------------------------------------------------------------------------------------------
WARNED = {
    "constant": (b"a,b\n1,2\n1,3\n", "constant: a"),
    "no value": (b"a,b\n,2\n,3\n4,\n", "'a'"),
    "doubtful": (b"a,b\n1,2\n2,3\n3,x\n", "table.csv:4: column 'b' is left out: 'x' in it is not a number"),
}


@pytest.mark.parametrize("what", WARNED)
def test_warnings_name_the_column(workspace: Workspace, what: str) -> None:
    data, words = WARNED[what]
    (workspace / "table.csv").write_bytes(data)
    (workspace / "p.json").write_bytes(b"old")
    if what == "no value":
        (workspace / "table.csv").write_bytes(b"a,b\n,2\n,3\n")
    done = workspace.succeeds("fit", "table.csv", "-m", "zscore", "-p", "new.json")
    assert any(words in line for line in done.warnings)
    done = workspace.run("fit", "table.csv", "-m", "zscore", "-p", "p.json", "--werror")
    assert (done.code, len(done.errors)) == (65, 1)
    assert "--werror" in done.errors[0]
    assert any(words in line for line in done.warnings)
    assert (workspace / "p.json").read_bytes() == b"old"


def test_a_column_left_out_on_purpose_is_no_doubt(workspace: Workspace) -> None:
    (workspace / "table.csv").write_bytes(WARNED["doubtful"][0])
    assert workspace.succeeds("fit", "table.csv", "-m", "zscore", "-x", "b", "-p", "p.json", "--werror").warnings == []


def test_a_header_of_numbers_is_doubted(workspace: Workspace) -> None:
    data = b"1,2\n3,4\n5,6\n"
    done = workspace.succeeds("fit", "-m", "center", "-p", "p.json", stdin=data)
    assert [w.split(" (")[0] for w in done.warnings] == [
        "normcli: warning: <stdin>:1: the names of all columns are numbers: the first row is taken for the header, not "
        "for data"
    ]
    assert workspace.succeeds("fit", "-m", "center", "-p", "p.json", "--header", stdin=data).warnings == []
    assert workspace.succeeds("apply", "-p", "p.json", stdin=data).warnings == []
    assert workspace.succeeds("fit", "-m", "center", "-p", "p.json", "--no-header", stdin=data).warnings == []


def test_warnings_are_errors_before_the_target_is_replaced(workspace: Workspace) -> None:
    (workspace / "gaps.csv").write_bytes(GAPS)
    workspace.params("decorrelate")
    (workspace / "old.csv").write_bytes(b"old")
    workspace.fails(65, "apply", "gaps.csv", "-p", "p.json", "-o", "new.parquet", "--werror")
    workspace.fails(65, "apply", "gaps.csv", "-p", "p.json", "-o", "old.csv", "--werror", "-qq")
    workspace.succeeds("apply", "table.csv", "-p", "p.json", "-o", "old.csv", "--werror")


# -- terminals ---------------------------------------------------------------------------------------------------
def test_nothing_is_read_from_a_terminal(workspace: Workspace) -> None:
    workspace.params()
    for line in (("fit", "-m", "zscore"), ("fit", "-m", "zscore", "-"), ("apply", "-p", "p.json"), ("inspect", "-")):
        with terminal() as t:
            message = workspace.fails(2, *line, stdin=t.fd)
        assert "terminal" in message
        assert "for example: normcli" in message


def test_an_example_is_of_the_command_that_failed(workspace: Workspace) -> None:
    with terminal() as t:
        assert "normcli apply" in workspace.fails(2, "apply", "table.csv", "-p", "-", stdin=t.fd)
        assert "normcli inspect" in workspace.fails(2, "inspect", "-", stdin=t.fd)


def test_binary_data_do_not_go_to_a_terminal(workspace: Workspace, parquet: str) -> None:
    workspace.params()
    for line in ((parquet,), ("table.csv", "--to", "parquet"), (parquet, "-o", "/dev/stdout")):
        with terminal() as t:
            assert "terminal" in workspace.fails(2, "apply", "-p", "p.json", *line, stdout=t.fd)
        assert t.seen == b""
    with terminal() as t:
        workspace.succeeds("apply", "-p", "p.json", parquet, "--to", "csv", stdout=t.fd)
    assert t.seen.startswith(b"site,a,b,c\r\nnorth,")


CAPABLE = {"TERM": "xterm-256color"}


@pytest.mark.parametrize(
    "line", [("fit", "-m", "zscore", "-p", "new.json"), ("apply", "-p", "p.json", "-o", "out.csv")]
)
def test_a_short_run_is_its_summary_alone_on_a_terminal(workspace: Workspace, line: tuple[str, ...]) -> None:
    workspace.params()
    for flags, env in (((), CAPABLE), ((), {"TERM": "dumb"}), (("-q",), CAPABLE)):
        code, seen = at_terminal(workspace, *line, "table.csv", *flags, on=(2,), env=env)
        assert code == 0
        assert ESCAPE not in seen
        assert seen.count(b"\n") == (0 if flags else 1)


def test_an_error_is_readable_on_a_terminal(workspace: Workspace) -> None:
    workspace.params()
    (workspace / "bad.csv").write_bytes(TABLE + b"x,1,2\n")
    code, seen = at_terminal(workspace, "apply", "bad.csv", "-p", "p.json", "-o", "out.csv", on=(2,), env=CAPABLE)
    assert code == 65
    last = COLOUR.sub(b"", seen).rstrip().split(b"\n")[-1]
    assert b"normcli: error: bad.csv:8: " in last


def test_tables_on_a_terminal_are_literal(workspace: Workspace) -> None:
    (workspace / "odd.csv").write_bytes(b"[/markup],[bold]x,:smile:\n1,2,3\n2,3,4\n")
    workspace.succeeds("fit", "odd.csv", "-m", "zscore", "-p", "p.json")
    code, seen = at_terminal(workspace, "inspect", "p.json", on=(1,), env=CAPABLE | {"COLUMNS": "200"})
    assert code == 0
    assert all(name in seen for name in (b"[/markup]", b"[bold]x", b":smile:"))


def test_a_terminal_that_speaks_only_ascii(workspace: Workspace) -> None:
    """As in a container without a locale, or a log with an encoding of its own."""
    (workspace / "table.csv").write_text("größe,σ\n1,2\n2,3\n", "utf-8")
    env = {"PYTHONIOENCODING": "ascii"}
    workspace.succeeds("fit", "table.csv", "-m", "zscore", "-p", "p.json", env=env)
    for line in (("inspect", "p.json"), ("inspect", "--json-schema"), ("methods",), ("methods", "whiten"), ("--help",)):
        workspace.succeeds(*line, env=env)
    assert b"gr" in workspace.succeeds("apply", "table.csv", "-p", "p.json", env=env).out


def test_a_header_alone_is_one_error_without_warnings(workspace: Workspace) -> None:
    (workspace / "h.csv").write_bytes(b"a,b,c\n")
    done = workspace.run("fit", "h.csv", "-m", "zscore", "-p", "p.json")
    assert (done.code, len(done.lines), done.warnings) == (65, 1, [])
