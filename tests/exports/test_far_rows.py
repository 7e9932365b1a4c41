"""Rows whose squares leave the range of a float, rows of zeros and no rows: in each target as in normcli."""

from typing import Any

import numpy as np
import pytest

import normcli
from normcli import registry
from normcli.blocks.block import Block
from normcli.columns import Field
from normcli.errors import NoFormulaError
from normcli.parameters import Parameters
from tests.exports.test_export_contract import CASES, METHODS, NAMES, engine, fitted

ROW = np.array([3.0, -4.0, 0.5, 1.25])
POWERS = (-1070, -700, -500, -401, -399, -100, 0, 380, 399, 401, 500, 800, 1020)
ROWS = np.vstack([np.ldexp(ROW, power) for power in POWERS] + [np.zeros(4), np.full(4, 1e200), np.full(4, 1e-200)])
OWN = [case for case in CASES if case.values[1].get("dialect", "duckdb") in ("duckdb", "sqlite")]  # not translated
METHODS_BY_ROW: list[tuple[str, dict[str, Any]]] = [
    ("unit", {}),
    ("unit", {"norm": 3.0}),
    *((method, {"eps": eps} | more) for method, more in (
        ("rms", {}), ("layer", {}), ("group", {"groups": 2}), ("instance", {"channels": 2})
    ) for eps in (1e-5, 0.0, 1e-300, 1e200)),
    ("batch-instance", {"channels": 2, "eps": 0.0}),
    ("switchable", {"channels": 2}),
]  # fmt: skip


def parameters_of(method: str, options: dict[str, Any]) -> Parameters:
    x = np.random.default_rng(1).normal(3.0, 1.0, (50, 4))
    step = normcli.fit_blocks(registry.only("methods", method)(**options), [x], NAMES)
    return Parameters((step,), tuple(Field(n, "float64") for n in NAMES), 50)


@pytest.mark.parametrize(("method", "options"), METHODS_BY_ROW)
@pytest.mark.parametrize(("target", "target_options"), [case for case in OWN if case.values[0] != "sklearn"])
def test_squares_beyond_a_float_change_no_result(
    target: str, target_options: dict[str, str], method: str, options: dict[str, Any]
) -> None:
    """What is infinite in normcli, which `apply` refuses, is missing."""
    parameters = parameters_of(method, options)
    try:
        content = normcli.export(parameters, target, **target_options)
    except NoFormulaError:
        return
    with np.errstate(all="ignore"):
        expected = parameters.steps[0].fitted(Block.of(ROWS))
    result = engine(target).run(content, ROWS, 4, **target_options)
    finite = np.isfinite(expected).all(axis=1)
    assert not np.isfinite(result[~finite]).any()
    np.testing.assert_allclose(result[finite], expected[finite], rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("target", "options"), OWN)
def test_no_rows_are_no_rows(target: str, options: dict[str, str], method: str) -> None:
    try:
        content = normcli.export(fitted(method), target, **options)
    except NoFormulaError:
        return
    if target == "sklearn":
        pytest.skip("its estimators want a row")
    assert engine(target).run(content, np.empty((0, 4)), 4, **options).shape == (0, 4)
