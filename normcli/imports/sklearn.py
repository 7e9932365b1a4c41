"""sklearn: scalers of scikit-learn, from a .skops file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from msgspec.structs import replace

from normcli.errors import BadDataError, short
from normcli.imports import Feature, Model, Origin, Part, check_features
from normcli.imports._estimators import FUNCTION, KNOWN, part
from normcli.imports._skops import Archive, Node
from normcli.stats.moments import Moments
from normcli.transforms.linear import Linear

PIPELINE, COLUMNS = "sklearn.pipeline.Pipeline", "sklearn.compose._column_transformer.ColumnTransformer"
WRITTEN = re.compile(r"[a-z0-9_]+-\d+|order")  # what `normcli export` calls the steps of a Pipeline
DEEPEST = 8  # pipelines and column transformers in one another


class Sklearn(Origin, frozen=True, kw_only=True):
    """StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, Normalizer, QuantileTransformer, PowerTransformer, PCA,
    SimpleImputer, a FunctionTransformer of numpy's arcsinh or log1p, and Pipeline and ColumnTransformer of them, whose
    columns keep their places. A StandardScaler says how many values it has seen, or the sum of their weights: it goes
    on learning. How many were missing is not known, and its rows are the largest count."""

    def read(self, path: str) -> Model:
        with closing(Archive(path)) as archive:
            return _model(archive.root())


def _model(root: Node) -> Model:
    first = _first(root, 0)
    features = check_features(first.count("n_features_in_"))
    reading = _Reading()
    reading.read(root, tuple(range(features)), 0)
    parts = reading.parts
    if not parts:
        raise BadDataError("nothing in it changes any column", KNOWN)
    if len(parts) > 1:
        parts = [replace(of, states=()) for of in parts]
    version = root.get("_sklearn_version")
    what = f"{' → '.join(reading.kinds)} of scikit-learn"
    what += f" {short(version)}" if isinstance(version, str) else ""
    counts = [state.count.max() for state in parts[0].states if isinstance(state, Moments)]
    names, rows = _names(first, features), int(max(counts, default=0))
    return Model(what, tuple(parts), features, names, rows, _order(root, parts, features))


def _order(root: Node, parts: list[Part], features: int) -> tuple[int, ...]:
    """The order of columns in a table where `normcli export` has written the Pipeline, which takes them as its steps
    name them: that of the first step that takes them all; () where there is none, and for that of the features."""
    names = [step[0] for step in _pairs(root)] if root.name == PIPELINE else []
    if not names or not all(isinstance(name, str) and WRITTEN.fullmatch(name) for name in names):
        return ()
    orders = [tuple(j for j in part.features or () if isinstance(j, int)) for part in parts]
    return next((order for order in orders if len(order) == features), ())


def _first(node: Node, depth: int) -> Node:
    """The estimator that is given the data: of a pipeline, that of its first step that is one."""
    if node.name != PIPELINE or depth > DEEPEST:
        return node
    return next((_first(step, depth + 1) for step in _steps(node) if isinstance(step, Node)), node)


def _names(node: Node, features: int) -> tuple[str, ...]:
    names = node.get("feature_names_in_", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadDataError(f"{node.kind}.feature_names_in_ holds other things than names")
    if names and len(names) != features:
        raise BadDataError(f"{node.kind}.feature_names_in_ has {len(names):,} names, not {features:,}")
    return tuple(names)


class _Reading:
    """The parts of an estimator, and the kinds of those that they come from."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.kinds: list[str] = []

    def read(self, node: Any, given: tuple[Feature, ...], depth: int) -> tuple[Feature, ...]:
        """Adds the parts of an estimator of the features `given`, and returns those that it gives. Raises
        BadDataError."""
        if node == "passthrough" or node is None or _is_identity(node):
            return given
        if not isinstance(node, Node) or depth > DEEPEST:
            raise BadDataError("it has steps that are no estimators, or too many in one another", KNOWN)
        if node.name == PIPELINE:
            for step in _steps(node):
                given = self.read(step, given, depth + 1)
            return given
        if node.name == COLUMNS:
            gives = [self.read(of, tuple(given[j] for j in at), depth + 1) for of, at in _columns(node, len(given))]
            return _unequal(tuple(feature for some in gives for feature in some))
        learned = part(node, len(given))
        self.parts.append(replace(learned, features=given))
        self.kinds.append(node.kind)
        return _unequal(learned.transform.outputs([""] * len(given)) if _gives_components(learned) else given)


def _gives_components(learned: Part) -> bool:
    return isinstance(learned.transform, Linear)


def _unequal(features: tuple[Feature, ...]) -> tuple[Feature, ...]:
    """Features, none of them twice. Raises BadDataError."""
    if len(set(features)) < len(features):
        raise BadDataError("two steps of it give components of the same name", "save each alone")
    return features


def _is_identity(node: Any) -> bool:
    return isinstance(node, Node) and node.name == FUNCTION and node.get("func") is None


def _steps(pipeline: Node) -> list[Any]:
    return [step[1] for step in _pairs(pipeline)]


def _pairs(pipeline: Node) -> list[list[Any]]:
    steps = pipeline.get("steps")
    if not isinstance(steps, list) or not all(isinstance(step, list) and len(step) == 2 for step in steps):
        raise BadDataError("Pipeline.steps are no pairs of a name and an estimator")
    return steps


def _columns(node: Node, count: int) -> Iterator[tuple[Any, list[int]]]:
    """The estimators of a ColumnTransformer, and the places of their columns. Raises BadDataError."""
    entries, places = node.get("transformers_"), node.get("_transformer_to_input_indices")
    if not isinstance(entries, list) or not isinstance(places, dict):
        raise BadDataError("ColumnTransformer has no transformers_", "is it fitted?")
    if node.get("transformer_weights") is not None:
        raise BadDataError("ColumnTransformer with transformer_weights is not read", "save its estimators alone")
    free = set(range(count))
    for entry in entries:
        if not isinstance(entry, list) or len(entry) != 3 or not isinstance(entry[0], str):
            raise BadDataError("ColumnTransformer.transformers_ are no triples of a name, an estimator and columns")
        at = places.get(entry[0])
        if not isinstance(at, list) or not all(type(j) is int for j in at) or len(set(at)) < len(at):
            raise BadDataError(f"ColumnTransformer: the columns of '{short(entry[0])}' are not known")
        if not free.issuperset(at):
            raise BadDataError(f"ColumnTransformer: '{short(entry[0])}' shares columns", "save its estimators alone")
        free.difference_update(at)
        if entry[1] != "drop" and at:
            yield entry[1], at
