"""Normalizer: any method, or a plan of several steps, as an estimator with scikit-learn's conventions."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from normcli import api
from normcli.errors import UsageError
from normcli.estimator.conventions import Conventions
from normcli.estimator.faults import counted, fault, not_fitted, value_errors
from normcli.estimator.features import Features, weights_of
from normcli.estimator.parameters import chosen, method_and_options, methods_of, option_names, repeats, with_options
from normcli.formats._memory.views import AsMatrix, Blank, WithWeights
from normcli.methods import Method
from normcli.parameters import Parameters
from normcli.parameters.plan import Plan, PlanStep

AnyMethod = str | type[Method] | Method | Sequence[PlanStep] | Plan
SEVERAL = "takes several passes over the data"
WEIGHTS = "sample_weight"  # what the column of weights is called, unless a feature is


class Normalizer(Conventions):
    """A transformer that fits and applies a method of normcli, or a plan: every column of X is a feature.

    `method` is the name of a method, its class or an instance, or a sequence of `PlanStep` that follow each other. The
    others are options of methods, None for what the method has by default; `fit` raises ValueError for one that it does
    not have. X is a matrix, a DataFrame or anything that exports an Arrow stream; NaN and null are missing values.
    Errors are normcli's, and ValueErrors.

    Once fitted, `parameters_` are the Parameters, and `n_features_in_` and `feature_names_in_` are scikit-learn's.
    """

    parameters_: Parameters
    n_features_in_: int
    feature_names_in_: NDArray[np.object_]

    @with_options
    def __init__(
        self, method: str | type[Method] | Method | Sequence[PlanStep] | Plan = "zscore", **options: Any
    ) -> None:
        names = option_names()
        for name in options:
            if name not in names:
                raise TypeError(f"Normalizer() has no parameter {name!r}")
        self.method = method
        for name in names:
            setattr(self, name, options.get(name))

    # -- fitting -------------------------------------------------------------------------------------------------
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:  # noqa: N803 - scikit-learn's name
        """Learns from X, each row counted as often as its `sample_weight` says. Raises ValueError."""
        with value_errors():
            features = Features(X, type(self).__name__)
            parameters = self._fitted(features, sample_weight)
        return self._keep(parameters, features)

    @property
    def partial_fit(self) -> Callable[..., Self]:
        """Learns from X in addition to what was learned before; absent where a method takes several passes."""
        try:
            choice = self._choice()
        except ValueError:
            return self._partial_fit  # which says what is wrong: whoever asks what there is need not know
        if repeats(choice, getattr(self, "_columns", ())):
            raise AttributeError(f"{self} {SEVERAL}, and has no partial_fit")
        return self._partial_fit

    def _partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:  # noqa: N803
        if not self.__sklearn_is_fitted__():
            with value_errors():
                if repeats(self._choice(), Features(X, type(self).__name__).columns()):
                    raise UsageError(f"{self} {SEVERAL}, and can't learn from parts of them", "fit takes all at once")
            return self.fit(X, y, sample_weight)
        with value_errors():
            features = self._features(X)
            fitted = self._fitted(features, sample_weight)
            if fitted.learns:
                fitted = api.merge([self.parameters_, fitted], allow_duplicates=True)
        self.parameters_ = fitted
        return self

    def fit_transform(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:  # noqa: N803
        """Learns from X, and normalizes it. Raises ValueError."""
        return self.fit(X, y, sample_weight).transform(X)

    def _fitted(self, features: Features, sample_weight: Any) -> Parameters:
        choice, names = self._choice(), features.columns()
        features.check_numeric()
        table, weights, called = features.table, weights_of(sample_weight, features.rows), None
        if weights is not None and any(method.statistics for method in methods_of(choice)):
            called = WEIGHTS
            while called in names:
                called += "_"
            table = WithWeights(table, called, weights)
        with counted(features.rows, features.count):
            if isinstance(choice, Method):
                return api.fit(table, choice, columns=names, weights=called)
            return api.fit(table, choice, weights=called)

    def _keep(self, parameters: Parameters, features: Features) -> Self:
        self.parameters_, self.n_features_in_ = parameters, features.count
        self._columns = features.columns()
        if features.names is not None:
            self.feature_names_in_ = np.array(features.names, object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        return self

    def _choice(self) -> Method | list[PlanStep]:
        with value_errors():
            return chosen(self.method, {name: getattr(self, name) for name in option_names()})

    def _mixes(self) -> bool:
        """Whether the columns of the output are others than those of X: components, which are float64. Not of a method
        that `fit` refuses: whoever shows an estimator asks this, too."""
        names = ("a", "b")
        try:
            methods = methods_of(self._choice())
        except ValueError:
            return False
        return any(list(method.outputs(names)) != list(names) for method in methods)

    # -- applying ------------------------------------------------------------------------------------------------
    def transform(self, X: Any) -> Any:  # noqa: N803
        """X normalized, in the container of `set_output`. Raises ValueError."""
        self._check_fitted()
        with value_errors():
            features = self._features(X)
            view = AsMatrix(features.table, self._columns, order=features.order)
            matrix: Any = api.apply(self.parameters_, view, allow_normalized=True)
        return self._contained(matrix, self.get_feature_names_out, X)

    def inverse_transform(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Restores what `transform` returned, as float64. Raises ValueError."""
        self._check_fitted()
        with value_errors():
            features, names = Features(X, type(self).__name__), self._outputs()
            if features.count != len(names):
                raise fault(f"X has {features.count} columns, and transform returns {len(names)}")
            view = AsMatrix(features.table, names, self._columns, order=features.order)
            matrix: Any = api.apply(self.parameters_, view, inverse=True, dtype="float64", allow_normalized=True)
        return np.asarray(matrix, np.float64)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns of the output. `input_features` are names of those of X, where it has none of its own.
        Raises ValueError for others."""
        self._check_fitted()
        fitted = getattr(self, "feature_names_in_", None)
        names = self._columns if input_features is None else list(input_features)
        if len(names) != self.n_features_in_:
            raise fault("input_features should have length equal to number of features", f"{self.n_features_in_}")
        if fitted is not None and names != list(fitted):
            raise fault("input_features is not equal to feature_names_in_")
        called = dict(zip(self._columns, names, strict=True))
        return np.array([called.get(name, name) for name in self._outputs()], object)

    def _outputs(self) -> list[str]:
        """What the normalized columns are called in parameters."""
        names: Any = api.apply(self.parameters_, Blank(self._columns), allow_normalized=True)
        return list(names)

    def _features(self, X: Any) -> Features:  # noqa: N803
        """X, as that of the fit. Raises ValueError."""
        features = Features(X, type(self).__name__)
        features.check(getattr(self, "feature_names_in_", None), self.n_features_in_, type(self).__name__)
        features.check_numeric()
        return features

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise not_fitted(type(self).__name__)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "parameters_")

    # -- files ---------------------------------------------------------------------------------------------------
    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the parameter file that the command line reads. Raises CannotCreateError, OutputError."""
        self._check_fitted()
        with value_errors():
            self.parameters_.save(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """A fitted estimator, of the parameters in a file. Raises ValueError where they are of groups of rows."""
        with value_errors():
            parameters = api.load(path)
            if parameters.by:
                raise UsageError(f"{os.fspath(path)}: was fitted --by columns", "normcli.apply takes tables with these")
        method, options = method_and_options(parameters)
        estimator = cls(method, **options)
        estimator.parameters_, estimator._columns = parameters, list(parameters.needs())
        estimator.n_features_in_ = len(estimator._columns)
        if estimator._columns != [f"x{j}" for j in range(estimator.n_features_in_)]:
            estimator.feature_names_in_ = np.array(estimator._columns, object)
        return estimator
