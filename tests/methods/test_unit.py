"""Rows of length one."""

from fractions import Fraction
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from normcli.api import fit_blocks
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.errors import NotInvertibleError
from normcli.methods.unit import Unit
from tests.conftest import examples

Norm = Literal["l1", "l2", "max"] | float
NORMS: dict[Norm, float] = {"l1": 1.0, "l2": 2.0, "max": np.inf, 1.0: 1.0, 2.0: 2.0, 1.5: 1.5, 3.0: 3.0, 40.0: 40.0}
every_norm = pytest.mark.parametrize("norm", NORMS)


def normalized(norm: Norm, x: Any) -> Array:
    names = [f"x{j}" for j in range(np.shape(x)[1])]
    return fit_blocks(Unit(norm=norm), [], names).fitted(Block.of(x))


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_unit_is_sklearns_normalizer(real: Array, norm: Literal["l1", "l2", "max"]) -> None:
    from sklearn.preprocessing import Normalizer

    np.testing.assert_allclose(normalized(norm, real), Normalizer(norm=norm).transform(real), rtol=1e-12, atol=1e-12)


@every_norm
def test_unit_is_the_row_over_its_p_norm(real: Array, norm: Norm) -> None:
    expected = real / np.linalg.norm(real, ord=NORMS[norm], axis=1, keepdims=True)
    np.testing.assert_allclose(normalized(norm, real), expected, rtol=1e-12, atol=1e-12)


ROWS = arrays(np.float64, (2, 3), elements=st.floats(allow_nan=False, allow_infinity=False) | st.floats(-2, 2))


@every_norm
@settings(max_examples=examples(40))
@given(x=ROWS)
@example(x=np.array([[1.7e308, 1.7e308, -1.7e308], [1e308, 1e-320, 0.0]]))
@example(x=np.array([[5e-324, 5e-324, 0.0], [1e-320, -2e-320, 3e-320]]))
def test_every_row_has_length_1_whatever_its_size(norm: Norm, x: Array) -> None:
    with np.errstate(under="ignore"):
        y = normalized(norm, x)
        length = np.linalg.norm(y, ord=NORMS[norm], axis=1)
    for row, long in zip(x, length, strict=True):
        assert long == (pytest.approx(1.0, rel=1e-14) if row.any() else 0.0)
    assert (np.abs(y) <= 1.0).all()
    assert (np.sign(y) * np.sign(x) >= 0).all()


@given(x=ROWS)
def test_the_largest_size_is_exact(x: Array) -> None:
    """Against fractions: each value over the row's largest, rounded once or twice."""
    for row, out in zip(x.tolist(), normalized("max", x).tolist(), strict=True):
        largest = max(map(abs, row))
        for value, got in zip(row, out, strict=True):
            exact = Fraction(value) / Fraction(largest) if largest else Fraction(0)
            assert abs(Fraction(got) - exact) <= abs(exact) * Fraction(2.0**-53) + Fraction(5e-324)


@every_norm
@settings(max_examples=examples(40))
@given(x=arrays(np.float64, (2, 3), elements=st.floats(-1e3, 1e3, allow_subnormal=False)), power=st.integers(-60, 60))
def test_the_direction_is_all_that_counts(norm: Norm, x: Array, power: int) -> None:
    x = np.where(np.abs(x) < 1e-200, 0.0, x)
    np.testing.assert_array_equal(normalized(norm, np.ldexp(x, power)), normalized(norm, x))


@every_norm
def test_a_row_of_zeros_stays_and_zero_is_never_negative(norm: Norm) -> None:
    y = normalized(norm, [[0.0, -0.0], [-0.0, -0.0], [-0.0, 3.0]])
    np.testing.assert_array_equal(y, [[0.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    assert not np.signbit(y).any()


@every_norm
def test_a_row_that_misses_a_value_is_missing_altogether(norm: Norm) -> None:
    y = normalized(norm, [[1.0, np.nan], [np.nan, np.nan], [3.0, 4.0]])
    np.testing.assert_array_equal(np.isnan(y).all(axis=1), [True, True, False])
    np.testing.assert_array_equal(y[2], normalized(norm, [[3.0, 4.0]])[0])


def test_unit_learns_nothing_and_can_not_be_undone() -> None:
    assert Unit().statistics == ()
    step = fit_blocks(Unit(), [[[3.0, 4.0]]], ["a", "b"])
    with pytest.raises(NotInvertibleError, match="length"):
        step.fitted.check_invertible()
