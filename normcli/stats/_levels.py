"""Vectorized access to the levels of many sketches: by slices if all rows have equally many items, else by masks."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from normcli.blocks.record import Array

Counts = NDArray[np.int64]
Level = tuple[Array, Counts]  # items (rows, width), sorted and padded with +inf; sizes (rows,)


def levels_of(items: Array, sizes: Counts) -> Iterator[Level]:
    """The levels of sketches, whose items are stored level after level."""
    start = np.zeros(len(sizes), np.int64)
    for count in sizes.T:
        yield _level(items, start, count), count
        start = start + count


def _level(items: Array, start: Counts, count: Counts) -> Array:
    """(rows, width) `count` (rows,) items of each row from `start` (rows,), padded with +inf."""
    span, where = _place(start, count)
    if where is None:
        return items[:, span]
    out = np.full((len(items), count.max()), np.inf)
    out[first(count, out.shape[1])] = items[:, span][where]
    return out


def put(items: Array, start: Counts, level: Level) -> None:
    """Writes the items of a level into each row, from `start` (rows,) on."""
    held, count = level
    span, where = _place(start, count)
    if where is None:
        items[:, span] = held[:, : span.stop - span.start]
    else:
        items[:, span][where] = held[first(count, held.shape[1])]


def _place(start: Counts, count: Counts) -> tuple[slice, NDArray[np.bool_] | None]:
    """The columns of the items of a level, and the mask of those of each row within them; None: all, as for columns
    without missing values."""
    if not count.any():
        return slice(0, 0), None
    span = slice(int(start.min()), int((start + count).max()))
    if (count == span.stop - span.start).all():
        return span, None
    start, width = start - span.start, span.stop - span.start
    return span, first(start + count, width) & ~first(start, width)


def first(count: Counts, width: int) -> NDArray[np.bool_]:
    """Mask (rows, width) of the first `count` (rows,) places of each row."""
    return np.arange(width, dtype=np.int32) < count[:, None].astype(np.int32)


def together(*runs: Level) -> Level:
    """Sorted runs of a level, merged."""
    full = [run for run in runs if run[1].any()] or [runs[0]]
    if len(full) == 1:
        return full[0]
    items, counts = zip(*full, strict=True)
    count = np.sum(counts, axis=0)
    return np.sort(np.concatenate(items, axis=1), axis=1)[:, : count.max()], count


def compacted(level: Level, which: NDArray[np.bool_], side: NDArray[np.bool_]) -> tuple[Level, Level]:
    """The items that stay in a level, and those that move up: one of each pair, in the rows to compact; the last of an
    odd number stays."""
    items, count = level
    if not which.any():
        return level, nothing(len(count))
    odd, pairs = which & (count % 2 == 1), np.where(which, count // 2, 0)
    even = items[:, : items.shape[1] & ~1]
    up = np.where(side[:, None], even[:, 1::2], even[:, ::2])
    up = up if (pairs == up.shape[1]).all() else np.where(first(pairs, up.shape[1]), up, np.inf)
    stay = np.where(which[:, None], np.inf, items)
    stay[odd, 0] = items[odd, count[odd] - 1]
    return (stay, np.where(which, odd, count)), (up, pairs)


def nothing(rows: int) -> Level:
    return np.empty((rows, 0)), np.zeros(rows, np.int64)
