"""Co-moments by the kernel: bits that are defined by fractions, whatever the processor, the columns beside, and where
they lie in memory."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normcli import kernel
from normcli.blocks.record import Array, symmetric
from normcli.kernel import SWITCH, matrix
from normcli.stats._compensated import two_sum
from tests.conftest import longer

RUN = 64
WIDTHS = [lanes for lanes in (2, 4, 8) if matrix.comoments([], None, np.empty(0), lanes=lanes)]
LONG = [257, *longer(1000)]

pytestmark = pytest.mark.skipif(bool(kernel.comoments_lack()), reason="the kernel does not compute co-moments here")


def drawn(rows: int, features: int, *, offset: float = 0.0) -> tuple[Array, Array, Array]:
    """Columns that correlate, their weights and centers."""
    rng = np.random.default_rng(rows * 1000 + features)
    x = rng.normal(size=(rows, features)) * np.exp(rng.normal(size=features)) + rng.normal(size=(rows, 1)) + offset
    return np.asfortranarray(x), rng.uniform(0.1, 3.0, size=rows), np.full(features, offset)


def computed(x: Array, weights: Array | None, centers: Array, *, lanes: int = 0) -> tuple[Array, Array, Array]:
    """By the kernel."""
    done = matrix.comoments(list(x.T), weights, centers, lanes=lanes)
    assert done is not None
    return done


def by_definition(x: Array, weights: Array | None, centers: Array) -> tuple[Array, Array, Array]:
    """As kernel.h states the order; a fused multiply-add is a fraction that is rounded once."""
    deviations = x - centers
    weighted = deviations if weights is None else deviations * weights[:, None]
    d = x.shape[1]
    sums, hi, lo = np.zeros((2, d)), np.zeros((d, d)), np.zeros((d, d))
    for start in range(0, len(x), RUN):
        run, other = deviations[start : start + RUN], weighted[start : start + RUN]
        total = np.zeros(d)
        for row in other:
            total = total + row
        sums[0], error = two_sum(sums[0], total)
        sums[1] += error
        for i, j in zip(*np.tril_indices(d), strict=True):
            product = 0.0
            for p, q in zip(run[:, i].tolist(), other[:, j].tolist(), strict=True):
                product = float(Fraction(p) * Fraction(q) + Fraction(product))
            hi[i, j], error = two_sum(hi[i, j], np.float64(product))
            lo[i, j] += error
    return sums.sum(axis=0), symmetric(hi), symmetric(lo)


def assert_same(got: tuple[Array, ...], expected: tuple[Array, ...]) -> None:
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("rows", "features"), [(0, 3), (1, 1), (63, 2), (65, 9), (130, 4), (300, 2)])
def test_bits_are_those_of_the_definition(rows: int, features: int, weighted: bool) -> None:
    x, w, centers = drawn(rows, features)
    weights = w if weighted else None
    assert_same(computed(x, weights, centers), by_definition(x, weights, centers))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("features", [1, 7, 8, 9, 16, 17, 24, 31, 100])
@pytest.mark.parametrize("rows", [1, 64, *LONG])
def test_every_width_of_vectors_has_the_same_bits(rows: int, features: int, weighted: bool) -> None:
    x, w, centers = drawn(rows, features, offset=1e6)
    weights = w if weighted else None
    expected = computed(x, weights, centers)
    for lanes in WIDTHS:
        assert_same(computed(x, weights, centers, lanes=lanes), expected)


@given(
    columns=st.lists(st.integers(0, 19), min_size=1, max_size=20, unique=True), first=st.integers(0, 7),
    rows=st.integers(0, 200),
)  # fmt: skip
def test_columns_have_the_same_bits_among_any_others_and_wherever_they_lie(
    columns: list[int], first: int, rows: int
) -> None:
    x, _, centers = drawn(rows, 20)
    memory = np.empty(first + rows * len(columns))
    part = memory[first:].reshape((rows, len(columns)), order="F")
    part[:] = x[:, columns]
    sums, hi, lo = computed(x, None, centers)
    expected = sums[columns], *(a[np.ix_(columns, columns)] for a in (hi, lo))
    assert_same(computed(part, None, centers[columns]), expected)


def test_equal_weights_are_a_factor() -> None:
    """A power of two, exactly."""
    x, _, centers = drawn(200, 5)
    expected = computed(x, None, centers)
    assert_same(computed(x, np.full(200, 0.25), centers), tuple(a / 4 for a in expected))


def test_other_widths_are_refused_and_nothing_is_computed_without_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    assert matrix.comoments([np.ones(3)], None, np.ones(1), lanes=3) is None
    monkeypatch.setenv(SWITCH, "off")
    assert matrix.comoments([np.ones(3)], None, np.ones(1)) is None
