"""The estimator: by scikit-learn's conventions, in its pipelines, with the numbers of its scalers and our files."""

import inspect
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler
from sklearn.preprocessing import Normalizer as RowNormalizer
from sklearn.utils import estimator_html_repr
from sklearn.utils.estimator_checks import check_estimator

import normcli
from normcli import Normalizer, NormcliError, PlanStep, UsageError, registry
from normcli.methods.asinh import Asinh
from normcli.methods.fill import Fill
from normcli.methods.zscore import ZScore
from tests.cli.conftest import run
from tests.conftest import longer

SCALERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "zscore": (StandardScaler(), {}),
    "minmax": (MinMaxScaler((-1, 1)), {"range": (-1, 1)}),
    "maxabs": (MaxAbsScaler(), {}),
    "robust": (RobustScaler(), {"exact": True}),
    "unit": (RowNormalizer(), {}),
    "center": (StandardScaler(with_std=False), {}),
}

# Checks of scikit-learn that can't hold, and why.
OF_WEIGHTS = ["pandas_series", "not_an_array", "list", "shape", "not_overwritten"]
NO_WEIGHTS = dict.fromkeys(
    ["check_sample_weight_equivalence_on_dense_data", *(f"check_sample_weights_{what}" for what in OF_WEIGHTS)], ""
)
BATCHES = dict.fromkeys(NO_WEIGHTS, "rows of a batch follow each other: a weight would move those after it")
EXACT = dict.fromkeys(NO_WEIGHTS, "exact quantiles are of rows, not of how often they count")
NOT_ABOVE = dict.fromkeys(
    ["check_transformer_data_not_an_array", "check_transformer_general", "check_transformer_preserve_dtypes"],
    "log1p has no values at and below -1, and the tag positive_only would deny those between -1 and 0",
)
SEARCH = {
    "check_sample_weight_equivalence_on_dense_data": "λ is searched for up to 1e-8, and the check wants 1e-7 of y"
}
RANK = {"check_sample_weight_equivalence_on_dense_data": "27 rows of 30 columns have no full rank: rank='auto' passes"}
CASES: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("zscore", {}, {}), ("batch", {}, BATCHES), ("decorrelate", {"components": 2}, {}), ("unit", {}, {}),
    ("asinh", {}, {}), ("center", {}, {}), ("maxabs", {}, {}), ("mean-range", {}, {}), ("minmax", {}, {}),
    ("batch-instance", {"channels": 1}, BATCHES), ("batch-renorm", {}, BATCHES), ("layer", {}, {}), ("rms", {}, {}),
    ("switchable", {"channels": 1}, BATCHES), ("group", {"groups": 1}, {}), ("instance", {"channels": 1}, {}),
    ("log1p", {}, NOT_ABOVE), ("power", {}, SEARCH), ("quantile", {}, {}), ("spectral", {}, {}), ("weight", {}, {}),
    ("clip", {"low": -1.0, "high": 1.0}, {}), ("winsorize", {}, {}), ("fill", {}, {}),
    ("robust", {}, {}), ("robust", {"exact": True}, EXACT), ("whiten", {}, RANK), ("whiten", {"rank": "auto"}, {}),
]  # fmt: skip
QUICK = 2  # of them


def case_id(case: Any) -> str:
    return f"{case[0]}-{'-'.join(case[1])}" if case[1] else str(case[0])


# -- conventions -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", [*CASES[:QUICK], *longer(*CASES[QUICK:])], ids=case_id)
def test_scikit_learn_checks_it(case: tuple[str, dict[str, Any], dict[str, str]]) -> None:
    """But for what can't hold: which fails, indeed."""
    method, options, expected = case
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(Normalizer(method, **options), expected_failed_checks=expected, on_skip=None)
    assert len(results) > 50
    assert {r["check_name"] for r in results if r["status"] == "xfail"} == set(expected)


def test_every_method_is_checked_in_the_longest_tests() -> None:
    assert {method for method, *_ in CASES} == set(registry.names("methods"))


def test_every_option_of_a_method_is_a_parameter() -> None:
    parameters = inspect.signature(Normalizer).parameters
    options = {name for n in registry.names("methods") for name in registry.only("methods", n).__struct_fields__}  # type: ignore[attr-defined]
    assert set(parameters) == {"method", *options}
    assert all(p.default is None and p.kind is p.KEYWORD_ONLY for name, p in parameters.items() if name != "method")
    assert set(Normalizer().get_params()) == set(parameters)
    assert "ddof=None" in str(inspect.signature(Normalizer))


def test_scikit_learn_and_pandas_are_not_imported_for_it() -> None:
    code = (
        "import sys, numpy as np, normcli; e = normcli.Normalizer('zscore').fit(np.eye(3)); e.transform(np.eye(3));"
        "e.partial_fit(np.eye(3)); e.get_feature_names_out(); e.get_params(); repr(e);"
        "print(sorted({'sklearn', 'pandas', 'polars', 'click'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"


def test_options_are_checked_by_fit() -> None:
    x = np.random.default_rng(0).normal(size=(9, 2))
    estimator = Normalizer("minmax", ddof=1)
    assert estimator.set_params(range=(0, 2)) is estimator
    with pytest.raises(ValueError, match="ddof: the method has no such option; it is of") as caught:
        estimator.fit(x)
    assert isinstance(caught.value, UsageError)
    for wrong in (
        Normalizer("nosuch"),
        Normalizer("zscore", ddof=-1),
        Normalizer([normcli.PlanStep(ZScore())], ddof=1),
    ):
        with pytest.raises(ValueError, match=r"nosuch|ddof") as caught:
            wrong.fit(x)
        assert isinstance(caught.value, NormcliError)
    with pytest.raises(ValueError, match="Invalid parameter 'nosuch'"):
        estimator.set_params(nosuch=1)
    with pytest.raises(TypeError, match="nosuch"):
        Normalizer("zscore", nosuch=1)
    for method in (None, 5, ["zscore"], [normcli.PlanStep("zscore")], [normcli.PlanStep(ZScore)]):  # type: ignore[arg-type]
        wrong = Normalizer(method)  # type: ignore[arg-type]
        assert hasattr(wrong, "partial_fit")
        for fit in (wrong.fit, wrong.partial_fit):
            with pytest.raises(ValueError, match=r"method: .* (neither|no)") as caught:
                fit(x)
            assert isinstance(caught.value, UsageError)
    for method in (ZScore, ZScore(ddof=1)):
        assert repr(Normalizer(method, ddof=1).fit(x).parameters_.steps[0].method) == repr(ZScore(ddof=1))


def test_errors_are_pickled_as_what_they_are() -> None:
    """joblib's processes send them."""
    with pytest.raises(ValueError, match="infinite") as caught:
        Normalizer("zscore").fit([[1.0], [np.inf]])
    error = pickle.loads(pickle.dumps(caught.value))
    assert type(error) is type(caught.value)
    assert str(error) == str(caught.value)
    assert isinstance(error, normcli.BadDataError)


def test_it_is_fitted_before_it_is_used() -> None:
    for call in ("transform", "inverse_transform"):
        with pytest.raises(NotFittedError) as caught:
            getattr(Normalizer(), call)([[1.0]])
        assert isinstance(caught.value, NormcliError)
    with pytest.raises(NotFittedError):
        Normalizer().get_feature_names_out()


def test_features_keep_their_names_and_their_order() -> None:
    x = pd.DataFrame(np.random.default_rng(0).normal(size=(9, 3)), columns=["a", "b", "c"])
    estimator = Normalizer("zscore").fit(x)
    assert estimator.n_features_in_ == 3
    assert estimator.feature_names_in_.tolist() == estimator.get_feature_names_out().tolist() == ["a", "b", "c"]
    theirs = StandardScaler().fit(x)

    def message(scaler: Any, data: Any) -> str:
        with warnings.catch_warnings(action="ignore"), pytest.raises(ValueError, match=r".") as caught:
            scaler.transform(data)
        return str(caught.value).replace("StandardScaler", "Normalizer")

    for wrong in (x[["b", "a", "c"]], x[["a", "b"]], x.rename(columns={"a": "z"}), x.to_numpy()[:, :2]):
        assert message(estimator, wrong) == message(theirs, wrong)
    with pytest.warns(UserWarning, match="X does not have valid feature names, but Normalizer was"):
        np.testing.assert_array_equal(estimator.transform(x.to_numpy()), estimator.transform(x))
    unnamed = Normalizer("zscore").fit(x.to_numpy())
    assert not hasattr(unnamed, "feature_names_in_")
    assert unnamed.get_feature_names_out(["u", "v", "w"]).tolist() == ["u", "v", "w"]
    with pytest.warns(UserWarning, match="X has feature names, but Normalizer was fitted without"):
        unnamed.transform(x)
    with pytest.raises(TypeError, match="all input features have string names"):
        Normalizer().fit(x.rename(columns={"a": 1}))
    assert not hasattr(estimator.fit(x.to_numpy()), "feature_names_in_")


@pytest.mark.parametrize(
    "kind", [pd.DataFrame, pl.DataFrame, pa.table, lambda data: pd.DataFrame(data).convert_dtypes()]
)
def test_tables_of_every_library_are_features(kind: Any) -> None:
    rng = np.random.default_rng(2)
    data = {"a": rng.normal(size=50), "b": rng.integers(0, 9, 50), "c": rng.normal(size=50).astype("f4")}
    expected = StandardScaler().fit_transform(np.column_stack(list(data.values())))
    estimator = Normalizer("zscore").fit(kind(data))
    assert estimator.get_feature_names_out().tolist() == ["a", "b", "c"]
    result = estimator.transform(kind(data))
    assert isinstance(result, np.ndarray)
    np.testing.assert_allclose(result, expected, atol=1e-6)
    np.testing.assert_allclose(estimator.inverse_transform(result), np.column_stack(list(data.values())), atol=1e-6)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (pd.DataFrame({"a": ["u", "v"]}), "could not convert column 'a' to float: it is .*ColumnTransformer"),
        (np.array([["u"], ["v"]]), "could not convert string to float"),
        (np.array([[1j], [2j]]), "Complex data not supported"),
        (np.ma.masked_less([[1.0], [2.0]], 2), "Masked arrays are not supported"),
        (np.zeros((2, 0)), "0 feature"),
        (np.zeros((0, 2)), "0 sample"),
        ([1.0, 2.0], "Expected 2D array, got 1D array"),
        (np.zeros((2, 2, 2)), "dim 3"),
    ],
)
def test_what_is_no_matrix_of_numbers_is_refused(x: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Normalizer("zscore").fit(x)


def test_sparse_data_are_refused() -> None:
    with pytest.raises(TypeError, match=r"Sparse data .* dense data is required"):
        Normalizer("zscore").fit(sparse.csr_matrix(np.eye(3)))


# -- numbers -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["zscore", *longer("robust", "minmax", "maxabs", "unit", "center")])
def test_cross_validation_on_real_data_is_that_of_scikit_learns_scaler(method: str) -> None:
    x, y = load_breast_cancer(return_X_y=True)
    theirs, options = SCALERS[method]
    ours = Normalizer(method, **options)
    expected = theirs.fit(x[:400])
    result = clone(ours).fit(x[:400])
    for part in (x[:400], x[400:]):
        np.testing.assert_allclose(result.transform(part), expected.transform(part), rtol=1e-12, atol=1e-12)
    if method != "unit":
        np.testing.assert_allclose(result.inverse_transform(result.transform(x)), x, rtol=1e-12, atol=1e-9)
    scores = [cross_val_score(make_pipeline(s, Ridge(solver="svd")), x, y, cv=5) for s in (ours, theirs)]
    np.testing.assert_allclose(*scores, rtol=1e-10)


def test_weights_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    x, weights = rng.normal(3, 2, (200, 4)), rng.uniform(0, 3, 200)
    x[rng.uniform(size=x.shape) < 0.1] = np.nan
    expected = StandardScaler().fit(x, sample_weight=weights)
    np.testing.assert_allclose(
        Normalizer("zscore").fit(x, sample_weight=weights).transform(x), expected.transform(x), atol=1e-12
    )
    halves = Normalizer("zscore")
    for part in (slice(0, 70), slice(70, 200)):
        halves.partial_fit(x[part], sample_weight=weights[part])
    np.testing.assert_allclose(halves.transform(x), expected.transform(x), atol=1e-12)
    named = pd.DataFrame(x, columns=["sample_weight", "b", "c", "d"])
    np.testing.assert_allclose(
        Normalizer("zscore").fit(named, None, weights).transform(named), expected.transform(x), atol=1e-12
    )


@pytest.mark.parametrize("method", ["zscore", "whiten", "robust", "batch", "quantile", "unit"])
def test_partial_fits_are_one_fit(method: str) -> None:
    x = np.random.default_rng(6).normal(5, 2, (1024, 3))
    whole, parts = Normalizer(method).fit(x), Normalizer(method)
    for part in np.split(x, 4):
        assert parts.partial_fit(part) is parts
    np.testing.assert_allclose(
        parts.transform(x), whole.transform(x), rtol=1e-9, atol=1e-9 if method != "quantile" else 0.02
    )
    with pytest.raises(ValueError, match="X has 2 features, but Normalizer is expecting 3"):
        parts.partial_fit(x[:, :2])


def test_what_takes_several_passes_has_no_partial_fit() -> None:
    assert hasattr(Normalizer("robust"), "partial_fit")
    assert not hasattr(Normalizer("robust", exact=True), "partial_fit")
    fill, scale = PlanStep(Fill(), ("[ab]b",)), PlanStep(ZScore(), ("ab",))
    assert not hasattr(Normalizer([PlanStep(Fill()), PlanStep(ZScore())]), "partial_fit")
    assert hasattr(Normalizer([PlanStep(Fill(with_=0.0)), PlanStep(ZScore())]), "partial_fit")
    assert hasattr(Normalizer([fill, PlanStep(ZScore(), ("b",))]), "partial_fit")
    unsure = Normalizer([fill, scale])  # only the data say that both are of the same column
    data = pd.DataFrame({"ab": [1.0, 2.0, np.nan], "b": [0.0, 1.0, 2.0]})
    with pytest.raises(ValueError, match="takes several passes over the data, and can't learn from parts"):
        unsure.partial_fit(data)
    assert not hasattr(unsure.fit(data), "partial_fit")


def test_a_plan_is_an_estimator_too() -> None:
    """Columns that no step takes come out as they are."""
    x = pd.DataFrame(np.random.default_rng(1).normal(size=(60, 3)), columns=["a", "b", "c"])
    plan = [normcli.PlanStep(Asinh(), ("a",)), normcli.PlanStep(ZScore(), ("a", "b"))]
    estimator = Normalizer(plan).set_output(transform="pandas")
    result = estimator.fit_transform(x)
    expected = normcli.apply(normcli.fit(x, plan), x)
    pd.testing.assert_frame_equal(result, expected)
    assert clone(estimator).get_params()["method"] is not None
    np.testing.assert_allclose(estimator.inverse_transform(result), x, atol=1e-12)


# -- in pipelines ------------------------------------------------------------------------------------------------
def test_in_a_column_transformer_and_a_grid_search() -> None:
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    x = x.assign(group=np.where(x["sex"] > 0, "m", "f"))
    numbers = [name for name in x.columns if name != "group"]
    columns = ColumnTransformer([("n", Normalizer("zscore"), numbers), ("g", OneHotEncoder(), ["group"])])
    grid = {"columntransformer__n__method": ["minmax", "power"]}
    search = GridSearchCV(make_pipeline(columns, Ridge()), grid, cv=3, error_score="raise").fit(x, y)
    assert search.best_score_ > 0.4
    assert "n__age" in search.best_estimator_[0].get_feature_names_out()
    columns.set_output(transform="pandas")
    columns.set_params(g__sparse_output=False)
    assert list(columns.fit_transform(x).columns) == [*(f"n__{n}" for n in numbers), "g__group_f", "g__group_m"]


def test_output_is_in_the_container_that_is_set() -> None:
    x = pd.DataFrame(np.random.default_rng(1).normal(size=(6, 3)), columns=["a", "b", "c"], index=[*"uvwxyz"])
    estimator = Normalizer("decorrelate", components=2)
    frame = estimator.set_output(transform="pandas").fit_transform(x)
    assert list(frame.columns) == ["pc1", "pc2"] == list(estimator.get_feature_names_out())
    assert frame.index.equals(x.index)
    assert isinstance(clone(estimator).fit_transform(x.to_numpy()), pd.DataFrame)
    assert estimator.set_output(transform="polars").transform(x).columns == ["pc1", "pc2"]
    assert isinstance(estimator.set_output(transform="default").transform(x), np.ndarray)
    with sklearn.config_context(transform_output="polars"):
        assert isinstance(Normalizer().fit_transform(x), pl.DataFrame)
        assert isinstance(estimator.set_output().transform(x), np.ndarray)
    with pytest.raises(ValueError, match="must be one of"):
        estimator.set_output(transform="nosuch")  # type: ignore[arg-type]


def test_weights_are_routed_to_those_who_ask_for_them() -> None:
    x, y = load_diabetes(return_X_y=True)
    weights = np.random.default_rng(0).uniform(size=len(y))
    with pytest.raises(RuntimeError, match="enable_metadata_routing"):
        Normalizer().set_fit_request(sample_weight=True)
    with sklearn.config_context(enable_metadata_routing=True):
        scores = []
        for scaler in (Normalizer("zscore"), StandardScaler()):
            scaler = clone(scaler.set_fit_request(sample_weight=True))
            ridge = Ridge().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
            pipeline = make_pipeline(scaler, ridge)
            scores.append(cross_validate(pipeline, x, y, params={"sample_weight": weights})["test_score"])
            assert scaler.get_metadata_routing().fit.requests == {"sample_weight": True}
        np.testing.assert_allclose(*scores, rtol=1e-12)
        with pytest.raises(ValueError, match="sample_weight"):
            make_pipeline(Normalizer("zscore"), Ridge().set_fit_request(sample_weight=True)).fit(
                x, y, sample_weight=weights
            )
    pipeline = make_pipeline(Normalizer("zscore"), Ridge()).fit(x, y, normalizer__sample_weight=weights)
    np.testing.assert_allclose(
        pipeline[0].transform(x), StandardScaler().fit(x, sample_weight=weights).transform(x), atol=1e-12
    )


def test_it_is_pickled_fitted() -> None:
    x = np.random.default_rng(1).normal(size=(60, 3))
    for method in ("zscore", "whiten", "quantile", "batch"):
        estimator = Normalizer(method).fit(x)
        copy = pickle.loads(pickle.dumps(estimator))
        np.testing.assert_array_equal(copy.transform(x), estimator.transform(x))
        assert normcli.write(copy.parameters_) == normcli.write(estimator.parameters_)


# -- files -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["zscore", "decorrelate", "unit"])
def test_files_are_those_of_the_command_line(method: str, tmp_path: Path) -> None:
    x = pd.DataFrame(np.random.default_rng(1).normal(size=(60, 3)), columns=["a", "b", "c"])
    x.to_parquet(tmp_path / "x.parquet")
    estimator = Normalizer(method).fit(x)
    estimator.save(tmp_path / "ours.json")
    assert run("fit", "x.parquet", "-m", method, "-p", "shell.json", cwd=tmp_path).code == 0
    assert (tmp_path / "ours.json").read_bytes() == (tmp_path / "shell.json").read_bytes()
    loaded = Normalizer.load(tmp_path / "shell.json")
    assert repr(loaded) == repr(estimator)
    np.testing.assert_array_equal(loaded.transform(x), estimator.transform(x))
    assert loaded.feature_names_in_.tolist() == ["a", "b", "c"]
    assert run("apply", "x.parquet", "-p", "ours.json", "-o", "z.parquet", cwd=tmp_path).code == 0
    np.testing.assert_array_equal(pd.read_parquet(tmp_path / "z.parquet"), estimator.transform(x))


def test_options_and_plans_come_back_from_files(tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=(60, 3))
    for estimator in (
        Normalizer("minmax", range=(-1.0, 1.0), clip=True),
        Normalizer([normcli.PlanStep(ZScore(), ("x0",)), normcli.PlanStep(Asinh(), ("x1", "x2"))]),
    ):
        estimator.fit(x).save(tmp_path / "p.json")
        loaded = Normalizer.load(tmp_path / "p.json")
        assert repr(loaded) == repr(estimator)
        np.testing.assert_array_equal(clone(loaded).fit(x).transform(x), estimator.transform(x))
    normcli.fit(pa.table({"a": [1.0, 2.0], "s": ["u", "v"]}), "zscore", by="s", params=tmp_path / "by.json")
    with pytest.raises(ValueError, match="was fitted `by` columns"):
        Normalizer.load(tmp_path / "by.json")


def test_a_step_that_a_plan_took_from_a_file_comes_back_as_it_was_fitted(tmp_path: Path) -> None:
    x = np.random.default_rng(4).normal(size=(20, 2))
    normcli.fit(pa.table({"x0": x[:, 0], "x1": x[:, 1]}), "center", params=tmp_path / "center.json")
    plan = tmp_path / "plan.toml"
    plan.write_text('[[steps]]\nfrom = "center.json"\n[[steps]]\nmethod = "zscore"\n')
    normcli.fit(pa.table({"x0": x[:, 0], "x1": x[:, 1]}), plan=plan, params=tmp_path / "p.json")
    estimator = Normalizer.load(tmp_path / "p.json")
    assert hasattr(estimator, "partial_fit")
    given = normcli.load(tmp_path / "center.json").steps[0]
    plan_steps = [normcli.PlanStep(given.method, given.columns, fitted=given), normcli.PlanStep(ZScore())]
    assert Normalizer(plan_steps).fit(x + 5.0).parameters_.steps[0].does_as(given)
    again = estimator.fit(x + 5.0)
    assert again.parameters_.steps[0].does_as(normcli.load(tmp_path / "center.json").steps[0])


def test_a_page_shows_an_estimator_that_fit_refuses() -> None:
    """As of any other, also in a pipeline; and says no more of it than a page does."""
    wrong = Normalizer("nosuch", ddof=3)
    for shown in (wrong, make_pipeline(wrong)):
        assert "nosuch" in estimator_html_repr(shown)
    with pytest.raises(ValueError, match="no such method"):
        wrong.fit([[1.0]])


def test_what_has_no_features_yet_is_refused_in_words() -> None:
    for data, words in (
        (pl.LazyFrame({"a": [1.0]}), r"LazyFrame is no table in memory \(collect\(\)"),
        (np.zeros(3, [("a", "f8")]), r"Structured arrays are not supported \(pandas.DataFrame"),
    ):
        with pytest.raises(ValueError, match=words):
            Normalizer().fit(data)


def test_parameters_are_shown_on_a_line() -> None:
    parameters = Normalizer().fit(np.random.default_rng(1).normal(size=(1234, 900))).parameters_
    assert repr(parameters) == f"Parameters(zscore of 900 columns, 1,234 rows, {parameters.digest[:19]})"
    steps = [PlanStep(ZScore())] * 7
    assert "zscore of 1 column, and 2 more steps, 3 rows" in repr(normcli.fit(np.eye(3)[:, :1], steps))
