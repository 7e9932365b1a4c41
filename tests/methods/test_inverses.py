"""What can be undone comes back, and what can't says so."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from normcli.block import Block
from normcli.errors import BadDataError, NotInvertibleError
from normcli.library import fit_blocks
from normcli.methods import Method
from normcli.methods.center import Center
from normcli.methods.decorrelate import Decorrelate
from normcli.methods.maxabs import MaxAbs
from normcli.methods.mean_range import MeanRange
from normcli.methods.minmax import MinMax
from normcli.methods.robust import Robust
from normcli.methods.unit import Unit
from normcli.methods.whiten import Whiten
from normcli.methods.zscore import ZScore
from normcli.plan import Step
from normcli.record import Array
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
