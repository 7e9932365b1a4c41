"""Rounding to significant digits, against Python's own formatting, which is exact."""

import math
import random
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normcli.columns.significant import round_to
from tests.conftest import examples
from tests.kernel.hard_numbers import DOUBLES, random_doubles

DIGITS = st.integers(1, 17)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
# halfway between two decimals, or a float away from that
TIES = [k / 2**j for k in range(1, 400) for j in range(12)] + [
    math.nextafter((10 * m + 5) * 10.0**e, side) for m in (0, 1, 12, 123456, 99999) for e in range(-20, 20)
    for side in (-math.inf, (10 * m + 5) * 10.0**e, math.inf)
]  # fmt: skip


def formatted(x: float, digits: int) -> float:
    """What Python says; rounded down where that is beyond a float."""
    y = float(format(x, f".{digits}g"))
    if math.isinf(y) and not math.isinf(x):
        unit = 10 ** (309 - digits)
        return math.copysign(float(Fraction(abs(x)) // unit * unit), x)
    return y


def spelled(values: np.ndarray) -> list[str]:
    """As text is written."""
    return [text or "" for text in pl.Series(values).cast(pl.String)]


def significant(text: str) -> int:
    digits = text.lstrip("-").partition("e")[0]
    return len(digits.replace(".", "").strip("0")) if "." in digits else len(digits.strip("0"))


@given(st.lists(FINITE, min_size=1), DIGITS)
def test_it_is_what_python_formats(values: list[float], digits: int) -> None:
    assert round_to(np.array(values), digits).tolist() == [formatted(x, digits) for x in values]


@pytest.mark.parametrize("digits", [1, 3, 6, 15, 16])
def test_so_it_is_for_numbers_that_are_hard(digits: int) -> None:
    numbers = [*DOUBLES, *TIES, *random_doubles(examples(100_000, part=20), random.Random(digits))]
    numbers = [x for x in numbers if math.isfinite(x)]
    assert round_to(np.array(numbers), digits).tolist() == [formatted(x, digits) for x in numbers]


@given(st.lists(FINITE | st.just(math.nan), min_size=1), DIGITS)
def test_no_more_digits_are_written(values: list[float], digits: int) -> None:
    array = np.array(values)
    out = round_to(array, digits)
    assert max(map(significant, spelled(out[np.isfinite(out)])), default=0) <= digits
    np.testing.assert_array_equal(round_to(out, digits), out)
    np.testing.assert_array_equal(np.isnan(out), np.isnan(array))


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1), DIGITS)
def test_nor_of_float32(values: list[float], digits: int) -> None:
    with np.errstate(over="ignore"):
        out = round_to(np.array(values), digits, "float32").astype(np.float32)
    finite = [x for x in out.tolist() if abs(x) >= 2.0**-126 and math.isfinite(x)]
    assert max(map(significant, spelled(np.array(finite, np.float32))), default=0) <= min(digits, 9)


def test_a_float64_halfway_between_two_float32_lies_on_the_side_of_the_decimal() -> None:
    """To be rounded once again, to the float32 that is nearest to the decimal."""
    text = "2.8874659e22"
    tie, exact = float(text), Fraction(text)
    assert Fraction(tie) != exact
    (y,) = round_to(np.array([tie]), 8, "float32")
    assert (Fraction(float(y)) > Fraction(tie)) == (exact > Fraction(tie))
    assert y != tie
    assert round_to(np.array([tie]), 8)[0] == tie
