"""Rows in whole batches, whatever they come in: the same bytes, in memory that does not grow."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from normcli import api
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.columns.polars_frame import PolarsFrame
from normcli.errors import BadDataError
from normcli.methods.batch import Batch
from normcli.methods.batch_renorm import BatchRenorm
from normcli.methods.switchable import Switchable
from normcli.parameters import file as params
from normcli.pipeline import rebatch as recut
from normcli.pipeline.rebatch import Pieces, Segment
from tests.conftest import examples

ROWS = 501
X = np.random.default_rng(3).normal(size=(ROWS, 4)) * [1, 10, 0.01, 3] + [0, 2000, 100, -5]


def segment(part: int, values: range) -> Segment:
    frame = PolarsFrame(pl.DataFrame({"x": list(values)}))
    chunk: Any = None
    return Segment(part, 0, chunk, (), frame)


@given(lengths=st.lists(st.integers(0, 40), max_size=12), multiple=st.integers(2, 30), rows=st.integers(1, 64))
def test_pieces_are_whole_batches_wherever_segments_end(lengths: list[int], multiple: int, rows: int) -> None:
    """Of one size but the last, which never is a single row, unless there is no other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recut, "ROWS", rows)
        pieces, made, at = Pieces(multiple), [], 0
        for part, length in enumerate(lengths):
            made += pieces.add(segment(part, range(at, at + length)))
            at += length
        made.append(pieces.rest())
    sizes = [sum(s.frame.rows for s in piece) for piece in made]
    assert sizes[:-1] == [pieces.size] * (len(sizes) - 1)
    assert pieces.size % multiple == 0
    assert sizes[-1] <= pieces.size + 1
    assert sizes[-1] != 1 or at == 1
    kept = [(x, s.first + i) for piece in made for s in piece for i, x in enumerate(s.frame.numbers("x"))]
    starts = np.cumsum([0, *lengths])[: len(lengths)]
    assert kept == [(a + i, i) for a, length in zip(starts.tolist(), lengths, strict=True) for i in range(length)]


# -- the same bytes ----------------------------------------------------------------------------------------------
@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of about 64 rows, so that there are several."""
    monkeypatch.setattr(recut, "ROWS", 64)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "data.csv"
    x = np.where(np.random.default_rng(4).random(X.shape) < 0.05, np.nan, X)
    rows = ["a,b,c,d,word", *(",".join("NA" if np.isnan(v) else repr(float(v)) for v in r) + ",w" for r in x)]
    path.write_text("\n".join(rows) + "\n")
    return path


METHODS = [Batch(batch_size=7), BatchRenorm(batch_size=50), Switchable(batch_size=100, channels=2)]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
def test_chunks_and_threads_change_no_byte(method: Any, table: Path, tmp_path: Path) -> None:
    made, out = set(), set()
    for threads, block_size in ((1, None), (3, 700), (2, 1 << 14)):
        plan = api.fit(table, method, threads=threads, block_size=block_size)
        made.add(params.write(replace(plan, inputs=())))  # whose digests are of blocks
        api.apply(plan, table, tmp_path / "z.csv", training=True, threads=threads, block_size=block_size)
        out.add((tmp_path / "z.csv").read_bytes())
    assert len(made) == len(out) == 1
    x = pl.read_csv(table, null_values="NA").drop("word").to_numpy()
    step = api.fit_blocks(method, np.array_split(x, 9), ["a", "b", "c", "d"])
    for state, other in zip(step.states, plan.steps[0].states, strict=True):
        for name in state.axes():
            np.testing.assert_array_equal(getattr(state, name), getattr(other, name))
    got = pl.read_csv(tmp_path / "z.csv", null_values="NA", infer_schema_length=None).drop("word").to_numpy()
    np.testing.assert_array_equal(got, step.fitted.training()(Block.of(x)))


@settings(max_examples=examples(30))
@given(block=st.integers(300, 6000))
def test_what_is_wrong_is_told_by_its_line(table: Path, block: int) -> None:
    """Also in rows that waited for others, and of results that only a whole batch can be wrong in."""
    lines = table.read_text().splitlines()
    bad = table.with_name("bad.csv")
    bad.write_text("\n".join([*lines[:300], "1,1e400,3,4,w", *lines[300:]]) + "\n")
    with pytest.raises(BadDataError, match=r"bad\.csv:301: .*column 'b'"):
        api.fit(bad, Batch(batch_size=40), columns=["a", "b"], block_size=block)
    bad.write_text("\n".join([*lines[:400], "1e200,1,1,1,w", "-1e200,1,1,1,w", *lines[400:]]) + "\n")
    plan = api.fit(table, Batch(batch_size=40), columns=["a", "b"])
    with pytest.raises(BadDataError, match=r"bad\.csv:362: the result in column 'a' is beyond float64"):
        api.apply(plan, bad, table.with_name("z.csv"), training=True, block_size=block)


def test_batches_of_lists(tmp_path: Path) -> None:
    pl.DataFrame({"v": X.tolist(), "n": X[:, 0]}).write_parquet(tmp_path / "v.parquet", row_group_size=37)
    plan = api.fit(tmp_path / "v.parquet", Batch(batch_size=30), columns=["v", "n"])
    api.apply(plan, tmp_path / "v.parquet", tmp_path / "z.parquet", training=True)
    made = pl.read_parquet(tmp_path / "z.parquet")
    wanted = by_batches(X, 30)
    np.testing.assert_allclose(np.array(made["v"].to_list()), wanted, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(made["n"].to_numpy(), wanted[:, 0], rtol=1e-9, atol=1e-9)


def by_batches(x: Array, size: int) -> Array:
    parts = np.split(x, range(size, len(x), size))
    return np.concatenate([(p - p.mean(axis=0)) / np.sqrt(p.var(axis=0) + 1e-5) for p in parts])
