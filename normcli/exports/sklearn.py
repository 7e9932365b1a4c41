"""sklearn: estimators of scikit-learn as a .skops file, which holds no code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from msgspec.structs import replace

from normcli import registry
from normcli.errors import NoFormulaError, UsageError
from normcli.exports import Export, Target
from normcli.exports._estimators import estimator, function
from normcli.exports._skops import canonical
from normcli.parameters.formulas import feature_names


class Sklearn(Target, frozen=True, kw_only=True):
    """The estimator of scikit-learn that computes the same, with its learned attributes, or a Pipeline of them, for
    skops.io.load. A centre is one double there, where parameters have two: results differ by its rounding, in units of
    the scale, and by two units in the last place; those of MinMaxScaler, x · scale + min, by two units in the last
    place of the value over the range, and those of PCA by 1e-13 of the greatest result. −0 stays. Normalizer and PCA
    refuse rows that miss a value."""

    binary: ClassVar[bool] = True
    undoes: ClassVar[bool] = True

    def write(self, export: Export) -> bytes:
        try:
            import sklearn  # noqa: F401
            import skops.io
        except ImportError:
            raise UsageError("--to sklearn needs packages", "pip install 'normcli[sklearn]' installs them") from None
        model = _model(export)
        if export.inverse:
            raise NoFormulaError("the same estimator undoes it", "inverse_transform; without --inverse")
        return canonical(skops.io.dumps(model))


def _model(export: Export) -> Any:
    """The estimator of the one step, or a Pipeline of several: each takes its columns out of all, and puts its results
    before the others."""
    from sklearn.pipeline import Pipeline

    parameters, stages = export.parameters, dict[str, Any]()
    inputs, outputs = feature_names(parameters)
    names = list(inputs)
    for i, step in enumerate(parameters.steps):
        states = tuple(state.taken([export.group]) for state in step.states)
        try:
            fitted = estimator(replace(step, states=states, transform=step.fitted.taken([export.group])))
        except NoFormulaError as e:
            raise NoFormulaError(parameters.at(i) + e.message, e.hint) from None
        stages[f"{registry.name_of(step.method)}-{i + 1}"] = _of_columns(fitted, names, step.features, named=not i)
        names = [*step.results, *(name for name in names if name not in step.features)]
    if names != list(outputs):
        stages["order"] = _of_columns(function(""), names, outputs, named=False)
    return next(iter(stages.values())) if len(stages) == 1 else Pipeline(list(stages.items()))


def _of_columns(fitted: Any, names: Sequence[str], features: Sequence[str], *, named: bool) -> Any:
    """The estimator of these features, put before the others of a matrix whose columns have these names; `named`, where
    the estimator may be given a table."""
    from sklearn.base import clone
    from sklearn.compose import ColumnTransformer
    from sklearn.frozen import FrozenEstimator

    fitted.n_features_in_ = len(features)
    if named:
        fitted.feature_names_in_ = np.array(features, object)
    if list(features) == list(names):
        return fitted
    at, rest = [names.index(name) for name in features], [j for j, name in enumerate(names) if name not in features]
    places = [("columns", fitted, at), ("others", "passthrough", rest)][: 2 if rest else 1]
    result = ColumnTransformer(
        [(name, of if of == "passthrough" else FrozenEstimator(of), j) for name, of, j in places]
    )
    result.fit(np.ones((1, len(names))))  # frozen ones do not learn from it, and the others have nothing to learn
    result.transformers = [(name, of if of == "passthrough" else clone(of), j) for name, of, j in places]
    result.transformers_[0] = places[0]
    if named:
        result.feature_names_in_ = np.array(names, object)
    return result
