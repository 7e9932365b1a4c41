"""Targets: a file that appears whole or not at all, a stream that is written as it comes."""

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from normcli.errors import CannotCreateError, OutputError, ReaderGoneError
from normcli.io import outputs
from normcli.io.outputs import open_target, remove_temporaries


def left(path: Path) -> list[str]:
    return [p.name for p in path.iterdir() if p.name.startswith(".normcli-")]


@pytest.fixture(autouse=True)
def _tidy(tmp_path: Path) -> Iterator[None]:
    yield
    assert left(tmp_path) == []
    assert outputs.temporaries == set()


@pytest.fixture(params=["old", "new"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A path with a file, and one without."""
    path = tmp_path / "out"
    if request.param == "old":
        path.write_bytes(b"old")
    return path


def content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


# -- files -------------------------------------------------------------------------------------------------------
def test_a_committed_file_is_there_and_not_before(target: Path) -> None:
    before = content(target)
    with open_target(str(target)) as out:
        out.write(b"new, ")
        assert content(target) == before
        out.write(memoryview(b"and more"))
        assert len(left(target.parent)) == 1
        out.commit()
        assert content(target) == b"new, and more"
        assert left(target.parent) == []
    assert content(target) == b"new, and more"


def test_without_commit_nothing_happened(target: Path) -> None:
    before = content(target)
    with open_target(str(target)) as out:
        out.write(b"new")
    assert content(target) == before


def test_an_error_before_commit_leaves_all_as_it_was(target: Path) -> None:
    before = content(target)

    def run() -> None:
        with open_target(str(target)) as out:
            out.write(b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run()
    assert content(target) == before


def test_an_error_after_commit_takes_nothing_back(target: Path) -> None:
    def run() -> None:
        with open_target(str(target)) as out:
            out.write(b"new")
            out.commit()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run()
    assert content(target) == b"new"


def test_an_empty_file_is_a_file(target: Path) -> None:
    with open_target(str(target)) as out:
        out.commit()
    assert content(target) == b""


def test_two_targets_in_one_directory(tmp_path: Path) -> None:
    with open_target(str(tmp_path / "a")) as a, open_target(str(tmp_path / "b")) as b:
        a.write(b"a")
        b.write(b"b")
        assert len(left(tmp_path)) == 2
        a.prepare()
        b.prepare()
        a.commit()
        b.commit()
    assert (content(tmp_path / "a"), content(tmp_path / "b")) == (b"a", b"b")


def test_what_a_dying_writer_still_sends_goes_nowhere(target: Path) -> None:
    """pyarrow's writers send a footer when they are collected: it must not make a short file look whole."""
    before = content(target)
    with open_target(str(target)) as out:
        out.write(b"new")
    assert out.write(b"footer") == 6
    out.flush()
    assert not out.closed
    assert content(target) == before


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755, 0o4755])
def test_the_mode_of_an_old_file_stays(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")
    path.chmod(mode)
    with open_target(str(path)) as out:
        out.write(b"new")
        out.commit()
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_nobody_reads_the_unfinished_file_who_may_not_read_the_old(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")
    path.chmod(mode)
    with open_target(str(path)):
        (name,) = left(tmp_path)
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == mode


def test_the_umask_holds_for_a_new_file(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        with open_target(str(tmp_path / "out")) as out:
            out.commit()
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o640


def test_the_temporary_is_where_the_link_leads(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/out")
    with open_target(str(tmp_path / "link")) as out:
        assert left(tmp_path) == []
        assert len(left(tmp_path / "there")) == 1
        out.write(b"new")
        out.commit()
    assert (tmp_path / "link").is_symlink()
    assert content(tmp_path / "there" / "out") == b"new"


def test_a_relative_name_stays_where_it_was_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with open_target("out") as out:
        out.write(b"new")
        monkeypatch.chdir(tmp_path / "elsewhere")
        out.commit()
    assert content(tmp_path / "out") == b"new"


def test_temporaries_have_names_of_their_own(tmp_path: Path) -> None:
    with open_target(str(tmp_path / "out")), open_target(str(tmp_path / "out")):
        names = left(tmp_path)
    assert len(set(names)) == 2
    assert all(n.endswith(".tmp") for n in names)


@pytest.mark.parametrize("name", ["nosuch/out", "file/out", "directory", "loop", "x" * 300, "a\0b"])
def test_what_can_not_be_created(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "directory").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(CannotCreateError):
        open_target(str(tmp_path / name))


def test_a_message_names_the_target_on_one_line(tmp_path: Path) -> None:
    with pytest.raises(CannotCreateError) as caught:
        open_target(str(tmp_path / "no\nsuch" / "out"))
    assert caught.value.message.endswith(f"/no\\nsuch/out: there is no directory {tmp_path}/no\\nsuch")


def test_a_directory_that_is_gone_at_commit(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with open_target(str(tmp_path / "there" / "out")) as out:
        out.write(b"new")
        for name in left(tmp_path / "there"):
            (tmp_path / "there" / name).unlink()
        (tmp_path / "there").rmdir()
        with pytest.raises(CannotCreateError):
            out.commit()


# -- when writing fails ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG])
def test_a_write_that_fails(target: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    before = content(target)

    def fail(fd: int, data: bytes) -> int:
        raise OSError(number, os.strerror(number))

    with open_target(str(target)) as out:
        out.write(b"some")
        monkeypatch.setattr(os, "write", fail)
        with pytest.raises(OutputError, match=f"out: .*{os.strerror(number)}"):
            out.write(b"more")
        monkeypatch.undo()
    assert content(target) == before


def test_a_sync_that_fails_keeps_the_old_file(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full may say so only then."""
    before = content(target)

    def fail(fd: int) -> None:
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with open_target(str(target)) as out:
        out.write(b"new")
        with pytest.raises(OutputError, match="out: "):
            out.commit()
    monkeypatch.undo()
    assert content(target) == before


def test_the_file_is_synced_before_and_its_directory_after(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    real_sync, real_replace = os.fsync, os.replace

    def sync(fd: int) -> None:
        done.append("directory" if stat.S_ISDIR(os.fstat(fd).st_mode) else "file")
        real_sync(fd)

    def replace(a: str, b: str) -> None:
        done.append("replace")
        real_replace(a, b)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", replace)
    with open_target(str(target)) as out:
        out.write(b"new")
        out.commit()
    assert done == ["file", "replace", "directory"]


@pytest.mark.parametrize(("number", "told"), [(errno.EIO, True), (errno.ENOSPC, True), (errno.EINVAL, False)])
def test_a_directory_that_is_not_synced_is_told_unless_none_can_be(
    target: Path, monkeypatch: pytest.MonkeyPatch, number: int, told: bool
) -> None:
    real = os.fsync

    def fail(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(number, os.strerror(number))
        real(fd)

    monkeypatch.setattr(os, "fsync", fail)
    with open_target(str(target)) as out:
        out.write(b"new")
        with pytest.raises(OutputError, match="is complete, but its directory") if told else contextlib.nullcontext():
            out.commit()
    monkeypatch.undo()
    assert content(target) == b"new"


def test_what_was_made_ready_is_not_synced_again(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sync that fails after another target was replaced would leave the two apart."""
    with open_target(str(target)) as out:
        out.write(b"new")
        out.prepare()
        monkeypatch.setattr(
            os, "fsync", lambda fd: pytest.fail("again") if stat.S_ISREG(os.fstat(fd).st_mode) else None
        )
        out.commit()
        out.commit()
    assert content(target) == b"new"


def test_a_stream_is_told_to_fail_when_a_copy_of_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a network's file system does whose disk is full."""
    with open_target(os.devnull) as out:
        out.write(b"new")

        def fail(fd: int) -> None:
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

        monkeypatch.setattr(os, "close", fail)
        with pytest.raises(OutputError, match="quota"):
            out.prepare()
        monkeypatch.undo()


def test_a_short_write_goes_on(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data)[:3]))
    with open_target(str(target)) as out:
        assert out.write(b"0123456789") == 10
        out.commit()
    assert content(target) == b"0123456789"


# -- streams -----------------------------------------------------------------------------------------------------
def test_a_pipe_is_written_as_it_comes() -> None:
    reading, writing = os.pipe()
    with open_target(f"/dev/fd/{writing}") as out:
        out.write(b"now")
        assert os.read(reading, 10) == b"now"
        out.commit()
        os.write(writing, b"and later")  # the descriptor is still its owner's
        assert os.read(reading, 10) == b"and later"
    os.close(reading)
    os.close(writing)


def test_a_pipe_that_does_not_block_is_waited_for() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    seen = bytearray()

    def read() -> None:
        while len(seen) < 1 << 20:
            seen.extend(os.read(reading, 1 << 16))

    reader = threading.Thread(target=read, daemon=True)
    with open_target(f"/dev/fd/{writing}") as out:
        reader.start()
        assert out.write(bytes(1 << 20)) == 1 << 20
    reader.join(30)
    assert seen == bytes(1 << 20)
    os.close(reading)
    os.close(writing)


def test_a_reader_that_went_away() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(ReaderGoneError), open_target(f"/dev/fd/{writing}") as out:
        out.write(b"x")
    assert out.write(b"footer") == 6
    os.close(writing)


def test_a_device() -> None:
    with pytest.raises(OutputError, match="No space left"), open_target("/dev/full") as out:
        out.write(b"x")
    with open_target(os.devnull) as out:
        assert out.write(b"x" * 100) == 100
        out.commit()
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_descriptor_that_is_not_open() -> None:
    with pytest.raises(CannotCreateError):
        open_target("/dev/fd/987")


# -- when we are ended -------------------------------------------------------------------------------------------
def test_unfinished_files_are_removed_and_finished_ones_are_not(tmp_path: Path) -> None:
    with open_target(str(tmp_path / "a")) as a, open_target(str(tmp_path / "b")):
        a.write(b"a")
        a.commit()
        try:
            remove_temporaries()
        finally:
            outputs.changing.release()  # it is held for good: the process is about to end
        assert left(tmp_path) == []
        assert content(tmp_path / "a") == b"a"
