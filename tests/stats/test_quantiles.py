"""The quantile sketch: exact while all fits, within its rank error beyond, and made exact by further passes."""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import reduce
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.parameters import StepStates, merged, refined
from normcli.stats import _compactors as compactors
from normcli.stats import _selection as selection
from normcli.stats.extrema import Extrema
from normcli.stats.quantiles import SURE, Quantiles, spaced
from tests.conftest import examples, longer

SHARES = np.array([0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0])
SEEDS, ROWS, K = 100, 12_000, 256


def measured(x: Array, blocks: int, blank: Quantiles) -> list[Quantiles]:
    return [blank.of(Block.of(piece)) for piece in np.array_split(x, blocks)]


def folded(states: Iterable[Quantiles]) -> Quantiles:
    return reduce(lambda a, b: a.merge(b), states)


def said(state: Quantiles, x: Array, shares: Array = SHARES) -> Array:
    """(features, shares)"""
    ends = Extrema().of(Block.of(x))
    return state.quantiles(shares, ends.least, ends.greatest)[0]


def rank_errors(state: Quantiles, x: Array) -> Array:
    """(features, shares) how far off each quantile's rank is, as a share of the rows; of ties, the nearest."""
    wanted, errors = SHARES * (len(x) - 1), []
    for column, values in zip(np.sort(x, axis=0).T, said(state, x), strict=True):
        low, high = (np.searchsorted(column, values, side) for side in ("left", "right"))
        errors.append(np.maximum(0, np.maximum(low - 1 - wanted, wanted - high)) / len(x))
    return np.array(errors)


# -- exact while all fits ----------------------------------------------------------------------------------------
COLUMN = arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e300, 1e300) | st.sampled_from([0.0, -0.0, 1.0]))
CUTS = st.lists(st.integers(0, 40), max_size=4).map(sorted)


@given(x=COLUMN, at=CUTS, shares=arrays(np.float64, 5, elements=st.floats(0, 1)))
def test_quantiles_of_few_values_are_numpys_to_the_bit(x: Array, at: list[int], shares: Array) -> None:
    state = folded(Quantiles().of(Block.of(piece[:, None])) for piece in np.split(x, [min(a, len(x)) for a in at]))
    assert state.is_exact
    assert not state.accuracy()
    np.testing.assert_array_equal(said(state, x[:, None], shares)[0], np.quantile(x, shares))


def test_a_span_beyond_a_float_has_quantiles_all_the_same() -> None:
    x = np.array([[-1.5e308], [1.5e308]])
    np.testing.assert_allclose(said(Quantiles().of(Block.of(x)), x, np.array([0.25, 0.5])), [[-7.5e307, 0.0]])


def test_columns_without_a_value_have_no_quantiles() -> None:
    x = np.array([[np.nan, 1.0], [np.nan, 2.0]])
    np.testing.assert_array_equal(said(Quantiles().of(Block.of(x)), x, np.array([0.5])), [[np.nan], [1.5]])


# -- within its error beyond -------------------------------------------------------------------------------------
def normal(rng: np.random.Generator) -> Array:
    return rng.normal(size=(ROWS, SEEDS))


DATA: dict[str, Callable[[np.random.Generator], Array]] = {
    "normal": normal,
    "sorted": lambda rng: np.sort(normal(rng), axis=0),
    "reversed": lambda rng: np.sort(normal(rng), axis=0)[::-1],
    "heavy-tailed": lambda rng: rng.standard_cauchy((ROWS, SEEDS)) ** 3,
    "zooming in": lambda rng: normal(rng) / np.arange(1, ROWS + 1)[:, None],
    "few values": lambda rng: rng.integers(0, 30, (ROWS, SEEDS)) * 1.0,
    "one block again and again": lambda rng: np.tile(rng.normal(size=(ROWS // 40, SEEDS)), (40, 1)),
}  # fmt: skip

KINDS = ["sorted", "heavy-tailed", "one block again and again"]
KINDS += longer(*(kind for kind in DATA if kind not in KINDS))


def in_random_pairs(states: list[Quantiles], rng: np.random.Generator) -> Quantiles:
    while len(states) > 1:
        one, two = rng.choice(len(states), 2, replace=False).tolist()
        together = states[one].merge(states[two])
        states = [*(s for i, s in enumerate(states) if i not in (one, two)), together]
    return states[0]


@pytest.mark.parametrize("kind", KINDS)
def test_ranks_are_off_by_no_more_than_is_said(kind: str) -> None:
    """For 100 seeds, merged in order and in a random order: 99 % of the quantiles."""
    rng = np.random.default_rng(7)
    x = DATA[kind](rng)
    states = measured(x, 40, Quantiles(k=K))
    for state in (folded(states), folded(states[i] for i in rng.permutation(40)), in_random_pairs(states, rng)):
        errors = rank_errors(state, x)
        assert np.mean(errors > SURE / K) <= 0.01
        assert not state.is_exact
        assert "1.56%" in state.accuracy()
        assert (state.count == ROWS).all()
        assert state.items.shape[2] <= K
        np.testing.assert_array_equal(said(state, x)[:, [0, -1]].T, [x.min(axis=0), x.max(axis=0)])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # sums tell what is missing
def test_a_constant_has_itself_as_every_quantile() -> None:
    x = np.full((ROWS, 2), [0.1, -1e308])
    assert not rank_errors(folded(measured(x, 30, Quantiles(k=K))), x).any()
    assert (said(folded(measured(x, 30, Quantiles(k=K))), x) == [[0.1], [-1e308]]).all()


def test_errors_do_not_add_up_in_one_direction() -> None:
    """Over many merges; also at the tails, where a rule that always takes the middle one of neighbours would."""
    x = np.random.default_rng(3).random((20_000, 64))
    state = folded(measured(x, 150, Quantiles(k=128)))
    off = said(state, x, np.array([0.01, 0.1, 0.5, 0.9, 0.99])).mean(axis=0) - [0.01, 0.1, 0.5, 0.9, 0.99]
    assert (np.abs(off) <= 4 * 1.5 / 128 / np.sqrt(64)).all()


def test_equal_blocks_give_equal_bytes() -> None:
    x = np.random.default_rng(1).normal(size=(30_000, 3))
    one, two = (folded(measured(x, 10, Quantiles())) for _ in range(2))
    for name in one.axes():
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()


def test_a_column_is_sketched_as_if_it_were_alone() -> None:
    """Also beside one with another number of values."""
    x = np.random.default_rng(2).normal(size=(20_000, 2))
    x[::3, 1] = np.nan
    both = folded(measured(x, 7, Quantiles(k=K)))
    for j in range(2):
        alone = folded(measured(x[:, [j]], 7, Quantiles(k=K)))
        np.testing.assert_array_equal(said(alone, x[:, [j]])[0], said(both, x)[j])


@settings(max_examples=examples(20))
@given(counts=st.lists(st.integers(0, 500) | st.just(300), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_sketches_merged_at_once_are_to_the_bit_those_merged_alone(counts: list[int], seed: int) -> None:
    """Whether columns have as many values or not, and however many rows are merged in one strip."""
    rng = np.random.default_rng(seed)
    pieces = [[np.sort(rng.normal(size=n)) for n in rng.permutation(counts)] for _ in range(8)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compactors, "STRIP", 300)  # two rows or so
        whole = reduce(lambda a, b: compactors.merged([a, b], 128), map(sketched, pieces))
    for j in range(len(counts)):
        alone = reduce(lambda a, b: compactors.merged([a, b], 128), (sketched([piece[j]]) for piece in pieces))
        for name in ("items", "sizes", "sides"):
            one, row = getattr(alone, name)[0], getattr(whole, name)[j]
            filling = np.full(len(row) - len(one), np.inf if name == "items" else 0)
            np.testing.assert_array_equal(np.append(one, filling), row)


def sketched(columns: list[Array]) -> compactors.Sketches:
    return compactors.laid([compactors.of_sorted(x, 128) for x in columns])


@settings(max_examples=examples(30))
@given(n=st.integers(0, 100_000), k=st.sampled_from([128, 1000, 4096]))
def test_one_block_of_any_length(n: int, k: int) -> None:
    """No more than k items, none of the rows lost, and no rank off by more than half of what an item stands for."""
    x = np.arange(n, dtype=np.float64)[:, None]
    state = Quantiles(k=k).of(Block.of(x))
    assert state.count == n
    assert state.items.shape[2] <= k
    if n:
        heaviest = 2 ** (state.sizes.shape[2] - 1)
        assert (np.abs(said(state, x)[0] - SHARES * (n - 1)) <= heaviest / 2).all()


def test_levels_rise_and_keep_what_they_hold_sorted() -> None:
    x = np.random.default_rng(4).normal(size=(50_000, 1))
    state = folded(measured(x, 50, Quantiles(k=128)))
    ends = np.cumsum(state.sizes[0, 0]).astype(int).tolist()
    for start, end in pairwise([0, *ends]):
        assert (np.diff(state.items[0, 0, start:end]) >= 0).all()
    assert state.fault() is None


# -- by weight ---------------------------------------------------------------------------------------------------
WEIGHT = st.integers(1, 40) | st.integers(0, 53).map(lambda n: 2**n) | st.integers(1, 2**53)


def exact_quantile(x: list[float], weights: list[int], share: float) -> tuple[int, int, list[float], list[int]]:
    """The ranks below and above a quantile's place, the values in order, and the rank after each one's last."""
    order = sorted(range(len(x)), key=x.__getitem__)
    ends = list(accumulate(weights[i] for i in order))
    place = Fraction(share) * (ends[-1] - 1)
    return math.floor(place), math.ceil(place), [x[i] for i in order], ends


@given(rows=st.lists(st.tuples(st.floats(-1e6, 1e6), WEIGHT), min_size=1, max_size=30), cut=st.integers(0, 30))
@example(rows=[(1.0, 2097152), (2.0, 2097152), (4.0, 2097152)], cut=0)
@example(rows=[(1.0, 2**53), (2.0, 2**53), (4.0, 2**53)], cut=1)
def test_whole_weights_are_repetition_whatever_their_size(rows: list[tuple[float, int]], cut: int) -> None:
    """A quantile is one of the two values that it lies between in what would be the repeated column, or between
    them; there, ranks beyond 2^53 are rounded."""
    x, weights = [v for v, _ in rows], [w for _, w in rows]
    parts = [(x[:cut], weights[:cut]), (x[cut:], weights[cut:])]
    states = [Quantiles().of(Block.of(np.array(a)[:, None], np.array(w, np.float64))) for a, w in parts if a]
    state = folded(states)
    assert state.fault() is None
    got = said(state, np.array(x)[:, None])[0]
    for value, share in zip(got.tolist(), SHARES.tolist(), strict=True):
        low, high, values, ends = exact_quantile(x, weights, share)
        slack = ends[-1] >> 50
        first = values[bisect_right(ends, max(low - slack, 0))]
        last = values[bisect_right(ends, min(high + slack, ends[-1] - 1))]
        assert first <= value <= last
    if sum(weights) <= 1 << 16:
        np.testing.assert_array_equal(got, np.quantile(np.repeat(x, weights), SHARES))


def heavy(rng: np.random.Generator, kind: str) -> tuple[Array, Array]:
    """(rows, columns) values, and (rows,) weights."""
    rows = 4_000
    weights = {
        "far apart": np.floor(2.0 ** rng.uniform(0, 45, rows)),
        "powers of two": 2.0 ** rng.integers(0, 45, rows),
        "a few of a thousand million": np.where(np.arange(rows) % (rows // 3) == 7, 2.0**30 + 1, 1.0),
        "one that is most": np.where(np.arange(rows) == 5, 2.0**34, 2.0**20),
        "the same": np.full(rows, 2.0**21),
    }[kind]
    return rng.normal(size=(rows, 6)), weights


@pytest.mark.parametrize("kind", ["far apart", "powers of two", "a few of a thousand million", "one that is most"])
def test_ranks_by_weight_are_off_by_no_more_than_is_said(kind: str) -> None:
    x, weights = heavy(np.random.default_rng(17), kind)
    pieces = zip(np.array_split(x, 8), np.array_split(weights, 8), strict=True)
    state = folded(Quantiles(k=K).of(Block.of(piece, w)) for piece, w in pieces)
    assert state.fault() is None
    errors = []
    for column, values in zip(x.T, said(state, x), strict=True):
        order = np.argsort(column)
        ranks = np.append(0.0, np.cumsum(weights[order]))
        low, high = (ranks[np.searchsorted(column[order], values, side)] for side in ("left", "right"))
        wanted = SHARES * (ranks[-1] - 1)
        errors.append(np.maximum(0, np.maximum(low - 1 - wanted, wanted - high)) / ranks[-1])
    assert np.mean(np.array(errors) > SURE / K) <= 0.01


def test_weights_by_key_are_those_of_each_key() -> None:
    x, w = np.tile([1.0, 2.0, 4.0], 2), np.repeat([2.0**21, 2.0**40], 3)
    state = Quantiles().by_key().of(Block.of(x[:, None], w, np.repeat([0, 1], 3), 2))
    got = state.merge(state).quantiles(np.array([0.25, 0.5, 0.75]), np.full((2, 1), 1.0), np.full((2, 1), 4.0))
    np.testing.assert_array_equal(got[:, 0], [[1.0, 2.0, 4.0]] * 2)


# -- exact by further passes -------------------------------------------------------------------------------------
def in_passes(blocks: list[Block], blank: Quantiles) -> tuple[Quantiles, int]:
    """The state after all passes, and how many there were."""
    passes = 0

    def measure(blanks: tuple[StepStates, ...]) -> tuple[StepStates, ...]:
        nonlocal passes
        passes += 1
        return reduce(merged, ((tuple(s.of(block) for s in blanks[0]),) for block in blocks), blanks)

    ((state,),) = refined(measure(((blank,),)), measure)
    assert isinstance(state, Quantiles)
    return state, passes


WILD = st.floats(allow_nan=False, allow_infinity=False, width=64) | st.sampled_from([0.0, 5e-324, -5e-324, 1.7e308])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # sums tell what is missing
@pytest.mark.parametrize("limit", [1 << 22, 40])
@settings(max_examples=examples(30))
@given(x=arrays(np.float64, st.integers(1, 900), elements=WILD, fill=st.floats(-1, 1)), at=st.integers(1, 8))
def test_further_passes_find_numpys_quantiles_to_the_bit(limit: int, x: Array, at: int) -> None:
    """Whatever the values, and however little may be kept of them."""
    blocks = [Block.of(piece[:, None]) for piece in np.array_split(x, 3)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "LIMIT", limit)
        patch.setattr(selection, "FEWEST", limit)
        state, _ = in_passes(blocks, Quantiles(k=128, at=at))
    with np.errstate(all="ignore"):
        expected = np.quantile(x, spaced(at))
    got, sound = said(state, x[:, None], spaced(at))[0], np.isfinite(expected)
    np.testing.assert_array_equal(got[sound], expected[sound])
    assert np.isfinite(got).all()


@pytest.mark.parametrize("kind", ["normal", "heavy-tailed", "few values"])
def test_one_more_pass_is_enough_for_a_few_quantiles(kind: str) -> None:
    x = DATA[kind](np.random.default_rng(5))[:, :4]
    x[::7, 1] = np.nan
    x[5:, 2] = np.nan
    x[:, 3] = np.nan
    shares = np.array([0.0, 0.25, 0.5, 0.75, 0.999])
    state, passes = in_passes([Block.of(p) for p in np.array_split(x, 9)], Quantiles(k=K, at=tuple(shares)))
    assert passes == 2
    assert state.is_exact
    np.testing.assert_array_equal(said(state, x, shares)[:3], np.nanquantile(x[:, :3], shares, axis=0).T)
    assert np.isnan(said(state, x, shares)[3]).all()


def test_what_is_exact_already_asks_for_no_pass() -> None:
    _, passes = in_passes([Block.of(np.arange(100.0)[:, None])], Quantiles(at=(0.5,)))
    assert passes == 1
    assert Quantiles(k=K).of(Block.of(np.arange(1e4)[:, None])).next_pass() is None


def test_merged_parts_are_not_exact_any_more() -> None:
    x = np.random.default_rng(6).normal(size=(5000, 1))
    one, _ = in_passes([Block.of(x)], Quantiles(k=K, at=(0.5,)))
    assert one.is_exact
    assert not one.merge(one).is_exact
