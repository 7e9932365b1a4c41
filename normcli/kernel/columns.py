"""Reductions of columns by the native kernel: structures and calls of kernel.h."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import Structure, byref, c_uint32, c_uint64, c_void_p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normcli.kernel import library
from normcli.kernel.sketches import Samples

ARRAYS = ("counts", "sums", "least", "greatest", "centers", "deviations", "squares")  # (features,)

Array = NDArray[np.float64]
Pointers = NDArray[np.uintp]


class _Columns(Structure):
    _fields_ = (
        *((name, c_void_p) for name in ("columns", "room", *ARRAYS, "samples")),
        ("rows", c_uint64), ("features", c_uint32), ("lanes", c_uint32),
    )  # fmt: skip


def pointers(columns: Sequence[Array]) -> Pointers:
    """Where columns are in memory: they must be contiguous, and stay there."""
    return np.array([_address(x) for x in columns], np.uintp)


def reductions(columns: Pointers, rows: int, samples: Samples | None = None, *, lanes: int = 0) -> Array | None:
    """(7, features) reductions of columns (rows,): the number of values but NaN, their sum, the least and the greatest
    (NaN where one is 0 and there is a -0), the mean, and the sums of deviations from it and of their squares; and into
    `samples`, if there are any, samples of them. None without the kernel."""
    kernel = library()
    if kernel is None:
        return None
    out, room = np.empty((len(ARRAYS), len(columns))), np.empty(rows)
    call = _call(columns, room, out, lanes)
    call.samples = samples.address if samples else None
    kernel.nk_reduce(byref(call))
    return out


def deviations(columns: Pointers, rows: int, counts: Array, centers: Array, *, lanes: int = 0) -> tuple[Array, Array]:
    """(features,) the sums of deviations from other centers (features,), and of their squares; counts are those of
    `reductions`."""
    kernel = library()
    assert kernel is not None, "it has counted the values"
    out, room = np.empty((len(ARRAYS), len(columns))), np.empty(rows)
    out[0], out[4] = counts, centers
    kernel.nk_reduce_deviations(byref(_call(columns, room, out, lanes)))
    return out[5], out[6]


def present(x: Array) -> Array | None:
    """(n,) the values of a contiguous column (rows,) but NaN; None without the kernel."""
    kernel = library()
    if kernel is None:
        return None
    values = np.empty(len(x))
    return values[: kernel.nk_present(_address(x), len(x), _address(values))]


def _call(columns: Pointers, room: Array, out: Array, lanes: int) -> _Columns:
    """With the rows of `out` (7, features) as arrays."""
    arrays = (_address(out) + n * out.strides[0] for n in range(len(out)))
    return _Columns(_address(columns), _address(room), *arrays, None, len(room), len(columns), lanes)


def _address(array: NDArray[Any]) -> int:
    address, _ = array.__array_interface__["data"]
    return int(address)
