"""Exact order statistics in a few passes over the data and bounded memory, from where a sketch says that they are.

A pass counts what lies below and above some cuts of a column, and may collect what lies between two of them. Where a
rank that is wanted lies in a gap between cuts that was not collected, the next pass collects it, or if that would be
too much, cuts it finer: half of the cuts evenly spaced, half among the floats that there are, so that it ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self, cast

import numpy as np
from numpy.typing import NDArray

from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.stats import Statistic

Ranks = NDArray[np.int64]
LIMIT = 1 << 22  # values of all columns together that one pass collects
FEWEST = 1 << 14  # of one column: what many columns take is no more than what their ranks and cuts do
FINEST = 64  # pieces that a gap is cut into
GREATEST = np.finfo(np.float64).max


@dataclass(frozen=True)
class Gaps:
    """What is looked for in one column: the `ranks` (n,) wanted, from 0; `cuts` (m,), rising; and which of the gaps
    (m + 1,) below, between and above them are to be `collected`."""

    ranks: Ranks
    cuts: Array
    collected: NDArray[np.bool_]


@dataclass(frozen=True)
class Counted:
    """Of one column: how many values are less than each cut (m,), and how many at most that; all; and the values in
    the gaps that are collected, in any order."""

    less: Ranks
    most: Ranks
    count: int
    values: tuple[Array, ...]

    def plus(self, other: "Counted") -> "Counted":
        values = self.values + other.values
        return Counted(self.less + other.less, self.most + other.most, self.count + other.count, values)


@dataclass(frozen=True)
class Selection(Statistic):
    """The values of some ranks of each column, as far as they are found. Not kept in a parameter file."""

    wanted: tuple[Gaps, ...] = ()
    seen: tuple[Counted, ...] = ()

    def of(self, block: Block) -> Self:
        both = zip(self.wanted, block.present(), strict=True)
        return replace(self, seen=tuple(_counted(gaps, np.sort(x.values) + 0.0) for gaps, x in both))

    def merge(self, other: Self) -> Self:
        if not (self.seen and other.seen):
            return self if self.seen else other
        return replace(self, seen=tuple(a.plus(b) for a, b in zip(self.seen, other.seen, strict=True)))

    @property
    def found(self) -> list[Array]:
        """(n,) of each column: the value of each rank wanted, NaN where it is not found yet."""
        return [_found(gaps, seen) for gaps, seen in zip(self.wanted, self.seen, strict=True)]

    def next_pass(self) -> Statistic | None:
        found = self.found
        if not any(np.isnan(values).any() for values in found):
            return None
        both = zip(self.wanted, self.seen, found, strict=True)
        return Selection(tuple(_narrowed(*each, _limit(self.wanted)) for each in both))

    def refined(self, found: Statistic) -> Self:
        return cast(Self, found)


def windows(sketches: Sequence[tuple[Array, Array]], ranks: Sequence[Ranks], error: float) -> Selection:
    """What is to be looked for first: `sketches` are the items and weights (n,) of each column, sorted, and `error` is
    how far their ranks are off, as a share of all."""
    limit = _limit(ranks)
    return Selection(tuple(_window(*s, r, error, limit) for s, r in zip(sketches, ranks, strict=True)))


def _limit(columns: Sequence[object]) -> int:
    """How many values of each column one pass collects."""
    return max(LIMIT // max(len(columns), 1), FEWEST)


def _window(items: Array, weights: Array, ranks: Ranks, error: float, limit: int) -> Gaps:
    """Around each rank, twice as far as it may be off: cut out and collected, or if that is too much, cut at all items
    there and between them."""
    ends = np.cumsum(weights)
    count = ends[-1] if len(ends) else 0.0
    reach = 2 * error * count + (weights.max() if len(weights) else 0.0)
    near = np.zeros(len(items), np.bool_)
    for low, high in zip(*(np.searchsorted(ends, ranks + d, "right") for d in (-reach, reach)), strict=True):
        near[low : high + 1] = True
    if weights[near].sum() > limit:
        at = items[near]
        pieces = int(np.clip(limit // (4 * len(at)), 1, FINEST // 4))
        return _cut_at(ranks, np.concatenate([at, _evenly(at[:-1], at[1:], pieces)]))
    edge = near & ~(np.append(False, near[:-1]) & np.append(near[1:], False))
    gaps = _cut_at(ranks, items[edge])
    middle = np.searchsorted(items, gaps.cuts, "right")  # the item after each cut: near, where a gap is in a window
    if not len(gaps.cuts):
        return gaps
    inside = np.append(near, near[-1:])[middle]
    return replace(gaps, collected=np.append(near[:1], inside))


def _cut_at(ranks: Ranks, at: Array) -> Gaps:
    cuts = np.unique(at)
    return Gaps(ranks, cuts, np.zeros(len(cuts) + 1, np.bool_))


def _counted(gaps: Gaps, x: Array) -> Counted:
    """Of one column's sorted values (n,)."""
    less, most = (np.searchsorted(x, gaps.cuts, side) for side in ("left", "right"))
    starts, ends = np.append(0, most), np.append(less, len(x))
    each = [x[starts[i] : ends[i]] for i in np.flatnonzero(gaps.collected)]
    return Counted(less, most, len(x), (np.concatenate(each),) if each else ())


def _found(gaps: Gaps, seen: Counted) -> Array:
    values = np.full(len(gaps.ranks), np.nan)
    if not len(values):
        return values
    gap = np.searchsorted(seen.most, gaps.ranks, "right")
    at_cut = np.append(seen.less, seen.count)[gap] <= gaps.ranks
    values[at_cut] = gaps.cuts[gap[at_cut]]
    starts, ends = np.append(0, seen.most), np.append(seen.less, seen.count)
    sizes = np.where(gaps.collected, ends - starts, 0)
    before = np.cumsum(sizes) - sizes
    inside = gaps.collected[gap] & ~at_cut
    if inside.any():
        collected = np.sort(np.concatenate(seen.values))
        values[inside] = collected[(before[gap] + gaps.ranks - starts[gap])[inside]]
    return values


def _narrowed(gaps: Gaps, seen: Counted, found: Array, limit: int) -> Gaps:
    """The next pass's: what was found stays a cut; the gaps of the ranks that were not are collected, or cut finer."""
    known = found[~np.isnan(found)]
    left = np.unique(np.searchsorted(seen.most, gaps.ranks[np.isnan(found)], "right"))
    bounds = np.concatenate([[-GREATEST], gaps.cuts, [GREATEST]])
    low, high = bounds[left], bounds[left + 1]
    sizes = np.append(seen.less, seen.count)[left] - np.append(0, seen.most)[left]
    if sizes.sum() <= limit:
        made = _cut_at(gaps.ranks, np.concatenate([known, low, high]))
        after = np.searchsorted(made.cuts, low, "right")
        collected = made.collected.copy()
        collected[after] = True
        return replace(made, collected=collected)
    pieces = int(np.clip(limit // (4 * len(left)), 4, FINEST))
    return _cut_at(gaps.ranks, np.concatenate([known, low, high, *_finer(low, high, pieces)]))


def _finer(low: Array, high: Array, pieces: int) -> tuple[Array, Array]:
    """Cuts of gaps (n,): evenly spaced, and evenly among the floats."""
    first, last = _place(low), _place(high)
    steps = np.arange(1, pieces // 2, dtype=np.uint64)[:, None]
    whole, rest = np.divmod(last - first, np.uint64(pieces // 2))
    among = _at_place(first + whole * steps + rest * steps // np.uint64(pieces // 2))
    return _evenly(low, high, pieces // 2), among.ravel()


def _evenly(low: Array, high: Array, pieces: int) -> Array:
    share = np.linspace(0.0, 1.0, pieces + 1)[1:-1, None]
    return np.asarray(np.clip(low * (1 - share) + high * share, low, high).ravel())


def _place(x: Array) -> NDArray[np.uint64]:
    """Which float it is, counted from the least."""
    bits = (x + 0.0).view(np.uint64)
    return np.where(bits >> np.uint64(63), ~bits, bits | np.uint64(1 << 63))


def _at_place(place: NDArray[np.uint64]) -> Array:
    bits = np.where(place >> np.uint64(63), place & np.uint64((1 << 63) - 1), ~place)
    return np.asarray(bits.view(np.float64)) + 0.0


def interpolated(a: Array, b: Array, share: Array) -> Array:
    """a + (b − a) · share, to the bit as numpy's quantiles, also where b − a is beyond a float."""
    with np.errstate(over="ignore", invalid="ignore"):
        gap = b - a
        made = np.where(share >= 0.5, b - gap * (1 - share), a + gap * share)
        return np.where(np.isfinite(gap), made, a * (1 - share) + b * share) + 0.0
