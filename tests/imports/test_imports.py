"""What other programs have learned, imported: the same results there and back, merged where rows were counted."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import normcli
from normcli import registry
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.errors import BadDataError, UsageError
from normcli.formats._arrays import safetensors_header as headers
from normcli.parameters import Parameters
from normcli.parameters.json_schema import schema
from tests.cli.conftest import Workspace
from tests.exports.test_sklearn import NAMES, fitted

preprocessing = pytest.importorskip("sklearn.preprocessing")
pipeline = pytest.importorskip("sklearn.pipeline")
skops = pytest.importorskip("skops.io")
X = np.random.default_rng(3).normal(5.0, [1.0, 10.0, 0.1], (200, 3))

SCALERS = [
    preprocessing.StandardScaler(), preprocessing.StandardScaler(with_mean=False),
    preprocessing.StandardScaler(with_std=False), preprocessing.StandardScaler(with_mean=False, with_std=False),
    preprocessing.MinMaxScaler(), preprocessing.MinMaxScaler(feature_range=(-1, 3), clip=True),
    preprocessing.MaxAbsScaler(), preprocessing.RobustScaler(), preprocessing.RobustScaler(with_centering=False),
    preprocessing.RobustScaler(quantile_range=(10.0, 80.0), unit_variance=True),
    preprocessing.Normalizer("l1"), preprocessing.Normalizer("max"),
    pipeline.make_pipeline(preprocessing.RobustScaler(), preprocessing.StandardScaler()),
]  # fmt: skip


def saved(scaler: Any, path: Path, x: Array = X) -> str:
    skops.dump(scaler.fit(x), path)
    return str(path)


def outcome(parameters: Parameters, x: Array, *, inverse: bool = False) -> Array:
    for step in reversed(parameters.steps) if inverse else parameters.steps:
        x = step.fitted.inverse(Block.of(x)) if inverse else step.fitted(Block.of(x))
    return x


@pytest.mark.parametrize("scaler", SCALERS, ids=str)
def test_a_scaler_of_scikit_learn_computes_the_same(scaler: Any, tmp_path: Path) -> None:
    parameters = normcli.import_parameters(saved(scaler, tmp_path / "s.skops"), "sklearn", columns=NAMES)
    new = X * 1.5
    np.testing.assert_allclose(outcome(parameters, new), scaler.transform(new), rtol=1e-12, atol=1e-12)
    assert normcli.write(normcli.read(normcli.write(parameters))) == normcli.write(parameters)
    if parameters.is_invertible:
        back = outcome(parameters, outcome(parameters, new), inverse=True)
        np.testing.assert_allclose(back, new, rtol=1e-12)


@pytest.mark.parametrize(
    ("method", "options"),
    [("zscore", {}), ("zscore", {"ddof": 1}), ("minmax", {"range": (-1.0, 1.0)}), ("maxabs", {}), ("robust", {}),
     ("robust", {"unit_variance": True}), ("unit", {"norm": "l1"})],
)  # fmt: skip
def test_what_is_exported_comes_back(method: str, options: dict[str, Any], tmp_path: Path) -> None:
    original = fitted(method, **options)
    (tmp_path / "s.skops").write_bytes(normcli.export(original, "sklearn"))
    back = normcli.import_parameters(tmp_path / "s.skops", "sklearn")
    assert back.needs() == NAMES
    assert registry.name_of(back.steps[0].method) == method
    assert back.steps[0].method == original.steps[0].method or "norm" in options
    np.testing.assert_allclose(outcome(back, X), outcome(original, X), rtol=1e-12, atol=1e-12)
    assert back.rows == (original.rows if method == "zscore" else 0)


def test_constants_and_columns_without_values(tmp_path: Path) -> None:
    x = X.copy()
    x[:, 0], x[:, 2] = 7.0, np.nan
    scaler = preprocessing.StandardScaler()
    parameters = normcli.import_parameters(saved(scaler, tmp_path / "s.skops", x), "sklearn", columns=NAMES)
    np.testing.assert_allclose(outcome(parameters, x), scaler.transform(x), atol=1e-12)
    assert normcli.write(normcli.read(normcli.write(parameters))) == normcli.write(parameters)


def test_what_has_counted_its_rows_merges_and_updates(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first, rest = X[:120], X[120:]
    np.savetxt("rest.csv", rest, delimiter=",", header="a,b,c", comments="", fmt="%.17g")
    saved(preprocessing.StandardScaler(), tmp_path / "s.skops", first)
    workspace.succeeds("import", str(tmp_path / "s.skops"), "--from", "sklearn", "--columns", "a,b,c", "-o", "s.json")
    workspace.succeeds("fit", "rest.csv", "-m", "zscore", "-p", "rest.json")
    merged = normcli.merge(["s.json", "rest.json"])
    other = normcli.merge(["rest.json", "s.json"])
    workspace.succeeds("fit", "--update", "-p", "s.json", "rest.csv")
    for parameters in (merged, other, normcli.load("s.json")):
        assert parameters.rows == 200
        expected = (X - X.mean(axis=0)) / X.std(axis=0)
        np.testing.assert_allclose(outcome(parameters, X), expected, rtol=1e-10, atol=1e-12)
        assert "min" not in parameters.steps[0].summary()
        assert normcli.write(normcli.read(normcli.write(parameters))) == normcli.write(parameters)


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_what_was_missing_is_unknown_and_stays_so(
    share: float, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A StandardScaler counts the values that are there, and one count where they are equal: none of the rows."""
    monkeypatch.chdir(tmp_path)
    x = X.copy()
    x[: int(share * len(x)), 1] = np.nan
    np.savetxt("d.csv", x, delimiter=",", header="a,b,c", comments="", fmt="%.17g")
    saved(preprocessing.StandardScaler(), tmp_path / "s.skops", x)
    workspace.succeeds("import", "s.skops", "--from", "sklearn", "--columns", "a,b,c", "-o", "s.json")
    workspace.succeeds("fit", "d.csv", "-m", "zscore", "-p", "own.json")
    workspace.succeeds("merge", "--allow-duplicates", "s.json", "own.json", "-o", "merged.json")
    workspace.succeeds("import", "s.skops", "--from", "sklearn", "--columns", "a,b,c", "-o", "more.json")
    workspace.succeeds("fit", "--update", "-p", "more.json", "d.csv")
    for name in ("s", "merged", "more"):
        document = json.loads(Path(f"{name}.json").read_text())
        jsonschema.validate(document, schema())
        assert [of["missing"] for of in document["steps"][0]["columns"].values()] == [None] * 3
        checked = json.loads(workspace.succeeds("check", "d.csv", "-p", f"{name}.json", "--json").out)
        assert [c["fitted"]["missing"] for c in checked["columns"]] == [None] * 3
        assert [c["missing_change"] for c in checked["columns"]] == [None] * 3
        workspace.succeeds("check", "own.json", "-p", f"{name}.json")
        workspace.succeeds("apply", "--check=refuse", "d.csv", "-p", f"{name}.json", "-o", "out.csv")
        table = workspace.succeeds("inspect", f"{name}.json").out.decode().splitlines()
        assert next(line for line in table if line.startswith("b ")).split()[3] == "-"
        workspace.succeeds("report", f"{name}.json", "d.csv", "-o", "r.html")
    assert [of["missing"] for of in json.loads(Path("own.json").read_text())["steps"][0]["columns"].values()] == [
        0, int(share * len(x)), 0,
    ]  # fmt: skip


def test_what_is_not_known_is_absent_and_said(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savetxt("d.csv", X, delimiter=",", header="a,b,c", comments="")
    for name, scaler in (("z", preprocessing.StandardScaler()), ("m", preprocessing.MinMaxScaler())):
        path = saved(scaler, tmp_path / f"{name}.skops")
        workspace.succeeds("import", path, "--from", "sklearn", "--columns", "a,b,c", "-o", f"{name}.json")
        workspace.succeeds("apply", "d.csv", "-p", f"{name}.json", "-o", "out.csv")
        workspace.succeeds("apply", "out.csv", "-p", f"{name}.json", "--inverse", "-o", "back.csv")
        np.testing.assert_allclose(np.loadtxt("back.csv", delimiter=",", skiprows=1), X, rtol=1e-12)
        shown = workspace.succeeds("inspect", f"{name}.json").out.decode()
        assert f"note     {type(scaler).__name__} of scikit-learn" in shown
        assert ("learned  elsewhere" in shown) is (name == "m")
        workspace.succeeds("check", "d.csv", "-p", f"{name}.json")
        workspace.succeeds("report", f"{name}.json", "-o", "r.html")
    of_a = json.loads(Path("z.json").read_text())["steps"][0]["columns"]["a"]
    assert sorted(of_a) == ["count", "mean", "missing", "std", "type"]
    assert (of_a["count"], of_a["missing"]) == (200, None)
    why = "it was imported, or taken from another fit, without counts of rows, and can't learn more"
    assert why in workspace.fails(2, "fit", "--update", "-p", "m.json", "d.csv")
    assert why in workspace.fails(65, "merge", "m.json", "m.json", "-o", "n.json")
    workspace.succeeds("fit", "d.csv", "-m", "minmax", "-p", "own.json")
    assert "without counts" in workspace.fails(65, "merge", "own.json", "m.json", "-o", "n.json")
    assert "has kept moments" in workspace.fails(2, "fit", "--relearn", "z.json", "-m", "minmax", "-p", "n.json")


def spark(path: Path, kind: str, params: Mapping[str, Any], vectors: Mapping[str, Any]) -> str:
    """A directory as Spark saves it: the layout of Spark's VectorUDT and DefaultParamsWriter."""
    for folder in ("metadata", "data"):
        (path / folder).mkdir(parents=True, exist_ok=True)
        (path / folder / "_SUCCESS").touch()
    about = {"class": f"org.apache.spark.ml.feature.{kind}", "timestamp": 1, "sparkVersion": "3.5.1", "uid": "x_1"}
    about |= {"paramMap": {"inputCol": "features"}, "defaultParamMap": dict(params)}
    (path / "metadata" / "part-00000").write_text(json.dumps(about) + "\n")
    vector = pa.struct(
        [
            ("type", pa.int8()),
            ("size", pa.int32()),
            ("indices", pa.list_(pa.int32())),
            ("values", pa.list_(pa.float64())),
        ]
    )
    row = {
        name: v if isinstance(v, dict) else {"type": 1, "size": None, "indices": None, "values": list(v)}
        for name, v in vectors.items()
    }
    table = pa.Table.from_pylist([row], pa.schema([(name, vector) for name in vectors]))
    pq.write_table(table, path / "data" / "part-00000-1c-c000.snappy.parquet")
    return str(path)


SPARSE = {"type": 0, "size": 3, "indices": [1], "values": [4.0]}
SPARK: list[tuple[str, dict[str, Any], dict[str, Any], Any]] = [
    ("StandardScalerModel", {"withMean": True, "withStd": True}, {"std": [1, 2, 4], "mean": [5, 6, 7]},
     lambda x: (x - [5, 6, 7]) / [1, 2, 4]),
    ("StandardScalerModel", {"withMean": False, "withStd": True}, {"std": [1, 2, 4], "mean": [5, 6, 7]},
     lambda x: x / [1, 2, 4]),
    ("StandardScalerModel", {"withMean": True, "withStd": False}, {"std": [1, 2, 4], "mean": SPARSE},
     lambda x: x - [0, 4, 0]),
    ("MinMaxScalerModel", {"min": 0.0, "max": 2.0}, {"originalMin": [0, 1, 2], "originalMax": [4, 5, 10]},
     lambda x: (x - [0, 1, 2]) / [4, 4, 8] * 2.0),
    ("MaxAbsScalerModel", {}, {"maxAbs": SPARSE}, lambda x: x / [1, 4, 1]),
    ("RobustScalerModel", {"lower": 0.25, "upper": 0.75, "withCentering": False, "withScaling": True},
     {"range": [1, 2, 4], "median": [1, 1, 1]}, lambda x: x / [1, 2, 4]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "params", "vectors", "expected"), SPARK)
def test_a_scaler_of_spark_computes_the_same(
    kind: str, params: dict[str, Any], vectors: dict[str, Any], expected: Any, tmp_path: Path
) -> None:
    path = spark(tmp_path / "model", kind, params, vectors)
    parameters = normcli.import_parameters(path, "spark", columns=NAMES)
    np.testing.assert_allclose(outcome(parameters, X), expected(X), rtol=1e-14)
    assert parameters.note == f"{kind} of Spark 3.5.1"
    assert parameters.rows == 0


def test_constants_of_spark_are_warned_of(workspace: Workspace, tmp_path: Path) -> None:
    path = spark(tmp_path / "model", "StandardScalerModel", {"withMean": True, "withStd": True},
                 {"std": [1, 0], "mean": [5, 6]})  # fmt: skip
    error = workspace.succeeds("import", path, "--from", "spark", "--columns", "a,b", "-o", "p.json").err
    assert "normcli: warning: constant: feature 1" in error


def tensors(path: Path, arrays: Mapping[str, Any]) -> str:
    names, data, at = [], b"", 0
    for name, values in arrays.items():
        values = np.asarray(values)
        kind = headers.NAMES[values.dtype]
        names.append(headers.Tensor(name, kind, values.shape, at))
        data, at = data + values.tobytes(), at + values.nbytes
    path.write_bytes(headers.written(names, {}) + data)
    return str(path)


STATE = {
    "running_mean": np.float32([1, 2]), "running_var": np.float32([4, 9]), "weight": np.float32([2, -1]),
    "bias": np.float32([0.5, 0]), "num_batches_tracked": np.array(7),
}  # fmt: skip
SAID = {"eps": 1e-5, "momentum": 0.1, "columns": ["a", "b"]}


def test_batch_norm_of_torch_computes_the_same(tmp_path: Path) -> None:
    path = tensors(tmp_path / "bn.safetensors", STATE)
    parameters = normcli.import_parameters(path, "torch", **SAID)
    x = X[:, :2]
    expected = (x - [1, 2]) / np.sqrt(np.array([4, 9]) + 1e-5) * [2, -1] + [0.5, 0]
    np.testing.assert_allclose(outcome(parameters, x), expected, rtol=1e-14)
    np.testing.assert_allclose(outcome(parameters, expected, inverse=True), x, rtol=1e-14)
    assert normcli.write(normcli.read(normcli.write(parameters))) == normcli.write(parameters)
    several = tensors(tmp_path / "net.safetensors", {f"{n}.{k}": v for n in ("bn1", "bn2") for k, v in STATE.items()})
    with pytest.raises(UsageError, match=r"`layer` is one of bn1, bn2"):
        normcli.import_parameters(several, "torch", **SAID)
    same = normcli.import_parameters(several, "torch", layer="bn2", **SAID)
    assert normcli.write(same) == normcli.write(parameters)


def test_eps_and_momentum_must_be_said(tmp_path: Path) -> None:
    path = tensors(tmp_path / "bn.safetensors", STATE)
    for lacking in ("eps", "momentum"):
        with pytest.raises(UsageError, match=f"`{lacking}` is missing"):
            normcli.import_parameters(path, "torch", **{n: v for n, v in SAID.items() if n != lacking})


def test_columns_have_names(tmp_path: Path) -> None:
    path = saved(preprocessing.MaxAbsScaler(), tmp_path / "s.skops")
    for columns, why in (((), "are not known"), (("a",), "has 1 names"), (("a", "b", "a"), "there twice: a")):
        with pytest.raises(UsageError, match=why):
            normcli.import_parameters(path, "sklearn", columns=columns)


def test_other_classes_are_named(tmp_path: Path) -> None:
    path = saved(preprocessing.QuantileTransformer(n_quantiles=5), tmp_path / "s.skops")
    with pytest.raises(BadDataError, match=r"QuantileTransformer is not read .known are StandardScaler"):
        normcli.import_parameters(path, "sklearn")
