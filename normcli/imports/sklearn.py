"""sklearn: scalers of scikit-learn, from a .skops file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing

import numpy as np

from normcli.blocks.record import Array
from normcli.errors import BadDataError, UsageError, printable, short
from normcli.imports import Model, Origin, Part, affine, check_features
from normcli.imports._skops import Archive, Node
from normcli.methods.maxabs import MaxAbs
from normcli.methods.minmax import MinMax
from normcli.methods.robust import Robust
from normcli.methods.unit import Unit
from normcli.methods.zscore import ZScore
from normcli.stats.extrema import Extrema
from normcli.stats.moments import Moments

SAME = 1e-9  # of scales, relative
LAST = 10.0 * float(np.finfo(np.float64).eps)  # ranges up to here are those of constants


class Sklearn(Origin, frozen=True, kw_only=True):
    """StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler or Normalizer, or a Pipeline of them. A StandardScaler
    says how many values it has seen, or the sum of their weights: it goes on learning. How many were missing is not
    known, and its rows are the largest count."""

    def read(self, path: str) -> Model:
        with closing(Archive(path)) as archive:
            return _model(archive.root())


def _model(root: Node) -> Model:
    if root.name == "sklearn.pipeline.Pipeline":
        nodes = [entry[1] for entry in root.get("steps") or () if isinstance(entry, list) and len(entry) == 2]
    else:
        nodes = [root]
    if not nodes or not all(isinstance(node, Node) for node in nodes):
        raise BadDataError("its Pipeline has steps that are no scalers", KNOWN)
    first, version = nodes[0], root.get("_sklearn_version")
    features = check_features(_count(first))
    parts = tuple(_part(node, features, alone=len(nodes) == 1) for node in nodes)
    what = " → ".join(node.kind for node in nodes) + " of scikit-learn"
    what += f" {short(version)}" if isinstance(version, str) else ""
    rows = int(parts[0].states[1].count.max()) if parts[0].states else 0  # type: ignore[attr-defined]
    return Model(what, parts, features, _names(first, features), rows)


def _count(node: Node) -> int:
    count = node.get("n_features_in_")
    if type(count) is not int:
        raise BadDataError(f"{node.kind} has no n_features_in_", "is it fitted?")
    return count


def _names(node: Node, features: int) -> tuple[str, ...]:
    names = node.get("feature_names_in_", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadDataError(f"{node.kind}.feature_names_in_ holds other things than names")
    if names and len(names) != features:
        raise BadDataError(f"{node.kind}.feature_names_in_ has {len(names):,} names, not {features:,}")
    return tuple(names)


def _part(node: Node, features: int, *, alone: bool) -> Part:
    """The part of one estimator. Raises BadDataError."""
    read = KINDS.get(node.name)
    if read is None:
        raise BadDataError(f"{printable(short(node.name))} is not read", KNOWN)
    try:
        part = read(node, features)
    except UsageError as e:
        raise BadDataError(f"{node.kind}: {e.message}") from None
    return part if alone else Part(part.method, part.transform)


def _standard(node: Node, features: int) -> Part:
    center, scale = node.flag("with_mean"), node.flag("with_std")
    mean = node.numbers("mean_", features) if center else np.zeros(features)
    by = node.numbers("scale_", features) if scale else np.ones(features)
    known = _moments(node, features) if (center or scale) and "n_samples_seen_" in node and "var_" in node else None
    learned = affine(mean, by)
    for ddof in (0, 1):
        method = ZScore(ddof=ddof if scale else 0, center=center, scale=scale)
        if known is not None and _is_deviation(by, known, ddof, used=scale):
            return Part(method, learned, (Extrema().unknown(features), known))
    return Part(ZScore(center=center, scale=scale), learned)


def _moments(node: Node, features: int) -> Moments | None:
    """The state that is behind a StandardScaler; None where it does not say all of it."""
    seen = node.get("n_samples_seen_")
    counts = (
        np.full(features, float(seen)) if isinstance(seen, int | float) else node.numbers("n_samples_seen_", features)
    )
    if node.get("mean_") is None or node.get("var_") is None:
        return None
    mean, variance = node.numbers("mean_", features), node.numbers("var_", features)
    present = counts > 0
    if not (np.isfinite(counts) & (counts >= 0) & (counts == np.rint(counts)) & (counts < 2.0**53)).all():
        raise BadDataError("StandardScaler.n_samples_seen_ are no counts")
    if not (np.isfinite(mean) & (variance >= 0.0) & np.isfinite(variance * counts))[present].all():
        raise BadDataError("StandardScaler.mean_ and var_ are not finite, or negative")
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
    ends = node.get("feature_range")
    if not isinstance(ends, list) or len(ends) != 2 or not all(type(x) in (int, float) for x in ends):
        raise BadDataError("MinMaxScaler.feature_range is no pair of numbers")
    low, high = map(float, ends)
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
    ends = node.get("quantile_range")
    if not isinstance(ends, list) or len(ends) != 2 or not all(type(x) in (int, float) for x in ends):
        raise BadDataError("RobustScaler.quantile_range is no pair of numbers")
    low, high = (float(x) / 100.0 for x in ends)
    method = Robust(quantiles=(low, high), unit_variance=node.flag("unit_variance"))
    method.check_options()
    center = node.numbers("center_", features) if node.flag("with_centering") else np.zeros(features)
    scale = node.numbers("scale_", features) if node.flag("with_scaling") else np.ones(features)
    return Part(method, affine(center, scale))


def _normalizer(node: Node, features: int) -> Part:
    norm = node.get("norm")
    if norm not in ("l1", "l2", "max"):
        raise BadDataError("Normalizer.norm is none of l1, l2, max")
    method = Unit(norm=norm)
    return Part(method, method.learn(None))  # type: ignore[arg-type]


KINDS: Mapping[str, Callable[[Node, int], Part]] = {
    f"sklearn.preprocessing._data.{name}": read
    for name, read in {
        "StandardScaler": _standard,
        "MinMaxScaler": _min_max,
        "MaxAbsScaler": _max_abs,
        "RobustScaler": _robust,
        "Normalizer": _normalizer,
    }.items()
}
KNOWN = f"known are {', '.join(name.rpartition('.')[2] for name in KINDS)}, and a Pipeline of them"
