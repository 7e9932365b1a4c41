"""An estimator: normcli's methods in scikit-learn's pipelines, by its conventions and without importing it."""

from normcli.estimator.normalizer import Normalizer

__all__ = ["Normalizer"]
