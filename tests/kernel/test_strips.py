"""Rows that are read column by column: nothing about them differs from rows that are read field by field."""

import random

import numpy as np
import pytest

from tests.conftest import longer
from tests.kernel.library import NUMBER, SKIP, TEXT, Kernel, Rows, compiled
from tests.kernel.rows import random_shape, random_text


@pytest.fixture(scope="module", params=["-DNK_NO_STRIPS", "-DNK_NO_AVX2"])
def plain_kernel(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Kernel:
    """A kernel that reads all rows field by field, or with the instructions alone that every processor has."""
    folder = tmp_path_factory.mktemp("plain")
    return Kernel(compiled(folder, "kernel.so", ("-O0", request.param, "-fPIC", "-shared")))


def decimal(dice: random.Random) -> str:
    """Up to 25 digits, with a point anywhere or without one."""
    digits = "".join(dice.choices("0123456789", k=dice.randrange(1, 26)))
    digits = "0" * dice.randrange(4) + digits if dice.random() < 0.2 else digits
    at = dice.randrange(len(digits) + 1)
    point = "." if dice.random() < 0.8 else ""
    return dice.choice(["", "", "-"]) + digits[:at] + point + digits[at:]


def number(dice: random.Random, odd: float) -> str:
    """One as most are; an `odd` share is anything."""
    if dice.random() < odd:
        return dice.choice(["", "NA", " 1.5", "1e5", '"2"', "+3", "-0", "x", "1.2.3", "-", ".", "--1", "1-", "\xe9"])
    return decimal(dice) if dice.random() < 0.5 else repr(dice.gauss(0, 10.0 ** dice.randrange(-6, 7)))


def assert_same(a: Rows, b: Rows) -> None:
    for name in ("status", "words"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), name)
    for name in ("values", "starts", "lengths"):
        assert getattr(a, name).tobytes() == getattr(b, name).tobytes(), name
    for name in ("rows", "position", "word_count", "doubt", "doubt_field", "reason"):
        assert getattr(a.block, name) == getattr(b.block, name), name
    assert a.status == 2 or (a.traits == b.traits).all()  # after a doubt, they may be of rows behind it


@pytest.mark.parametrize("seed", [*range(50), *longer(*range(50, 5000))])
def test_reading_by_columns_changes_nothing(kernel: Kernel, plain_kernel: Kernel, seed: int) -> None:
    dice = random.Random(seed)
    odd, width, line_end = dice.choice([0, 0, 1e-3, 0.02]), dice.choice([1, 2, 5, 20, 600]), dice.choice(["\n", "\r\n"])
    kinds = [dice.choice([NUMBER, NUMBER, NUMBER, TEXT, SKIP]) for _ in range(width)]
    words = ["a", "Z\xfcrich", "", "two words", *(['"q"', "a\rb"] if odd else [])]
    rows = [
        ",".join(number(dice, odd) if k == NUMBER else dice.choice(words) for k in kinds) + line_end
        for _ in range(dice.randrange(1, 3 + 2000 // width))
    ]
    text = "".join(rows).encode(dice.choice(["utf-8", "utf-8", "latin-1"]))
    text += text[: dice.randrange(40)]
    capacity = dice.choice([len(rows) + 1, dice.randrange(1, len(rows) + 1)])
    assert_same(*(k.parse(text, kinds, words=["NA"], capacity=capacity) for k in (kernel, plain_kernel)))


@pytest.mark.parametrize("seed", range(25))
def test_reading_by_columns_changes_nothing_of_hard_rows(kernel: Kernel, plain_kernel: Kernel, seed: int) -> None:
    dice = random.Random(seed)
    shape = random_shape(dice)
    text = random_text(shape, 200, dice)
    both = (k.parse(text, shape.kinds, delimiter=shape.delimiter, words=["NA", "n/a"]) for k in (kernel, plain_kernel))
    assert_same(*both)
