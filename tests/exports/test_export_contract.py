"""What is exported computes what normcli does: each target and each method, on nasty numbers, there and back."""

import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import normcli
from normcli import exports, registry
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.columns import Field
from normcli.errors import NoFormulaError, NotInvertibleError, UsageError
from normcli.exports import Target
from normcli.parameters import Parameters, Step
from normcli.parameters.formulas import formula
from tests.least_options import least

TARGETS, METHODS = registry.names("exports"), registry.names("methods")
NAMES = ("a", "b b", 'c"ü', "d")
FAR = {"center", "maxabs", "mean-range", "minmax", "robust", "weight", "zscore"}  # nothing that is squared overflows


# -- who can't, and why ------------------------------------------------------------------------------------------
LINES = ("batch", "batch-renorm", "center", "maxabs", "mean-range", "minmax", "robust", "weight", "zscore")
OF_ROWS = ("batch-instance", "group", "instance", "layer", "rms", "switchable")
OTHERS = ("asinh", "clip", "decorrelate", "fill", "log1p", "power", "quantile", "spectral", "unit", "whiten")
KNOWN = frozenset((*LINES, *OF_ROWS, *OTHERS, "winsorize"))  # a new method may be refused without being mentioned here
TABLE = {"quantile": "values are looked up in a table of quantiles"}
GONE = {
    **dict.fromkeys(OF_ROWS, "the mean and the size of each row are gone"),
    "rms": "the size of each row is gone",
    "unit": "the length of each row is gone",
    **dict.fromkeys(("clip", "winsorize"), "what was clipped is gone"),
    "fill": "what was missing is not known any more",
}
NO_LINE = dict.fromkeys(KNOWN - {*LINES}, "it is not y = (x - center) / scale * gain + offset") | TABLE
NO_ESTIMATOR = {
    **dict.fromkeys(("batch", "batch-renorm", "clip", "winsorize", *OF_ROWS), "scikit-learn has no estimator of it"),
    "power": "values far from zero, whose powers PowerTransformer would lose in rounding",  # 1e6 ± 1e-3
    "spectral": "a row that misses a value misses all",
    "whiten": "its outputs are columns, and those of PCA are components",
}
WHY_NOT: Mapping[tuple[str, bool], Mapping[str, str]] = {
    ("json", False): NO_LINE,
    ("json", True): dict.fromkeys(LINES, "the same numbers undo it") | NO_LINE | GONE,
    ("sklearn", False): NO_ESTIMATOR,
    ("sklearn", True): dict.fromkeys(KNOWN, "the same estimator undoes it") | NO_ESTIMATOR | GONE,
}  # of other targets: TABLE, and to undo GONE


def refusal(target: str, method: str, *, inverse: bool) -> str | None:
    """Why a target can't compute, or undo, a method; None if it can."""
    return WHY_NOT.get((target, inverse), TABLE | (GONE if inverse else {})).get(method)


def test_the_methods_that_are_known_are_there() -> None:
    assert set(METHODS) >= KNOWN


def engine(target: str) -> ModuleType:
    """What runs the files of a target: a function `run`, and `OPTIONS` of the target that are run, if there are some,
    which `run` is given too. Where it has a function `bound`, that is how near results are, value by value."""
    return import_module(f"tests.exports.engines.{target}")


CASES = [
    pytest.param(target, options, id="-".join((target, *options.values())))
    for target in TARGETS
    for options in getattr(engine(target), "OPTIONS", ({},))
]


def run(target: str, content: bytes, x: Array, outputs: int, options: Mapping[str, str]) -> Array:
    """(rows, outputs) what the engine of a target makes of a file."""
    result: Array = engine(target).run(content, x, outputs, **options)
    return result


def numbers(method: str) -> Array:
    """(300, 4), positive, of units and offsets far apart, with ties, zeros of either sign and a value beside zero."""
    rng = np.random.default_rng(METHODS.index(method))
    x = np.abs(rng.normal(3.0, 2.0, (300, 4))) * [1.0, 1e-3, 1e3, 1.0] + [0.0, 1e6, 0.0, 0.0]
    x[::7] = np.round(x[::7])
    x[5:8, 2], x[9, 0], x[20:22, 3], x[30, 0] = 0.0, -0.0, 3.0, 5e-324
    return x


def data(method: str) -> Array:
    """`numbers`, some of them missing, and rows that the fit has not seen: negative and far off where that is valid."""
    x = numbers(method)
    x[3, 1], x[11] = np.nan, np.nan
    if method != "log1p":
        x[40:50] *= -1.0
    if method in FAR:
        x[50:54] *= np.array([1e300, 1e-300, 1e17, 1e-17])[:, None]
    return x


@cache
def fitted(method: str) -> Parameters:
    kind = registry.only("methods", method)
    required = dict.fromkeys(least(kind), 2)
    step = normcli.fit_blocks(kind(**required), [numbers(method)], NAMES)
    return Parameters((step,), tuple(Field(n, "float64") for n in NAMES), 300)


def assert_near(result: Array, expected: Array, difference: float) -> None:
    """What is infinite, which `apply` refuses, may be missing too."""
    assert result.shape == expected.shape
    beyond = np.isinf(expected)
    assert not np.isfinite(result[beyond]).any()
    result, expected = (np.where(beyond, 0.0, values) for values in (result, expected))
    np.testing.assert_array_equal(np.isnan(result), np.isnan(expected))
    if difference:
        largest = np.nanmax(np.abs(expected), axis=0)
        assert (np.nanmax(np.abs(result - expected), axis=0) <= difference * largest).all()
    else:
        assert np.nan_to_num(result).tobytes() == np.nan_to_num(np.ascontiguousarray(expected)).tobytes()


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("target", "options"), CASES)
def test_a_target_computes_what_normcli_does_or_says_why_not(
    target: str, options: dict[str, str], method: str, inverse: bool
) -> None:
    parameters = fitted(method)
    step: Step = parameters.steps[0]
    forth = step.fitted(Block.of(data(method)))
    why = refusal(target, method, inverse=inverse)
    if why is not None:
        if target == "sklearn":
            pytest.importorskip("skops")
        with pytest.raises((NoFormulaError, NotInvertibleError), match=re.escape(why)):
            normcli.export(parameters, target, inverse=inverse, **options)
        return
    try:
        content = normcli.export(parameters, target, inverse=inverse, **options)
    except (NoFormulaError, NotInvertibleError):
        if method in KNOWN:
            raise
        return
    kind: Target = registry.only("exports", target)(**options)
    back = np.where(np.isinf(forth), np.nan, forth)
    x, expected = (back, step.fitted.inverse(Block.of(back))) if inverse else (data(method), forth)
    result = run(target, content, x, expected.shape[1], options)
    if hasattr(engine(target), "bound"):
        bound = engine(target).bound(content, x, expected)
        finite = np.isfinite(expected) & np.isfinite(result)
        assert (np.abs(result - expected)[finite] <= bound[finite]).all()
        assert_near(result, expected, 1e-6)
    else:
        assert_near(result, expected, kind.difference(formula(parameters, inverse=inverse)))


def test_each_target_has_an_engine_that_runs_it() -> None:
    folder = Path(__file__).with_name("engines")
    assert {path.stem for path in folder.glob("[!_]*.py")} == {name.replace("-", "_") for name in TARGETS}


@pytest.mark.parametrize("target", sorted(set(TARGETS) - {"sklearn"}))
def test_a_file_says_what_it_is_of(target: str) -> None:
    pytest.importorskip("onnx" if target == "onnx" else "json")
    for method in METHODS if target == "numpy" else ("zscore", "batch"):
        if refusal(target, method, inverse=False) is None:
            parameters, text = fitted(method), normcli.export(fitted(method), target).decode("utf-8", "replace")
            learned = ", learned from 300 rows" if parameters.learns else ""
            assert f"{method}{learned} ({parameters.digest})" in text
    undone = normcli.export(fitted("zscore"), "numpy", inverse=True).decode()
    assert f"zscore undone, learned from 300 rows ({fitted('zscore').digest})" in undone


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_writes_the_same_bytes_each_time(target: str) -> None:
    assert normcli.export(fitted("zscore"), target) == normcli.export(fitted("zscore"), target)


def test_what_is_arithmetic_has_the_same_bits() -> None:
    exact = {name for name in METHODS if name != "quantile" and exports.is_arithmetic(formula(fitted(name)))}
    assert exact == {
        "center",
        "clip",
        "fill",
        "winsorize",
        "maxabs",
        "mean-range",
        "minmax",
        "robust",
        "spectral",
        "weight",
        "zscore",
        "batch",
        "batch-renorm",
    }


@pytest.mark.parametrize("target", TARGETS)
def test_options_of_another_target_are_refused(target: str) -> None:
    with pytest.raises(UsageError, match="`nosuch` is no option of `to`"):
        normcli.export(fitted("zscore"), target, nosuch=1)
