"""ks: the greatest difference of the shares up to a value (Kolmogorov and Smirnov)."""

import math

import numpy as np

from normcli.blocks.record import Array
from normcli.drift.measures import Measure
from normcli.drift.shapes import Shapes, of_shapes

ORDER = 5


def distance(shapes: Shapes) -> Array:
    """(columns,) of step functions, attained at a cut or just below one: between two cuts the fitted share is constant,
    and that of new values ascends."""
    at, below = np.abs(shapes.upto - shapes.new_upto), np.abs(shapes.below - shapes.new_below)
    return np.asarray(np.maximum(at, below).max(axis=-1))


def floor(shapes: Shapes, alpha: float) -> Array:
    """(columns,) by the inequality of Dvoretzky, Kiefer and Wolfowitz."""
    return np.asarray(np.sqrt(math.log(2 / alpha) / 2 * shapes.h) + shapes.error)


MEASURE = Measure(
    key="ks", limit="max_ks", value=of_shapes(distance), floor=of_shapes(floor), form=".3g", words="KS {}",
    of_shape=True,
)  # fmt: skip
