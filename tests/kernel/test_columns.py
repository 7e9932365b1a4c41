"""Reductions of columns by the kernel: the bits of numpy, whatever the values, their number, and where they lie."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from normcli import kernel
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.blocks.reductions import Reductions
from normcli.kernel import SWITCH, columns
from normcli.stats import ReducedStatistic
from normcli.stats.extrema import Extrema
from normcli.stats.moments import Moments
from tests.conftest import examples

pytestmark = [
    pytest.mark.skipif(kernel.library() is None, reason="there is no kernel here"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]
GREATEST, LEAST = float(np.finfo(np.float64).max), 5e-324
VALUES = [0.0, -0.0, 1.0, 0.1, 1e6, 1e308, -1e308, GREATEST, -GREATEST, 1e154, LEAST, -1e-320, 1e300, float("nan")]
LENGTHS = st.integers(0, 20) | st.integers(120, 136) | st.integers(0, 3000)


@contextmanager
def switched(setting: str) -> Iterator[None]:
    """With the kernel on or off."""
    before = os.environ.get(SWITCH)
    os.environ[SWITCH] = setting
    try:
        yield
    finally:
        del os.environ[SWITCH]
        if before is not None:
            os.environ[SWITCH] = before


def drawn(rows: int, seed: int, few: list[float], share: float) -> Array:
    """Numbers of any size, a share of them replaced by a few others."""
    rng = np.random.default_rng(seed)
    x = rng.normal(rng.choice([0.0, 1.0, 1e8]), size=rows) * 10.0 ** rng.integers(-200, 140)
    return np.where(rng.uniform(size=rows) < share, rng.choice(few or [1.0], rows), x)


COLUMN = st.tuples(
    st.integers(0, 1 << 16), st.lists(st.sampled_from(VALUES), max_size=3), st.sampled_from([0.0, 0.01, 0.5, 1.0])
)


def placed(x: list[Array], way: str) -> Block:
    """A block of columns that lie apart, in one matrix, in every other row, or off any line of the cache."""
    if way == "matrix":
        return Block.of(np.array(x).T)
    if way == "strided":
        return Block(tuple(np.repeat(a, 2)[::2] for a in x))
    return Block(tuple(np.concatenate([[1.0], a])[1:] if way == "offset" else a for a in x))


def states(block: Block) -> list[bytes]:
    statistics: list[ReducedStatistic] = [Moments(), Extrema()]
    made = [s.of(block) for s in statistics]
    return [getattr(s, name).tobytes() for s in made for name in s.axes()] + [np.isnan(block.sums).tobytes()]


@example(rows=9, each=[(0, [-0.0, 0.0], 1.0)], way="apart")
@example(rows=300, each=[(0, [1e300], 1.0), (0, [0.1], 1.0), (1, [], 0.0), (0, [float("nan")], 1.0)], way="apart")
@given(
    rows=LENGTHS, each=st.lists(COLUMN, min_size=1, max_size=4),
    way=st.sampled_from(["apart", "matrix", "strided", "offset"]),
)  # fmt: skip
@settings(max_examples=examples(400))
def test_states_have_the_same_bits_with_the_kernel_and_without(
    rows: int, each: list[tuple[int, list[float], float]], way: str
) -> None:
    x = [drawn(rows, *column) for column in each]
    with switched("on"):
        by_kernel = states(placed(x, way))
    with switched("off"):
        assert by_kernel == states(placed(x, way))


@pytest.mark.parametrize("lanes", [0, 2])
def test_sums_of_every_length_are_those_of_numpy(lanes: int) -> None:
    for rows in (*range(300), 1023, 1024, 8191, 8192, 8193, 34_711, 100_001):
        x = drawn(rows, rows, [], 0.0)
        pointers = columns.pointers([x])
        reduced = columns.reductions(pointers, rows, lanes=lanes)
        assert reduced is not None
        count, total, least, greatest, centre, *deviations = reduced[:, 0].tolist()
        assert (count, total, least, greatest) == (rows, x.sum(), x.min(initial=np.inf), x.max(initial=-np.inf))
        d = x - centre
        assert deviations == [d.sum(), np.square(d).sum()]
        d = x - 0.3
        about = columns.deviations(pointers, rows, reduced[0], np.array([0.3]), lanes=lanes)
        assert [a.item() for a in about] == [d.sum(), np.square(d).sum()]


def test_a_kernel_that_adds_in_another_order_than_numpy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    from normcli.blocks import reductions

    x = (np.random.default_rng(0).normal(size=500),)
    assert Reductions.of(x) is not None
    monkeypatch.setattr(reductions, "_adds_as_numpy", lambda loaded: False)
    assert Reductions.of(x) is None
    assert Block(x).sums[0] == x[0].sum()


def test_a_sum_in_another_order_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from normcli.blocks import reductions

    original = columns.reductions
    monkeypatch.setattr(columns, "reductions", lambda *a: original(*a) * (1.0 + 2.0**-52))
    assert not reductions._adds_as_numpy.__wrapped__(kernel.library())
    monkeypatch.undo()
    assert reductions._adds_as_numpy.__wrapped__(kernel.library())
