"""A journal: what was added is in the file, and on the disk in batches. Digests of files."""

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from normcli.errors import OutputError
from normcli.io import checks, journal, outputs
from normcli.io.journal import LINES, Journal
from tests.cli.conftest import until
from tests.conftest import examples

REAL = os.fsync


class Disk:
    """What was synced, in order: names of files and directories."""

    def __init__(self) -> None:
        self.synced: list[str] = []
        self.error = 0

    def fsync(self, fd: int) -> None:
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        REAL(fd)
        self.synced.append(os.path.basename(os.readlink(f"/proc/self/fd/{fd}")))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(os, "fsync", disk.fsync)
    return disk


@pytest.fixture
def lines(tmp_path: Path, disk: Disk) -> Iterator[Journal]:
    made = Journal(str(tmp_path / "lines"))
    made.begin([b"first\n"])
    disk.synced.clear()
    yield made
    made.close()


@settings(max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 3 * LINES), max_size=4))
def test_every_line_is_written_at_once_and_synced_in_batches(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch, counts: list[int]
) -> None:
    monkeypatch.setattr(journal, "SECONDS", 60.0)
    path, expected = tmp_path / "lines", b"first\n"
    made = Journal(str(path))
    made.begin([expected])
    disk.synced.clear()
    for count in counts:
        for n in range(count):
            made.add(b"%d\n" % n)
            expected += b"%d\n" % n
            assert path.read_bytes() == expected
        made.sync()
    made.close()
    assert disk.synced == sum(-(-count // LINES) for count in counts) * ["lines"]
    assert path.read_bytes() == expected


def test_directories_are_synced_before_the_lines_that_are_about_their_files(
    tmp_path: Path, disk: Disk, lines: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SECONDS", 60.0)
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
    for n in range(LINES):
        lines.settle(str(tmp_path / "ab"[n % 2]))
        lines.add(b"line\n")
    assert disk.synced == ["a", "b", "lines"]


def test_a_batch_does_not_wait_for_more(disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SECONDS", 0.05)
    made = Journal(str(tmp_path / "lines"))
    made.settle(str(tmp_path))
    until(lambda: disk.synced == [tmp_path.name], "the directory is synced")
    made.begin([])
    disk.synced.clear()
    made.add(b"line\n")
    assert disk.synced == []
    until(lambda: disk.synced == ["lines"], "the line is synced")
    made.close()
    assert disk.synced == ["lines"]


@pytest.mark.parametrize("then", ["add", "sync"])
def test_what_could_not_be_synced_is_an_error_later(
    then: str, disk: Disk, lines: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SECONDS", 0.01)
    disk.error = 5
    lines.add(b"line\n")
    until(lambda: lines._failure, "the sync has failed")
    with pytest.raises(OutputError, match="lines: writing failed: Input/output error"):
        lines.add(b"line\n") if then == "add" else lines.sync()


def test_a_journal_that_can_not_be_synced_is_closed_all_the_same(disk: Disk, lines: Journal) -> None:
    lines.add(b"line\n")
    disk.error = 5
    lines.close()
    assert lines._fd == outputs.CLOSED


@pytest.mark.parametrize("seconds", [60.0, 0.0])
def test_what_waits_for_a_batch_has_ended_when_it_is_closed(
    seconds: float, disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Called off, or about to sync what close syncs."""
    timers = []

    class Slow(threading.Timer):
        def run(self) -> None:
            timers.append(self)
            super().run()
            time.sleep(0.02)

    monkeypatch.setattr(journal, "SECONDS", seconds)
    monkeypatch.setattr(threading, "Timer", Slow)
    lines = Journal(str(tmp_path / "lines"))
    lines.begin([])
    for _ in range(3):
        lines.add(b"line\n")
        lines.sync()
        lines.add(b"line\n")
    lines.close()
    assert timers
    assert [timer for timer in timers if timer.is_alive()] == []


def test_no_more_of_a_file_is_read_than_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x" * 3 * checks.PIECE)
    left = iter([True, True])
    digest = checks.digest_here(str(tmp_path / "x"), lambda: next(left, False))
    assert digest == f"sha256:{hashlib.sha256(b'x' * 2 * checks.PIECE).hexdigest()}"
