"""Columns of lists: each a feature matrix by itself, whatever the format, with gaps of every kind."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from normcli import api, columns
from normcli.columns.arrow_frame import ArrowFrame
from normcli.columns.polars_frame import PolarsFrame
from normcli.errors import BadDataError, BadParametersError, BadRowError
from normcli.methods.center import Center
from normcli.methods.decorrelate import Decorrelate
from normcli.methods.maxabs import MaxAbs
from normcli.methods.unit import Unit
from normcli.methods.whiten import Whiten
from normcli.methods.zscore import ZScore
from normcli.parameters import file as params
from tests.formats.conftest import normcli, params_of
from tests.formats.test_types import read_as, written_as
from tests.test_params import checker

D = 4
RNG = np.random.default_rng(8)
MATRIX = RNG.normal(size=(50, D)) @ RNG.normal(size=(D, D)) + [0, 5, 100, -3]
KINDS = {
    "list": pa.list_(pa.float64()),
    "large": pa.large_list(pa.float64()),
    "fixed": pa.list_(pa.float64(), D),
    "float32": pa.list_(pa.field("element", pa.float32(), nullable=False)),
    "fixed float32": pa.list_(pa.float32(), D),
    "float16": pa.large_list(pa.float16()),
}
SUFFIXES = ["parquet", "arrow", "arrows"]
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))


def lists(matrix: Any, kind: pa.DataType) -> pa.Array:
    """Rows of numbers as lists; a row that is None is a null list."""
    number = kind.value_type.to_pandas_dtype()
    return pa.array([r if r is None else [None if v is None else number(v) for v in r] for r in matrix], kind)


def matrix_of(column: Any) -> Any:
    return np.array(column.to_pylist(), np.float64)


# -- to numbers and back -----------------------------------------------------------------------------------------
NAMES = [f"e[{j}]" for j in range(D)]


@every_kind
def test_lists_are_the_rows_of_a_matrix(kind: pa.DataType) -> None:
    """Also those of a slice, and around null lists; a null within is a NaN."""
    rows = [list(MATRIX[0]), None, [None, 1.0, float("nan"), 2.0], list(MATRIX[1]), None, list(MATRIX[2])]
    if not kind.value_field.nullable:
        rows[2] = [3.0] * D
    whole = lists(rows, kind)
    expected = np.array([[np.nan] * D if r is None else [np.nan if v is None else v for v in r] for r in rows])
    number = kind.value_type.to_pandas_dtype()
    for start, stop in ((0, 6), (1, 6), (2, 4), (3, 4), (1, 2), (3, 3)):
        frame = ArrowFrame(pa.RecordBatch.from_arrays([whole.slice(start, stop - start)], ["e"]))
        with np.errstate(invalid="ignore"):
            block = columns.list_block(frame, "e", NAMES)
        np.testing.assert_array_equal(block.values, expected[start:stop].astype(number))
        assert block.values.flags.f_contiguous
        assert block.values.dtype == np.float64


@pytest.mark.parametrize("kind", [k for k in KINDS.values() if not pa.types.is_fixed_size_list(k)], ids=str)
def test_the_first_list_of_another_length_is_told(kind: pa.DataType) -> None:
    whole = lists([None, [1.0] * D, [1.0] * 3, [], [1.0] * 5], kind)
    for start, row, size in ((0, 2, 3), (2, 0, 3), (3, 0, 0), (4, 0, 5)):
        frame = ArrowFrame(pa.RecordBatch.from_arrays([whole.slice(start)], ["e"]))
        with pytest.raises(BadRowError, match=f"a list of {size} in column 'e', the others have 4") as caught:
            columns.list_block(frame, "e", NAMES)
        assert caught.value.row == row


def test_the_first_infinite_value_is_told() -> None:
    frame = ArrowFrame(pa.RecordBatch.from_pydict({"e": [[1.0, 2.0], None, [np.inf, 1.0], [1.0, -np.inf]]}))
    with (
        pytest.raises(BadRowError, match=r"infinite value in column 'e\[0\]'") as caught,
        np.errstate(invalid="ignore"),
    ):
        columns.list_block(frame, "e", ["e[0]", "e[1]"])
    assert caught.value.row == 2
    with np.errstate(invalid="ignore"):
        block = columns.list_block(frame, "e", ["e[0]", "e[1]"], "missing")
    np.testing.assert_array_equal(block.columns, [[1, np.nan, np.nan, 1], [2, np.nan, 1, np.nan]])


@every_kind
@pytest.mark.parametrize("size", [1, D, 7])
def test_what_is_put_back_is_of_the_same_kind(kind: pa.DataType, size: int) -> None:
    frame = ArrowFrame(pa.RecordBatch.from_arrays([lists([[1.0] * D, None, [2.0] * D, None], kind).slice(1)], ["e"]))
    values = np.asfortranarray(np.arange(3.0 * size).reshape(3, size))
    made = columns.put_list(frame, "e", values, None)
    made.batch.validate(full=True)
    out = made.batch.column("e")
    number = pa.float32() if kind.value_type == pa.float32() else pa.float64()
    assert out.type.value_type == number
    assert out.type.value_field.name == kind.value_field.name
    assert type(out.type) is type(kind)
    assert getattr(out.type, "list_size", size) == size
    assert out.to_pylist() == [None, values[1].tolist(), None]


def test_a_gap_within_a_list_stays_what_it_was() -> None:
    nan = float("nan")
    for kind in (pa.list_(pa.float64()), pa.list_(pa.float64(), 3)):
        frame = ArrowFrame(
            pa.RecordBatch.from_arrays([pa.array([None, [None, nan, 1.0], [1.0, 2.0, 3.0]], kind)], ["e"])
        )
        values = np.array([[nan] * 3, [nan, nan, 5.0], [nan, 1.0, 2.0]])
        made = columns.put_list(frame, "e", values, None).batch.column("e").to_pylist()
        assert repr(made) == "[None, [None, nan, 5.0], [None, 1.0, 2.0]]"


def test_lists_of_polars_are_lists() -> None:
    frame = PolarsFrame(pl.DataFrame({"e": [[1.0, None], None, [3.0, 4.0]], "*": ["a", "b", "c"]}))
    block = columns.list_block(frame, "e", ["e[0]", "e[1]"])
    np.testing.assert_array_equal(block.values, [[1, np.nan], [np.nan, np.nan], [3, 4]])
    made = columns.put_list(frame, "e", block.values * 2, None)
    assert made.to_polars().to_dict(as_series=False) == {"e": [[2.0, None], None, [6.0, 8.0]], "*": ["a", "b", "c"]}
    assert frame.types(["e"])["e"] == "large_list<float64>"


# -- the whole way -----------------------------------------------------------------------------------------------
METHODS = [Center(), ZScore(), MaxAbs(), Decorrelate(), Whiten(), Whiten(kind="cholesky")]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", [KINDS["list"], KINDS["fixed"]], ids=["list", "fixed"])
@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_a_column_of_lists_is_as_many_columns(method: Any, kind: pa.DataType, suffix: str, folder: Path) -> None:
    rows: list[Any] = [None, *MATRIX.tolist(), None]
    rows[7] = [1.0, None, 2.0, 3.0]
    table = pa.table({"id": range(52), "e": lists(rows, kind), "t": ["a"] * 52})
    plain = pa.table({f"e[{j}]": [None if r is None else r[j] for r in rows] for j in range(D)})
    given, made, back = (folder / f"{name}.{suffix}" for name in ("given", "made", "back"))
    plan = api.fit(written_as(table, given), method, columns=["e"])
    other = api.fit(written_as(plain, folder / "plain.arrow"), method)
    step, same = json.loads(params_of(plan))["steps"][0], json.loads(params_of(other))["steps"][0]
    assert step.pop("list") == "e"
    assert step == same
    api.apply(plan, given, made)
    api.apply(other, folder / "plain.arrow", folder / "other.arrow")
    out, expected = read_as(made), read_as(folder / "other.arrow")
    assert out.schema.types == [pa.int64(), kind, pa.string()]
    assert [v is None for v in out["e"].to_pylist()] == [v is None for v in rows]
    there = out["e"].drop_null()
    expected_rows = list(zip(*(c.to_pylist() for c in expected.columns), strict=True))
    assert there.to_pylist() == [list(r) for r, given in zip(expected_rows, rows, strict=True) if given is not None]
    api.apply(plan, made, back, inverse=True)
    restored = read_as(back)
    assert restored.schema.types == table.schema.types
    for a, b in zip(restored["e"].to_pylist(), out["e"].to_pylist(), strict=True):
        assert (a is None) == (b is None)
    whole = [j for j, r in enumerate(rows) if r is not None and None not in r]
    np.testing.assert_allclose(
        matrix_of(restored["e"].take(whole)), matrix_of(table["e"].take(whole)), rtol=0, atol=1e-10 * 100
    )


@every_kind
def test_unit_is_of_each_row_and_needs_no_rows_but_one(kind: pa.DataType, folder: Path) -> None:
    given = written_as(pa.table({"e": lists([None, [3.0, 4.0, 0, 0], [0.0] * D], kind)}), folder / "unit.parquet")
    plan = api.fit(given, Unit(), columns=["e"])
    api.apply(plan, given, folder / "made.parquet")
    out = read_as(folder / "made.parquet")["e"].to_pylist()
    assert out[0] is None
    np.testing.assert_allclose(out[1:], [[0.6, 0.8, 0, 0], [0] * D], rtol=1e-7)


@every_kind
def test_components_are_shorter_lists(kind: pa.DataType, folder: Path) -> None:
    given = written_as(pa.table({"e": lists(MATRIX, kind), "pc1": ["taken"] * 50}), folder / "pca.parquet")
    plan = api.fit(given, Whiten(kind="pca", components=2), columns=["e"])
    api.apply(plan, given, folder / "made.parquet")
    out = read_as(folder / "made.parquet")
    assert out.schema.names == ["e", "pc1"]
    assert getattr(out.schema.field("e").type, "list_size", 2) == 2
    made = matrix_of(out["e"])
    assert made.shape == (50, 2)
    np.testing.assert_allclose(np.cov(made.T, ddof=0), np.eye(2), atol=1e-5)


def test_several_are_normalized_each_by_itself_and_numbers_together(folder: Path) -> None:
    kinds = KINDS["fixed float32"], KINDS["list"]
    table = pa.table(
        {"a": lists(MATRIX, kinds[0]), "x": MATRIX[:, 0], "b": lists(MATRIX[:, :2], kinds[1]), "y": range(50)}
    )
    given = written_as(table, folder / "several.arrow")
    plan = api.fit(given, ZScore(), columns=["b", "a", "x", "y"])
    assert [s.columns for s in plan.steps] == [("x", "y"), ("a",), ("b",)]
    assert plan.types == {"a": "fixed_size_list<float32>[4]", "x": "float64", "b": "list<float64>", "y": "int64"}
    text = params_of(plan)
    checker().validate(json.loads(text))
    again = params.read(text)
    assert params.write(again) == text
    api.apply(again, given, folder / "made.arrow")
    made = read_as(folder / "made.arrow")
    assert made.schema.types == [kinds[0], pa.float64(), kinds[1], pa.float64()]
    z = (MATRIX - MATRIX.mean(0)) / MATRIX.std(0)
    np.testing.assert_allclose(matrix_of(made["a"]), z, atol=1e-4)
    np.testing.assert_allclose(matrix_of(made["b"]), z[:, :2], atol=1e-12)
    np.testing.assert_allclose(made["x"].to_numpy(), z[:, 0], atol=1e-12)
    api.apply(again, folder / "made.arrow", folder / "back.arrow", inverse=True)
    back = read_as(folder / "back.arrow")
    assert back.schema == table.schema
    assert back["y"].equals(table["y"])


def test_they_are_never_chosen_but_by_name(folder: Path) -> None:
    given = written_as(pa.table({"e": lists(MATRIX, KINDS["list"]), "x": MATRIX[:, 0]}), folder / "choose.arrow")
    assert api.fit(given, Center()).steps[0].columns == ("x",)
    assert [s.columns for s in api.fit(given, Center(), columns=["?"]).steps] == [("x",)]
    assert [s.columns for s in api.fit(given, Center(), columns=["e,x"]).steps] == [("x",), ("e",)]
    other = written_as(pa.table({"e": [[1], [2]], "s": [["a"], ["b"]]}), folder / "other.arrow")
    for name in ("e", "s"):
        with pytest.raises(BadDataError, match="is not numeric but list"):
            api.fit(other, Center(), columns=[name])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_another_length_anywhere_is_refused_by_row(suffix: str, tmp_path: Path) -> None:
    rows: list[Any] = [None, *MATRIX.tolist()]
    good = written_as(pa.table({"e": lists(rows, KINDS["list"])}), tmp_path / f"good.{suffix}")
    plan = api.fit(good, Center(), columns=["e"])
    rows[30] = [1.0]
    bad = written_as(pa.table({"e": lists(rows, KINDS["list"])}), tmp_path / f"bad.{suffix}")
    said = r"bad\.\w+: row 31: a list of 1 in column 'e', the others have 4"
    for size in (None, 7, 30):
        with pytest.raises(BadDataError, match=said):
            api.fit(bad, Center(), columns=["e"], block_size=size)
        with pytest.raises(BadDataError, match=said):
            api.apply(plan, bad, tmp_path / "out.arrow", block_size=size)
    assert not (tmp_path / "out.arrow").exists()
    fixed = written_as(pa.table({"e": lists(MATRIX[:, :3], pa.list_(pa.float32(), 3))}), tmp_path / f"three.{suffix}")
    with pytest.raises(BadDataError, match="row 1: a list of 3 in column 'e', the others have 4"):
        api.apply(plan, fixed, tmp_path / "out.arrow")
    flat = written_as(pa.table({"e": MATRIX[:, 0]}), tmp_path / f"flat.{suffix}")
    with pytest.raises(BadDataError, match="no lists of numbers in e"):
        api.apply(plan, flat, tmp_path / "out.arrow")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("rows", [[], [None, None], [[]]], ids=repr)
def test_without_a_list_there_is_nothing_to_learn(rows: list[Any], suffix: str, folder: Path) -> None:
    given = written_as(pa.table({"e": pa.array(rows, KINDS["list"])}), folder / f"none.{suffix}")
    with pytest.raises(BadDataError, match=r"there is (no list|an empty list)"):
        api.fit(given, Center(), columns=["e"])
    plan = api.fit(
        written_as(pa.table({"e": lists(MATRIX, KINDS["list"])}), folder / "some.arrow"), Center(), columns=["e"]
    )
    if [] not in rows:
        api.apply(plan, given, folder / f"made.{suffix}")
        assert read_as(folder / f"made.{suffix}")["e"].to_pylist() == rows


@pytest.mark.parametrize("kind", [KINDS["list"], KINDS["fixed"]], ids=["list", "fixed"])
def test_blocks_hold_no_more_values_than_others(kind: pa.DataType, folder: Path) -> None:
    """A row with a list of 256 is 256 values; the cut is the same in every format, and whatever is read."""
    wide = pa.list_(pa.float32(), 256) if pa.types.is_fixed_size_list(kind) else pa.list_(pa.float32())
    values = pa.array(np.zeros(6000 * 256, np.float32))
    if pa.types.is_fixed_size_list(kind):
        column = pa.FixedSizeListArray.from_arrays(values, type=wide)
    else:
        column = pa.ListArray.from_arrays(pa.array(np.arange(6001) * 256, pa.int32()), values, type=wide)
    table = pa.table({"e": column, "x": np.zeros(6000)})
    from normcli.formats import record
    from normcli.io.sources import open_source

    for suffix in SUFFIXES:
        given = written_as(table, folder / f"blocks.{suffix}")
        for needed in (None, ["x"], ["e"]):
            made = record(suffix).reader(open_source(given), record(suffix).options())
            assert [c.weight for c in made.chunks(needed)] == [2048, 2048, 1904]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_threads_and_the_way_in_change_no_byte(suffix: str, tmp_path: Path) -> None:
    rows: list[Any] = [None if i % 11 == 3 else r for i, r in enumerate(MATRIX.tolist())]
    given = written_as(pa.table({"e": lists(rows, KINDS["float16"])}), tmp_path / f"d.{suffix}")
    found, outputs = set(), set()
    for threads in (1, 3):
        plan = api.fit(given, Whiten(), columns=["e"], threads=threads, block_size=9)
        found.add(params_of(plan))
        for out in SUFFIXES:
            api.apply(plan, given, tmp_path / f"made.{out}", threads=threads, block_size=9)
            outputs.add((out, (tmp_path / f"made.{out}").read_bytes()))
    assert (len(found), len(outputs)) == (1, 3)
    (tmp_path / "p.json").write_bytes(params_of(api.fit(given, Whiten(), columns=["e"])))
    same = (tmp_path / "p.json").read_bytes()
    done = normcli("fit", "-m", "whiten", "-c", "e", stdin=given.read_bytes(), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, same), done.stderr


def test_the_command_says_it_all(tmp_path: Path) -> None:
    written_as(pa.table({"e": lists([*MATRIX, [1, 2, 3, float("nan")], None], KINDS["fixed"])}), tmp_path / "d.arrow")
    done = normcli("fit", "d.arrow", "-m", "zscore", "-c", "e", "-p", "p.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = normcli("inspect", "p.json", cwd=tmp_path).stdout.decode()
    assert "e[0]" in shown
    assert "e[3]" in shown
    plain = json.loads((tmp_path / "p.json").read_text())["steps"][0]["columns"]
    assert [plain[n]["missing"] for n in plain] == [1, 1, 1, 2]


# -- the parameter file ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"list": "e"', '"list": 1', r"\$.steps\[0\].list: must be text"),
        ('"list": "e"', '"list": "f"', r"\$.steps\[0\].list: not a column of lists"),
        ('{"name": "e", "type": "list<float64>"}', '{"name": "e", "type": "list<int64>"}', "not a column of lists"),
        (
            '{"name": "e", "type": "list<float64>"}',
            '{"name": "e", "type": "fixed_size_list<float64>[3]"}',
            "2 entries, not 3",
        ),
        ('"e[1]"', '"e[2]"', r"\$.steps\[0\].columns: not e\[0\], e\[1\]"),
        ('"list": "e",', "", r"\$.steps\[0\].columns.e\[0\]: not in"),
    ],
)
def test_a_parameter_file_that_can_not_be_is_refused(old: str, new: str, said: str, folder: Path) -> None:
    given = written_as(pa.table({"e": lists(MATRIX[:, :2], KINDS["list"])}), folder / "p.arrow")
    text = params_of(api.fit(given, Center(), columns=["e"])).decode()
    assert old in text
    with pytest.raises(BadParametersError, match=said):
        params.read(text.replace(old, new).encode(), allow_edited=True)


def test_a_column_may_be_in_two_steps_and_there_must_be_one(folder: Path) -> None:
    given = written_as(pa.table({"x": [1.0, 2.0]}), folder / "x.arrow")
    document = json.loads(params_of(api.fit(given, Center())))
    document["steps"] *= 2
    assert [step.columns for step in params.read(json.dumps(document).encode(), allow_edited=True).steps] == [
        ("x",)
    ] * 2
    document["steps"] = []
    with pytest.raises(BadParametersError, match=r"\$.steps: there is none"):
        params.read(json.dumps(document).encode(), allow_edited=True)
