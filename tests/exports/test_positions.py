"""Columns are taken by their position: the values of a list may have the name of another column."""

import numpy as np
import pyarrow as pa
import pytest

import normcli
from normcli.errors import NoFormulaError
from normcli.methods.minmax import MinMax
from normcli.methods.zscore import ZScore
from normcli.parameters import Parameters
from normcli.parameters.plan import PlanStep
from tests.exports.test_export_contract import engine

LISTS = np.array([[1.0, 2.0], [3.0, 5.0], [4.0, 9.0]])
NUMBERS = np.array([100.0, 104.0, 101.0])


def parameters() -> Parameters:
    """Of a list `e`, whose first values are are called as the other column."""
    lists = pa.array(LISTS.tolist(), pa.list_(pa.float64(), 2))
    steps = [PlanStep(ZScore(), ("e",)), PlanStep(MinMax(), ("e[[]0]",))]
    return normcli.fit(pa.table({"e[0]": NUMBERS, "e": lists}), steps)


@pytest.mark.parametrize("target", ["numpy", "torch", "onnx"])
def test_values_of_a_list_are_not_taken_for_a_column_of_the_same_name(target: str) -> None:
    fitted = parameters()
    x = {"e": LISTS, "e[0]": NUMBERS[:, None]}
    y = {"e": (LISTS - LISTS.mean(axis=0)) / LISTS.std(axis=0), "e[0]": (x["e[0]"] - 100.0) / 4.0}
    before, after = (np.column_stack([of[name] for name in fitted.needs()]) for of in (x, y))
    forth = engine(target).run(normcli.export(fitted, target), before, 3)
    np.testing.assert_allclose(forth, after, rtol=1e-12, atol=1e-12)
    back = engine(target).run(normcli.export(fitted, target, inverse=True), after, 3)
    np.testing.assert_allclose(back, before, rtol=1e-12)


def test_two_columns_of_one_name_are_not_written_by_name() -> None:
    with pytest.raises(NoFormulaError, match=r"two columns are called 'e\[0\]'"):
        normcli.export(parameters(), "json")
