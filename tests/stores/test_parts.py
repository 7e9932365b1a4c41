"""Parts of runs, mostly in a store: what comes late replaces nothing, and the next run removes what dead ones left."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from normcli.errors import CannotCreateError
from normcli.io import outputs, parts
from normcli.io.manifest import remove_stale
from normcli.io.parts import Token, adopt, detach, open_part
from tests.cli.conftest import until
from tests.store import BUCKET, Store, set_back

DEAD, LIVE, SLOW = "d" * 16, "a" * 16, "5" * 16  # runs
LARGE = bytes(11 << 20)  # sent in two requests


def part_of(run: str, number: int = 0) -> str:
    return f".normcli-{run}-{number:016x}.part"


@pytest.mark.parametrize("size", [1, len(LARGE)])
def test_what_a_dead_worker_sends_late_replaces_nothing(store: Store, size: int) -> None:
    """It arrives after another run has published its own."""
    uri = store.uri("out/x")
    late = open_part("x", uri, DEAD)
    late.write(LARGE[:size])
    late.prepare()
    with open_part("x", uri, LIVE) as target:
        target.write(b"new")
        part = detach(target, uri)
    with adopt(part) as final:
        final.commit()
    detach(late, uri)
    late.__exit__(None, None, None)
    assert store.get("out/x") == b"new"
    assert [parts.run_of(name.removeprefix("out/")) for name in store.names() if name.endswith(".part")] == [DEAD]
    finals = {method for method, path in store.requests if path.split("?")[0] == f"/{BUCKET}/out/x"}
    assert finals - {"GET", "HEAD"} == {"COPY"}


def test_the_next_run_removes_what_dead_ones_left_and_nothing_else(store: Store) -> None:
    old = [f"out/.normcli-{DEAD}.tmp", f"out/{part_of(DEAD)}", f"out/k=1/{part_of(DEAD, 1)}"]
    live = [f"out/.normcli-{LIVE}.tmp", f"out/{part_of(LIVE)}"]
    slow = [f"out/.normcli-{SLOW}.tmp", f"out/k=1/{part_of(SLOW)}"]  # began long ago, and is still at work
    other = ["out/x", "out/.normcli-notes.tmp", "out/k=1/.hidden", f"elsewhere/{part_of(DEAD)}"]
    for key in (*old, *live, *slow, *other):
        store.put(key, b"x")
    for key in (*old, slow[0], *other):
        set_back(key, hours=25)
    set_back(live[0], hours=23)
    token = Token(store.uri("out"), frozenset({store.uri("out"), store.uri("out/k=1")}))
    token.open()
    assert {*store.names()} - {f"out/.normcli-{token.run}.tmp", "out/", "out/k=1/"} == {*live, *slow, *other}
    token.close()
    assert {*store.names()} - {"out/", "out/k=1/"} == {*live, *slow, *other}


def test_what_is_complete_after_the_end_of_its_run_does_not_stay(tmp_path: Path) -> None:
    token = Token(str(tmp_path), frozenset({str(tmp_path)}))
    token.open()
    with open_part("y", str(tmp_path / "y"), token.run) as target:
        detach(target, str(tmp_path / "y"), token.path)
    token.close()
    assert [*tmp_path.iterdir()] == []
    late = open_part("x", str(tmp_path / "x"), token.run)  # as where the directory was read before it was made
    with late, pytest.raises(CannotCreateError, match="the run has ended"):
        detach(late, str(tmp_path / "x"), token.path)
    assert [*tmp_path.iterdir()] == []


def test_no_other_run_sees_a_token_that_is_not_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, token = fcntl.flock, Token(str(tmp_path), frozenset({str(tmp_path)}))

    def flock(fd: int, how: int) -> None:
        monkeypatch.undo()
        assert remove_stale([str(tmp_path)], str(tmp_path)) == 0
        lock(fd, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    token.open()
    assert remove_stale([str(tmp_path)], str(tmp_path)) == 0
    assert Path(token.path).read_text() == token.word
    token.close()
    assert [*tmp_path.iterdir()] == []


def test_a_token_that_could_not_be_written_does_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(fd: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(CannotCreateError, match="no space"):
        Token(str(tmp_path), frozenset({str(tmp_path)})).open()
    assert [*tmp_path.iterdir()] == []


def test_a_signal_removes_the_token_of_a_run_and_its_parts(store: Store) -> None:
    token = Token(store.uri("out"), frozenset({store.uri("out")}))
    token.open()
    with open_part("x", store.uri("out/x"), token.run) as target:
        target.write(b"new")
        detach(target, store.uri("out/x"))
    assert [method for method, path in store.requests if path.endswith(".part")] == ["PUT"]
    outputs.remove_temporaries()  # as the thread does that ends the process
    outputs.changing.release()
    until(lambda: {*store.names()} <= {"out/"}, "nothing is left but the object of the directory")
    token.close()
