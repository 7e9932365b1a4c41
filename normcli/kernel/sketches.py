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
OF_SAMPLES = ("features", "k", "size", "width", "levels")

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
        *((name, c_uint64) for name in ("room_size", "count", "rows", "k", "capacity", "in_turn", "width", "levels")),
    )


class _Samples(Structure):
    _fields_ = (
        *((name, c_void_p) for name in SAMPLES),
        *((name, c_double) for name in ("position", "share", "share_with_gaps")),
        *((name, c_uint64) for name in OF_SAMPLES),
    )


class Samples:
    """Samples of columns, which are filled in while they are reduced."""

    def __init__(
        self, features: int, size: int, position: int, k: int, shares: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        """Room for `size` values of all columns, of the block at a `position`, and for sketches of k items. Reduced,
        one in 2^h of n values is sampled, which is at most 1 + share·n: of columns without missing values, and with."""
        self._numbers = np.empty((3, features), np.uint64)  # counts, heights and seeds
        self._values, self._items = np.empty(size), np.empty((features, k))
        self._sizes = np.empty((features, LEVELS), np.int64)
        counts, heights, seeds = (_address(self._numbers) + n * self._numbers.strides[0] for n in range(3))
        self._call = _Samples(
            None, None, counts, heights, _address(self._values), _address(self._items), _address(self._sizes), seeds,
            None, position, *shares, features, k,
        )  # fmt: skip

    @property
    def address(self) -> int:
        return addressof(self._call)

    def take(self, columns: Sequence[Array], counts: Sequence[int], heights: Sequence[int]) -> None:
        """Samples columns of which so many values are not NaN: one in 2^height of them."""
        self._numbers[:2] = counts, heights
        columns = list(map(_laid_out, columns))
        lengths = [len(x) for x in columns]
        where = np.array([list(map(_address, columns)), lengths], np.uint64)
        room = np.empty(max((n for n, count in zip(lengths, counts, strict=True) if count < n), default=0))
        call = self._call
        call.columns, call.lengths, call.room = _address(where), _address(where[1]), _address(room)
        kernel = library()
        assert kernel is not None, "who calls has looked"
        status = kernel.nk_sample(byref(call))
        assert status == DONE, "values were counted"

    def sketches(self) -> tuple[Array, Counts]:
        """The items (columns, width) and sizes (columns, levels) of sketches of the columns."""
        kernel = library()
        assert kernel is not None, "it has filled the samples"
        self._sort()
        kernel.nk_halve(byref(self._call))
        return np.ascontiguousarray(self._items[:, : self._call.width]), self._sizes[:, : self._call.levels].copy()

    def _sort(self) -> None:
        """Sorts the sample of each column, with the vectors of the processor: all at once where they are as long."""
        lengths, values = (self._numbers[0] >> self._numbers[1]).tolist(), self._values[: self._call.size]
        if len(set(lengths)) == 1:
            values.reshape(len(lengths), -1).sort(axis=1)
            return
        end = 0
        for length in lengths:
            values[end : end + length].sort()
            end += length


def of_samples(
    columns: Sequence[Array], counts: Sequence[int], heights: Sequence[int], position: int, k: int
) -> tuple[Array, Counts] | None:
    """The items (columns, width) of columns, of which so many values are not NaN, from samples of one in 2^height of
    them, and the sizes (columns, levels). None without the kernel."""
    if library() is None:
        return None
    size = sum(n >> height for n, height in zip(counts, heights, strict=True))
    samples = Samples(len(columns), size, position, k)
    samples.take(columns, counts, heights)
    return samples.sketches()


def merged(parts: Sequence[Arrays], k: int, capacities: Array, *, in_turn: bool = False) -> Arrays | None:
    """The sketches of all parts, row by row, of at most k items each; `capacities` (128,) are those of levels so far
    below the highest. They are merged at once, or `in_turn` one after the other, which are two at least. None without
    the kernel, and for more levels than it has."""
    kernel = library()
    if kernel is None or any(sizes.shape[1] > LEVELS for _, sizes, _ in parts):
        return None
    parts = [(_laid_out(items), _laid_out(sizes), _laid_out(sides)) for items, sizes, sides in parts]
    rows, widths = len(parts[0][0]), [items.shape[1] for items, _, _ in parts]
    capacity = min(k, sum(widths))
    room_size = capacity + max(widths) if in_turn else sum(widths)
    structures = (_Sketches * len(parts))(*(_structure(*part) for part in parts))
    items, room = np.empty((rows, capacity)), np.empty(3 * room_size + 2 * capacity)
    levels, ends = np.empty((2, rows, LEVELS), np.int64), np.empty(len(parts) + 1, np.uint64)
    merge = _Merge(
        addressof(structures), _address(capacities), _address(items), _address(levels[0]), _address(levels[1]),
        _address(room), _address(ends), room_size, len(parts), rows, k, capacity, in_turn,
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
