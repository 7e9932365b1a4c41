"""What other programs have learned, imported: the same results there and back, merged where rows were counted."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest

import normcli
from normcli import registry
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.errors import BadDataError, NoFormulaError, UsageError
from normcli.formats._arrays import safetensors_header as headers
from normcli.parameters import Parameters
from normcli.parameters.json_schema import schema
from tests.cli.conftest import Workspace
from tests.exports.test_sklearn import NAMES, fitted, plan

preprocessing = pytest.importorskip("sklearn.preprocessing")
pipeline = pytest.importorskip("sklearn.pipeline")
compose = pytest.importorskip("sklearn.compose")
impute = pytest.importorskip("sklearn.impute")
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


def saved(scaler: Any, path: Path, x: Array = X, *, named: bool = False) -> str:
    """The file of a scaler fitted to a matrix, or to a table whose columns are called a, b and c."""
    skops.dump(scaler.fit(pd.DataFrame(x, columns=list(NAMES)) if named else x), path)
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
     ("robust", {"unit_variance": True}), ("unit", {"norm": "l1"}), ("quantile", {}), ("power", {}), ("asinh", {}),
     ("quantile", {"distribution": "normal", "resolution": 20}), ("log1p", {}), ("decorrelate", {}), ("center", {}),
     ("decorrelate", {"components": 2}), ("whiten", {"kind": "pca"}), ("whiten", {"kind": "pca", "components": 1})],
)  # fmt: skip
def test_what_is_exported_comes_back(method: str, options: dict[str, Any], tmp_path: Path) -> None:
    original = fitted(method, **options)
    (tmp_path / "s.skops").write_bytes(normcli.export(original, "sklearn"))
    back = normcli.import_parameters(tmp_path / "s.skops", "sklearn")
    assert back.needs() == NAMES
    assert registry.name_of(back.steps[0].method) == ("zscore" if method == "center" else method)
    assert back.steps[0].results == original.steps[0].results
    x = np.abs(X)
    np.testing.assert_allclose(outcome(back, x), outcome(original, x), rtol=1e-9, atol=1e-11)
    assert back.is_invertible == original.is_invertible
    if back.is_invertible:
        y = outcome(original, x)
        given = outcome(original, y, inverse=True)
        np.testing.assert_allclose(outcome(back, y, inverse=True), given, rtol=1e-7, atol=1e-7)
    assert back.rows == (original.rows if method == "zscore" else 0)
    assert normcli.write(normcli.read(normcli.write(back))) == normcli.write(back)
    if method not in ("decorrelate", "whiten"):
        assert normcli.export(back, "sklearn")
        return
    with pytest.raises(NoFormulaError, match="how its components vary is not known"):
        normcli.export(back, "sklearn")


@pytest.mark.parametrize(
    "original",
    [
        plan(("zscore", {}, ("c",))),
        plan(("asinh", {}, NAMES), ("zscore", {}, NAMES)),
        plan(("zscore", {}, ("c",)), ("minmax", {}, ("a", "b"))),
        plan(("log1p", {}, ("c",)), ("zscore", {}, ("b",)), ("minmax", {}, NAMES)),
        plan(("log1p", {}, ("b",)), ("zscore", {}, ("a", "b")), ("maxabs", {}, ("c", "a"))),
        plan(("fill", {}, NAMES), ("zscore", {}, NAMES)),
        plan(("robust", {}, ("a", "c")), ("decorrelate", {"components": 1}, ("a", "c")), ("minmax", {}, ("pc1",))),
    ],
    ids=lambda parameters: "+".join(registry.name_of(step.method) for step in parameters.steps),
)
def test_a_plan_that_is_exported_comes_back(original: Parameters, tmp_path: Path) -> None:
    """Column by column, as names say; those that no step changes are beside them."""
    (tmp_path / "s.skops").write_bytes(normcli.export(original, "sklearn"))
    back = normcli.import_parameters(tmp_path / "s.skops", "sklearn")
    assert [registry.name_of(step.method) for step in back.steps] == [
        registry.name_of(step.method) for step in original.steps
    ]
    expected, given = (columns_of(parameters, np.abs(X)) for parameters in (original, back))
    assert given.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(given[name], values, rtol=1e-9, atol=1e-9)
    if any(len(step.columns) == len(NAMES) for step in original.steps):
        assert [f.name for f in back.schema] == list(NAMES)
    assert normcli.write(normcli.read(normcli.write(back))) == normcli.write(back)


def columns_of(parameters: Parameters, x: Array) -> dict[str, Array]:
    """The columns of a matrix after all steps, by name."""
    columns = dict(zip(NAMES, x.T, strict=True))
    for step in parameters.steps:
        block = Block.of(np.column_stack([columns.pop(name) for name in step.features]))
        columns |= dict(zip(step.results, step.fitted(block).T, strict=True))
    return columns


def matrix(rows: int = 200) -> Any:
    """With values missing in each column."""
    x = X[:rows].copy()
    x[::7, 0], x[3, 1], x[::11, 2] = np.nan, np.nan, np.nan
    return x


STANDARD = preprocessing.StandardScaler()
MISSING = [
    impute.SimpleImputer(), impute.SimpleImputer(strategy="median"),
    impute.SimpleImputer(strategy="constant", fill_value=-2.0),
    pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler()),
    pipeline.make_pipeline(pipeline.make_pipeline("passthrough", STANDARD), preprocessing.MinMaxScaler()),
    preprocessing.PowerTransformer(), preprocessing.PowerTransformer(standardize=False),
    preprocessing.QuantileTransformer(n_quantiles=20, output_distribution="normal"),
    compose.ColumnTransformer([("s", preprocessing.StandardScaler(), ["c", "a"])], remainder="passthrough"),
    compose.ColumnTransformer([("s", STANDARD, [0]), ("m", preprocessing.MaxAbsScaler(), slice(1, 3))]),
    compose.ColumnTransformer([("drop", "drop", ["b"])], remainder=pipeline.make_pipeline(impute.SimpleImputer())),
]  # fmt: skip


@pytest.mark.parametrize("model", MISSING, ids=str)
def test_estimators_of_several_steps_compute_the_same(model: Any, tmp_path: Path) -> None:
    path = saved(model.set_output(transform="pandas"), tmp_path / "s.skops", matrix(), named=True)
    parameters = normcli.import_parameters(path, "sklearn")
    new = matrix(100) * 1.5
    table = model.transform(pd.DataFrame(new, columns=list(NAMES)))
    given = columns_of(parameters, new)
    for name in table:
        np.testing.assert_allclose(given[name.split("__")[-1]], table[name], rtol=1e-10, atol=1e-12)
    assert normcli.write(normcli.read(normcli.write(parameters))) == normcli.write(parameters)


@pytest.mark.parametrize("strategy", ["mean", "median", "constant"])
@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
def test_an_imputer_of_a_column_without_values_is_read_where_it_keeps_the_column(strategy: str, tmp_path: Path) -> None:
    x = matrix()
    x[:, 1] = np.nan
    model = impute.SimpleImputer(strategy=strategy, keep_empty_features=True)
    parameters = normcli.import_parameters(saved(model, tmp_path / "s.skops", x), "sklearn", columns=NAMES)
    np.testing.assert_array_equal(outcome(parameters, matrix()), model.transform(matrix()))
    model = impute.SimpleImputer(strategy=strategy).fit(x)
    if model.transform(x).shape == x.shape:
        return  # of constant in older ones
    with pytest.raises(BadDataError, match="SimpleImputer leaves out columns without values"):
        normcli.import_parameters(saved(model, tmp_path / "s.skops", x), "sklearn", columns=NAMES)


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (preprocessing.Binarizer(), r"Binarizer is not read \(known are StandardScaler, .* save these alone\)"),
        (preprocessing.PowerTransformer(method="box-cox"), "box-cox is not read .one of yeo-johnson is"),
        (preprocessing.FunctionTransformer(np.sqrt), "only numpy.arcsinh and numpy.log1p are read"),
        (preprocessing.FunctionTransformer(), "nothing in it changes any column"),
        (impute.SimpleImputer(strategy="most_frequent"), "one number for all columns is read"),
        (impute.SimpleImputer(add_indicator=True), "no indicator is added"),
        (compose.ColumnTransformer([("a", preprocessing.StandardScaler(), [0, 1]), ("b", "passthrough", [1])]),
         "'b' shares columns"),
        (pipeline.make_pipeline(preprocessing.StandardScaler(), preprocessing.Binarizer()), "Binarizer is not read"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_read_is_refused_with_what_to_do(model: Any, why: str, tmp_path: Path) -> None:
    with pytest.raises(BadDataError, match=why):
        normcli.import_parameters(saved(model, tmp_path / "s.skops", np.abs(X), named=True), "sklearn")


def test_counts_that_are_sums_of_weights_are_no_rows(tmp_path: Path) -> None:
    """They are read without statistics: what such a scaler does is known."""
    scaler = preprocessing.StandardScaler().fit(X, sample_weight=np.linspace(0.1, 1.7, len(X)))
    skops.dump(scaler, tmp_path / "s.skops")
    parameters = normcli.import_parameters(tmp_path / "s.skops", "sklearn", columns=NAMES)
    np.testing.assert_allclose(outcome(parameters, X), scaler.transform(X), rtol=1e-12, atol=1e-12)
    assert (parameters.rows, parameters.steps[0].states) == (0, ())
    assert parameters.steps[0].external


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
def test_what_was_missing_is_unknown_and_stays_so(share: float, tmp_path: Path) -> None:
    """A StandardScaler counts the values that are there, and one count where they are equal: none of the rows."""
    x = X.copy()
    x[: int(share * len(x)), 1] = np.nan
    path = saved(preprocessing.StandardScaler(), tmp_path / "s.skops", x, named=True)
    data = pd.DataFrame(x, columns=list(NAMES))
    alone, own = normcli.import_parameters(path, "sklearn"), normcli.fit(data, "zscore")
    (tmp_path / "more.json").write_bytes(normcli.write(alone))
    (tmp_path / "own.json").write_bytes(normcli.write(own))
    more = normcli.fit(data, "zscore", params=tmp_path / "more.json", update=True)
    for parameters in (alone, more, normcli.merge([alone, own]), normcli.merge([own, alone])):
        document = json.loads(normcli.write(parameters))
        assert [of["missing"] for of in document["steps"][0]["columns"].values()] == [None] * 3
        for new in (data, tmp_path / "own.json"):
            checked = normcli.check(parameters, new)
            assert not checked.drift
            assert np.isnan(checked.steps[0].apart["missing_change"]).all()
    entry = schema()["properties"]["steps"]["items"]["oneOf"]
    (of_zscore,) = (step for step in entry if step["properties"]["method"]["const"] == "zscore")
    jsonschema.Draft202012Validator(of_zscore).validate(json.loads(normcli.write(alone))["steps"][0])
    assert own.steps[0].summary()["missing"].tolist() == [0.0, share * len(x), 0.0]


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
    table = workspace.succeeds("inspect", "z.json").out.decode().splitlines()
    assert next(line for line in table if line.startswith("b ")).split()[2:4] == ["200", "-"]
    why = "it was imported, or taken from another fit, without counts of rows, and can't learn more"
    refusal = workspace.fails(2, "fit", "--update", "-p", "m.json", "d.csv")
    assert f"{why}, so there is nothing to update (without --update it is fitted anew)" in refusal
    assert why in workspace.fails(65, "merge", "m.json", "m.json", "-o", "n.json")
    workspace.succeeds("fit", "d.csv", "-m", "minmax", "-p", "own.json")
    assert "without counts" in workspace.fails(65, "merge", "own.json", "m.json", "-o", "n.json")
    assert "has kept moments" in workspace.fails(2, "fit", "--relearn", "z.json", "-m", "minmax", "-p", "n.json")


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


@pytest.mark.parametrize("kind", ["F16", "BF16", "F64"])
def test_other_widths_of_numbers_are_read_exactly(kind: str, tmp_path: Path) -> None:
    mean, variance = np.float32([1.5, -2.0]), np.float32([4.0, 0.25])  # as all of these have them
    path = tmp_path / "bn.safetensors"
    if kind == "BF16":
        upper = [(values.view("<u4") >> 16).astype("<u2") for values in (mean, variance)]
        of = [headers.Tensor(n, "BF16", (2,), 4 * i) for i, n in enumerate(("running_mean", "running_var"))]
        path.write_bytes(headers.written(of, {}) + b"".join(values.tobytes() for values in upper))
    else:
        width = {"F16": np.float16, "F64": np.float64}[kind]
        tensors(path, {"running_mean": width(mean), "running_var": width(variance)})
    parameters = normcli.import_parameters(path, "torch", eps=0.0, momentum=0.1, columns=["a", "b"])
    assert outcome(parameters, np.array([[3.5, -1.0]])).tolist() == [[1.0, 2.0]]


def test_what_torch_save_writes_is_not_read(tmp_path: Path) -> None:
    for begun in (b"PK\3\4\0\0\0\0", b"\x80\2\x8a\x0a\0\0\0\0"):
        (tmp_path / "bn.pt").write_bytes(begun + bytes(100))
        with pytest.raises(BadDataError, match=r"written by torch.save.*safetensors.torch.save_file"):
            normcli.import_parameters(tmp_path / "bn.pt", "torch", **SAID)


def test_the_average_of_all_batches_has_no_momentum(workspace: Workspace, tmp_path: Path) -> None:
    path = tensors(tmp_path / "bn.safetensors", STATE)
    words = ("import", path, "--from", "torch", "--eps", "1e-5", "--columns", "a,b", "-o", str(tmp_path / "p.json"))
    workspace.succeeds(*words, "--momentum", "none")
    options = json.loads((tmp_path / "p.json").read_text())["steps"][0]["options"]
    assert (options["momentum"], options["start"]) == (None, None)
    assert "--momentum" in workspace.fails(2, *words, "--momentum", "0")


def test_eps_and_momentum_must_be_said(tmp_path: Path) -> None:
    path = tensors(tmp_path / "bn.safetensors", STATE)
    for lacking in ("eps", "momentum"):
        with pytest.raises(UsageError, match=f"`{lacking}` is missing"):
            normcli.import_parameters(path, "torch", **{n: v for n, v in SAID.items() if n != lacking})


def test_names_are_those_of_a_line_of_csv(workspace: Workspace, tmp_path: Path) -> None:
    """Also of columns whose names hold commas; the option may be repeated."""
    path = saved(preprocessing.MaxAbsScaler(), tmp_path / "s.skops")
    words = ("import", path, "--from", "sklearn", "-o", str(tmp_path / "p.json"), "--columns")
    workspace.succeeds(*words, '"price, EUR",tax', "--columns", "c")
    assert normcli.load(tmp_path / "p.json").needs() == ("price, EUR", "tax", "c")
    assert "is no line of CSV" in workspace.fails(2, *words, '"a,b,c')


def test_columns_have_names(tmp_path: Path) -> None:
    path = saved(preprocessing.MaxAbsScaler(), tmp_path / "s.skops")
    for columns, why in (((), "are not known"), (("a",), "has 1 names"), (("a", "b", "a"), "there twice: a")):
        with pytest.raises(UsageError, match=why):
            normcli.import_parameters(path, "sklearn", columns=columns)


def test_a_limit_of_what_is_not_known_is_a_warning_that_names_column_and_measure(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the command line and in a file, of all columns and of one; limits by default, and those off, are none."""
    monkeypatch.chdir(tmp_path)
    pd.DataFrame(X, columns=list(NAMES)).to_csv("x.csv", index=False)
    path = saved(preprocessing.StandardScaler(), tmp_path / "s.skops", named=True)
    workspace.succeeds("import", path, "--from", "sklearn", "-o", "p.json")
    check = ("check", "x.csv", "-p", "p.json")
    Path("limits.toml").write_text("max_shift = 1\n[columns.b]\nmax_outside = 0.1\n")
    for given, what in (
        (("--max-missing", "0.1"), "missing is not compared in a, b, c"),
        (("--max-missing", "0.1", "--max-missing", "c=inf"), "missing is not compared in a, b:"),
        (("--max-psi", "b=0.1"), "psi is not compared in b:"),
        (("--limits", "limits.toml"), "outside is not compared in b:"),
    ):
        assert workspace.succeeds(*check, *given).err.count(f"normcli: warning: {what}") == 1
        workspace.fails(65, *check, *given, "--werror")
    for fine in ((), ("--max-shift", "1", "--max-scale-ratio", "3"), ("--max-missing", "inf")):
        assert "idle" not in workspace.succeeds(*check, *fine, "--werror").err


def test_limits_of_what_a_fit_knows_are_none(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of columns that are constant, without a value, or mostly of one value."""
    monkeypatch.chdir(tmp_path)
    nothing = np.full(len(X), np.nan)
    odd = pd.DataFrame({"a": X[:, 0], "flat": 1.0, "none": nothing, "most": np.arange(len(X)) // 195})
    odd.to_csv("x.csv", index=False)
    odd.assign(a=nothing).to_csv("y.csv", index=False)
    every = [f"--max-{name}=1" for name in ("shift", "outside", "missing", "ks", "wasserstein", "psi", "scale-ratio")]
    workspace.succeeds("fit", "x.csv", "-m", "zscore", "-p", "p.json", "-q")
    for name in ("x.csv", "y.csv"):
        assert "not compared" not in workspace.run("check", name, "-p", "p.json", *every).err
