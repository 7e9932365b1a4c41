"""pandas reads what is written of its tables, and the types that its metadata give are those of the columns."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow.pandas_compat import get_logical_type

from normcli import api
from normcli.columns.pandas_metadata import with_pandas_types
from tests.conftest import longer
from tests.formats.conftest import normcli
from tests.formats.test_types import read_as, written_as

FORMATS = ("parquet", *longer("arrow", "arrows"))
MOMENTS = pd.to_datetime(["2020-01-01", "2021-02-03", "2022-03-04", "2023-04-05"])
COLUMNS: dict[Any, Any] = {
    "int": pd.array([1, 2, None, 4], dtype="Int64"),
    "small": pd.array([1, 2, 3, None], dtype="UInt8"),
    "plain": [1, 2, 3, 5],
    "float": pd.array([1.5, None, 2.0, 4.0], dtype="Float64"),
    "single": pd.array([1.5, None, 2.0, 4.0], dtype="Float32"),
    "arrow": pd.array([1, None, 3, 4], dtype="int64[pyarrow]"),
    "decimal": pd.array(["1.50", None, "2.25", "4.00"], dtype=pd.ArrowDtype(pa.decimal128(5, 2))),
    "constant": pd.array([7, 7, 7, 7], dtype="Int64"),
    "bool": pd.array([True, None, False, True], dtype="boolean"),
    "text": pd.array(["a", None, "b", "c"], dtype="string"),
    "category": pd.Categorical(["u", "v", None, "u"]),
    "codes": pd.Categorical([10, 20, 30, 10]),
    "moment": MOMENTS,
    "zoned": MOMENTS.tz_localize("UTC"),
    "lists": [[1.0, 2.0], [2.0, 3.0], [5.0, 1.0], [0.0, 4.0]],
}
INDEX = pd.Index(pd.array([5, 3, 1, 0], dtype="Int64"), name="k")


def content(schema: pa.Schema) -> Any:
    return json.loads(schema.metadata[b"pandas"])


def check(written: pa.Table) -> pd.DataFrame:
    """What pandas reads, whose values are those that are there; its metadata are those of numbers and of no others."""
    frame = written.to_pandas()
    assert frame.reset_index().columns.isin([*written.column_names, "index"]).all()
    for name in written.column_names:
        read = frame[name] if name in frame else frame.index.to_series()
        expected = written[name].to_pandas().reset_index(drop=True)
        missing = written[name].is_null().to_pandas()
        for a, b, none in zip(read, expected, missing, strict=True):
            assert none or str(a) == str(b) or a == b
    for entry in (e for e in content(written.schema)["columns"] if e["field_name"] in written.column_names):
        kind = written.schema.field(entry["field_name"]).type
        if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
            assert entry["pandas_type"] == get_logical_type(kind)
            assert entry["numpy_type"].partition("[")[0].lower() in (get_logical_type(kind), str(kind), "object")
    return frame


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "flags",
    [
        (),
        ("--column-suffix", "_z"),
        ("--only",),
        ("--only", "-c", "int", "-c", "k"),
        ("--dtype", "float32", "-c", "*", "-x", "codes"),
        ("--drop-constant", "-x", "lists"),
    ],
    ids=" ".join,
)
def test_pandas_reads_what_every_way_writes(kind: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    table = pa.Table.from_pandas(pd.DataFrame(COLUMNS).set_index(INDEX))
    written_as(table, tmp_path / f"x.{kind}")
    done = normcli("fit", f"x.{kind}", "-m", "zscore", "-p", "p.json", "-o", f"z.{kind}", "-q", *flags, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    frame = check(read_as(tmp_path / f"z.{kind}"))
    assert frame.index.name == (None if "--only" in flags and "k" not in flags else "k")
    if "--column-suffix" not in flags and "--drop-constant" not in flags:
        back = normcli("apply", "--inverse", f"z.{kind}", "-p", "p.json", "-o", f"y.{kind}", "-q", cwd=tmp_path)
        assert back.returncode == 0, back.stderr
        restored = check(read_as(tmp_path / f"y.{kind}"))
        assert restored["int"].isna().tolist() == [False, False, True, False]


@pytest.mark.parametrize("labels", [[0, 1], [("a", 1), ("b", 2)], list(MOMENTS[:2])], ids=lambda labels: str(labels[0]))
def test_labels_are_what_they_were_or_text_beside_new_ones(labels: list[Any], tmp_path: Path) -> None:
    frame = pd.DataFrame([[1.0, 2.0], [3.0, 5.0]])
    frame.columns = pd.MultiIndex.from_tuples(labels) if isinstance(labels[0], tuple) else pd.Index(labels)
    table = pa.Table.from_pandas(frame)
    written_as(table, tmp_path / "x.parquet")
    for flags, expected in (((), labels), (("--column-suffix", "_z"), None)):
        normcli("fit", "x.parquet", "-m", "zscore", "-p", "p.json", "-o", "z.parquet", "-q", *flags, cwd=tmp_path)
        written = read_as(tmp_path / "z.parquet")
        assert list(written.to_pandas().columns) == (expected or written.column_names)


def test_a_table_of_arrow_in_memory_becomes_one_that_pandas_reads() -> None:
    table = pa.Table.from_pandas(pd.DataFrame({"int": COLUMNS["int"], "text": COLUMNS["text"]}).set_index(INDEX))
    plan = api.fit(table, "zscore")
    assert str(check(api.apply(plan, table))["text"].dtype) == "string"


def test_metadata_of_the_same_columns_stay_byte_for_byte() -> None:
    schema = pa.Table.from_pandas(pd.DataFrame(COLUMNS).set_index(INDEX)).schema
    assert with_pandas_types(schema) is schema
    plain = pa.schema([("x", pa.int64())])
    assert with_pandas_types(plain) is plain


@pytest.mark.parametrize("about", [None, [], {}, {"columns": 1}, {"columns": [1]}, {"columns": [{}]}, {"columns": []}])
def test_other_metadata_stay(about: Any) -> None:
    schema = pa.schema([("x", pa.int64())], {b"pandas": json.dumps(about).encode()})
    assert with_pandas_types(schema) is schema
