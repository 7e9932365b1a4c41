"""Laws that every statistic of the folder keeps, whatever the data and wherever they are cut."""

from copy import deepcopy
from fractions import Fraction
from functools import reduce

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from msgspec.structs import asdict

from normcli import registry
from normcli.api import fit_blocks
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.methods.center import Center
from normcli.methods.decorrelate import Decorrelate
from normcli.methods.zscore import ZScore
from normcli.stats import ColumnStatistic, Statistic
from normcli.stats._compensated import add, merged_mean
from normcli.stats.comoments import Comoments
from normcli.stats.extrema import Extrema
from normcli.stats.frequencies import Frequencies
from normcli.stats.moments import Moments
from normcli.stats.quantiles import Quantiles
from normcli.stats.running import Running

BLANKS: list[Statistic] = [
    *(registry.only("stats", name)() for name in registry.names("stats")),
    Running(size=2), Running(size=3, momentum=None, norm="l1", rooted=True, eps=0.25),
]  # fmt: skip
GREATEST, LEAST = float(np.finfo(np.float64).max), 5e-324

every_statistic = pytest.mark.parametrize("blank", BLANKS, ids=lambda s: registry.name_of(s))
anywhere = [s for s in BLANKS if s.multiple == 1]  # those of batches have no groups and no weights
statistic_of_groups = pytest.mark.parametrize("blank", anywhere, ids=lambda s: registry.name_of(s))
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # states are told apart by what they hold


# -- data --------------------------------------------------------------------------------------------------------
def matrix_of(elements: st.SearchStrategy[float], rows: st.SearchStrategy[int]) -> st.SearchStrategy[Array]:
    """(rows, 1 to 3 columns)"""
    return st.tuples(rows, st.integers(1, 3)).flatmap(lambda shape: arrays(np.float64, shape, elements=elements))


def offset(x: float) -> st.SearchStrategy[float]:
    return st.floats(0, 1).map(lambda u: x + u)


SOME = st.integers(0, 12)
PRESENT = {
    "tame": st.floats(-1e3, 1e3, allow_subnormal=False).map(lambda x: x if abs(x) > 1e-100 else 0.0),
    "few": st.sampled_from([0.0, 1.0, -1.0, 0.1, 1 / 3]),
    "1e8": offset(1e8),
    "1e15": offset(1e15),
    "wild": st.floats(allow_nan=False, allow_infinity=False),
    "extreme": st.sampled_from([1e308, -1e308, GREATEST, -GREATEST, 1e-320, -1e-320, LEAST, 0.0, -0.0, 1.0]),
}
MISSING = st.just(float("nan"))
DATA = st.one_of([matrix_of(e | MISSING if gaps else e, SOME) for e in PRESENT.values() for gaps in (False, True)])
CUTS = st.lists(st.integers(0, 12), max_size=4).map(sorted)


def cut(x: Array, at: list[int], multiple: int = 1) -> list[Array]:
    """x in pieces of whole rows, some of them empty; of whole batches, and never one row of them alone at the end."""
    last = len(x) - 2 if multiple > 1 else len(x)
    return np.split(x, [max(min(a, last), 0) // multiple * multiple for a in at])


def measured(blank: Statistic, x: Array) -> Statistic:
    """As the program measures: statistics of columns and of batches see all rows, those of rows the complete ones."""
    block = Block.of(x)
    return blank.of(block if sees_all(blank) else block.complete)


def sees_all(statistic: Statistic) -> bool:
    return isinstance(statistic, ColumnStatistic) or statistic.multiple > 1


# -- comparing ---------------------------------------------------------------------------------------------------
def assert_same(a: Statistic, b: Statistic, *, but: str = "") -> None:
    """Equal to the bit, zeros of either sign; ragged lists may be filled up to any length."""
    assert a.settings() == b.settings()
    for name, axes in a.axes().items():
        if name != but:
            one, two = getattr(a, name), getattr(b, name)
            sizes = tuple(map(max, zip(one.shape[1:], two.shape[1:], strict=True))) if axes.ragged else one.shape[1:]
            one, two = (axes.filled(x, sizes) if axes.ragged else x for x in (one, two))
            np.testing.assert_array_equal(one, two, err_msg=name)


def assert_close(a: Statistic, b: Statistic, x: Array) -> None:
    """Equal as far as another split of the same rows x promises; squares where deviations have any."""
    said, other = a.summary(), b.summary()
    assert said.keys() == other.keys()
    present = x if sees_all(a) else x[~np.isnan(x).any(axis=1)]
    for j, column in enumerate(present.T):
        column = column[~np.isnan(column)]
        if len(column) == 0:
            continue
        std = said["std"][0, j] if "std" in said and squarable(column) else 0.0
        for name in said:
            one, two = float(said[name][0, j]), float(other[name][0, j])
            if name in ("count", "missing", "min", "max"):
                assert one == two, name
            elif name == "mean" and (squarable(column) or sees_all(a)):
                size = max(abs(one), std) if squarable(column) and a.multiple == 1 else np.abs(column).max()
                assert abs(Fraction(one) - Fraction(two)) <= Fraction(1e-14) * Fraction(size) + Fraction(LEAST)
            elif squarable(column):
                assert abs(one - two) <= 1e-14 * abs(two), name
    if isinstance(a, Comoments) and isinstance(b, Comoments) and all(squarable(c) for c in present.T):
        one, two = a.products + a.products_low, b.products + b.products_low
        root = np.sqrt(np.diagonal(two, axis1=1, axis2=2))
        assert (np.abs(one - two) <= 3e-15 * root[:, :, None] * root[:, None, :]).all()


def squarable(column: Array) -> bool:
    """Whether the largest deviation from the mean is from 1e-150 to 1e150, or there is none."""
    if len(column) == 0 or column.min() == column.max():
        return True
    mean = sum(map(Fraction, column.tolist()), Fraction(0)) / len(column)
    return Fraction(1e-150) <= max(Fraction(column.max()) - mean, mean - Fraction(column.min())) <= Fraction(1e150)


# -- laws --------------------------------------------------------------------------------------------------------
@every_statistic
@given(x=DATA)
def test_a_blank_is_the_exact_identity_of_merge(blank: Statistic, x: Array) -> None:
    state = measured(blank, x)
    assert_same(blank.merge(state), state)
    assert_same(state.merge(blank), state)
    assert blank.merge(blank).groups == blank.groups == 0


@every_statistic
@given(x=DATA)
def test_rows_that_are_not_there_change_no_bit(blank: Statistic, x: Array) -> None:
    state, nothing = measured(blank, x), measured(blank, x[:0])
    assert_same(nothing.merge(state), state)
    assert_same(state.merge(nothing), state)


@every_statistic
@given(x=DATA, at=CUTS)
def test_cutting_rows_anywhere_and_merging_is_the_whole(blank: Statistic, x: Array, at: list[int]) -> None:
    pieces = [measured(blank, piece) for piece in cut(x, at, blank.multiple)]
    assert_close(reduce(lambda a, b: a.merge(b), pieces, blank), measured(blank, x), x)


@every_statistic
@given(x=DATA, at=st.tuples(SOME, SOME).map(sorted))
def test_merge_is_associative_to_rounding(blank: Statistic, x: Array, at: list[int]) -> None:
    a, b, c = (measured(blank, piece) for piece in cut(x, at, blank.multiple))
    assert_close(a.merge(b).merge(c), a.merge(b.merge(c)), x)


@every_statistic
@given(x=DATA, at=CUTS, seed=st.integers(0, 9))
def test_another_order_of_rows_is_the_same_to_rounding(blank: Statistic, x: Array, at: list[int], seed: int) -> None:
    """But for batches, which are rows in order."""
    if blank.multiple > 1:
        return
    shuffled = np.random.default_rng(seed).permutation(x)
    pieces = [measured(blank, piece) for piece in cut(shuffled, at, blank.multiple)]
    assert_close(reduce(lambda a, b: a.merge(b), pieces, blank), measured(blank, x), x)


@every_statistic
@given(x=DATA, at=CUTS, shards=st.integers(1, 4))
def test_shards_merged_one_by_one_are_the_merged_state_to_the_bit(
    blank: Statistic, x: Array, at: list[int], shards: int
) -> None:
    pieces = [blank, *(measured(blank, piece) for piece in cut(x, at, blank.multiple))]
    split = zip(*(piece.split(shards) for piece in pieces), strict=True)
    joined = type(blank).joined([reduce(lambda a, b: a.merge(b), shard) for shard in split])
    assert_same(joined, reduce(lambda a, b: a.merge(b), pieces))


@pytest.mark.parametrize("blank", [Quantiles(k=128), Frequencies(k=20)])
def test_shards_of_sketches_that_lose_items_are_the_merged_sketch(blank: Statistic) -> None:
    """Column 1 has values in some pieces only, column 3 in none."""
    x = np.round(np.random.default_rng(0).normal(size=(3000, 6)), 2)
    x[:1000, 1] = x[:, 3] = np.nan
    pieces = [measured(blank, piece) for piece in np.split(x, 10)]
    whole = reduce(lambda a, b: a.merge(b), pieces)
    for count in range(1, 9):
        split = zip(*(piece.split(count) for piece in pieces), strict=True)
        assert_same(type(blank).joined([reduce(lambda a, b: a.merge(b), shard) for shard in split]), whole)


@pytest.mark.parametrize(("groups", "size"), [(1, 300), (3, 130), (40, 20)])
def test_merged_co_moments_are_the_plain_update_to_the_bit(groups: int, size: int) -> None:
    """Chan, Golub and LeVeque's, of whole matrices; in shards, too."""
    rng = np.random.default_rng(size)

    def state() -> Comoments:
        products = rng.normal(size=(groups, size, size))
        products += products.swapaxes(1, 2)
        mean, count = rng.normal(size=(groups, size)), rng.integers(0, 3, groups) * 1.0
        return Comoments(count, mean, 1e-17 * mean, products, 1e-17 * products)

    a, b = state(), state()
    merged = a.merge(b)
    counts, means, lows = (a.count[:, None], b.count[:, None]), (a.mean, b.mean), (a.mean_low, b.mean_low)
    _, _, gap, share = merged_mean(counts, means, lows)
    between = gap[:, :, None] * gap[:, None, :] * (counts[0] * share)[:, :, None]
    hi, lo = add(a.products, a.products_low, b.products, b.products_low, between)
    assert (merged.products == hi).all()
    assert (merged.products_low == lo).all()
    for count in (1, 2, 3, 7):
        shards = [x.merge(y) for x, y in zip(a.split(count), b.split(count), strict=True)]
        assert sum(shard.products.size for shard in shards) <= merged.products.size
        assert_same(Comoments.joined(shards), merged)


@every_statistic
@given(x=DATA, at=st.tuples(SOME).map(list))
def test_merge_never_mutates(blank: Statistic, x: Array, at: list[int]) -> None:
    a, b = (measured(blank, piece) for piece in cut(x, at, blank.multiple))
    before = deepcopy((a, b))
    a.merge(b)
    for now, then in zip((a, b), before, strict=True):
        for name in now.axes():
            assert getattr(now, name).tobytes() == getattr(then, name).tobytes()


@every_statistic
@given(x=DATA, at=CUTS)
def test_measuring_never_mutates(blank: Statistic, x: Array, at: list[int]) -> None:
    before = x.tobytes()
    for piece in cut(x, at, blank.multiple):
        measured(blank, piece)
    assert x.tobytes() == before


@every_statistic
@given(x=DATA, at=CUTS)
def test_a_state_is_finite_or_its_empty_case(blank: Statistic, x: Array, at: list[int]) -> None:
    for state in (
        measured(blank, x),
        reduce(lambda a, b: a.merge(b), [measured(blank, piece) for piece in cut(x, at, blank.multiple)], blank),
    ):
        for name, axes in state.axes().items():
            values = getattr(state, name)
            assert (np.isfinite(values) | (values == axes.empty)).all(), (name, values)


@every_statistic
@given(x=DATA, at=CUTS)
def test_a_state_has_the_shape_and_the_range_that_it_declares(blank: Statistic, x: Array, at: list[int]) -> None:
    state = reduce(lambda a, b: a.merge(b), [measured(blank, piece) for piece in cut(x, at, blank.multiple)], blank)
    sizes = {"feature": x.shape[1]}
    assert state.groups == 1
    for name, axes in state.axes().items():
        values = getattr(state, name)
        assert values.dtype == np.float64
        assert values.shape == (1, *(sizes.setdefault(d, n) for d, n in zip(axes.dims, values.shape[1:], strict=True)))
        if axes.holds == "count":
            assert (values == np.rint(values)).all()
        if axes.holds in ("count", "not negative"):
            assert (values >= 0).all()
        if axes.holds == "positive":
            assert (values > 0).all()
        if axes.symmetric:
            np.testing.assert_array_equal(values, np.swapaxes(values, 1, 2))


@every_statistic
@given(x=st.one_of([arrays(np.float64, SOME, elements=e) for e in PRESENT.values()]), gaps=st.lists(SOME, max_size=5))
def test_missing_values_change_nothing_but_their_count(blank: Statistic, x: Array, gaps: list[int]) -> None:
    if blank.multiple > 1:  # a row that misses its value has its place in a batch
        return
    with_gaps = np.insert(x, [min(g, len(x)) for g in gaps], np.nan)
    got, without = measured(blank, with_gaps[:, None]), measured(blank, x[:, None])
    assert_same(got, without, but="missing")
    if "missing" in blank.axes():
        np.testing.assert_array_equal(got.summary()["missing"], [[len(gaps)]])


@every_statistic
@given(x=matrix_of(PRESENT["tame"] | MISSING, SOME))
def test_a_column_by_itself_is_what_it_is_among_others(blank: Statistic, x: Array) -> None:
    if isinstance(blank, ColumnStatistic):
        whole = measured(blank, x)
        for j in range(x.shape[1]):
            for name, values in measured(blank, x[:, [j]]).summary().items():
                np.testing.assert_array_equal(values[0, 0], whole.summary()[name][0, j])


of_columns = [s for s in BLANKS if isinstance(s, ColumnStatistic) and "column" in vars(type(s))]


@pytest.mark.parametrize("blank", of_columns, ids=registry.name_of)
@given(data=st.data(), rows=st.integers(1, 3000), columns=st.integers(2, 40), apart=st.booleans())
def test_several_columns_at_once_have_the_bits_of_each_by_itself(
    blank: ColumnStatistic, data: st.DataObject, rows: int, columns: int, apart: bool
) -> None:
    x = np.random.default_rng(rows * columns).lognormal(0, 5, (rows, columns)).astype(np.float64, order="F")
    for j in data.draw(st.sets(st.integers(0, columns - 1), max_size=3)):
        x[data.draw(st.integers(0, rows - 1)), j] = data.draw(st.sampled_from([np.nan, 1e308, -0.0]))
    block = Block(tuple(x.T.copy()) if apart else tuple(x.T), None if apart else x)
    alone = [blank.column(column) for column in block.present()]
    for name, each in zip(blank.axes(), zip(*alone, strict=True), strict=True):
        np.testing.assert_array_equal(getattr(blank.of(block), name), np.stack(each, axis=1))


@every_statistic
def test_a_blank_has_no_groups_and_says_nothing(blank: Statistic) -> None:
    assert blank.groups == 0
    assert all(values.size == 0 for values in blank.summary().values())


# -- where rows lie in memory --------------------------------------------------------------------------------------
LONG = 20_000  # more than numpy takes into a buffer at once


def placed(x: Array, offset: int) -> Array:
    """A column-major copy that begins so many bytes after a multiple of 64."""
    room = np.empty(x.nbytes + 128, np.uint8)
    start = -room.ctypes.data % 64 + offset
    copy = room[start : start + x.nbytes].view(np.float64).reshape(x.shape, order="F")
    copy[:] = x
    return copy


@every_statistic
@pytest.mark.parametrize("weighted", [False, True])
def test_blocks_at_any_place_in_memory_have_equal_states(blank: Statistic, weighted: bool) -> None:
    """Whichever way the block is made; and so do weights."""
    rng = np.random.default_rng(1)
    x, any_weights = rng.lognormal(size=(LONG, 2)), rng.lognormal(size=LONG)
    given = np.ceil(any_weights) if blank.integer_weights else any_weights
    weights = given if weighted and blank.multiple == 1 else None
    wanted = blank.of(Block.of(x, weights))
    for offset in range(64):
        here, w = placed(x, offset), None if weights is None else placed(weights, offset)
        ways = Block.of(here, w), Block(tuple(here.T), weights=w), Block(tuple(here.T), here, w)
        assert_same(blank.of(ways[offset % 3]), wanted)


@every_statistic
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_rows_in_any_layout_have_equal_states(blank: Statistic, axis: int | None) -> None:
    """Row by row, or as every other row or column of a matrix."""
    x = np.asfortranarray(np.random.default_rng(2).lognormal(size=(LONG, 2)))
    wanted = blank.of(Block.of(x))
    given = (
        np.ascontiguousarray(x) if axis is None else np.repeat(x, 2, axis)[(slice(None),) * axis + (slice(0, None, 2),)]
    )
    for block in (Block.of(given), Block(tuple(given.T)), Block(tuple(given.T), given)):
        assert_same(blank.of(block), wanted)


# -- the mean and the constant column ----------------------------------------------------------------------------
COLUMNS = st.one_of([arrays(np.float64, st.integers(1, 20), elements=e) for e in PRESENT.values()])
NEIGHBOURS = st.tuples(PRESENT["wild"], st.lists(st.integers(0, 2), min_size=1, max_size=20)).map(
    lambda pair: np.clip(pair[0] + np.array(pair[1]) * np.spacing(abs(pair[0])), -GREATEST, GREATEST)
)


@given(x=COLUMNS | NEIGHBOURS, at=CUTS)
@example(x=np.array([GREATEST] * 5 + [-GREATEST]), at=[1, 2])
@example(x=np.array([1.0, np.nextafter(1.0, 2.0), 1.0]), at=[1])
def test_the_mean_lies_between_least_and_greatest(x: Array, at: list[int]) -> None:
    step = fit_blocks(Center(), cut(x[:, None], at), ["a"])
    learned = asdict(step.fitted)
    assert x.min() <= step.summary()["mean"][0] <= x.max()
    assert x.min() <= learned["center"][0, 0] <= x.max()
    exact = Fraction(learned["center"][0, 0]) + Fraction(learned["center_low"][0, 0])
    assert Fraction(x.min()) <= exact <= Fraction(x.max())


@given(
    x=st.one_of([arrays(np.float64, st.integers(2, 20), elements=PRESENT[k]) for k in ("tame", "1e8", "1e15")]), at=CUTS
)
def test_the_mean_of_rows_lies_between_least_and_greatest(x: Array, at: list[int]) -> None:
    step = fit_blocks(Decorrelate(), cut(x[:, None], at), ["a"])
    learned = asdict(step.fitted)
    exact = Fraction(learned["mean"][0, 0]) + Fraction(learned["mean_low"][0, 0])
    assert Fraction(x.min()) <= exact <= Fraction(x.max())


@given(
    value=PRESENT["wild"] | PRESENT["extreme"] | PRESENT["1e15"],
    rows=st.integers(1, 300),
    at=st.lists(st.integers(0, 300), max_size=4).map(sorted),
)
@example(value=9.99999999999997e307, rows=66, at=[])
def test_a_constant_column_has_its_value_as_mean_and_no_deviation(value: float, rows: int, at: list[int]) -> None:
    step = fit_blocks(ZScore(), cut(np.full((rows, 1), value), at), ["a"])
    learned, said = asdict(step.fitted), step.summary()
    assert (learned["center"][0, 0], learned["center_low"][0, 0], learned["scale"][0, 0]) == (value, 0.0, 1.0)
    assert (said["mean"][0], said["std"][0], said["min"][0], said["max"][0]) == (value, 0.0, value, value)


@given(value=PRESENT["wild"] | PRESENT["extreme"], rows=st.integers(1, 300), at=CUTS)
def test_a_constant_column_has_no_co_moments(value: float, rows: int, at: list[int]) -> None:
    x = np.column_stack([np.full(rows, value), np.arange(rows)])
    state = reduce(lambda a, b: a.merge(b), [Comoments().of(Block.of(piece)) for piece in cut(x, at)], Comoments())
    assert state.summary()["mean"][0, 0] == value
    assert not (state.products + state.products_low)[0, 0].any()
    assert not (state.products + state.products_low)[0, :, 0].any()


# -- cases by hand -----------------------------------------------------------------------------------------------
NAN = float("nan")


@pytest.mark.parametrize(
    ("x", "count", "missing", "least", "greatest", "mean", "std"),
    [
        ([], 0, 0, np.inf, -np.inf, 0, 0),
        ([NAN, NAN], 0, 2, np.inf, -np.inf, 0, 0),
        ([7.0], 1, 0, 7, 7, 7, 0),
        ([NAN, 7.0, NAN], 1, 2, 7, 7, 7, 0),
        ([1.0, 2.0, 3.0, NAN], 3, 1, 1, 3, 2, (2 / 3) ** 0.5),
        ([0.1] * 10, 10, 0, 0.1, 0.1, 0.1, 0),
        ([1e15, 1e15 + 2], 2, 0, 1e15, 1e15 + 2, 1e15 + 1, 1),
        ([1e16, 1e16 + 4, 1e16 + 8], 3, 0, 1e16, 1e16 + 8, 1e16 + 4, (32 / 3) ** 0.5),
        ([-1e150, 1e150], 2, 0, -1e150, 1e150, 0, 1e150),
        ([-1e-150, 1e-150], 2, 0, -1e-150, 1e-150, 0, 1e-150),
        ([1e308, 1e308, 1e308], 3, 0, 1e308, 1e308, 1e308, 0),
        ([1e-320, 3e-320], 2, 0, 1e-320, 3e-320, 2e-320, None),
        ([1e308, 0.0], 2, 0, 0, 1e308, 5e307, None),
        ([GREATEST, -GREATEST], 2, 0, -GREATEST, GREATEST, 0, None),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_what_people_read_of_a_column(
    x: list[float],
    count: int,
    missing: int,
    least: float,
    greatest: float,
    mean: float,
    std: float | None,
    size: int,
) -> None:
    blocks = [np.reshape(x[i : i + size], (-1, 1)) for i in range(0, max(len(x), 1), size)]
    moments = reduce(lambda a, b: a.merge(b), [Moments().of(Block.of(b)) for b in blocks], Moments()).summary()
    extrema = reduce(lambda a, b: a.merge(b), [Extrema().of(Block.of(b)) for b in blocks], Extrema()).summary()
    assert (moments["count"], moments["missing"], moments["mean"]) == (count, missing, pytest.approx(mean, rel=1e-15))
    assert (extrema["min"], extrema["max"]) == (least, greatest)
    if std is None:
        assert np.isfinite(moments["std"]).all()
    else:
        assert moments["std"] == pytest.approx(std, rel=1e-15)


@pytest.mark.parametrize("size", [1, 2, 100])
def test_co_products_by_hand(size: int) -> None:
    x = np.array([[1.0, 10.0, 5.0], [2.0, 30.0, 5.0], [3.0, 20.0, 5.0], [4.0, 60.0, 5.0]])
    state = reduce(
        lambda a, b: a.merge(b), [Comoments().of(Block.of(x[i : i + size])) for i in range(0, 4, size)], Comoments()
    )
    expected = np.array([[5.0, 70.0, 0.0], [70.0, 1400.0, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(state.summary()["mean"], [[2.5, 30.0, 5.0]])
    np.testing.assert_allclose((state.products + state.products_low)[0], expected, rtol=1e-15)
    np.testing.assert_allclose(state.covariance(1)[0], expected / 3, rtol=1e-15)


# -- groups and weights ------------------------------------------------------------------------------------------
GROUPS = 3
SQUARABLE = st.one_of(
    [matrix_of(PRESENT[k] | MISSING if gaps else PRESENT[k], SOME) for k in ("tame", "1e8") for gaps in (False, True)]
)


def coded(x: Array, seed: int, weights: Array | None = None) -> Block:
    codes = np.random.default_rng(seed).integers(0, GROUPS, len(x))
    return Block.of(x, weights, codes, GROUPS)


def of_block(blank: Statistic, block: Block) -> Statistic:
    return blank.of(block if isinstance(blank, ColumnStatistic) else block.complete)


@pytest.mark.soak
@statistic_of_groups
@given(x=DATA, seed=st.integers(0, 9), weighted=st.booleans())
def test_a_group_is_its_rows_by_themselves(blank: Statistic, x: Array, seed: int, weighted: bool) -> None:
    weights = np.random.default_rng(seed + 1).choice([0.25, 1.0, 3.0], len(x)) if weighted else None
    block = coded(x, seed, weights)
    state = of_block(blank, block)
    assert state.groups == GROUPS
    assert block.codes is not None
    for group in range(GROUPS):
        here = block.codes == group
        alone = of_block(blank, Block.of(x[here], None if weights is None else weights[here]))
        assert_close(state.taken([group]), alone, x[here])


@statistic_of_groups
@given(x=DATA, at=CUTS, seed=st.integers(0, 9))
def test_groups_merge_each_with_its_own(blank: Statistic, x: Array, at: list[int], seed: int) -> None:
    block = coded(x, seed)
    assert block.codes is not None
    codes = cut(block.codes.astype(np.float64), at)
    pieces = [
        of_block(blank, Block.of(piece, None, c.astype(np.intp), GROUPS))
        for piece, c in zip(cut(x, at), codes, strict=True)
    ]
    merged = reduce(lambda a, b: a.merge(b), pieces, blank)
    for group in range(GROUPS):
        alone = reduce(lambda a, b: a.merge(b), [p.taken([group]) for p in pieces], blank)
        assert_same(merged.taken([group]), alone)


@statistic_of_groups
@given(x=DATA)
def test_weights_of_1_are_none(blank: Statistic, x: Array) -> None:
    got, none = of_block(blank, Block.of(x, np.ones(len(x)))), measured(blank, x)
    assert_same(got, none)


@statistic_of_groups
@given(x=SQUARABLE, seed=st.integers(0, 9))
def test_whole_weights_are_repeated_rows(blank: Statistic, x: Array, seed: int) -> None:
    weights = np.random.default_rng(seed).integers(1, 5, len(x))
    got = of_block(blank, Block.of(x, weights.astype(np.float64)))
    repeated = np.repeat(x, weights, axis=0)
    assert_close(got, measured(blank, repeated), repeated)


@pytest.mark.soak
@statistic_of_groups
@given(x=SQUARABLE, at=CUTS, seed=st.integers(0, 9))
def test_weights_move_with_their_rows(blank: Statistic, x: Array, at: list[int], seed: int) -> None:
    weights = np.random.default_rng(seed).choice([0.125, 1.0, 7.5], len(x))
    pieces = [of_block(blank, Block.of(p, w)) for p, w in zip(cut(x, at), cut(weights, at), strict=True)]
    assert_close(reduce(lambda a, b: a.merge(b), pieces, blank), of_block(blank, Block.of(x, weights)), x)
