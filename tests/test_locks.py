"""One run at a time: whoever comes meanwhile is told or waits, and nothing that a dead run left is in the way."""

import fcntl
import os
import re
import tempfile
import threading
import time
from pathlib import Path

import pytest

from normcli.errors import CannotCreateError, LockedError
from normcli.io import outputs
from normcli.io.locks import lock_file, locked


def lock_of(path: Path) -> Path:
    return Path(lock_file(str(path)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "p.json"


def test_it_is_there_while_held_and_gone_after(path: Path) -> None:
    with locked(str(path)):
        (lock,) = path.parent.iterdir()
        assert re.fullmatch(r"\.normcli-[0-9a-f]{16}\.lock", lock.name)
    assert list(path.parent.iterdir()) == []


def test_it_is_given_back_when_something_goes_wrong(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(str(path)):
        raise ZeroDivisionError
    with locked(str(path)):
        pass
    assert list(path.parent.iterdir()) == []


def test_another_is_told_and_takes_nothing_away(path: Path) -> None:
    with locked(str(path)):
        for wait in (0.0, 0.01):
            with (
                pytest.raises(LockedError, match=r"p\.json: is locked by another run"),
                locked(str(path), wait=wait),
            ):
                pass
        assert lock_of(path).exists()
    assert LockedError.code == 75


def test_who_waits_gets_it(path: Path) -> None:
    got = threading.Event()

    def wait() -> None:
        with locked(str(path), wait=60):
            got.set()

    waiting = threading.Thread(target=wait)
    with locked(str(path)):
        waiting.start()
        assert not got.wait(0.2)
    waiting.join(60)
    assert got.is_set()
    assert list(path.parent.iterdir()) == []


def test_many_who_wait_are_never_two_at_once(path: Path) -> None:
    counter = path.with_name("counter")
    counter.write_text("0")

    def add() -> None:
        for _ in range(5):
            with locked(str(path), wait=60):
                found = int(counter.read_text())
                time.sleep(0.001)
                counter.write_text(str(found + 1))

    threads = [threading.Thread(target=add) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert counter.read_text() == "30"
    assert not lock_of(path).exists()


def test_a_file_that_a_killed_run_left_does_not_block(path: Path) -> None:
    lock_of(path).write_bytes(b"left")
    with locked(str(path)):
        pass
    assert not lock_of(path).exists()


def test_by_a_link_it_is_the_same_lock(path: Path) -> None:
    link = path.parent / "elsewhere" / "link.json"
    link.parent.mkdir()
    link.symlink_to(path)
    with locked(str(link)):
        assert lock_of(path).exists()
        with pytest.raises(LockedError), locked(str(path)):
            pass


def test_a_lock_that_was_removed_from_under_is_no_lock(path: Path) -> None:
    """As when its holder ends between our opening of the file and our locking it."""
    with locked(str(path)):
        lock_of(path).unlink()
        with locked(str(path)):
            assert lock_of(path).exists()


@pytest.mark.parametrize("what", ["absent directory", "directory in its place", "link in its place"])
def test_where_none_can_be_made_it_says_so(path: Path, what: str) -> None:
    said = r"\.lock: "
    if what == "absent directory":
        path, said = path.parent / "no" / "p.json", r"p\.json: there is no directory"
    if what == "directory in its place":
        lock_of(path).mkdir()
    if what == "link in its place":
        lock_of(path).symlink_to(path.parent / "theirs")
    with pytest.raises(CannotCreateError, match=said), locked(str(path)):
        pass
    assert not (path.parent / "theirs").exists()


def test_any_name_of_a_file_can_be_locked(path: Path) -> None:
    """A name has 255 bytes at most, in whatever encoding."""
    for name in ("p" * 255, "\u00e9" * 127, "\udcff" * 255, "\n"):
        with locked(str(path.with_name(name))):
            assert lock_of(path.with_name(name)).exists()


def test_names_have_locks_of_their_own(path: Path) -> None:
    with locked(str(path)), locked(str(path.with_name("q.json"))):
        assert len(list(path.parent.iterdir())) == 2


def test_what_no_rename_replaces_has_none(path: Path) -> None:
    os.mkfifo(path.with_name("fifo"))
    before = sorted(path.parent.iterdir())
    for name in (None, "-", "/dev/null", "/dev/stdout", "/dev/fd/2", "s3://bucket/key", str(path.with_name("fifo"))):
        with locked(name), locked(name):
            assert sorted(path.parent.iterdir()) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_a_killed_run_of_another_user_left_does_not_block() -> None:
    """Its file can be read and not written, in a directory where both may make files of their own."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "p.json"
        path.parent.chmod(0o1777)
        lock_of(path).touch(0o644)
        assert _locks_as(65534, path)


def _locks_as(user: int, path: Path) -> bool:
    child = os.fork()
    if child == 0:
        try:
            os.setuid(user)
            with locked(str(path)):
                os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_signal_leaves_no_lock_but_never_removes_that_of_the_next(path: Path) -> None:
    with locked(str(path)):
        assert str(lock_of(path)) in outputs.temporaries
    assert str(lock_of(path)) not in outputs.temporaries


def test_no_child_keeps_it(path: Path) -> None:
    with locked(str(path)):
        fd = next(int(n) for n in os.listdir("/proc/self/fd") if _is(n, lock_of(path)))
        assert fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC


def _is(fd: str, path: Path) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{fd}") == str(path)
    except OSError:
        return False
