"""Quantile sketches of columns, and merges of them, by the native kernel: structures and calls of kernel.h."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import Structure, addressof, byref, c_double, c_uint64, c_void_p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normcli.kernel import library

DONE = 0  # NK_DONE
LEVELS = 128  # NK_LEVELS
SAMPLES = ("columns", "lengths", "counts", "heights", "sample", "items", "sizes", "seeds", "room")

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
Arrays = tuple[Array, Counts, Counts]  # (rows, width) items; (rows, levels) sizes and sides


class _Sketches(Structure):
    _fields_ = (
        ("items", c_void_p), ("sizes", c_void_p), ("sides", c_void_p), ("width", c_uint64), ("levels", c_uint64)
    )  # fmt: skip


class _Merge(Structure):
    _fields_ = (
        *((name, c_void_p) for name in ("parts", "capacities", "items", "sizes", "sides", "room", "ends")),
        *((name, c_uint64) for name in ("room_size", "count", "rows", "k", "capacity", "width", "levels")),
    )


class _Samples(Structure):
    _fields_ = (
        *((name, c_void_p) for name in SAMPLES),
        ("position", c_double),
        *((name, c_uint64) for name in ("features", "stride", "k", "width", "levels")),
    )


def of_samples(
    columns: Sequence[Array], counts: Sequence[int], heights: Sequence[int], position: int, k: int
) -> tuple[Array, Counts] | None:
    """The items (columns, width) of columns, of which so many values are not NaN, from samples of one in 2^height of
    them, and the sizes (columns, levels). None without the kernel."""
    kernel = library()
    if kernel is None:
        return None
    columns = list(map(_laid_out, columns))
    lengths = [len(x) for x in columns]
    numbers = np.array([list(map(_address, columns)), lengths, counts, heights, [0] * len(columns)], np.uint64)
    where, of_lengths, of_counts, of_heights, seeds = (_address(row) for row in numbers)
    stride = max((n >> h for n, h in zip(counts, heights, strict=True)), default=0)
    sample, items = np.empty((len(columns), stride)), np.empty((len(columns), k))
    sizes = np.empty((len(columns), LEVELS), np.int64)
    room = np.empty(max((n for n, count in zip(lengths, counts, strict=True) if count < n), default=0))
    samples = _Samples(
        where, of_lengths, of_counts, of_heights, _address(sample), _address(items), _address(sizes), seeds,
        _address(room), position, len(columns), stride, k,
    )  # fmt: skip
    status = kernel.nk_sample(byref(samples))
    assert status == DONE, "values were counted"
    sample.sort(axis=1)  # with the vectors of the processor
    kernel.nk_halve(byref(samples))
    return np.ascontiguousarray(items[:, : samples.width]), sizes[:, : samples.levels].copy()


def merged(parts: Sequence[Arrays], k: int, capacities: Array) -> Arrays | None:
    """The sketches of all parts, row by row, of at most k items each; `capacities` (128,) are those of levels so far
    below the highest. None without the kernel, and for more levels than it has."""
    kernel = library()
    if kernel is None or any(sizes.shape[1] > LEVELS for _, sizes, _ in parts):
        return None
    parts = [(_laid_out(items), _laid_out(sizes), _laid_out(sides)) for items, sizes, sides in parts]
    rows, room_size = len(parts[0][0]), sum(items.shape[1] for items, _, _ in parts)
    structures = (_Sketches * len(parts))(*(_structure(*part) for part in parts))
    items, room = np.empty((rows, min(k, room_size))), np.empty(3 * room_size)
    levels, ends = np.empty((2, rows, LEVELS), np.int64), np.empty(len(parts) + 1, np.uint64)
    merge = _Merge(
        addressof(structures), _address(capacities), _address(items), _address(levels[0]), _address(levels[1]),
        _address(room), _address(ends), room_size, len(parts), rows, k, items.shape[1],
    )  # fmt: skip
    if kernel.nk_merge_sketches(byref(merge)) != DONE:
        return None
    sizes, sides = levels[:, :, : merge.levels].copy()
    return np.ascontiguousarray(items[:, : merge.width]), sizes, sides


def _structure(items: Array, sizes: Counts, sides: Counts) -> _Sketches:
    return _Sketches(_address(items), _address(sizes), _address(sides), items.shape[1], sizes.shape[1])


def _laid_out(array: NDArray[Any]) -> NDArray[Any]:
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def _address(array: NDArray[Any]) -> int:
    address, _ = array.__array_interface__["data"]
    return int(address)
