"""Inputs that are changed in the middle of a run: an error, or what they were; never some rows of each."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import normcli
from normcli.engines import Share
from normcli.errors import BadDataError
from normcli.io.sources import Source
from normcli.pipeline import Work
from tests.cli.conftest import Workspace
from tests.cli.test_cluster import files
from tests.conftest import longer
from tests.store import Store

S, R = TypeVar("S"), TypeVar("R")

ROWS, GROUP = 400_000, 65_536


def write(path: Path, *, seed: int, rows: int = ROWS) -> None:
    """A table of several chunks, as long for each seed."""
    random = np.random.default_rng(seed)
    table = pl.DataFrame({name: random.integers(100_000, 999_999, rows) for name in ("a", "b", "c")})
    arrow = table.to_arrow()
    if path.suffix == ".parquet":
        pq.write_table(arrow, path, row_group_size=GROUP, use_dictionary=False, compression="none")
    elif path.suffix in (".arrow", ".arrows"):
        new = pa.ipc.new_file if path.suffix == ".arrow" else pa.ipc.new_stream
        with new(str(path), arrow.schema) as sink:
            sink.write_table(arrow, max_chunksize=GROUP)
    elif path.suffix == ".ndjson":
        table.write_ndjson(path)
    elif path.suffix == ".gz":
        import gzip

        path.write_bytes(gzip.compress(table.write_csv().encode(), 1, mtime=0))
    else:
        table.write_csv(path)


def rewrite(path: Path, other: Path) -> None:
    """In place, with as many bytes."""
    with path.open("r+b") as file:
        file.write(other.read_bytes())


def append(path: Path, other: Path) -> None:
    with path.open("ab") as file:
        file.write(other.read_bytes()[-100:])


def truncate(path: Path, other: Path) -> None:
    os.truncate(path, path.stat().st_size * 3 // 4)


def replace(path: Path, other: Path) -> None:
    other.rename(path)


FORMATS = ["csv", "parquet", *longer("csv.gz", "ndjson", "arrow", "arrows")]
CHANGES = [rewrite, append, truncate, replace]
Change = Callable[[Path, Path], None]


@pytest.fixture
def during(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Has something happen when the first chunk is worked on."""

    def arm(action: Callable[[], None]) -> None:
        real, actions = Work.__call__, [action]

        def work(self: Work, chunk: object) -> object:
            if actions:
                actions.pop()()
            return real(self, chunk)  # type: ignore[arg-type]

        monkeypatch.setattr(Work, "__call__", work)

    return arm


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_file_that_is_changed_while_it_is_read_is_an_error_or_what_it_was(
    format: str, change: Change, workspace: Workspace, during: Callable[[Callable[[], None]], None]
) -> None:
    path, other = workspace / f"in.{format}", workspace / f"other.{format}"
    write(path, seed=1)
    write(other, seed=2)
    workspace.succeeds("fit", path, "-m", "minmax", "-p", "expected.json")
    (workspace / "p.json").write_bytes(b"what it was")
    during(lambda: change(path, other))
    done = workspace.run("fit", path, "-m", "minmax", "-p", "p.json", "--threads", "1")
    if change is replace:  # what was opened is still there
        assert done.code == 0
        assert (workspace / "p.json").read_bytes() == (workspace / "expected.json").read_bytes()
    else:
        assert done.code == 65
        assert done.errors == [
            f"normcli: error: {path}: was changed while it was read (run it again, once nobody writes to it)"
        ]
        assert (workspace / "p.json").read_bytes() == b"what it was"


def test_files_before_the_one_that_was_changed_are_in_place_and_it_is_not(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "in").mkdir()
    for n in range(3):
        write(workspace / "in" / f"{n}.csv", seed=n, rows=10)
    workspace.succeeds("fit", "in", "-m", "minmax", "-p", "p.json")
    workspace.succeeds("apply", "in", "-p", "p.json", "-o", "expected/")
    read = Source.read

    def changing(source: Source, size: int, **more: Any) -> bytes:
        data = read(source, size, **more)
        if source.name.endswith("1.csv"):
            os.utime(workspace / "in" / "1.csv")
        return data

    with monkeypatch.context() as patch:
        patch.setattr(Source, "read", changing)
        done = workspace.run("apply", "in", "-p", "p.json", "-o", "out/")
    assert done.code == 65
    assert "in/1.csv: was changed while it was read" in done.err
    assert sorted(files(workspace / "out")) == ["0.csv"]
    workspace.succeeds("apply", "in", "-p", "p.json", "-o", "out/", "--resume")
    assert files(workspace / "out") == files(workspace / "expected")


class Inline:
    """A cluster whose one worker is this process; before a pass or a span something may happen."""

    __module__ = "engines.inline"  # its name in messages
    description = "inline"
    worker = str

    def __init__(self, before: Callable[[int], None]) -> None:
        self.before, self.passes = before, 0

    def with_warning(self, warning: Callable[[str], None]) -> "Inline":
        return self

    def map_spans(self, work: Callable[[S, Share], R], spans: Iterable[S], **more: object) -> Iterator[R]:
        self.passes += 1
        for span in spans:
            if span is not None:
                self.before(self.passes)
                yield work(span, Share(1, None, lambda: True))

    def close(self, patience: float) -> bool:
        return True


@pytest.mark.parametrize("turn", [0, 1, 2])
@pytest.mark.parametrize("place", ["file", "object"])
def test_workers_that_read_one_version_each_are_an_error(
    workspace: Workspace, store: Store, place: str, turn: int
) -> None:
    """An input that is replaced after its description, or between two passes: the first is read, whose types all have,
    and any other one in the second pass."""
    paths = [workspace / "0.csv", workspace / "1.csv"]
    for n, path in enumerate(paths):
        write(path, seed=n, rows=20_000)
    names = [str(p) for p in paths]
    if place == "object":
        names = [store.put(p.name, p.read_bytes()) for p in paths]

    def before(number: int) -> None:
        if number == turn:
            write(paths[turn // 2], seed=9, rows=20_000)
            if place == "object":
                store.put(paths[turn // 2].name, paths[turn // 2].read_bytes())

    if turn == 0:
        normcli.fit(names, "robust", exact=True, params=workspace / "p.json", engine=Inline(before))
    else:
        with pytest.raises(BadDataError, match=rf"/{turn // 2}.csv: was changed while it was read"):
            normcli.fit(names, "robust", exact=True, params=workspace / "p.json", engine=Inline(before))
