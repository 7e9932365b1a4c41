"""Small histograms of columns from their sketches, for tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from normcli.blocks.record import Array
    from normcli.parameters.sketches import ColumnSketches

BINS = 8
SHARES = 0.01, 0.99  # of values between which bins lie; what is beyond is in the first and the last


def histograms(sketches: ColumnSketches, names: Iterable[str]) -> dict[str, tuple[float, ...]]:
    """Of each of these columns that has a sketch and values: the shares of its values in bins of equal width, relative
    to the fullest bin. A single one of a column that has one value."""
    items = ((name, sketches.weighted(name)) for name in names if name in sketches.names)
    return {name: heights(*pair) for name, pair in items if len(pair[0])}


def compared(sketches: ColumnSketches, fitted: ColumnSketches) -> dict[str, tuple[float, ...]]:
    """The same of new data, in the bins of the fitted ones, the first and the last of which have what is beyond."""
    pairs = ((name, sketches.weighted(name), fitted.weighted(name)) for name in sketches.names if name in fitted.names)
    return {name: heights(*now, ends(*then) if len(then[0]) else None) for name, now, then in pairs if len(now[0])}


def heights(values: Array, weights: Array, between: tuple[float, float] | None = None) -> tuple[float, ...]:
    """The same of sorted values (n,), at least one, with weights (n,), in bins `between` these ends, or its own."""
    low, high = between or (0.0, 0.0)
    if low == high:
        low, high = ends(values, weights)
    if low == high:
        return (1.0,)
    scale = 1.0 if np.isfinite(high - low) else 0.5
    places = (np.clip(values, low, high) * scale - low * scale) / (high * scale - low * scale)
    counts = np.bincount(np.clip((places * BINS).astype(int), 0, BINS - 1), weights, BINS)
    return tuple((counts / counts.max()).tolist())


def ends(values: Array, weights: Array) -> tuple[float, float]:
    """The ends of the bins of sorted values (n,), at least one, with weights (n,); equal where they all are."""
    ranks = (np.cumsum(weights) - weights / 2) / weights.sum()
    low, high = (float(values[np.searchsorted(ranks, share).clip(0, len(values) - 1)]) for share in SHARES)
    return (low, high) if low < high else (float(values[0]), float(values[-1]))
