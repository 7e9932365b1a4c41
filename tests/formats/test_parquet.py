"""Parquet through fit, apply and back: types, what passes through, damage, shapes of files."""

import datetime
import io
import json
import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from normcli import api, pipeline
from normcli.columns.arrow_frame import ArrowFrame
from normcli.errors import BadDataError
from normcli.formats import parquet as parquet_format
from normcli.formats._binary import row_groups
from normcli.io.sources import Source
from normcli.methods.center import Center
from normcli.methods.decorrelate import Decorrelate
from normcli.methods.maxabs import MaxAbs
from normcli.methods.zscore import ZScore
from normcli.parameters import FrameTransform, Parameters
from normcli.parameters import file as params
from tests.conftest import longer
from tests.formats.conftest import in_memory, normcli, params_of, pipe_path, through_pipe
from tests.tables import table_of, write

INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
FLOATS = [pa.float16(), pa.float32(), pa.float64()]
DECIMALS = [pa.decimal128(5, 2), pa.decimal128(18, 0), pa.decimal256(40, 3)]
EPSILON = {pa.float16(): 2e-3, pa.float32(): 3e-7, pa.float64(): 1e-15}


def reader(data: bytes | Source) -> parquet_format.Reader:
    source = data if isinstance(data, Source) else in_memory(data, "t.parquet")
    return parquet_format.Reader(source, parquet_format.Options())


def read(data: bytes | Source) -> pa.Table:
    """All of a file, as we read it. Raises BadDataError."""
    return table_of(reader(data))


def written(table: pa.Table, path: Path, **options: Any) -> Path:
    pq.write_table(table, path, **options)
    return path


def kinds(column: pa.ChunkedArray) -> list[str]:
    return ["null" if v is None else "nan" if math.isnan(v) else "number" for v in column.to_pylist()]


def there_and_back(table: pa.Table, folder: Path, method: Any = None, **options: Any) -> tuple[pa.Table, pa.Table]:
    """A table normalized, and restored from that."""
    given, made, back = folder / "given.parquet", folder / "made.parquet", folder / "back.parquet"
    written(table, given)
    plan = api.fit(given, method or ZScore(), **options)
    api.apply(plan, given, made)
    api.apply(plan, made, back, inverse=True)
    return pq.read_table(made), pq.read_table(back)


# -- numbers -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", INTEGERS, ids=str)
def test_integers(kind: pa.DataType, folder: Path) -> None:
    limits = np.iinfo(kind.to_pandas_dtype())
    large = [int(limits.min), int(limits.max)] if kind.bit_width < 64 else [1 << 52, 5 - (1 << 52) * (limits.min < 0)]
    table = pa.table({"x": pa.array([*large, None, 7, 0], kind), "whole": pa.array([3, 1, 2, 5, 4], kind)})
    for method in (ZScore(), MaxAbs()):
        made, back = there_and_back(table, folder, method)
        assert made.schema.types == [pa.float64(), pa.float64()]
        assert made["x"].null_count == 1
        assert made["whole"].null_count == 0
        assert back.equals(table)
    values = np.array([*large, 7, 0], float)
    expected = values / np.abs(values).max()
    assert made["x"].drop_null().to_pylist() == pytest.approx(expected.tolist(), rel=1e-15)


@pytest.mark.parametrize("kind", FLOATS, ids=str)
def test_floats(kind: pa.DataType, folder: Path) -> None:
    """float32 stays float32; null stays null, and NaN stays NaN."""
    values = np.array([1.5, -2.25, 1000.0, 0.125], kind.to_pandas_dtype())
    nan = kind.to_pandas_dtype()("nan")
    columns = {"x": [*values[:2], None, nan, *values[2:]], "y": [1, None, nan, None, 2, 3]}
    table = pa.table({n: pa.array(c, kind) for n, c in columns.items()})
    made, back = there_and_back(table, folder)
    assert made.schema.types == [pa.float32() if kind == pa.float32() else pa.float64()] * 2
    assert back.schema.types == [kind] * 2
    exact = values.astype(np.float64)
    expected = (exact - exact.mean()) / exact.std()
    assert [v for v in made["x"].to_pylist() if v is not None and not math.isnan(v)] == pytest.approx(
        expected.tolist(), rel=max(EPSILON[kind] if kind == pa.float32() else 0.0, 1e-14)
    )
    for out in (made, back):
        for name in ("x", "y"):
            assert kinds(out[name]) == kinds(table[name])
    restored = np.array([v for v in back["x"].to_pylist() if v is not None and not math.isnan(v)], np.float64)
    assert np.abs(restored - exact).max() <= 1000 * EPSILON[kind]


@pytest.mark.parametrize("kind", DECIMALS, ids=str)
def test_decimals(kind: pa.DataType, folder: Path) -> None:
    step = Decimal(1).scaleb(-kind.scale)
    values = [step * 123, None, step * -45, step * 99_999, Decimal(0)]
    table = pa.table({"x": pa.array(values, kind)})
    made, back = there_and_back(table, folder)
    assert made.schema.types == [pa.float64()]
    assert back.equals(table)
    exact = np.array([float(v) for v in values if v is not None])
    expected = (exact - exact.mean()) / exact.std()
    assert made["x"].drop_null().to_pylist() == pytest.approx(expected.tolist(), rel=1e-14)


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.decimal128(5, 2)], ids=str)
def test_what_does_not_fit_the_original_type_is_refused(kind: pa.DataType, folder: Path) -> None:
    """Restoring other data than what was made: never a wrong number in silence."""
    small = [Decimal("1.5"), Decimal("3.5")] if pa.types.is_decimal(kind) else np.array([1, 3], kind.to_pandas_dtype())
    given = written(pa.table({"x": pa.array(small, kind)}), folder / "small.parquet")
    plan = api.fit(given, Center())
    far = written(pa.table({"x": [0.0, 1.0, 1e300 if kind == pa.float32() else 1e30]}), folder / "far.parquet")
    output = folder / "refused.parquet"
    with pytest.raises(BadDataError, match=r"row 3: the result in column 'x' is beyond"):
        api.apply(plan, far, output, inverse=True)
    assert not output.exists()


def test_an_infinite_value_is_refused_with_its_row_and_column(folder: Path) -> None:
    values = [1.0] * 10 + [math.inf] + [2.0] * 10
    given = written(pa.table({"y": [0.5] * 21, "x": values}), folder / "inf.parquet", row_group_size=4)
    for size in (None, 3):
        with pytest.raises(BadDataError, match=r"inf\.parquet: row 11: infinite value in column 'x'"):
            api.fit(given, ZScore(), block_size=size)
    plan = api.fit(given, MaxAbs(), infinite="missing")
    assert plan.steps[0].summary()["missing"].tolist() == [0, 1]
    api.apply(plan, given, folder / "made.parquet", infinite="missing")
    assert pq.read_table(folder / "made.parquet")["x"].to_pylist() == [0.5] * 10 + [None] + [1.0] * 10


def test_float32_is_measured_as_float64(folder: Path) -> None:
    values = np.random.default_rng(0).normal(1e6, 1, 999).astype(np.float32)
    given = written(pa.table({"x": values}), folder / "f.parquet")
    said = api.fit(given, ZScore()).steps[0].summary()
    assert said["std"][0] == pytest.approx(values.astype(np.float64).std(), rel=1e-14)


def test_a_result_beyond_float32_is_refused(folder: Path) -> None:
    given = written(pa.table({"x": pa.array([1e-30, 2e-30], pa.float32())}), folder / "f.parquet")
    plan = api.fit(given, MaxAbs())
    far = written(pa.table({"x": pa.array([1e-30, 3e38], pa.float32())}), folder / "far.parquet")
    with pytest.raises(BadDataError, match=r"row 2: the result in column 'x' is beyond float32"):
        api.apply(plan, far, folder / "made.parquet")


# -- what passes through -----------------------------------------------------------------------------------------
def everything() -> pa.Table:
    """Columns of all sorts, with metadata."""
    moment = datetime.datetime(2024, 2, 29, 12, 30, 1, 2)
    columns: dict[str, pa.Array] = {
        "x": pa.array([1.0, 2.0, 4.0]),
        "words": pa.array(["b", "a", "b"]).dictionary_encode(),
        "text": pa.array(["x", None, ""]),
        "large": pa.array(["x", None, ""], pa.large_string()),
        "bytes": pa.array([b"\0", None, b""]),
        "truth": pa.array([True, None, False]),
        "date": pa.array([moment.date(), None, moment.date()]),
        "time": pa.array([moment, None, moment], pa.timestamp("us", tz="Europe/Berlin")),
        "span": pa.array([1, None, 3], pa.duration("ms")),
        "list": pa.array([[1], None, [2, None]]),
        "struct": pa.array([{"x": 1.0, "y": "a"}, None, {"x": None, "y": "b"}]),
        "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())),
        "nothing": pa.nulls(3),
        "last": pa.array([1, None, 3], pa.int8()),
    }
    fields = [pa.field(n, c.type, metadata={"about": f"{n} é"}) for n, c in columns.items()]
    return pa.table(list(columns.values()), pa.schema(fields, {"origin": "a test", "": "no key"}))


def test_what_is_not_selected_passes_through_in_place(folder: Path) -> None:
    table = everything()
    written(table, folder / "given.parquet")
    table = pq.read_table(folder / "given.parquet")  # as Parquet keeps it
    made, back = there_and_back(table, folder, columns=["x"])
    for out in (made, back):
        assert out.schema.names == table.schema.names
        for name in table.schema.names[1:]:
            assert out[name].equals(table[name])
            assert out.schema.field(name).equals(table.schema.field(name), check_metadata=True)
        assert {k: v for k, v in out.schema.metadata.items() if k != b"normcli"} == table.schema.metadata
    assert b"normcli" not in back.schema.metadata
    assert back["x"].equals(table["x"])


def test_columns_that_are_no_numbers_are_not_selected(folder: Path) -> None:
    given = written(everything(), folder / "given.parquet")
    assert api.fit(given, Center()).steps[0].columns == ("x", "last")
    for name in ("words", "text", "truth", "date", "time", "span", "list", "struct", "map", "bytes"):
        with pytest.raises(BadDataError, match=f"column '{name}' is not numeric"):
            api.fit(given, Center(), columns=[name])
    plan = api.fit(given, Center(), columns=["x"])
    renamed = everything().rename_columns(["y", "x", *everything().schema.names[2:]])
    with pytest.raises(BadDataError, match="column 'x' is not numeric but "):
        api.apply(plan, written(renamed, folder / "renamed.parquet"), folder / "made.parquet")


def test_columns_are_matched_by_name(folder: Path) -> None:
    table = pa.table({"a": [1.0, 3.0], "t": ["x", "y"], "b": [10.0, 30.0]})
    plan = api.fit(written(table, folder / "given.parquet"), Center())
    other = table.select(["b", "t", "a"]).append_column("c", pa.array([5.0, 6.0]))
    api.apply(plan, written(other, folder / "other.parquet"), folder / "made.parquet")
    assert pq.read_table(folder / "made.parquet").to_pydict() == {
        "b": [-10.0, 10.0],
        "t": ["x", "y"],
        "a": [-1.0, 1.0],
        "c": [5.0, 6.0],
    }
    with pytest.raises(BadDataError, match="no column is called b"):
        api.apply(plan, written(table.select(["a"]), folder / "less.parquet"), folder / "made.parquet")


@pytest.mark.parametrize("name", ["a.b", "", "*", "^.*$", "a b", "é\n", '"', "a,b", "a.b.c", "normcli"])
def test_any_name_may_be_selected(name: str, folder: Path) -> None:
    """A dot means a field within a struct to pyarrow, a star all columns to polars."""
    table = pa.table({"a": [{"b": 7.5}, {"b": 8.5}], name: [1.0, 3.0], "z": [5.0, 6.0]})
    plan = api.fit(written(table, folder / "given.parquet"), Center(), columns=[name])
    assert plan.steps[0].columns == (name,)
    api.apply(plan, folder / "given.parquet", folder / "made.parquet")
    made = pq.read_table(folder / "made.parquet")
    assert made.schema.names == table.schema.names
    assert made[name].to_pylist() == [-1.0, 1.0]
    assert made["z"].to_pylist() == [5.0, 6.0]
    assert made["a"].equals(table["a"])


def test_a_name_twice_is_refused() -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], ["a", "a"]), sink)
    with pytest.raises(BadDataError, match="two columns are called 'a'"):
        read(sink.getvalue().to_pybytes())


# -- shapes ------------------------------------------------------------------------------------------------------
def grouped(table: pa.Table, sizes: Sequence[int], path: Path) -> Path:
    """A file with row groups of these sizes, 0 too."""
    with pq.ParquetWriter(path, table.schema) as writer:
        at = 0
        for size in sizes:
            writer.write_table(table.slice(at, size), row_group_size=max(size, 1))
            at += size
    assert at == table.num_rows
    return path


SHAPES = {
    "one": [100],
    "ones": [1] * 100,
    "odd": [7, 1, 50, 2, 40],
    "empty": [0, 30, 0, 0, 70, 0],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [None, 3])
def test_row_groups_of_any_size(shape: str, size: int | None, folder: Path) -> None:
    rng = np.random.default_rng(7)
    table = pa.table({"x": rng.normal(5, 2, 100), "t": [f"t{i}" for i in range(100)]})
    given = grouped(table, SHAPES[shape], folder / "shape.parquet")
    plan = api.fit(given, ZScore(), block_size=size)
    assert plan.rows == 100
    x = table["x"].to_numpy()
    assert plan.steps[0].summary()["mean"][0] == pytest.approx(x.mean(), rel=1e-14)
    assert plan.steps[0].summary()["std"][0] == pytest.approx(x.std(), rel=1e-14)
    api.apply(plan, given, folder / "made.parquet", block_size=size)
    made = pq.read_table(folder / "made.parquet")
    assert made["t"].equals(table["t"])
    assert made["x"].to_pylist() == pytest.approx(((x - x.mean()) / x.std()).tolist(), rel=1e-13, abs=1e-14)


@pytest.mark.parametrize("sizes", [[], [0], [0, 0]])
def test_no_rows(sizes: list[int], folder: Path) -> None:
    table = pa.table({"x": [1.0, 2.0], "t": ["a", "b"]})
    plan = api.fit(written(table, folder / "given.parquet"), Center(), columns=["x"])
    none = grouped(table.slice(0, 0), sizes, folder / "none.parquet")
    with pytest.raises(BadDataError, match="there are no rows"):
        api.fit(none, Center())
    for name in ("made.parquet", "made.csv"):
        api.apply(plan, none, folder / name)
    assert pq.read_table(folder / "made.parquet").equals(table.slice(0, 0))
    assert (folder / "made.csv").read_bytes() == b"x,t\n"


def test_one_row(folder: Path) -> None:
    table = pa.table({"x": [5.5], "n": pa.array([None], pa.int32()), "t": ["a"]})
    made, back = there_and_back(table, folder)
    assert made.to_pydict() == {"x": [0.0], "n": [None], "t": ["a"]}
    assert back.equals(table)


def test_blocks_never_span_row_groups_nor_depend_on_what_is_read(folder: Path) -> None:
    table = pa.table({f"x{j}": np.random.default_rng(j).normal(size=300_000) for j in range(3)})
    given = written(table, folder / "blocks.parquet", row_group_size=100_000)
    for needed in (None, ["x1"], ["x0", "x2"]):
        made = parquet_format.Reader(Source("t", open(given, "rb", 0)), parquet_format.Options())  # noqa: SIM115
        assert [chunk.weight for chunk in made.chunks(needed)] == [65_536, 34_464] * 3


@pytest.mark.parametrize("method", [ZScore(), Decorrelate()], ids=["zscore", "decorrelate"])
def test_threads_and_the_way_in_change_no_byte(method: Any, folder: Path) -> None:
    rng = np.random.default_rng(3)
    table = pa.table({f"x{j}": rng.normal(size=5000) for j in range(5)} | {"n": pa.array([None, 1] * 2500, pa.int64())})
    given = written(table, folder / "threads.parquet", row_group_size=999)
    include = ["x*"]
    first = params_of(api.fit(given, method, columns=include, threads=1))
    outputs = set()
    for threads in (1, 2, 3):
        plan = api.fit(given, method, columns=include, threads=threads)
        assert params_of(plan) == first
        api.apply(plan, given, folder / "made.parquet", threads=threads)
        outputs.add((folder / "made.parquet").read_bytes())
        with pipe_path(given.read_bytes(), [4097]) as pipe:
            assert params_of(api.fit(pipe, method, columns=include, threads=threads)) == first
    assert len(outputs) == 1


def test_a_pipe_that_does_not_block_is_spooled(folder: Path) -> None:
    table = pa.table({"x": np.arange(1000.0)})
    data = written(table, folder / "given.parquet").read_bytes()
    for blocking in (True, False):
        source = through_pipe(data, [1, 4096, 77], blocking=blocking)
        assert source.peek(4) == b"PAR1"
        assert read(source).equals(table)


def test_csv_and_parquet_of_the_same_data_teach_the_same(folder: Path) -> None:
    rng = np.random.default_rng(11)
    columns = {f"x{j}": rng.normal(10.0**j, 1, 500) for j in range(4)}
    rows = zip(*(map(repr, c.tolist()) for c in columns.values()), strict=True)
    (folder / "same.csv").write_text("\n".join([",".join(columns), *map(",".join, rows)]))
    written(pa.table(columns), folder / "same.parquet")
    for method in (ZScore(), Decorrelate()):
        files = [json.loads(params_of(api.fit(folder / n, method))) for n in ("same.csv", "same.parquet")]
        for file in files:
            del file["inputs"], file["digest"]  # of text, the bytes are what is counted
        assert files[0] == files[1]


# -- damage ------------------------------------------------------------------------------------------------------
def output_file(folder: Path) -> bytes:
    """A file of ours: numbers with and without nulls, a dictionary of text; pages of one row group."""
    rng = np.random.default_rng(1)
    table = pa.table(
        {
            "x": rng.normal(size=40),
            "f": pa.array(rng.normal(size=40), pa.float32()),
            "gap": pa.array([None if i % 3 else float(i) for i in range(40)]),
            "i": pa.array(rng.integers(0, 1 << 40, 40)),
            "t": [f"name {i % 7}" if i % 5 else None for i in range(40)],
            "b": [i % 3 == 0 for i in range(40)],
        }
    )
    given = written(table, folder / "given.parquet")
    api.apply(api.fit(given, ZScore(), exclude=["i"]), given, folder / "made.parquet")
    return (folder / "made.parquet").read_bytes()


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A zigzag number of Thrift's compact protocol, and where it ends."""
    value = shift = 0
    while data[at] & 128:
        value, shift, at = value | (data[at] & 127) << shift, shift + 7, at + 1
    value |= data[at] << shift
    return (value >> 1) ^ -(value & 1), at + 1


def pages(data: bytes) -> Iterator[tuple[range, range]]:
    """Where each page's header and body lie."""
    metadata = pq.ParquetFile(pa.BufferReader(data)).metadata
    for group in range(metadata.num_row_groups):
        for j in range(metadata.num_columns):
            column = metadata.row_group(group).column(j)
            first = column.dictionary_page_offset or column.data_page_offset
            end = first + column.total_compressed_size
            starts = sorted({first, column.data_page_offset})
            for start, stop in zip(starts, [*starts[1:], end], strict=True):
                at = start
                for _ in range(3):  # the page's type, its size, its size compressed
                    assert data[at] == 0x15
                    size, at = varint(data, at + 1)
                yield range(start, stop - size), range(stop - size, stop)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]


def test_every_flipped_byte_in_a_page_of_ours_is_refused(folder: Path) -> None:
    data = output_file(folder)
    found = list(pages(data))
    assert len(found) == 7
    for _, body in found:
        for at in body:
            with pytest.raises(BadDataError, match=r"t\.parquet: not a sound Parquet file"):
                read(flipped(data, at))


@pytest.mark.parametrize("step", [3, *longer(1)])
def test_no_flipped_bit_in_a_page_header_makes_a_silent_difference(folder: Path, step: int) -> None:
    """Checksums do not cover headers. Some of what is there does not matter (a statistic); the rest is refused."""
    data = output_file(folder)
    whole = read(data)
    for header, _ in pages(data):
        for at in header:
            for bit in range(at % step, 8, step):
                damaged = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
                try:
                    table = read(damaged)
                except BadDataError:
                    continue
                assert table.equals(whole), f"bit {bit} of byte {at - header.start} of a page's header"


def test_a_flipped_byte_in_the_input_is_refused_by_fit_and_apply(folder: Path) -> None:
    data = output_file(folder)
    plan = api.fit(folder / "given.parquet", Center(), columns=["x", "gap"])
    first = next(pages(data))[1]
    path = folder / "damaged.parquet"
    for at in (first[0], first[len(first) // 2], first[-1]):
        path.write_bytes(flipped(data, at))
        with pytest.raises(BadDataError, match="not a sound Parquet file"):
            api.fit(path, ZScore())
        before = (folder / "made.parquet").read_bytes()
        with pytest.raises(BadDataError, match="not a sound Parquet file"):
            api.apply(plan, path, folder / "made.parquet")
        assert (folder / "made.parquet").read_bytes() == before


def test_a_file_cut_off_anywhere_is_refused(folder: Path) -> None:
    data = output_file(folder)
    for end in range(4, len(data)):
        with pytest.raises(BadDataError):
            read(data[:end])


def test_a_file_cut_off_is_65_for_the_command(tmp_path: Path) -> None:
    data = output_file(tmp_path)
    for end in (4, len(data) - 1):
        (tmp_path / "cut.parquet").write_bytes(data[:end])
        for stdin, name in ((b"", "cut.parquet"), (data[:end], "-")):
            done = normcli("fit", name, "-m", "center", "-p", "p.json", stdin=stdin, cwd=tmp_path)
            assert done.returncode == 65, done.stderr
            assert done.stderr.count(b"\n") == 1
            assert not (tmp_path / "p.json").exists()


def test_a_file_without_checksums_is_read(folder: Path) -> None:
    table = pa.table({"x": [1.0, 2.0], "t": ["a", "b"]})
    for options in ({"write_page_checksum": False}, {"compression": "none"}, {"data_page_version": "2.0"}):
        assert read(written(table, folder / "given.parquet", **options).read_bytes()).equals(table)


# -- digests -----------------------------------------------------------------------------------------------------
def test_applying_twice_is_refused(folder: Path) -> None:
    table = pa.table({"x": [1.0, 2.0, 4.0], "t": ["a", "b", "c"]})
    given = written(table, folder / "d.parquet")
    z, c = (read_params(api.fit(given, method)) for method in (ZScore(), Center()))
    api.apply(z, given, folder / "z.parquet")
    assert pq.read_schema(folder / "z.parquet").metadata == {b"normcli": z.digest.encode()}
    with pytest.raises(BadDataError, match="normalized by these parameters already"):
        api.apply(z, folder / "z.parquet", folder / "x.parquet")

    # one after the other is fine, and undone in turn
    api.apply(c, folder / "z.parquet", folder / "zc.parquet")
    for inverse, said in ((True, "by other parameters"), (False, "already")):
        with pytest.raises(BadDataError, match=said):
            api.apply(z, folder / "zc.parquet", folder / "x.parquet", inverse=inverse)
    assert not (folder / "x.parquet").exists()
    api.apply(c, folder / "zc.parquet", folder / "z2.parquet", inverse=True)
    api.apply(z, folder / "z2.parquet", folder / "d2.parquet", inverse=True)
    assert not pq.read_schema(folder / "d2.parquet").metadata
    assert pq.read_table(folder / "d2.parquet")["x"].to_pylist() == pytest.approx([1.0, 2.0, 4.0], rel=1e-14)
    api.apply(z, folder / "d2.parquet", folder / "z.parquet")


def read_params(plan: Parameters) -> Parameters:
    """As it comes out of its file, with a digest."""
    return params.read(params.write(plan))


def test_the_command_refuses_to_apply_twice_unless_again(tmp_path: Path) -> None:
    given = written(pa.table({"x": [1.0, 2.0, 4.0]}), tmp_path / "d.parquet")
    for name, method in (("z.json", ZScore()), ("c.json", Center())):
        (tmp_path / name).write_bytes(params_of(api.fit(given, method)))
    api.apply(read_params(api.fit(given, ZScore())), given, tmp_path / "z.parquet")
    for args, code in (
        (["-p", "z.json"], 65),
        (["-p", "z.json", "--allow-normalized"], 0),
        (["-p", "c.json", "--inverse"], 65),
        (["-p", "z.json", "--inverse"], 0),
    ):
        done = normcli("apply", "z.parquet", *args, "-o", "out.parquet", cwd=tmp_path)
        assert done.returncode == code, done.stderr
        assert (tmp_path / "out.parquet").exists() == (code == 0)
        (tmp_path / "out.parquet").unlink(missing_ok=True)


def test_the_digest_is_in_files_made_from_text_and_from_python(folder: Path) -> None:
    (folder / "d.csv").write_bytes(b"x\n1\n3\n")
    plan = api.fit(folder / "d.csv", Center())
    api.apply(plan, folder / "d.csv", folder / "made.parquet")
    with pytest.raises(BadDataError, match="already"):
        api.apply(plan, folder / "made.parquet", folder / "twice.parquet")
    made = reader((folder / "made.parquet").read_bytes())
    assert len(made.description.digests) == 1
    assert pipeline.digests_after(FrameTransform(plan, inverse=True), made.description) == ()


def test_a_name_that_is_also_the_path_of_a_part(folder: Path) -> None:
    table = pa.table({"a": [{"b": "q", "c": 1.0}] * 3, "a.b": [1.0, 2.0, 6.0]})
    given = written(table, folder / "d.parquet")
    api.apply(api.fit(given, Center()), given, folder / "z.parquet")
    assert pq.read_table(folder / "z.parquet").to_pydict() == {"a": table["a"].to_pylist(), "a.b": [-2.0, -1.0, 3.0]}


def test_small_pieces_wait_until_they_make_a_row_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_groups, "ROWS", 100)
    piece = pa.record_batch({"x": np.arange(30.0)})
    made = io.BytesIO()
    write(parquet_format.Writer(piece.schema), [ArrowFrame(piece)] * 7, made)
    metadata = pq.read_metadata(io.BytesIO(made.getvalue()))
    assert [metadata.row_group(j).num_rows for j in range(metadata.num_row_groups)] == [120, 90]
