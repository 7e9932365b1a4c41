"""The line that says how far a run has come: where it is, what it says, and that nothing of it stays."""

import re
import signal
import subprocess
import time
from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from normcli.cli import _progress
from normcli.cli._progress import Line
from normcli.cli._status import Status, clock
from normcli.cli._terminal import cells
from tests.cli.conftest import PATIENCE, TABLE, Workspace, environment, start
from tests.cli.test_messages import CAPABLE, COLOUR, terminal
from tests.cli.test_tables import NAMES
from tests.conftest import longer

LINE = re.compile(rb"\r[^\r\n]*\x1b\[K")  # one writing of it
HEADER, ROWS = TABLE.split(b"\n", 1)


# -- what it says ------------------------------------------------------------------------------------------------
STATUSES = st.builds(
    Status,
    activity=st.sampled_from(["fitting", "normalizing", "restoring", "checking"]),
    name=NAMES,
    number=st.integers(1, 10**6),
    inputs=st.integers(1, 10**6),
    done=st.integers(0, 10**15),
    total=st.none() | st.integers(0, 10**15),
    unit=st.sampled_from(["B", "rows"]),
    rows=st.integers(0, 10**13),
    rate=st.floats(0, 1e12),
    seconds=st.floats(0, 1e9),
)


@given(STATUSES, st.integers(20, 200))
def test_it_is_never_wider_than_the_terminal(status: Status, width: int) -> None:
    line = status.line(width)
    assert cells(line) <= width
    assert cell_len(line) <= width
    assert line.isprintable()


def test_it_says_the_verb_the_file_how_much_of_it_and_what_is_left() -> None:
    status = Status("fitting", "b.csv", 2, 12, 340_000_000, 1_000_000_000, "B", 5_000_000, 20_000_000.0, 17.0)
    bar = "━━━━━━──────────────"
    amount = "340.0 MB of 1.0 GB  5,000,000 rows  20.0 MB/s"
    assert status.line(160) == f"fitting  b.csv (2 of 12)  {bar}   34 %  {amount}  0:33 left"
    assert status.line(80) == "fitting  b.csv (2 of 12)   34 %  340.0 MB of 1.0 GB  20.0 MB/s  0:33 left"
    assert status.line(70) == "fitting  b.csv (2 of 12)   34 %  340.0 MB of 1.0 GB  0:33 left"
    assert status.line(60) == "fitting  b.csv (2 of 12)   34 %  0:33 left"


def test_of_a_pipe_it_says_what_was_read_and_how_long_it_took() -> None:
    status = Status("normalizing", "<stdin>", done=5_500_000, rows=620_000, rate=2e6, seconds=75.2)
    assert status.line(100) == "normalizing  <stdin>  5.5 MB read  620,000 rows  2.0 MB/s  1:15"


def test_before_there_are_data_it_says_so() -> None:
    status = Status("fitting", "<stdin>", seconds=3.0)
    assert status.line(100) == "fitting  <stdin>  waiting for data  0:03"
    assert status.line(36) == "fitting  <stdin>  0:03"


def test_rows_are_counted_where_there_are_no_bytes() -> None:
    status = Status("checking", "a.parquet", done=541_901, total=1_200_000, unit="rows", rate=4e5)
    assert status.line(100).endswith("45 %  541,901 of 1,200,000 rows  400,000 rows/s  0:02 left")


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00"), (7, "0:07"), (754, "12:34"), (18_367, "5:06:07")])
def test_times_are_as_on_a_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_the_rate_is_that_of_late() -> None:
    """After a pause of a minute it is not what it was before."""
    line = Line()
    line.begin(result(), 10**9, "B")
    line.end()
    line._started, line._points = 0.0, deque([(0.0, 0)])
    for second in range(1, 60):
        line._done = 0 if second < 50 else (second - 50) * 1_000
        status = line.status(float(second))
    assert status.rate == pytest.approx(900, rel=0.12)


def result() -> Any:
    progress = SimpleNamespace(source="a.csv", number=1, rows=0)
    return SimpleNamespace(activity="fitting", inputs=["a.csv"], empty=None, source=None, progress=progress)


# -- where it is -------------------------------------------------------------------------------------------------
class Run:
    """A fit of standard input that takes as long as we want, with a terminal as standard error."""

    def __init__(
        self, workspace: Workspace, fd: int, *line: str, env: dict[str, str], out: int = subprocess.DEVNULL
    ) -> None:
        self.process = start(
            line or ("fit", "-m", "zscore", "-p", "p.json"), cwd=workspace.path, env=environment(env),
            stdin=subprocess.PIPE, stdout=out, stderr=fd,
        )  # fmt: skip
        assert self.process.stdin is not None
        self.process.stdin.write(HEADER + b"\n" + ROWS * 16_000)
        self.process.stdin.flush()

    def end(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(PATIENCE)


def after(seen: bytearray, begun: float) -> float:
    """How many seconds later there was a line."""
    while not LINE.search(seen) and time.monotonic() < begun + PATIENCE:
        time.sleep(0.01)
    return time.monotonic() - begun


def test_there_is_a_line_after_a_second_and_nothing_of_it_stays(workspace: Workspace) -> None:
    with terminal() as t:
        begun = time.monotonic()
        run = Run(workspace, t.fd, env=CAPABLE)
        assert after(t.seen, begun) > _progress.FIRST
        assert run.end() == 0
    first = LINE.search(t.seen)
    assert first is not None
    assert first[0].startswith(b"\rfitting  <stdin>  ")
    assert b"B read  " in first[0]
    line, end = t.seen.rsplit(b"\r\x1b[K", 1)  # it is erased, and then the summary has the line
    assert LINE.fullmatch(line[line.rindex(b"\rfitting") :])
    assert re.fullmatch(rb"normcli: fit zscore: 96,000 rows, [^\r\n]*\r\n", end)


@pytest.mark.parametrize("begun", [b"", HEADER + b"\n" + ROWS])
def test_a_pipe_without_enough_data_for_a_first_look_has_a_line(workspace: Workspace, begun: bytes) -> None:
    with terminal() as t:
        line = ("fit", "-m", "zscore", "-p", "p.json")
        run = start(
            line, cwd=workspace.path, env=environment(CAPABLE), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=t.fd,
        )  # fmt: skip
        assert run.stdin is not None
        run.stdin.write(begun)
        run.stdin.flush()
        assert after(t.seen, time.monotonic()) < PATIENCE
        run.stdin.write((b"" if begun else HEADER + b"\n") + ROWS)
        run.stdin.close()
        assert run.wait(PATIENCE) == 0
    first = LINE.search(t.seen)
    assert first is not None
    assert first[0].startswith(b"\rfitting  <stdin>  " + (b"" if begun else b"waiting for data  "))
    _, end = t.seen.rsplit(b"\r\x1b[K", 1)
    assert re.fullmatch(rb"normcli: fit zscore: [^\r\n]*\r\n", end)


@pytest.mark.parametrize("number", [signal.SIGINT, *longer(signal.SIGTERM)])
def test_a_signal_leaves_nothing_of_it(workspace: Workspace, number: signal.Signals) -> None:
    with terminal() as t:
        run = Run(workspace, t.fd, env=CAPABLE)
        assert after(t.seen, time.monotonic()) < PATIENCE
        run.process.send_signal(number)
        assert run.process.wait(PATIENCE) == -number
    words = b"interrupted" if number == signal.SIGINT else b"ended by SIGTERM; nothing was replaced"
    end = COLOUR.sub(b"", t.seen.rsplit(b"\r\x1b[K", 1)[1])
    assert end == b"normcli: error: " + words + b"\r\n"
    assert b"\x1b[?25l" not in t.seen  # the cursor was never hidden


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, *longer({})])
def test_there_is_none_where_a_terminal_can_not_erase(workspace: Workspace, env: dict[str, str]) -> None:
    with terminal() as t:
        run = Run(workspace, t.fd, env=env)
        time.sleep(_progress.FIRST + 0.8)
        assert run.end() == 0
    assert t.seen.startswith(b"normcli: fit zscore: ")
    assert b"\x1b" not in t.seen


@pytest.mark.parametrize("line", [(), *longer(("apply", "-p", "p.json", "-o", "o.csv"))])
def test_where_standard_error_is_no_terminal_there_is_nothing(workspace: Workspace, line: tuple[str, ...]) -> None:
    workspace.params()
    with open(workspace / "err", "wb") as err:
        run = Run(workspace, err.fileno(), *line, env=CAPABLE)
        time.sleep(_progress.FIRST + 0.8)
        assert run.end() == 0
    said = Path(workspace / "err").read_bytes()
    assert said.startswith(b"normcli: ")
    assert said.count(b"\n") == 1
    assert b"\x1b" not in said
    assert b"\r" not in said


def test_where_data_go_to_the_terminal_there_is_nothing_else(workspace: Workspace) -> None:
    workspace.params()
    with terminal() as t:
        run = Run(workspace, t.fd, "apply", "-p", "p.json", env=CAPABLE, out=t.fd)
        time.sleep(_progress.FIRST + 0.8)
        assert run.end() == 0
    assert b"\x1b" not in t.seen
    assert t.seen.startswith(b"site,a,b,c\r\nnorth,")


def test_other_lines_do_not_share_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning erases it first; it comes again below."""
    monkeypatch.setattr(_progress, "FIRST", 0.01)
    monkeypatch.setattr(_progress, "EVERY", 0.01)
    written = list[bytes]()
    monkeypatch.setattr(_progress, "os", SimpleNamespace(write=lambda fd, data: written.append(data)))
    line = Line()
    line.begin(result(), None, "B")
    until_written(written, 1)
    with line.away():
        before = len(written)
        assert written[-1] == _progress.ERASE
        time.sleep(0.05)
        assert len(written) == before
    until_written(written, before + 1)
    line.end()
    assert written[-1] == _progress.ERASE
    time.sleep(0.05)
    assert written[-1] == _progress.ERASE


def until_written(written: list[bytes], count: int) -> None:
    end = time.monotonic() + PATIENCE
    while len(written) < count and time.monotonic() < end:
        time.sleep(0.005)
    assert len(written) >= count
