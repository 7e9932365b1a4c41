"""An estimator, loaded by skops and run by scikit-learn."""

import warnings
from typing import Any

import numpy as np
import pytest

from normcli.blocks.record import Array
from tests.exports.engines.json import rounded

TRUSTED = ("numpy.arcsinh", "numpy.dtype", "numpy.expm1", "numpy.log1p", "numpy.sinh")


def load(content: bytes) -> Any:
    """The estimator in a file."""
    pytest.importorskip("sklearn")
    skops = pytest.importorskip("skops.io")
    return skops.loads(content, trusted=[name for name in skops.get_untrusted_types(data=content) if name in TRUSTED])


def bound(content: bytes, x: Array, expected: Array) -> Array:
    """(rows, outputs) what is stated: a rounding of the centre, in units of the scale, and two units in the last place
    of the result; of MinMaxScaler also of value and least value, in units of the range; of PCA 1e-13 of the greatest
    result."""
    model = load(content)
    match type(model).__name__:
        case "StandardScaler" | "RobustScaler":
            center = model.mean_ if hasattr(model, "mean_") else model.center_
            return rounded(center) / (1.0 if model.scale_ is None else model.scale_) + 4.0 * rounded(expected)
        case "MinMaxScaler":
            return 2.0 * rounded(x * model.scale_) + 2.0 * rounded(model.min_) + 4.0 * rounded(expected)
        case "PCA":
            return np.full(expected.shape, 1e-13) * np.nanmax(np.abs(expected), axis=0)
    return 4.0 * rounded(expected)


def run(content: bytes, x: Array, outputs: int) -> Array:
    """A row that misses a value is missing where the estimator refuses it."""
    model = load(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names of columns, which an array has none of
        try:
            result: Array = np.asarray(model.transform(x))
        except ValueError as e:
            if "contains NaN" not in str(e):
                raise
            complete = ~np.isnan(x).any(axis=1)
            result = np.full((len(x), outputs), np.nan)
            result[complete] = model.transform(x[complete])
    return result
