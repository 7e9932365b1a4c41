"""Tables in memory: as an input they are the Parquet file of the same rows, and they come out as what they went in."""

import gc
import itertools
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import normcli
from normcli import BadDataError, NormcliError, UsageError
from normcli.errors import DriftError, NotInvertibleError
from normcli.methods.asinh import Asinh
from normcli.methods.zscore import ZScore
from tests.memory_tables import KINDS, Exporter, arrow, numbers, slices

NAMES = ["a", "b", "n"]
every_kind = pytest.mark.parametrize("kind", KINDS)


def table(rows: int = 3000, seed: int = 7) -> pa.Table:
    """Floats, of which some are missing; whole numbers; text."""
    rng = np.random.default_rng(seed)
    b = [None if x < 1 else x for x in rng.uniform(0, 20, rows).tolist()]
    columns = {"a": rng.normal(5, 3, rows), "site": rng.choice(["x", "y", "z"], rows), "b": b}
    return pa.table(columns | {"n": rng.integers(-9, 9, rows)})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def parquet(data: Any, name: str = "t.parquet", rows: int | None = None) -> str:
    """A file, as the library that the table is of writes it."""
    if isinstance(data, pl.DataFrame):
        data.write_parquet(name)
    elif isinstance(data, pd.DataFrame):
        data.to_parquet(name, index=False)
    else:
        pq.write_table(arrow(data), name, row_group_size=rows)
    return name


# -- the same parameters -----------------------------------------------------------------------------------------
@every_kind
@pytest.mark.parametrize("method", ["zscore", "whiten", "robust", "batch"])
def test_parameters_are_those_of_the_parquet_file(kind: str, method: str) -> None:
    data = KINDS[kind](table())
    expected = normcli.write(normcli.fit(parquet(data), method, block_size=700))
    assert normcli.write(normcli.fit(KINDS[kind](table()), method, block_size=700)) == expected


@given(st.data(), st.integers(1, 200), st.integers(5, 90))
def test_chunks_change_no_bit(data: st.DataObject, rows: int, block: int) -> None:
    """Nor do the batches of a stream, of which nobody knows how many there are."""
    whole = table(rows)
    ends = sorted(data.draw(st.sets(st.integers(0, rows), max_size=9)) | {0, rows})
    parts = pa.concat_tables([whole.slice(a, b - a) for a, b in itertools.pairwise(ends)])
    bytes_of = {
        normcli.write(normcli.fit(x, "decorrelate", columns=["a", "n"], block_size=block, threads=1))
        for x in (whole, parts, Exporter(parts))
    }
    assert len(bytes_of) == 1


@pytest.mark.parametrize("rows", [1, 64, 140, 300])
def test_tables_that_follow_each_other_are_row_groups(rows: int) -> None:
    """More of them than a segment has, too."""
    data = table(300)
    expected = normcli.write(normcli.fit(parquet(data, rows=rows), "zscore", block_size=70))
    batches = data.combine_chunks().to_batches(rows)
    reader = pa.RecordBatchReader.from_batches(data.schema, batches)
    several: list[Any] = [batches, tuple(slices(data, rows)), slices(data, rows), reader]
    assert {normcli.write(normcli.fit(x, "zscore", block_size=70)) for x in several} == {expected}


@pytest.mark.parametrize("kind", ["pyarrow", "polars", "exporter"])
def test_a_long_table_ends_segments_where_pyarrow_ends_row_groups(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from normcli.formats._memory import reader, tables

    for module in (reader, tables):
        monkeypatch.setattr(module, "GROUP", 64)
    data = table(500)
    expected = normcli.write(normcli.fit(parquet(data, rows=64), "zscore", columns="a", block_size=3))
    fitted = normcli.fit(KINDS[kind](data), "zscore", columns="a", block_size=3)
    assert fitted.steps[0].states == normcli.read(expected).steps[0].states


def test_a_matrix_has_columns_of_numbers() -> None:
    x = np.random.default_rng(1).normal(size=(500, 3))
    expected = normcli.write(normcli.fit(pa.table({f"x{j}": x[:, j] for j in range(3)}), "whiten"))
    layouts = [x, np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], x.astype(">f8")]
    assert {normcli.write(normcli.fit(layout, "whiten")) for layout in layouts} == {expected}


def test_all_that_a_fit_of_files_can_do() -> None:
    data = table()
    name = parquet(data)
    options: list[dict[str, Any]] = [
        {"by": "site", "columns": "a"}, {"weights": "n", "columns": "a", "exclude": "n"}, {"columns": ["a", "b"]},
        {"quantiles": (0.1, 0.9), "exact": True, "method": "robust"},
    ]  # fmt: skip
    data = data.set_column(3, "n", pa.array(np.abs(data.column("n").to_numpy())))
    name = parquet(data)
    for option in options:
        method = option.get("method", "zscore")
        more = {n: v for n, v in option.items() if n != "method"}
        assert normcli.write(normcli.fit(data, method, **more)) == normcli.write(normcli.fit(name, method, **more))


def test_an_update_counts_the_same_rows_once() -> None:
    half = [table(seed=1), table(seed=2)]
    normcli.fit(half[0], "zscore", params="p.json")
    both = normcli.fit(half[1], "zscore", params="p.json", update=True)
    files = [parquet(half[0], "0.parquet"), parquet(half[1], "1.parquet")]
    assert normcli.write(both) == normcli.write(normcli.fit(files, "zscore"))
    assert normcli.write(normcli.fit(half[1], "zscore", params="p.json", update=True)) == normcli.write(both)


def test_steps_go_on_with_a_file_of_the_same_steps() -> None:
    half = [table(seed=1), table(seed=2)]
    steps = [normcli.PlanStep(Asinh(), ("a",)), normcli.PlanStep(ZScore(), ("a", "n"))]
    normcli.fit(half[0], steps, params="p.json")
    both = normcli.fit(half[1], steps, params="p.json", update=True)
    files = [parquet(half[0], "0.parquet"), parquet(half[1], "1.parquet")]
    assert normcli.write(both) == normcli.write(normcli.fit(files, steps))
    for other in (steps[:1], [steps[0], normcli.PlanStep(ZScore(ddof=1), ("a", "n"))]):
        with pytest.raises(UsageError, match=r"^plan: .*p.json.* \(`plan` may be left out\)"):
            normcli.fit(half[1], other, params="p.json", update=True)


# -- what comes out ----------------------------------------------------------------------------------------------
@every_kind
@pytest.mark.parametrize("method", ["zscore", "decorrelate"])
def test_a_table_comes_out_as_the_kind_that_it_was(kind: str, method: str) -> None:
    data = KINDS[kind](table())
    params = normcli.fit(table(), method)
    normcli.apply(params, parquet(table()), "z.parquet")
    expected = pq.read_table("z.parquet")
    result = normcli.apply(params, data)
    assert type(result) is (pa.Table if kind in ("duckdb", "exporter") else type(data))
    assert arrow(result).column_names == expected.column_names
    normalized = [n for n in expected.column_names if n != "site"]
    np.testing.assert_array_equal(numbers(result, normalized), numbers(expected, normalized))
    assert arrow(result).column("site").to_pylist() == table().column("site").to_pylist()
    restored = normcli.apply(params, result, inverse=True)
    assert type(restored) is type(result)
    assert arrow(restored).column_names == table().column_names
    original = numbers(table(), NAMES)
    whole = np.isfinite(original).all(axis=1) if method == "decorrelate" else np.full(3000, True)
    np.testing.assert_allclose(numbers(restored, NAMES)[whole], original[whole], rtol=1e-9, atol=1e-9)
    assert arrow(restored).schema.field("n").type == pa.int64() or method == "decorrelate"


def test_columns_that_pass_are_shared() -> None:
    data = table()
    result = normcli.apply(normcli.fit(data, "zscore", columns="a"), data)
    assert result.column("b").chunk(0).buffers()[1].address == data.column("b").chunk(0).buffers()[1].address
    matrix = np.asfortranarray(np.random.default_rng(0).normal(size=(9, 2)))
    assert normcli.apply(normcli.fit(matrix, "center"), matrix).flags.f_contiguous


def test_a_dataframe_of_pandas_keeps_its_index_its_labels_and_its_families_of_types() -> None:
    index = pd.MultiIndex.from_product([["p", "q"], [1, 2]], names=["k", "i"])
    columns = pd.Index([0, "s", "when", "w"], name="field")
    rows = [[1.0, "u", pd.Timestamp(2020, 1, i), i] for i in range(1, 5)]
    data = pd.DataFrame(rows, index=index, columns=columns).astype({0: "Float64", "w": "int64[pyarrow]"})
    data.iloc[2, 0] = pd.NA
    data[0] = data[0] * [1.0, 2.0, 3.0, 4.0]
    data.attrs["source"] = "x"
    params = normcli.fit(data, "center")
    result = normcli.apply(params, data)
    assert result.index is data.index or result.index.equals(data.index)
    assert list(result.columns) == list(data.columns)
    assert result.columns.name == "field"
    assert result.attrs == {"source": "x"}
    assert [str(kind) for kind in result.dtypes] == ["Float64", *map(str, data.dtypes[1:3]), "double[pyarrow]"]
    assert result[0].isna().tolist() == [False, False, True, False]
    restored = normcli.apply(params, result, inverse=True)
    pd.testing.assert_frame_equal(restored, data)


def test_what_is_written_to_a_file_is_that_of_the_parquet_file() -> None:
    data = table()
    params = normcli.fit(data, "zscore")
    for suffix in ("csv", "parquet", "arrow", "ndjson"):
        normcli.apply(params, parquet(data), f"file.{suffix}")
        for k, x in enumerate((data, pl.from_arrow(data), slices(data, 700))):
            assert normcli.apply(params, x, f"{k}.{suffix}").rows_out == 3000
        if suffix in ("csv", "ndjson"):
            assert {Path(f"{k}.{suffix}").read_bytes() for k in range(3)} == {Path(f"file.{suffix}").read_bytes()}
    for k in range(3):
        assert arrow(pl.read_parquet(f"{k}.parquet")).equals(arrow(pl.read_parquet("file.parquet")))
    normcli.fit(data, "zscore", params="p.json", output="both.parquet")
    assert pq.read_table("both.parquet").equals(pq.read_table("file.parquet"))


@pytest.mark.parametrize("method", ["zscore", "batch"])
def test_an_iterator_gives_one_table_for_each(method: str) -> None:
    """Also where rows are normalized in whole batches, which no table respects; those without a row among them."""
    data = table(2000)
    params = normcli.fit(data, method)
    expected = normcli.apply(params, data, training=method == "batch")
    sizes = [0, 1, 255, 0, 300, 700, 744, 0]
    ends = np.cumsum([0, *sizes])
    parts = [data.slice(a, n) for a, n in zip(ends[:-1].tolist(), sizes, strict=True)]
    kinds = [pl.from_arrow, pa.Table.to_pandas, lambda part: part, Exporter]
    mixed = [kinds[k % 4](part) for k, part in enumerate(parts)]
    results = normcli.apply(params, iter(mixed), training=method == "batch")
    assert iter(results) is results
    results = list(results)
    assert [len(arrow(x)) for x in results] == sizes
    types = [type(x) for x in mixed]
    assert [type(x) for x in results] == [pa.Table if t is Exporter else t for t in types]
    np.testing.assert_array_equal(np.vstack([numbers(x, NAMES) for x in results]), numbers(expected, NAMES))
    several = normcli.apply(params, mixed, training=method == "batch")
    assert isinstance(several, list)
    assert [type(x) for x in several] == [type(x) for x in results]


def test_plans_keys_suffixes_and_single_columns() -> None:
    data = table()
    name = parquet(data)
    steps = [normcli.PlanStep(ZScore(), ("a", "b")), normcli.PlanStep(Asinh(), ("a",))]
    fits: list[normcli.Parameters] = [normcli.fit(data, steps), normcli.fit(data, "zscore", by="site")]
    for params in fits:
        for options in ({}, {"column_suffix": "_z"}, {"only": True}, {"dtype": "float32"}):
            normcli.apply(params, name, "z.parquet", **options)  # type: ignore[arg-type]
            assert (
                normcli.apply(params, data, **options)
                .cast(pq.read_schema("z.parquet"))
                .equals(pq.read_table("z.parquet"))
            )  # type: ignore[arg-type]


def test_a_table_of_arrow_says_that_it_was_normalized() -> None:
    data = table()
    params = normcli.fit(data, "zscore")
    result = normcli.apply(params, data)
    with pytest.raises(BadDataError, match="<memory>: is normalized by these parameters already"):
        normcli.apply(params, result)
    assert normcli.apply(params, result, inverse=True).schema.metadata in (None, {})


def test_describe_and_check_read_tables() -> None:
    data = table()
    name = parquet(data)
    assert normcli.describe(data).columns == normcli.describe(name).columns
    assert normcli.describe(slices(data, 100)).rows == 3000
    params = normcli.fit(data, "zscore")
    assert not normcli.check(params, pl.from_arrow(data)).drift
    far = data.set_column(0, "a", pa.array(np.full(3000, 99.0)))
    assert normcli.check(params, far).drift
    with pytest.raises(DriftError):
        normcli.apply(params, far, check=True)
    with pytest.raises(UsageError, match="`check` can't be had"):
        normcli.apply(params, slices(far, 100), check=True)
    with pytest.warns(normcli.NormcliWarning, match="drift"):
        assert len(list(normcli.apply(params, slices(far, 1000), check="warn"))) == 3


# -- iterators ---------------------------------------------------------------------------------------------------
def endless() -> Iterator[pa.Table]:
    while True:
        yield table(500)


def test_an_iterator_is_read_as_it_is_taken_from() -> None:
    taken = 0

    def counted() -> Iterator[pa.Table]:
        nonlocal taken
        for part in endless():
            taken += 1
            yield part

    results = normcli.apply(normcli.fit(table(), "zscore"), counted(), threads=2)
    for _ in range(3):
        next(results)
    assert taken <= 3 + 4
    results.close()
    with pytest.raises(StopIteration):
        next(results)


@pytest.mark.parametrize("method", ["zscore", "batch"])
def test_one_that_is_abandoned_leaves_no_thread(method: str) -> None:
    params, before = normcli.fit(table(), method), threading.active_count()
    for end in (lambda results: results.close(), lambda results: None):
        results = normcli.apply(params, endless(), threads=2)
        next(results)
        end(results)
        del results
        gc.collect()
    assert threading.active_count() <= before


def test_a_cursor_is_read_by_the_thread_that_owns_it() -> None:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table t (a real, b real)")
        connection.executemany("insert into t values (?, ?)", [(i / 7, i * i) for i in range(5000)])

        def batches() -> Iterator[np.ndarray[Any, Any]]:
            cursor = connection.execute("select a, b from t")
            while rows := cursor.fetchmany(1000):
                yield np.array(rows)

        params = normcli.fit(batches(), "zscore")
        result = np.vstack(list(normcli.apply(params, batches())))
    assert params.rows == 5000
    np.testing.assert_allclose(result.mean(0), 0, atol=1e-12)
    connection.close()


def test_memory_that_is_used_again_does_not_change_what_was_read() -> None:
    rng, buffer = np.random.default_rng(3), np.empty((1000, 2))
    parts = [rng.normal(size=(1000, 2)) for _ in range(20)]

    def refilled() -> Iterator[np.ndarray[Any, Any]]:
        for part in parts:
            buffer[:] = part
            yield buffer

    params = normcli.fit(refilled(), "zscore")
    assert normcli.write(params) == normcli.write(normcli.fit(parts, "zscore"))
    for result, expected in zip(normcli.apply(params, refilled()), normcli.apply(params, parts), strict=True):
        np.testing.assert_array_equal(result, expected)


class OopsError(Exception):
    pass


def test_what_an_iterator_raises_reaches_whoever_takes_results() -> None:
    def failing() -> Iterator[pa.Table]:
        yield table(700)
        yield table(700)
        raise OopsError

    with pytest.raises(OopsError):
        normcli.fit(failing(), "zscore", params="p.json")
    assert not Path("p.json").exists()
    results = normcli.apply(normcli.fit(table(), "zscore"), failing())
    assert len(next(results)) == len(next(results)) == 700
    with pytest.raises(OopsError):
        next(results)


def test_a_bad_value_is_called_by_its_row() -> None:
    parts = [table(700), table(700).set_column(0, "a", pa.array([1.0] * 5 + [np.inf] * 695))]
    for call in (
        lambda: normcli.fit(iter(parts), "zscore"),
        lambda: list(normcli.apply(normcli.fit(table(), "zscore"), iter(parts))),
    ):
        with pytest.raises(BadDataError, match=r"<memory>: row 706: .*'a'"):
            call()


@pytest.mark.parametrize("kind", ["numpy", "pandas", "polars", "pyarrow"])
def test_a_few_rows_begin_no_thread_and_take_few_calls(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that normalizes row by row waits for neither: 25 ms became 2. Calls are counted, as clocks differ."""
    matrix = np.random.default_rng(1).normal(size=(9, 16))
    frame = pd.DataFrame(matrix, columns=[f"x{j}" for j in range(16)])
    data = {"numpy": matrix, "pandas": frame, "polars": pl.DataFrame(frame), "pyarrow": pa.Table.from_pandas(frame)}[
        kind
    ]
    params, row = normcli.fit(data, "zscore"), data[:1]
    expected = normcli.apply(params, row)
    calls = 0

    def count(*_: Any) -> None:
        nonlocal calls
        calls += 1

    monkeypatch.setattr(threading.Thread, "start", None)
    sys.setprofile(count)
    try:
        result = normcli.apply(params, row)
    finally:
        sys.setprofile(None)
    assert np.array_equal(np.asarray(result), np.asarray(expected))
    assert calls < 20_000  # with those into C, and the returns


def test_what_becomes_of_no_table_is_none(tmp_path: Path) -> None:
    """As of a table without rows; but nothing is learned, compared or written to a file of no table at all."""
    params = normcli.fit(table(9), "zscore")
    assert normcli.apply(params, []) == []
    assert not list(normcli.apply(params, iter([])))
    assert next(normcli.apply(params, (t for t in ())), None) is None
    assert normcli.apply(params, table(0)).num_rows == 0
    for call in (
        lambda: normcli.fit([], "zscore"),
        lambda: normcli.fit(iter([]), "zscore"),
        lambda: normcli.check(params, []),
        lambda: normcli.describe([]),
        lambda: normcli.report(params, []),
        lambda: normcli.apply(params, [], tmp_path / "z.csv"),
    ):
        with pytest.raises(UsageError, match="no input is named"):
            call()
    with pytest.raises(UsageError, match="is for text"):  # what makes no sense is refused all the same
        normcli.apply(params, [], precision=3)


def test_batches_of_a_lazy_frame_are_a_table_that_is_not_in_memory() -> None:
    query = pl.LazyFrame({"a": np.arange(300.0)})
    with pytest.raises(UsageError, match=r"collect\(\) makes a DataFrame of it, collect_batches\(\) several"):
        normcli.fit(query, "zscore")
    params = normcli.fit(query.collect_batches(maintain_order=True), "zscore")
    assert params.steps == normcli.fit(query.collect(), "zscore").steps


def test_what_needs_several_passes_takes_what_can_be_read_again() -> None:
    params = normcli.fit([table(700), table(700)], "robust", exact=True)
    assert params.rows == 1400
    with pytest.raises(UsageError, match="an iterator gives them once"):
        normcli.fit(iter([table(700)]), "robust", exact=True)


# -- columns that Arrow can't hold -------------------------------------------------------------------------------
OPAQUE = {
    "mixed": pd.DataFrame({"a": [1.0, 2.0, 4.0], "o": [1, "x", None]}),
    "objects": pd.DataFrame({"a": [1.0, 2.0, 4.0], "o": [object(), object(), object()]}),
    "complex": pd.DataFrame({"a": [1.0, 2.0, 4.0], "o": [1j, 2j, 3j]}),
    "sparse": pd.DataFrame({"a": [1.0, 2.0, 4.0], "o": pd.arrays.SparseArray([0, 0, 1])}),
    "polars objects": pl.DataFrame({"a": [1.0, 2.0, 4.0], "o": pl.Series([object()] * 3, dtype=pl.Object)}),
    "polars integers": pl.DataFrame({"a": [1.0, 2.0, 4.0], "o": pl.Series([1, 2, 3], dtype=pl.Int128)}),
}
every_opaque = pytest.mark.parametrize("data", OPAQUE.values(), ids=OPAQUE)


@every_opaque
@pytest.mark.parametrize("many", [False, True])
def test_what_arrow_cannot_hold_is_left_out_with_a_warning_and_passes_as_it_is(data: Any, many: bool) -> None:
    with pytest.warns(normcli.NormcliWarning, match="column 'o' can't be read: .*; it is left out"):
        params = normcli.fit(data, "zscore")
    assert params.steps == normcli.fit(data[["a"]], "zscore").steps
    results = list(normcli.apply(params, iter([data, data]))) if many else [normcli.apply(params, data)]
    for result in results:
        assert list(result["o"]) == list(data["o"])
        assert result["o"].dtype == data["o"].dtype
        assert list(result["a"]) == list(normcli.apply(params, data[["a"]])["a"])
    assert not normcli.check(params, data, min_rows=1).drift


@every_opaque
def test_what_arrow_cannot_hold_is_refused_by_name_where_it_is_wanted(data: Any) -> None:
    params = normcli.fit(data, "zscore", columns="a")  # which wants none of it, and warns of nothing
    options: Any
    for options in ({"columns": "o"}, {"columns": "a", "by": "o"}, {"columns": "a", "weights": "o"}):
        with pytest.raises(BadDataError, match=r"column 'o' (can't be read|is not numeric)"):
            normcli.fit(data, "zscore", **options)
    for suffix in ("csv", "parquet", "ndjson"):
        with pytest.raises(BadDataError, match=f"{suffix} has no place for column o .*only.* leaves it out"):
            normcli.apply(params, data, f"z.{suffix}")
        with pytest.raises(BadDataError, match=f"{suffix} has no place for column o"):
            normcli.fit(data, "zscore", columns="a", params="p.json", output=f"z.{suffix}")
    assert not list(Path().iterdir())
    normcli.apply(params, data, "z.parquet", only=True)
    assert pq.read_table("z.parquet").column_names == ["a"]
    keyed = normcli.fit(pa.table({"a": [1.0, 2.0], "o": ["x", "y"]}), "zscore", by="o")
    for output in (None, "y.parquet"):
        with pytest.raises(BadDataError, match="column 'o'"):
            normcli.apply(keyed, data, output, only=True)


@every_opaque
def test_a_profile_leaves_out_what_arrow_cannot_hold(data: Any) -> None:
    with pytest.warns(normcli.NormcliWarning, match="column 'o' can't be read"):
        assert [c.column for c in normcli.describe(data).columns] == ["a"]
    assert [c.column for c in normcli.describe(data, exclude="o").columns] == ["a"]
    with pytest.raises(BadDataError, match="column 'o' can't be read"):
        normcli.describe(data, columns="o")


# -- what is refused ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([table(9), "a.csv"], "<memory>: str is no table"),
        ([table(9), table(9).drop(["a"])], "<memory>: table 2 lacks column 'a'"),
        ([table(9).drop(["a"]), table(9)], "<memory>: table 2 has column 'a'"),
        ([table(9), table(9).set_column(0, "a", pa.array(["u"] * 9))], "'u' in column 'a' is no double"),
        (np.zeros(3), "an array of 1 dimensions"),
        (np.zeros((2, 2), object), "an array of object"),
        (np.zeros(3, [("a", "f8"), ("b", "f8")]), "a structured array, and a matrix has no names"),
        (np.ma.masked_less(np.arange(4.0).reshape(2, 2), 1), "a masked array"),
        (pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]), "two columns are called 'a'"),
        (pl.DataFrame({"a": [1]}, {"a": pl.Int128}), "no numeric column is selected; the columns are a"),
        (pd.Series([1.0, 2.0]), "a Series is a column, and no table"),
        (pl.Series([1.0, 2.0]), "a Series is a column, and no table"),
        (Exporter(pa.chunked_array([[1.0]])), "Exporter exports no table"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_in_words(data: Any, message: str) -> None:
    with pytest.raises(BadDataError, match=message.replace("(", r"\(")):
        normcli.fit(data, "zscore")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"from_": "csv"}, "`from_` is for files"),
        ({"to": "csv"}, "`to` is for files"),
        ({"on_bad_row": "skip"}, "`on_bad_row='skip'` is for text"),
        ({"format_options": {"delimiter": ";"}}, "what is used here is arrows"),
        ({"resume": True}, "`resume`"),
        ({"precision": 3}, "`precision` is for text, and tables in memory hold numbers"),
        ({"engine": "dask", "scheduler": "tcp://127.0.0.1:1"}, "<memory> can be read here alone"),
        ({"output": "z/"}, "data in memory have no name that a file in z/ could have"),
    ],
)
def test_options_of_files_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        normcli.apply(normcli.fit(table(), "zscore"), table(), **options)


def test_what_is_no_table_yet_is_refused() -> None:
    for data in (pl.LazyFrame({"a": [1.0]}), {"a": [1.0]}):
        with pytest.raises(UsageError, match="is no table in memory"):
            normcli.fit(data, "zscore")
    with pytest.raises(UsageError, match="neither a path nor a table, nor several"):
        normcli.fit(7, "zscore")
    params = normcli.fit(table(), "zscore")
    for function in (normcli.apply, normcli.check):
        with pytest.raises(UsageError, match=r"params: .* is neither Parameters nor the path of a file") as caught:
            function(table(), params)  # type: ignore[arg-type]
        assert len(str(caught.value)) < 400
    with pytest.raises(UsageError, match=r"input: Parameters.* is neither a path nor a table") as caught:
        normcli.apply(params, params)
    assert len(str(caught.value)) < 400
    for inverse in (False, True):
        with pytest.raises(BadDataError, match="no column is called"):
            normcli.apply(normcli.fit(table(), "zscore"), table().drop(["a"]), inverse=inverse)


def test_whole_numbers_of_pandas_with_missing_ones_come_back() -> None:
    data = pd.DataFrame({"i": pd.array([1, 2, None, 4], dtype="Int64"), "u": np.arange(4, dtype="u1")})
    params = normcli.fit(data, "zscore")
    result = normcli.apply(params, data)
    assert [str(kind) for kind in result.dtypes] == ["Float64", "float64"]
    pd.testing.assert_frame_equal(normcli.apply(params, result, inverse=True), data)


def test_files_need_an_output_and_an_iterable_a_table() -> None:
    with pytest.raises(UsageError, match="output is missing"):
        normcli.apply(normcli.fit(table(), "zscore"), parquet(table()))
    for nothing in ([], iter([])):
        with pytest.raises(UsageError, match="no input is named"):
            normcli.fit(nothing, "zscore")
    with pytest.raises(NotInvertibleError):
        normcli.apply(normcli.fit(table(), "unit"), table(), inverse=True)
    with pytest.raises(NormcliError, match="no rows"):
        normcli.fit(table(0), "zscore")
    assert len(normcli.apply(normcli.fit(table(), "zscore"), table(0))) == 0


@pytest.mark.parametrize(
    "options",
    [
        {"columns": "a"}, {"exclude": "n", "column_suffix": "_z"}, {"fill": 0.0}, {"limit": (-1.0, 1.0)},
        {"drop_constant": True}, {"inverse": True, "columns": "a"}, {"unseen": "pass"}, {"training": True},
    ],
)  # fmt: skip
def test_every_option_of_apply_is_that_of_files(options: dict[str, Any]) -> None:
    data = table().append_column("same", pa.array(np.ones(3000)))
    params = normcli.fit(data, "batch" if "training" in options else "zscore", by="site" if "unseen" in options else ())
    normcli.apply(params, parquet(data), "z.parquet", **options)
    expected = pq.read_table("z.parquet")
    assert normcli.apply(params, data, **options).cast(expected.schema).equals(expected)
    results = list(normcli.apply(params, slices(data, 600), **options))
    assert pa.concat_tables(results).cast(expected.schema).equals(expected)


def test_a_report_shows_a_table_beside_the_fit() -> None:
    data = table()
    params = normcli.fit(data, "zscore")
    far = data.set_column(0, "a", pa.array(np.full(3000, 99.0)))
    assert normcli.report(params, far) != normcli.report(params)
