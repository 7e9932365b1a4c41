"""NDJSON with arrays of numbers: a feature matrix where one is selected, what they were where not."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli import api, columns
from normcli.columns import Field
from normcli.errors import BadDataError
from normcli.formats import ndjson
from normcli.formats._json import vectors
from normcli.methods.center import Center
from normcli.methods.unit import Unit
from normcli.methods.whiten import Whiten
from normcli.methods.zscore import ZScore
from tests.conftest import examples
from tests.formats.conftest import in_memory, normcli, params_of
from tests.formats.test_lists import MATRIX
from tests.formats.test_types import read_as, written_as

Rows = Sequence[dict[str, Any]]


def lines(rows: Rows, **how: Any) -> str:
    return "".join(json.dumps(row, **how) + "\n" for row in rows)


def put(rows: Rows, path: Path, **how: Any) -> Path:
    path.write_text(lines(rows, **how))
    return path


def got(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text().splitlines()]


# -- to lists and back -------------------------------------------------------------------------------------------
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(1 << 70), 1 << 70) | st.none()


@given(st.lists(st.none() | st.lists(numbers, max_size=4)), st.booleans())
@settings(max_examples=examples(60), deadline=None)
def test_arrays_are_what_python_reads_and_written_read_back_to_the_bit(rows: list[Any], wide: bool) -> None:
    texts = [json.dumps(r, separators=None if wide else (",", ":")) for r in rows]
    made = vectors.lists(pl.Series(texts, dtype=pl.String), None)
    expected = [r and [None if v is None else float(v) for v in r] for r in rows]
    assert made is not None
    assert repr(made.to_list()) == repr(expected)
    assert [json.loads(t) for t in vectors.as_json(made, "l")] == expected


@pytest.mark.parametrize("text", ['["1"]', "[true]", "[[1]]", '[{"a":1,"b":2}]', '[1,"null"]', '["\\t",1]', '[""]'])
def test_other_arrays_are_none(text: str) -> None:
    assert vectors.lists(pl.Series(["[1,2]", text]), None) is None


def test_the_shortest_numbers_of_float32() -> None:
    for kind in (pl.List(pl.Float32), pl.Array(pl.Float32, 3)):
        series = pl.Series("e", [[0.1, 16777216.0, 1e-30], None, [float("nan"), None, 0.0]], dtype=kind)
        made = [json.loads(t) for t in vectors.as_json(series, "l")]
        assert made == [[0.1, 16777216.0, 1e-30], None, [None, None, 0.0]]


# -- columns -----------------------------------------------------------------------------------------------------
def test_which_columns_are_lists() -> None:
    rows: Rows = [
        {"e": None, "i": [1, 2], "t": ["a"], "m": [1, "a"], "o": {"a": [1]}, "z": [], "n": [[1]], "tags": []},
        {"e": [0.5, None], "i": None, "t": [1, 2], "m": ["a"], "z": [], "n": [[2]], "tags": ["a"]},
    ]
    made = ndjson.Reader(in_memory(lines(rows).encode(), "t.ndjson"), ndjson.Options())
    types = {f.name: f.type for f in made.description.schema}
    assert {n for n, t in types.items() if t == "large_list<float64>"} == {"e", "i", "t"}
    assert types["m"] == types["o"] == types["z"] == types["n"] == types["tags"] == "json"
    assert (made.list_size("e"), made.list_size("i")) == (2, 2)
    assert columns.select(made.description.schema, ["e"], ()) == ("e",)
    with pytest.raises(BadDataError, match="no numeric column"):
        columns.select(made.description.schema, (), ())
    empty = ndjson.Reader(in_memory(b'{"e":[]}\n{"e":[1]}\n', "t.ndjson"), ndjson.Options())
    with pytest.raises(BadDataError, match="there is an empty list in column 'e'"):
        empty.list_size("e")


ROWS: Rows = [
    {"id": i, "e": None if i % 7 == 3 else [*row[:1], None, *row[2:]] if i % 11 == 5 else row, "t": ["a", [i]]}
    for i, row in enumerate(MATRIX.tolist())
]
METHODS = [ZScore(), Center(), Unit(), Whiten(), Whiten(kind="pca", components=2)]


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_as_from_arrow(method: Any, folder: Path) -> None:
    """The same lists in NDJSON teach the same as in Arrow, and become the same, whatever the blocks."""
    given = put(ROWS, folder / "l.ndjson")
    arrow = written_as(
        pa.table({"e": pa.array([r["e"] for r in ROWS], pa.large_list(pa.float64()))}), folder / "l.arrow"
    )
    plans = [api.fit(p, method, columns=["e"]) for p in (given, arrow)]
    steps = [json.loads(params_of(p))["steps"] for p in plans]
    assert steps[0] == steps[1]
    assert plans[0].types["e"] == "large_list<float64>"
    api.apply(plans[0], given, folder / "made.ndjson")
    api.apply(plans[0], given, folder / "small.ndjson", block_size=300)
    api.apply(plans[0], given, folder / "made.parquet")
    api.apply(plans[0], arrow, folder / "made.arrow")
    assert (folder / "small.ndjson").read_bytes() == (folder / "made.ndjson").read_bytes()
    out = got(folder / "made.ndjson")
    assert [r["e"] for r in out] == read_as(folder / "made.arrow")["e"].to_pylist()
    assert [(list(r), r["id"], r["t"]) for r in out] == [(list(r), r["id"], r["t"]) for r in ROWS]
    table = pq.read_table(folder / "made.parquet")
    assert table["e"].equals(read_as(folder / "made.arrow")["e"].cast(table["e"].type))
    assert table["t"].to_pylist() == [json.dumps(r["t"]) for r in ROWS]


@pytest.mark.parametrize("suffix", ["ndjson", "parquet"])
def test_there_and_back(suffix: str, folder: Path) -> None:
    given = put(ROWS, folder / "in.ndjson")
    plan = api.fit(given, ZScore(), columns=["e"])
    api.apply(plan, given, folder / f"made.{suffix}")
    api.apply(plan, folder / f"made.{suffix}", folder / "back.ndjson", inverse=True)
    for row, was in zip(got(folder / "back.ndjson"), ROWS, strict=True):
        assert (row["e"] is None) == (was["e"] is None)
        both = list(zip(row["e"] or (), was["e"] or (), strict=True))
        assert all((a is None) == (b is None) for a, b in both)
        there = [pair for pair in both if None not in pair]
        np.testing.assert_allclose([a for a, _ in there], [b for _, b in there], rtol=0, atol=1e-10)


def test_a_key_that_is_not_there_stays_away(folder: Path) -> None:
    """In one command, too, through the spool; and beside the original, which is as it was spelled."""
    text = '{"a":1,"e":[1.50, 2]}\n{"a":2}\n{"e":null,"a":3}\n{"late":[1],"a":4,"e":[3,6.0]}\n{"late":0,"a":5}\n{}\n'
    (folder / "k.ndjson").write_text(text)
    done = normcli("fit", "k.ndjson", "-m", "maxabs", "-c", "e", "-p", "k.json", "-o", "o.ndjson", cwd=folder)
    assert done.returncode == 0, done.stderr
    shape = [list(r) for r in got(folder / "k.ndjson")]
    assert [list(r) for r in got(folder / "o.ndjson")] == shape
    assert [r.get("e") for r in got(folder / "o.ndjson")] == [[0.5, 2 / 6], None, None, [1, 1], None, None]
    done = normcli("apply", "k.ndjson", "-p", "k.json", "--column-suffix", "_z", cwd=folder)
    assert done.stdout.splitlines()[0].startswith(b'{"a":1,"e":[1.50, 2],"e_z":[0.5,0.333')
    assert b'"late":[1],"a":4,"e":[3,6.0],"e_z":[1.0,1.0]' in done.stdout


def test_where_the_first_rows_have_none(folder: Path) -> None:
    plan = api.fit(put(ROWS, folder / "in.ndjson"), Center(), columns=["e"])
    late: Rows = [{"e": None}, {}] * 600 + [{"e": [1, 2, 3, 4]}, {}]
    for size in (None, 2000):
        api.apply(plan, put(late, folder / "late.ndjson"), folder / "made.ndjson", block_size=size)
        made = got(folder / "made.ndjson")
        assert made[:1200] == late[:1200]
        assert len(made[1200]["e"]) == 4
        assert made[1201] == {}
        api.apply(plan, folder / "late.ndjson", folder / "made.parquet", block_size=size)
        assert pq.read_table(folder / "made.parquet")["e"].null_count == 1201


# -- what is refused ---------------------------------------------------------------------------------------------
WRONG = {
    "[1,2,3]": "a list of 3 in column 'e', the others have 4",
    "[]": "a list of 0 in column 'e', the others have 4",
    '[1,"2",3,4]': "\"2\" in a list in column 'e' is not a number",
    "[1,true,3,4]": "true in a list in column 'e' is not a number",
    "[[1],2,3,4]": "a list in a list in column 'e' is not a number",
    "[{},2,3,4]": "an object in a list in column 'e' is not a number",
    "5": "5 in column 'e' is not a list of numbers",
    '"x"': "\"x\" in column 'e' is not a list of numbers",
    '{"a":1}': "an object in column 'e' is not a list of numbers",
    "[1,1e400,3,4]": r"infinite value in column 'e(\[1\])?'",
}


@pytest.mark.soak
@pytest.mark.parametrize("value", WRONG)
def test_refused_with_its_line(value: str, folder: Path) -> None:
    """In the first rows or after them, by fit and by apply; or skipped."""
    plan = api.fit(put(ROWS, folder / "good.ndjson"), Center(), columns=["e"])
    for many, size in ((1, None), (30, None), (30, 3000)):
        (folder / "bad.ndjson").write_text(lines(ROWS) * many + f'{{"e":{value}}}\n{{"e":"later"}}\n')
        line = len(ROWS) * many + 1
        for run in (
            lambda s: api.fit(folder / "bad.ndjson", Center(), columns=["e"], block_size=s),
            lambda s: api.apply(plan, folder / "bad.ndjson", folder / "x.ndjson", block_size=s),
        ):
            with pytest.raises(BadDataError, match=rf"bad\.ndjson:{line}: {WRONG[value]}"):
                run(size)
    reader = ndjson.Reader(in_memory((folder / "bad.ndjson").read_bytes(), "t"), ndjson.Options(), skip=True)
    (chunk,) = reader.chunks()
    found = chunk.decode(frozenset("e"), "error", skip=True)
    assert [r.place + 1 for r in found.rejects] == [line, line + 1]


def test_infinite_may_be_missing(folder: Path) -> None:
    given = put([], folder / "inf.ndjson")
    given.write_text('{"e":[1,1e400]}\n{"e":[3,4]}\n')
    plan = api.fit(given, Center(), columns=["e"], infinite="missing")
    api.apply(plan, given, folder / "made.ndjson", infinite="missing")
    assert got(folder / "made.ndjson") == [{"e": [-1, None]}, {"e": [1, 0]}]


def test_numbers_where_lists_are_due_and_the_other_way_round(folder: Path) -> None:
    """Told with the line, also where nobody could know before."""
    lists = api.fit(put(ROWS, folder / "good.ndjson"), Center(), columns=["e"])
    scalars = api.fit(put([{"e": 1}, {"e": 2}], folder / "scalars.ndjson"), Center())
    for plan, value, said in ((lists, "5", "is not a list"), (scalars, "[5]", "is not a number")):
        for before in (0, 1200):
            (folder / "bad.ndjson").write_text('{"e":null}\n' * before + f'{{"e":{value}}}\n')
            with pytest.raises(BadDataError, match=rf"bad\.ndjson:{before + 1}: .* in column 'e' {said}"):
                api.apply(plan, folder / "bad.ndjson", folder / "x.ndjson")
    (folder / "bad.csv").write_text("e,x\nNA,1\n5,2\n")
    with pytest.raises(BadDataError, match=r"bad\.csv:3: 5 in column 'e' is not a list"):
        api.apply(lists, folder / "bad.csv", folder / "x.ndjson")


def test_lists_can_not_be_csv(folder: Path) -> None:
    plan = api.fit(put([{"e": [1]}, {"e": None}], folder / "one.ndjson"), Center(), columns=["e"])
    assert plan.schema == (Field("e", "large_list<float64>"),)
    with pytest.raises(BadDataError, match="csv has no place for column e"):
        api.apply(plan, folder / "one.ndjson", folder / "x.csv")
