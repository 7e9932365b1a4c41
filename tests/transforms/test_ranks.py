"""Ranks: where values stand among quantiles, and the normal distribution."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.transforms._normal import ppf, share
from normcli.transforms.ranks import Ranks, on_even

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


def test_shares_across_gaps_beyond_a_float() -> None:
    wide = ranks(-1.7e308, 1.7e308)
    np.testing.assert_allclose(of(wide, -1e308, 0, 1e308), [0.7 / 3.4, 0.5, 2.7 / 3.4], rtol=1e-15)
    np.testing.assert_allclose(back(wide, 0.7 / 3.4, 0.5, 2.7 / 3.4), [-1e308, 0, 1e308], rtol=1e-15, atol=1e292)
    narrow = ranks(0.0, 1e-310, 2e-310, 1.0)
    np.testing.assert_allclose(of(narrow, 5e-311, 1.5e-310), [1 / 6, 1 / 2], rtol=1e-12)
    np.testing.assert_allclose(back(narrow, 1 / 6, 1 / 2), [5e-311, 1.5e-310], rtol=1e-12)


KNOTS = st.floats(-1.79e308, 1.79e308) | st.floats(-1e-307, 1e-307) | st.sampled_from([0.0, 1.0, 5e-324, -1e-310])


@given(knots=st.lists(KNOTS, min_size=2, max_size=6).map(sorted), at=st.floats(0.0, 1.0), which=st.integers(0, 4))
@example(knots=[-1.7e308, 1.7e308], at=0.2, which=0)
@example(knots=[0.0, 1e-310, 2e-310, 1.0], at=0.5, which=0)
def test_shares_are_those_of_exact_arithmetic(knots: list[float], at: float, which: int) -> None:
    """And back, whatever the numbers."""
    i = min(which, len(knots) - 2)
    a, b = Fraction(knots[i]), Fraction(knots[i + 1])
    x = min(max(float(a + Fraction(at) * (b - a)), knots[i]), knots[i + 1])
    assume(knots[i] < x < knots[i + 1])
    n = len(knots) - 1
    share = (i + (Fraction(x) - a) / (b - a)) / n
    assert of(ranks(*knots), x)[0] == pytest.approx(float(share), abs=1e-15)
    y = float(share)
    j = min(int(y * n), n - 1)
    low, high = Fraction(knots[j]), Fraction(knots[j + 1])
    exact = float(low + (Fraction(y) * n - j) * (high - low))
    largest = max(abs(knots[j]), abs(knots[j + 1]))
    assert back(ranks(*knots), y)[0] == pytest.approx(exact, rel=0, abs=max(1e-14 * largest, 1e-323))


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


@given(st.integers(2, 60), st.data())
def test_what_is_between_even_knots_is_found_without_a_search(count: int, data: st.DataObject) -> None:
    knots = np.linspace(0.0, 1.0, count)
    values = np.sort(data.draw(st.lists(st.floats(-1e6, 1e6), min_size=count, max_size=count)))
    shares = data.draw(st.lists(st.floats(0.0, 1.0) | st.sampled_from([-1.0, 2.0, np.inf, np.nan]), max_size=20))
    x = np.array([*shares, *knots, *np.nextafter(knots, 2.0), *np.nextafter(knots, -1.0)])
    np.testing.assert_array_equal(on_even(x, knots, values), np.interp(x, knots, values))
