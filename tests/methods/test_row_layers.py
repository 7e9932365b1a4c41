"""layer, group, instance and rms: each row by statistics of its own."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from normcli.api import fit_blocks
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.errors import NotInvertibleError, UsageError
from normcli.methods import Method
from normcli.methods.group import Group
from normcli.methods.instance import Instance
from normcli.methods.layer import Layer
from normcli.methods.rms import RMS
from tests.methods import exact

TORCH: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "torch" / "references.json").read_text())


def normalized(method: Method, x: Any) -> Array:
    names = [f"x{j}" for j in range(np.shape(x)[1])]
    return fit_blocks(method, [], names).fitted(Block.of(x))


# -- against PyTorch ---------------------------------------------------------------------------------------------
def numbers(name: str) -> tuple[float, ...]:
    return tuple(TORCH[name])


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("layer", Layer(gamma=numbers("wide_gamma"), beta=numbers("wide_beta"))),
        ("rms", RMS(gamma=numbers("wide_gamma"))),
        ("group", Group(groups=2, channels=4, gamma=numbers("gamma"), beta=numbers("beta"))),
        ("instance", Instance(channels=4, gamma=numbers("gamma"), beta=numbers("beta"))),
    ],
)
def test_a_layer_is_pytorchs(name: str, method: Method) -> None:
    np.testing.assert_allclose(normalized(method, TORCH["x"]), TORCH[name], rtol=0, atol=1e-12)


# -- against fractions -------------------------------------------------------------------------------------------
DRAW = np.random.default_rng(8)
ROWS: dict[str, Array] = {
    "plain": DRAW.normal(size=(40, 12)),
    "mean 100, deviation 0.01": 100.0 + 0.01 * DRAW.normal(size=(40, 12)),
    "offset 2000": 2000.0 + DRAW.normal(size=(40, 12)),
    "offset 1e8": 1e8 + DRAW.normal(size=(40, 12)),
    "1e30 in float32": (1e30 * DRAW.normal(size=(40, 12))).astype(np.float32).astype(np.float64),
    "near the greatest float": 1.7e308 * DRAW.uniform(-1, 1, size=(40, 12)),
    "far below 1": 1e-300 * DRAW.normal(size=(40, 12)),
    "subnormal": np.round(100 * DRAW.normal(size=(40, 12))) * 5e-324,
    "one value apart": np.eye(12) * 1e150,
}
every_kind = pytest.mark.parametrize("x", ROWS.values(), ids=ROWS)


@every_kind
@pytest.mark.parametrize("eps", [1e-5, 0.0])
@pytest.mark.parametrize("groups", [1, 3])
def test_groups_are_right_to_13_digits(x: Array, groups: int, eps: float) -> None:
    got = normalized(Group(groups=groups, eps=eps), x)
    assert exact.furthest(got.tolist(), exact.grouped(x.tolist(), groups, eps)) <= 1e-13


@every_kind
@pytest.mark.parametrize("eps", [1e-5, 0.0])
def test_rms_is_right_to_13_digits(x: Array, eps: float) -> None:
    assert exact.furthest(normalized(RMS(eps=eps), x).tolist(), exact.rms(x.tolist(), eps)) <= 1e-13


# -- laws --------------------------------------------------------------------------------------------------------
VALUES = arrays(np.float64, (5, 12), elements=st.floats(-1e6, 1e6, allow_subnormal=False))


@pytest.mark.soak
@given(x=VALUES)
def test_one_group_is_a_layer_and_one_for_each_channel_an_instance(x: Array) -> None:
    np.testing.assert_array_equal(normalized(Group(groups=1, channels=4), x), normalized(Layer(), x))
    np.testing.assert_array_equal(normalized(Group(groups=4, channels=4), x), normalized(Instance(channels=4), x))
    np.testing.assert_array_equal(normalized(Instance(channels=1), x), normalized(Layer(), x))


@given(x=VALUES, power=st.integers(-400, 400))
def test_without_eps_units_do_not_matter(x: Array, power: int) -> None:
    x = np.where(np.abs(x) < 1e-9, 0.0, x)
    got, scaled = normalized(Layer(eps=0.0), x), normalized(Layer(eps=0.0), np.ldexp(x, power))
    np.testing.assert_allclose(scaled, got, rtol=1e-12, atol=1e-12)


@given(value=st.floats(allow_nan=False, allow_infinity=False), width=st.integers(2, 40))
@pytest.mark.parametrize("eps", [1e-5, 0.0])
def test_a_constant_row_is_zero(value: float, width: int, eps: float) -> None:
    np.testing.assert_array_equal(normalized(Layer(eps=eps), np.full((2, width), value)), np.zeros((2, width)))


@pytest.mark.soak
@given(x=VALUES, at=st.integers(0, 5))
def test_a_row_knows_nothing_of_others(x: Array, at: int) -> None:
    apart = np.concatenate([normalized(Layer(), x[:at]), normalized(Layer(), x[at:])])
    np.testing.assert_array_equal(apart, normalized(Layer(), x))


def test_nor_of_where_it_stands_among_many() -> None:
    x = DRAW.normal(size=(9_000, 24))
    y = normalized(Group(groups=2), x)
    for row in (0, 1, 1364, 1365, 8_999):
        np.testing.assert_array_equal(y[row : row + 1], normalized(Group(groups=2), x[row : row + 1]))


# -- rows as tensors ---------------------------------------------------------------------------------------------
def test_columns_are_channel_after_channel() -> None:
    x = [[1.0, 3.0, 100.0, 104.0]]
    np.testing.assert_allclose(normalized(Instance(channels=2, eps=0.0), x), [[-1, 1, -1, 1]], rtol=1e-15)
    y = normalized(Instance(channels=2, eps=0.0, gamma=(2.0, 3.0), beta=(0.5, -1.0)), x)
    np.testing.assert_allclose(y, [[-1.5, 2.5, -4.0, 2.0]], rtol=1e-15)
    y = normalized(Instance(channels=2, eps=0.0, gamma=(1.0, 2.0, 3.0, 4.0)), x)
    np.testing.assert_allclose(y, [[-1, 2, -3, 4]], rtol=1e-15)


@pytest.mark.parametrize("method", [Layer(), RMS(), Group(groups=2), Instance(channels=2)])
def test_a_row_that_misses_a_value_is_missing_altogether(method: Method) -> None:
    y = normalized(method, [[1.0, 2.0, 3.0, np.nan], [1.0, 2.0, 3.0, 5.0], [1e300, np.nan, -1e300, 1.0]])
    np.testing.assert_array_equal(np.isnan(y).all(axis=1), [True, False, True])
    np.testing.assert_array_equal(y[1], normalized(method, [[1.0, 2.0, 3.0, 5.0]])[0])


@pytest.mark.parametrize("method", [Layer(), RMS(), Group(groups=2), Instance(channels=2)])
def test_they_learn_nothing_and_can_not_be_undone(method: Method) -> None:
    assert method.statistics == ()
    with pytest.raises(NotInvertibleError, match="gone"):
        fit_blocks(method, [], ["a", "b", "c", "d"]).fitted.check_invertible()


@pytest.mark.parametrize(
    ("method", "columns", "why"),
    [
        (Layer(), 1, "one value"),
        (RMS(), 1, "one value"),
        (Group(groups=6), 6, "`groups` 6 of 6 columns: each group is one value"),
        (Instance(channels=6), 6, "`channels` 6 of 6 columns: each group is one value"),
        (Group(groups=4), 6, "`groups` 4 does not divide"),
        (Group(groups=3, channels=2), 6, "`groups` 3 does not divide 2 channels"),
        (Instance(channels=4), 6, "`channels` 4 does not divide 6 columns"),
        (Layer(channels=4, gamma=(1.0,) * 4), 6, "`channels` 4 does not divide 6 columns"),
        (Layer(gamma=(1.0, 2.0)), 6, "`gamma` holds 2 numbers, not 6"),
        (
            Layer(beta=(1.0, 2.0), gamma=(1.0,) * 3, channels=3),
            6,
            r"`beta` holds 2 numbers, not 3 \(channels\) or 6 \(columns\)",
        ),
    ],
)
def test_what_columns_can_not_be_is_refused(method: Method, columns: int, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        fit_blocks(method, [], [f"x{j}" for j in range(columns)])
