"""Rows: each by its own length."""

import numpy as np
import pytest

from normcli.blocks.block import Block
from normcli.errors import NotInvertibleError
from normcli.transforms.rows import Rows


@pytest.mark.parametrize(
    ("norm", "expected"), [("l1", [3 / 7, -4 / 7]), ("l2", [0.6, -0.8]), ("max", [0.75, -1.0]), (2.0, [0.6, -0.8])]
)
def test_by_hand(norm: str | float, expected: list[float]) -> None:
    for size in (1.0, 5e-324, 4e307):
        np.testing.assert_allclose(Rows(norm=norm)(Block.of([[3 * size, -4 * size]])), [expected], rtol=4e-16)


@pytest.mark.parametrize("norm", ["l1", "l2", "max", 3.0])
def test_a_row_of_length_1_stays(norm: str | float) -> None:
    once = Rows(norm=norm)(Block.of(np.random.default_rng(0).normal(size=(50, 4))))
    np.testing.assert_allclose(Rows(norm=norm)(Block.of(once)), once, rtol=1e-15)


@pytest.mark.parametrize("norm", ["l1", "l2", "max", 3.0])
def test_one_column_keeps_its_sign_and_no_more(norm: str | float) -> None:
    np.testing.assert_array_equal(
        Rows(norm=norm)(Block.of([[5.0], [-1e-320], [0.0], [-0.0], [np.nan]])), [[1.0], [-1.0], [0.0], [0.0], [np.nan]]
    )


def test_a_large_p_is_nearly_the_largest() -> None:
    x = Block.of([[3.0, 4.0, -1.0]])
    np.testing.assert_allclose(Rows(norm=1000.0)(x), Rows(norm="max")(x), rtol=1e-15)


def test_lengths_are_gone() -> None:
    with pytest.raises(NotInvertibleError, match="length"):
        Rows().check_invertible()
    with pytest.raises(NotInvertibleError, match="length"):
        Rows().inverse(Block.of([[0.6, 0.8]]))
