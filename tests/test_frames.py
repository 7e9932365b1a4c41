"""What every kind of frame does, on data and names that are no simple ones: a kind is found by its file, and its frames
agree with lists of Python, and so with each other."""

import io
import pickle
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normcli import columns, registry
from normcli.columns import Frame
from normcli.columns.arrow_frame import ArrowFrame
from normcli.columns.fixed import Fixed
from normcli.columns.native_frame import NativeFrame
from normcli.columns.polars_frame import PolarsFrame
from normcli.errors import BadRowError
from normcli.kernel import library
from normcli.kernel import text as kernel

INF, NAN = float("inf"), float("nan")
Model = dict[str, list[Any]]


def plain(rows: Frame, text: bytes) -> Frame:
    return rows


def native(batch: pa.RecordBatch) -> NativeFrame:
    """Finite floats as numbers of its own where they are one type of missing, all else left to polars."""
    rows = PolarsFrame(ArrowFrame(batch).to_polars())
    columns: dict[str, kernel.Numbers | kernel.Fields | None] = dict.fromkeys(rows.names)
    for place, (field, column) in enumerate(zip(batch.schema, batch.columns, strict=True)):
        if field.type == pa.float64() and not column.null_count and INF not in column.to_pylist():
            columns[field.name] = kernel.Numbers(np.ascontiguousarray(column.to_numpy(zero_copy_only=False)), place)
    return NativeFrame(columns, rows.rows, b"", ",", lambda: rows, partial(plain, rows) if library() else None)


# How a frame of each kind is had from a batch of numbers, text and lists.
MAKE: dict[str, Callable[[pa.RecordBatch], Frame]] = {
    "polars": lambda batch: PolarsFrame(ArrowFrame(batch).to_polars()),
    "arrow": ArrowFrame,
    "native": native,
}
TYPES = {
    "f": pa.float64(),
    "h": pa.float32(),
    "i": pa.int64(),
    "t": pa.string(),
    "l": pa.large_list(pa.float64()),
}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "f": st.sampled_from([None, NAN, 0.0, -0.0, 1.5, -(2.0**60), 5e-324, INF]),
    "h": st.sampled_from([None, NAN, 0.5, -1.0]),
    "i": st.sampled_from([None, 0, -7, 2**53 + 1, -(2**63)]),
    "t": st.sampled_from([None, "", " a ", "1", "é\0", '"', "NA"]),
    "l": st.sampled_from([None, [], [1.0, None], [NAN, 2.0], [3.0, 4.0]]),
}
NAMES = st.sampled_from(["*", "^.*$", "", "a.b", "x\0y", "é", "column_1", "\0hidden", "0", "1"])
every_kind = pytest.mark.parametrize("kind", MAKE)


@st.composite
def models(draw: st.DrawFn) -> tuple[Model, dict[str, str]]:
    """Columns by name, as lists, and which of `TYPES` each is."""
    kinds = {n: draw(st.sampled_from(list(TYPES))) for n in draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))}
    rows = draw(st.integers(0, 6))
    return {n: draw(st.lists(VALUES[k], min_size=rows, max_size=rows)) for n, k in kinds.items()}, kinds


def batch_of(model: Model, kinds: Mapping[str, str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(v, TYPES[kinds[n]]) for n, v in model.items()], names=list(model))


def made(kind: str, model: Model, kinds: Mapping[str, str] | None = None) -> Frame:
    """A frame of a kind; all columns are of floats where nothing else is said."""
    return MAKE[kind](batch_of(model, kinds or dict.fromkeys(model, "f")))


def holds(frame: Frame, model: Model) -> bool:
    """Whether a frame, its rows and its columns in their order, is as a model has it: NaN is no null, 0.0 no -0.0."""
    rows = len(next(iter(model.values()), []))
    shown = frame.to_arrow().to_pydict()
    return frame.names == tuple(model) and frame.rows == rows and repr(shown) == repr(model)


def picked(model: Model, rows: Any) -> Model:
    return {n: [values[i] for i in rows] for n, values in model.items()}


# -- which -------------------------------------------------------------------------------------------------------
def test_the_folder_says_which_kinds_there_are() -> None:
    """One that is missing here was not tested."""
    assert {f"{kind}-frame" for kind in MAKE} == {n for n in registry.names("columns") if n.endswith("-frame")}


@every_kind
def test_a_kind_is_the_one_class_of_its_file(kind: str) -> None:
    assert type(made(kind, {"x": [1.0]})) is registry.only("columns", f"{kind}-frame")


# -- rows and columns --------------------------------------------------------------------------------------------
@every_kind
@given(models(), st.data())
def test_rows_and_columns_are_as_of_lists(kind: str, table: tuple[Model, dict[str, str]], data: st.DataObject) -> None:
    """And the frame itself never changes."""
    model, kinds = table
    frame, rows = made(kind, model, kinds), len(next(iter(model.values())))
    assert holds(frame, model)
    assert holds(frame.contiguous(), model)
    start, stop = sorted(data.draw(st.lists(st.integers(0, rows), min_size=2, max_size=2)))
    assert holds(frame.slice(start, stop), picked(model, range(start, stop)))
    assert holds(frame.slice(start), picked(model, range(start, rows)))
    head, tail = columns.cut(frame.slice(start), stop - start)
    assert holds(head, picked(model, range(start, stop)))
    assert holds(tail, picked(model, range(stop, rows)))
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=rows, max_size=rows)), np.bool_)
    assert holds(frame.filter(mask), picked(model, np.flatnonzero(mask)))
    wanted = data.draw(st.lists(st.sampled_from(list(model)), unique=True, min_size=1))
    chosen = {n: model[n] for n in wanted}
    assert holds(frame.select(wanted), chosen)
    if rows:
        some = data.draw(st.lists(st.integers(0, rows - 1), max_size=4))
        assert holds(frame.take(wanted, np.array(some, np.intp)), picked(chosen, some))
    other = made(kind, {"z": [7.0] * rows})
    both = columns.gathered({"*": (other, "z"), "n": (frame, wanted[0])})
    assert holds(both, {"*": [7.0] * rows, "n": model[wanted[0]]})
    assert holds(columns.ordered_as(frame.select(list(model)[::-1]), frame), model)
    assert holds(frame, model)


@every_kind
def test_rows_are_cut_anywhere(kind: str) -> None:
    frame = made(kind, {"x": [0.0, 1.0, 2.0, 3.0, 4.0]})
    for start, stop in combinations_with_replacement(range(6), 2):
        part = frame.slice(start, stop)
        assert part.numbers("x").tolist() == list(range(start, stop))
        assert part.rows == stop - start


@every_kind
@given(models(), st.lists(NAMES, max_size=3))
def test_columns_of_one_text_stand_behind_the_others(
    kind: str, table: tuple[Model, dict[str, str]], new: list[str]
) -> None:
    model, kinds = table
    frame, rows = made(kind, model, kinds), len(next(iter(model.values())))
    stay = {n: v for n, v in model.items() if n not in new}
    texts = {n: None if j else "a'" for j, n in enumerate(new)}
    assert holds(frame.with_texts(texts), stay | {n: [t] * rows for n, t in texts.items()})
    assert holds(columns.without_values(frame, list(texts)), stay | {n: [None] * rows for n in texts})
    twice = [*texts.items(), *((n, "never") for n in texts)]
    assert holds(columns.with_texts(frame, twice), model | {n: [t] * rows for n, t in texts.items() if n not in model})


# -- what columns hold -------------------------------------------------------------------------------------------
@every_kind
@given(models())
def test_columns_hold_what_lists_do(kind: str, table: tuple[Model, dict[str, str]]) -> None:
    model, kinds = table
    frame = made(kind, model, kinds)
    for name, values in model.items():
        if kinds[name] in "fhi":
            expected = [NAN if v is None else float(v) for v in values]
            np.testing.assert_array_equal(np.asarray(frame.numbers(name), np.float64), expected)
            there = [v for v in values if v is not None] if kinds[name] == "i" else []
            assert {e for e in frame.ends(name) if e is not None} == ({min(there), max(there)} if there else set())
            assert columns.inexact(frame, [name]) == ((name,) if any(abs(v) > 2**53 for v in there) else ())
        if kinds[name] in "ti":
            codes, texts = frame.texts(name)
            assert len(set(texts)) == len(texts)
            assert [texts[c] for c in codes] == [None if v is None else str(v) for v in values]
        else:
            with pytest.raises(BadRowError, match="keys are texts or whole numbers"):
                frame.texts(name)
        lists = frame.lists(name)
        assert (None if lists is None else repr(lists.to_pylist())) == (repr(values) if kinds[name] == "l" else None)
        if kinds[name] == "l" and any(v is not None for v in values) and not frame.typed:
            with pytest.raises(BadRowError) as caught:
                frame.numbers(name)
            assert caught.value.row == next(i for i, v in enumerate(values) if v is not None)


@every_kind
def test_types_are_as_arrow_calls_them(kind: str) -> None:
    frame = made(kind, {"f": [1.5], "h": [0.5], "i": [1], "l": [[1.0]]}, {n: n for n in "fhil"})
    single = "float32" if frame.typed else "float64"  # text has no other
    expected = {"l": "large_list<float64>", "i": "int64", "f": "float64", "h": single}
    assert frame.types(["l", "i", "f", "h"]) == expected


# -- new columns -------------------------------------------------------------------------------------------------
@every_kind
def test_what_was_missing_stays_as_it_was(kind: str) -> None:
    """Null stays null and NaN stays NaN; where a value was, NaN becomes null; and of a new column, all do."""
    frame = made(
        kind, {"a": [1.0, None, NAN, 4.0], "*": [0.0] * 4, "i": [1, None, 3, 4]}, {"a": "f", "*": "f", "i": "i"}
    )
    y = np.array([10.0, NAN, NAN, NAN])
    put = frame.put({"a": y, "new": y, "i": y}, dict.fromkeys(["a", "new", "i"], "float64"), ["*", "new", "a", "i"])
    gaps = [10.0, None, None, None]
    assert holds(put, {"*": [0.0] * 4, "new": gaps, "a": [10.0, None, NAN, None], "i": gaps})
    assert holds(frame.select(["a"]), {"a": [1.0, None, NAN, 4.0]})


@every_kind
def test_values_become_of_their_types(kind: str) -> None:
    frame = made(kind, {"a": [1.0, None]})
    put = frame.put({"a": np.array([0.1, NAN])}, {"a": "float32"}, ["a"])
    assert put.to_arrow().schema.types == [pa.float32()]
    assert holds(put, {"a": [float(np.float32(0.1)), None]})
    with pytest.raises(BadRowError, match="the result in column 'a' is beyond float32") as caught:
        frame.put({"a": np.array([1.0, 1e300])}, {"a": "float32"}, ["a"])
    assert caught.value.row == 1
    missing, values = np.array([False, True]), np.array([2.0, NAN])
    for fixed, expected in (
        (Fixed("int16", values, values, missing), 2),
        (Fixed("decimal128(5, 2)", values, values, missing), Decimal("2.00")),
    ):
        put = frame.put({"a": fixed}, {"a": "float64"}, ["a"])
        assert holds(put, {"a": [expected, None]})
        assert put.to_arrow().schema.field("a").type in (pa.int16(), pa.decimal128(5, 2))


@every_kind
def test_columns_stand_where_those_that_are_gone_did(kind: str) -> None:
    frame = made(kind, {"a": [1.0], "b": [2.0], "c": [3.0]})
    y = np.array([9.0])
    put = columns.put(frame, {"p": y, "q": y, "a": y}, {"p": "a", "q": "c", "a": "c"}, ["a", "c"])
    assert put.names == ("p", "b", "q", "a")


@every_kind
def test_lists_are_put_in_the_place_of_a_column(kind: str) -> None:
    frame = made(kind, {"*": [1.0, 2.0], "l": [None, [1.0, 2.0]]}, {"*": "f", "l": "l"})
    lists = pa.array([[5.0], None], pa.large_list(pa.float64()))
    assert holds(frame.put_lists("l", lists), {"*": [1.0, 2.0], "l": [[5.0], None]})
    block = columns.list_block(frame, "l", ["l[0]", "l[1]"])
    np.testing.assert_array_equal(block.values, [[NAN, NAN], [1.0, 2.0]])
    assert holds(columns.put_list(frame, "l", block.values * 2), {"*": [1.0, 2.0], "l": [None, [2.0, 4.0]]})
    np.testing.assert_array_equal(columns.list_block(made(kind, {"n": [None]}), "n", ["n[0]"]).values, [[NAN]])
    with pytest.raises(BadRowError, match="1 in column '\\*' is not a list"):
        columns.list_block(frame, "*", ["*[0]"])


@every_kind
def test_words_that_mean_missing_stay_words(kind: str) -> None:
    """Where numbers come from text; a typed frame has none."""
    frame = made(kind, {"x": ["1", "NA", " 3 ", None, "nan"]}, {"x": "t"})
    if frame.typed:
        assert frame.numbered(["x"]) is frame
        return
    np.testing.assert_array_equal(frame.numbers("x"), [1, NAN, 3, NAN, NAN])
    assert holds(frame.numbered(["x"]), {"x": [1.0, None, 3.0, None, None]})
    put = frame.put({"x": np.array([10.0, NAN, NAN, NAN, NAN])}, {"x": "float64"}, ["x"])
    assert holds(put, {"x": ["10.0", "NA", None, None, "nan"]})
    as_numbers = put.to_arrow(pa.schema([("x", pa.float64())]))
    assert repr(as_numbers.to_pydict()) == repr({"x": [10.0, None, None, None, NAN]})
    assert frame.types(["x"]) == {"x": "int64"}


# -- hidden columns ----------------------------------------------------------------------------------------------
@every_kind
@given(NAMES)
def test_originals_are_kept_apart(kind: str, name: str) -> None:
    """Under whatever names the others are."""
    frame = made(kind, {name: [1.0, None], "z": ["a", "b"]}, {name: "f", "z": "t"})
    texts = made(kind, {name: ["1.0", "NA"], "z": ["a", "b"]}, {name: "t", "z": "t"})
    alone = frame.select([name]).with_originals(texts, [name])
    assert holds(alone.without_originals(), {name: [1.0, None]})
    both = frame.with_originals(texts, [name])
    assert both.rest is None
    assert [n for n in both.names if n not in both.hidden] == [name, "z"]
    assert columns.has_originals(both)
    assert holds(both.without_originals(), {name: [1.0, None], "z": ["a", "b"]})
    found = both.originals()
    assert columns.has_originals(frame) == frame.typed == (found is None) == (both is frame)
    if found is not None:
        assert holds(found, {name: ["1.0", "NA"]})
        assert columns.ordered_as(both, both.select(["z", name])).names == ("z", name, *both.hidden)


# -- on the way out ----------------------------------------------------------------------------------------------
@every_kind
@given(models())
def test_the_same_comes_back_from_arrow_polars_bytes_and_another_process(
    kind: str, table: tuple[Model, dict[str, str]]
) -> None:
    model, kinds = table
    frame = made(kind, model, kinds)
    assert holds(MAKE[kind](frame.to_arrow()), model)
    assert repr(frame.to_polars().to_dict(as_series=False)) == repr(model)
    typed = frame.to_arrow(batch_of(model, kinds).schema)
    assert repr(typed.to_pydict()) == repr(model)
    assert typed.schema.equals(batch_of(model, kinds).schema)
    assert holds(pickle.loads(pickle.dumps(frame)), model)
    packed, pieces = frame.pack(buffer := io.BytesIO())
    again = pickle.loads(pickle.dumps(packed))
    back = again.unpack(b"".join(pieces) + buffer.getvalue())
    assert again.rows == frame.rows
    assert type(back) is (PolarsFrame if kind == "native" and not frame.is_parsed else type(frame))
    assert holds(back, model)


@every_kind
def test_lists_have_no_text_but_in_json(kind: str) -> None:
    frame = made(kind, {"f": [1.0], "l": [[1.0]], "t": ["a"]}, {n: n for n in "flt"})
    assert [f.name for f in frame.textless(nested=False)] == ["l"]
    assert frame.textless(nested=True) == ()


def test_dictionaries_stay_what_they_are() -> None:
    coded = pa.array(["a", None, "b", "a"]).dictionary_encode()
    batch = pa.RecordBatch.from_arrays([coded, pa.array([1, 2, 1, 3]).dictionary_encode()], names=["t", "i"])
    frame = ArrowFrame(batch)
    assert frame.to_arrow() is batch
    assert [texts[c] for codes, texts in [frame.texts("t")] for c in codes] == ["a", None, "b", "a"]
    assert frame.numbers("i").tolist() == [1, 2, 1, 3]
    assert frame.types(["i"]) == {"i": "int64"}
    assert frame.to_polars().to_dict(as_series=False) == {"t": ["a", None, "b", "a"], "i": [1, 2, 1, 3]}
    ((texts, places),) = columns.text_codes(frame).values()
    assert texts.gather(places).to_list() == ["a", None, "b", "a"]
    assert columns.text_codes(PolarsFrame(frame.to_polars())) == {}
    assert columns.long_decimals(PolarsFrame(pl.DataFrame())) == frozenset()


def test_what_is_said_of_a_table_and_its_columns_stays() -> None:
    fields = [pa.field("a", pa.float64(), metadata={"unit": "m"}), pa.field("l", TYPES["l"], metadata={"of": "x"})]
    schema = pa.schema(fields, {"k": "v"})
    frame = ArrowFrame(pa.RecordBatch.from_arrays([pa.array([1.0]), pa.array([[1.0]], TYPES["l"])], schema=schema))
    new = ArrowFrame(pa.RecordBatch.from_pydict({"z": [1.0]}))
    for other in (
        frame.put({"a": np.array([2.0])}, {"a": "float32"}, ["a", "l"]),
        frame.put_lists("l", pa.array([[2.0, 3.0]])),
        frame.with_texts({"t": None}),
        frame.select(["l", "a"]),
        frame.gather({"a": (frame, "a"), "l": (frame, "l"), "z": (new, "z")}),
        frame.filter(np.array([False])),
        frame.slice(0, 1),
    ):
        said = other.to_arrow().schema
        assert said.metadata == {b"k": b"v"}
        assert [said.field(n).metadata for n in "al"] == [{b"unit": b"m"}, {b"of": b"x"}]
