"""Ended from outside: by the very signal, at once, and with nothing left behind."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import PATIENCE, TABLE, Workspace, ending, until
from tests.conftest import longer

ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
NOTHING = "nothing was replaced"
HEADER, ROWS = TABLE.split(b"\n", 1)
BLOCK = ROWS * 10_000  # 650 kB

APPLY = ("apply", "-p", "p.json", "-o", "out.csv")
FIT = ("fit", "-m", "zscore", "-p", "out.csv")


@contextmanager
def feeding(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Rows without end on its standard input."""
    assert process.stdin is not None
    fd = process.stdin.fileno()

    def feed() -> None:
        try:
            os.write(fd, HEADER + b"\n")
            while True:
                view = memoryview(BLOCK)
                while view:
                    view = view[os.write(fd, view) :]
        except OSError:
            pass

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    try:
        yield
    finally:
        process.kill()
        feeder.join(PATIENCE)


def is_writing(workspace: Workspace) -> Callable[[], bool]:
    return lambda: any(path.stat().st_size > 1 << 20 for path in workspace.temporaries())


def ended(process: "subprocess.Popen[bytes]") -> tuple[int, bytes]:
    """How it ended, within reason, and what it said."""
    code = process.wait(PATIENCE)
    assert process.stderr is not None
    return code, process.stderr.read()


def last_line(number: signal.Signals, outcome: str = NOTHING) -> bytes:
    if number == signal.SIGINT:  # who did that knows it
        return f"normcli: error: {'; '.join(['interrupted', outcome][: 1 + (outcome != NOTHING)])}\n".encode()
    return f"normcli: error: ended by {number.name}; {outcome}\n".encode()


@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize("line", [APPLY, FIT], ids=["apply", "fit"])
def test_while_a_pipe_is_stalled(workspace: Workspace, line: tuple[str, ...], number: signal.Signals) -> None:
    workspace.params()
    (workspace / "out.csv").write_bytes(b"old")
    with ending(workspace.start(*line, stdin=subprocess.PIPE)) as process:
        assert process.stdin is not None
        process.stdin.write(HEADER + b"\n" + BLOCK)
        process.stdin.flush()
        until(workspace.temporaries, "the run has begun")
        process.send_signal(number)
        assert ended(process) == (-number, last_line(number))
    assert workspace.temporaries() == []
    assert (workspace / "out.csv").read_bytes() == b"old"


@pytest.mark.parametrize("number", ENDING)
def test_in_the_middle_of_much_work(workspace: Workspace, number: signal.Signals) -> None:
    workspace.params()
    (workspace / "out.csv").write_bytes(b"old")
    with ending(workspace.start(*APPLY, stdin=subprocess.PIPE)) as process, feeding(process):
        until(is_writing(workspace), "much was written")
        process.send_signal(number)
        assert ended(process) == (-number, last_line(number))
    assert workspace.temporaries() == []
    assert (workspace / "out.csv").read_bytes() == b"old"


def test_while_a_library_is_at_work(workspace: Workspace) -> None:
    """Decomposing a matrix of 1,000 columns takes a while, and no one in there looks at signals."""
    import numpy as np

    values = np.random.default_rng(1).normal(size=(1_100, 1_000))
    header = ",".join(f"x{j}" for j in range(1_000))
    with ending(workspace.start("fit", "-m", "whiten", "-p", "out.json", stdin=subprocess.PIPE)) as process:
        assert process.stdin is not None
        np.savetxt(process.stdin, values, fmt="%.6f", delimiter=",", header=header, comments="")
        process.stdin.close()
        process.stdin = None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.terminate()
        assert ended(process) == (-signal.SIGTERM, last_line(signal.SIGTERM))
    assert not (workspace / "out.json").exists()


@pytest.mark.parametrize("line", [("fit", "fifo", "-m", "zscore", "-p", "out.csv"), ("apply", "-p", "fifo")])
def test_while_a_fifo_has_no_other_end(workspace: Workspace, line: tuple[str, ...]) -> None:
    os.mkfifo(workspace / "fifo")
    with ending(workspace.start(*line)) as process:
        if "fit" in line:
            until(workspace.temporaries, "the run has begun")
        else:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1.0)
        process.terminate()
        assert ended(process) == (-signal.SIGTERM, last_line(signal.SIGTERM))


def test_while_nobody_reads(workspace: Workspace) -> None:
    workspace.params()
    (workspace / "big.csv").write_bytes(HEADER + b"\n" + BLOCK)
    run = workspace.start("apply", "big.csv", "-p", "p.json", stdout=subprocess.PIPE)
    with ending(run) as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"s"  # the rest fills the pipe
        process.terminate()
        assert ended(process) == (-signal.SIGTERM, last_line(signal.SIGTERM, "<stdout> is cut short"))


def test_while_nobody_reads_standard_error(workspace: Workspace) -> None:
    """A pipe that is full, with both ends open: the line is lost, and the run ends."""
    workspace.params()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(writing, bytes(1 << 16)):
            pass
    os.set_blocking(writing, True)
    line = ("apply", "-qq", "-p", "p.json", "-o", "out.csv")
    with ending(workspace.start(*line, stdin=subprocess.PIPE, stderr=writing)) as process:
        until(workspace.temporaries, "the run has begun")
        process.terminate()
        assert process.wait(PATIENCE) == -signal.SIGTERM
    os.close(reading)
    os.close(writing)
    assert workspace.temporaries() == []


def test_what_was_replaced_by_then_is_said(workspace: Workspace) -> None:
    """Of a directory, each file is put in place when it is complete; the second never is."""
    (workspace / "in").mkdir()
    for name in ("a.csv", "b.csv"):
        (workspace / "in" / name).write_bytes(TABLE)
    os.mkfifo(workspace / "c.csv")
    workspace.params()
    line = ("apply", "in/a.csv", "c.csv", "-p", "p.json", "-o", "out/")
    with ending(workspace.start(*line)) as process:
        until(lambda: (workspace / "out" / "a.csv").exists(), "the first is there")
        process.terminate()
        assert ended(process) == (-signal.SIGTERM, last_line(signal.SIGTERM, "out/a.csv was written"))


def test_during_the_first_imports(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A signal that comes before the command is ready for it ends it all the same, without a word."""
    early = tmp_path_factory.mktemp("early")
    for number in ENDING:
        (early / "click.py").write_text(f"import os\nos.kill(os.getpid(), {int(number)})\nimport time\ntime.sleep(9)\n")
        done = workspace.run("--help", env={"PYTHONPATH": str(early)}, polite=False)
        assert (done.code, done.err) == (-number, "")


@pytest.mark.parametrize("name", ["HUP", *longer("INT", "TERM")])
def test_one_that_is_ignored_at_start_stays_ignored(workspace: Workspace, name: str) -> None:
    """As nohup does, and a shell without job control for what runs in the background."""
    workspace.params()
    via = f"trap '' {name}; exec \"$@\""
    with ending(workspace.start("apply", "-p", "p.json", "-o", "out.csv", stdin=subprocess.PIPE, via=via)) as process:
        assert process.stdin is not None
        until(workspace.temporaries, "the run has begun")
        process.send_signal(getattr(signal, f"SIG{name}"))
        process.stdin.write(HEADER + b"\n" + BLOCK * 20)
        process.stdin.flush()
        until(is_writing(workspace), "every library is there")  # one of them may care for signals, too
        process.send_signal(getattr(signal, f"SIG{name}"))
        _, said = process.communicate(ROWS, PATIENCE)
        assert (process.returncode, said.count(b"\n")) == (0, 1)
        assert b"applied zscore: 1,200,006 rows" in said
    assert (workspace / "out.csv").exists()


def test_the_others_still_end_it_then(workspace: Workspace) -> None:
    workspace.params()
    via = "trap '' HUP; exec \"$@\""
    with ending(workspace.start("apply", "-p", "p.json", "-o", "out.csv", stdin=subprocess.PIPE, via=via)) as process:
        until(workspace.temporaries, "the run has begun")
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert ended(process) == (-signal.SIGTERM, last_line(signal.SIGTERM))


# -- a reader that goes away -------------------------------------------------------------------------------------
@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_a_reader_that_has_seen_enough(workspace: Workspace, format: str) -> None:
    workspace.params()
    run = workspace.start("apply", "-p", "p.json", "--to", format, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with ending(run) as process, feeding(process):
        assert process.stdout is not None
        process.stdout.read(1)
        process.stdout.close()
        assert ended(process) == (-signal.SIGPIPE, b"")


@pytest.mark.parametrize(
    "line",
    [
        ("--help",),
        ("--version",),
        ("fit", "--help"),
        ("methods",),
        ("methods", "zscore"),
        ("inspect", "p.json"),
        ("inspect", "--json-schema"),
        ("fit", "table.csv", "-m", "zscore"),
        ("apply", "table.csv", "-p", "p.json"),
    ],
    ids=" ".join,
)
def test_a_reader_that_never_was(workspace: Workspace, line: tuple[str, ...]) -> None:
    workspace.params()
    reading, writing = os.pipe()
    os.close(reading)
    try:
        with ending(workspace.start(*line, stdout=writing)) as process:
            code, said = ended(process)
    finally:
        os.close(writing)
    assert said.replace(b"normcli: warning", b"").count(b"normcli: ") == 0
    assert code == -signal.SIGPIPE


def test_a_reader_of_a_named_pipe(workspace: Workspace) -> None:
    workspace.params()
    os.mkfifo(workspace / "fifo")
    with (
        ending(workspace.start("apply", "-p", "p.json", "-o", "fifo", stdin=subprocess.PIPE)) as process,
        feeding(process),
    ):
        with (workspace / "fifo").open("rb") as file:
            assert file.readline() == HEADER + b"\n"
        assert ended(process) == (-signal.SIGPIPE, b"")
    assert (workspace / "fifo").is_fifo()


def test_a_shell_sees_the_signal(workspace: Workspace) -> None:
    workspace.params()
    (workspace / "big.csv").write_bytes(HEADER + b"\n" + BLOCK)
    via = 'exec bash -c \'"$@" | head -1; echo ${PIPESTATUS[0]}\' sh "$@"'
    done = workspace.run("apply", "big.csv", "-p", "p.json", via=via)
    assert (done.out, done.err) == (HEADER + b"\n141\n", "")


# -- no chance to clean up ---------------------------------------------------------------------------------------
def test_kill_leaves_the_old_file_and_one_that_is_safe_to_delete(workspace: Workspace) -> None:
    workspace.params()
    (workspace / "out.csv").write_bytes(b"old")
    before = {"table.csv", "p.json", "out.csv"}
    with ending(workspace.start(*APPLY, stdin=subprocess.PIPE)) as process, feeding(process):
        until(is_writing(workspace), "much was written")
        process.kill()
        assert ended(process) == (-signal.SIGKILL, b"")
    (left,) = workspace.temporaries()
    assert {p.name for p in workspace.path.iterdir()} == before | {left.name}
    assert (workspace / "out.csv").read_bytes() == b"old"
    left.unlink()


def test_spools_are_gone_even_then(workspace: Workspace, tmp_path: Path) -> None:
    """Parquet on a pipe is kept in a file that has no name."""
    (tmp_path / "spool").mkdir()
    via = 'TMPDIR=spool exec "$@"'
    with ending(workspace.start("fit", "-m", "zscore", "-p", "out.json", stdin=subprocess.PIPE, via=via)) as process:
        assert process.stdin is not None
        process.stdin.write(b"PAR1" + bytes(4 << 20))
        process.stdin.flush()  # more than a pipe holds: it was read, and kept
        process.kill()
        assert ended(process)[0] == -signal.SIGKILL
    assert list((tmp_path / "spool").iterdir()) == []
    for left in workspace.temporaries():
        left.unlink()
