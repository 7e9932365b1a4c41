"""A fine histogram with power sums in each cell, which gives the mean of any smooth function of the values."""

from math import comb, frexp
from typing import Self

import numpy as np
from msgspec.structs import replace

from normcli.blocks.block import Block
from normcli.blocks.record import Array, per_group
from normcli.stats import Statistic
from normcli.stats._compensated import GREATEST

CELLS = 64
ORDERS = 12
FINEST = 560  # cells of 2⁻⁵⁶⁰: values closer than that have no square
LOST = 1e-13  # greatest relative rounding error of the power sums of a cell
FEW = 32.0  # half widths of cells: the range of values below which cells, which can be no narrower, are too coarse
LEAST_DIGITS = 1e-1  # greatest relative error of sums about another centre that are still used
FARTHEST = 2.0**49  # cells from zero: beyond, the position of a cell would be rounded

# (a + b)ᵒ = Σₖ BINOMIAL[o, k] · aˡ · bᵏ with l = LEFT[o, k]
BINOMIAL = np.array([[float(comb(o, k)) for k in range(ORDERS)] for o in range(ORDERS)])
LEFT = np.maximum(np.subtract.outer(np.arange(ORDERS), np.arange(ORDERS)), 0)


class LocalMoments(Statistic, frozen=True):
    """Power sums of each column's present values in at most 64 cells of equal width in u = ±log(1 + |x|).

    The cells of level l are 2⁻ˡ wide and begin at integer multiples of that, so that a cell of one level lies in one of
    the level below, and no cell contains zero in its interior. The level is the finest at which all values fit, so it
    does not depend on the order of merges. Powers are of the distance from the middle of the cell in units of half its
    width, from −1 to 1, positive away from zero, computed from x itself, so that values far from zero keep their
    digits. Power 0 is a count.
    """

    level: Array = per_group("feature")  # integers
    first: Array = per_group("feature")  # the number of the first cell: it begins at first · 2⁻ˡᵉᵛᵉˡ
    sums: Array = per_group("feature", "cell", "order")  # (…, 64, 12) of the cells from there on

    @property
    def extents(self) -> dict[str, int]:
        return {"cell": CELLS, "order": ORDERS}

    def fault(self) -> tuple[str, str] | None:
        if self.sums.shape[2:] != (CELLS, ORDERS):
            return "sums", f"must be {CELLS} cells of {ORDERS} sums"
        for name, limit in (("level", 2.0 * FINEST), ("first", FARTHEST)):
            values = getattr(self, name)
            if not ((values == np.rint(values)) & (np.abs(values) <= limit)).all():
                return name, "must be whole numbers, and not beyond what cells can be"
        if not (self.sums[..., 0] >= 0).all():
            return "sums", "must begin with counts"
        return None

    def of(self, block: Block) -> Self:
        shape = block.groups, len(block.columns)
        level, first, sums = np.zeros(shape), np.zeros(shape), np.zeros((*shape, CELLS, ORDERS))
        for j, column in enumerate(block.present()):
            for group, x, weights in column.iter_groups():
                level[group, j], first[group, j], sums[group, j] = _measured(x, weights)
        return replace(self, level=level, first=first, sums=sums)

    def _merge(self, other: Self) -> Self:
        level, first, sums = self.level.copy(), self.first.copy(), self.sums.copy()
        for at in np.ndindex(level.shape):
            a = int(self.level[at]), int(self.first[at]), self.sums[at]
            b = int(other.level[at]), int(other.first[at]), other.sums[at]
            level[at], first[at], sums[at] = _together(a, b)
        return replace(self, level=level, first=first, sums=sums)

    def points(self, group: int, feature: int, ends: tuple[float, float] | None = None) -> tuple[Array, Array, Array]:
        """Middles of cells (cells, 1) in input units, distances from them (1, 12) in log(1 + |x|), and weights
        (cells, 12), for quadrature: the sum over all values of a function smooth in u is that of weights · function, as
        exactly as the function is a polynomial of degree 11 in a cell. If `ends`, the least and the greatest value, are
        closer than the narrowest cells, there are fewer points, all between them."""
        half = float(np.ldexp(0.5, -int(self.level[group, feature])))
        sums = self.sums[group, feature]
        taken = np.flatnonzero(sums[:, 0])
        middles = _middles(int(self.level[group, feature]), int(self.first[group, feature]) + taken)
        if ends is not None and ends[0] * ends[1] > 0.0:
            between = np.copysign(ends[0] / 2.0 + ends[1] / 2.0, ends[0])
            low, high = sorted(_away(np.array(ends), np.full(2, between)).tolist())
            if high - low < FEW * half:
                narrow = _narrow(sums[taken], half, _away(middles, between), low, high)
                if narrow is not None:
                    return between.reshape(1, 1), *narrow
        nodes = _nodes(ORDERS)
        return middles[:, None], nodes[None] * half, _weights(nodes, sums[taken])


def _nodes(count: int) -> Array:
    """(count,) Chebyshev nodes from −1 to 1."""
    return np.asarray(np.cos(np.pi * (np.arange(count) + 0.5) / count))


def _weights(nodes: Array, sums: Array) -> Array:
    """(…, nodes) the weights of nodes (nodes,) that have these power sums (…, nodes)."""
    return np.asarray(np.linalg.solve(np.vander(nodes, increasing=True).T, sums.T).T)


def _narrow(sums: Array, half: float, middles: Array, low: float, high: float) -> tuple[Array, Array] | None:
    """Points and weights, both (1, points), of values from `low` to `high`, from the power sums (cells, 12) of cells of
    half width `half`; all distances are from one place, in log(1 + |x|). If all values are at the two ends, the points
    are the ends. Otherwise, if the range is less than a cell, the sums are moved to one cell of that range;
    cancellation grows with the power, and there are as many points as have digits left. None if the cells are more
    exact."""
    reach, orders = (high - low) / 2.0, np.arange(ORDERS)
    moved = ((middles - (low + high) / 2.0) / reach)[:, None] ** orders
    total = np.einsum("cok,ok,ck->o", moved[:, LEFT], BINOMIAL, sums * (half / reach) ** orders)
    inner = total[0] - total[2]  # Σ(t + 1)(1 − t): 0 where all are at the ends
    if abs(inner) <= LOST * total[0] * max(half / reach, 1.0) ** 2:
        upper = np.clip((total[0] + total[1]) / 2.0, 0.0, total[0])
        return np.array([[low, high]]), np.array([[total[0] - upper, upper]])
    if reach >= half:
        return None
    count = int(np.clip(1.0 + np.log(LEAST_DIGITS / LOST) / np.log(half / reach), 4, ORDERS))
    nodes = _nodes(count)
    return (low + high) / 2.0 + reach * nodes[None], _weights(nodes, total[None, :count])


Lot = tuple[int, int, Array]  # level, first, sums (64, 12) of one column


def _measured(x: Array, weights: Array | None) -> Lot:
    """The cells of values (n,) with weights (n,)."""
    u = np.copysign(np.log1p(np.abs(x)), x)
    least, greatest = float(u.min()), float(u.max())
    bounds = (49, abs(least)), (49, abs(greatest)), (7, greatest - least)  # cells: 2⁴⁹ from zero, 2⁶ from end to end
    level = min([FINEST, *(cells - frexp(size)[1] for cells, size in bounds if size)])
    while not _fits(np.floor(np.ldexp(least, level)), np.floor(np.ldexp(greatest, level))):
        level -= 1
    first = int(np.floor(np.ldexp(least, level)))
    cell = np.floor(np.ldexp(u, level, out=u), out=u).astype(np.int64) - first
    middle = _middles(level, first + np.arange(CELLS))[cell]
    away = _away(x, middle)
    away *= np.ldexp(2.0, level)
    sums = np.empty((CELLS, ORDERS))
    sums[:, 0] = np.bincount(cell, weights, CELLS)
    power = away.copy() if weights is None else away * weights
    for order in range(1, ORDERS):
        sums[:, order] = np.bincount(cell, power, CELLS)
        power *= away
    return level, first, sums


def _fits(first: float, last: float) -> bool:
    return bool(last - first < CELLS and max(abs(first), abs(last)) < FARTHEST)


def _middles(level: int, cells: np.ndarray) -> Array:
    """The middles of cells by their numbers, in input units; at most the greatest float."""
    u = np.ldexp(cells + 0.5, -level)
    with np.errstate(over="ignore"):
        return np.copysign(np.minimum(np.expm1(np.abs(u)), GREATEST), u)


def _away(x: Array, middle: Array) -> Array:
    """The distance of x from `middle` of the same sign, positive away from zero, in log(1 + |x|); without
    cancellation."""
    size = np.abs(middle)
    away = np.abs(x)
    away -= size
    size += 1.0
    away /= size
    return np.log1p(away, out=away)


def _together(a: Lot, b: Lot) -> Lot:
    """The sum of both in the finest cells that hold them."""
    if not a[2][:, 0].any():
        return b
    if not b[2][:, 0].any():
        return a
    level = min(a[0], b[0])
    ends = [
        (first + int(np.flatnonzero(sums[:, 0])[k])) >> (lot_level - level)
        for lot_level, first, sums in (a, b)
        for k in (0, -1)
    ]
    first, last = min(ends), max(ends)
    while not _fits(first, last):
        level, first, last = level - 1, first >> 1, last >> 1
    return level, first, _moved(a, level, first) + _moved(b, level, first)


def _moved(lot: Lot, level: int, first: int) -> Array:
    """The sums (64, 12) in the cells of a coarser level, or of the same level from another first cell."""
    lot_level, start, sums = lot
    taken = np.flatnonzero(sums[:, 0])
    cells = start + taken
    to = (cells >> (lot_level - level)) - first
    out = np.zeros_like(sums)
    if lot_level == level:
        out[to] = sums[taken]
        return out
    shift = np.ldexp(_away(_middles(lot_level, cells), _middles(level, cells >> (lot_level - level))), level + 1)
    powers = shift[:, None] ** np.arange(ORDERS)
    scaled = sums[taken] * 2.0 ** ((level - lot_level) * np.arange(ORDERS))
    np.add.at(out, to, np.einsum("cok,ok,ck->co", powers[:, LEFT], BINOMIAL, scaled))
    return out
