"""The fine histogram: any smooth function's sum, whatever the cuts; and sums of powers of any size."""

from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.stats.local_moments import LocalMoments
from normcli.stats.powers import Powers

RNG = np.random.default_rng(3)
SCALES = np.concatenate([RNG.normal(size=200) * 10.0**k for k in (-9, -3, 0, 3, 6)])


def measured(x: Array, at: list[int]) -> LocalMoments:
    pieces = [LocalMoments().of(Block.of(piece[:, None])) for piece in np.split(x, at)]
    return reduce(lambda a, b: a.merge(b), pieces, LocalMoments())


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6, -1e12])
@pytest.mark.parametrize("power", [-2.0, -0.5, 0.5, 1.0, 3.0])
def test_sums_of_smooth_functions(offset: float, power: float) -> None:
    """e^{power · (u − its mean)} with u = ±log(1 + |x|), over values of three orders of size."""
    x = offset + np.exp(RNG.normal(size=3000))
    middles, away, weights = measured(x, [5, 1000]).points(0, 0)
    base = np.abs(middles).min()
    near = np.log1p((np.abs(middles) - base) / (1.0 + base)) + away
    true = np.log1p((np.abs(x) - base) / (1.0 + base))
    scale = power / true.std()
    assert (weights * np.exp(scale * near)).sum() == pytest.approx(np.exp(scale * true).sum(), rel=1e-9)
    assert weights.sum() == pytest.approx(3000, rel=1e-13)


offset = st.floats(0, 1).map(lambda u: 1e5 + u * 1e-5) | st.sampled_from([0.0, -0.0, 1e5, 5e-324, -1e-300])


@given(at=st.lists(st.integers(0, len(SCALES)), max_size=6).map(sorted), seed=st.integers(0, 5))
def test_any_cut_and_order_end_in_the_same_cells(at: list[int], seed: int) -> None:
    whole, other = measured(SCALES, []), measured(np.random.default_rng(seed).permutation(SCALES), at)
    np.testing.assert_array_equal(other.level, whole.level)
    np.testing.assert_array_equal(other.first, whole.first)
    np.testing.assert_array_equal(other.sums[..., 0], whole.sums[..., 0])
    np.testing.assert_allclose(other.sums, whole.sums, atol=1e-12 * np.abs(whole.sums).max())


@given(x=arrays(np.float64, 20, elements=st.floats(-1e20, 1e20) | offset), one=st.booleans())
def test_cells_are_as_fine_as_can_be(x: Array, one: bool) -> None:
    """Also where blocks are of one value, or of one value many times."""
    state, whole = measured(x, list(range(1, 20)) if one else []), measured(x, [])
    np.testing.assert_array_equal(state.level, whole.level)
    np.testing.assert_array_equal(state.first, whole.first)
    taken = np.flatnonzero(state.sums[0, 0, :, 0])
    assert taken[0] == 0
    assert state.sums[0, 0, :, 0].sum() == 20
    finer = np.ldexp(np.copysign(np.log1p(np.abs(x)), x), int(state.level[0, 0]) + 1)
    ends = np.floor([finer.min(), finer.max()])
    assert state.level[0, 0] == 560 or ends[1] - ends[0] >= 64 or np.abs(ends).max() >= 2**49
    assert np.isfinite(state.sums).all()
    assert state.fault() is None


@pytest.mark.parametrize("order", [1.0, 1.5, 2.0, 3.0, 700.0])
@pytest.mark.parametrize("unit", [1e-310, 1e-200, 1.0, 1e200, 1e305])
def test_norms_of_any_size(order: float, unit: float) -> None:
    x = RNG.normal(size=90) * unit
    pieces = [Powers(order=order).of(Block.of(piece[:, None])) for piece in (x[:7], np.zeros(3), x[7:8], x[8:])]
    got = reduce(lambda a, b: a.merge(b), pieces, Powers(order=order)).norms()[0, 0]
    size = np.abs(x).max()
    expected = np.sum((np.abs(x) / size).astype(np.longdouble) ** order) ** (1 / order) * size
    assert got == pytest.approx(float(expected), rel=1e-14, abs=5e-324)
