"""Ranks: where values stand among quantiles, and the normal distribution."""

import numpy as np
import pytest

from normcli.block import Block
from normcli.record import Array
from normcli.transforms._normal import ppf, share
from normcli.transforms.ranks import Ranks

NAN = float("nan")


def ranks(*quantiles: float, **settings: str) -> Ranks:
    return Ranks(np.array(quantiles)[None, None], **settings)  # type: ignore[arg-type]


def of(transform: Ranks, *values: float) -> Array:
    return transform(Block.of(np.reshape(values, (-1, 1))))[:, 0]


def back(transform: Ranks, *values: float) -> Array:
    return transform.inverse(Block.of(np.reshape(values, (-1, 1))))[:, 0]


def test_shares_are_interpolated_between_quantiles() -> None:
    np.testing.assert_array_equal(of(ranks(0.0, 10.0, 30.0), 0, 5, 10, 20, 30, NAN), [0, 0.25, 0.5, 0.75, 1, NAN])
    np.testing.assert_array_equal(back(ranks(0.0, 10.0, 30.0), 0, 0.25, 0.5, 0.75, 1, NAN), [0, 5, 10, 20, 30, NAN])


def test_beyond_the_ends_is_0_and_1() -> None:
    np.testing.assert_array_equal(of(ranks(0.0, 10.0), -1, -1e308, 11, 1e308), [0, 0, 1, 1])
    np.testing.assert_array_equal(back(ranks(0.0, 10.0), -0.5, 1.5), [0, 10])


def test_equal_values_have_the_middle_of_their_shares() -> None:
    """But at the ends, 0 and 1."""
    tied = ranks(0.0, 5.0, 5.0, 5.0, 9.0, 9.0)
    np.testing.assert_allclose(of(tied, 0, 2.5, 5, 7, 9), [0, 0.1, 0.4, 0.7, 1], rtol=1e-15)
    np.testing.assert_array_equal(back(tied, *of(tied, 0, 5, 9)), [0, 5, 9])


def test_a_constant_is_0() -> None:
    np.testing.assert_array_equal(of(ranks(3.0, 3.0), 3, 2, 4), [0, 0, 1])
    np.testing.assert_array_equal(of(ranks(3.0), 3, 2, 4), [0, 0, 1])


def test_normal_ends_are_held() -> None:
    made = of(ranks(0.0, 10.0, distribution="normal"), -5, 0, 5, 10, 15)
    np.testing.assert_allclose(made, [-5.19933758, -5.19933758, 0, 5.19933758, 5.19933758], rtol=1e-9)
    np.testing.assert_array_equal(back(ranks(0.0, 10.0, distribution="normal"), *made), [0, 0, 5, 10, 10])


def test_a_column_that_learned_nothing_is_missing() -> None:
    for distribution in ("uniform", "normal"):
        assert np.isnan(of(ranks(NAN, NAN, distribution=distribution), 1, 2)).all()
        assert np.isnan(back(ranks(NAN, NAN, distribution=distribution), 0.5, 1)).all()


@pytest.mark.parametrize(("quantiles", "what"), [([[[1.0, 0.5]]], "must not fall"), ([[[]]], "there is none")])
def test_quantiles_that_can_not_be(quantiles: list[list[list[float]]], what: str) -> None:
    assert Ranks(np.array(quantiles)).fault() == ("quantiles", what)


def test_the_normal_distribution_is_scipys() -> None:
    norm = pytest.importorskip("scipy.stats").norm
    tails = 10.0 ** -np.arange(1, 301, 3)
    p = np.concatenate([np.linspace(0, 1, 10_001), tails, 1 - tails[:5], [0.075, 0.925]])
    np.testing.assert_allclose(ppf(p), norm.ppf(p), rtol=1e-14, atol=1e-15)
    z = np.linspace(-30, 9, 10_001)
    np.testing.assert_allclose(share(z), norm.cdf(z), rtol=1e-12)
    assert np.isnan(ppf(np.array([NAN]))).all()
    assert np.isnan(share(np.array([NAN]))).all()
