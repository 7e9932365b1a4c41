"""fit --weights: a row counts as often as its weight says."""

import json
import math
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Workspace

ROWS = ((1.5, 10, 2), (2.0, 21, 1), (4.0, 20, 3), (-3.25, 44, 1), (0.5, 38, 2))


def csv(*, weights: bool = True, repeated: bool = False, more: str = "", scale: float = 1) -> bytes:
    lines = [",".join(map(repr, (a, b, *([w * scale] if weights else [])))) for a, b, w in ROWS]
    each = [line for line, row in zip(lines, ROWS, strict=True) for _ in range(row[2] if repeated else 1)]
    return ("a,b" + (",w" if weights else "") + "\n" + "\n".join(each) + "\n" + more).encode()


def fitted(workspace: Workspace, data: bytes, *options: str, method: str = "zscore") -> dict[str, Any]:
    made: dict[str, Any] = json.loads(workspace.succeeds("fit", "-m", method, *options, "-c", "a,b", stdin=data).out)
    return made


def same(a: Any, b: Any, rel: float = 1e-14) -> None:
    """Equal, numbers to rounding."""
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for name in a:
            same(a[name], b[name])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    elif isinstance(a, float):
        assert a == pytest.approx(b, rel=rel, abs=1e-13)
    else:
        assert a == b


@pytest.mark.parametrize("method", ["zscore", "whiten"])
def test_whole_weights_are_repeated_rows(workspace: Workspace, method: str) -> None:
    weighted = fitted(workspace, csv(), "--weights", "w", method=method)
    repeated = fitted(workspace, csv(weights=False, repeated=True), method=method)
    assert (weighted["weights"], weighted["rows"], repeated["rows"]) == ("w", 5, 9)
    same(weighted["steps"][0]["columns"], repeated["steps"][0]["columns"])
    same(weighted["steps"][0]["learned"], repeated["steps"][0]["learned"])


@pytest.mark.soak
@pytest.mark.parametrize("method", ["zscore", "whiten", "minmax"])
def test_weights_of_1_are_none(workspace: Workspace, method: str) -> None:
    ones = b"a,b,w\n" + b"".join(line + b",1\n" for line in csv(weights=False).splitlines()[1:])
    weighted, plain = (
        fitted(workspace, ones, "--weights", "w", method=method),
        fitted(workspace, csv(weights=False), method=method),
    )
    for part in ("learned", "statistics", "columns"):
        assert json.dumps(weighted["steps"][0][part]) == json.dumps(plain["steps"][0][part])


def test_rows_of_weight_0_are_not_there(workspace: Workspace) -> None:
    """Their values are neither least nor greatest, their gaps not missing, their keys not seen."""
    with_them = fitted(workspace, csv(more="1e9,,0\n,-5,0\n"), "--weights", "w")
    assert with_them["steps"] == fitted(workspace, csv(), "--weights", "w")["steps"]
    data = b"k,a,w\nu,1,1\nv,2,0\nu,3,2\n"
    workspace.succeeds("fit", "-m", "zscore", "--by", "k", "--weights", "w", "-p", "p.json", stdin=data)
    made = json.loads((workspace / "p.json").read_bytes())
    assert [(e["key"], e["rows"]) for e in made["keys"]] == [(["u"], 2)]
    assert made["keys"][0]["steps"][0]["statistics"]["moments"]["count"] == [3]
    assert "k=v was not fitted" in workspace.fails(65, "apply", "-p", "p.json", stdin=data)


@pytest.mark.soak
def test_fractions_divide_by_their_sum(workspace: Workspace) -> None:
    half = fitted(workspace, csv(scale=0.25), "--weights", "w", "--ddof", "1")
    a = half["steps"][0]["columns"]["a"]
    total = sum(w for *_, w in ROWS) / 4
    mean = sum(x * w for x, _, w in ROWS) / 4 / total
    squares = sum((x - mean) ** 2 * w for x, _, w in ROWS) / 4
    scale = half["steps"][0]["learned"]["affine"]["columns"]["a"]["scale"]
    assert (a["count"], a["mean"]) == (2.25, pytest.approx(mean, rel=1e-15))
    assert scale == pytest.approx((squares / (total - 1)) ** 0.5, rel=1e-14)
    workspace.succeeds("fit", "-m", "zscore", "--weights", "w", "-p", "p.json", stdin=csv(scale=0.25))
    out = workspace.succeeds("inspect", "p.json").out.decode()
    assert "weights  w" in out
    assert "2.25" in out
    workspace.succeeds("apply", "-p", "p.json", stdin=b"a,b\n1,2\n")  # which has no use for weights


@pytest.mark.soak
@pytest.mark.parametrize(
    ("weight", "said"),
    [
        ("-1", "the weight in column 'w' is -1"),
        ("", "the weight in column 'w' is missing"),
        ("NA", "the weight in column 'w' is missing"),
        ("heavy", "'heavy' in column 'w' is not a number"),
        ("inf", "the weight in column 'w' is inf"),
        ("-1e-300", "the weight in column 'w' is -1e-300"),
    ],
)
def test_what_is_no_weight_is_told_with_its_line(workspace: Workspace, weight: str, said: str) -> None:
    data = csv(more=f"1,2,{weight}\n3,4,1\n")
    error = workspace.fails(65, "fit", "-m", "zscore", "--weights", "w", stdin=data)
    assert error.startswith(f"<stdin>:7: {said}")


def test_the_first_fault_in_the_file_is_told(workspace: Workspace) -> None:
    for rows, said in (
        ("1,2,-1\ninf,2,1\n", ":7: the weight"),
        ("inf,2,1\n1,2,-1\n", ":7: infinite value"),
    ):
        assert said in workspace.fails(65, "fit", "-m", "zscore", "--weights", "w", stdin=csv(more=rows))


WILD = "inf,0\n1e400,0\n-inf,0.0\n,0\n"


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "parquet"])
def test_nothing_is_wrong_with_a_row_of_weight_0(workspace: Workspace, suffix: str) -> None:
    """In whatever format: an infinite value of such a row is refused where it is applied, if at all."""
    x, w = [1.0, math.inf, 2.0, -math.inf, 4.0], [1, 0, 2, 0, 1]
    pq.write_table(pa.table({"x": x, "w": w}), workspace / "t.parquet")
    (workspace / "t.csv").write_text("x,w\n" + "".join(f"{a},{b}\n" for a, b in zip(x, w, strict=True)))
    lines = (json.dumps({"x": a, "w": b}).replace("Infinity", "1e999") for a, b in zip(x, w, strict=True))
    (workspace / "t.ndjson").write_text("".join(f"{line}\n" for line in lines))
    (workspace / "some.csv").write_text("x,w\n1.0,1\n2.0,2\n4.0,1\n")
    data = f"t.{suffix}"
    fit = ("fit", "-m", "zscore", "--weights", "w", "-c", "x")
    expected = json.loads(workspace.succeeds(*fit, "some.csv").out)["steps"][0]["learned"]
    workspace.succeeds(*fit, data, "-p", "p.json")
    assert json.loads((workspace / "p.json").read_bytes())["steps"][0]["learned"] == expected
    workspace.succeeds("check", data, "-p", "p.json", "--min-rows", "1")
    assert "infinite value in column 'x'" in workspace.fails(65, "apply", data, "-p", "p.json")
    assert "infinite value in column 'x'" in workspace.fails(65, *fit, data, "-p", "q.json", "-o", f"o.{suffix}")
    assert not (workspace / "q.json").exists()
    assert not (workspace / f"o.{suffix}").exists()
    workspace.succeeds("fit", "--update", "-p", "p.json", "--weights", "w", "some.csv")


def test_steps_before_do_not_look_at_rows_of_weight_0(workspace: Workspace) -> None:
    (workspace / "plan.toml").write_text('[[steps]]\nmethod = "log1p"\n[[steps]]\nmethod = "zscore"\n')
    fit = ("fit", "--plan", "plan.toml", "--weights", "w", "--by", "k")
    with_it, without = (
        json.loads(workspace.succeeds(*fit, stdin=f"k,x,w\n{more}u,1,1\nv,2,1\nu,4,1\n".encode()).out)
        for more in ("v,-5,0\n", "")
    )
    assert with_it["keys"] == without["keys"]
    assert with_it["steps"] == without["steps"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("inf,0\n2,-1\n", ":4: the weight in column 'w' is -1"),
        ("inf,0\n2,\n", ":4: the weight in column 'w' is missing"),
        ("inf,0\ninf,1\n2,-1\n", ":4: infinite value in column 'x'"),
        ("inf,0\n3,1\n-inf,2\n", ":5: infinite value in column 'x'"),
    ],
)
def test_faults_beside_rows_of_weight_0_are_told_in_order(workspace: Workspace, rows: str, said: str) -> None:
    data = ("x,w\n1,1\n" + rows).encode()
    assert said in workspace.fails(65, "fit", "-m", "zscore", "--weights", "w", stdin=data)


def test_tiny_weights_give_the_scores_of_their_ratios(workspace: Workspace) -> None:
    data = b"x,w\n0,1e-200\n1e-62,2e-200\n3e-62,3e-200\n"
    out = workspace.succeeds("fit", "-m", "zscore", "--weights", "w", "-p", "p.json", "-o", "-", stdin=data).out
    scores = [float(line.split(b",")[0]) for line in out.splitlines()[1:]]
    assert scores == pytest.approx([-1.510966203, -0.686802820, 0.961523948], abs=1e-9)
    workspace.succeeds("apply", "-p", "p.json", stdin=data)


@pytest.mark.parametrize(
    "method", ["center", "zscore", "power", "weight", "spectral", "decorrelate", "whiten", "minmax"]
)
@pytest.mark.parametrize("weight", ["1e-250", "1e-299", "5e-324"])
def test_weights_of_any_size_give_a_file_or_a_reason(workspace: Workspace, method: str, weight: str) -> None:
    data = "a,b,w\n" + "".join(f"{a}e-3,{b}e3,{weight}\n" for a, b in ((0, 1), (1, 3), (3, 2), (4, 7)))
    fit = ("fit", "-m", method, "-c", "a,b", "--only", "-o", "-")
    if weight != "1e-250" and method not in ("center", "minmax"):
        error = workspace.fails(65, *fit, "--weights", "w", "-p", "p.json", stdin=data.encode())
        assert "the weights add up to less than 1e-290 in a, b" in error
        return
    got, even = (
        workspace.succeeds(*fit, *more, stdin=data.encode()).out.split()[1:]
        for more in (("--weights", "w", "-p", "p.json"), ("-p", "even.json"))
    )
    if method not in ("weight", "spectral"):  # which are lengths: weights stretch them
        for one, other in zip(got, even, strict=True):
            assert [*map(float, one.split(b","))] == pytest.approx([*map(float, other.split(b","))], rel=1e-6, abs=1e-9)
    assert len(workspace.succeeds("apply", "-p", "p.json", "--only", stdin=data.encode()).out.split()) == 5


def test_heavy_weights_have_the_quartiles_of_repeated_rows(workspace: Workspace) -> None:
    data = b"x,w\n1,2097152\n2,2097152\n4,2097152\n"
    made = json.loads(workspace.succeeds("fit", "-m", "robust", "--weights", "w", stdin=data).out)
    learned = made["steps"][0]["learned"]["affine"]["columns"]["x"]
    assert (learned["center"], learned["scale"]) == (2.0, 3.0)


@pytest.mark.soak
@pytest.mark.parametrize("by", [(), ("--by", "k")])
def test_no_weight_at_all_is_no_data(workspace: Workspace, by: tuple[str, ...]) -> None:
    data = b"k,a,w\nu,1,0\nv,2,0\n"
    error = workspace.fails(65, "fit", "-m", "zscore", "--weights", "w", *by, stdin=data)
    assert error == "<stdin>: every weight in column 'w' is 0"


@pytest.mark.soak
@pytest.mark.parametrize("kind", [pa.int8(), pa.float32(), pa.decimal128(25, 2)], ids=str)
def test_weights_of_any_type_of_numbers(workspace: Workspace, kind: pa.DataType) -> None:
    a, b, w = (list(column) for column in zip(*ROWS, strict=True))
    pq.write_table(pa.table({"a": a, "b": b, "w": pa.array(w).cast(kind)}), workspace / "t.parquet")
    got = json.loads(workspace.succeeds("fit", "-m", "zscore", "t.parquet", "--weights", "w").out)
    assert got["steps"] == fitted(workspace, csv(), "--weights", "w")["steps"]


@pytest.mark.soak
@pytest.mark.parametrize(
    ("values", "said"),
    [
        (pa.array([[1.0], [2.0]]), "t.parquet: column 'w' is not numeric"),
        (pa.array(["1", "2"]), "t.parquet: column 'w' is not numeric"),
        (pa.array([True, False]), "t.parquet: column 'w' is not numeric"),
        (pa.array([1.0, None]), "t.parquet: row 2: the weight in column 'w' is missing"),
    ],
    ids=["lists", "text", "bool", "null"],
)
def test_weights_are_numbers(workspace: Workspace, values: pa.Array, said: str) -> None:
    pq.write_table(pa.table({"a": [1.0, 2.0], "w": values}), workspace / "t.parquet")
    assert said in workspace.fails(65, "fit", "-m", "zscore", "t.parquet", "-c", "a", "--weights", "w")


@pytest.mark.soak
@pytest.mark.parametrize(
    ("code", "args", "said"),
    [
        (2, ("--weights", "w", "--by", "w"), "--weights w: is a column of --by"),
        (2, ("--weights", "w", "--by", "a,w", "-c", "b"), "--weights w: is a column of --by"),
        (2, ("--weights", "a", "-c", "a"), "-c a: is a column of --by or --weights"),
        (65, ("--weights", "nope"), "<stdin>: no column is called 'nope'"),
    ],
)
def test_what_can_not_be_weights_is_said(workspace: Workspace, code: int, args: tuple[str, ...], said: str) -> None:
    assert said in workspace.fails(code, "fit", "-m", "zscore", *args, stdin=csv())


@pytest.mark.soak
def test_updates_keep_to_the_weights(workspace: Workspace) -> None:
    (workspace / "one.csv").write_bytes(csv())
    (workspace / "two.csv").write_bytes(csv(more="9,9,0\n7,8,2.5\n"))
    for name in ("one.csv", "two.csv"):
        workspace.succeeds("fit", "--update", "--create", "-m", "zscore", "--weights", "w", "-p", "p.json", name)
    whole = workspace.succeeds("fit", "-m", "zscore", "--weights", "w", "one.csv", "two.csv").out
    assert (workspace / "p.json").read_bytes() == whole
    assert workspace.fails(2, "fit", "--update", "-p", "p.json", "--weights", "b", "one.csv").startswith(
        "--weights b: p.json has w"
    )
    workspace.succeeds("fit", "-m", "zscore", "-c", "a,b", "-p", "none.json", "one.csv")
    assert "was fitted without --weights, and p.json with --weights w" in workspace.fails(
        65, "merge", "p.json", "none.json"
    )
