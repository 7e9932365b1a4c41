"""What columns hold: every kind of number to the nearest double, and every encoding of Parquet as pyarrow reads it."""

import datetime
import decimal
import io
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from normcli import api, columns
from normcli.columns.arrow_frame import ArrowFrame
from normcli.columns.polars_frame import PolarsFrame
from normcli.errors import BadDataError
from normcli.formats import parquet
from normcli.methods.center import Center
from normcli.methods.maxabs import MaxAbs
from normcli.methods.zscore import ZScore
from normcli.parameters import file as params
from tests.formats.conftest import identity, normcli
from tests.formats.test_parquet import flipped, pages, read, there_and_back, written


def numbers_of(column: pa.Array) -> Any:
    """(rows,) as we take them."""
    return columns.block(ArrowFrame(pa.RecordBatch.from_arrays([column], ["x"])), ["x"]).columns[0]


# -- to the nearest double ---------------------------------------------------------------------------------------
DECIMALS = [
    pa.decimal32(9, 3),
    pa.decimal64(15, 5),
    pa.decimal64(18, 5),
    pa.decimal128(15, 0),
    pa.decimal128(15, -3),
    pa.decimal128(12, 12),
    pa.decimal128(16, 2),
    pa.decimal128(38, 10),
    pa.decimal128(38, 37),
    pa.decimal256(15, 15),
    pa.decimal256(15, -20),
    pa.decimal256(76, 30),
]


@pytest.mark.parametrize("kind", DECIMALS, ids=str)
def test_decimals_are_the_nearest_doubles(kind: pa.DataType) -> None:
    """As Python's own conversion is; in whole, in part, and none."""
    rng = random.Random(1)
    values: list[Decimal | None] = [None, Decimal(0)]
    with decimal.localcontext(prec=90):
        for _ in range(500):
            unscaled = rng.choice([-1, 1]) * rng.randrange(10 ** rng.randrange(1, kind.precision + 1))
            values.append(Decimal(unscaled).scaleb(-kind.scale) if rng.random() > 0.2 else None)
        values += [Decimal(sign * (10**kind.precision - 1)).scaleb(-kind.scale) for sign in (-1, 1)]
    whole = pa.array(values, kind)
    for part in (whole, whole.slice(7, 100), whole.slice(3, 0), whole.drop_null(), pa.nulls(5, kind)):
        expected = [np.nan if v is None else float(v) for v in part.to_pylist()]
        np.testing.assert_array_equal(numbers_of(part), expected)


@pytest.mark.parametrize("kind", ["int64", "uint64"])
def test_large_integers_are_the_nearest_doubles(kind: str) -> None:
    limits = np.iinfo(kind)
    given = [limits.min, limits.max, 2**53 - 1, 2**53, 2**53 + 1, 2**53 + 3, 0, 2**63 - 513, 2**63 - 512]
    for values in (given, [None, *given]):
        found = numbers_of(pa.array(values, pa.type_for_alias(kind)))
        np.testing.assert_array_equal(found, [np.nan if v is None else float(v) for v in values])


def test_columns_with_integers_that_a_float_can_not_tell_apart_are_told() -> None:
    edge, dictionary = 1 << 53, pa.array([1, 1 << 60]).dictionary_encode()
    given = {
        "within": pa.array([edge, -edge]),
        "above": pa.array([0, edge + 1]),
        "below": pa.array([None, -edge - 1]),
        "unsigned": pa.array([0, edge + 1], pa.uint64()),
        "dictionary": dictionary,
        "float": pa.array([0.0, 1e300]),
        "small": pa.array([1, 2], pa.int32()),
        "none": pa.nulls(2, pa.int64()),
    }
    frame = ArrowFrame(pa.RecordBatch.from_pydict(given))
    assert columns.inexact(frame, list(given)) == ("above", "below", "unsigned", "dictionary")
    assert columns.inexact(frame.slice(0, 0), list(given)) == ()
    assert columns.inexact(frame, ["within"]) == ()
    plain = PolarsFrame(frame.select([n for n in given if n != "dictionary"]).to_polars())
    assert columns.inexact(plain, plain.names) == ("above", "below", "unsigned")


def test_they_are_warned_of_once_by_name(tmp_path: Path) -> None:
    values = {"id": [1 << 60] * 100, "other": [1 << 61] * 100, "x": list(range(100))}
    written(pa.table(values), tmp_path / "d.parquet", row_group_size=10)
    (tmp_path / "d.csv").write_text("id,x\n9007199254740993,1\nNA,2\n")
    for name, said in (("d.parquet", [b"'id'", b"'other'"]), ("d.csv", [b"'id'"])):
        for line in (
            ["fit", name, "-m", "maxabs", "-p", "p.json"],
            ["apply", name, "-p", "p.json", "-o", "out.parquet"],
        ):
            done = normcli(*line, cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            warned = [w for w in done.stderr.splitlines() if b"beyond 2^53" in w]
            assert len(warned) == len(said)
            assert all(name in w for name, w in zip(said, sorted(warned), strict=True))
    done = normcli("fit", "d.parquet", "-m", "maxabs", "-c", "x", cwd=tmp_path)
    assert b"2^53" not in done.stderr


# -- dictionaries of numbers, and what is no number --------------------------------------------------------------
@pytest.mark.parametrize("suffix", ["arrow", "arrows", "parquet"])
@pytest.mark.parametrize("kind", [pa.int16(), pa.uint64(), pa.float32(), pa.float64(), pa.decimal128(9, 2)], ids=str)
def test_dictionaries_of_numbers_are_numbers(kind: pa.DataType, suffix: str, folder: Path) -> None:
    values = pa.array([Decimal(5), None, Decimal(2), Decimal(5)]).cast(kind)
    table = pa.table({"x": values.dictionary_encode(), "y": values.dictionary_encode()})
    given, made, back = (folder / f"{name}.{suffix}" for name in ("given", "made", "back"))
    written_as(table, given)
    plan = api.fit(given, MaxAbs(), columns=["x"])
    plain = written(pa.table({"x": values}), folder / "plain.parquet")
    assert plan.types["x"] == api.fit(plain, MaxAbs()).types["x"]
    api.apply(plan, given, made)
    api.apply(plan, made, back, inverse=True)
    out, restored = read_as(made), read_as(back)
    assert out.schema.field("x").type == (pa.float32() if kind == pa.float32() else pa.float64())
    assert out["x"].null_count == 1
    assert out["x"].drop_null().to_pylist() == pytest.approx([1.0, 0.4, 1.0], rel=1e-7)
    assert restored["x"].combine_chunks().equals(values)
    assert out["y"].to_pylist() == values.to_pylist()
    assert out.schema.field("y").equals(read_as(given).schema.field("y"))


def written_as(table: pa.Table, path: Path) -> Path:
    if path.suffix == ".parquet":
        return written(table, path)
    with (pa.ipc.new_file if path.suffix == ".arrow" else pa.ipc.new_stream)(str(path), table.schema) as writer:
        writer.write_table(table)
    return path


def read_as(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        return pq.read_table(path)
    data = pa.BufferReader(path.read_bytes())
    return (pa.ipc.open_file if path.suffix == ".arrow" else pa.ipc.open_stream)(data).read_all()


def test_nan_in_a_dictionary_stays_apart_from_null(folder: Path) -> None:
    values = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0]), pa.array([1.0, float("nan")]))
    made, _ = there_and_back(pa.table({"x": values}), folder)
    assert [None if v is None else repr(v) for v in made["x"].to_pylist()] == ["0.0", "nan", None, "0.0"]


def test_an_extension_over_numbers_is_no_number(folder: Path) -> None:
    """Registered or not: what a number of degrees means is its library's to know."""
    about = {b"ARROW:extension:name": b"geo.degrees", b"ARROW:extension:metadata": b"\xff{}"}
    field = pa.field("place", pa.float64(), metadata=about)
    table = pa.table([pa.array([1.0, 2.0]), pa.array([3.0, 4.0])], pa.schema([field, pa.field("x", pa.float64())]))
    given = written_as(table, folder / "extension.arrow")
    plan = api.fit(given, Center())
    assert plan.steps[0].columns == ("x",)
    assert plan.types["place"] == "extension<geo.degrees>"
    api.apply(plan, given, folder / "made.arrow")
    assert read_as(folder / "made.arrow").schema.field("place").equals(field, check_metadata=True)
    with pytest.raises(BadDataError, match="not numeric but extension"):
        api.fit(given, Center(), columns=["place"])


def strange() -> pa.Table:
    """Columns that are not selected, of kinds that few programs write."""
    tensor = pa.fixed_shape_tensor(pa.float32(), (2,))
    moment = datetime.datetime(2024, 2, 29, 12, 30)
    made: dict[str, pa.Array] = {
        "x": pa.array([1.0, 3.0, None]),
        "text view": pa.array(["a", None, "a text of more than twelve bytes"], pa.string_view()),
        "bytes view": pa.array([b"\0", None, b""], pa.binary_view()),
        "two bytes": pa.array([b"ab", None, b"cd"], pa.binary(2)),
        "uuid": pa.array([b"0" * 16, None, b"1" * 16], pa.uuid()),
        "json": pa.array(["{}", None, "1"], pa.json_()),
        "tensor": pa.ExtensionArray.from_storage(tensor, pa.array([[1, 2], None, [3, 4]], pa.list_(pa.float32(), 2))),
        "time": pa.array([moment.time(), None, moment.time()], pa.time64("us")),
        "instant": pa.array([moment, None, moment], pa.timestamp("ns")),
        "deep": pa.array([[{"a": [1.0]}], None, [{"a": None}, None]]),
        "words": pa.array([["a"], None, ["b", None]], pa.list_(pa.string())),
        "nothing": pa.nulls(3),
    }
    return pa.table(made)


@pytest.mark.parametrize("ways", [("arrow", "arrows"), ("arrows", "parquet"), ("parquet", "arrow")], ids="-".join)
def test_strange_columns_pass_through(ways: tuple[str, str], folder: Path) -> None:
    given = written_as(strange(), folder / f"strange.{ways[0]}")
    table = read_as(given)
    plan = api.fit(given, Center())
    assert plan.steps[0].columns == ("x",)
    api.apply(plan, given, folder / f"made.{ways[1]}")
    made = read_as(folder / f"made.{ways[1]}")
    assert made.schema.equals(table.schema, check_metadata=False)
    assert made.drop_columns("x").equals(table.drop_columns("x"))


@pytest.mark.parametrize("name", ["run ends", "interval"])
def test_what_parquet_can_not_hold_is_refused_and_arrow_holds_it(name: str, folder: Path) -> None:
    ends = pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array(["a"]))
    column = ends if name == "run ends" else pa.array([(1, 2, 3)] * 2, pa.month_day_nano_interval())
    given = written_as(pa.table({"x": [1.0, 2.0], name: column}), folder / "given.arrow")
    with pytest.raises(BadDataError, match=f"parquet has no place for column {name}"):
        api.apply(identity("x"), given, folder / "refused.parquet")
    assert not (folder / "refused.parquet").exists()
    api.apply(identity("x"), given, folder / "made.arrows")
    assert read_as(folder / "made.arrows")[name].to_pylist() == column.to_pylist()


def test_what_was_said_of_a_column_still_is_once_it_is_normalized(folder: Path) -> None:
    field = pa.field("x", pa.int32(), nullable=False, metadata={"unit": "m"})
    given = written_as(pa.table([pa.array([1, 2], pa.int32())], pa.schema([field])), folder / "said.arrow")
    plan = api.fit(given, ZScore())
    api.apply(plan, given, folder / "made.arrow")
    assert read_as(folder / "made.arrow").schema.field("x").metadata == {b"unit": b"m"}


# -- encodings of Parquet ----------------------------------------------------------------------------------------
ENCODINGS: dict[str, dict[str, Any]] = {
    "plain": {"use_dictionary": False},
    "dictionary": {"use_dictionary": True},
    "delta": {
        "use_dictionary": False,
        "column_encoding": {
            "f": "BYTE_STREAM_SPLIT",
            "i": "DELTA_BINARY_PACKED",
            "t": "DELTA_BYTE_ARRAY",
            "b": "DELTA_LENGTH_BYTE_ARRAY",
            "j": "DELTA_BINARY_PACKED",
            "h": "BYTE_STREAM_SPLIT",
            "s": "BYTE_STREAM_SPLIT",
            "m": "DELTA_BYTE_ARRAY",
            "y": "RLE",
        },
    },
    "split": {
        "use_dictionary": False,
        "column_encoding": dict.fromkeys("fijhsm", "BYTE_STREAM_SPLIT") | {"b": "DELTA_BYTE_ARRAY"},
    },
}


def encoded() -> pa.Table:
    """Three thousand rows in which long stretches, whole pages, are null."""
    rng, rows = np.random.default_rng(2), 3000
    gone = (np.arange(rows) // 500) % 2 == 1
    f, i = rng.normal(size=rows), rng.integers(-(1 << 62), 1 << 62, rows)
    texts = [None if g else f"text {k % 50}" for k, g in enumerate(gone)]
    return pa.table(
        {
            "f": pa.array(f, mask=gone),
            "i": pa.array(i, mask=gone),
            "t": pa.array(texts),
            "b": pa.array(texts).cast(pa.binary()),
            "j": pa.array(rng.integers(-100, 100, rows), pa.int16(), mask=gone),
            "h": pa.array(f.astype(np.float16), mask=gone),
            "s": pa.array(f.astype(np.float32), mask=gone),
            "m": pa.array([None if g else Decimal(int(k)).scaleb(-3) for g, k in zip(gone, i, strict=True)]),
            "y": pa.array(f > 0, mask=gone),
            "none": pa.nulls(rows, pa.float32()),
        }
    )


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
def test_every_encoding_is_read_right(encoding: str, version: str, compression: str, folder: Path) -> None:
    table, path = encoded(), folder / "encoded.parquet"
    more = ENCODINGS[encoding]
    written(table, path, data_page_version=version, data_page_size=1024, compression=compression, **more)
    group = pq.ParquetFile(path).metadata.row_group(0)
    used = {table.schema.names[j]: group.column(j).encodings for j in range(group.num_columns)}
    assert all(e in used[n] for n, e in more.get("column_encoding", {}).items())
    assert all("RLE_DICTIONARY" in used[n] for n in "fijsmt" if encoding == "dictionary")
    whole = pq.read_table(path)
    assert whole.equals(table)
    assert read(path.read_bytes()).equals(whole)
    plan = api.fit(path, Center(), columns=["f,i,j,h,s,m"])
    values = {n: np.array([float(v) for v in whole[n].drop_null().to_pylist()]) for n in plan.needs()}
    said = plan.steps[0].summary()
    for name, mean, least, greatest in zip(plan.needs(), said["mean"], said["min"], said["max"], strict=True):
        assert (least, greatest) == (values[name].min(), values[name].max()), name
        assert mean == pytest.approx(values[name].mean(), rel=1e-12, abs=1e-12 * np.abs(values[name]).max())
    assert set(said["count"]) == {1500}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_corrupt_page_checksum_is_refused(encoding: str, version: str, folder: Path) -> None:
    path = folder / "checked.parquet"
    written(encoded().slice(0, 600), path, data_page_version=version, write_page_checksum=True, **ENCODINGS[encoding])
    data = path.read_bytes()
    bodies = [body for _, body in pages(data) if len(body)]
    assert len(bodies) >= 4
    for body in bodies:
        for at in {body[0], body[len(body) // 2], body[-1]}:
            with pytest.raises(BadDataError, match="not a sound Parquet file"):
                read(flipped(data, at))


# -- compression of Parquet --------------------------------------------------------------------------------------
def codecs(path: Path) -> set[str]:
    metadata = pq.ParquetFile(path).metadata
    return {metadata.row_group(0).column(j).compression.lower() for j in range(metadata.num_columns)}


@pytest.mark.parametrize("codec", parquet.COMPRESSIONS)
def test_the_input_s_compression_is_kept(codec: str, folder: Path) -> None:
    table = pa.table({"x": np.zeros(1000), "t": ["a"] * 1000})
    given = written(table, folder / "given.parquet", compression=codec)
    api.apply(identity("x"), given, folder / "made.parquet")
    assert codecs(folder / "made.parquet") == codecs(given)
    assert pq.read_table(folder / "made.parquet").equals(table)


def test_of_other_inputs_it_is_zstd(folder: Path) -> None:
    table = pa.table({"x": np.zeros(1000), "t": ["a"] * 1000})
    mixed = written(table, folder / "mixed.parquet", compression={"x": "snappy", "t": "gzip"})
    none = written(table.slice(0, 0), folder / "none.parquet", compression="snappy")
    for given in (mixed, none, written_as(table, folder / "given.arrow")):
        api.apply(identity("x"), given, folder / "made.parquet")
        if given != none:
            assert codecs(folder / "made.parquet") == {"zstd"}


def test_unless_the_command_says_otherwise(tmp_path: Path) -> None:
    table = pa.table({"x": np.arange(1000.0)})
    written(table, tmp_path / "d.parquet", compression="snappy")
    assert normcli("fit", "d.parquet", "-m", "maxabs", "-p", "p.json", cwd=tmp_path).returncode == 0
    for codec, name in (("gzip", "gzip"), ("none", "uncompressed"), ("brotli", "brotli"), (None, "snappy")):
        more = ["--compression", codec] if codec else []
        done = normcli("apply", "d.parquet", "-p", "p.json", "-o", "out.parquet", *more, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert codecs(tmp_path / "out.parquet") == {name}
    done = normcli("apply", "d.parquet", "-p", "p.json", "-o", "out.arrow", "--compression", "gzip", cwd=tmp_path)
    assert (done.returncode, (tmp_path / "out.arrow").exists()) == (2, False)
    assert b"--compression gzip: Arrow file has none, zstd, lz4" in done.stderr


def test_pages_of_nothing() -> None:
    """A column of nulls, and rows without columns."""
    sink = io.BytesIO()
    pq.write_table(pa.table({"x": pa.nulls(10, pa.int8()), "y": pa.nulls(10)}), sink)
    table = read(sink.getvalue())
    assert [c.null_count for c in table.columns] == [10, 10]
    np.testing.assert_array_equal(numbers_of(table["y"].combine_chunks()), [np.nan] * 10)


@pytest.mark.soak
def test_row_groups_are_worth_their_while(folder: Path) -> None:
    """However small the pieces are that the input came in, and however wide the rows."""
    small = written(pa.table({"x": np.arange(2000.0)}), folder / "small.parquet", row_group_size=1)
    api.apply(identity("x"), small, folder / "made.parquet")
    metadata = pq.ParquetFile(folder / "made.parquet").metadata
    assert metadata.num_row_groups == 1
    assert read((folder / "made.parquet").read_bytes())["x"].to_pylist() == list(range(2000))
    wide = pa.table(
        {"x": np.zeros(8192), "e": pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(8192 * 2048)), 2048)}
    )
    api.apply(identity("x"), written_as(wide, folder / "wide.arrow"), folder / "made.parquet")
    metadata = pq.ParquetFile(folder / "made.parquet").metadata
    assert [metadata.row_group(j).num_rows for j in range(metadata.num_row_groups)] == [2048] * 4


# -- columns without a value -------------------------------------------------------------------------------------
def without_values(kind: str, folder: Path) -> Path:
    """A file with a column of numbers, and one that has no value and, where the format says so, no type."""
    path = folder / f"none.{kind}"
    if kind in ("csv", "ndjson"):
        path.write_text("x,e\n1,\n2,\n" if kind == "csv" else '{"x":1.0,"e":null}\n{"x":2.0,"e":null}\n')
        return path
    return written_as(pa.table({"x": [1.0, 2.0], "e": pa.nulls(2)}), path)


@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet", "arrow", "arrows"])
def test_a_column_without_a_value_is_the_same_in_every_format(kind: str, tmp_path: Path) -> None:
    """Named, it is warned of and comes out missing, and back; else it is left out, with a warning."""
    name = without_values(kind, tmp_path).name
    for line in (
        ["fit", name, "-m", "center", "-c", "e,x", "-p", "p.json", "-o", "both.arrow"],
        ["apply", name, "-p", "p.json", "-o", "out.arrow", "--check=warn", "--min-rows", "0"],
        ["check", name, "-p", "p.json"],
        ["apply", "out.arrow", "-p", "p.json", "--inverse", "-o", f"back.{kind}"],
    ):
        done = normcli(*line, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert (b"warning: no value in e: nothing is learned" in done.stderr) is (line[0] == "fit")
    for made in ("both.arrow", "out.arrow"):
        assert read_as(tmp_path / made).to_pydict() == {"x": [-0.5, 0.5], "e": [None, None]}
    back = api.fit(tmp_path / f"back.{kind}", Center(), columns=["e,x"])
    assert back.steps[0].summary()["count"].tolist() == [2, 0]
    done = normcli("fit", name, "-m", "center", "-p", "p.json", cwd=tmp_path)
    assert (done.returncode, done.stderr.count(f"warning: {name}: column 'e' is left out".encode())) == (0, 1)


@pytest.mark.parametrize("kind", ["int64", "float32"])
def test_of_several_inputs_the_one_with_values_says_the_type(kind: str, tmp_path: Path) -> None:
    some = pa.table({"x": [1.0, 2.0], "e": pa.array([3, 5], pa.type_for_alias(kind))})
    written_as(some, tmp_path / "some.parquet")
    without_values("parquet", tmp_path)
    for order in (["none.parquet", "some.parquet"], ["some.parquet", "none.parquet"]):
        done = normcli("fit", *order, "-m", "center", "-c", "x,e", "-p", "p.json", cwd=tmp_path)
        assert (done.returncode, b"warning" in done.stderr) == (0, False), done.stderr
        assert params.read((tmp_path / "p.json").read_bytes()).types["e"] == kind
