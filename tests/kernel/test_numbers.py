"""The kernel reads decimals as float() does, and writes doubles with the digits of repr, as polars spells them."""

import io
import math
import random

import numpy as np
import polars as pl
import pytest

from tests.conftest import longer
from tests.kernel.hard_numbers import (
    DECIMALS,
    DOUBLES,
    LONG_DECIMALS,
    NO_NUMBERS,
    TOO_LARGE,
    random_decimals,
    random_doubles,
    spelling,
)
from tests.kernel.library import Kernel

COUNTS = [100_000, *longer(10_000_000)]


def same(a: float, b: float) -> bool:
    return a == b and math.copysign(1, a) == math.copysign(1, b)


@pytest.mark.parametrize("text", [*DECIMALS, *LONG_DECIMALS])
def test_hard_decimal_is_read_as_float_reads_it(kernel: Kernel, text: str) -> None:
    value = kernel.number(text.encode())
    assert value is not None or 19 < len(text) < 100
    assert value is None or same(value, float(text))


@pytest.mark.parametrize("text", [*NO_NUMBERS, *TOO_LARGE, "-0", "-00"])
def test_what_is_no_certain_number_is_in_doubt(kernel: Kernel, text: str) -> None:
    assert kernel.number(text.encode()) is None


@pytest.mark.parametrize("count", COUNTS)
def test_random_decimals_are_read_as_float_reads_them_or_have_more_than_19_digits(kernel: Kernel, count: int) -> None:
    for text in random_decimals(count, random.Random(11)):
        value, expected = kernel.number(text.encode()), float(text)
        if value is None:
            digits = text.lower().partition("e")[0].replace(".", "").lstrip("+-0").rstrip("0")
            assert len(digits) > 19 or math.isinf(expected) or (expected == 0 and text[0] == "-"), text
        else:
            assert same(value, expected), text


@pytest.mark.parametrize("x", DOUBLES)
def test_hard_double_is_written_with_the_digits_of_repr(kernel: Kernel, x: float) -> None:
    assert kernel.spelled(x) == spelling(x)
    assert kernel.spelled(-x) == spelling(-x)


@pytest.mark.parametrize("x", [math.inf, -math.inf, math.nan])
def test_what_is_not_finite_is_not_written(kernel: Kernel, x: float) -> None:
    assert kernel.spelled(x) == ""


@pytest.mark.parametrize("count", COUNTS)
def test_random_doubles_are_written_with_the_digits_of_repr(kernel: Kernel, count: int) -> None:
    for x in random_doubles(count, random.Random(12)):
        assert kernel.spelled(x) == spelling(x)


def test_doubles_are_spelled_as_polars_spells_them(kernel: Kernel) -> None:
    values = [*DOUBLES, *random_doubles(20_000, random.Random(13))]
    text = io.BytesIO()
    pl.DataFrame({"x": np.array(values)}).write_csv(text, include_header=False)
    assert [kernel.spelled(x) for x in values] == text.getvalue().decode().split()
