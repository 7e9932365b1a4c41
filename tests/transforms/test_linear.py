"""Linear: each row times one matrix, kept as its factors."""

import numpy as np
import pytest

from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.errors import NotInvertibleError
from normcli.transforms.linear import Linear


def turn(d: int, seed: int) -> Array:
    """(d, d) orthogonal"""
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]


MEAN, LOW, SCALE = np.array([1.0, 1e12, -3.0]), np.array([0.0, 1e-5, 0.0]), np.array([2.0, 0.25, 1e6])
SPREAD = np.array([3.0, 0.5, 1e-4])
X = MEAN + np.random.default_rng(0).normal(size=(20, 3)) * [2.0, 1.0, 1e6]


def linear(*, directions: int = 3, components: int = 3, prefix: str | None = None) -> Linear:
    return Linear(
        MEAN[None], LOW[None], SCALE[None], turn(3, 1)[None, :, :directions], SPREAD[None, :directions],
        turn(3, 2)[None, :directions, :components], prefix,
    )  # fmt: skip


def test_the_formula() -> None:
    """((x − mean − mean_low) / scale) · basis · diag(1/spread) · rotation"""
    expected = ((X - MEAN) - LOW) / SCALE @ turn(3, 1) @ np.diag(1 / SPREAD) @ turn(3, 2)
    np.testing.assert_allclose(linear()(Block.of(X)), expected, rtol=1e-11)


def test_the_mean_counts_to_its_last_bit() -> None:
    alone = Linear(*(np.array([[v]]) for v in (1e12, 1e-5, 0.25)), np.eye(1)[None], np.ones((1, 1)), np.eye(1)[None])
    np.testing.assert_array_equal(alone(Block.of([[1e12 + 0.5]])), [[(0.5 - 1e-5) / 0.25]])


def test_rows_come_back() -> None:
    got = linear().inverse(Block.of(linear()(Block.of(X))))
    assert (np.abs(got - X) <= 1e-10 * np.abs(X).max(axis=0)).all()


@pytest.mark.parametrize(("directions", "components"), [(2, 2), (3, 2), (2, 3), (1, 1)])
def test_directions_that_were_not_kept_are_gone(directions: int, components: int) -> None:
    transform = linear(directions=directions, components=components)
    with pytest.raises(NotInvertibleError, match=f"{min(directions, components)} of 3"):
        transform.inverse(Block.of(transform(Block.of(X))))


def test_a_row_that_misses_a_value_is_missing_altogether_and_alone() -> None:
    x = X.copy()
    x[5, 1] = np.nan
    for got, whole in (
        (linear()(Block.of(x)), linear()(Block.of(X))),
        (linear().inverse(Block.of(x)), linear().inverse(Block.of(X))),
    ):
        assert np.isnan(got[5]).all()
        np.testing.assert_array_equal(np.delete(got, 5, axis=0), np.delete(whole, 5, axis=0))


def test_components_have_names_of_their_own() -> None:
    assert linear().outputs(["a", "b", "c"]) == ("a", "b", "c")
    assert linear(components=2, prefix="pc").outputs(["a", "b", "c"]) == ("pc1", "pc2")


def test_zero_is_never_negative() -> None:
    x = np.vstack([np.zeros((2, 3)), -np.zeros((2, 3))])
    identity = Linear(
        np.zeros((1, 3)), np.zeros((1, 3)), np.ones((1, 3)), -np.eye(3)[None], np.ones((1, 3)), np.eye(3)[None]
    )
    assert not np.signbit(identity(Block.of(x))).any()
    assert not np.signbit(identity.inverse(Block.of(x))).any()
