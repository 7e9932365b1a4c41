"""Estimators of scikit-learn with what a step has learned, as if they had been fitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from normcli.blocks.record import Array
from normcli.errors import NoFormulaError
from normcli.parameters import Step
from normcli.stats.comoments import Comoments
from normcli.stats.extrema import Extrema
from normcli.stats.moments import Moments
from normcli.transforms.affine import Affine
from normcli.transforms.elementwise import Elementwise
from normcli.transforms.fills import Fills
from normcli.transforms.linear import Linear
from normcli.transforms.power import Power
from normcli.transforms.ranks import Ranks
from normcli.transforms.rows import Rows

SAME = 1e-9  # of scales, relative
SQUARE = 1e-9  # directions whose products are as near to those of the identity are orthonormal
WHOLE = 2.0**53  # up to here, whole numbers are integers there


def estimator(step: Step) -> Any:
    """The estimator of a fitted step of one group. Raises NoFormulaError for what scikit-learn has no estimator of."""
    match step.fitted:
        case Affine(whole=True):
            raise _refusal(
                "a row that misses a value misses all, and scikit-learn's scalers look at each column by itself"
            )
        case Affine():
            return _scaler(step, step.fitted)
        case Rows():
            return _normalizer(step.fitted)
        case Elementwise():
            return function(step.fitted.function)
        case Fills() if step.method.scaler is not None:
            return _imputer(step.fitted, **step.method.scaler[1])
        case Power():
            return _power(step.fitted)
        case Ranks():
            return _quantile(step.fitted)
        case Linear():
            return _pca(step, step.fitted)
    raise _refusal("scikit-learn has no estimator of it")


def _refusal(why: str) -> NoFormulaError:
    return NoFormulaError(why)


def _with(estimator: Any, **learned: Any) -> Any:
    """The estimator with learned attributes."""
    for name, value in learned.items():
        setattr(estimator, name, value)
    return estimator


def function(name: str) -> Any:
    """A function of numpy with its inverse; "" leaves values as they are."""
    from sklearn.preprocessing import FunctionTransformer

    func, inverse = {"asinh": (np.arcsinh, np.sinh), "log1p": (np.log1p, np.expm1), "": (None, None)}[name]
    return FunctionTransformer(func, inverse, check_inverse=False, feature_names_out="one-to-one")


def _scaler(step: Step, learned: Affine) -> Any:
    """Of a centre and a scale: that which the method names."""
    if step.method.scaler is None:
        raise _refusal("scikit-learn has no estimator of it")
    if learned.offset != 0.0:
        raise _refusal("what is added at the end has no place in scikit-learn's scalers")
    name, arguments = step.method.scaler
    return SCALERS[name](step, learned, dict(arguments))


def _center_and_scale(learned: Affine) -> tuple[Array, Array]:
    """(features,) each, of x − center, divided by the scale."""
    return learned.center[0] + learned.center_low[0], learned.scale[0] / np.array(learned.gain)


def _standard(step: Step, learned: Affine, arguments: dict[str, Any]) -> Any:
    from sklearn.preprocessing import StandardScaler

    scaler, moments = StandardScaler(**arguments), _state(step, Moments)
    center, scale = _center_and_scale(learned)
    if moments is not None and scaler.with_std and not _is_deviation(scale, moments):
        moments = None  # partial_fit would go on from them, to the standard deviation
    mean = center if scaler.with_mean or moments is None else (moments.mean + moments.mean_low)[0]
    return _with(
        scaler,
        mean_=mean if scaler.with_mean or scaler.with_std else None,
        var_=(scale**2 if moments is None else moments.variance(0)[0]) if scaler.with_std else None,
        scale_=scale if scaler.with_std else None,
        **({} if moments is None else _samples(step)),
    )


def _is_deviation(scale: Array, moments: Moments) -> bool:
    """Whether a scale (features,) is the standard deviation, or 1 for a constant, of the columns that have values."""
    present = moments.count[0] > 0
    deviations = (np.sqrt(moments.variance(ddof)[0]) for ddof in (0, 1))
    expected = (np.where(deviation > 0.0, deviation, 1.0) for deviation in deviations)
    return any(np.allclose(scale[present], e[present], rtol=SAME, atol=0.0) for e in expected)


def _max_abs(step: Step, learned: Affine, arguments: dict[str, Any]) -> Any:
    from sklearn.preprocessing import MaxAbsScaler

    _, scale = _center_and_scale(learned)
    return _with(MaxAbsScaler(**arguments), scale_=scale, max_abs_=scale.copy(), **_samples(step, one=True))


def _robust(step: Step, learned: Affine, arguments: dict[str, Any]) -> Any:
    from sklearn.preprocessing import RobustScaler

    center, scale = _center_and_scale(learned)
    return _with(RobustScaler(**arguments), center_=center, scale_=scale)


def _samples(step: Step, *, one: bool = False) -> dict[str, Any]:
    """The number of samples, if it is known: of each column where they differ, unless there is to be `one`."""
    moments = _state(step, Moments)
    if moments is None:
        return {}
    counts = moments.count[0].astype(np.int64)
    same = len(set(counts.tolist())) == 1
    return {"n_samples_seen_": int(counts.max()) if one else counts[0] if same else counts}


def _min_max(step: Step, learned: Affine, arguments: dict[str, Any]) -> Any:
    from sklearn.preprocessing import MinMaxScaler

    assert learned.ends is not None
    low, high = learned.ends
    least, extrema = learned.center[0] + learned.center_low[0], _state(step, Extrema)
    greatest = least + learned.scale[0] if extrema is None else np.where(np.isnan(least), np.nan, extrema.greatest[0])
    scale = (high - low) / learned.scale[0]
    return _with(
        MinMaxScaler(**arguments),
        min_=low - least * scale,
        scale_=scale,
        data_min_=least,
        data_max_=greatest,
        data_range_=greatest - least,
        **_samples(step, one=True),
    )


SCALERS: Mapping[str, Callable[[Step, Affine, dict[str, Any]], Any]] = {
    "StandardScaler": _standard,
    "MaxAbsScaler": _max_abs,
    "RobustScaler": _robust,
    "MinMaxScaler": _min_max,
}


def _normalizer(learned: Rows) -> Any:
    from sklearn.preprocessing import Normalizer

    if learned.norm not in ("l1", "l2", "max") or learned.gain != 1.0:
        raise _refusal("Normalizer knows the norms l1, l2 and max, and no factor")
    return Normalizer(learned.norm)


def _imputer(learned: Fills, *, strategy: str, fill_value: float | None = None) -> Any:
    """What leaves a column without values as it is, by filling in NaN: scikit-learn would fill in 0, or drop it."""
    from sklearn.impute import SimpleImputer

    values = learned.value[0].copy()
    if fill_value is None:
        imputer = SimpleImputer(strategy=strategy, keep_empty_features=bool(np.isnan(values).any()))
        return _with(imputer.fit(np.zeros((1, len(values)))), statistics_=values)
    number = int(fill_value) if fill_value.is_integer() and abs(fill_value) <= WHOLE else fill_value
    like = np.full((1, len(values)), number)  # one of floats refuses a matrix of integers
    return SimpleImputer(strategy=strategy, fill_value=number).fit(like)


def _power(learned: Power) -> Any:
    from sklearn.preprocessing import PowerTransformer, StandardScaler

    if (learned.origin[0] != 0.0).any():
        raise _refusal("values far from zero, whose powers PowerTransformer would lose in rounding")
    scale = learned.scale[0].copy()
    scaler = _with(
        StandardScaler(), n_features_in_=len(scale), mean_=learned.center[0].copy(), var_=scale**2, scale_=scale
    )
    return _with(PowerTransformer(), lambdas_=learned.exponent[0].copy(), _scaler=scaler)


def _quantile(learned: Ranks) -> Any:
    from sklearn.preprocessing import QuantileTransformer

    knots = learned.quantiles[0].T.copy()
    if np.isnan(knots).any():
        raise NoFormulaError("QuantileTransformer needs values, and as many quantiles, in every column")
    count = len(knots)
    return _with(
        QuantileTransformer(n_quantiles=count, output_distribution=learned.distribution, subsample=None),
        quantiles_=knots,
        references_=np.linspace(0.0, 1.0, count),
        n_quantiles_=count,
    )


def _pca(step: Step, learned: Linear) -> Any:
    """Principal components, if these are what it is: of orthonormal directions."""
    from sklearn.decomposition import PCA

    if learned.prefix is None:
        raise _refusal("its outputs are columns, and those of PCA are components")
    weights = (learned.basis[0] / learned.spread[0]) @ learned.rotation[0] / learned.scale[0][:, None]
    sizes = np.sqrt((weights**2).sum(axis=0))
    components = (weights / np.where(sizes > 0.0, sizes, 1.0)).T
    count, features = components.shape
    if not np.allclose(components @ components.T, np.eye(count), atol=SQUARE):
        raise _refusal("its directions are not at right angles in the units of the input, as those of PCA are")
    whiten = bool((np.abs(sizes - 1.0) > SQUARE).any())
    comoments = _state(step, Comoments)
    if comoments is None:
        raise _refusal("how its components vary is not known: it was imported")
    covariance = comoments.covariance(1 if comoments.count[0] > 1 else 0)[0]
    variances = np.einsum("ki,ij,kj->k", components, covariance, components)
    rest = max(float(np.trace(covariance) - variances.sum()), 0.0)
    return _with(
        PCA(n_components=count, whiten=whiten),
        components_=components,
        mean_=(learned.mean + learned.mean_low)[0],
        explained_variance_=1.0 / sizes**2 if whiten else variances,
        explained_variance_ratio_=variances / np.trace(covariance),
        singular_values_=np.sqrt(np.maximum(variances, 0.0) * (comoments.count[0] - 1.0)),
        n_components_=count,
        n_samples_=int(comoments.count[0]),
        noise_variance_=rest / (features - count) if count < features else 0.0,
    )


def _state(step: Step, kind: type[Any]) -> Any:
    """The state of a step of that kind, if it is known."""
    return next((state for state in step.states if isinstance(state, kind) and not state.is_unknown), None)
