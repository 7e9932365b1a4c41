"""What a worker needs for its runs: it looks once for each, and storage that hangs holds up nobody else."""

import os
import pickle
import threading
from dataclasses import dataclass
from pathlib import Path

from normcli.engines._on_worker import _Running


@dataclass(frozen=True)
class Storage:
    """Nothing is missing, as a file says once it can be read; each look leaves a mark."""

    path: Path
    marks: Path

    def __call__(self) -> str:
        (self.marks / os.urandom(8).hex()).touch()
        return self.path.read_text()


def test_drivers_that_take_turns_have_storage_read_once_each(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    for name in "ab":
        (tmp_path / name).touch()
    running, drivers = _Running(), [pickle.dumps(Storage(tmp_path / name, marks)) for name in "ab"]
    assert [running.lack(ready) for ready in drivers * 3] == [""] * 6
    assert len(list(marks.iterdir())) == 2
    (tmp_path / "c").write_text("does not see it")
    lacking = pickle.dumps(Storage(tmp_path / "c", marks))
    assert [running.lack(lacking) for _ in range(2)] == ["does not see it"] * 2


def test_storage_that_hangs_holds_up_no_other_run(tmp_path: Path) -> None:
    hanging, good = tmp_path / "hanging", tmp_path / "good"
    os.mkfifo(hanging)
    good.touch()
    running = _Running()

    def work() -> None:
        running.lack(pickle.dumps(Storage(good, tmp_path)))
        with running.one():
            running.unpickled(pickle.dumps(0))

    waits = threading.Thread(target=running.lack, args=[pickle.dumps(Storage(hanging, tmp_path))], daemon=True)
    works = threading.Thread(target=work, daemon=True)
    waits.start()
    waits.join(0.1)
    works.start()
    works.join(10.0)
    assert waits.is_alive()
    assert not works.is_alive()
    hanging.write_text("")
    waits.join(10.0)
    assert not waits.is_alive()
