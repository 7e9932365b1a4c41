"""Estimators of scikit-learn by their learned attributes, each as a part."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from normcli.blocks.record import Array
from normcli.errors import BadDataError, UsageError
from normcli.imports import Part, affine
from normcli.imports._skops import Function, Node
from normcli.methods import Method
from normcli.methods.asinh import Asinh
from normcli.methods.decorrelate import Decorrelate
from normcli.methods.fill import Fill
from normcli.methods.log1p import Log1p
from normcli.methods.maxabs import MaxAbs
from normcli.methods.minmax import MinMax
from normcli.methods.power import Power
from normcli.methods.quantile import Quantile
from normcli.methods.robust import Robust
from normcli.methods.unit import Unit
from normcli.methods.whiten import Whiten
from normcli.methods.zscore import ZScore
from normcli.stats.extrema import Extrema
from normcli.stats.moments import Moments
from normcli.transforms.elementwise import Elementwise
from normcli.transforms.fills import Fills
from normcli.transforms.linear import Linear
from normcli.transforms.power import Power as Powers
from normcli.transforms.ranks import Ranks
from normcli.transforms.rows import Rows

SAME = 1e-9  # of scales, relative; of products of directions, absolute
MOST_COUNT = 2.0**53
EPS = float(np.finfo(np.float64).eps)
FUNCTIONS: Mapping[str, Method] = {"numpy.arcsinh": Asinh(), "numpy.log1p": Log1p()}


def part(node: Node, features: int) -> Part:
    """What an estimator of so many features does. Raises BadDataError for what is not known, or can't be."""
    read = READERS.get(node.name)
    if read is None:
        raise BadDataError(f"{node.kind} is not read", KNOWN)
    try:
        return read(node, features)
    except UsageError as e:
        raise BadDataError(f"{node.kind}: {e.message}") from None


def _standard(node: Node, features: int) -> Part:
    center, scale = node.flag("with_mean"), node.flag("with_std")
    mean = node.numbers("mean_", features) if center else np.zeros(features)
    by = node.numbers("scale_", features) if scale else np.ones(features)
    known = _moments(node, features) if center or scale else None
    learned = affine(mean, by)
    for ddof in (0, 1):
        method = ZScore(ddof=ddof if scale else 0, center=center, scale=scale)
        if known is not None and _is_deviation(by, known, ddof, used=scale):
            return Part(method, learned, (Extrema().unknown(features), known))
    return Part(ZScore(center=center, scale=scale), learned)


def _moments(node: Node, features: int) -> Moments | None:
    """The state that is behind a StandardScaler; None where it does not say all of it, or has counted weights that are
    no whole numbers of rows."""
    if any(node.get(name) is None for name in ("n_samples_seen_", "mean_", "var_")):
        return None
    seen = node.get("n_samples_seen_")
    is_one = isinstance(seen, int | float)
    counts = np.full(features, float(seen)) if is_one else node.numbers("n_samples_seen_", features)
    mean, variance = node.numbers("mean_", features), node.numbers("var_", features)
    present = counts > 0
    if not (np.isfinite(counts) & (counts >= 0)).all():
        raise BadDataError("StandardScaler.n_samples_seen_ are no counts")
    if not (np.isfinite(mean) & (variance >= 0.0) & np.isfinite(variance * counts))[present].all():
        raise BadDataError("StandardScaler.mean_ and var_ are not finite, or negative")
    if ((counts != np.rint(counts)) | (counts > MOST_COUNT)).any():
        return None
    zero = np.zeros((1, features))
    squares = np.where(present, variance * counts, 0.0)[None]
    missing = np.full_like(zero, np.nan)  # it counts the values that are there: also where all counts are the same
    return Moments(counts[None], missing, np.where(present, mean, 0.0)[None] + 0.0, zero, squares, zero)


def _is_deviation(by: Array, moments: Moments, ddof: int, *, used: bool) -> bool:
    """Whether the scale is the standard deviation of the state, or 1 for a constant."""
    deviation = np.sqrt(moments.variance(ddof)[0])
    expected = np.where(deviation > 0.0, deviation, 1.0)
    present = moments.count[0] > 0
    return not used or bool(np.all(np.abs(by - expected)[present] <= SAME * expected[present]))


def _min_max(node: Node, features: int) -> Part:
    low, high = node.pair("feature_range")
    method = MinMax(range=(low, high), clip=node.flag("clip"))
    method.check_options()
    width, factor = node.numbers("data_range_", features), node.numbers("scale_", features)
    with np.errstate(all="ignore"):
        implied = (high - low) / factor
        scale = np.where(np.abs(width - implied) <= SAME * implied, width, implied)
    learned = affine(node.numbers("data_min_", features), scale, ends=(low + 0.0, high + 0.0), clip=method.clip)
    return Part(method, learned)


def _max_abs(node: Node, features: int) -> Part:
    scale = node.numbers("scale_", features)
    return Part(MaxAbs(), affine(np.where(np.isnan(scale), np.nan, 0.0), scale))


def _robust(node: Node, features: int) -> Part:
    low, high = node.pair("quantile_range")
    method = Robust(quantiles=(low / 100.0, high / 100.0), unit_variance=node.flag("unit_variance"))
    method.check_options()
    center = node.numbers("center_", features) if node.flag("with_centering") else np.zeros(features)
    scale = node.numbers("scale_", features) if node.flag("with_scaling") else np.ones(features)
    return Part(method, affine(center, scale))


def _normalizer(node: Node, features: int) -> Part:
    method = Unit(norm=node.choice("norm", "l1", "l2", "max"))  # type: ignore[arg-type]
    return Part(method, Rows(norm=method.norm))


def _function(node: Node, features: int) -> Part:
    function = node.get("func")
    method = FUNCTIONS.get(function.name) if isinstance(function, Function) else None
    if method is None or node.get("kw_args"):
        raise BadDataError("FunctionTransformer: only numpy.arcsinh and numpy.log1p are read", "apply others before")
    return Part(method, Elementwise("asinh" if isinstance(method, Asinh) else "log1p"))


def _power(node: Node, features: int) -> Part:
    if node.choice("method", "yeo-johnson", "box-cox") != "yeo-johnson":
        raise BadDataError("PowerTransformer of box-cox is not read", "one of yeo-johnson is: fit it with that")
    exponents = node.numbers("lambdas_", features)
    center, scale = np.zeros(features), np.ones(features)
    if "_scaler" in node:
        scaler = node.get("_scaler")
        if not isinstance(scaler, Node) or scaler.name != STANDARD:
            raise BadDataError("PowerTransformer._scaler is no StandardScaler")
        center, scale = scaler.numbers("mean_", features), scaler.numbers("scale_", features)
    if not (np.isfinite(exponents) & np.isfinite(center) & np.isfinite(scale) & (scale > 0.0)).all():
        raise BadDataError("PowerTransformer: its powers, means and scales are not finite and positive")
    zero = np.zeros((1, features))
    return Part(Power(), Powers(exponents[None] + 0.0, zero, center[None] + 0.0, scale[None]))


def _quantile(node: Node, features: int) -> Part:
    count, distribution = node.count("n_quantiles_"), node.choice("output_distribution", "uniform", "normal")
    if not 1 <= count <= MOST_QUANTILES:
        raise BadDataError(f"QuantileTransformer.n_quantiles_ is {count:,}, and 1 to {MOST_QUANTILES:,} are read")
    knots, shares = node.numbers("quantiles_", count, features), node.numbers("references_", count)
    if not np.allclose(shares, np.linspace(0.0, 1.0, count), rtol=0.0, atol=SAME):
        raise BadDataError("QuantileTransformer.references_ are not evenly spaced")
    learned = Ranks(knots.T[None].copy() + 0.0, distribution)  # type: ignore[arg-type]
    if not np.isfinite(knots).all() or learned.fault() is not None:
        raise BadDataError("QuantileTransformer.quantiles_ are not finite and rising")
    method = Quantile(distribution=learned.distribution, resolution=max(count, 2))
    return Part(method, learned)


def _pca(node: Node, features: int) -> Part:
    """Directions at right angles, each divided by its own spread where it whitens."""
    count, whiten = node.count("n_components_"), node.flag("whiten")
    if not 1 <= count <= features or features > MOST_OF_MATRIX:
        raise BadDataError(f"PCA of {count:,} components of {features:,} columns, and {MOST_OF_MATRIX:,} are read")
    directions, mean = node.numbers("components_", count, features), node.numbers("mean_", features)
    variance = node.numbers("explained_variance_", count) if whiten else np.ones(count)
    if not (np.isfinite(mean).all() and np.isfinite(directions).all() and (variance >= 0.0).all()):
        raise BadDataError("PCA: its means, directions and variances are not finite, or negative")
    if not np.allclose(directions @ directions.T, np.eye(count), rtol=0.0, atol=SAME):
        raise BadDataError("PCA.components_ are not at right angles, and of length 1")
    spread = np.maximum(np.sqrt(variance), EPS)  # as scikit-learn does
    if not np.isfinite(spread).all():
        raise BadDataError("PCA.explained_variance_ is not finite")
    learned = Linear(mean[None] + 0.0, np.zeros((1, features)), np.ones((1, features)), directions.T[None].copy() + 0.0,
                     spread[None], np.eye(count)[None], "pc")  # fmt: skip
    method = Whiten(kind="pca", ddof=1, components=count) if whiten else Decorrelate(ddof=1, components=count)
    return Part(method, learned)


def _imputer(node: Node, features: int) -> Part:
    strategy = node.choice("strategy", "mean", "median", "most_frequent", "constant")
    marker = node.get("missing_values")
    if not (isinstance(marker, float) and np.isnan(marker)) or node.get("add_indicator") is True:
        raise BadDataError("SimpleImputer: only NaN is missing here, and no indicator is added", "fit one without")
    if strategy == "constant":
        value = node.get("fill_value", 0.0)
        value = 0.0 if value is None else value
        if type(value) not in (int, float) or not np.isfinite(value):
            raise BadDataError("SimpleImputer.fill_value is no number")
        values = np.full(features, float(value))
    else:
        values = node.numbers("statistics_", features)
    if _drops(node) or np.isinf(values).any():
        raise BadDataError("SimpleImputer leaves out columns without values", "fit it without these")
    if strategy in ("mean", "median"):
        return Part(Fill(with_=strategy), Fills(values[None] + 0.0))  # type: ignore[arg-type]
    if len(set(values.tolist())) > 1:
        raise BadDataError(f"SimpleImputer of {strategy}: one number for all columns is read", "import them apart")
    return Part(Fill(with_=float(values[0])), Fills(values[None] + 0.0))


def _drops(node: Node) -> bool:
    """Whether a SimpleImputer leaves out a column: it has no statistic, and is not to be kept as it is."""
    learned, strategy = node.get("statistics_"), node.get("strategy")
    numbers = learned if isinstance(learned, list) else np.ravel(learned).tolist()  # of constant, they are objects
    empty = any(isinstance(x, float) and np.isnan(x) for x in numbers)
    return empty and not (strategy in ("mean", "median") and node.get("keep_empty_features") is True)


MOST_QUANTILES = 100_000
MOST_OF_MATRIX = 4096  # columns
STANDARD = "sklearn.preprocessing._data.StandardScaler"
FUNCTION = "sklearn.preprocessing._function_transformer.FunctionTransformer"
READERS: Mapping[str, Callable[[Node, int], Part]] = {
    STANDARD: _standard,
    "sklearn.preprocessing._data.MinMaxScaler": _min_max,
    "sklearn.preprocessing._data.MaxAbsScaler": _max_abs,
    "sklearn.preprocessing._data.RobustScaler": _robust,
    "sklearn.preprocessing._data.Normalizer": _normalizer,
    "sklearn.preprocessing._data.PowerTransformer": _power,
    "sklearn.preprocessing._data.QuantileTransformer": _quantile,
    FUNCTION: _function,
    "sklearn.decomposition._pca.PCA": _pca,
    "sklearn.impute._base.SimpleImputer": _imputer,
}
KNOWN = (
    f"known are {', '.join(name.rpartition('.')[2] for name in READERS)}, and Pipeline and ColumnTransformer of them; "
    "save these alone"
)
