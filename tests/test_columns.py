"""Which columns a selector chooses, and a frame's columns as numbers."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normcli import columns
from normcli.columns import Field, Frame, Schema, buffers, select
from normcli.columns.arrow_frame import ArrowFrame
from normcli.columns.polars_frame import PolarsFrame
from normcli.errors import BadDataError, BadRowError

SCHEMA: Schema = tuple(
    Field(name, kind)
    for name, kind in {
        "id": "int64",
        "x1": "float64",
        "x2": "float32",
        "name": "string",
        "x,1": "float64",
        "x*": "float64",
        "[x]": "uint8",
        "X1": "float16",
        "price": "decimal128(9, 2)",
        "late": "null",
        "truth": "bool",
        "date": "date32[day]",
        "time": "timestamp[us]",
        "list": "list<element: int64>",
        "words": "dictionary<values=string, indices=int32, ordered=0>",
        "a b": "float64",
        "?": "string",
        "*": "string",
        "": "float64",
    }.items()
)
NUMBERS = ("id", "x1", "x2", "x,1", "x*", "[x]", "X1", "price", "a b", "")


def test_by_default_every_scalar_number() -> None:
    assert select(SCHEMA, (), ()) == NUMBERS


@pytest.mark.parametrize(
    ("include", "chosen"),
    [
        (["x1"], ["x1"]),
        (["x2,id"], ["id", "x2"]),
        (["x2", "id"], ["id", "x2"]),
        (["x1", "x1", "x1,x1"], ["x1"]),
        (["late"], ["late"]),  # named, though empty in the sample
        (["price"], ["price"]),
        (["a b"], ["a b"]),
        ([""], [""]),
        # equal to a column's name it is that column, whatever it holds
        (["x,1"], ["x,1"]),
        (["x*"], ["x*"]),
        (["[x]"], ["[x]"]),
        (["x,1", "x1"], ["x1", "x,1"]),
        (["x*,id"], ["id", "x*"]),
        # a glob takes numbers alone, and minds case
        (["x?"], ["x1", "x2", "x*"]),
        (["x[12]"], ["x1", "x2"]),
        (["[!x]1"], ["X1"]),
        (["x?,X?"], ["x1", "x2", "x*", "X1"]),
        (["l*,id", "p*"], None),  # late is no number yet
        (["i?,p*"], ["id", "price"]),
        (["??*"], ["id", "x1", "x2", "x,1", "x*", "[x]", "X1", "price", "a b"]),
    ],
)
def test_selectors(include: list[str], chosen: list[str] | None) -> None:
    if chosen is None:
        with pytest.raises(BadDataError):
            select(SCHEMA, include, ())
    else:
        assert select(SCHEMA, include, ()) == tuple(chosen)


@pytest.mark.parametrize(
    ("include", "said"),
    [
        ("name", "column 'name' is not numeric but string"),
        ("x1,name", "column 'name' is not numeric but string"),
        ("*", "column '*' is not numeric but string"),  # the name of a column, so no glob
        ("truth", "not numeric but bool"),
        ("date", "not numeric but date32"),
        ("time", "not numeric but timestamp"),
        ("list", "not numeric but list"),
        ("words", "not numeric but dictionary"),
        ("none", "'none'"),
        ("x1,none", "'none'"),
        ("ID", "'ID'"),
        ("n*", "'n*'"),  # matches, but nothing numeric
        ("z*", "'z*'"),
        ("x1, x2", "' x2'"),
        ("x1;x2", "'x1;x2'"),
        ("bad\x1b\n", r"\x1b"),
    ],
)
def test_selectors_that_find_nothing_are_told(include: str, said: str) -> None:
    with pytest.raises(BadDataError) as caught:
        select(SCHEMA, [include], ())
    assert said in caught.value.message
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    ("include", "exclude", "left"),
    [
        ([], ["id"], [n for n in NUMBERS if n != "id"]),
        ([], ["id,x1", "price"], [n for n in NUMBERS if n not in ("id", "x1", "price")]),
        ([], ["x?"], ["id", "x,1", "[x]", "X1", "price", "a b", ""]),
        ([], ["x*"], [n for n in NUMBERS if n != "x*"]),
        ([], ["name", "t*"], list(NUMBERS)),  # what is no number may be excluded, too
        (["x?"], ["x2"], ["x1", "x*"]),
        (["x?", "late"], ["l*"], ["x1", "x2", "x*"]),
        (["x1"], ["x2"], ["x1"]),
    ],
)
def test_exclusion_comes_last(include: list[str], exclude: list[str], left: list[str]) -> None:
    assert select(SCHEMA, include, exclude) == tuple(left)


@pytest.mark.parametrize(("include", "exclude"), [([], ["none"]), ([], ["z*"]), ([], ["id,none"])])
def test_exclusions_that_find_nothing_are_told(include: list[str], exclude: list[str]) -> None:
    with pytest.raises(BadDataError, match=r"no column (is called|matches)"):
        select(SCHEMA, include, exclude)


def test_nothing_left_to_select_is_told_with_what_there_is() -> None:
    for include, exclude in (([], ["?*", ""]), (["x1"], ["x1"])):
        with pytest.raises(BadDataError, match=r"no numeric column is selected.* id \(int64\), x1 \(float64\)"):
            select(SCHEMA, include, exclude)
    many = tuple(Field(f"t{i}\n", "string") for i in range(1000))
    with pytest.raises(BadDataError, match="and 980 more") as caught:
        select(many, (), ())
    assert caught.value.message.isprintable()


@given(st.permutations(SCHEMA), st.lists(st.sampled_from(NUMBERS), min_size=1))
def test_the_order_is_the_input_s(schema: Sequence[Field], names: list[str]) -> None:
    assert select(tuple(schema), names, ()) == tuple(f.name for f in schema if f.name in names)


# -- frames ------------------------------------------------------------------------------------------------------
def frames(**values: Sequence[float | None]) -> list[Frame]:
    return [PolarsFrame(pl.DataFrame(values)), ArrowFrame(pa.RecordBatch.from_pydict(values))]


def test_missing_of_either_kind_is_nan() -> None:
    for frame in frames(x=[1.0, None, float("nan"), 4.0], y=[1.0, 2.0, 3.0, 4.0]):
        block = columns.block(frame, ["x", "y"])
        np.testing.assert_array_equal(block.columns[0], [1.0, np.nan, np.nan, 4.0])
        np.testing.assert_array_equal(block.columns[1], [1.0, 2.0, 3.0, 4.0])
        assert [x.dtype for x in block.columns] == [np.float64, np.float64]
        assert [x.tolist() for x in columns.block(frame, ["y"]).columns] == [[1.0, 2.0, 3.0, 4.0]]


def test_the_first_row_with_an_infinite_value_is_told() -> None:
    inf = float("inf")
    for frame in frames(x=[1.0, 2.0, inf, -inf], y=[1.0, -inf, None, inf], z=[inf, -inf, inf, -inf]):
        with pytest.raises(BadRowError) as caught, np.errstate(invalid="ignore"):
            columns.block(frame, ["x", "y"])
        assert (caught.value.row, caught.value.what) == (1, "infinite value in column 'y'")
        with np.errstate(invalid="ignore"):
            given_up = columns.block(frame, ["x", "y", "z"], "missing").columns
        np.testing.assert_array_equal(given_up, [[1, 2, np.nan, np.nan], [1, np.nan, np.nan, np.nan], [np.nan] * 4])


@pytest.mark.parametrize("name", ["*", "^.*$", "", "a.b", "a\n", "é"])
def test_a_name_is_a_name(name: str) -> None:
    for frame in frames(**{name: [1.0], "z": [2.0]}):
        assert frame.names == (name, "z")
        assert frame.select(["z", name]).names == ("z", name)
        assert frame.select([name]).names == (name,)
        assert columns.block(frame, [name]).columns[0].tolist() == [1.0]


# -- memory of Arrow and numpy ------------------------------------------------------------------------------------
@given(st.sampled_from(["f2", "f4", "f8", "i1", "i8", "u8"]), st.data())
def test_arrow_and_numpy_convert_as_pyarrow_has_it(kind: str, data: st.DataObject) -> None:
    values = np.array(data.draw(st.lists(st.integers(0, 100), max_size=40)), kind)
    missing = np.array(data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))), np.bool_)
    for mask in (None, missing):
        column = buffers.as_arrow(values, mask)
        assert column.equals(pa.array(values, mask=mask))
        part = column.slice(data.draw(st.integers(0, len(values))), data.draw(st.integers(0, 40)))
        there = buffers.valid(part)
        assert (part.is_valid().to_pylist() if there is None else there.tolist()) == part.is_valid().to_pylist()
        if kind.startswith("f") or there is None:
            found = buffers.as_numpy(part)
            assert found.dtype == kind
            np.testing.assert_array_equal(found, part.to_numpy(zero_copy_only=False))


def test_null_is_no_nan() -> None:
    column = pa.array([1.0, None, np.nan, 2.0])
    assert buffers.is_nan(column).tolist() == [False, False, True, False]
    assert buffers.is_nan(column.slice(2)).tolist() == [True, False]
    truths, missing = np.array([True, False, True]), np.array([False, True, False])
    assert buffers.as_arrow(truths, missing).to_pylist() == [True, None, True]
