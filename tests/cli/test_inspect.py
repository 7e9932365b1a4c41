"""inspect: what was learned, in the method's own terms, held to independent sources; keys; JSON."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import PowerTransformer, RobustScaler

from normcli.blocks.record import Array
from normcli.cli import inspect
from normcli.cli._terminal import cells
from tests.cli.conftest import Workspace
from tests.conftest import measured

NAMES = ["a", "b", "c", "d"]


@pytest.fixture
def iris(workspace: Workspace) -> Array:
    x = measured("iris")
    pl.DataFrame(x, schema=NAMES).write_csv(workspace / "iris.csv")
    return x


def shown(workspace: Workspace, *line: str) -> dict[str, Any]:
    """What is shown of the one step of a fit."""
    workspace.succeeds("fit", "iris.csv", *line, "-p", "p.json")
    (step,) = json.loads(workspace.succeeds("inspect", "p.json", "--json").out)["steps"]
    assert isinstance(step, dict)
    return step


def column(step: dict[str, Any], name: str) -> list[float]:
    return [row[name] for row in step["columns"]]


# -- in the method's own terms -----------------------------------------------------------------------------------
def test_the_median_and_the_quantiles_of_robust(workspace: Workspace, iris: Array) -> None:
    step = shown(workspace, "-m", "robust")
    scaler = RobustScaler().fit(iris)
    np.testing.assert_allclose(column(step, "median"), scaler.center_)
    np.testing.assert_allclose(np.subtract(column(step, "q75"), column(step, "q25")), scaler.scale_)
    step = shown(workspace, "-m", "robust", "--quantiles", "0.05", "0.975")
    np.testing.assert_allclose(column(step, "q97.5"), np.quantile(iris, 0.975, axis=0))


def test_the_exponent_of_power(workspace: Workspace, iris: Array) -> None:
    found = PowerTransformer().fit(iris).lambdas_
    np.testing.assert_allclose(column(shown(workspace, "-m", "power"), "lambda"), found, rtol=1e-3, atol=1e-3)


def test_the_quartiles_of_quantile(workspace: Workspace, iris: Array) -> None:
    step = shown(workspace, "-m", "quantile", "--resolution", "101")
    assert step["learned"] == {"quantiles": 101}
    for name, share in (("q25", 0.25), ("median", 0.5), ("q75", 0.75)):
        np.testing.assert_allclose(column(step, name), np.quantile(iris, share, axis=0))


@pytest.mark.parametrize("line", [("decorrelate",), ("whiten", "--kind", "pca"), ("whiten", "--kind", "pca-cor")])
def test_the_variance_that_each_component_explains(workspace: Workspace, iris: Array, line: tuple[str, ...]) -> None:
    step = shown(workspace, "-m", *line, "--components", "3")
    pca = PCA().fit((iris - iris.mean(axis=0)) / iris.std(axis=0) if "pca-cor" in line else iris)
    share = pca.explained_variance_ratio_[:3]
    assert [row["component"] for row in step["components"]] == ["pc1", "pc2", "pc3"] == step["outputs"]
    np.testing.assert_allclose([row["explained"] for row in step["components"]], share)
    np.testing.assert_allclose([row["cumulative"] for row in step["components"]], np.cumsum(share))
    assert step["learned"]["explained"] == pytest.approx(share.sum())
    if "whiten" in line:
        assert step["learned"]["kind"] == line[-1]
        assert step["learned"]["rank"] == 4
    assert (step["takes"], step["gives"]) == (4, 3)


@pytest.mark.parametrize(("rank", "kind"), [(2, "zca"), (4, "zca"), (2, "zca-cor")])
def test_the_rank_of_sphering_and_what_it_explains(workspace: Workspace, iris: Array, rank: int, kind: str) -> None:
    step = shown(workspace, "-m", "whiten", "--rank", str(rank), "--kind", kind)
    ratio = PCA().fit((iris - iris.mean(axis=0)) / iris.std(axis=0) if kind != "zca" else iris)
    explained = ratio.explained_variance_ratio_[:rank].sum()
    assert step["learned"] == {"kind": kind, "rank": rank, "explained": pytest.approx(explained)}


def test_how_many_batches_and_the_greatest_singular_value(workspace: Workspace, iris: Array) -> None:
    assert shown(workspace, "-m", "batch", "--batch-size", "32")["learned"] == {"batches": 5}
    found = shown(workspace, "-m", "spectral")["learned"]["sigma_max"]
    assert found == pytest.approx(np.linalg.svd(iris, compute_uv=False)[0])


def test_a_deviation_is_the_one_that_was_learned(workspace: Workspace, iris: Array) -> None:
    np.testing.assert_allclose(column(shown(workspace, "-m", "zscore", "--ddof", "1"), "std"), iris.std(axis=0, ddof=1))


@pytest.mark.parametrize("method", ["zscore", "minmax", "maxabs", "mean-range", "robust", "center"])
@pytest.mark.parametrize("room", [45, 60])
def test_what_was_learned_is_left_out_last_and_no_line_is_wider(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], method: str,
    room: int,
) -> None:  # fmt: skip
    names = [f"a_rather_long_name_of_a_column_of_iris_{name}" for name in NAMES]
    pl.DataFrame(measured("iris") * 1e3, schema=names).write_csv(workspace / "long.csv")
    workspace.succeeds("fit", "long.csv", "-m", method, "-p", "p.json")
    document = json.loads(workspace.succeeds("inspect", "p.json", "--json").out)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(room))
    inspect.show(document, full=False)
    lines = capsys.readouterr().out.splitlines()
    assert all(cells(line) <= room for line in lines), lines
    heads = next(line for line in lines if line.startswith("column")).split()
    learned = [*document["steps"][0]["terms"]]
    assert learned
    assert set(heads) >= set(learned)
    if room < 60:
        assert not set(heads) & {"type", "count", "missing"}


def test_what_learns_nothing_says_so(workspace: Workspace, iris: Array) -> None:
    workspace.succeeds("fit", "iris.csv", "-m", "unit", "-p", "p.json")
    assert b"learned  nothing: " in workspace.succeeds("inspect", "p.json").out


# -- what comes out ----------------------------------------------------------------------------------------------
def test_lists_say_how_long_they_become(workspace: Workspace) -> None:
    x = np.random.default_rng(1).normal(size=(200, 12))
    pq.write_table(pa.table({"emb": pa.array(x.tolist(), pa.list_(pa.float64(), 12))}), workspace / "e.parquet")
    workspace.succeeds(
        "fit", "e.parquet", "-c", "emb", "-m", "whiten", "--kind", "pca", "--components", "5", "-p", "p.json"
    )
    assert "gives    emb: lists of 12 → 5\n" in workspace.succeeds("inspect", "p.json").out.decode()
    workspace.succeeds("fit", "e.parquet", "-c", "emb", "-m", "zscore", "-p", "p.json")
    assert "gives    emb: lists of 12\n" in workspace.succeeds("inspect", "p.json").out.decode()


def test_inputs_are_counted(workspace: Workspace, iris: Array) -> None:
    data = (workspace / "iris.csv").read_bytes()
    (workspace / "other.csv").write_bytes(data.replace(b"5.", b"6."))
    workspace.succeeds("fit", "iris.csv", "other.csv", "-m", "zscore", "-p", "p.json")
    assert "inputs   2\n" in workspace.succeeds("inspect", "p.json").out.decode()


# -- keys --------------------------------------------------------------------------------------------------------
@pytest.fixture
def sales(workspace: Workspace) -> Workspace:
    body = 'store,day,x\n"a,b",1,2\n"a,b",1,3\n"a,b",1,5\n007,1,4\n007,1,6\n,2,1\n'
    Path(workspace / "sales.csv").write_text(body)
    workspace.succeeds(
        "fit", "sales.csv", "-m", "center", "--by", "store", "--min-count", "2", "-c", "x", "-p", "p.json"
    )
    return workspace


def test_keys_are_a_table_by_falling_count_spelled_as_key_takes_them(sales: Workspace) -> None:
    header, *lines = sales.succeeds("inspect", "p.json", "--keys").out.decode().splitlines()
    assert header.split("  ")[0] == "store"
    assert [line.split() for line in lines] == [['"a,b"', "3"], ["007", "2"], ["''", "1", "yes"]]
    found = json.loads(sales.succeeds("inspect", "p.json", "--keys", "--json").out)
    assert [row["rows"] for row in found] == [3, 2, 1]
    for row in found:
        one = json.loads(sales.succeeds("inspect", "p.json", "--json", "--key", row["spelled"]).out)
        assert one["key"] == row
        assert one["steps"][0]["columns"][0]["count"] == row["rows"]
    assert "--key is not for --keys" in sales.fails(2, "inspect", "p.json", "--keys", "--key", "007")


def test_json_is_one_object_with_every_number_and_no_nan(sales: Workspace) -> None:
    found = json.loads(sales.succeeds("inspect", "p.json", "--json").out)
    file = json.loads((sales / "p.json").read_bytes())
    assert (found["digest"], found["rows"], found["inputs"]) == (file["digest"], file["rows"], file["inputs"])
    (row,) = found["steps"][0]["columns"]
    assert row == {"column": "x", **file["steps"][0]["columns"]["x"]}
    assert row["mean"] == 3.5
