"""Values between cuts by the native kernel: structures and calls of kernel.h."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import Structure, addressof, byref, c_double, c_uint64, c_void_p

import numpy as np
from numpy.typing import NDArray

from normcli.kernel import library
from normcli.kernel.columns import pointers

CELLS = 4096  # NK_CELLS
MOST = 65534  # NK_MOST_CUTS

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


class _Cuts(Structure):
    _fields_ = (
        *((name, c_void_p) for name in ("cuts", "first", "with_cuts")),
        ("low", c_double), ("scale", c_double), ("count", c_uint64),
    )  # fmt: skip


class _Counts(Structure):
    _fields_ = (
        ("counts", c_void_p), ("room", c_void_p),
        *((name, c_uint64) for name in ("rows", "features", "stride")),
    )  # fmt: skip


class CutCells:
    """The cuts of columns, and the cells in which they lie. Used by any number of threads."""

    def __init__(self, cuts: Sequence[Array]) -> None:
        """Of ascending cuts, at most `MOST` of a column; a column without any is not counted."""
        kernel = library()
        assert kernel is not None, "who calls has looked"
        self._padded = [np.concatenate([at, [np.nan, np.nan]]) for at in cuts]
        self._first = np.empty((len(cuts), CELLS), np.uint16)
        self._with_cuts = np.empty((len(cuts), CELLS), np.uint8)
        self._cuts = (_Cuts * len(cuts))()
        self._stride = 3 + 2 * max(map(len, cuts), default=0)
        parts = zip(self._cuts, cuts, self._padded, self._first, self._with_cuts, strict=True)
        for structure, at, *arrays in parts:
            structure.count = len(at)
            structure.cuts, structure.first, structure.with_cuts = (_address(a) for a in arrays)
            if len(at):
                kernel.nk_lay_cuts(byref(structure))

    def counts(self, columns: Sequence[Array]) -> Counts:
        """(columns, 1 + 2 * cuts) how many values but NaN of contiguous columns (rows,) lie below the first cut, how
        many are equal to it, how many lie between it and the second, and so on; 0 for cuts that a column lacks."""
        kernel = library()
        assert kernel is not None, "it has laid the cells"
        counts, room = np.zeros((len(columns), self._stride), np.int64), np.empty(CELLS, np.uint32)
        rows, where = len(columns[0]) if columns else 0, pointers(columns)
        call = _Counts(_address(counts), _address(room), rows, len(columns), self._stride)
        kernel.nk_count_between(addressof(self._cuts), _address(where), byref(call))
        return counts[:, :-2]


def _address(array: NDArray[np.generic]) -> int:
    address, _ = array.__array_interface__["data"]
    return int(address)
