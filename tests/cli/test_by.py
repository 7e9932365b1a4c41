"""fit --by: each key by its own rows, the same whatever the format, the threads and the way that data come."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Workspace, run

SALES = (
    "store,region,x,y\n"
    "007,north,1,10.5\n"
    "7,north,2,20\n"
    '"",north,3,30\n'
    ",north,4,45\n"
    '"q""t\nz",é,5,50\n'
    " 7,a,-6,61\n"
    '007,"a,b",3,-11\n'
    "7,a,5,\n"
    '"",a,-2,33\n'
    ",a,0,40\n"
    '"q""t\nz",é,9,55\n'
    " 7,a,7,60\n"
).encode()
STORES = [None, "", " 7", "007", "7", 'q"t\nz']
BY = ("-m", "zscore", "-c", "x,y", "--by")


@pytest.fixture
def sales(workspace: Workspace) -> Workspace:
    (workspace / "sales.csv").write_bytes(SALES)
    workspace.succeeds("fit", *BY, "store", "sales.csv", "-p", "p.json")
    return workspace


def read(workspace: Workspace, name: str = "p.json") -> dict[str, Any]:
    made: dict[str, Any] = json.loads((workspace / name).read_bytes())
    return made


def table() -> pa.Table:
    """The same rows in binary."""
    store = ["007", "7", "", None, 'q"t\nz', " 7"] * 2
    region = ["north"] * 4 + ["é", "a", "a,b"] + ["a"] * 3 + ["é", "a"]
    x = pa.array([1, 2, 3, 4, 5, -6, 3, 5, -2, 0, 9, 7], pa.int64())
    y = pa.array([10.5, 20, 30, 45, 50, 61, -11, None, 33, 40, 55, 60])
    return pa.table({"store": store, "region": region, "x": x, "y": y})


# -- what is learned ---------------------------------------------------------------------------------------------
def test_each_key_learns_what_a_fit_of_its_rows_does(sales: Workspace) -> None:
    made, rows = read(sales), table().to_pylist()
    assert [entry["key"] for entry in made["keys"]] == [[store] for store in STORES]
    for entry in made["keys"]:
        here = [r for r in rows if r["store"] == entry["key"][0]]
        text = "x,y\n" + "".join(f"{r['x']},{'' if r['y'] is None else r['y']}\n" for r in here)
        alone = json.loads(sales.succeeds("fit", "-m", "zscore", stdin=text.encode()).out)["steps"][0]
        assert entry["rows"] == len(here)
        (step,) = entry["steps"]
        for part in ("learned", "statistics"):
            for record, fields in step[part].items():
                for field, values in fields.items():
                    assert values == [c[field] for c in alone[part][record]["columns"].values()], (entry, field)
    unkeyed = json.loads(sales.succeeds("fit", "-m", "zscore", "-c", "x,y", "sales.csv").out)
    assert made["steps"] == unkeyed["steps"]


def test_rows_go_by_what_their_key_learned(sales: Workspace) -> None:
    out = sales.succeeds("apply", "sales.csv", "-p", "p.json").out
    assert b"007,north,-1.0,1.0\n" in out
    assert b'007,"a,b",1.0,-1.0\n' in out
    assert b"7,a,1.0,\n" in out  # one value of y alone: a constant
    assert b',north,1.0,1.0\n"q""t\nz",' in out
    assert sales.succeeds("apply", "-p", "p.json", "--inverse", stdin=out).out == SALES.replace(
        b",45\n", b",45.0\n"
    ).replace(b",20\n", b",20.0\n").replace(b",30\n", b",30.0\n").replace(b",50\n", b",50.0\n").replace(
        b",61\n", b",61.0\n"
    ).replace(b",-11\n", b",-11.0\n").replace(b",33\n", b",33.0\n").replace(b",40\n", b",40.0\n").replace(
        b",55\n", b",55.0\n"
    ).replace(b",60\n", b",60.0\n")


@pytest.mark.soak
def test_several_columns_make_one_key(sales: Workspace) -> None:
    sales.succeeds("fit", *BY, "region,store", "sales.csv", "-p", "two.json")
    keys = [tuple(entry["key"]) for entry in read(sales, "two.json")["keys"]]
    rows = {(r["region"], r["store"]) for r in table().to_pylist()}
    assert keys == sorted(rows, key=lambda key: [(t is not None, t or "") for t in key])
    out = sales.succeeds("inspect", "two.json", "--key", '"a,b",007').out.decode()
    assert "key      region=a,b, store=007: 1 rows" in out


@pytest.mark.soak
def test_a_column_with_a_comma_in_its_name_is_a_column(workspace: Workspace) -> None:
    made = workspace.succeeds("fit", "-m", "center", "--by", "a,b", stdin=b'"a,b",x\nu,1\nv,2\nu,3\n').out
    assert [(e["key"], e["rows"]) for e in json.loads(made)["keys"]] == [(["u"], 2), (["v"], 1)]


# -- formats, ways, threads --------------------------------------------------------------------------------------
@pytest.mark.soak
def test_every_format_has_the_same_keys(sales: Workspace) -> None:
    rows = table()
    pq.write_table(rows, sales / "s.parquet")
    coded = rows.set_column(0, "store", rows["store"].dictionary_encode())
    pq.write_table(coded, sales / "d.parquet")
    pa.feather.write_feather(
        coded.set_column(0, "store", rows["store"].cast(pa.large_string())), str(sales / "s.arrow")
    )
    lines = (json.dumps({k: v for k, v in row.items() if v is not None}) + "\n" for row in rows.to_pylist())
    (sales / "s.ndjson").write_text("".join(lines))
    wanted = read(sales)["keys"]
    for name in ("s.parquet", "d.parquet", "s.arrow", "s.ndjson"):
        sales.succeeds("fit", *BY, "store", name, "-p", "other.json")
        assert read(sales, "other.json")["keys"] == wanted, name
        out = sales.succeeds("apply", name, "-p", "p.json", "--to", "csv").out
        assert out.count(b"-1.0") == 11, name


@pytest.mark.soak
@pytest.mark.parametrize("kind", [pa.int8(), pa.uint64(), pa.dictionary(pa.int8(), pa.int32())], ids=str)
def test_whole_numbers_are_their_decimal_texts(workspace: Workspace, kind: pa.DataType) -> None:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    ids = pa.array([12, 3, None, 12], inner)
    ids = ids.dictionary_encode() if pa.types.is_dictionary(kind) else ids
    pq.write_table(pa.table({"id": ids, "x": [1.0, 2.0, 3.0, 5.0]}), workspace / "i.parquet")
    workspace.succeeds("fit", "-m", "center", "--by", "id", "i.parquet", "-p", "p.json")
    assert [(e["key"], e["rows"]) for e in read(workspace)["keys"]] == [([None], 1), (["12"], 2), (["3"], 1)]
    csv = b"id,x\n12,1.0\n3,2.0\n,3.0\n12,5.0\n"
    assert (
        read(workspace)["keys"]
        == json.loads(workspace.succeeds("fit", "-m", "center", "--by", "id", stdin=csv).out)["keys"]
    )


@pytest.mark.soak
@pytest.mark.parametrize(
    "values",
    [
        pa.array([1.5, 2.0]),
        pa.array([True, False]),
        pa.array([1, 2], pa.date32()),
        pa.array([[1.0], [2.0]]),
        pa.array([b"a", b"b"]),
    ],
    ids=lambda v: str(v.type),
)
def test_keys_are_texts_or_whole_numbers(workspace: Workspace, values: pa.Array) -> None:
    pq.write_table(pa.table({"k": values, "x": [1.0, 2.0]}), workspace / "bad.parquet")
    error = workspace.fails(65, "fit", "-m", "zscore", "-c", "x", "--by", "k", "bad.parquet")
    assert "column 'k' is" in error
    assert error.endswith("(keys are texts or whole numbers)")
    workspace.succeeds("fit", "-m", "zscore", "--by", "k", "-p", "p.json", stdin=b"k,x\n1,2\n3,4\n")
    assert "keys are texts or whole numbers" in workspace.fails(65, "apply", "bad.parquet", "-p", "p.json")


@pytest.mark.soak
def test_the_same_bytes_whatever_the_way(workspace: Workspace) -> None:
    rng = np.random.default_rng(4)
    keys, x = rng.integers(0, 300, 120_000), rng.normal(size=(120_000, 4)) * 1e3
    lines = (f"k{k},{a!r},{b!r},{c!r},{d!r}\n" for k, (a, b, c, d) in zip(keys.tolist(), x.tolist(), strict=True))
    (workspace / "big.csv").write_text("k,a,b,c,d\n" + "".join(lines))
    assert (workspace / "big.csv").stat().st_size > 8 << 20  # more than one block
    fit, params = ("fit", "-m", "zscore", "--by", "k", "-q"), []
    outputs = []
    for threads, stdin in (("1", False), ("3", False), ("2", True)):
        given = (workspace / "big.csv").read_bytes() if stdin else b""
        where = () if stdin else ("big.csv",)
        params.append(workspace.succeeds(*fit, *where, "--threads", threads, stdin=given).out)
        (workspace / "p.json").write_bytes(params[-1])
        outputs.append(workspace.succeeds("apply", *where, "-p", "p.json", "--threads", threads, stdin=given).out)
    workspace.succeeds(*fit, "big.csv", "-p", "q.json", "-o", "out.csv")
    assert len({*params, (workspace / "q.json").read_bytes()}) == 1
    assert len({*outputs, (workspace / "out.csv").read_bytes()}) == 1
    made = read(workspace)["keys"]
    for entry in made[::50]:
        here = x[keys == int(entry["key"][0][1:])]
        assert entry["rows"] == len(here)
        np.testing.assert_allclose(entry["steps"][0]["learned"]["affine"]["center"], here.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(entry["steps"][0]["learned"]["affine"]["scale"], here.std(axis=0), rtol=1e-13)


# -- applying ----------------------------------------------------------------------------------------------------
NEW = b"store,x,y\n7,2,20\nnew,8,80\n007,1,10.5\n"


def test_a_key_that_was_not_seen(sales: Workspace) -> None:
    said = "<stdin>:3: store=new was not fitted (--unseen global, missing or pass takes it)"
    assert sales.fails(65, "apply", "-p", "p.json", stdin=NEW) == said
    assert sales.fails(65, "apply", "-p", "p.json", "--unseen", "error", stdin=NEW) == said

    def third(*options: str) -> list[str]:
        lines = sales.succeeds("apply", "-p", "p.json", *options, stdin=NEW).out.decode().splitlines()
        assert lines[1] == "7,-1.0,0.0"
        assert lines[3] == "007,-1.0,1.0"
        return lines[2].split(",")

    assert third("--unseen", "missing") == ["new", "", ""]
    assert third("--unseen", "pass") == ["new", "8.0", "80.0"]
    sales.succeeds("fit", "-m", "zscore", "-c", "x,y", "sales.csv", "-p", "all.json")
    whole = sales.succeeds("apply", "-p", "all.json", stdin=NEW).out.decode().splitlines()[2]
    assert third("--unseen", "global") == whole.split(",")


@pytest.mark.soak
def test_what_is_unseen_is_told_so_that_it_can_be_read(sales: Workspace) -> None:
    for key, said in ((b'"two\nlines"', r"store=two\nlines"), (b"null", 'store="null"'), (b'" 9"', 'store=" 9"')):
        assert said in sales.fails(65, "apply", "-p", "p.json", stdin=b"store,x,y\n" + key + b",1,2\n")
    sales.succeeds("fit", "-m", "center", "--by", "k", "-p", "k.json", stdin=b"k,x\na,1\n")
    assert "no k=null" in sales.fails(65, "apply", "-p", "k.json", stdin=b"k,x\n,1\n")
    assert 'no k=""' in sales.fails(65, "apply", "-p", "k.json", stdin=b'k,x\n"",1\n')


def test_the_first_fault_in_the_file_is_told(sales: Workspace) -> None:
    rows = b"store,x,y\n7,1,1\n%s,1,%s\nnew,1,1\n007,inf,1\n"
    assert ":4: " in sales.fails(65, "apply", "-p", "p.json", stdin=rows % (b"7", b"1"))
    assert ":3: infinite value" in sales.fails(65, "apply", "-p", "p.json", stdin=rows % (b"7", b"inf"))


@pytest.mark.soak
def test_keys_of_few_rows_go_by_all(sales: Workspace) -> None:
    data = b"k,x\n" + b"a,1\na,3\na,5\nb,10\n"
    sales.succeeds("fit", "-m", "center", "--by", "k", "-p", "k.json", stdin=data)

    def values(*options: str) -> list[float]:
        out = sales.succeeds("apply", "-p", "k.json", *options, stdin=data).out.decode().splitlines()[1:]
        return [float(line.split(",")[1]) for line in out]

    assert values() == values("--min-count", "1") == [-2.0, 0.0, 2.0, 0.0]
    assert values("--min-count", "3") == [-2.0, 0.0, 2.0, 5.25]
    assert values("--min-count", "4") == [-3.75, -1.75, 0.25, 5.25]


@pytest.mark.soak
def test_options_of_keys_need_keys(workspace: Workspace) -> None:
    workspace.params()
    for flags in (("--unseen", "global"), ("--min-count", "3")):
        assert f"{flags[0]} is for parameters by key" in workspace.fails(
            2, "apply", "table.csv", "-p", "p.json", *flags
        )
    workspace.succeeds("fit", "-m", "whiten", "--kind", "pca", "-c", "a,b", "--by", "k", "-p", "w.json", stdin=LINES)
    assert "no row can pass as it is" in workspace.fails(2, "apply", "-p", "w.json", "--unseen", "pass", stdin=LINES)


@pytest.mark.soak
def test_other_columns_beside_and_alone(sales: Workspace) -> None:
    beside = ("--column-suffix", "_z")
    out = sales.succeeds("apply", "sales.csv", "-p", "p.json", *beside).out
    assert out.startswith(b"store,region,x,x_z,y,y_z\n007,north,1,-1.0,10.5,1.0\n")
    back = sales.succeeds("apply", "-p", "p.json", *beside, "--inverse", stdin=out).out.decode().splitlines()
    assert back[:2] == ["store,region,x,y", "007,north,1,10.5"]
    alone = sales.succeeds("apply", "sales.csv", "-p", "p.json", "--only").out
    assert alone.startswith(b"x,y\n-1.0,1.0\n")
    error = sales.fails(65, "apply", "-p", "p.json", "--inverse", stdin=alone)
    assert error == "<stdin>: no column is called store, by which rows are grouped (there are x, y)"


@pytest.mark.soak
def test_inferred_types_leave_keys_alone(workspace: Workspace) -> None:
    data = b"k,d,x,y\n+5,1,1,2\n1.5,2,2,3\n+5,3,3,5\n"
    (workspace / "k.csv").write_bytes(data)
    options = ("-m", "zscore", "-c", "x,y", "--by", "k", "--infer-types")
    workspace.succeeds("fit", *options, "k.csv", "-p", "p.json", "-o", "fit.parquet")
    workspace.succeeds("apply", "k.csv", "-p", "p.json", "-o", "apply.parquet", "--infer-types")
    workspace.succeeds("apply", "k.csv", "-p", "p.json", "-o", "there/", "--to", "parquet", "--infer-types")
    for name in ("fit.parquet", "apply.parquet", "there/k.parquet"):
        made = pq.read_table(workspace / name)
        assert made["k"].to_pylist() == ["+5", "1.5", "+5"]
        assert made.schema.field("d").type == pa.int64()


# -- directories -------------------------------------------------------------------------------------------------
@pytest.mark.soak
def test_a_directory_s_name_may_be_the_key(workspace: Workspace) -> None:
    for year in ("2025", "2026", "__HIVE_DEFAULT_PARTITION__"):
        (workspace / "tree" / f"year={year}").mkdir(parents=True)
        (workspace / "tree" / f"year={year}" / "a.csv").write_bytes(b"k,x\nu,1\nv,%d\n" % (3 if year == "2025" else 7))
    workspace.succeeds("fit", "-m", "zscore", "--by", "year", "tree", "-p", "p.json", "-o", "all.csv")
    made = read(workspace)
    assert [(e["key"], e["rows"]) for e in made["keys"]] == [([None], 2), (["2025"], 2), (["2026"], 2)]
    assert [f["name"] for f in made["schema"]] == ["k", "x"]
    out = workspace.succeeds("apply", "tree", "-p", "p.json").out
    assert out == (workspace / "all.csv").read_bytes()
    assert out.splitlines()[1:3] == [b"u,-1.0,2025", b"v,1.0,2025"]
    workspace.succeeds("apply", "tree", "-p", "p.json", "-o", "there/")
    assert (workspace / "there/year=2025/a.csv").read_bytes() == b"k,x\nu,-1.0\nv,1.0\n"
    back = workspace.succeeds("apply", "-p", "p.json", "--inverse", "--no-extra", stdin=out).out
    assert back.splitlines()[1:3] == [b"u,1,2025", b"v,3,2025"]
    workspace.succeeds("fit", "-m", "zscore", "--by", "year,k", "tree", "-p", "two.json")
    assert [e["key"] for e in read(workspace, "two.json")["keys"]][-1] == ["2026", "v"]
    error = workspace.fails(65, "apply", "-p", "p.json", stdin=b"k,x\nu,1\n")
    assert error == "<stdin>: no column is called year, by which rows are grouped (there are k, x)"


@pytest.mark.soak
def test_equal_files_of_other_directories_are_other_inputs(workspace: Workspace) -> None:
    for year in ("2025", "2026"):
        (workspace / f"year={year}").mkdir()
        (workspace / f"year={year}" / "a.csv").write_bytes(b"x\n1\n3\n")
    done = workspace.succeeds(
        "fit", "--update", "--create", "-m", "zscore", "--by", "year", "-p", "p.json", "year=*/a.csv"
    )
    assert done.warnings == []
    assert [e["rows"] for e in read(workspace)["keys"]] == [2, 2]
    assert len(set(read(workspace)["inputs"])) == 2


def test_equal_numbers_of_other_keys_are_another_input(workspace: Workspace) -> None:
    for name, keys in (("a", ["u", "v"]), ("b", ["u", "v"][::-1])):
        pq.write_table(pa.table({"k": keys * 2, "x": [1.0, 2.0, 3.0, 4.0]}), workspace / f"{name}.parquet")
    create = ("fit", "--update", "--create", "-m", "zscore", "--by", "k", "-p", "p.json")
    assert workspace.succeeds(*create, "a.parquet").warnings == []
    assert workspace.succeeds(*create, "b.parquet").warnings == []
    assert read(workspace)["rows"] == 8


# -- update, merge, relearn --------------------------------------------------------------------------------------
DAYS = (b"k,x\na,1\nb,20\na,4\n", b"k,x\nc,7\na,9\nc,8.5\n", b"k,x\nb,-3\n,5\nd,1\nb,2\n")


@pytest.mark.soak
def test_updates_and_merges_are_one_fit(workspace: Workspace) -> None:
    names = ["mon.csv", "tue.csv", "wed.csv"]
    for name, data in zip(names, DAYS, strict=True):
        (workspace / name).write_bytes(data)
        workspace.succeeds("fit", "--update", "--create", "-m", "zscore", "--by", "k", "-p", "u.json", name)
        workspace.succeeds("fit", "-m", "zscore", "--by", "k", name, "-p", f"{name}.json")
    whole = workspace.succeeds("fit", "-m", "zscore", "--by", "k", *names).out
    assert (workspace / "u.json").read_bytes() == whole
    parts = [f"{name}.json" for name in names]
    assert workspace.succeeds("merge", *parts).out == whole
    other = json.loads(workspace.succeeds("merge", *reversed(parts)).out)
    for one, two in zip(json.loads(whole)["keys"], other["keys"], strict=True):
        assert (one["key"], one["rows"]) == (two["key"], two["rows"])
        for field, values in one["steps"][0]["learned"]["affine"].items():
            if field != "center_low":
                assert two["steps"][0]["learned"]["affine"][field] == pytest.approx(values, rel=1e-14)


def test_what_contradicts_is_said(sales: Workspace) -> None:
    sales.succeeds("fit", "-m", "zscore", "-c", "x,y", "sales.csv", "-p", "none.json")
    error = sales.fails(65, "merge", "p.json", "none.json")
    assert "none.json: was fitted without --by, and p.json with --by store" in error
    error = sales.fails(2, "fit", "--update", "-p", "p.json", "--by", "region", "sales.csv")
    assert error.startswith("--by region: p.json has store")


@pytest.mark.soak
def test_another_method_by_the_same_keys(sales: Workspace) -> None:
    sales.succeeds("fit", "--relearn", "p.json", "-m", "minmax", "-p", "m.json")
    whole = sales.succeeds("fit", "-m", "minmax", "-c", "x,y", "--by", "store", "sales.csv")
    assert (sales / "m.json").read_bytes() == whole.out
    sales.succeeds("fit", "--relearn", "p.json", "-m", "unit", "-p", "u.json")
    assert not {"by", "keys", "weights"} & read(sales, "u.json").keys()
    sales.succeeds("apply", "sales.csv", "-p", "u.json")


# -- matrices ----------------------------------------------------------------------------------------------------
LINES = b"k,a,b\n" + b"".join(
    b"%s,%d,%d\n" % (k, a, b)
    for k, a, b in ((b"u", 1, 2), (b"u", 3, 1), (b"u", 2, 5), (b"v", 4, 1), (b"v", 1, 0), (b"v", 0, 7))
)
FLAT = LINES + b"w,1,1\nw,2,2\nw,3,3\n"


@pytest.mark.soak
@pytest.mark.parametrize("method", [("whiten",), ("whiten", "--kind", "pca"), ("decorrelate",)], ids=" ".join)
def test_matrices_by_key(workspace: Workspace, method: tuple[str, ...]) -> None:
    workspace.succeeds("fit", "-m", *method, "--by", "k", "-p", "p.json", stdin=LINES)
    out = workspace.succeeds("apply", "-p", "p.json", stdin=LINES).out
    for key, rows in ((b"u", LINES.splitlines()[1:4]), (b"v", LINES.splitlines()[4:])):
        alone = b"k,a,b\n" + b"\n".join(rows) + b"\n"
        workspace.succeeds("fit", "-m", *method, "-p", "one.json", stdin=alone)
        expected = workspace.succeeds("apply", "-p", "one.json", stdin=alone).out.splitlines()[1:]
        assert [line for line in out.splitlines() if line.startswith(key)] == expected
    assert workspace.succeeds("apply", "-p", "p.json", "--inverse", stdin=out).out == LINES


def test_a_key_without_full_rank_is_named(workspace: Workspace) -> None:
    error = workspace.fails(65, "fit", "-m", "whiten", "--by", "k", stdin=FLAT)
    assert error.startswith("k=w: the rank is 1 of 2 columns; these add nothing to the columns before them: b")
    error = workspace.fails(65, "fit", "-m", "zscore", "--ddof", "3", "--by", "k", "-c", "a", stdin=LINES)
    assert error.startswith("k=u: --ddof 3 leaves nothing to divide by in a")


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["zca", "pca"])
def test_a_key_of_lower_rank_has_nothing_in_the_directions_that_it_lacks(workspace: Workspace, kind: str) -> None:
    options = ("-m", "whiten", "--kind", kind, "--rank", "auto")
    workspace.succeeds("fit", *options, "--by", "k", "-p", "p.json", stdin=FLAT)
    out = workspace.succeeds("apply", "-p", "p.json", stdin=FLAT).out.decode().splitlines()
    flat = np.array([line.split(",")[1:] for line in out if line.startswith("w")], np.float64)
    alone = b"k,a,b\n" + b"\n".join(FLAT.splitlines()[-3:]) + b"\n"
    workspace.succeeds("fit", *options, "-p", "one.json", stdin=alone)
    lines = workspace.succeeds("apply", "-p", "one.json", stdin=alone).out.decode().splitlines()[1:]
    expected = np.array([line.split(",")[1:] for line in lines], np.float64)
    np.testing.assert_allclose(flat[:, : expected.shape[1]], expected, rtol=1e-14)
    assert not flat[:, expected.shape[1] :].any()
    error = workspace.fails(2, "apply", "-p", "p.json", "--inverse", stdin=b"\n".join(s.encode() for s in out))
    assert "only 1 of 2 directions were kept" in error


# -- what can't be -----------------------------------------------------------------------------------------------
@pytest.mark.soak
@pytest.mark.parametrize(
    ("code", "args", "said"),
    [
        (2, ("--by", "store", "-c", "store"), "-c store: is a column of --by or --weights"),
        (2, ("--by", "store", "-c", "x,store"), "-c store: is a column of --by or --weights"),
        (2, ("--by", "store,store"), "--by store,store: a column is named twice, or not at all"),
        (2, ("--by", ""), "--by : a column is named twice, or not at all"),
        (2, ("--by", "store,"), "--by store,: a column is named twice, or not at all"),
        (65, ("--by", "nope"), "sales.csv: no column is called 'nope'"),
        (65, ("--by", "x", "-c", "nope"), "no numeric column is called 'nope'"),
    ],
)
def test_what_can_not_be_a_key_is_said(sales: Workspace, code: int, args: tuple[str, ...], said: str) -> None:
    assert said in sales.fails(code, "fit", "-m", "zscore", "sales.csv", *args)


def test_a_method_that_learns_nothing_has_no_keys() -> None:
    done = run("fit", "-m", "unit", "--by", "k", cwd=Path("/"), stdin=b"k,x\na,1\n")
    assert done.code == 2
    assert "--by is for methods that learn from data, and unit learns nothing from data" in done.err


# -- a key for people --------------------------------------------------------------------------------------------
@pytest.mark.soak
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("007", "store=007: 2 rows"),
        ("", "store=null: 2 rows"),
        ('""', 'store="": 2 rows'),
        (" 7", 'store=" 7": 2 rows'),
        ('q"t\nz', 'store=q"t\\nz: 2 rows'),
        ('"q""t\nz"', 'store=q"t\\nz: 2 rows'),
    ],
)
def test_inspect_shows_what_was_seen_of_a_key(sales: Workspace, given: str, said: str) -> None:
    assert f"key      {said}\n" in sales.succeeds("inspect", "p.json", "--key", given).out.decode()


@pytest.mark.soak
def test_inspect_says_which_keys_there_are(sales: Workspace) -> None:
    error = sales.fails(2, "inspect", "p.json", "--key", "nope")
    assert "--key nope: no such key; there are '' (null) or \"\" or 7 or 007 or 7 …" in error
    sales.succeeds("fit", "-m", "center", "--by", "a,b", "-p", "c.json", stdin=b'a,b,x\n"u,v",w,1\nu,"v,w",2\n')
    assert '--key u,v,w: may be u,"v,w" or "u,v",w' in sales.fails(2, "inspect", "c.json", "--key", "u,v,w")


def test_a_key_that_there_is_not_is_answered_with_those_there_are(workspace: Workspace) -> None:
    (workspace / "k.csv").write_bytes(b'k,a\n,1\nx,2\n"",4\n')
    workspace.succeeds("fit", "k.csv", "-m", "zscore", "-c", "a", "--by", "k", "-p", "p.json")
    assert "there are '' (null) or \"\" or x" in workspace.fails(2, "inspect", "p.json", "--key", "nosuch")


def test_each_by_adds_its_columns_and_a_name_may_hold_a_comma(workspace: Workspace) -> None:
    (workspace / "t.csv").write_text('v,a,"b,c"\n1,1,x\n2,1,x\n3,1,y\n9,1,y\n')
    outs = [
        workspace.succeeds("fit", "t.csv", "-m", "zscore", *words, "-p", f"{i}.json", "-o", "-").out
        for i, words in enumerate([("--by", "a", "--by", "b,c"), ("--by", "b,c", "--by", "a")])
    ]
    assert outs[0] == outs[1] == b'v,a,"b,c"\n-1.0,1,x\n1.0,1,x\n-1.0,1,y\n1.0,1,y\n'
    workspace.succeeds("fit", "--update", "-p", "0.json", "t.csv", "--by", "a", "--by", "b,c", "--recount")
    assert "--by" in workspace.fails(2, "fit", "--update", "-p", "0.json", "t.csv", "--by", "a", "--recount")
    assert "named twice" in workspace.fails(2, "fit", "t.csv", "-m", "zscore", "--by", "a", "--by", "a", "-p", "2.json")
