"""Estimators of scikit-learn: which, with what they would have learned themselves, and plans of several."""

import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import normcli
from normcli import registry
from normcli.blocks.block import Block
from normcli.columns import Field
from normcli.errors import NoFormulaError, NotInvertibleError, UsageError
from normcli.exports._estimators import estimator
from normcli.exports._skops import canonical
from normcli.methods.fill import Fill
from normcli.methods.zscore import ZScore
from normcli.parameters import Parameters, Step
from tests.conftest import examples
from tests.exports.engines import sklearn as engine
from tests.exports.test_export_contract import assert_near

preprocessing = pytest.importorskip("sklearn.preprocessing")
decomposition = pytest.importorskip("sklearn.decomposition")
impute = pytest.importorskip("sklearn.impute")
skops = pytest.importorskip("skops.io")
pytestmark = pytest.mark.filterwarnings("ignore:X does not have valid feature names")
NAMES = ("a", "b", "c")
X = np.abs(np.random.default_rng(1).normal(0.0, [1.0, 5.0, 40.0], (500, 3)))

LIKE: dict[str, tuple[dict[str, Any], Any]] = {
    "zscore": ({}, preprocessing.StandardScaler()),
    "minmax": ({"range": (-1.0, 2.0), "clip": True}, preprocessing.MinMaxScaler(feature_range=(-1, 2), clip=True)),
    "maxabs": ({}, preprocessing.MaxAbsScaler()),
    "robust": ({"exact": False}, preprocessing.RobustScaler()),
    "unit": ({"norm": "l1"}, preprocessing.Normalizer("l1")),
    "quantile": ({"resolution": 50}, preprocessing.QuantileTransformer(n_quantiles=50, subsample=None)),
    "power": ({}, preprocessing.PowerTransformer()),
    "decorrelate": ({"components": 2}, decomposition.PCA(2)),
    "whiten": ({"kind": "pca", "ddof": 1}, decomposition.PCA(whiten=True)),
    "center": ({}, preprocessing.StandardScaler(with_std=False)),
    "fill": ({"with_": "median"}, impute.SimpleImputer(strategy="median")),
}
UNDONE: dict[str, dict[str, Any]] = {"whiten": {"kind": "pca"}, "quantile": {"distribution": "normal"}}
SEARCHED = {"power": 1e-4}  # scikit-learn's search of the likeliest power ends there


def fitted(method: str, **options: Any) -> Parameters:
    step = normcli.fit_blocks(registry.only("methods", method)(**options), [X], NAMES)
    return Parameters((step,), tuple(Field(n, "float64") for n in NAMES), len(X))


def load(content: bytes) -> Any:
    trusted = [name for name in skops.get_untrusted_types(data=content) if name in engine.TRUSTED]
    return skops.loads(content, trusted=trusted)


@pytest.mark.parametrize("method", LIKE)
def test_an_estimator_has_learned_what_scikit_learn_learns(method: str) -> None:
    options, own = LIKE[method]
    own.fit(X)
    model = load(normcli.export(fitted(method, **options), "sklearn"))
    assert type(model) is type(own)
    for name in sorted(n for n in vars(own) if n.endswith("_") and not n.startswith("__")):
        value, expected = getattr(model, name), getattr(own, name)
        if name == "components_":  # up to signs
            value, expected = np.abs(value), np.abs(expected)
        if expected is None:
            assert value is None
            continue
        np.testing.assert_allclose(value, expected, rtol=SEARCHED.get(method, 1e-9), atol=1e-9, err_msg=name)
    assert list(model.feature_names_in_) == list(NAMES)


@pytest.mark.parametrize("method", sorted({*LIKE, "asinh", "log1p"} - {"fill", "unit"}))
def test_an_estimator_undoes_what_it_does(method: str) -> None:
    parameters = fitted(method, **UNDONE.get(method, {}))
    model = load(normcli.export(parameters, "sklearn"))
    forth = model.transform(X)
    assert_near(np.asarray(forth), parameters.steps[0].fitted(Block.of(X)), 1e-6)
    np.testing.assert_allclose(model.inverse_transform(forth), X, rtol=1e-6, atol=1e-6)


GAPS = np.where(np.random.default_rng(2).random(X.shape) < 0.2, np.nan, X)


@pytest.mark.parametrize("empty", [False, True], ids=["", "no values"])
@pytest.mark.parametrize("with_", ["mean", "median", 0.0, -2.5, 7.0, 1e300])
def test_what_is_missing_is_filled_with_the_same_bits_and_comes_back(with_: Any, empty: bool, tmp_path: Path) -> None:
    """A column without values stays, as it is."""
    x = GAPS * np.array([1.0, 1.0, np.nan if empty else 1.0])
    step = normcli.fit_blocks(Fill(with_=with_), [x], NAMES)
    parameters = Parameters((step,), tuple(Field(n, "float64") for n in NAMES), len(X))
    content = normcli.export(parameters, "sklearn")
    expected = step.fitted(Block.of(GAPS))
    result = load(content).transform(GAPS)
    assert result.tobytes() == np.ascontiguousarray(expected).tobytes()
    (tmp_path / "fill.skops").write_bytes(content)
    back = normcli.import_parameters(tmp_path / "fill.skops", "sklearn").steps[0]
    assert (back.method, back.columns) == (step.method, step.columns)
    assert back.fitted(Block.of(GAPS)).tobytes() == expected.tobytes()


def test_a_number_that_is_whole_fills_matrices_of_integers_too() -> None:
    whole = np.arange(12).reshape(4, 3)
    model = load(normcli.export(fitted("fill", with_=3.0), "sklearn"))
    np.testing.assert_array_equal(model.transform(whole), whole)
    np.testing.assert_array_equal(model.transform(GAPS[:9].astype(np.float32)).dtype, np.float32)


def test_it_goes_on_learning() -> None:
    more = X[:100] * 2.0
    model = load(normcli.export(fitted("zscore"), "sklearn")).partial_fit(more)
    expected = preprocessing.StandardScaler().fit(np.concatenate([X, more]))
    np.testing.assert_allclose(model.mean_, expected.mean_, rtol=1e-12)
    np.testing.assert_allclose(model.scale_, expected.scale_, rtol=1e-12)


@pytest.mark.parametrize(("method", "options"), [("mean-range", {}), ("weight", {}), ("zscore", {"target_std": 2.0})])
def test_a_scaler_of_another_scale_begins_anew(method: str, options: dict[str, Any]) -> None:
    """What is no standard deviation is held by a StandardScaler without counts, and is not taken for one."""
    model = load(normcli.export(fitted(method, **options), "sklearn"))
    assert not hasattr(model, "n_samples_seen_")
    np.testing.assert_array_equal(model.var_, model.scale_**2)
    expected = preprocessing.StandardScaler().fit(X[:100])
    np.testing.assert_allclose(model.partial_fit(X[:100]).scale_, expected.scale_, rtol=1e-12)


def test_a_method_that_names_no_scaler_is_refused() -> None:
    class Shifted(ZScore, frozen=True, kw_only=True):
        scaler = None

    parameters = fitted("zscore")
    step = replace(parameters.steps[0], method=Shifted())
    with pytest.raises(NoFormulaError, match="scikit-learn has no estimator of it"):
        estimator(step)


def plan(*steps: tuple[str, dict[str, Any], tuple[str, ...]]) -> Parameters:
    """Steps, each fitted to what those before it give."""
    values, done = dict(zip(NAMES, X.T, strict=True)), list[Step]()
    for method, options, columns in steps:
        x = np.column_stack([values[n] for n in columns])
        step = normcli.fit_blocks(registry.only("methods", method)(**options), [x], columns)
        values |= dict(zip(step.results, step.fitted(Block.of(x)).T, strict=True))
        done.append(step)
    return Parameters(tuple(done), tuple(Field(n, "float64") for n in NAMES), len(X))


@pytest.mark.parametrize(
    "parameters",
    [
        plan(("asinh", {}, NAMES), ("zscore", {}, NAMES)),
        plan(("zscore", {}, ("c",)), ("minmax", {}, ("a", "b"))),
        plan(("log1p", {}, ("b",)), ("zscore", {}, ("a", "b")), ("maxabs", {}, ("c", "a"))),
        plan(("fill", {}, NAMES), ("zscore", {}, NAMES)),
        plan(("zscore", {}, ("c",)), ("fill", {"with_": 1.0}, ("c", "a"))),
        plan(("robust", {}, ("a", "c")), ("decorrelate", {"components": 1}, ("a", "c")), ("minmax", {}, ("pc1",))),
    ],
    ids=lambda parameters: "+".join(registry.name_of(step.method) for step in parameters.steps),
)
def test_a_plan_is_a_pipeline(parameters: Parameters) -> None:
    expected = dict(zip(NAMES, X.T, strict=True))
    for step in parameters.steps:
        block = Block.of(np.column_stack([expected.pop(n) for n in step.features]))
        expected |= dict(zip(step.results, step.fitted(block).T, strict=True))
    x = np.column_stack([X[:, NAMES.index(n)] for n in parameters.needs()])
    result = engine.run(normcli.export(parameters, "sklearn"), x, len(expected))
    assert_near(result, np.column_stack([expected[n] for n in parameters.lineage.gives]), 1e-9)


@pytest.mark.parametrize(
    ("method", "options", "why"),
    [
        ("whiten", {}, "its outputs are columns"),
        ("whiten", {"kind": "pca-cor"}, "not at right angles"),
        ("zscore", {"target_mean": 3.0}, "no place in scikit-learn.s scalers"),
        ("unit", {"norm": 3.0}, "the norms l1, l2 and max"),
        ("layer", {}, "scikit-learn has no estimator of it"),
        ("winsorize", {}, "scikit-learn has no estimator of it"),
    ],
)
def test_what_scikit_learn_has_no_estimator_of_is_refused(method: str, options: dict[str, Any], why: str) -> None:
    with pytest.raises(NoFormulaError, match=f"`to` sklearn: not of {method}.*{why}"):
        normcli.export(fitted(method, **options), "sklearn")


def test_the_same_estimator_undoes_it() -> None:
    with pytest.raises((NoFormulaError, NotInvertibleError), match="inverse_transform"):
        normcli.export(fitted("zscore"), "sklearn", inverse=True)


def test_the_bytes_do_not_depend_on_memory_addresses() -> None:
    content = normcli.export(fitted("quantile"), "sklearn")
    models = [load(content), load(content)]  # both in memory, so at different places
    written = [skops.dumps(model) for model in models]
    assert written[0] != written[1]
    assert canonical(written[0]) == canonical(written[1])
    assert normcli.export(fitted("quantile"), "sklearn") == content
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        assert {entry.date_time for entry in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        numbers = sorted(int(name.removesuffix(".npy")) for name in file.namelist() if name != "schema.json")
    assert numbers[-1] < 1000


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skops", None)
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(UsageError, match=r"pip install 'normcli\[sklearn\]'"):
        normcli.export(fitted("zscore"), "sklearn")


@settings(max_examples=examples(20))
@given(st.floats(-1e12, 1e12), st.floats(1e-3, 1e6))
def test_minmax_is_off_by_two_units_in_the_last_place_of_a_value_over_the_range(offset: float, size: float) -> None:
    x = offset + size * np.array([[0.0], [1.0], [2.5], [7.0]])
    step = normcli.fit_blocks("minmax", [x], ("a",))
    y = estimator(step).transform(x)
    unit = np.spacing(np.abs(x) / (x[-1] - x[0]))
    assert (np.abs(y - step.fitted(Block.of(x))) <= 2.0 * unit + np.spacing(1.0)).all()
