"""Models of Spark, imported. Those in spark/ were saved by pyspark 4.3.0, whose results are in results.json."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import normcli
from normcli.errors import BadDataError, UsageError
from normcli.imports import _parquet_bounds
from tests.cli.conftest import Workspace
from tests.exports.test_sklearn import NAMES
from tests.imports.spark_models import spark
from tests.imports.test_imports import X, outcome

SAVED = Path(__file__).parent / "spark"
RESULTS = {name: np.array(rows) for name, rows in json.loads((SAVED / "results.json").read_text()).items()}
PLAIN, CONSTANT = RESULTS.pop("input"), RESULTS.pop("input with constants in c and d")
COLUMNS = ["a", "b", "c", "d"]
FLAT = {"c_std": 0.0, "c_mm": 0.5, "c_rob": 0.0}
FITTED = 7.25  # the one value that c had


@pytest.mark.parametrize("name", RESULTS)
def test_what_spark_saved_computes_what_spark_computed(name: str) -> None:
    columns = None if name == "pipe_va" else COLUMNS
    parameters = normcli.import_parameters(SAVED / name, "spark", columns=columns)
    assert list(parameters.needs()) == COLUMNS
    given = CONSTANT if name.startswith("c_") else PLAIN
    np.testing.assert_allclose(outcome(parameters, given), RESULTS[name], rtol=1e-12, atol=1e-290)
    if parameters.is_invertible and name not in FLAT:
        np.testing.assert_allclose(outcome(parameters, RESULTS[name], inverse=True), given, rtol=1e-12)
    assert normcli.write(normcli.read(normcli.write(parameters))) == normcli.write(parameters)


@pytest.mark.parametrize("name", FLAT)
def test_constants_become_what_spark_makes_of_them_and_it_is_said(
    name: str, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of values that were not those of the fit; undone, the constant comes back."""
    monkeypatch.chdir(tmp_path)
    Path("x.csv").write_text(f"a,b,c,d\n5,1e6,{FITTED},0\n5,1e6,-1234.5,1e9\n")
    words = ("import", str(SAVED / name), "--from", "spark", "--columns", "a,b,c,d", "-o", "p.json")
    what = f"c, d: constant where it was fitted, so that any value becomes {FLAT[name]:g}, as it does there"
    said = workspace.succeeds(*words).err
    assert f"normcli: warning: {what}" in said
    workspace.succeeds("apply", "x.csv", "-p", "p.json", "-o", "y.csv")
    y = np.loadtxt("y.csv", delimiter=",", skiprows=1)
    if FLAT[name] == 0.0:
        assert f"{what}, up to 1e-301 of its distance" in said
        assert (np.abs(y[1, 2:]) <= 1e-301 * np.array([FITTED + 1234.5, 1e9])).all()
    np.testing.assert_allclose(y[:, 2:], FLAT[name], rtol=0, atol=1e-290)
    assert (y[0, 2:] == FLAT[name]).all()
    workspace.succeeds("apply", "y.csv", "-p", "p.json", "--inverse", "-o", "back.csv")
    assert np.loadtxt("back.csv", delimiter=",", skiprows=1)[0, 2:].tolist() == [FITTED, 0.0]


def test_nothing_is_written_into_the_directory_of_a_model(workspace: Workspace) -> None:
    """Neither over a file that is read nor beside it, where a second part would be one too many."""
    model = workspace.path / "m"
    shutil.copytree(SAVED / "mm_r", model)
    (workspace.path / "link").symlink_to(model)
    (part,) = (model / "data").glob("part-*.parquet")
    words = ("import", "m", "--from", "spark", "--columns", "a,b,c,d")
    inside = (f"m/data/{part.name}", f"link/data/{part.name}", "m/p.json", "m/metadata/part-00001")
    for path in inside:
        assert f"-o {path} is in the FILE" in workspace.fails(2, *words, "-o", path)
    report = ("--run-report", "m/r.json")
    assert f"{' '.join(report)} is in the FILE" in workspace.fails(2, *words, "-o", "p.json", *report)
    workspace.succeeds(*words, "-o", "m.json")


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


def test_the_names_of_a_pipeline_are_those_of_its_assembler(tmp_path: Path) -> None:
    assert normcli.import_parameters(SAVED / "pipe_va", "spark").needs() == tuple(COLUMNS)
    assert normcli.import_parameters(SAVED / "pipe_va", "spark", columns=list("wxyz")).needs() == tuple("wxyz")
    path = copied("pipe_va", tmp_path)  # of one vector of four elements
    changed(path / "stages" / "0_VectorAssembler_bf014e858d06", '["a","b","c","d"]', '["v"]')
    with pytest.raises(UsageError, match="names of its 4 columns are not known"):
        normcli.import_parameters(path, "spark")


def copied(name: str, into: Path) -> Path:
    return Path(shutil.copytree(SAVED / name, into / name))


def changed(path: Path, old: str, new: str) -> None:
    (file,) = (path / "metadata").iterdir()
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_scalers_in_a_pipeline_follow_each_other(tmp_path: Path) -> None:
    path, uids = copied("pipe_va", tmp_path), '"StandardScaler_32ef8eeab6c7"'
    changed(path, uids, f'{uids},"M","N"')
    for stage, name in (("2_M", "mm_r"), ("3_N", "norm1")):
        shutil.copytree(SAVED / name, path / "stages" / stage)
        changed(path / "stages" / stage, '"inputCol":"features"', '"inputCol":"o"')
    parameters = normcli.import_parameters(path, "spark")
    expected = PLAIN
    for name in ("pipe_va", "mm_r", "norm1"):
        expected = outcome(normcli.import_parameters(SAVED / name, "spark", columns=COLUMNS), expected)
    assert parameters.note == "StandardScalerModel → MinMaxScalerModel → Normalizer of Spark 4.3.0"
    np.testing.assert_allclose(outcome(parameters, PLAIN), expected, rtol=1e-14)
    changed(path / "stages" / "2_M", '"inputCol":"o"', '"inputCol":"features"')
    with pytest.raises(BadDataError, match=r"stage 2, MinMaxScalerModel, takes column 'features'.*2_M can be imported"):
        normcli.import_parameters(path, "spark")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("est_unfitted", r"StandardScaler is not fitted \(save the model that its fit returns\)"),
        ("imputer", r"feature.ImputerModel is not read \(known are StandardScalerModel"),
    ],
)
def test_what_is_not_read_is_named(name: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(BadDataError, match=why):
        normcli.import_parameters(SAVED / name, "spark", columns=COLUMNS)
    path = copied("pipe_va", tmp_path)
    shutil.rmtree(path / "stages" / "0_VectorAssembler_bf014e858d06")
    shutil.copytree(SAVED / name, path / "stages" / "0_VectorAssembler_bf014e858d06")
    with pytest.raises(BadDataError, match=rf"stage 0, {why[:14]}.*1_StandardScaler_32ef8eeab6c7 can be imported"):
        normcli.import_parameters(path, "spark")


WRONG = {
    "an index below zero": {"type": 0, "size": 3, "indices": [-1], "values": [4.0]},
    "an index beyond the size": {"type": 0, "size": 3, "indices": [3], "values": [4.0]},
    "an index twice": {"type": 0, "size": 3, "indices": [1, 1], "values": [4.0, 5.0]},
    "falling indices": {"type": 0, "size": 3, "indices": [2, 1], "values": [4.0, 5.0]},
    "fewer values than indices": {"type": 0, "size": 3, "indices": [0, 1], "values": [4.0]},
    "a type that is none": {"type": 7, "size": 3, "indices": [0], "values": [4.0]},
    "no size": {"type": 0, "size": None, "indices": [0], "values": [4.0]},
    "a size beyond all": {"type": 0, "size": 1 << 30, "indices": [0], "values": [4.0]},
    "no values": {"type": 1, "size": None, "indices": None, "values": None},
    "a null in values": {"type": 1, "size": None, "indices": None, "values": [1.0, None, 2.0]},
    "NaN": {"type": 1, "size": None, "indices": None, "values": [1.0, float("nan"), 2.0]},
}


@pytest.mark.parametrize("what", WRONG)
def test_vectors_that_are_none_are_refused(what: str, tmp_path: Path) -> None:
    path = spark(tmp_path / "m", "MaxAbsScalerModel", {}, {"maxAbs": WRONG[what]})
    with pytest.raises(BadDataError, match=r"maxAbs is (no vector of Spark|not finite numbers)"):
        normcli.import_parameters(path, "spark", columns=NAMES)


@pytest.mark.parametrize("compression", ["snappy", "zstd", "none"])
@pytest.mark.parametrize("dictionary", [True, False])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_sizes_and_counts_of_pages_are_those_that_pyarrow_wrote(
    compression: str, dictionary: bool, version: str
) -> None:
    count, out = 1000, io.BytesIO()
    values = pa.array([np.arange(count) % 500.0 if dictionary else np.arange(count) * 1.0], pa.list_(pa.float64()))
    options = {"use_dictionary": dictionary, "data_page_version": version, "compression": compression}
    pq.write_table(pa.table({"v": values}), out, **options)
    data = out.getvalue()
    footer = int.from_bytes(data[-8:-4], "little")
    least = 8 * (500 if dictionary else count)
    _parquet_bounds.check(data, footer, values=count, size=least + 4000)
    with pytest.raises(BadDataError, match="more bytes"):
        _parquet_bounds.check(data, footer, values=count, size=least - 1)
    with pytest.raises(BadDataError, match="have 1,000 values"):
        _parquet_bounds.check(data, footer, values=count - 1, size=least + 4000)
