"""--dtype and --column-suffix: of which type normalized columns are, and whether they stand beside the originals."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Workspace

BESIDE = ("--column-suffix", "_z")
SPELLED = b"""id,a,t,b,n
001,1.50,"x,y",NA,12345678901234567890
002, 2.25 ,"",3e0,1
003,,w,+4.0,2
004,"7",v,"",3
005,9,u,NaN,-999
"""
METHODS = [("zscore",), ("unit",), ("whiten",), ("whiten", "--kind", "pca")]


def rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(data.decode().splitlines()))


def table(workspace: Workspace, name: str) -> Any:
    return pq.read_table(workspace / name)


def apart(data: bytes, names: list[str]) -> list[list[str]]:
    """Some of the columns, by their names."""
    header, *body = rows(data)
    return [[row[header.index(n)] for n in names] for row in body]


@pytest.fixture
def spelled(workspace: Workspace) -> str:
    (workspace / "s.csv").write_bytes(SPELLED)
    return "s.csv"


# -- beside ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("words", METHODS, ids=" ".join)
def test_normalized_columns_stand_beside_and_are_the_same(words: tuple[str, ...], workspace: Workspace) -> None:
    """Each after its own, components after the last; with --only the new ones alone; fit -o gives the same bytes."""
    p = workspace.params(*words)
    plain = workspace.succeeds("apply", "table.csv", "-p", p).out
    beside = workspace.succeeds("apply", "table.csv", "-p", p, *BESIDE).out
    new = ["pc1", "pc2", "pc3"] if rows(plain)[0][1] == "pc1" else ["a_z", "b_z", "c_z"]
    whole = ["site", "a", "b", "c", *new] if new[0] == "pc1" else ["site", "a", "a_z", "b", "b_z", "c", "c_z"]
    assert rows(beside)[0] == whole
    assert apart(beside, new) == apart(plain, rows(plain)[0][1:])
    assert apart(beside, ["site", "a", "b", "c"]) == rows((workspace / "table.csv").read_bytes())[1:]
    assert rows(workspace.succeeds("apply", "table.csv", "-p", p, *BESIDE, "--only").out) == [new, *apart(beside, new)]
    workspace.succeeds("fit", "-m", *words, "table.csv", "-p", "q.json", "-o", "o.csv", *BESIDE)
    assert ((workspace / "o.csv").read_bytes(), (workspace / "q.json").read_bytes()) == (
        beside,
        (workspace / p).read_bytes(),
    )


@pytest.mark.parametrize("suffix", ["csv", "tsv", "csv.gz"])
def test_originals_are_copied_character_for_character(suffix: str, workspace: Workspace, spelled: str) -> None:
    workspace.succeeds("fit", "-m", "center", spelled, "-c", "a,b,n", "-p", "p.json")
    workspace.succeeds("apply", spelled, "-p", "p.json", "-o", f"one.{suffix}", *BESIDE)
    workspace.succeeds("fit", "-m", "center", spelled, "-c", "a,b,n", "-p", "q.json", "-o", f"two.{suffix}", *BESIDE)
    assert (workspace / f"one.{suffix}").read_bytes() == (workspace / f"two.{suffix}").read_bytes()
    if suffix == "csv":
        header, *lines = (workspace / "one.csv").read_bytes().splitlines()
        assert header == b"id,a,a_z,t,b,b_z,n,n_z"
        assert lines[0].startswith(b'001,1.50,-3.4375,"x,y",NA,,12345678901234567890,')
        assert lines[1].startswith(b'002, 2.25 ,-2.6875,"",3e0,-0.5,1,')
        assert lines[2].startswith(b"003,,,w,+4.0,0.5,2,")
        assert lines[3].startswith(b'004,7,2.0625,v,"",,3,')
        assert lines[4].startswith(b"005,9,4.0625,u,NaN,,-999,")


def test_a_word_that_reads_as_a_number_is_missing_in_the_new_column_and_stays_in_the_old(workspace: Workspace) -> None:
    (workspace / "w.csv").write_bytes(b"x,y\n1,-999\n-999,2\n3,-1\n")
    args = ("w.csv", "-p", "p.json", "--na-values", "-999")
    workspace.succeeds("fit", "-m", "center", *args)
    done = workspace.succeeds("apply", *args, *BESIDE)
    assert done.out == b"x,x_z,y,y_z\n1,-1.0,-999,\n-999,,2,1.5\n3,1.0,-1,-1.5\n"


@pytest.mark.parametrize("suffix", ["parquet", "ndjson", "arrow"])
def test_in_other_formats_originals_of_text_are_numbers(suffix: str, workspace: Workspace, spelled: str) -> None:
    workspace.succeeds("fit", "-m", "center", spelled, "-c", "a,b,n", "-p", "p.json", "-o", f"o.{suffix}", *BESIDE)
    if suffix == "parquet":
        found = table(workspace, "o.parquet").to_pylist()
    elif suffix == "arrow":
        with pa.ipc.open_file(workspace / "o.arrow") as file:
            found = file.read_all().to_pylist()
    else:
        found = [json.loads(line) for line in (workspace / "o.ndjson").read_bytes().splitlines()]
    assert [list(row) for row in found] == [["id", "a", "a_z", "t", "b", "b_z", "n", "n_z"]] * 5
    assert [row["a"] for row in found] == [1.5, 2.25, None, 7.0, 9.0]
    assert [row["b"] for row in found] == [None, 3.0, 4.0, None, None]
    assert [row["b_z"] for row in found] == [None, -0.5, 0.5, None, None]
    assert [row["n"] for row in found] == [12345678901234567890.0, 1, 2, 3, -999]


def test_keys_of_ndjson_stay_absent_and_numbers_as_they_are_spelled(workspace: Workspace) -> None:
    (workspace / "d.ndjson").write_bytes(b'{"a":1.50,"t":"x"}\n{"t":null,"a":null}\n{"t":"z"}\n{"a":3E0,"t":"w"}\n')
    workspace.succeeds("fit", "-m", "center", "d.ndjson", "-p", "p.json")
    workspace.succeeds("apply", "d.ndjson", "-p", "p.json", "-o", "o.ndjson", *BESIDE)
    first, second, third, last = (workspace / "o.ndjson").read_bytes().splitlines()
    assert (first, last) == (b'{"a":1.50,"a_z":-0.75,"t":"x"}', b'{"a":3E0,"a_z":0.75,"t":"w"}')
    assert json.loads(second) == {"t": None, "a": None, "a_z": None}
    assert json.loads(third) == {"t": "z", "a_z": None}
    workspace.succeeds("apply", "o.ndjson", "-p", "p.json", "-o", "back.ndjson", *BESIDE, "--inverse")
    assert [json.loads(row).get("a") for row in (workspace / "back.ndjson").read_bytes().splitlines()] == [
        1.5,
        None,
        None,
        3,
    ]


def test_parquet_keeps_what_it_has_with_nulls_and_nan(workspace: Workspace) -> None:
    fields = [
        pa.field("i", pa.int32(), metadata={"unit": "m"}),
        pa.field("x", pa.float64()),
        pa.field("f", pa.float32()),
        pa.field("t", pa.string()),
    ]
    values = [[1, None, 3, 5], [1.0, math.nan, None, 4.0], [0.5, None, math.nan, 2.5], ["a", None, "", "b"]]
    given = pa.table(values, schema=pa.schema(fields, {"k": "v"}))
    pq.write_table(given, workspace / "t.parquet")
    workspace.succeeds("fit", "-m", "center", "t.parquet", "-p", "p.json")
    workspace.succeeds("apply", "t.parquet", "-p", "p.json", "-o", "o.parquet", *BESIDE)
    made = table(workspace, "o.parquet")
    kinds = {"i": "int32", "i_z": "double", "x": "double", "x_z": "double", "f": "float", "f_z": "float", "t": "string"}
    assert {f.name: str(f.type) for f in made.schema} == kinds
    assert made.schema.field("i").metadata == {b"unit": b"m"}
    assert made.schema.metadata[b"k"] == b"v"
    assert made.column("i").to_pylist() == values[0]
    assert made.column("i_z").to_pylist() == [-2.0, None, 0.0, 2.0]
    assert made.column("x_z").is_null().to_pylist() == given.column("x").is_null().to_pylist()
    np.testing.assert_array_equal(made.column("x_z").to_numpy(), [-1.5, np.nan, np.nan, 1.5])
    assert str(made.column("f_z").to_pylist()) == "[-1.0, None, nan, 1.0]"
    workspace.succeeds("apply", "o.parquet", "-p", "p.json", "-o", "back.parquet", *BESIDE, "--inverse")
    assert str(table(workspace, "back.parquet").to_pydict()) == str(given.to_pydict())
    assert table(workspace, "back.parquet").schema.types == given.schema.types


def lists(workspace: Workspace) -> pa.Table:
    """Two columns of lists, which make two matrices, and a number; as a file, too."""
    kinds = {"n": pa.int64(), "e": pa.list_(pa.float32(), 2), "f": pa.list_(pa.float64())}
    values = [[1, 2, 3, 4], [[1, 2], None, [5, 0], [4, 9]], [[1, 1, 2], [0, 5, 1], [7, 3, 3], [2, 8, 1]]]
    made = pa.table(values, schema=pa.schema(kinds))
    pq.write_table(made, workspace / "l.parquet")
    return made


@pytest.mark.parametrize(
    ("words", "dtype"),
    [
        (("zscore",), ()),
        (("unit",), ("--dtype", "float32")),
        (("whiten",), ("--dtype", "float64")),
        (("whiten", "--kind", "pca"), ()),
    ],
    ids=str,
)
def test_lists_stand_beside_under_their_own_name(
    words: tuple[str, ...], dtype: tuple[str, ...], workspace: Workspace
) -> None:
    given = lists(workspace)
    workspace.succeeds("fit", "-m", *words, "l.parquet", "-c", "e,f", "-p", "p.json")
    workspace.succeeds("apply", "l.parquet", "-p", "p.json", "-o", "plain.parquet", *dtype)
    workspace.succeeds("apply", "l.parquet", "-p", "p.json", "-o", "o.parquet", *BESIDE, *dtype)
    made, plain = table(workspace, "o.parquet"), table(workspace, "plain.parquet")
    assert made.column_names == ["n", "e", "e_z", "f", "f_z"]
    assert made.select(["n", "e", "f"]).equals(given)
    assert [made.column(n + "_z").to_pylist() for n in "ef"] == [plain.column(n).to_pylist() for n in "ef"]
    wanted = dtype[1] if dtype else None
    kinds = [pa.type_for_alias(wanted or k) for k in ("float32", "float64")]
    assert [made.schema.field(n + "_z").type.value_type for n in "ef"] == kinds
    if words[0] != "unit":
        workspace.succeeds("apply", "o.parquet", "-p", "p.json", "-o", "back.parquet", *BESIDE, "--inverse")
        back = table(workspace, "back.parquet")
        assert back.schema.types == given.schema.types
        for name in "ef":
            got, want = (t.column(name).combine_chunks() for t in (back, given))
            np.testing.assert_allclose(got.flatten().to_numpy(), want.flatten().to_numpy(), atol=1e-5)


def test_skipped_rows_are_skipped_in_the_originals_too(workspace: Workspace) -> None:
    (workspace / "t.csv").write_bytes(b"x,y\n1.0,a\noops,b\n2,c,c\n\n3.00,d\ninf,e\n5,f\n")
    args = ("t.csv", "-p", "p.json", "--on-bad-row", "skip")
    wanted = b"x,x_z,y\n1.0,-2.0,a\n3.00,0.0,d\n5,2.0,f\n"
    workspace.succeeds("fit", "-m", "center", *args, "-o", "one.csv", *BESIDE)
    assert (workspace / "one.csv").read_bytes() == wanted
    assert workspace.succeeds("apply", *args, *BESIDE).out == wanted


# -- and back ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("words", [m for m in METHODS if m != ("unit",)], ids=" ".join)
def test_restoring_takes_the_new_columns_and_drops_them(words: tuple[str, ...], workspace: Workspace) -> None:
    """NAME is restored where it stands, or else where NAME_z did, or the first component."""
    p = workspace.params(*words)
    workspace.succeeds("apply", "table.csv", "-p", p, "-o", "z.csv", *BESIDE)
    workspace.succeeds("apply", "table.csv", "-p", p, "-o", "only.csv", *BESIDE, "--only")
    frame = pl.read_csv(workspace / "z.csv", infer_schema=False)
    others = [n for n in frame.columns if n not in ("a", "c")]
    frame.with_columns(a=pl.lit("wrong"), c=pl.lit("")).write_csv(workspace / "spoilt.csv")
    frame.select(["c", *others]).write_csv(workspace / "moved.csv")
    whole = rows((workspace / "table.csv").read_bytes())
    for name, header in (
        ("z", ["site", "a", "b", "c"]),
        ("spoilt", ["site", "a", "b", "c"]),
        ("only", ["a", "b", "c"]),
        ("moved", ["site", "a", "b", "c"]),
    ):
        out = workspace.succeeds("apply", f"{name}.csv", "-p", p, *BESIDE, "--inverse").out
        assert rows(out)[0] == header
        for column in ("a", "b", "c"):
            got = [float(v) for (v,) in apart(out, [column])]
            want = [float(row[whole[0].index(column)]) for row in whole[1:]]
            np.testing.assert_allclose(got, want, atol=1e-9)
    alone = workspace.succeeds("apply", "z.csv", "-p", p, *BESIDE, "--inverse", "--only").out
    assert rows(alone)[0] == ["a", "b", "c"]


def test_restoring_needs_the_new_columns(workspace: Workspace) -> None:
    p = workspace.params("center")
    assert "no columns are called a_z, b_z, c_z" in workspace.fails(
        65, "apply", "table.csv", "-p", p, *BESIDE, "--inverse"
    )
    (workspace / "bad.csv").write_bytes(b"a_z,a,b_z,c_z\n1,1,1,1\n2,x,oops,2\n")
    error = workspace.fails(65, "apply", "bad.csv", "-p", p, *BESIDE, "--inverse")
    assert error.startswith("bad.csv:3: 'oops' in column 'b_z'")
    pq.write_table(pa.table({n: [1.0, math.inf] for n in ("a", "a_z", "b_z", "c_z")}), workspace / "bad.parquet")
    error = workspace.fails(65, "apply", "bad.parquet", "-p", p, *BESIDE, "--inverse")
    assert "infinite value in column 'a_z'" in error


# -- names -------------------------------------------------------------------------------------------------------
def test_a_name_that_is_taken_is_told(workspace: Workspace) -> None:
    (workspace / "t.csv").write_bytes(b"a,a_z,b\n1,2,3\n4,5,7\n")
    for chosen in ("a", "a,a_z"):
        workspace.succeeds("fit", "-m", "center", "t.csv", "-c", chosen, "-p", "p.json")
        error = workspace.fails(65, "apply", "t.csv", "-p", "p.json", *BESIDE)
        assert error.startswith("t.csv: a column is called a_z already")
    error = workspace.fails(65, "fit", "-m", "center", "t.csv", "-p", "q.json", "-o", "o.csv", *BESIDE)
    assert "a column is called a_z already" in error
    (workspace / "p.json").unlink()
    workspace.succeeds("fit", "-m", "center", "t.csv", "-p", "p.json", "-o", "o.csv", "--column-suffix", " of b")
    assert rows((workspace / "o.csv").read_bytes())[0] == ["a", "a of b", "a_z", "a_z of b", "b", "b of b"]


def test_a_component_with_the_name_of_a_column_gets_the_suffix(workspace: Workspace) -> None:
    (workspace / "t.csv").write_bytes(b"pc2,x,pc9\n1,2,3\n4,5,7\n0,1,1\n2,9,1\n")
    workspace.succeeds("fit", "-m", "whiten", "--kind", "pca", "t.csv", "-p", "p.json", "-o", "o.csv", *BESIDE)
    assert rows((workspace / "o.csv").read_bytes())[0] == ["pc2", "pc2_z", "x", "pc9", "pc1", "pc3"]
    back = workspace.succeeds("apply", "o.csv", "-p", "p.json", *BESIDE, "--inverse").out
    assert rows(back)[0] == ["pc2", "x", "pc9"]
    np.testing.assert_allclose([float(v) for v in rows(back)[2]], [4, 5, 7])


def test_a_suffix_must_not_make_a_component_s_name(workspace: Workspace) -> None:
    given = {"x": [1.0, 2, 4], "y": [3.0, 1, 1], "pc": pa.array([[1.0, 2], [0, 1], [5, 4]], pa.list_(pa.float64(), 2))}
    pq.write_table(pa.table(given), workspace / "t.parquet")
    workspace.succeeds("fit", "-m", "decorrelate", "t.parquet", "-c", "x,y,pc", "-p", "p.json")
    error = workspace.fails(65, "apply", "t.parquet", "-p", "p.json", "-o", "o.parquet", "--column-suffix", "1")
    assert error.startswith("t.parquet: a column is called pc1 already")


@pytest.mark.parametrize("name", ["*", "", "^.*$", 'q"', "a,b"])
def test_a_name_is_a_name(name: str, workspace: Workspace) -> None:
    with (workspace / "n.csv").open("w", newline="") as file:
        csv.writer(file).writerows([[name, "k"], ["1.0", "2.0"], ["3.0", "4.0"]])
    workspace.succeeds("fit", "-m", "center", "n.csv", "-p", "p.json", "-o", "o.csv", *BESIDE)
    wanted = [[name, f"{name}_z", "k", "k_z"], ["1.0", "-1.0", "2.0", "-1.0"], ["3.0", "1.0", "4.0", "1.0"]]
    assert rows((workspace / "o.csv").read_bytes()) == wanted


def test_a_header_alone(workspace: Workspace) -> None:
    out = workspace.succeeds("apply", "-p", workspace.params(), *BESIDE, stdin=b"c,b,a,site\n").out
    assert out == b"c,c_z,b,b_z,a,a_z,site\n"


# -- of which type -----------------------------------------------------------------------------------------------
def test_numbers_of_float32_are_the_shortest_that_read_back_to_it(workspace: Workspace) -> None:
    p = workspace.params()
    wide = np.array(apart(workspace.succeeds("apply", "table.csv", "-p", p).out, ["a", "b", "c"]), np.float64)
    for more in ((), BESIDE):
        out = workspace.succeeds("apply", "table.csv", "-p", p, "--dtype", "float32", *more).out
        found = apart(out, ["a_z", "b_z", "c_z"] if more else ["a", "b", "c"])
        np.testing.assert_array_equal(np.array(found, np.float32), wide.astype(np.float32))
        assert all(len(v) <= len(str(np.float32(v))) for row in found for v in row)


def test_a_text_column_with_words_may_be_of_float32(workspace: Workspace, spelled: str) -> None:
    args = ("-c", "a,b", spelled, "-p", "p.json")
    workspace.succeeds("fit", "-m", "zscore", *args, "-o", "o.csv", "--dtype", "float32")
    assert apart((workspace / "o.csv").read_bytes(), ["b"]) == [["NA"], ["-1.0"], ["1.0"], [""], ["NaN"]]
    workspace.succeeds("apply", spelled, "-p", "p.json", "-o", "o.parquet", "--dtype", "float32", *BESIDE)
    made = table(workspace, "o.parquet")
    assert [str(made.schema.field(n).type) for n in ("a", "a_z", "b_z")] == ["double", "float", "float"]
    workspace.succeeds("apply", spelled, "-p", "p.json", "-o", "p.parquet", "--dtype", "float32")
    assert table(workspace, "p.parquet").column("a").equals(made.column("a_z"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_type_asked_for_is_that_of_every_column(dtype: str, workspace: Workspace) -> None:
    given = {"f": np.float32([1, 2, 4]), "x": np.float64([0.1, 0.3, 9]), "i": np.int8([1, 5, 7])}
    pq.write_table(pa.table(given), workspace / "t.parquet")
    for words in (("zscore",), ("unit",), ("decorrelate", "--components", "2")):
        workspace.succeeds("fit", "-m", *words, "t.parquet", "-p", "p.json", "-o", "o.parquet", "--dtype", dtype)
        assert set(table(workspace, "o.parquet").schema.types) == {pa.type_for_alias(dtype)}
    back = workspace.succeeds("fit", "-m", "center", "t.parquet", "-p", "p.json", "-o", "o.parquet", "--dtype", dtype)
    assert back.warnings == []
    workspace.succeeds("apply", "o.parquet", "-p", "p.json", "-o", "back.parquet", "--inverse")
    assert table(workspace, "back.parquet").schema.types == pa.table(given).schema.types


@pytest.mark.parametrize("more", [(), BESIDE])
def test_a_result_beyond_float32_is_told(more: tuple[str, ...], workspace: Workspace) -> None:
    (workspace / "t.csv").write_bytes(b"x,y\n1,1\n2,1e39\n3,2\n,NA\n")
    (workspace / "p.json").write_bytes(workspace.succeeds("fit", "-m", "center", "t.csv").out)
    error = workspace.fails(65, "apply", "t.csv", "-p", "p.json", "--dtype", "float32", *more)
    assert error.startswith("t.csv:3: the result in column 'y' is beyond float32")
    workspace.succeeds("apply", "t.csv", "-p", "p.json", *more)


def test_zero_has_no_sign(workspace: Workspace) -> None:
    (workspace / "t.csv").write_bytes(b"x\n-1e-60\n1e-60\n2\n-2\n")
    workspace.succeeds("fit", "-m", "center", "t.csv", "-p", "p.json", "-o", "o.csv", "--dtype", "float32")
    assert (workspace / "o.csv").read_bytes() == b"x\n0.0\n0.0\n2.0\n-2.0\n"


# -- before anything is read -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["apply", "--dtype", "float32", "--inverse"], "--dtype float32 is not for --inverse"),
        (["apply", "--dtype", "int8"], "--dtype int8: is none of float32, float64"),
        (["apply", "--column-suffix", ""], "--column-suffix: must not be empty"),
        (["fit", "-m", "zscore", "--column-suffix="], "--column-suffix: must not be empty"),
        (["fit", "-m", "zscore", "--column-suffix", "_z"], "--column-suffix is for -o"),
        (["fit", "-m", "zscore", "--dtype", "float64"], "--dtype is for -o"),
    ],
)
def test_wrong_before_anything_is_read(words: list[str], message: str, workspace: Workspace) -> None:
    assert message in workspace.fails(2, *words, "none.csv", "-p", "none.json")


def test_a_suffix_that_is_no_text_is_refused(workspace: Workspace) -> None:
    error = workspace.fails(2, "apply", "table.csv", "-p", workspace.params(), "--column-suffix", b"\xff")
    assert "--column-suffix: must be UTF-8" in error


@pytest.mark.parametrize("change", [["--dtype", "float32"], [*BESIDE], ["--column-suffix", "_n"]])
def test_what_was_completed_in_another_form_is_made_anew(change: list[str], workspace: Workspace) -> None:
    args = ("apply", "table.csv", "-p", workspace.params(), "-o", "out/", "--resume")
    out = Path("out") / "table.csv"
    workspace.succeeds(*args)
    assert "1 of 1 complete" in workspace.succeeds(*args).err
    assert "0 of 1 complete" in workspace.succeeds(*args, *change).err
    made = (workspace / str(out)).read_bytes()
    assert made == workspace.succeeds("apply", "table.csv", "-p", "p.json", *change).out


# -- options of formats ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fit", "table.csv", "-m", "zscore", "--compression", "zstd"], "--compression is for -o OUTPUT"),
        (["fit", "table.parquet", "-m", "zscore", "--compression", "zstd"], "--compression is for -o OUTPUT"),
        (["apply", "table.csv", "-p", "p.json", "--compression", "gzip"], "what is written here is csv (text is compr"),
        (["apply", "table.parquet", "-p", "p.json", "-o", "o.csv", "--compression", "gzip"], "written here is csv"),
        (["apply", "table.parquet", "-p", "p.json", "-o", "d/", "--to", "csv.gz", "--compression", "gzip"], "is csv"),
        (["fit", "table.csv", "-m", "zscore", "-p", "q.json", "-o", "o.tsv", "--compression", "zstd"], "here is tsv"),
        (["apply", "table.parquet", "-p", "p.json", "-o", "o.csv", "--na-values", "x"], "what is read here is parquet"),
    ],
)
def test_an_option_of_a_format_that_is_not_in_use(
    words: list[str], message: str, workspace: Workspace, parquet: str
) -> None:
    workspace.params()
    assert message in workspace.fails(2, *words)


def test_an_option_of_a_format_that_is(workspace: Workspace, parquet: str) -> None:
    workspace.params()
    for words in (
        ["table.csv", "-o", "o.parquet", "--compression", "gzip"],
        ["table.csv", parquet, "-o", "d/", "--compression", "gzip"],
        [parquet, "--compression", "zstd"],
        [parquet, "-o", "o.csv", "--delimiter", ";"],
    ):
        workspace.succeeds("apply", *words, "-p", "p.json")
    assert (workspace / "o.csv").read_bytes().startswith(b"site;a;b;c\n")


@pytest.mark.parametrize(
    ("output", "to", "said"),
    [
        ("x.csv", "parquet", "csv"), ("x.tsv", "csv", "tsv"), ("x.csv", "csv.gz", "csv"),
        ("x.csv.xz", "csv.gz", "csv.xz"), ("x.csv", "csv", ""), ("x.csv.gz", "csv", ""),
        ("x.feather", "arrow", ""), ("x.txt", "parquet", ""),
        ("out.csv/", "parquet", ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["apply", "fit"])
def test_a_name_that_says_another_format_is_warned_of(
    workspace: Workspace, command: str, output: str, to: str, said: str
) -> None:
    """Before the work, and for --werror, too: nothing is written."""
    line = (command, "table.csv", "-p", workspace.params(), "-o", output, "--to", to)
    more = ("-m", "zscore") if command == "fit" else ()
    warnings = workspace.succeeds(*line, *more).warnings
    text = f"normcli: warning: -o {output}: --to {to} is written, though the suffix says {said}"
    assert warnings == ([text] if said else [])
    if said:
        (workspace / output).unlink()
        workspace.fails(65, *line, *more, "--werror")
        assert not (workspace / output).exists()
