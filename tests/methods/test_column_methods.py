"""Methods of columns: against scikit-learn on real data, against their formulas, and what they refuse."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from msgspec.structs import asdict

from normcli.api import fit_blocks
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.errors import BadDataError, NormcliError, UsageError
from normcli.methods import Method
from normcli.methods.center import Center
from normcli.methods.maxabs import MaxAbs
from normcli.methods.mean_range import MeanRange
from normcli.methods.minmax import MinMax
from normcli.methods.zscore import ZScore
from normcli.parameters import Step

GREATEST = float(np.finfo(np.float64).max)
SCORES = np.array([-2.0, -1.0, 0.0, 3.0]) / np.sqrt(14 / 4)  # of 1, 2, 3, 6
ALL: tuple[Method, ...] = (Center(), MeanRange(), MinMax(), MaxAbs(), ZScore())
every_method = pytest.mark.parametrize("method", ALL, ids=lambda m: type(m).__name__)


def fitted(method: Method, x: Any, names: Sequence[str] | None = None) -> Step:
    """Fitted on blocks of 64 rows."""
    x = np.asarray(x, np.float64)
    return fit_blocks(method, np.split(x, range(64, len(x), 64)), names or [f"x{j}" for j in range(x.shape[1])])


def normalized(method: Method, x: Any, of: Any = None) -> Array:
    """`of`, or x itself, by what was learned from x."""
    with np.errstate(all="ignore"):
        return fitted(method, x).fitted(Block.of(x if of is None else of))


def column(*values: float) -> Array:
    return np.array(values)[:, None]


def assert_near(got: Array, expected: Array, tolerance: float = 1e-12) -> None:
    assert got.shape == expected.shape
    assert (np.abs(got - expected) <= tolerance * np.maximum(1.0, np.abs(expected))).all()


# -- against scikit-learn and formulas ---------------------------------------------------------------------------
def test_zscore_is_sklearns_standard_scaler(real: Array) -> None:
    from sklearn.preprocessing import StandardScaler

    assert_near(normalized(ZScore(), real), StandardScaler().fit_transform(real))
    assert_near(normalized(ZScore(center=False), real), StandardScaler(with_mean=False).fit_transform(real))
    assert_near(normalized(ZScore(scale=False), real), StandardScaler(with_std=False).fit_transform(real))


def test_zscore_of_a_sample_divides_by_one_less(real: Array) -> None:
    assert_near(normalized(ZScore(ddof=1), real), (real - real.mean(axis=0)) / real.std(axis=0, ddof=1))


def test_scores_have_mean_0_and_deviation_1(real: Array) -> None:
    z = normalized(ZScore(), real)
    assert_near(z.mean(axis=0), np.zeros(z.shape[1]), 1e-14)
    assert_near(z.std(axis=0), np.ones(z.shape[1]), 1e-14)


def test_zscore_to_a_mean_and_deviation_of_ones_own() -> None:
    """Constants land on the mean."""
    method = ZScore(target_mean=100.0, target_std=15.0)
    assert_near(normalized(method, column(1.0, 2.0, 3.0, 6.0)), column(*100 + 15 * SCORES))
    np.testing.assert_array_equal(normalized(method, column(0.1, 0.1, np.nan)), column(100.0, 100.0, np.nan))


@pytest.mark.parametrize("ends", [(0.0, 1.0), (-1.0, 1.0), (-3.5, 100.0)])
def test_minmax_is_sklearns_minmax_scaler(real: Array, ends: tuple[float, float]) -> None:
    from sklearn.preprocessing import MinMaxScaler

    assert_near(normalized(MinMax(range=ends), real), MinMaxScaler(feature_range=ends).fit_transform(real))


def test_maxabs_is_sklearns_maxabs_scaler(real: Array) -> None:
    from sklearn.preprocessing import MaxAbsScaler

    assert_near(normalized(MaxAbs(), real), MaxAbsScaler().fit_transform(real))
    assert_near(normalized(MaxAbs(), -real), MaxAbsScaler().fit_transform(-real))


def test_center_is_its_formula(real: Array) -> None:
    assert_near(normalized(Center(), real), real - real.mean(axis=0))


def test_mean_range_is_its_formula(real: Array) -> None:
    assert_near(normalized(MeanRange(), real), (real - real.mean(axis=0)) / np.ptp(real, axis=0))


def test_new_rows_are_normalized_by_what_was_learned(real: Array) -> None:
    half = len(real) // 2
    for method in ALL:
        whole = normalized(method, real[:half], real)
        np.testing.assert_array_equal(whole[:half], normalized(method, real[:half]))
    expected = (real - real[:half].mean(axis=0)) / real[:half].std(axis=0)
    with np.errstate(all="ignore"):
        fine = np.isfinite(expected).all(axis=0)
    assert_near(normalized(ZScore(), real[:half], real)[:, fine], expected[:, fine])


# -- minmax ------------------------------------------------------------------------------------------------------
ENDS = (
    st.tuples(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
    | st.tuples(st.sampled_from([0.1, -0.1, 1 / 3, 1e16, -0.0]), st.sampled_from([0.3, 0.7, 1e16 + 4, 5e-324, 1e-300]))
).filter(lambda ends: ends[0] < ends[1])
WILD = st.floats(allow_nan=False, allow_infinity=False)
VALUES = arrays(np.float64, st.integers(1, 12), elements=WILD | st.floats(0, 1))


@given(ends=ENDS, x=VALUES)
@example(ends=(0.1, 0.7), x=np.array([0.0, 1 - 2**-53, 1.0]))
@example(ends=(-0.1, 0.3), x=np.array([-5e-324, 0.0, 5e-324]))
def test_minmax_hits_both_ends_and_keeps_within_them(ends: tuple[float, float], x: Array) -> None:
    with np.errstate(all="ignore"):
        assume(np.isfinite(np.ptp(x)))
    y = normalized(MinMax(range=ends), x[:, None])[:, 0]
    low, high = ends
    assert ((y >= low) & (y <= high)).all()
    assert (y[x == x.min()] == low).all()
    if x.min() < x.max():
        assert (y[x == x.max()] == high).all()


@given(ends=ENDS, x=VALUES)
def test_minmax_keeps_the_order(ends: tuple[float, float], x: Array) -> None:
    with np.errstate(all="ignore"):
        assume(np.isfinite(np.ptp(x)))
    y = normalized(MinMax(range=ends), np.sort(x)[:, None])[:, 0]
    assert (np.diff(y) >= 0).all()


def test_new_values_leave_the_range_unless_clipped() -> None:
    seen, new = column(0.0, 2.0), column(-2.0, 0.0, 1.0, 2.0, 4.0, np.nan)
    np.testing.assert_array_equal(normalized(MinMax(), seen, new), column(-1.0, 0.0, 0.5, 1.0, 2.0, np.nan))
    np.testing.assert_array_equal(
        normalized(MinMax(range=(-1.0, 1.0)), seen, new), column(-3.0, -1.0, 0.0, 1.0, 3.0, np.nan)
    )
    np.testing.assert_array_equal(
        normalized(MinMax(range=(-1.0, 1.0), clip=True), seen, new), column(-1.0, -1.0, 0.0, 1.0, 1.0, np.nan)
    )


@pytest.mark.parametrize("ends", [(1.0, 1.0), (1.0, 0.0), (0.0, float("nan")), (-1e308, 1e308), (0.0, float("inf"))])
def test_a_range_that_is_none_is_a_usage_error(ends: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="--range"):
        MinMax(range=ends).check()


def test_options_that_can_not_be_are_refused_before_learning() -> None:
    """Or a parameter file is written that can't be read."""
    with pytest.raises(UsageError, match="`range`"):
        fit_blocks(MinMax(range=(1.0, 0.0)), [column(1.0, 2.0)], ["a"])


# -- denominators of 0, columns without a value, −0 --------------------------------------------------------------
@every_method
def test_a_denominator_of_0_is_taken_as_1(method: Method) -> None:
    x = np.column_stack([np.full(5, 3.0), np.zeros(5), np.arange(5.0)])
    y = normalized(method, x)
    expected = 1.0 if isinstance(method, MaxAbs) else 0.0
    np.testing.assert_array_equal(y[:, 0], np.full(5, expected))
    np.testing.assert_array_equal(y[:, 1], np.zeros(5))
    new = normalized(method, x, [[5.0, 2.0, 1.0]])[0]
    assert new[0] == (5.0 / 3.0 if isinstance(method, MaxAbs) else 2.0)
    assert new[1] == 2.0


@every_method
def test_one_row_is_a_constant(method: Method) -> None:
    np.testing.assert_array_equal(normalized(method, [[7.0]]), [[1.0 if isinstance(method, MaxAbs) else 0.0]])


def test_a_constant_column_lands_on_the_lower_end() -> None:
    np.testing.assert_array_equal(normalized(MinMax(range=(-1.0, 1.0)), column(4.0, 4.0)), column(-1.0, -1.0))


@every_method
def test_a_column_without_a_value_comes_out_missing_and_leaves_others_alone(method: Method) -> None:
    x = np.array([[np.nan, 1.0], [np.nan, np.nan], [np.nan, 4.0]])
    y = normalized(method, x, [[5.0, 1.0], [np.nan, 4.0]])
    assert np.isnan(y[:, 0]).all()
    np.testing.assert_array_equal(y[:, 1], normalized(method, column(1.0, 4.0))[:, 0])


@every_method
def test_missing_values_stay_missing_and_take_no_part(method: Method) -> None:
    x = np.array([[1.0, 10.0], [np.nan, 20.0], [3.0, np.nan], [8.0, 40.0]])
    y = normalized(method, x)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(x))
    for j in (0, 1):
        present = ~np.isnan(x[:, j])
        np.testing.assert_array_equal(y[present, j], normalized(method, x[present][:, [j]])[:, 0])


@every_method
@given(x=arrays(np.float64, (6, 2), elements=st.sampled_from([0.0, -0.0, 1.0, -1.0, 5e-324, -5e-324, 0.5])))
def test_zero_is_never_negative(method: Method, x: Array) -> None:
    try:
        step = fitted(method, x)
    except BadDataError:  # deviations of 5e-324 and no others
        return
    y = step.fitted(Block.of(x))
    for values in (y, step.fitted.inverse(Block.of(y))):
        assert not np.signbit(values[values == 0]).any()


@pytest.mark.parametrize("method", [ZScore(center=False), MinMax(range=(-0.0, 1.0)), MinMax(range=(-1.0, -0.0))])
def test_zero_is_never_negative_with_options(method: Method) -> None:
    y = normalized(method, column(-0.0, 1.0, -1.0, 0.0))
    assert not np.signbit(y[y == 0]).any()


@every_method
@given(x=arrays(np.float64, st.tuples(st.integers(1, 8), st.just(2)), elements=WILD | st.floats(-1, 1)))
def test_what_is_learned_is_finite(method: Method, x: Array) -> None:
    try:
        learned = fitted(method, x).fitted
    except BadDataError:  # beyond what squares or ranges can hold
        return
    for name in learned.axes():
        assert np.isfinite(getattr(learned, name)).all(), name
    assert (asdict(learned)["scale"] > 0).all()


# -- what is refused ---------------------------------------------------------------------------------------------
def refused(method: Method, x: Any, names: Sequence[str]) -> str:
    with pytest.raises(BadDataError) as caught:
        fitted(method, x, names)
    return caught.value.message


def test_too_few_values_for_ddof_are_refused_by_name() -> None:
    x = np.array([[1.0, 1.0, 5.0, np.nan], [2.0, np.nan, 5.0, np.nan], [3.0, 2.0, 5.0, np.nan]])
    message = refused(ZScore(ddof=2), x, ["full", "short", "constant", "empty"])
    assert "short" in message
    assert "`ddof` 2" in message
    assert all(name not in message for name in ("full", "constant", "empty"))
    assert "full, short" in refused(ZScore(ddof=3), x, ["full", "short", "constant", "empty"])


def test_ddof_asks_nothing_of_constants() -> None:
    np.testing.assert_array_equal(normalized(ZScore(ddof=5), column(2.0, 2.0)), column(0.0, 0.0))


UNSQUARABLE = {
    "wide": [-1.1e150, 1.1e150, 0.0],
    "wider": [1e308, -1e308, 0.0],
    "narrow": [0.0, 1e-151, 2e-151],
    "subnormal": [1e-320, 2e-320, 3e-320],
}


@pytest.mark.parametrize("name", UNSQUARABLE)
def test_deviations_that_have_no_square_are_refused_by_name(name: str) -> None:
    x = np.column_stack([[1.0, 2.0, 3.0], UNSQUARABLE[name]])
    message = refused(ZScore(), x, ["fine", name])
    assert name in message
    assert "fine" not in message


@pytest.mark.parametrize("name", UNSQUARABLE)
@pytest.mark.parametrize("method", [Center(), MaxAbs(), ZScore(scale=False)], ids=lambda m: type(m).__name__)
def test_methods_that_do_not_square_take_any_deviation(method: Method, name: str) -> None:
    x = column(*UNSQUARABLE[name])
    divisor = np.abs(x).max() if isinstance(method, MaxAbs) else 1.0
    shift = 0.0 if isinstance(method, MaxAbs) else x.mean()
    np.testing.assert_allclose(normalized(method, x), (x - shift) / divisor, rtol=1e-15, atol=5e-324)


@pytest.mark.parametrize("name", ["wide", "narrow", "subnormal"])
@pytest.mark.parametrize("method", [MinMax(), MeanRange()], ids=lambda m: type(m).__name__)
def test_methods_that_take_a_range_take_any_that_is_a_float(method: Method, name: str) -> None:
    x = column(*UNSQUARABLE[name])
    shift = x.min() if isinstance(method, MinMax) else x.mean()
    np.testing.assert_allclose(normalized(method, x), (x - shift) / np.ptp(x), rtol=1e-15)


@pytest.mark.parametrize("largest", [1e150, 1e-150])
def test_deviations_at_the_limits_are_fine(largest: float) -> None:
    assert_near(normalized(ZScore(), column(-largest, largest)), column(-1.0, 1.0), 1e-15)


@pytest.mark.parametrize("method", [MinMax(), MeanRange()], ids=lambda m: type(m).__name__)
def test_a_range_beyond_a_float_is_refused_by_name(method: Method) -> None:
    x = np.array([[1.0, -GREATEST], [2.0, GREATEST]])
    message = refused(method, x, ["fine", "endless"])
    assert "endless" in message
    assert "fine" not in message


def test_a_range_beyond_a_float_is_nothing_to_maxabs_and_center() -> None:
    x = column(-GREATEST, GREATEST)
    np.testing.assert_array_equal(normalized(MaxAbs(), x), column(-1.0, 1.0))
    np.testing.assert_array_equal(normalized(Center(), x), x)


def test_twenty_columns_are_named_and_the_rest_counted() -> None:
    x = np.tile([[0.0], [1e200]], 25)
    message = refused(ZScore(), x, [f"c{j:02}" for j in range(25)])
    assert "c00, c01" in message
    assert "c19 and 5 more" in message
    assert "c20" not in message


def test_names_are_escaped_in_messages() -> None:
    assert r"a\x1b[31m" in refused(ZScore(), column(0.0, 1e200), ["a\x1b[31m"])


def test_infinite_values_are_refused() -> None:
    """What is learned is never infinite, from matrices in memory no more than from files."""
    for method in ALL:
        with pytest.raises(NormcliError, match=r"infinite.*endless"):
            fit_blocks(method, [np.ones((2, 2)), np.array([[1.0, 2.0], [3.0, -np.inf]])], ["fine", "endless"])


def test_no_blocks_at_all_are_an_error_of_ours_or_columns_without_a_value() -> None:
    for method in ALL:
        try:
            step = fit_blocks(method, [], ["a"])
        except NormcliError:
            continue
        assert np.isnan(step.fitted(Block.of([[1.0]]))).all()


def test_blocks_that_do_not_go_together_are_no_guess() -> None:
    """One column against three is not one column for three, and two names are none for three columns."""
    three, one = np.arange(6.0).reshape(2, 3), np.arange(2.0).reshape(2, 1)
    for method in ALL:
        for blocks, names in (([three, one], "abc"), ([one, three], "abc"), ([three], "ab")):
            with pytest.raises((NormcliError, ValueError)):
                fit_blocks(method, blocks, names)
