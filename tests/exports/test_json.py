"""A centre and a scale for each column: of plans, too, and how near they come."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import normcli
from normcli.blocks.block import Block
from normcli.columns import Field
from normcli.errors import NoFormulaError
from normcli.methods.log1p import Log1p
from normcli.methods.minmax import MinMax
from normcli.methods.zscore import ZScore
from normcli.parameters import Parameters
from normcli.parameters.plan import PlanStep
from tests.conftest import examples

ULP = 2.0**-53
TABLE = pa.table({"a": [1.0, 2.0, 6.0], "b": [3.0, 5.0, 4.0], "c": [0.0, 1.0, 7.0]})


def columns(parameters: Parameters) -> dict[str, dict[str, Any]]:
    result: dict[str, dict[str, Any]] = json.loads(normcli.export(parameters, "json"))["columns"]
    return result


def test_each_column_of_a_plan_has_its_own_numbers() -> None:
    parameters = normcli.fit(TABLE, [PlanStep(ZScore(), ("c", "a")), PlanStep(MinMax(range=(-1.0, 3.0)), ("b",))])
    a, c = (TABLE[name].to_numpy() for name in "ac")
    assert columns(parameters) == {
        "a": {"center": a.mean(), "scale": pytest.approx(a.std()), "gain": 1.0, "offset": 0.0},
        "b": {"center": 3.0, "scale": 2.0, "gain": 4.0, "offset": -1.0},
        "c": {"center": pytest.approx(c.mean()), "scale": pytest.approx(c.std()), "gain": 1.0, "offset": 0.0},
    }


def test_a_column_that_is_no_centre_and_scale_is_named() -> None:
    parameters = normcli.fit(TABLE, [PlanStep(ZScore(), ("a",)), PlanStep(MinMax(), ("a", "b"))])
    with pytest.raises(NoFormulaError, match="column 'a' is not y = "):
        columns(parameters)
    with pytest.raises(NoFormulaError, match="it is not y = "):
        columns(normcli.fit(TABLE, [PlanStep(Log1p(), ("a",)), PlanStep(MinMax(), ("b",))]))


def test_the_numbers_of_a_column_without_values_are_null() -> None:
    step = normcli.fit_blocks(ZScore(), [np.array([[1.0, np.nan], [2.0, np.nan]])], ("a", "b"))
    parameters = Parameters((step,), (Field("a", "float64"), Field("b", "float64")), 2)
    assert columns(parameters)["b"] == {"center": None, "scale": None, "gain": 1.0, "offset": 0.0}


@settings(max_examples=examples(100))
@given(st.floats(-1e12, 1e12), st.floats(1e-3, 1e6))
def test_a_centre_is_off_by_half_a_unit_in_its_last_place_and_nothing_else_is(offset: float, size: float) -> None:
    x = offset + size * np.array([[0.0], [1.0], [2.5], [7.0]])
    step = normcli.fit_blocks(ZScore(), [x], ("a",))
    parameters = Parameters((step,), (Field("a", "float64"),), 4)
    numbers = columns(parameters)["a"]
    y = (x - numbers["center"]) / numbers["scale"]
    expected = step.fitted(Block.of(x))
    bound = ULP * (abs(numbers["center"]) / numbers["scale"] + 4.0 * np.abs(expected))
    assert (np.abs(y - expected) <= bound).all()
