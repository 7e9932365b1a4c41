"""Small histograms of columns from their sketches, for tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from normcli.blocks.record import Array
    from normcli.parameters.sketches import ColumnSketches

BINS = 8
ENDS = 0.01, 0.99  # of values between which bins lie; what is beyond is in the first and the last


def histograms(sketches: ColumnSketches | None, names: Iterable[str]) -> dict[str, tuple[float, ...]]:
    """Of each of these columns that has a sketch and values: the shares of its values in bins of equal width, relative
    to the fullest bin. A single one of a column that has one value."""
    known = () if sketches is None else sketches.names
    items = ((name, sketches.weighted(name)) for name in names if sketches is not None and name in known)
    return {name: heights(*pair) for name, pair in items if len(pair[0])}


def heights(values: Array, weights: Array) -> tuple[float, ...]:
    """The same of sorted values (n,), at least one, with weights (n,)."""
    ranks = (np.cumsum(weights) - weights / 2) / weights.sum()
    low, high = (float(values[np.searchsorted(ranks, share).clip(0, len(values) - 1)]) for share in ENDS)
    if low == high:
        low, high = float(values[0]), float(values[-1])
    if low == high:
        return (1.0,)
    scale = 1.0 if np.isfinite(high - low) else 0.5
    places = (np.clip(values, low, high) * scale - low * scale) / (high * scale - low * scale)
    counts = np.bincount(np.clip((places * BINS).astype(int), 0, BINS - 1), weights, BINS)
    return tuple((counts / counts.max()).tolist())
