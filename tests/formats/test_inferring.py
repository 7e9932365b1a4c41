"""Types of columns that are not normalized, on the way from text to Parquet and Arrow: told from the first rows, as
Python reads the values, and held to."""

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from normcli import api
from normcli.errors import BadDataError, BadPlaceError, UsageError
from normcli.formats import csv, ndjson
from normcli.formats._text.inferring import SPELLED, as_type, inferred
from tests.cli.conftest import Workspace, workspace
from tests.conftest import examples
from tests.formats.conftest import identity, in_memory

__all__ = ["workspace"]

UTC = dt.UTC
HEAD = "x,n,f,b,d,t,z,code,name\n"
GOOD = "1,5,1.5,true,2020-02-29,2020-01-01T10:00,2020-01-01 10:00:00Z,007,a\n"
NONE = "2,,NA, ,null,,NaN,,NA\n"
KINDS = {
    "x": pa.float64(),
    "n": pa.int64(),
    "f": pa.float64(),
    "b": pa.bool_(),
    "d": pa.date32(),
    "t": pa.timestamp("us"),
    "z": pa.timestamp("us", "UTC"),
    "code": pa.string(),
    "name": pa.string(),
}


def words(*values: str | None) -> pl.Series:
    return pl.Series(values, dtype=pl.String)


# -- values ------------------------------------------------------------------------------------------------------
TYPES: list[tuple[list[str | None], str]] = [
    (["1", None, "-20", "+3", "0"], "int64"),
    (["9223372036854775807", "-9223372036854775808"], "int64"),
    (["9223372036854775808", "1"], "string"),
    (["12345678901234567890123", "1.5"], "string"),
    (["1", "1.5"], "float64"),
    (["1e5", ".5", "1.", "-0.0", "inf"], "float64"),
    (["1e400"], "string"),
    (["007", "12"], "string"),
    (["0.5", "00.5"], "string"),
    (["1,000"], "string"),
    (["1_000"], "string"),
    (["true", "False", "TRUE"], "bool"),
    (["true", "1"], "string"),
    (["yes", "no"], "string"),
    (["2020-02-29"], "date"),
    (["2021-02-29"], "string"),
    (["2020-1-1"], "string"),
    (["20200101"], "int64"),
    (["2020-01-01", "2020-01-01T00:00"], "string"),
    (["2020-01-01T10:00", "2020-01-01 10:00:59.123456"], "timestamp"),
    (["2020-01-01T24:00"], "string"),
    (["2020-01-01T10:00:60"], "string"),
    (["2020-01-01T10:00:00.1234567"], "string"),
    (["2020-01-01T10:00Z", "2020-01-01 10:00:59+02:00", "2020-01-01T10:00:00.5-0330"], "timestamp with zone"),
    (["2020-01-01T10:00Z", "2020-01-01T10:00"], "string"),
    ([None, None], "string"),
    ([], "string"),
]


@pytest.mark.parametrize(("values", "kind"), TYPES, ids=repr)
def test_the_type_of_values(values: list[str | None], kind: str) -> None:
    assert inferred(words(*values)) == kind


OF: dict[Any, Any] = {
    "int64": (st.integers(-(1 << 63), (1 << 63) - 1), str, int),
    "float64": (st.floats(allow_nan=False, allow_infinity=False), repr, float),
    "bool": (st.booleans(), str, lambda v: v == "True"),
    "date": (st.dates(), dt.date.isoformat, dt.date.fromisoformat),
    "timestamp": (st.datetimes(), dt.datetime.isoformat, dt.datetime.fromisoformat),
    "timestamp with zone": (
        st.datetimes(
            dt.datetime(2, 1, 1),
            dt.datetime(9998, 1, 1),
            timezones=st.integers(-840, 840).map(lambda m: dt.timezone(dt.timedelta(minutes=m))),
        ),
        dt.datetime.isoformat,
        lambda v: dt.datetime.fromisoformat(v).astimezone(UTC),
    ),
}


@pytest.mark.parametrize("kind", OF)
@given(data=st.data())
@settings(max_examples=examples(30), deadline=None)
def test_values_are_what_python_reads(kind: Any, data: st.DataObject) -> None:
    values, spelled, read = OF[kind]
    texts = [None if v is None else spelled(v) for v in data.draw(st.lists(values | st.none(), min_size=1))]
    assert as_type(words(*texts), kind).to_list() == [None if t is None else read(t) for t in texts]


@pytest.mark.parametrize("kind", OF)
@given(value=st.text(st.sampled_from("0123456789-+:T.Ze "), max_size=12))
@settings(max_examples=examples(50), deadline=None)
def test_nothing_else_is_a_value(kind: Any, value: str) -> None:
    """What is taken reads back to the same in Python."""
    taken = as_type(words(value), kind)[0]
    if taken is not None:
        assert taken == OF[kind][2](value)


def test_every_type_is_spelled() -> None:
    assert set(OF) == set(SPELLED)


# -- the whole way -----------------------------------------------------------------------------------------------
def made(text: str, folder: Path, *, size: int | None = None) -> pa.Table:
    (folder / "in.csv").write_text(text)
    options = csv.Options(infer_types=True)
    api.apply(identity("x"), folder / "in.csv", folder / "out.parquet", format_options=options, block_size=size)
    return pq.read_table(folder / "out.parquet")


@pytest.mark.parametrize("size", [50, None])
def test_csv_to_parquet(size: int | None, folder: Path) -> None:
    """Words that mean missing are null where there is a type; text is what it was."""
    table = made(HEAD + GOOD + NONE, folder, size=size)
    assert dict(zip(table.schema.names, table.schema.types, strict=True)) == KINDS
    moment = dt.datetime(2020, 1, 1, 10)
    assert table.to_pylist() == [
        {"x": 1, "n": 5, "f": 1.5, "b": True, "d": dt.date(2020, 2, 29), "t": moment, "z": moment.replace(tzinfo=UTC)}
        | {"code": "007", "name": "a"},
        {"x": 2} | dict.fromkeys("nfbdtz") | {"code": None, "name": "NA"},
    ]


WRONG = {
    "n": ["1.5", "007", "9223372036854775808", "a"],
    "f": ["1e400", "0x10", "true"],
    "b": ["1", "yes"],
    "d": ["2020-13-01", "2020-01-01T00:00", "5"],
    "t": ["2020-01-01", "2020-01-01T10:00Z"],
    "z": ["2020-01-01T10:00"],
}


@pytest.mark.soak
@pytest.mark.parametrize(("name", "value"), [(n, v) for n, each in WRONG.items() for v in each])
def test_what_the_first_rows_did_not_predict_is_refused(name: str, value: str, tmp_path: Path) -> None:
    row = GOOD.rstrip().split(",")
    row[list(KINDS).index(name)] = value
    text = HEAD + NONE + GOOD * 1005 + ",".join(row) + "\n" + GOOD
    for size in (None, 30_000):
        with pytest.raises(BadDataError, match=rf"in\.csv:1008: '{value}' in column '{name}' is no ") as caught:
            made(text, tmp_path, size=size)
    assert "--infer-types" in caught.value.hint
    assert not (tmp_path / "out.parquet").exists()


def test_where_nothing_was_seen_it_is_text(folder: Path) -> None:
    table = made("x,late\n" + "1,\n" * 1000 + "2,5\n3,a\n", folder)
    assert table.schema.field("late").type == pa.string()
    assert table["late"].drop_null().to_pylist() == ["5", "a"]


LATE = "x,n,q\n" + '1,1,"a\nb"\n' * 1000
FAULTS = [
    ("1,z,\nz,1,\n", "2002: 'z' in column 'n'"),
    ("1,1,\nz,1,\n1,z,\n", "2003: 'z' in column 'x'"),
    ("1,z,\n1,1\n", "2002: 'z' in column 'n'"),
    ('1,z,\n\n1,1,"\n', "2002: 'z' in column 'n'"),
    ("1,1\n1,z,\n", "2002: 2 fields"),
    ("inf,1,\n1,z,\n", "2002: infinite value"),
    ("inf,z,\n", "2002: 'z' in column 'n'"),
]


@pytest.mark.parametrize(("rows", "said"), FAULTS)
@pytest.mark.parametrize("size", [None, 2000])
def test_the_first_fault_in_the_file_is_told(rows: str, said: str, size: int | None, folder: Path) -> None:
    with pytest.raises(BadDataError, match=rf"in\.csv:{said}"):
        made(LATE + rows, folder, size=size)


def test_text_output_is_refused(folder: Path) -> None:
    (folder / "in.csv").write_text(HEAD + GOOD)
    with pytest.raises(UsageError, match="for Parquet or Arrow output, and what is written here is tsv"):
        api.apply(identity("x"), folder / "in.csv", folder / "out.tsv", format_options=csv.Options(infer_types=True))


# -- NDJSON ------------------------------------------------------------------------------------------------------
LINES = (
    '{"x":1,"i":1,"f":1,"b":true,"d":"2020-01-01","s":"1","w":"true","m":1,"l":[1],"big":9223372036854775808}\n'
    '{"f":1.5,"i":null,"x":2,"m":"1"}\n{}\n'
)


def test_of_ndjson_only_strings_are_days_and_no_string_is_a_number(folder: Path) -> None:
    (folder / "in.ndjson").write_text(LINES)
    options = ndjson.Options(infer_types=True)
    api.apply(identity("x"), folder / "in.ndjson", folder / "out.parquet", format_options=options)
    table = pq.read_table(folder / "out.parquet")
    text = pa.string()
    kinds = [pa.int64(), pa.float64(), pa.bool_(), pa.date32(), text, text, text, text, text]
    assert dict(zip(table.schema.names, table.schema.types, strict=True)) == {"x": pa.float64()} | dict(
        zip(["i", "f", "b", "d", "s", "w", "m", "l", "big"], kinds, strict=True)
    )
    assert table["i"].to_pylist() == [1, None, None]
    assert table["d"].to_pylist() == [dt.date(2020, 1, 1), None, None]
    assert table["m"].to_pylist() == ["1", "1", None]
    for value, said in (
        ('"i":1.0', "'1.0' in column 'i' is no int64"),
        ('"i":"1"', "'\"1\"' in column 'i'"),
        ('"d":5', "'5' in column 'd' is no date"),
        ('"b":"true"', "'\"true\"' in column 'b' is no bool"),
    ):
        (folder / "in.ndjson").write_text(LINES * 500 + f"{{{value}}}\n" + '{"x":"a"}\n')
        with pytest.raises(BadDataError, match=f"in.ndjson:1501: {said}"):
            api.apply(identity("x"), folder / "in.ndjson", folder / "out.parquet", format_options=options)


# -- bad rows that are skipped -----------------------------------------------------------------------------------
def test_bad_rows_are_told_in_order_and_left_out() -> None:
    data = b'x,n,q\n1,1,"a\nb"\n2,z,\n\nz,1,\n3,1\n4,y,"c\nd"\n5,5,\n'
    opened = csv.Reader(in_memory(data), csv.Options(infer_types=True), skip=True)
    reader = opened.described_as(replace(opened.description, inferred={"n": "int64", "q": "string"}))
    (chunk,) = reader.chunks()
    found = chunk.decode(frozenset("x"), "error", skip=True)
    assert [(r.row, r.place, r.raw) for r in found.rejects] == [
        (1, 2, "2,z,"),
        (2, 4, "z,1,"),
        (3, 5, "3,1"),
        (4, 6, '4,y,"c\nd"'),
    ]
    assert "'z' in column 'n' is no int64" in found.rejects[0].reason
    assert found.frame.to_polars().to_dict(as_series=False) == {"x": [1, 5], "n": [1, 5], "q": ["a\nb", None]}
    assert [chunk.locate(found.row(row)) for row in range(2)] == [0, 8]
    with pytest.raises(BadPlaceError):
        chunk.decode(frozenset("nx"), "error")


# -- the command -------------------------------------------------------------------------------------------------
@pytest.mark.soak
def test_the_command(workspace: Workspace) -> None:
    """In one as one after the other; two inputs into one go with the types of the first, into a directory with their
    own."""
    (workspace / "a.csv").write_text(HEAD + GOOD + NONE)
    (workspace / "b.csv").write_text(HEAD + GOOD.replace(",5,", ",5.5,").replace("007", "8"))
    (workspace / "c.csv").write_text(HEAD + GOOD.replace("007", "8"))
    workspace.succeeds("fit", "a.csv", "-m", "zscore", "-c", "x", "-p", "p.json", "-o", "one.parquet", "--infer-types")
    workspace.succeeds("apply", "a.csv", "-p", "p.json", "-o", "two.parquet", "--infer-types", "--column-suffix", "_z")
    one, two = (pq.read_table(workspace / n) for n in ("one.parquet", "two.parquet"))
    assert dict(zip(one.schema.names, one.schema.types, strict=True)) == KINDS
    assert two.drop_columns(["x", "x_z"]).equals(one.drop_columns(["x"]))
    workspace.succeeds("apply", "a.csv", "c.csv", "-p", "p.json", "-o", "both.arrow", "--infer-types")
    assert pa.ipc.open_file(workspace / "both.arrow").read_all()["code"].to_pylist() == ["007", None, "8"]
    said = workspace.fails(65, "apply", "a.csv", "b.csv", "-p", "p.json", "-o", "x.parquet", "--infer-types")
    assert said.startswith("b.csv:2: '5.5' in column 'n' is no int64")
    workspace.succeeds("apply", "a.csv", "b.csv", "-p", "p.json", "-o", "each/", "--to", "parquet", "--infer-types")
    assert [str(pq.read_schema(workspace / "each" / "b.parquet").field(n).type) for n in ("n", "code")] == [
        "double",
        "int64",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["apply", "table.csv", "-p", "p.json"], "--infer-types is for Parquet or Arrow output, and what is written"),
        (["apply", "table.csv", "-p", "p.json", "-o", "o/", "--to", "csv.gz"], "is for Parquet or Arrow output"),
        (["fit", "table.csv", "-m", "zscore"], "--infer-types is for -o OUTPUT"),
        (["fit", "table.csv", "-m", "zscore", "-p", "q.json", "-o", "x.csv"], "is for Parquet or Arrow output"),
    ],
)
def test_wrong_before_anything_is_read(words: list[str], said: str, workspace: Workspace) -> None:
    workspace.params()
    assert said in workspace.fails(2, *words, "--infer-types")


def test_columns_of_names_like_patterns(folder: Path) -> None:
    (folder / "in.csv").write_text("x,*,^.*$,\n1,2,3,4\n")
    options = csv.Options(infer_types=True)
    api.apply(identity("x"), folder / "in.csv", folder / "out.parquet", format_options=options)
    assert [str(t) for t in pq.read_schema(folder / "out.parquet").types] == ["double"] + ["int64"] * 3


def test_a_blank_is_like_what_comes() -> None:
    reader = csv.Reader(in_memory((HEAD + GOOD).encode()), csv.Options(infer_types=True))
    (chunk,) = reader.chunks()
    whole = chunk.decode(frozenset("x"), "error").frame
    blank = reader.description.blank(frozenset("x"))
    assert {**blank.to_polars().schema, "x": None} == {**whole.to_polars().schema, "x": None}
