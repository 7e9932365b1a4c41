"""An index of pandas is a column like others, but no one that is normalized unless it is selected."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli import api, columns
from normcli.columns.pandas_metadata import pandas_indexes
from normcli.errors import BadDataError
from normcli.methods.center import Center
from normcli.parameters.plan import PlanStep
from tests.conftest import examples, longer
from tests.formats.conftest import normcli
from tests.formats.test_types import read_as, written_as

RANGE = {"kind": "range", "name": None, "start": 0, "stop": 3, "step": 1}
VALUES = {"x": [1.0, 2.0, 6.0], "k": [7, 8, 9], "__index_level_0__": [5, 3, 1], "t": ["a", "b", "c"]}


def of_pandas(about: Any) -> pa.Table:
    """A table with what pandas would write into its schema."""
    return pa.table(VALUES).replace_schema_metadata({b"pandas": json.dumps(about).encode()})


@given(st.sets(st.sampled_from(list(VALUES))), st.booleans())
@settings(max_examples=examples(20))
def test_all_numbers_but_indexes_are_selected(names: set[str], ranged: bool) -> None:
    about = {"index_columns": [*names, *([RANGE] if ranged else [])], "columns": []}
    metadata = of_pandas(about).schema.metadata
    fields = columns.arrow_fields(of_pandas(about).schema)
    indexes = pandas_indexes(metadata)
    assert indexes == names
    numbers = ["x", "k", "__index_level_0__"]
    if names.issuperset(numbers):
        with pytest.raises(BadDataError, match="no numeric column is selected") as caught:
            columns.select(fields, (), (), indexes=indexes)
        assert caught.value.hint == "-c takes an index of pandas"
        return
    assert list(columns.select(fields, (), (), indexes=indexes)) == [n for n in numbers if n not in names]
    for name in numbers:
        assert columns.select(fields, (name,), (), indexes=indexes) == (name,)
    assert list(columns.select(fields, ("*",), (), indexes=indexes)) == numbers


@pytest.mark.parametrize(
    "about", [None, [], "x", {}, {"index_columns": None}, {"index_columns": "x"}, {"index_columns": [RANGE, None, 1]}]
)
def test_other_metadata_say_nothing(about: Any) -> None:
    assert pandas_indexes(of_pandas(about).schema.metadata) == frozenset()


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000])
def test_damaged_metadata_say_nothing(data: bytes) -> None:
    assert pandas_indexes({b"pandas": data}) == pandas_indexes({}) == frozenset()


@pytest.mark.parametrize("kind", ["parquet", *longer("arrow", "arrows")])
def test_it_is_left_out_with_a_notice_and_passes(kind: str, tmp_path: Path) -> None:
    table = of_pandas({"index_columns": ["k", "__index_level_0__", "t"]})
    written_as(table, tmp_path / f"d.{kind}")

    def fit(*more: str) -> Any:
        return normcli("fit", f"d.{kind}", "-m", "center", "-p", "p.json", "--werror", *more, cwd=tmp_path)

    done = fit("-o", f"z.{kind}")
    assert done.returncode == 0
    notice, summary = done.stderr.decode().splitlines()
    assert notice == f"normcli: d.{kind}: k, __index_level_0__ left out: an index of pandas (-c takes it)"
    assert ": 3 rows, 1 column, 3 left out, " in summary
    made = read_as(tmp_path / f"z.{kind}")
    assert made["x"].to_pylist() == [-2.0, -1.0, 3.0]
    assert made.drop_columns("x").equals(table.drop_columns("x"))
    assert made.schema.metadata[b"pandas"] == table.schema.metadata[b"pandas"]
    for flags, taken in ((["-c", "k"], "(k)"), (["-c", "*"], "(x, k, __index_level_0__)"), (["-c", "x"], "(x)")):
        done = fit(*flags, "-v")
        assert taken in done.stderr.decode()
        assert b"an index of pandas" not in done.stderr
    done = fit("-x", "k")
    assert done.stderr.startswith(f"normcli: d.{kind}: __index_level_0__ left out".encode())
    assert b"an index" not in fit("-x", "k", "--weights", "__index_level_0__").stderr


def test_of_steps_that_follow_each_other(folder: Path) -> None:
    path = written_as(of_pandas({"index_columns": ["k"]}), folder / "d.parquet")
    plan = api.fit(path, [PlanStep(Center()), PlanStep(Center(), ("k",))])
    assert [step.columns for step in plan.steps] == [("x", "__index_level_0__"), ("k",)]
