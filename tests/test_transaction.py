"""Several targets in one transaction: all of them complete before the first is replaced, in the order that is given."""

import contextlib
import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from normcli.errors import CannotCreateError, LockedError, OutputError
from normcli.io.outputs import Target
from normcli.io.transaction import Transaction
from tests.cli.conftest import until
from tests.test_locks import lock_of


@pytest.fixture
def names(tmp_path: Path) -> list[str]:
    """Files that there are already."""
    made = [str(tmp_path / name) for name in ("params", "rejects", "output")]
    for name in made:
        Path(name).write_bytes(b"old")
    return made


def contents(names: list[str]) -> list[bytes]:
    return [Path(name).read_bytes() for name in names]


def written(changes: Transaction, names: list[str]) -> list[Target]:
    targets = [changes.open(name) for name in names]
    for target in targets:
        target.write(b"new")
    return targets


def test_left_without_commit_all_are_what_they_were(names: list[str]) -> None:
    with Transaction() as changes:
        written(changes, names)
    assert contents(names) == [b"old"] * 3
    assert sorted(map(str, Path(names[0]).parent.iterdir())) == sorted(names)


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_what_fails_before_the_first_rename_leaves_all(failing: int, names: list[str], monkeypatch: Any) -> None:
    with Transaction() as changes:
        targets = written(changes, names)
        fsync = os.fsync

        def full(fd: int) -> None:
            if fd == targets[failing].fd:
                raise OSError(errno.ENOSPC, "No space left on device")
            fsync(fd)

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match="No space left"):
            changes.commit(*targets)
    assert contents(names) == [b"old"] * 3


@pytest.mark.parametrize("there", [True, False], ids=["old", "absent"])
@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_rename_that_fails_leaves_all(failing: int, there: bool, names: list[str], monkeypatch: Any) -> None:
    """Also those that were replaced before, with their modes, and nothing beside them."""
    directory, rename = Path(names[0]).parent, os.replace
    for name in names:
        os.chmod(name, 0o640) if there else os.unlink(name)
    before = {p: (p.read_bytes(), p.stat().st_mode, p.stat().st_ino) for p in directory.iterdir()}

    def replace(a: str, b: str) -> None:
        if b == names[failing]:
            raise OSError(errno.EIO, "Input/output error")
        rename(a, b)

    with Transaction() as changes:
        targets = written(changes, names)
        monkeypatch.setattr(os, "replace", replace)
        with pytest.raises(CannotCreateError, match=r"output error \(dmesg "):
            changes.commit(*targets)
    assert {p: (p.read_bytes(), p.stat().st_mode, p.stat().st_ino) for p in directory.iterdir()} == before


@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("way", ["replace", "link"])
def test_what_stays_replaced_is_told(failing: int, way: str, names: list[str], monkeypatch: Any) -> None:
    """Where the way back fails, too, or there are no hard links."""
    calls, rename = list[str](), os.replace

    def replace(a: str, b: str) -> None:
        calls.append(b)
        if len(calls) > failing:
            raise OSError(errno.EIO, "Input/output error")
        rename(a, b)

    def link(a: str, b: str) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    with Transaction() as changes:
        targets = written(changes, names)
        monkeypatch.setattr(os, "replace", replace)
        if way == "link":
            monkeypatch.setattr(os, "link", link)
        with pytest.raises(CannotCreateError, match=r"params.* in place already"):
            changes.commit(*targets)
    assert contents(names) == [b"new"] * failing + [b"old"] * (3 - failing)


def test_some_before_the_others_and_none_twice(names: list[str]) -> None:
    with Transaction() as changes:
        targets = written(changes, names)
        assert changes.commit(targets[0], None) == 1
        assert contents(names) == [b"new", b"old", b"old"]
        assert changes.commit(*targets) == 2
        assert changes.commit(*targets) == 0
    assert contents(names) == [b"new"] * 3


def test_a_lock_is_held_until_all_is_done(names: list[str]) -> None:
    with Transaction() as changes:
        changes.lock(names[0])
        changes.commit(changes.open(names[0]))
        with pytest.raises(LockedError), Transaction() as others:
            others.lock(names[0])
        assert lock_of(Path(names[0])).exists()
    with Transaction() as others:
        others.lock(names[0])
    assert not lock_of(Path(names[0])).exists()


def test_a_stream_is_cut_short_as_soon_as_its_first_write_has_begun(tmp_path: Path) -> None:
    """It blocks in a pipe that is full, of which a reader has had a part."""
    os.mkfifo(tmp_path / "fifo")
    reading = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    with Transaction() as changes:
        target = changes.open(str(tmp_path / "fifo"))
        assert changes.cut_short == []
        thread = threading.Thread(target=target.write, args=(bytes(1 << 20),))
        thread.start()
        until(lambda: changes.cut_short, "the write has begun")
        assert target.count == 0
        while thread.is_alive() or target.count == 0:
            with contextlib.suppress(BlockingIOError):
                os.read(reading, 1 << 16)
        thread.join()
    os.close(reading)
