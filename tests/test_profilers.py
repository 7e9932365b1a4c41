"""A profiler that holds on to frames, as Dask's does in every worker, keeps no buffer from being filled anew."""

import gzip
import json
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from normcli import api
from normcli.methods.robust import Robust
from normcli.parameters import file as params

NAMES = ("a", "b", "c", "d")
BLOCKS = {"text": 1 << 15, "binary": 500}


@contextmanager
def sampling() -> Iterator[None]:
    """A thread that asks again and again where all others are, and forgets it late."""
    ended, held, interval = threading.Event(), deque[dict[int, FrameType]](maxlen=200), sys.getswitchinterval()

    def sample() -> None:
        while not ended.wait(1e-4):
            held.append(sys._current_frames())

    sampler = threading.Thread(target=sample)
    sys.setswitchinterval(1e-5)
    sampler.start()
    try:
        yield
    finally:
        ended.set()
        sampler.join()
        sys.setswitchinterval(interval)


@contextmanager
def tracing() -> Iterator[None]:
    """Every frame of every thread that begins now, held for a while."""
    held = deque[FrameType](maxlen=5000)

    def hold(frame: FrameType, event: str, argument: Any) -> None:
        held.append(frame)

    before = sys.getprofile()
    threading.setprofile(hold)
    sys.setprofile(hold)
    try:
        yield
    finally:
        sys.setprofile(before)
        threading.setprofile(None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same rows in several formats."""
    folder, rng = tmp_path_factory.mktemp("inputs"), np.random.default_rng(1)
    rows = rng.normal(size=(5_000, len(NAMES))).tolist()
    text = "\n".join([",".join(NAMES), *(",".join(map(repr, row)) for row in rows), ""]).encode()
    (folder / "t.csv").write_bytes(text)
    (folder / "t.csv.gz").write_bytes(gzip.compress(text, 1))
    (folder / "comment.csv").write_bytes(b"# a comment\n" + text)
    (folder / "t.ndjson").write_text("".join(json.dumps(dict(zip(NAMES, row, strict=True))) + "\n" for row in rows))
    table = pa.table({n: [row[j] for row in rows] for j, n in enumerate(NAMES)})
    pq.write_table(table, folder / "t.parquet", row_group_size=2_000)
    with pa.ipc.new_stream(folder / "t.arrows", table.schema) as writer:
        writer.write_table(table, max_chunksize=2_000)
    return folder


@pytest.mark.parametrize("profiler", [sampling, tracing])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("t.csv", {}), ("t.csv.gz", {}), ("comment.csv", {"comment": "#"}), ("t.ndjson", {}),
        ("t.parquet", {}), ("t.arrows", {}),
    ],
)  # fmt: skip
def test_held_frames_change_nothing(
    inputs: Path, tmp_path: Path, profiler: Callable[[], Any], name: str, options: dict[str, Any]
) -> None:
    def fit(out: str) -> tuple[bytes, bytes]:
        """Also by way of the spool."""
        block = BLOCKS["text" if {"csv", "ndjson"} & set(name.split(".")) else "binary"]
        made = api.fit(
            inputs / name, Robust(), output=tmp_path / out, params=tmp_path / "p.json",
            format_options=options, block_size=block, threads=2,
        )  # fmt: skip
        return params.write(made), (tmp_path / out).read_bytes()

    wanted = fit("1_" + name)
    with profiler():
        assert fit("2_" + name) == wanted
