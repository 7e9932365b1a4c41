"""Cuts of columns, and how many values of a block lie below each."""

from typing import NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from normcli.blocks.block import Block, Column
from normcli.blocks.record import Array
from normcli.caching import cached_property
from normcli.kernel import cuts as kernel
from normcli.kernel import library


class Below(NamedTuple):
    """Weights of present values: of all, of those less than each cut, and of those at most as large."""

    total: Array  # (columns,)
    less: Array  # (columns, cuts) as `most` 0 for cuts that a column lacks
    most: Array


class ColumnCuts(Struct, frozen=True, dict=True):
    """Ascending cuts of each column, finite; None: nothing of the column is counted."""

    at: tuple[Array | None, ...] = ()

    @property
    def width(self) -> int:
        """The most cuts of a column."""
        return max((len(at) for at in self.at if at is not None), default=0)

    def below(self, block: Block) -> Below:
        """How many values of a block lie below the cuts; whatever their groups."""
        if block.weights is None and self._cells is not None:
            return self._below_by_kernel(self._cells, block)
        shape = len(self.at), self.width
        below = Below(np.zeros(len(self.at)), np.zeros(shape), np.zeros(shape))
        for j, (at, column) in enumerate(zip(self.at, block.present(), strict=True)):
            if at is not None:
                below.total[j] = column.count[0]
                below.less[j, : len(at)], below.most[j, : len(at)] = _below(column, at)
        return below

    @cached_property
    def _cells(self) -> kernel.CutCells | None:
        """What the kernel counts with; None without it, and where it does not take so many cuts."""
        if library() is None or not 0 < self.width <= kernel.MOST:
            return None
        return kernel.CutCells([np.empty(0) if at is None else at for at in self.at])

    @cached_property
    def _present(self) -> NDArray[np.bool_]:
        """(columns, cuts) which of the cuts a column has."""
        lengths = np.array([0 if at is None else len(at) for at in self.at])
        return np.arange(self.width) < lengths[:, None]

    def _below_by_kernel(self, cells: kernel.CutCells, block: Block) -> Below:
        upto = cells.counts(block.columns).cumsum(axis=1, dtype=np.float64)
        less, most = upto[:, :-1:2] * self._present, upto[:, 1::2] * self._present
        for j, at in enumerate(self.at):
            if at is not None and not len(at):
                upto[j, -1] = block.counts[j]
        return Below(upto[:, -1], less, most)


def _below(column: Column, cuts: Array) -> tuple[Array, Array]:
    """(cuts,) the weight of values less than each cut, and at most as large."""
    if column.weights is None:
        x = np.sort(column.values)
        less, most = (np.searchsorted(x, cuts, side).astype(np.float64) for side in ("left", "right"))
        return less, most
    order = np.argsort(column.values)
    x, upto = column.values[order], np.append(0.0, np.cumsum(column.weights[order]))
    return upto[np.searchsorted(x, cuts, "left")], upto[np.searchsorted(x, cuts, "right")]
