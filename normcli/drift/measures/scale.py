"""scale: the ratio of the distances between the first and the last decile; of deviations where no deciles are known."""

import numpy as np

from normcli.blocks.record import Array
from normcli.drift import bounds
from normcli.drift.measures import Measure, Pair
from normcli.drift.shapes import Shapes

ORDER = 2
DECILES = (0.1, 0.9)
NORMAL = 3.0  # kurtosis


def value(pair: Pair) -> Array:
    """(columns,) new by fitted; NaN where most values are equal, so that there is no distance."""
    if pair.shapes is None:
        was, now = pair.fitted["std"], pair.data["std"]
        return np.where((was == 0.0) & (now == 0.0), 1.0, now / was)
    distance = _distance(pair.shapes, *DECILES)
    new = pair.shapes.new_quantile(DECILES[1]) - pair.shapes.new_quantile(DECILES[0])
    return np.where((distance > 0.0) & np.isfinite(distance), new / distance, np.nan)


def floor(pair: Pair, alpha: float) -> Array:
    """(columns,) by the ranks between which each decile may lie: the greatest ratio of distances between these ranks.
    Infinite where the deciles may lie beyond the fitted values."""
    if pair.shapes is None:
        return _of_deviations(pair, alpha)
    shapes, least = pair.shapes, 1.0 / pair.shapes.fitted  # a share of less than a row is unknown
    intervals = (bounds.share_between(alpha / 4, share, shapes.h) for share in DECILES)
    (low, low_inner), (high_inner, high) = ((a - shapes.error, b + shapes.error) for a, b in intervals)
    known = (low >= least) & (high <= 1.0 - least)
    distance, inner = _distance(shapes, *DECILES), _distance(shapes, low_inner, high_inner)
    wider = np.where(known, _distance(shapes, low, high), np.inf) / distance
    narrower = np.where(inner > 0.0, distance / inner, np.inf)
    return np.where(distance > 0.0, np.maximum(wider, narrower), np.nan)


def _of_deviations(pair: Pair, alpha: float) -> Array:
    """(columns,) by the deviation of squares of values of a variance v within r of the mean, at most r·√v: tails are
    taken to be as heavy as both samples permit. Where r is unknown, values are taken to be normal. Infinite for
    narrower data where so few rows may lack the tail altogether."""
    (n, m), was, now = pair.rows, pair.fitted, pair.data
    narrower = now["std"] < was["std"]
    all_rows = (n * was["std"] ** 2 + m * now["std"] ** 2) / (n + m)
    variance = np.where(narrower, was["std"] ** 2, all_rows)
    reach = np.fmax.reduce([np.fmax(of["max"] - of["mean"], of["mean"] - of["min"]) for of in (was, now)])
    kurtosis = np.where(np.isfinite(reach), np.fmax(reach * reach / variance, NORMAL), NORMAL)
    change = bounds.normal(alpha / 2) * np.sqrt((kurtosis - 1.0) * bounds.inverse_counts(n - 1, m - 1))
    least = np.where(change < 1.0, 1.0 / np.sqrt(1.0 - np.minimum(change, 1.0)), np.inf)
    return np.where(narrower, least, np.exp(change / 2))


def _distance(shapes: Shapes, low: Array | float, high: Array | float) -> Array:
    return np.asarray(shapes.quantile(high) - shapes.quantile(low))


def _size(ratio: Array) -> Array:
    return np.asarray(np.maximum(ratio, 1.0 / ratio))


MEASURE = Measure(
    key="scale_ratio",
    limit="max_scale_ratio",
    value=value,
    floor=floor,
    form=".3g",
    words="scale {}",
    size=_size,
    is_ratio=True,
)
