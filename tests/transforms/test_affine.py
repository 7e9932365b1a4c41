"""Affine: subtract, divide, stretch, shift."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.errors import NotInvertibleError
from normcli.transforms.affine import Affine
from tests.conftest import examples


def affine(center: float = 0.0, center_low: float = 0.0, scale: float = 1.0, **settings: Any) -> Affine:
    return Affine(np.array([[center]]), np.array([[center_low]]), np.array([[scale]]), **settings)


def of(transform: Affine, *values: float) -> Array:
    return transform(Block.of(np.array(values)[:, None]))[:, 0]


def back(transform: Affine, *values: float) -> Array:
    return transform.inverse(Block.of(np.array(values)[:, None]))[:, 0]


def test_the_formula() -> None:
    """((x − center) − center_low) / scale · gain + offset"""
    transform = affine(10.0, 0.25, 4.0, gain=8.0, offset=1.0)
    np.testing.assert_array_equal(of(transform, 10.25, 14.25, -1.75), [1.0, 9.0, -23.0])
    np.testing.assert_array_equal(back(transform, 1.0, 9.0, -23.0), [10.25, 14.25, -1.75])


FINE = st.floats(-1e6, 1e6, allow_subnormal=False).filter(lambda v: v == 0 or abs(v) > 1e-9)


@given(
    x=st.floats(0, 1), center=st.sampled_from([1e8, 1e12, 1e15]), low=st.floats(-0.01, 0.01), scale=st.floats(0.1, 9)
)
def test_the_centre_counts_to_its_last_bit(x: float, center: float, low: float, scale: float) -> None:
    (got,) = of(affine(center, low, scale), center + x)
    exact = (Fraction(center + x) - Fraction(center) - Fraction(low)) / Fraction(scale)
    assert abs(Fraction(got) - exact) <= Fraction(4e-16) * abs(exact) + Fraction(5e-324)


@given(x=FINE, center=FINE, scale=st.floats(1e-3, 1e3), gain=st.floats(0.1, 10), offset=st.floats(-5, 5))
def test_back_is_where_it_was(x: float, center: float, scale: float, gain: float, offset: float) -> None:
    transform = affine(center, 0.0, scale, gain=gain, offset=offset)
    (got,) = back(transform, *of(transform, x))
    assert abs(got - x) <= 1e-12 * max(abs(x), abs(center), scale * abs(offset) / gain)


def test_columns_do_not_mix() -> None:
    transform = Affine(np.array([[1.0, 2.0, np.nan]]), np.zeros((1, 3)), np.array([[2.0, 4.0, np.nan]]))
    np.testing.assert_array_equal(
        transform(Block.of([[3.0, 10.0, 5.0], [np.nan, 2.0, 7.0]])), [[1.0, 2.0, np.nan], [np.nan, 0.0, np.nan]]
    )


@given(
    st.data(), st.sampled_from([1, 2, 1000, 1 << 16]), st.booleans(), st.sampled_from([None, (-1.0, 1.0), (0.1, 0.7)])
)
@settings(max_examples=examples(40, part=2))
def test_a_column_is_the_same_beside_any_others(
    data: st.DataObject, rows: int, grouped: bool, ends: tuple[float, float] | None
) -> None:
    """To the bit, forth and back; of any number of rows and groups."""
    rng, features, groups = np.random.default_rng(data.draw(st.integers(0, 99))), 3, 4 if grouped else 1
    gain = data.draw(st.sampled_from([1.0, 2.5, (1.0, 3.0, 0.1)]))
    parameters = [rng.uniform(0.5, 2.0, (groups, features)) for _ in range(3)]
    transform = Affine(parameters[0], parameters[1] * 1e-17, parameters[2], gain=gain, offset=0.3, ends=ends)
    codes = rng.integers(0, groups, rows) if grouped else None
    x = rng.uniform(0.0, 2.0, (rows, features))
    x[rng.random(x.shape) < 0.01] = np.nan
    for work in (Affine.__call__, Affine.inverse):
        together = work(transform, Block.of(x, codes=codes, groups=groups))
        for j in range(features):
            alone = work(transform.reorder([j]), Block.of(x[:, [j]], codes=codes, groups=groups))
            np.testing.assert_array_equal(together[:, [j]], alone)
        for i in rng.integers(0, rows, 20):
            alone = work(transform, Block.of(x[[i]], codes=None if codes is None else codes[[i]], groups=groups))
            np.testing.assert_array_equal(together[[i]], alone)


@pytest.mark.parametrize("ends", [(0.0, 1.0), (-1.0, 1.0), (0.1, 0.7), (-0.1, 0.3), (1e16, 1e16 + 2), (-1e308, 0.0)])
def test_0_and_1_land_on_the_ends_and_what_is_between_stays_between(ends: tuple[float, float]) -> None:
    t = np.concatenate([[0.0, 5e-324, 1 - 2**-53, 1.0], np.random.default_rng(0).uniform(size=1000)])
    y = of(affine(ends=ends), *t)
    assert (y[0], y[3]) == ends
    assert ((y >= ends[0]) & (y <= ends[1])).all()


def test_beyond_the_ends_goes_on_straight_unless_clipped() -> None:
    np.testing.assert_array_equal(of(affine(ends=(-1.0, 3.0)), -1.0, 2.0, np.nan), [-5.0, 7.0, np.nan])
    np.testing.assert_array_equal(of(affine(ends=(-1.0, 3.0), clip=True), -1.0, 2.0, np.nan), [-1.0, 3.0, np.nan])
    np.testing.assert_array_equal(of(affine(ends=(0.0, 1.0), clip=True), -1.0, 2.0, 0.5), [0.0, 1.0, 0.5])


@pytest.mark.parametrize("ends", [(0.0, 1.0), (-1.0, 1.0), (2.0, 6.0)])
def test_the_ends_come_back(ends: tuple[float, float]) -> None:
    transform = affine(3.0, 0.0, 8.0, ends=ends)
    np.testing.assert_array_equal(back(transform, *of(transform, 3.0, 11.0, 5.0, 19.0)), [3.0, 11.0, 5.0, 19.0])


def test_what_was_clipped_is_gone() -> None:
    with pytest.raises(NotInvertibleError, match="clip"):
        back(affine(ends=(0.0, 1.0), clip=True), 0.5)


@pytest.mark.parametrize("transform", [affine(), affine(1.0), affine(ends=(0.0, 1.0)), affine(ends=(-1.0, 0.0))])
def test_zero_is_never_negative(transform: Affine) -> None:
    for values in (of(transform, -0.0, 0.0, 1.0), back(transform, -0.0, 0.0, -1.0)):
        assert not np.signbit(values[values == 0]).any()
