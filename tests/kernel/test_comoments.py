"""Co-moments by the kernel: bits that are defined by fractions, whatever the processor, the columns beside, and where
they lie in memory."""

import operator
from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normcli import kernel
from normcli.blocks.record import Array, symmetric
from normcli.kernel import SWITCH, matrix
from normcli.stats._compensated import add, two_sum
from tests.conftest import longer

PART, RUN = 8, 64
WIDTHS = [lanes for lanes in (2, 4, 8) if matrix.comoments([], None, 0.0, np.empty(0), lanes=lanes)]
LONG = [257, *longer(1000)]

pytestmark = pytest.mark.skipif(bool(kernel.comoments_lack()), reason="the kernel does not compute co-moments here")


def drawn(rows: int, features: int, *, offset: float = 0.0) -> tuple[Array, Array, Array]:
    """Columns that correlate, their weights, and a point near them."""
    rng = np.random.default_rng(rows * 1000 + features)
    x = rng.normal(size=(rows, features)) * np.exp(rng.normal(size=features)) + rng.normal(size=(rows, 1)) + offset
    return np.asfortranarray(x), rng.uniform(0.1, 3.0, size=rows), np.full(features, offset + 0.1)


def count_of(x: Array, weights: Array | None) -> float:
    return float(len(x) if weights is None else weights.sum())


def computed(x: Array, weights: Array | None, near: Array, *, lanes: int = 0) -> tuple[Array, ...]:
    """Means and products by the kernel, hi and lo each."""
    done = matrix.comoments(list(x.T), weights, count_of(x, weights), near, lanes=lanes)
    assert done is not None
    return done


def pairwise(parts: Array) -> Array:
    """The sum of (8, d)."""
    return ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]))


def sum_of_part(rows: Array) -> Array:
    """One after the other."""
    return reduce(np.add, rows, np.zeros(rows.shape[1]))


def sum_of_products(pairs: Array) -> float:
    """By fused multiply-adds: a fraction that is rounded once."""
    return reduce(lambda s, pair: float(Fraction(pair[0]) * Fraction(pair[1]) + Fraction(s)), pairs.tolist(), 0.0)


def sum_of_run(rows: Array, sum_of: Callable[[Array], Any]) -> Any:
    """Part by part."""
    return reduce(operator.add, (sum_of(rows[k : k + PART]) for k in range(0, len(rows), PART)))


def by_definition(x: Array, weights: Array | None, near: Array) -> tuple[Array, ...]:
    """As kernel.h states the order."""
    d, count = x.shape[1], count_of(x, weights)
    w = np.ones((len(x), 1)) if weights is None else weights[:, None]
    parts = np.zeros((8, d))
    for k, row in enumerate((x - near) * w):
        parts[k % 8] += row
    centers = near + (pairwise(parts) / count if count else 0.0)
    deviations = x - centers
    weighted = deviations * w
    sums, hi, lo = np.zeros((2, d)), np.zeros((d, d)), np.zeros((d, d))
    for start in range(0, len(x), RUN):
        run, other = deviations[start : start + RUN], weighted[start : start + RUN]
        sums[0], error = two_sum(sums[0], sum_of_run(other, sum_of_part))
        sums[1] += error
        for i, j in zip(*np.tril_indices(d), strict=True):
            product = sum_of_run(np.column_stack([run[:, i], other[:, j]]), sum_of_products)
            one, error = two_sum(hi[i : i + 1, j], np.array([product]))
            hi[i, j] = one[0]
            lo[i, j] += error[0]
    shift = (sums[0] + sums[1]) / (count or 1.0)
    hi, lo = add(hi, lo, -count * np.outer(shift, shift))
    return *two_sum(centers, shift), symmetric(hi), symmetric(lo)


def assert_same(got: tuple[Array, ...], expected: tuple[Array, ...]) -> None:
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("rows", "features"), [(0, 3), (1, 1), (63, 2), (65, 9), (130, 4), (300, 2)])
def test_bits_are_those_of_the_definition(rows: int, features: int, weighted: bool) -> None:
    x, w, near = drawn(rows, features)
    weights = w if weighted else None
    assert_same(computed(x, weights, near), by_definition(x, weights, near))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("features", [1, 7, 8, 9, 16, 17, 24, 31, 100])
@pytest.mark.parametrize("rows", [1, 64, *LONG])
def test_every_width_of_vectors_has_the_same_bits(rows: int, features: int, weighted: bool) -> None:
    x, w, near = drawn(rows, features, offset=1e6)
    weights = w if weighted else None
    expected = computed(x, weights, near)
    for lanes in WIDTHS:
        assert_same(computed(x, weights, near, lanes=lanes), expected)


@given(
    columns=st.lists(st.integers(0, 19), min_size=1, max_size=20, unique=True), first=st.integers(0, 7),
    rows=st.integers(0, 200),
)  # fmt: skip
def test_columns_have_the_same_bits_among_any_others_and_wherever_they_lie(
    columns: list[int], first: int, rows: int
) -> None:
    x, _, near = drawn(rows, 20)
    memory = np.empty(first + rows * len(columns))
    part = memory[first:].reshape((rows, len(columns)), order="F")
    part[:] = x[:, columns]
    mean, low, hi, lo = computed(x, None, near)
    expected = mean[columns], low[columns], *(a[np.ix_(columns, columns)] for a in (hi, lo))
    assert_same(computed(part, None, near[columns]), expected)


def test_equal_weights_are_a_factor() -> None:
    """A power of two, exactly."""
    x, _, near = drawn(200, 5)
    mean, low, hi, lo = computed(x, None, near)
    assert_same(computed(x, np.full(200, 0.25), near), (mean, low, hi / 4, lo / 4))


@pytest.mark.parametrize("seed", range(5))
def test_flags_are_multiplied_to_a_few_units_in_the_last_place(seed: int) -> None:
    """Their products have four values, whose sums round one way as they grow: 1.1e-15 in runs of 64 rows."""
    x = np.asfortranarray(np.random.default_rng(seed).random((1000, 3)) < [0.1, 0.3, 0.45], dtype=np.float64)
    _, _, hi, lo = computed(x, None, x.mean(axis=0))
    counts = [[int(n) for n in row] for row in x.T @ x]
    exact = [[counts[i][j] - Fraction(counts[i][i] * counts[j][j], len(x)) for j in range(3)] for i in range(3)]
    for i, j in zip(*np.tril_indices(3), strict=True):
        error = float(Fraction(hi[i, j]) + Fraction(lo[i, j]) - exact[i][j])
        assert abs(error) <= 4e-16 * float(exact[i][i] * exact[j][j]) ** 0.5


def test_constant_columns_have_their_value_and_no_products() -> None:
    constants = np.array([0.1, -1e300, 1e-300, 3.0, 1e15 / 3])
    x = np.asfortranarray(np.tile(constants, (777, 1)))
    mean, low, hi, lo = computed(x, None, np.nextafter(constants, np.inf))
    assert_same((mean, low, hi, lo), (constants, np.zeros(5), np.zeros((5, 5)), np.zeros((5, 5))))


def test_products_that_overflow_are_the_greatest_double() -> None:
    x = np.asfortranarray(np.array([[1e200, 1.0], [-1e200, -1.0]]))
    mean, low, hi, lo = computed(x, None, np.zeros(2))
    assert_same((hi, lo), (np.array([[np.finfo(float).max, 2e200], [2e200, 2.0]]), np.zeros((2, 2))))
    assert_same((mean, low), (np.zeros(2), np.zeros(2)))


def test_other_widths_are_refused_and_nothing_is_computed_without_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    assert matrix.comoments([np.ones(3)], None, 3.0, np.ones(1), lanes=3) is None
    monkeypatch.setenv(SWITCH, "off")
    assert matrix.comoments([np.ones(3)], None, 3.0, np.ones(1)) is None
