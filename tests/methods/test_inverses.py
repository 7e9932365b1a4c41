"""What can be undone comes back, and what can't says so."""

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from msgspec.structs import replace

from normcli.api import fit_blocks
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.errors import BadDataError, BadRowError, NotInvertibleError
from normcli.methods import Method
from normcli.methods.asinh import Asinh
from normcli.methods.batch import Batch
from normcli.methods.batch_renorm import BatchRenorm
from normcli.methods.center import Center
from normcli.methods.decorrelate import Decorrelate
from normcli.methods.log1p import Log1p
from normcli.methods.maxabs import MaxAbs
from normcli.methods.mean_range import MeanRange
from normcli.methods.minmax import MinMax
from normcli.methods.power import Power
from normcli.methods.robust import Robust
from normcli.methods.spectral import Spectral
from normcli.methods.unit import Unit
from normcli.methods.weight import Weight
from normcli.methods.whiten import Whiten
from normcli.methods.zscore import ZScore
from normcli.parameters import FrameTransform, Parameters, Step
from normcli.parameters.rules import MISSING, PASS
from tests.conftest import examples

OF_COLUMNS: tuple[Method, ...] = (
    Center(), MeanRange(), MinMax(), MinMax(range=(-1.0, 1.0)), MinMax(range=(-5.0, -2.5)), MaxAbs(),
    ZScore(), ZScore(ddof=1), ZScore(center=False), ZScore(scale=False),
    ZScore(target_mean=100.0, target_std=15.0), Robust(), Robust(quantiles=(0.1, 1.0)), Robust(unit_variance=True),
)  # fmt: skip
KINDS = ("zca", "pca", "zca-cor", "pca-cor", "cholesky")
OF_ROWS: tuple[Method, ...] = (
    Decorrelate(), Decorrelate(ddof=1), *(Whiten(kind=kind) for kind in KINDS), Whiten(ddof=1), Whiten(shrinkage=0.1),
    Whiten(shrinkage="oas", kind="pca-cor"), Whiten(eps=1e-3, kind="pca"), Whiten(eps=1e-3, kind="cholesky"),
)  # fmt: skip


def fitted(method: Method, x: Array) -> Step:
    return fit_blocks(method, np.split(x, range(64, len(x), 64)), [f"x{j}" for j in range(x.shape[1])])


def restored(method: Method, x: Array) -> Array:
    transform = fitted(method, x).fitted
    transform.check_invertible()
    return transform.inverse(Block.of(transform(Block.of(x))))


def assert_restored(got: Array, x: Array, tolerance: float) -> None:
    """|x' − x| ≤ tolerance · max|column|"""
    assert (np.abs(got - x) <= tolerance * np.abs(x).max(axis=0)).all()


@pytest.mark.parametrize("method", OF_COLUMNS, ids=repr)
def test_columns_come_back(method: Method, real: Array) -> None:
    for x in (real, 1e8 + real):
        assert_restored(restored(method, x), x, 1e-12)


@pytest.mark.parametrize("method", OF_ROWS, ids=repr)
def test_rows_come_back(method: Method, real: Array) -> None:
    for x in (real, 1e8 + real):
        assert_restored(restored(method, x), x, 1e-10)


@pytest.mark.parametrize("method", OF_ROWS, ids=repr)
def test_nearly_collinear_rows_come_back(method: Method, longley: Array) -> None:
    assert_restored(restored(method, longley), longley, 1e-10)


@pytest.mark.parametrize("method", OF_COLUMNS, ids=repr)
@settings(max_examples=examples(50))
@given(
    x=arrays(
        np.float64,
        st.tuples(st.integers(1, 8), st.just(2)),
        elements=st.floats(-1.7e308, 1.7e308) | st.floats(-1e3, 1e3),
    )
)
@example(x=np.array([[1e-320, 1e15], [2e-320, 1e15 + 0.5], [3e-320, 1e15 + 0.25]]))
@example(x=np.array([[8e307, -1e-300], [-8e307, 1e-300], [0.0, 1e-308]]))
def test_columns_of_any_size_come_back(method: Method, x: Array) -> None:
    with np.errstate(all="ignore"):
        try:
            got = restored(method, x)
        except BadDataError:  # beyond what squares or ranges can hold
            return
        if np.isfinite(fitted(method, x).fitted(Block.of(x))).all():  # else apply refuses it
            assert_restored(got, x, 1e-12)


FAR_OFF: tuple[Method, ...] = (
    *OF_COLUMNS, ZScore(target_mean=1e20), ZScore(target_mean=1e4, target_std=1e-200), ZScore(target_std=1e200),
    MinMax(range=(1e6, 1e6 + 1.0)), MinMax(range=(-1e300, 1e300)), Weight(), Weight(norm="max", gain=(1e-300, 1e300)),
    Spectral(), Batch(), Batch(channels=1), Batch(channels=1, batch_size=2, mean_only=True),
    Batch(gamma=(1e-9, 1e9), beta=1e3), BatchRenorm(channels=1, norm="l1"),
    Power(), Power(lambda_=-3.0), Power(lambda_=0.0), Power(lambda_=5.0), Asinh(), Log1p(),
)  # fmt: skip
SIZES = st.sampled_from([0.0, 1.0, -1.0, 3.0, 1e-3, 737.0, 1e3, 5e4, -1e5, 1e15, -1e17, 1e-9, 1e-300, -1e-310, 1.7e308])
NUMBERS = SIZES | st.floats(-10, 10) | st.floats(0, 1).map(lambda x: x**9) | st.floats(-1.7e308, 1.7e308)
OFFSETS = np.array([[4500000000000001.0, 9.4], [4500000000000002.0, 8.7], [4500000000000004.0, 9.1]])
SHIFTS = st.sampled_from([0.0, 0.0, 1.0, -1e4, 1e15])


@pytest.mark.parametrize("method", FAR_OFF, ids=repr)
@settings(max_examples=examples(80))
@given(
    x=arrays(np.float64, st.tuples(st.integers(2, 12), st.just(2)), elements=NUMBERS),
    units=st.tuples(st.sampled_from([1.0, 1e-12, 1e12]), SHIFTS),
    new=st.lists(NUMBERS, min_size=1, max_size=3),
)
@example(
    x=np.array([[4500000000000001.0, 9.4], [4500000000000002.0, 8.7], [4500000000000004.0, 9.1]]),
    units=(1.0, 0.0),
    new=[1.0],
)
@example(
    x=np.column_stack([[0.0] * 9 + [1.0, 1000.0, 50000.0], [1.0] * 11 + [1.0 + 2.0**-52]]), units=(1.0, 0.0), new=[2.0]
)
def test_what_comes_back_is_what_it_was_or_is_refused(
    method: Method, x: Array, units: tuple[float, float], new: list[float]
) -> None:
    """Of what was fitted, and of what was not; a power that was chosen restores all that it was fitted on."""
    with np.errstate(all="ignore"):
        x[:, 1] = x[:, 1] * units[0] + units[1]
        assume(np.isfinite(x).all())
        try:
            step = fitted(method, x)
        except BadDataError:  # beyond what squares, ranges or a power can hold
            return
        others = np.column_stack([new, new[::-1]])
        for values in (x, np.vstack([x, others])):
            try:
                y = step.normalized(Block.of(values))
            except BadRowError:
                continue
            if not np.isfinite(y).all():  # which apply refuses
                continue
            try:
                got = step.restored(Block.of(y))
            except BadRowError:
                assert method != Power() or values is not x
                continue
            if np.isfinite(got).all():
                constant = x.min(axis=0) == x.max(axis=0)  # its unit is taken as 1
                largest = np.maximum(np.abs(values).max(axis=0), constant)
                assert (np.abs(got - values) <= 1e-12 * largest).all()


def test_what_is_refused_is_the_first_that_is_lost() -> None:
    """Not a column whose share of a common scale leaves it its digits, nor another that passes by its own."""
    step = fitted(Batch(channels=1), OFFSETS)
    with pytest.raises(BadRowError, match=r"^\(0, .*column 'x1': .*can't be undone") as error:
        step.restored(Block.of(step.normalized(Block.of(OFFSETS))))
    assert error.value.row == 0


@np.errstate(all="ignore")
def test_rounding_alone_takes_nothing_beyond_a_float() -> None:
    greatest = np.finfo(np.float64).max
    x = np.array([[greatest, -greatest], [0.0, 0.5], [1.797e308, -1.797e308]])
    for method in (Asinh(), MaxAbs(), MeanRange(), Weight(norm="max"), MinMax()):
        assert_restored(restored(method, np.abs(x)), np.abs(x), 1e-12)
    assert_restored(restored(Asinh(), x), x, 1e-12)


@np.errstate(all="ignore")
def test_what_is_beyond_a_float_stays_so() -> None:
    back = fitted(Asinh(), np.ones((1, 1))).fitted.inverse(Block.of([[710.48], [-711.0], [710.0]]))
    np.testing.assert_array_equal(np.isinf(back[:, 0]), [True, True, False])


@pytest.mark.parametrize("code", [PASS, MISSING])
def test_rows_that_are_not_undone_are_not_judged(code: int) -> None:
    """Those of a key that was not fitted, which a power would have lost."""
    one = fitted(Power(), np.array([[0.0], [1.0], [2.0], [100.0]]))
    states = tuple(type(s).stacked([s, s]) for s in one.states)
    step = replace(one, transform=type(one.fitted).stacked([one.fitted] * 2), states=states)
    back = FrameTransform(Parameters((step,), keys=(("a",),), key_rows=(4,)), inverse=True)
    block, codes = Block.of([[0.1], [1e9]]), np.array([1, code])
    np.testing.assert_array_equal(back.values(step, block, codes)[1], [1e9 if code == PASS else np.nan])
    with pytest.raises(BadRowError, match="can't be undone"):
        back.values(step, block, np.array([1, 0]))


@pytest.mark.parametrize("method", [*OF_COLUMNS, *OF_ROWS], ids=repr)
def test_missing_values_stay_missing_on_the_way_back(method: Method) -> None:
    x = np.random.default_rng(1).normal(size=(20, 3))
    x[4, 1] = np.nan
    back = restored(method, x)
    gone = np.isnan(x).any(axis=1, keepdims=True) if method.by_row else np.isnan(x)
    np.testing.assert_array_equal(np.isnan(back), np.broadcast_to(gone, x.shape))


@pytest.mark.parametrize("method", OF_COLUMNS, ids=repr)
def test_constant_columns_come_back(method: Method) -> None:
    x = np.column_stack([np.full(9, 0.1), np.zeros(9), np.full(9, -1e300)])
    assert_restored(restored(method, x), x, 1e-15)


NOT_INVERTIBLE: tuple[Method, ...] = (
    MinMax(clip=True), Unit(), Decorrelate(components=2), Whiten(kind="pca", components=2),
    Whiten(kind="pca-cor", components=2), Whiten(kind="pca", components=0.5), Whiten(kind="zca", rank=2),
    Whiten(kind="pca", rank=2), Whiten(kind="zca-cor", rank=2), Whiten(kind="pca-cor", rank=2),
)  # fmt: skip


@pytest.mark.parametrize("method", NOT_INVERTIBLE, ids=repr)
def test_what_is_lost_can_not_be_restored(method: Method) -> None:
    x = np.random.default_rng(2).normal(size=(20, 3)) * [1.0, 2.0, 3.0]
    transform = fitted(method, x).fitted
    with pytest.raises(NotInvertibleError):
        transform.check_invertible()
    with pytest.raises(NotInvertibleError):
        transform.inverse(Block.of(transform(Block.of(x))))


@pytest.mark.parametrize("kind", ["zca", "pca", "zca-cor", "pca-cor"])
def test_data_without_full_rank_can_not_be_restored(kind: str) -> None:
    x = np.random.default_rng(3).normal(size=(20, 2))
    transform = fitted(Whiten(kind=kind, rank="auto"), np.column_stack([x, x.sum(axis=1)])).fitted
    with pytest.raises(NotInvertibleError, match="2 of 3"):
        transform.check_invertible()


@pytest.mark.parametrize(
    "method",
    [
        Decorrelate(components=3),
        Whiten(kind="zca", rank=3),
        Whiten(kind="zca", rank="auto"),
        Whiten(kind="pca", components=3),
        Whiten(kind="pca-cor", rank=3),
    ],
    ids=repr,
)
def test_asking_for_all_loses_nothing(method: Method) -> None:
    x = np.random.default_rng(2).normal(size=(20, 3)) * [1.0, 2.0, 3.0]
    assert_restored(restored(method, x), x, 1e-10)
