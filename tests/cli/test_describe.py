"""describe: every column at a glance, against numpy, polars and counting; whatever is in it, and however it is read."""

import gzip
import itertools
import json
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields, replace
from pyarrow import feather

import normcli
from normcli.pipeline.data_profile import ColumnProfile
from tests import inside
from tests.cli.conftest import Workspace
from tests.conftest import examples

NAN = float("nan")
ROWS = 30_000
RANKS = 4.0 / 4096  # by which ranks of quartiles may be off, as a share


def described(place: Workspace, *words: str, **more: Any) -> dict[str, Any]:
    """The columns, by name."""
    done = place.succeeds("describe", *words, "--json", **more)
    return {column["column"]: column for column in json.loads(done.out)["columns"]}


def table(place: Workspace, *words: str) -> list[str]:
    return place.succeeds("describe", *words, "-q").out.decode().splitlines()


def data(rows: int = ROWS) -> pl.DataFrame:
    rng = np.random.default_rng(5)
    gaps = pl.Series(rng.random(rows) < 0.1)
    words = pl.Series([f"user {n}" for n in rng.zipf(1.4, rows).tolist()])
    return pl.DataFrame(
        {
            "id": np.arange(rows),
            "normal": rng.normal(50.0, 3.0, rows),
            "gaps": pl.Series(rng.lognormal(size=rows)).zip_with(~gaps, pl.Series([None], dtype=pl.Float64)),
            "few": rng.integers(0, 7, rows),
            "city": rng.choice(["Oslo", "Bergen", "Rome", "Łódź"], rows, p=[0.4, 0.3, 0.2, 0.1]),
            "user": words,
            "token": [f"{n:016x}" for n in rng.integers(0, 2**62, rows).tolist()],
            "ok": rng.random(rows) < 0.25,
            "day": [date(2020, 1, 1) + timedelta(int(n)) for n in rng.integers(0, 3000, rows)],
        }
    )


def write(frame: pl.DataFrame, path: Path) -> None:
    if path.suffix == ".csv":
        frame.write_csv(path)
    elif path.suffix == ".tsv":
        frame.write_csv(path, separator="\t")
    elif path.suffix == ".ndjson":
        frame.write_ndjson(path)
    elif path.suffix == ".arrow":
        feather.write_feather(frame.to_arrow(compat_level=pl.CompatLevel.oldest()), str(path))
    else:
        frame.write_parquet(path, row_group_size=7000)


def assert_described(found: dict[str, Any], frame: pl.DataFrame) -> None:
    """As numpy, polars and counting have it: moments to 14 digits, quartiles as far as the sketch promises."""
    for column in frame:
        one, values = found[column.name], column.drop_nulls()
        assert (one["count"], one["missing"]) == (len(values), column.null_count())
        assert one["distinct"] == (values.n_unique() if values.n_unique() < 1000 else None)
        spelled = values.cast(pl.String).to_list() if not column.dtype.is_numeric() else values.to_list()
        exact = Counter(spelled)
        error = one["count_error"]
        assert error <= len(values) / 1000
        for entry in one["most_common"]:
            assert exact[entry["value"]] - error <= entry["count"] <= exact[entry["value"]]
        expected = [n for _, n in exact.most_common(10) if n > 2 * error]
        assert [entry["count"] + error >= n for entry, n in zip(one["most_common"], expected, strict=False)] == [
            True
        ] * len(expected)
        if column.dtype.is_numeric():
            x = values.to_numpy().astype(np.float64)
            assert one["mean"] == pytest.approx(x.mean(), rel=1e-14)
            assert one["std"] == pytest.approx(x.std(), rel=1e-13)
            assert (one["min"], one["max"]) == (x.min(), x.max())
            for name, share in (("q25", 0.25), ("median", 0.5), ("q75", 0.75)):
                assert one["rank_error"] <= RANKS
                low, high = np.quantile(x, [max(share - one["rank_error"], 0), min(share + one["rank_error"], 1)])
                assert low <= one[name] <= high, name


def rounded(column: ColumnProfile) -> ColumnProfile:
    """Without the last digits, which depend on where rows are cut."""
    mean, std = (None if value is None else float(f"{value:.12g}") for value in (column.mean, column.std))
    return replace(column, mean=mean, std=std)


# -- numbers -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".ndjson", ".parquet", ".arrow"])
def test_a_description_is_what_numpy_polars_and_counting_say(suffix: str, workspace: Workspace) -> None:
    frame, path = data(), workspace / f"in{suffix}"
    write(frame, path)
    found = described(workspace, path.name, "--threads", "2")
    assert list(found) == frame.columns
    assert_described(found, frame)
    assert (found["day"]["min"], found["day"]["max"]) == (str(frame["day"].min()), str(frame["day"].max()))
    types = {n: one["type"] for n, one in found.items()}
    assert types["id"] == types["few"] == "int64"
    assert types["normal"] == "float64"
    assert types["ok"] == "bool"
    assert types["day"] == "date"
    assert {types[n] for n in ("city", "user", "token")} == {"string"}


@pytest.mark.parametrize("words", [("--threads", "1"), ("--threads", "3"), ("--max-memory", "900M")])
def test_a_description_does_not_depend_on_how_it_is_had(words: Sequence[str], workspace: Workspace) -> None:
    (workspace / "in.csv").write_bytes(raw := data(8000).write_csv().encode())
    (workspace / "in.csv.gz").write_bytes(gzip.compress(raw))
    wanted = workspace.succeeds("describe", "in.csv", "--json").out
    assert workspace.succeeds("describe", "in.csv.gz", "--json", *words).out == wanted
    assert workspace.succeeds("describe", "--json", *words, stdin=raw).out == wanted
    assert json.loads(workspace.succeeds("describe", "in.csv", "--json").out)["rows"] == 8000


@given(
    columns=st.lists(
        st.lists(st.sampled_from(["1", "2.5", "-3", "x", "", "NA", "2020-01-01", "true", "inf", "007"]), min_size=6,
                 max_size=6),
        min_size=1, max_size=3,
    )
)  # fmt: skip
@settings(max_examples=examples(40))
def test_cutting_rows_anywhere_describes_the_same(columns: list[list[str]]) -> None:
    with inside.folder():
        rows = [",".join(row) for row in zip(*columns, strict=True)]
        names = ",".join(f"c{j}" for j in range(len(columns)))
        Path("in.csv").write_text("\n".join([names, *(r or '""' for r in rows), ""]))
        whole = normcli.describe("in.csv", block_size=1 << 20)
        for size in (1, 9):
            assert list(map(rounded, normcli.describe("in.csv", block_size=size).columns)) == list(
                map(rounded, whole.columns)
            )
        for column, values in zip(whole.columns, columns, strict=True):
            present = [v for v in values if v not in ("", "NA")]
            assert (column.count, column.missing) == (len(present), 6 - len(present))


# -- what may be in a column ---------------------------------------------------------------------------------------
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "no row": ("", {"count": 0, "missing": 0, "type": "null", "distinct": 0, "mean": None, "min": None}),
    "one row": ("5\n", {"count": 1, "mean": 5.0, "std": 0.0, "min": 5, "q25": 5, "median": 5, "max": 5}),
    "all missing": ('""\nNA\n', {"count": 0, "missing": 2, "type": "null", "distinct": 0, "mean": None}),
    "constant": ("0.1\n" * 10, {"mean": 0.1, "std": 0.0, "distinct": 1, "min": 0.1, "max": 0.1}),
    "infinite": ("1\ninf\n-inf\n3\n", {"count": 4, "infinite": 2, "mean": 2.0, "max": 3.0, "distinct": 4}),
    "infinite alone": ("inf\ninf\n", {"count": 2, "infinite": 2, "mean": None, "distinct": 1, "type": "float64"}),
    "beyond floats": ("1e400\n1\n", {"infinite": 1, "mean": 1.0}),
    "huge": ("1e308\n-1e308\n", {"mean": 0.0, "std": None, "min": -1e308}),
    "numbers, then text": ("1\n2\nx\n", {"type": "string", "count": 3, "numbers": 2, "mean": 1.5, "distinct": 3}),
    "whole, then not": ("1\n2\n2.5\n", {"type": "float64", "numbers": 3, "max": 2.5}),
    "names with zeros": ("007\n008\n", {"type": "string", "numbers": 0, "mean": None, "distinct": 2}),
    "spaces": (" 1 \n2\n", {"type": "int64", "mean": 1.5}),
    "days": ("2020-02-29\n1999-01-01\n", {"type": "date", "min": "1999-01-01", "max": "2020-02-29", "mean": None}),
    "no days": ("2020-02-30\n1999-01-01\n", {"type": "string", "min": None}),
    "moments": ("2020-01-01T00:00:00+02:00\n2019-12-31T23:00:00+00:00\n",
                {"type": "timestamp with zone", "min": "2020-01-01T00:00:00+02:00"}),
    "truth": ("true\nFalse\n", {"type": "bool", "distinct": 2, "mean": None}),
    "long text": ("x" * 5000 + "\n", {"type": "string", "most_common": [{"value": "x" * 200 + "…", "count": 1}]}),
    "newlines": ('"a\nb"\n"a\nb"\n', {"most_common": [{"value": "a\nb", "count": 2}]}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_column_may_hold_anything(case: str, workspace: Workspace) -> None:
    rows, expected = CASES[case]
    (workspace / "in.csv").write_text("c\n" + rows)
    found = described(workspace, "in.csv")["c"]
    assert {name: found[name] for name in expected} == expected
    assert table(workspace, "in.csv")[0].startswith("rows ")


def test_a_column_that_turns_into_text_late_is_one_of_numbers_and_words(workspace: Workspace) -> None:
    """Past the rows that are sampled, and past the first block."""
    rows = [*map(str, range(200_000)), *["?"] * 5000, *["n/a"] * 100, *map(str, range(10))]
    (workspace / "in.csv").write_text("x,y\n" + "".join(f"{v},padding {v}\n" for v in rows))
    found = described(workspace, "in.csv")["x"]
    assert (found["type"], found["count"], found["numbers"]) == ("string", 205_110, 200_010)
    assert (found["min"], found["max"], found["distinct"]) == (0.0, 199_999.0, None)
    assert found["most_common"][0]["value"] == "?"
    assert 5000 - found["count_error"] <= found["most_common"][0]["count"] <= 5000
    (line,) = (line for line in table(workspace, "in.csv") if line.startswith("x  ") and "string" in line)
    assert re.search(r"1,000\+ +97\.5% numbers, \? \(≥ 2\.\d%\)$", line)


def test_words_that_mean_missing_are_so_in_any_column(workspace: Workspace) -> None:
    (workspace / "in.csv").write_text("a,b\n1,x\n-999,-999\nNA,NA\n3,\n")
    found = described(workspace, "in.csv", "--na-values=-999")
    assert [found[n]["missing"] for n in "ab"] == [1, 2]
    assert (found["a"]["type"], found["a"]["numbers"], found["a"]["count"]) == ("string", 2, 3)
    assert [entry["value"] for entry in found["b"]["most_common"]] == ["NA", "x"]


def test_a_dialect_is_read_as_elsewhere(workspace: Workspace) -> None:
    (workspace / "in.csv").write_text("# title\nx;t\n1.000,5;a\n2,5;'b;c'\n1.5;d\n")
    words = ("--delimiter", ";", "--decimal", ",", "--thousands", ".", "--quote", "'", "--comment", "#")
    found = described(workspace, "in.csv", *words)
    assert (found["x"]["numbers"], found["x"]["max"], found["x"]["count"]) == (2, 1000.5, 3)
    assert found["x"]["most_common"][0]["value"] == "1.5"  # which is no number there
    assert {entry["value"] for entry in found["t"]["most_common"]} == {"a", "b;c", "d"}


def test_json_has_types_of_its_own(workspace: Workspace) -> None:
    rows = [
        {"n": 1, "s": "12", "b": True, "l": [1, 2], "o": {"k": 1}, "m": 1, "d": "2020-01-01"},
        {"n": 2.5, "s": "NA", "b": None, "l": None, "m": "7", "d": "2021-01-01"},
        {"n": None, "s": 'a "q"', "o": None, "m": None, "d": None, "later": 3},
    ]
    (workspace / "in.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = described(workspace, "in.ndjson")
    assert {n: (one["type"], one["count"], one["numbers"]) for n, one in found.items()} == {
        "n": ("float64", 2, 2), "s": ("string", 3, 0), "b": ("bool", 1, 0), "l": ("list<float64>", 1, 0),
        "o": ("json", 1, 0), "m": ("string", 2, 1), "d": ("date", 2, 0), "later": ("int64", 1, 1),
    }  # fmt: skip
    assert found["l"]["distinct"] is None
    assert {entry["value"] for entry in found["s"]["most_common"]} == {"12", "NA", 'a "q"'}


def test_every_type_of_arrow_has_its_line(workspace: Workspace) -> None:
    berlin = datetime(2020, 6, 1, 12, tzinfo=UTC)
    columns: dict[str, tuple[pa.Array, dict[str, Any]]] = {
        "int8": (pa.array([1, None, 3], pa.int8()), {"type": "int8", "mean": 2.0, "max": 3}),
        "uint64": (pa.array([5, 0, None], pa.uint64()), {"type": "uint64", "max": 5}),
        "float32": (pa.array([NAN, 1.5, None], pa.float32()), {"count": 1, "missing": 2, "mean": 1.5}),
        "decimal": (pa.array([Decimal("1.1"), None, Decimal("3.3")]), {"min": 1.1, "max": 3.3}),
        "bool": (pa.array([True, None, True]), {"type": "bool", "most_common": [{"value": "true", "count": 2}]}),
        "date": (pa.array([date(2020, 1, 2), None, date(1, 1, 1)]), {"min": "0001-01-01", "max": "2020-01-02"}),
        "zone": (pa.array([berlin, None, None], pa.timestamp("us", "Europe/Berlin")), {"count": 1, "distinct": 1}),
        "nowhere": (pa.array([1, 2, None], pa.timestamp("ns", "No/where")), {"count": 2, "distinct": 2}),
        "duration": (pa.array([timedelta(1), None, timedelta(2)]), {"count": 2, "type": "duration", "min": "86400 s"}),
        "text": (pa.array(["é", None, "é"], pa.large_string()), {"distinct": 1}),
        "view": (pa.array(["a", None, "b"], pa.string_view()), {"distinct": 2}),
        "coded": (pa.array(["a", None, "b"]).dictionary_encode(), {"type": "dictionary<string>", "distinct": 2}),
        "twice": (pa.DictionaryArray.from_arrays([0, 1, 2], ["a", "a", None]), {"count": 2, "distinct": 1}),
        "coded numbers": (pa.array([7, None, 7]).dictionary_encode(), {"type": "int64", "mean": 7.0}),
        "bytes": (pa.array([b"\xff", None, b"a"]), {"distinct": 2}),
        "list": (pa.array([[1.0], None, []]), {"type": "list<float64>", "count": 2, "distinct": None}),
        "struct": (pa.array([{"a": 1}, None, {"a": 2}]), {"count": 2, "distinct": None}),
        "null": (pa.nulls(3), {"type": "null", "count": 0, "distinct": 0}),
    }
    whole = pa.table({name: column for name, (column, _) in columns.items()})
    with pa.OSFile(str(workspace / "in.arrow"), "wb") as file, pa.ipc.new_file(file, whole.schema) as writer:
        writer.write_table(whole)
    found = described(workspace, "in.arrow")
    for name, (column, expected) in columns.items():
        assert {key: found[name][key] for key in expected} == expected, name
        assert found[name]["count"] + found[name]["missing"] == len(column)


def test_a_type_and_a_moment_are_called_the_same_in_all_formats(workspace: Workspace) -> None:
    moments = [datetime(2020, 1, 1, 3), datetime(2021, 1, 1, 0, 0, 0, 500_000)]
    days = [date(2020, 1, 1), date(2020, 1, 2)]
    frame = pl.DataFrame({"t": moments, "d": days, "s": ["x", "y"], "l": [[1.0], [2.0]]})
    zones = frame.with_columns(pl.col("t").dt.cast_time_unit("ns"), pl.col("l").cast(pl.Array(pl.Float64, 1)))
    frame.select("t", "d", "s").write_csv(workspace / "in.csv")
    for name, some in (("in.ndjson", frame), ("in.parquet", frame), ("in.arrow", zones)):
        write(some, workspace / name)
    for name in ("in.csv", "in.ndjson", "in.parquet", "in.arrow"):
        found = described(workspace, name)
        types = {n: one["type"] for n, one in found.items()}
        assert {"l": "list<float64>", **types} == {"t": "timestamp", "d": "date", "s": "string", "l": "list<float64>"}
        assert re.fullmatch(r"2020-01-01T03:00:00", found["t"]["min"]), name
        assert re.fullmatch(r"2021-01-01T00:00:00\.50*", found["t"]["max"]), name


def test_days_moments_and_durations_of_inputs_in_other_units_have_common_ends(workspace: Workspace) -> None:
    for unit in ("s", "ms", "us", "ns"):
        part = {"t": pa.array([10**9, 2], pa.int64()).cast(pa.timestamp("s")), "d": pa.array([1, 90], pa.duration("s"))}
        kinds = pa.schema([("t", pa.timestamp(unit)), ("d", pa.duration(unit))])
        with pa.OSFile(str(workspace / f"{unit}.arrow"), "wb") as file, pa.ipc.new_file(file, kinds) as writer:
            writer.write_table(pa.table(part).cast(kinds))
    (workspace / "late.csv").write_text("t\n2030-05-06 07:08\n")
    found = described(workspace, "s.arrow", "ms.arrow", "us.arrow", "ns.arrow", "late.csv")
    ends = {n: (one["type"], one["min"], one["max"]) for n, one in found.items()}
    assert ends["t"] == ("timestamp", "1970-01-01T00:00:02", "2030-05-06T07:08")
    assert ends["d"] == ("duration", "1 s", "90 s")


@pytest.mark.parametrize("other", ['{"a":1}', '"x"', "true"])
def test_lists_and_other_values_of_json_are_json(other: str, workspace: Workspace) -> None:
    rows = ["[1]", "[1,2]", "null", "[3]"]
    for place in range(4):
        rows[place], before = other, rows[place]
        (workspace / "in.ndjson").write_text("".join(f'{{"k":{row}}}\n' for row in rows))
        assert described(workspace, "in.ndjson")["k"]["type"] == "json"
        rows[place] = before
    assert normcli.describe(str(workspace / "in.ndjson"), block_size=10).columns[0].type == "json"


def test_a_most_common_value_of_less_than_one_in_a_thousand_is_left_out(workspace: Workspace) -> None:
    for count, shows in ((2001, False), (2000, True)):
        (workspace / "in.csv").write_text("x\n" + "\n".join(["w", "w", *["5"] * (count - 2)]) + "\n")
        assert table(workspace, "in.csv")[3].endswith("numbers, w (0.1%)" if shows else "numbers"), count


def test_whole_numbers_beyond_floats_are_warned_of(workspace: Workspace) -> None:
    pq.write_table(pa.table({"n": pa.array([2**60 + 1, 1])}), workspace / "in.parquet")
    assert "column 'n' holds whole numbers beyond 2^53" in workspace.succeeds("describe", "in.parquet").err


@pytest.mark.parametrize("suffix", [".csv", ".ndjson", ".parquet"])
@given(values=st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(2**53 - 2, 2**53 + 2), min_size=1, max_size=9))
@settings(max_examples=examples(25))
def test_ends_of_whole_numbers_are_exact_and_others_that_may_be_rounded_are_floats(
    suffix: str, values: list[int]
) -> None:
    with inside.folder():
        write(pl.DataFrame({"n": values}), Path(f"in{suffix}"))
        (column,) = normcli.describe(f"in{suffix}", block_size=40).columns
    assert (column.min, column.max) == (min(values), max(values))
    assert isinstance(column.min, int)
    assert isinstance(column.max, int)
    figures = (column.q25, column.median, column.q75, *(value for value, _ in column.most_common))
    assert all(isinstance(x, float) or (isinstance(x, int) and abs(x) < 2**53) for x in figures)


# -- which columns, of which inputs --------------------------------------------------------------------------------
def test_selectors_take_columns_of_any_type(workspace: Workspace) -> None:
    (workspace / "in.csv").write_text("a1,a2,b,*\n1,x,2,3\n")
    assert list(described(workspace, "in.csv", "-c", "a*,b")) == ["a1", "a2", "b"]
    assert list(described(workspace, "in.csv", "-c", "*", "-x", "a1")) == ["*"]
    assert list(described(workspace, "in.csv", "-x", "a?")) == ["b", "*"]
    assert "no column is called 'z'" in workspace.fails(65, "describe", "in.csv", "-c", "z")
    assert "no column is left" in workspace.fails(65, "describe", "in.csv", "-x", "a*,b", "-x", "*")


def test_columns_of_all_inputs_are_described(workspace: Workspace) -> None:
    """One that an input does not have is missing there, and its types are joined."""
    (workspace / "d/year=1").mkdir(parents=True)
    (workspace / "d/year=2").mkdir()
    (workspace / "d/year=1/a.csv").write_text("a,b,t\n1,x,5\n2,y,6\n")
    (workspace / "d/year=2/b.csv").write_text("b,c,t\nx,1.5,z\n")
    done = workspace.succeeds("describe", "d", "--json")
    found = {c["column"]: c for c in json.loads(done.out)["columns"]}
    assert {n: (one["type"], one["count"], one["missing"]) for n, one in found.items()} == {
        "year": ("string", 3, 0), "a": ("int64", 2, 1), "b": ("string", 3, 0), "t": ("string", 3, 0),
        "c": ("float64", 1, 2),
    }  # fmt: skip
    assert found["t"]["numbers"] == 2
    assert [line.partition(": ")[2] for line in done.err.splitlines()[:2]] == [
        "warning: d/year=2/b.csv: no such column, it counts as missing there: a",
        "warning: d/year=2/b.csv: columns that the inputs before do not have: c",
    ]
    assert list(described(workspace, "d", "-c", "b")) == ["b"]


def test_a_column_that_only_later_rows_have_is_warned_of_and_taken_if_named(workspace: Workspace) -> None:
    rows = ['{"a":1}\n'] * 150_000 + ['{"a":2,"late":7}\n']
    (workspace / "in.ndjson").write_text("".join(rows))
    done = workspace.succeeds("describe", "in.ndjson", "--json")
    assert "a column that only later rows have, which -c takes: late" in done.err
    found = described(workspace, "in.ndjson", "-c", "a,late")
    assert (found["late"]["count"], found["late"]["missing"], found["late"]["mean"]) == (1, 150_000, 7.0)


# -- manners -----------------------------------------------------------------------------------------------------
def test_rows_that_can_not_be_read_are_refused_or_left_out(workspace: Workspace) -> None:
    (workspace / "in.csv").write_bytes(b"a,b\n1,x\n1,2,3\nword,y\n2,\xff\n")
    assert workspace.fails(65, "describe", "in.csv").startswith("in.csv:3: 3 fields where")
    words = ("in.csv", "--on-bad-row", "skip", "--rejects", "bad.ndjson")
    found = described(workspace, *words)
    assert (found["a"]["count"], found["a"]["numbers"]) == (2, 1)  # a word is no bad row
    rejects = [json.loads(line) for line in (workspace / "bad.ndjson").read_text().splitlines()]
    assert [row["line"] for row in rejects] == [3, 5]
    assert "not UTF-8" in workspace.fails(65, "describe", "in.csv", "--on-bad-row", "skip", "--max-bad-rows", "1")


def test_it_reads_no_more_than_is_there(workspace: Workspace) -> None:
    (workspace / "empty.csv").write_bytes(b"")
    assert "is empty" in workspace.fails(65, "describe", "empty.csv")
    assert "there is no such file" in workspace.fails(66, "describe", "none.csv")
    assert "fewer than --min-rows 7" in workspace.fails(65, "describe", "table.csv", "--min-rows", "7")
    assert b"columns  " in workspace.succeeds("describe", "table.csv", "--dry-run").out
    assert "4 columns need about" in workspace.fails(2, "describe", "table.csv", "--max-memory", "1M")


def test_warnings_say_what_would_make_numbers_of_text(workspace: Workspace) -> None:
    (workspace / "in.csv").write_text('p,q\n"1,000",1\n"2,500",?\n')
    done = workspace.succeeds("describe", "in.csv")
    assert "'1,000' in column 'p' is not a number (--thousands , takes it)" in done.err
    assert workspace.run("describe", "in.csv", "--werror").out == b""
    assert workspace.run("describe", "in.csv", "--werror").code == 65


@pytest.mark.parametrize("name", ["in.csv", "in.ndjson"])
@pytest.mark.parametrize("place", range(3))
def test_a_word_among_numbers_is_no_warning_wherever_it_stands(place: int, name: str, workspace: Workspace) -> None:
    values = [1, 2, 3]
    lines = [*map(str, values[:place]), '"w"', *map(str, values[place + 1 :])]
    rows = ["x,y", *(f"{v},{v}" for v in lines)] if name == "in.csv" else [f'{{"x":{v},"y":{v}}}' for v in lines]
    (workspace / name).write_text("\n".join([*rows, ""]))
    done = workspace.succeeds("describe", name, "--werror")
    assert done.warnings == []
    assert "66.7% numbers" in done.out.decode()


def test_jobs_that_replace_nothing_do_not_say_so(workspace: Workspace) -> None:
    (workspace / "in.csv").write_text('p,q\n"1,000",1\n"2,500",?\n')
    assert workspace.fails(65, "describe", "in.csv", "--werror").endswith("--werror makes it an error")


def test_the_table_on_a_pipe_is_plain_and_whole(workspace: Workspace) -> None:
    names = ["a", "n" * 90, "b [x]", "tab\there"]
    rows = "".join(f"{i},{i * 1000},t{i % 3},word\n" for i in range(2000))
    (workspace / "in.csv").write_text(",".join(names) + "\n" + rows)
    lines = table(workspace, "in.csv")
    assert lines[0] == "rows     2,000"
    assert lines[2].split() == ["column", "type", "count", "missing", "distinct", "values"]
    assert lines[3].split() == ["a", "int64", "2,000", "-", "1,000+"]
    assert lines[4].startswith("n" * 90 + "  int64")
    assert lines[5].split("  ")[0] == "b [x]"
    assert lines[5].endswith("t0 (33.4%)")
    assert lines[6].startswith("tab\\there ")
    assert lines[8].split("  ")[0] == "column"
    assert re.split(" {2,}", lines[9]) == ["a", "999.5", "577.350197", "0", "499.75", "999.5", "1499.25", "1999"]
    assert len(lines) == 11


def test_float32_has_no_digits_that_are_not_its_own(workspace: Workspace) -> None:
    pq.write_table(pa.table({"a": pa.array([0.1, 0.6, 0.6, 0.7], pa.float32())}), workspace / "in.parquet")
    least, _, median, _, greatest = table(workspace, "in.parquet")[-1].split()[3:]
    assert (least, median, greatest) == ("0.1", "0.6", "0.7")


def test_values_are_cut_at_their_end(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "in.csv").write_text(
        "name_of_the_column,day\n" + "".join(f"w{i},2025-01-{i:02}\n" for i in range(1, 29))
    )
    monkeypatch.setattr("normcli.cli._table.sys", SimpleNamespace(stdout=SimpleNamespace(isatty=lambda: True)))
    monkeypatch.setattr("normcli.cli._table.width", lambda fd: 72)
    day = next(line for line in table(workspace, "in.csv") if line.startswith("day"))
    assert re.search(r"  2025-01-01 … [0-9-]*…$", day), day


def test_python_has_the_same_figures(workspace: Workspace) -> None:
    frame = data(2000)
    write(frame, workspace / "in.csv")
    found = normcli.describe(workspace / "in.csv", columns=["normal", "city"], exclude="city")
    shown = described(workspace, "in.csv", "-c", "normal")["normal"]
    (column,) = found.columns
    assert (found.rows, column.column, column.mean, column.distinct) == (2000, "normal", shown["mean"], None)
    assert column.median == shown["median"] == float(np.median(frame["normal"].to_numpy()))


@pytest.mark.parametrize("count", [2, 300])
def test_wide_tables_have_a_line_of_each_column(count: int, workspace: Workspace) -> None:
    names = [f"c{j}" for j in range(count)]
    cells = itertools.cycle(["1", "x", "2.5"])
    (workspace / "in.csv").write_text(",".join(names) + "\n" + ",".join(itertools.islice(cells, count)) + "\n")
    assert list(described(workspace, "in.csv")) == names


def test_the_documents_list_the_keys_of_json() -> None:
    table = (
        (Path(normcli.__file__).parent.parent / "docs/run-report.md")
        .read_text()
        .split("| key of a column |")[1]
        .split("\n\n")[0]
    )
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    keys = [key for row in rows for key in re.findall(r"`(\w+)`", row)]
    assert sorted(keys) == sorted(field.name for field in fields(ColumnProfile))


# -- what it saves -----------------------------------------------------------------------------------------------
def test_what_it_saves_is_a_fit_of_the_columns_of_numbers(workspace: Workspace) -> None:
    """All but what was counted of the input, and of long columns the items of sketches."""
    (workspace / "t.csv").write_text("name,a,b\nx,1,2.5\ny,2,\nz,4,-1\n")
    done = workspace.succeeds("describe", "t.csv", "--save", "d.json", "--note", "of a test")
    assert done.lines[-1].endswith(" -> d.json")
    workspace.succeeds("fit", "t.csv", "-m", "zscore", "-p", "f.json", "--note", "of a test")
    saved, fitted = (json.loads((workspace / f"{name}.json").read_bytes()) for name in "df")
    assert saved.pop("inputs") == []
    assert fitted.pop("inputs")
    assert saved.pop("digest") != fitted.pop("digest")
    assert saved == fitted
    workspace.succeeds("check", "t.csv", "-p", "d.json", "--min-rows", "0")


def test_what_it_saves_takes_data_as_they_come(workspace: Workspace) -> None:
    """Infinite values count as missing, and so does a column that a file does not have."""
    (workspace / "1.csv").write_text("a,b,words\n1,inf,3\n2,7,x\n")
    (workspace / "2.csv").write_text("a\n6\n")
    workspace.succeeds("describe", "1.csv", "2.csv", "--save", "d.json")
    (step,) = json.loads((workspace / "d.json").read_bytes())["steps"]
    counts = {name: (c["count"], c["missing"], c["mean"]) for name, c in step["columns"].items()}
    assert counts == {"a": (3, 0, 3.0), "b": (1, 2, 7.0)}


def test_saved_sketches_of_long_columns_have_256_items(workspace: Workspace) -> None:
    (workspace / "t.csv").write_text("a\n" + "".join(f"{i}\n" for i in range(20_000)))
    workspace.succeeds("describe", "t.csv", "--save", "d.json")
    sketches = normcli.load(workspace / "d.json").sketches
    assert sketches is not None
    items, weights = sketches.weighted("a")
    assert len(items) <= 256
    assert np.abs(np.cumsum(weights) - weights / 2 - items).max() <= 0.005 * 20_000


def test_there_is_something_to_save_and_a_place_for_it(workspace: Workspace) -> None:
    (workspace / "t.csv").write_text("name\nx\n")
    assert "no column of numbers" in workspace.fails(65, "describe", "t.csv", "--save", "d.json")
    assert not (workspace / "d.json").exists()
    assert "--save t.csv is the INPUT" in workspace.fails(2, "describe", "t.csv", "--save", "t.csv")
    assert "--note is for --save PARAMS" in workspace.fails(2, "describe", "t.csv", "--note", "x")


@pytest.mark.parametrize(("rows", "lines"), [(4_096, []), (9_000, ["accuracy"])])
def test_the_error_of_quartiles_is_shown_beside_them(workspace: Workspace, rows: int, lines: list[str]) -> None:
    (workspace / "t.csv").write_text("x\n" + "".join(f"{i / 7}\n" for i in range(rows)))
    out = workspace.succeeds("describe", "t.csv").out.decode()
    (error,) = {c["rank_error"] for c in described(workspace, "t.csv").values()}
    words = f"the rank of a quartile is off by less than {error:.1%} of the values, at 99 % confidence"
    assert [line for line in out.splitlines() if "rank" in line] == [f"{label} {words}" for label in lines]
