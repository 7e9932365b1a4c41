"""wasserstein: the mean distance by which values are moved, within the fitted 0.5–99.5 %, in robust deviations."""

import numpy as np

from normcli.blocks.record import Array
from normcli.drift import bounds
from normcli.drift.measures import Measure
from normcli.drift.shapes import Shapes, of_shapes

ORDER = 6
RANGE = (0.005, 0.995)
UNIT = (0.025, 0.975)
DEVIATIONS = 3.92  # between these, of a normal distribution
LEAST = 3.0  # deviations by chance that the floor allows, at least


def distance(shapes: Shapes) -> Array:
    """(columns,) the area between both step functions; new values are spread evenly between two cuts."""
    gaps = _gaps(shapes)
    low = shapes.upto[..., :-1] - shapes.new_upto[..., :-1]
    high = shapes.upto[..., :-1] - shapes.new_below[..., 1:]
    crossing = (low * low + high * high) / (2.0 * (np.abs(low) + np.abs(high)))
    height = np.where(low * high < 0.0, crossing, np.abs(low + high) / 2.0)
    return np.asarray((height * gaps).sum(axis=-1))


def floor(shapes: Shapes, alpha: float) -> Array:
    """(columns,) the area where the difference of all shares is as large as that of any may be by chance."""
    z = max(LEAST, bounds.normal(alpha / 2))
    deviation = np.sqrt(np.clip(shapes.upto * (1.0 - shapes.upto), 0.0, None))[..., :-1]
    area = (deviation * _gaps(shapes)).sum(axis=-1)
    return np.asarray((z * np.sqrt(shapes.h) + 2.0 * shapes.error) * area)


def _gaps(shapes: Shapes) -> Array:
    """(columns, cuts − 1) the lengths between cuts within the range, in the unit; NaN where that is 0."""
    low, high = (shapes.quantile(share) for share in RANGE)
    first, last = (shapes.quantile(share) for share in UNIT)
    unit = (last - first) / DEVIATIONS
    gaps = np.diff(np.clip(shapes.cuts, low[..., None], high[..., None]), axis=-1)
    return np.asarray(gaps / np.where(unit > 0.0, unit, np.nan)[..., None])


MEASURE = Measure(
    key="wasserstein", limit="max_wasserstein", value=of_shapes(distance), floor=of_shapes(floor), form=".3g",
    words="Wasserstein {}", of_shape=True,
)  # fmt: skip
