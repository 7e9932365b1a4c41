"""Sums of products of columns, by the native kernel: structures and calls of kernel.h."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import Structure, byref, c_double, c_uint32, c_uint64, c_void_p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normcli.kernel import library

DONE = 0  # nk_status
PANEL = 8  # a stride is a multiple of it
LINE_OF_CACHE = 64  # bytes

Array = NDArray[np.float64]


class _Comoments(Structure):
    _fields_ = (
        *((name, c_void_p) for name in ("columns", "weights", "means", "means_low", "products", "products_low")),
        ("room", c_void_p),
        *((name, c_uint64) for name in ("room_size", "rows", "stride")), ("count", c_double), ("features", c_uint32),
        ("lanes", c_uint32),
    )  # fmt: skip


def comoments(
    columns: Sequence[Array], weights: Array | None, count: float, near: Array, *, lanes: int = 0
) -> tuple[Array, Array, Array, Array] | None:
    """Of columns (rows,), contiguous, and the sum of their weights: the means (features,) and the co-products
    (features, features), each as hi and lo. `near` (features,) is any point near the values. None without the kernel,
    or where the processor has no fused multiply-adds; with `lanes`, no vectors of so many doubles."""
    kernel = library()
    if kernel is None:
        return None
    features, rows = len(columns), len(columns[0]) if columns else 0
    stride = -(-features // PANEL) * PANEL
    pointers = np.array([x.ctypes.data for x in columns], np.uintp)
    means, products = np.zeros((2, stride)), _aligned((2, stride, stride))
    means[0, :features] = near
    call = _Comoments(
        pointers.ctypes.data, None if weights is None else weights.ctypes.data,
        *(a.ctypes.data for a in (*means, *products)), rows=rows, stride=stride, count=count, features=features,
        lanes=lanes,
    )  # fmt: skip
    call.room_size = kernel.nk_comoments_room(byref(call))
    room = _aligned((call.room_size,))
    call.room = room.ctypes.data
    if kernel.nk_find_comoments(byref(call)) != DONE:
        return None
    mean, low = means[:, :features]
    hi, lo = products[:, :features, :features]
    return mean, low, hi, lo


def _aligned(shape: tuple[int, ...]) -> Any:
    """Zeros, from where a line of the cache begins."""
    size = int(np.prod(shape))
    zeros = np.zeros(size + LINE_OF_CACHE // 8)
    start = -zeros.ctypes.data % LINE_OF_CACHE // 8
    return zeros[start : start + size].reshape(shape)
