"""psi: the population stability index, over fitted deciles."""

import numpy as np
from numpy.typing import NDArray

from normcli.blocks.record import Array
from normcli.drift import bounds
from normcli.drift.measures import Measure
from normcli.drift.shapes import EPSILON, Shapes, of_shapes
from normcli.stats.quantiles import SURE

ORDER = 7
BINS = 10
SKETCH = 2.0  # times the error of ranks: what a sketch adds to the deviation of shares


def distance(shapes: Shapes) -> Array:
    """(columns,) Σ (p − q)·ln(p/q) over bins; NaN where there is one bin."""
    edges = _edges(shapes)
    bins = edges.sum(axis=-1, keepdims=True) + 1
    fitted = _smoothed(_shares(shapes.upto, edges), shapes.fitted, shapes, bins)
    new = _smoothed(_shares(shapes.new_upto, edges), shapes.data, shapes, bins)
    terms = np.where(np.arange(fitted.shape[-1]) < bins, (new - fitted) * np.log(new / fitted), 0.0)
    return np.where(bins[..., 0] > 1, terms.sum(axis=-1), np.nan)


def floor(shapes: Shapes, alpha: float) -> Array:
    """(columns,) h·χ² with a degree of freedom fewer than there are bins: its mean is (B − 1)·h."""
    freedom = _edges(shapes).sum(axis=-1)
    return np.asarray((shapes.h + (SKETCH * shapes.error) ** 2) * bounds.chi_squared(alpha, freedom))


def _edges(shapes: Shapes) -> NDArray[np.bool_]:
    """(columns, cuts) whether a bin ends with a cut: at a decile, and at a value with a tenth of the mass and before
    it. The last bin is open, and none is empty in the fit."""
    edges = np.zeros(shapes.cuts.shape, np.bool_)
    for decile in range(1, BINS):
        np.put_along_axis(edges, shapes.place(decile / BINS)[..., None], True, -1)
    heavy = shapes.shares >= 1 / BINS - EPSILON
    edges |= heavy
    edges[..., :-1] |= heavy[..., 1:]
    return edges & (shapes.upto > 0.0) & (shapes.upto < 1.0 - EPSILON)


def _shares(upto: Array, edges: NDArray[np.bool_]) -> Array:
    """(columns, bins) between edges; 0 in bins that a column does not have."""
    most = int(edges.sum(axis=-1).max(initial=0))
    order = np.argsort(~edges, axis=-1, kind="stable")[..., :most]
    ends = np.where(np.take_along_axis(edges, order, -1), np.take_along_axis(upto, order, -1), 1.0)
    first, last = np.zeros((*ends.shape[:-1], 1)), np.ones((*ends.shape[:-1], 1))
    return np.diff(np.concatenate([first, ends, last], axis=-1), axis=-1)


def _smoothed(shares: Array, count: Array, shapes: Shapes, bins: NDArray[np.int_]) -> Array:
    """(columns, bins) shares none of which is 0: with half a row more in each bin, or half an item, where new data are
    known from a sketch alone, of which the shares of thin bins are wrong by a factor of two."""
    more = np.maximum(0.5 / count, 0.5 * shapes.data_error / SURE)[..., None]
    return np.asarray((shares + more) / (1.0 + bins * more))


MEASURE = Measure(
    key="psi", limit="max_psi", value=of_shapes(distance), floor=of_shapes(floor), form=".3g", words="PSI {}",
    of_shape=True,
)  # fmt: skip
