"""Values beyond limits are counted one by one, wherever rows are cut, with weights and by groups."""

from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.stats.outside import Outside

LIMITS = Outside(least=(-1.0, -np.inf, 0.0), greatest=(1.0, 2.0, 0.0))
VALUES = st.one_of(st.sampled_from([-1.0, 1.0, 2.0, 0.0, -0.0, np.nan, 5e-324, -5e-324]), st.floats(-3, 3))
DATA = arrays(np.float64, st.tuples(st.integers(0, 12), st.just(3)), elements=VALUES)


def plainly(x: Array, weights: Array) -> tuple[list[float], list[float]]:
    """One value after the other."""
    counts, beyond = [0.0] * 3, [0.0] * 3
    for row, weight in zip(x.tolist(), weights.tolist(), strict=True):
        for j, value in enumerate(row):
            if value == value:
                counts[j] += weight
                beyond[j] += weight * (value < LIMITS.least[j] or value > LIMITS.greatest[j])
    return counts, beyond


@given(x=DATA, at=st.lists(st.integers(0, 12), max_size=3).map(sorted), weighted=st.booleans())
def test_it_counts_what_is_beyond_wherever_rows_are_cut(x: Array, at: list[int], weighted: bool) -> None:
    weights = np.random.default_rng(1).choice([0.25, 1.0, 3.0], len(x)) if weighted else np.ones(len(x))
    pieces = zip(np.split(x, at), np.split(weights, at), strict=True)
    seen = reduce(lambda a, b: a.merge(b), [LIMITS.of(Block.of(p, w)) for p, w in pieces], LIMITS)
    counts, beyond = plainly(x, weights)
    assert (seen.count[0].tolist(), seen.beyond[0].tolist()) == (counts, beyond)
    shares = [b / c if c else 0.0 for b, c in zip(beyond, counts, strict=True)]
    assert seen.summary()["outside"][0].tolist() == shares


@given(x=DATA, seed=st.integers(0, 9))
def test_each_group_counts_its_own(x: Array, seed: int) -> None:
    codes = np.random.default_rng(seed).integers(0, 3, len(x))
    seen = LIMITS.of(Block.of(x, codes=codes, groups=3))
    for group in range(3):
        mine = x[codes == group]
        assert (seen.count[group].tolist(), seen.beyond[group].tolist()) == plainly(mine, np.ones(len(mine)))


def test_without_limits_nothing_is_beyond() -> None:
    seen = Outside().of(Block.of([[1e308], [-1e308], [np.nan]]))
    assert (seen.count.tolist(), seen.beyond.tolist()) == ([[2.0]], [[0.0]])


def test_limits_are_of_as_many_columns() -> None:
    with pytest.raises(ValueError, match="argument"):
        LIMITS.of(Block.of([[1.0], [2.0]]))
