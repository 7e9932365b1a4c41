"""What apply and fit -o do with results: some of the columns alone, limits, fills, digits, no constants."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import normcli
from normcli import kernel
from tests.cli.conftest import Workspace

DATA = b"""id,price,k,qty,note
007,1.5,5,1,x
b,2.75,5,2,
c,,5,3,NA
d,100,5,400,"y,z"
"""
TYPED = pa.table(
    {"price": pa.array([1.5, 2.75, None, 100.0]), "k": pa.array([5.0] * 4), "qty": pa.array([1, 2, 3, 400], pa.int64())}
)


def columns(data: bytes) -> dict[str, list[str]]:
    header, *rows = csv.reader(io.StringIO(data.decode(), newline=""), strict=True)
    return {name: [row[j] for row in rows] for j, name in enumerate(header)}


@pytest.fixture
def data(workspace: Workspace) -> Workspace:
    (workspace / "d.csv").write_bytes(DATA)
    pq.write_table(TYPED, workspace / "d.parquet")
    workspace.succeeds("fit", "d.csv", "-m", "zscore", "-p", "p.json")
    workspace.succeeds("apply", "d.csv", "-p", "p.json", "-o", "z.csv")
    return workspace


# -- some of the columns -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("words", ["-c price -c qty", "-c price,qty", "-x k", "-c * -x k", "-c p*,q*"])
def test_some_columns_are_normalized_as_ever_and_the_others_pass(data: Workspace, words: str) -> None:
    all_of_them, some = (
        columns((data / "z.csv").read_bytes()),
        data.succeeds("apply", "d.csv", "-p", "p.json", *words.split()),
    )
    assert columns(some.out) == columns(DATA) | {n: all_of_them[n] for n in ("price", "qty")}
    assert "2 columns" in some.err


def test_predictions_of_one_column_come_back_alone(data: Workspace) -> None:
    (data / "predicted.csv").write_bytes(b"row,price\n1,-0.7206088129322407\n2,0.5\n")
    (data / "beside.csv").write_bytes(b"row,price_pred\n1,-0.7206088129322407\n2,0.5\n")
    message = data.fails(65, "apply", "predicted.csv", "-p", "p.json", "--inverse")
    what = "predicted.csv: no columns are called k, qty, which the parameters need"
    assert message == f"{what} (there are row, price; -c price takes it alone)"
    inverse = ("-p", "p.json", "--inverse", "-c", "price", "--precision", "6")
    done = data.succeeds("apply", "predicted.csv", *inverse)
    x = np.array([1.5, 2.75, 100.0])
    assert done.out == b"row,price\n1,1.5\n2,%.4f\n" % (x.mean() + 0.5 * x.std())
    beside = data.succeeds("apply", "beside.csv", *inverse, "--column-suffix", "_pred")
    assert beside.out == done.out


def test_a_column_that_is_mixed_with_others_does_not_come_alone(data: Workspace) -> None:
    data.succeeds("fit", "d.csv", "-m", "whiten", "-x", "k", "-p", "w.json", "--rank", "auto")
    (data / "predicted.csv").write_bytes(b"price\n1\n")
    why = "whiten mixes its columns: there is no price without qty"
    assert data.fails(2, "apply", "d.csv", "-p", "w.json", "-c", "price").startswith(why)
    assert why in data.fails(65, "apply", "predicted.csv", "-p", "w.json", "--inverse")
    assert data.succeeds("apply", "d.csv", "-p", "w.json", "-c", "price,qty").out == data.succeeds(
        "apply", "d.csv", "-p", "w.json").out  # fmt: skip


@pytest.mark.parametrize("method", ["layer", "unit", "spectral", "rms"])
def test_nor_does_one_of_a_row(workspace: Workspace, method: str) -> None:
    workspace.params(method)
    assert f"{method} mixes its columns" in workspace.fails(2, "apply", "table.csv", "-p", "p.json", "-c", "a")


@pytest.mark.parametrize("method", ["batch", "batch-renorm", "quantile", "robust", "power", "minmax", "weight"])
def test_one_of_any_method_by_columns_is_as_among_all(workspace: Workspace, method: str) -> None:
    workspace.params(method)
    for more in ((), ("--training",))[: 2 if "batch" in method else 1]:
        every = columns(workspace.succeeds("apply", "table.csv", "-p", "p.json", *more).out)
        one = columns(workspace.succeeds("apply", "table.csv", "-p", "p.json", "-c", "b", *more).out)
        assert one["b"] == every["b"]
        assert one["a"] == columns((workspace / "table.csv").read_bytes())["a"]


def test_a_selector_that_matches_no_fitted_column_is_refused(data: Workspace) -> None:
    assert "did you mean price?" in data.fails(2, "apply", "d.csv", "-p", "p.json", "-c", "prce")
    assert "there are price, k, qty" in data.fails(2, "apply", "d.csv", "-p", "p.json", "-c", "note")
    assert "-x leaves no fitted column" in data.fails(2, "apply", "d.csv", "-p", "p.json", "-x", "*")


def test_marks_are_of_the_columns_that_are_normalized(data: Workspace) -> None:
    def marks(name: str) -> list[str]:
        text = pq.read_schema(data / name).metadata.get(b"normcli", b"").decode()
        return [mark.partition("columns=")[2] for mark in text.split()]

    apply = ("apply", "-p", "p.json")
    data.succeeds(*apply, "d.parquet", "-c", "price", "-o", "1.parquet")
    assert marks("1.parquet") == ["price"]
    assert "already in price" in data.fails(65, *apply, "1.parquet", "-o", "2.parquet")
    data.succeeds(*apply, "1.parquet", "-c", "qty,k", "-o", "2.parquet")
    data.succeeds(*apply, "d.parquet", "-o", "all.parquet")
    assert (data / "2.parquet").read_bytes() == (data / "all.parquet").read_bytes()
    data.succeeds(*apply, "2.parquet", "--inverse", "-c", "qty", "-o", "3.parquet")
    assert marks("3.parquet") == ["price,k"]
    assert "in price, k only" in data.fails(65, *apply, "3.parquet", "--inverse", "-o", "4.parquet")
    data.succeeds(*apply, "3.parquet", "--inverse", "-x", "qty", "-o", "4.parquet")
    assert marks("4.parquet") == []
    assert pq.read_table(data / "4.parquet").to_pydict() == TYPED.to_pydict()


# -- limits and fills --------------------------------------------------------------------------------------------
def test_results_are_held_then_filled_and_counted(data: Workspace) -> None:
    done = data.succeeds(
        "apply", "d.csv", "-p", "p.json", "--limit", "-0.7", "1", "--fill", "0", "--run-report", "r.json"
    )
    z = columns((data / "z.csv").read_bytes())
    x = np.array([float(v or "nan") for v in z["price"]])
    assert [float(v) for v in columns(done.out)["price"]] == np.nan_to_num(np.clip(x, -0.7, 1.0)).tolist()
    assert ", 3 values held within limits, 1 missing value filled, " in done.err
    report = json.loads((data / "r.json").read_text())
    assert (report["values_limited"], report["values_filled"], report["columns_left_out"]) == (3, 1, [])
    assert columns(done.out)["note"] == columns(DATA)["note"]


def test_a_missing_value_stays_one_within_limits(data: Workspace) -> None:
    assert columns(data.succeeds("apply", "d.csv", "-p", "p.json", "--limit", "0", "1").out)["price"][2] == ""


@pytest.mark.parametrize(
    "words", ["--limit 1 1", "--limit 2 1", "--limit nan 1", "--fill inf", "--limit 0 1 --fill 2", "--precision 0"]
)
def test_what_makes_no_sense_is_refused(data: Workspace, words: str) -> None:
    data.fails(2, "apply", "d.csv", "-p", "p.json", *words.split())


def test_restored_whole_numbers_stay_whole_within_limits(data: Workspace) -> None:
    inverse = ("apply", "z.csv", "-p", "p.json", "--inverse")
    out = columns(data.succeeds(*inverse, "--limit", "1.5", "9.7").out)
    assert (out["qty"], out["price"]) == (["2", "2", "3", "9"], ["1.5", "2.75", "", "9.7"])
    assert "no int64 is between" in data.fails(2, *inverse, "--limit", "1.2", "1.8")
    data.succeeds(*inverse[:3], "p.json", "--inverse", "--limit", "1.2", "1.8", "--dtype", "float64")


def test_a_fill_is_of_the_type_that_is_restored_or_a_fraction_in_text(data: Workspace) -> None:
    z = (data / "z.csv").read_text().replace("1.7320362285688597", "")
    (data / "gap.csv").write_text(z)
    pq.write_table(pa.table({n: pa.array([float(v) if v else None for v in x]) for n, x in columns(z.encode()).items()
                             if n in ("price", "k", "qty")}), data / "gap.parquet")  # fmt: skip
    inverse = ("-p", "p.json", "--inverse", "-c", "qty")
    assert columns(data.succeeds("apply", "gap.csv", *inverse, "--fill", "7").out)["qty"] == ["1", "2", "3", "7"]
    assert columns(data.succeeds("apply", "gap.csv", *inverse, "--fill", "7.5").out)["qty"][3] == "7.5"
    data.succeeds("apply", "gap.parquet", *inverse, "--fill", "7", "-o", "out.parquet")
    assert pq.read_table(data / "out.parquet")["qty"].type == pa.int64()
    message = data.fails(65, "apply", "gap.parquet", *inverse, "--fill", "7.5", "-o", "out.parquet")
    assert message.startswith("gap.parquet: row 4: --fill 7.5 is no int64, as column 'qty' is restored to")


def test_null_lists_and_gaps_in_lists_are_filled(workspace: Workspace) -> None:
    vectors = pa.array([[1.0, 2.0], None, [3.0, None], [2.0, 8.0]], pa.list_(pa.float32(), 2))
    pq.write_table(pa.table({"e": vectors}), workspace / "e.parquet")
    workspace.succeeds("fit", "e.parquet", "-m", "zscore", "-c", "e", "-p", "e.json")
    done = workspace.succeeds("apply", "e.parquet", "-p", "e.json", "--fill", "0", "-o", "o.parquet")
    out = pq.read_table(workspace / "o.parquet")["e"]
    assert out.type == vectors.type
    assert (out[1].as_py(), out[2].as_py()[1]) == ([0.0, 0.0], 0.0)
    assert "3 missing values filled" in done.err


def test_rows_that_miss_a_value_are_filled_as_a_whole(workspace: Workspace) -> None:
    (workspace / "t.csv").write_bytes(b"a,b\n3,4\n,1\n")
    workspace.succeeds("fit", "t.csv", "-m", "unit", "-p", "u.json")
    assert workspace.succeeds("apply", "t.csv", "-p", "u.json", "--fill", "0").out == b"a,b\n0.6,0.8\n0.0,0.0\n"


# -- digits ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("to", ["csv", "tsv", "ndjson", "csv.gz"])
@pytest.mark.parametrize("switch", ["on", "off"])
def test_digits_are_those_of_python_in_any_text_and_of_results_alone(data: Workspace, to: str, switch: str) -> None:
    data.succeeds("apply", "d.csv", "-p", "p.json", "--precision", "4", "-o", f"o.{to}", env={kernel.SWITCH: switch})
    data.succeeds("fit", f"o.{to}", "-m", "center", "-c", "price,qty", "-p", "q.json")
    data.succeeds("apply", f"o.{to}", "-p", "q.json", "--dry-run")
    z = columns((data / "z.csv").read_bytes())
    out = columns(data.succeeds("apply", "d.csv", "-p", "p.json", "--precision", "4", env={kernel.SWITCH: switch}).out)
    for name in ("price", "qty"):
        assert out[name] == ["" if not v else repr(float(f"{float(v):.4g}")) for v in z[name]]
    assert (out["id"], out["note"]) == (z["id"], z["note"])


def test_digits_are_for_text_alone(data: Workspace) -> None:
    why = "--precision is for text, and what is written here is parquet"
    assert data.fails(2, "apply", "d.csv", "-p", "p.json", "--precision", "4", "-o", "o.parquet").startswith(why)
    fit = ("fit", "d.csv", "-m", "zscore", "-p", "q.json", "--precision", "4")
    assert data.fails(2, *fit, "-o", "o.parquet").startswith(why)
    (data / "in").mkdir()
    (data / "in" / "d.parquet").write_bytes((data / "d.parquet").read_bytes())
    assert data.fails(2, "apply", "in", "-p", "p.json", "--precision", "4", "-o", "out/").startswith(why)


# -- constants ---------------------------------------------------------------------------------------------------
def test_constant_columns_are_left_out_and_said_and_not_needed_to_restore(data: Workspace) -> None:
    done = data.succeeds("apply", "d.csv", "-p", "p.json", "--drop-constant", "-o", "o.csv", "--run-report", "r.json")
    out = columns((data / "o.csv").read_bytes())
    assert out == {n: x for n, x in columns((data / "z.csv").read_bytes()).items() if n != "k"}
    assert ", 1 constant column left out (k), " in done.err
    assert json.loads((data / "r.json").read_text())["columns_left_out"] == ["k"]
    back = columns(data.succeeds("apply", "o.csv", "-p", "p.json", "--inverse", "--drop-constant").out)
    assert back["price"] == ["1.5", "2.75", "", "100.0"]
    assert "-c price,qty takes them alone" in data.fails(65, "apply", "o.csv", "-p", "p.json", "--inverse")


def test_originals_stay_beside(data: Workspace) -> None:
    out = data.succeeds("apply", "d.csv", "-p", "p.json", "--drop-constant", "--column-suffix", "_z").out
    assert [*columns(out)] == ["id", "price", "price_z", "k", "qty", "qty_z", "note"]


def test_nothing_that_is_mixed_is_left_out_and_not_all(data: Workspace) -> None:
    (data / "k.csv").write_bytes(b"k\n5\n5\n")
    data.succeeds("fit", "k.csv", "-m", "zscore", "-p", "k.json")
    assert "every column is constant" in data.fails(65, "apply", "k.csv", "-p", "k.json", "--drop-constant")
    data.succeeds("fit", "d.csv", "-m", "decorrelate", "-p", "w.json")
    apply = ("apply", "d.csv", "-p", "w.json")
    assert data.succeeds(*apply, "--drop-constant").out == data.succeeds(*apply).out


# -- wherever it is said -----------------------------------------------------------------------------------------
OPTIONS = ("--fill", "0", "--limit", "-1", "1", "--precision", "5", "--drop-constant")


def test_fit_and_apply_in_one_and_python_write_the_same(data: Workspace) -> None:
    data.succeeds("apply", "d.csv", "-p", "p.json", *OPTIONS, "-o", "apply.csv")
    done = data.succeeds("fit", "d.csv", "-m", "zscore", "-p", "q.json", *OPTIONS, "-o", "fit.csv")
    assert "1 missing value filled, 1 constant column left out (k)" in done.err
    result = normcli.apply(
        data / "p.json", data / "d.csv", data / "python.csv", fill=0, limit=(-1, 1), precision=5, drop_constant=True
    )
    assert result.constants == ("k",)
    for name in ("fit.csv", "python.csv"):
        assert (data / name).read_bytes() == (data / "apply.csv").read_bytes()
    normcli.apply(data / "p.json", data / "d.csv", data / "some.csv", columns="price")
    assert (data / "some.csv").read_bytes() == data.succeeds("apply", "d.csv", "-p", "p.json", "-c", "price").out


def test_they_shape_what_a_resumed_run_takes_for_finished(data: Workspace) -> None:
    (data / "in").mkdir()
    (data / "in" / "d.csv").write_bytes(DATA)
    apply = ("apply", "in", "-p", "p.json", "-o", "out/", "--resume")
    data.succeeds(*apply, *OPTIONS)
    again = data.succeeds(*apply, *OPTIONS, "--run-report", "r.json")
    assert "1 of 1 complete" in again.err
    assert json.loads((data / "r.json").read_text())["values_filled"] == 1
    for change in (("--fill", "0"), ("-c", "price"), ("--limit", "0", "1"), ("--precision", "3"), ("--drop-constant",)):
        assert "0 of 1 complete" in data.succeeds(*apply, *change).err


def test_a_check_on_the_way_is_of_the_columns_that_are_taken(data: Workspace) -> None:
    (data / "new.csv").write_bytes(b"price,qty\n" + b"1.5,9999\n100,9999\n" * 20)
    data.succeeds("apply", "new.csv", "-p", "p.json", "-c", "price", "--check", "--max-shift", "9", "-o", "n.csv")
    (data / "one.csv").write_bytes(b"price\n" + b"1.5\n100\n" * 20)
    data.succeeds("apply", "one.csv", "-p", "p.json", "-c", "price", "--check", "--max-shift", "9", "-o", "n.csv")
    assert "qty" in data.fails(1, "apply", "new.csv", "-p", "p.json", "-c", "price,qty", "--check", "-o", "m.csv")


def test_a_path_without_kernel_writes_the_same_bytes(tmp_path: Path, data: Workspace) -> None:
    words = ("apply", "d.csv", "-p", "p.json", *OPTIONS)
    assert data.succeeds(*words).out == data.succeeds(*words, env={kernel.SWITCH: "off"}).out
