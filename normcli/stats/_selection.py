"""Exact order statistics in a few passes over the data with bounded memory, starting from the estimates of a sketch.

A pass counts the values below and above some cuts of a column, and may collect the values between two of them. If a
wanted rank is in a gap between cuts that was not collected, the next pass collects it or, if it is too large, cuts it
finer: half of the cuts evenly spaced, half evenly among the representable floats, so that it terminates.
"""

from collections.abc import Sequence
from typing import Self, cast

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.stats import Statistic

Ranks = NDArray[np.int64]
LIMIT = 1 << 22  # values of all columns together that one pass collects
FEWEST = 1 << 14  # of one column: no more memory than the ranks and cuts of many columns
FINEST = 64  # pieces that a gap is cut into
GREATEST = np.finfo(np.float64).max


class Gaps(Struct, frozen=True):
    """The search in one column: wanted `ranks` (n,), from 0; `cuts` (m,), ascending; and the mask `collected` of the
    gaps (m + 1,) below, between and above them whose values are collected."""

    ranks: Ranks
    cuts: Array
    collected: NDArray[np.bool_]


class GapCounts(Struct, frozen=True):
    """Counts of one column: values less than each cut (m,), values at most each cut (m,), and all; and the values in
    the collected gaps, in any order."""

    less: Ranks
    most: Ranks
    count: int
    values: tuple[Array, ...]

    def plus(self, other: "GapCounts") -> "GapCounts":
        """The counts of both parts."""
        values = self.values + other.values
        return GapCounts(self.less + other.less, self.most + other.most, self.count + other.count, values)


class Selection(Statistic, frozen=True):
    """The values at wanted ranks of each column, as far as they are known. Not saved in a parameter file."""

    wanted: tuple[Gaps, ...] = ()
    counts: tuple[GapCounts, ...] = ()

    def of(self, block: Block) -> Self:
        columns = zip(self.wanted, block.present(), strict=True)
        return replace(self, counts=tuple(_count(gaps, np.sort(x.values) + 0.0) for gaps, x in columns))

    @property
    def is_blank(self) -> bool:
        return not self.counts

    def _merge(self, other: Self) -> Self:
        return replace(self, counts=tuple(a.plus(b) for a, b in zip(self.counts, other.counts, strict=True)))

    @property
    def values(self) -> list[Array]:
        """(n,) per column: the value of each wanted rank, NaN where it is not known yet."""
        return [_values_at_ranks(gaps, counts) for gaps, counts in zip(self.wanted, self.counts, strict=True)]

    def next_pass(self) -> Statistic | None:
        columns = list(zip(self.wanted, self.counts, self.values, strict=True))
        if not any(np.isnan(values).any() for _, _, values in columns):
            return None
        limit = _limit(self.wanted)
        return Selection(tuple(_narrowed(gaps, counts, values, limit) for gaps, counts, values in columns))

    def refined(self, state: Statistic) -> Self:
        return cast(Self, state)


def windows(sketches: Sequence[tuple[Array, Array]], ranks: Sequence[Ranks], error: float) -> Selection:
    """The first search: `sketches` are the sorted items and weights (n,) of each column, and `error` is the error of
    their ranks as a share of all values."""
    limit = _limit(ranks)
    return Selection(tuple(_window(*s, r, error, limit) for s, r in zip(sketches, ranks, strict=True)))


def _limit(columns: Sequence[object]) -> int:
    """The number of values of each column that one pass collects at most."""
    return max(LIMIT // max(len(columns), 1), FEWEST)


def _window(items: Array, weights: Array, ranks: Ranks, error: float, limit: int) -> Gaps:
    """A window of twice the error around each rank: it is collected or, if it is too large, cut at all its items and
    between them."""
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
    middle = np.searchsorted(items, gaps.cuts, "right")  # the item after each cut: near, if the gap is in a window
    if not len(gaps.cuts):
        return gaps
    inside = np.append(near, near[-1:])[middle]
    return replace(gaps, collected=np.append(near[:1], inside))


def _cut_at(ranks: Ranks, at: Array) -> Gaps:
    cuts = np.unique(at)
    return Gaps(ranks, cuts, np.zeros(len(cuts) + 1, np.bool_))


def _count(gaps: Gaps, x: Array) -> GapCounts:
    """The counts of the sorted values (n,) of one column."""
    less, most = (np.searchsorted(x, gaps.cuts, side) for side in ("left", "right"))
    starts, ends = np.append(0, most), np.append(less, len(x))
    parts = [x[starts[i] : ends[i]] for i in np.flatnonzero(gaps.collected)]
    return GapCounts(less, most, len(x), (np.concatenate(parts),) if parts else ())


def _values_at_ranks(gaps: Gaps, counts: GapCounts) -> Array:
    """(n,) the values at the wanted ranks, NaN where they are not known yet."""
    values = np.full(len(gaps.ranks), np.nan)
    if not len(values):
        return values
    gap = np.searchsorted(counts.most, gaps.ranks, "right")
    at_cut = np.append(counts.less, counts.count)[gap] <= gaps.ranks
    values[at_cut] = gaps.cuts[gap[at_cut]]
    starts, ends = np.append(0, counts.most), np.append(counts.less, counts.count)
    sizes = np.where(gaps.collected, ends - starts, 0)
    before = np.cumsum(sizes) - sizes
    inside = gaps.collected[gap] & ~at_cut
    if inside.any():
        collected = np.sort(np.concatenate(counts.values))
        values[inside] = collected[(before[gap] + gaps.ranks - starts[gap])[inside]]
    return values


def _narrowed(gaps: Gaps, counts: GapCounts, values: Array, limit: int) -> Gaps:
    """The gaps of the next pass: known `values` (n,) become cuts; the gaps of unknown ranks are collected or cut
    finer."""
    known = values[~np.isnan(values)]
    left = np.unique(np.searchsorted(counts.most, gaps.ranks[np.isnan(values)], "right"))
    bounds = np.concatenate([[-GREATEST], gaps.cuts, [GREATEST]])
    low, high = bounds[left], bounds[left + 1]
    sizes = np.append(counts.less, counts.count)[left] - np.append(0, counts.most)[left]
    if sizes.sum() <= limit:
        next_gaps = _cut_at(gaps.ranks, np.concatenate([known, low, high]))
        after = np.searchsorted(next_gaps.cuts, low, "right")
        collected = next_gaps.collected.copy()
        collected[after] = True
        return replace(next_gaps, collected=collected)
    pieces = int(np.clip(limit // (4 * len(left)), 4, FINEST))
    return _cut_at(gaps.ranks, np.concatenate([known, low, high, *_finer(low, high, pieces)]))


def _finer(low: Array, high: Array, pieces: int) -> tuple[Array, Array]:
    """Cuts of gaps (n,): evenly spaced, and evenly among the representable floats."""
    first, last = _place(low), _place(high)
    steps = np.arange(1, pieces // 2, dtype=np.uint64)[:, None]
    quotient, rest = np.divmod(last - first, np.uint64(pieces // 2))
    among = _at_place(first + quotient * steps + rest * steps // np.uint64(pieces // 2))
    return _evenly(low, high, pieces // 2), among.ravel()


def _evenly(low: Array, high: Array, pieces: int) -> Array:
    share = np.linspace(0.0, 1.0, pieces + 1)[1:-1, None]
    return np.asarray(np.clip(low * (1 - share) + high * share, low, high).ravel())


def _place(x: Array) -> NDArray[np.uint64]:
    """The ordinal of each float, from the least."""
    bits = (x + 0.0).view(np.uint64)
    return np.where(bits >> np.uint64(63), ~bits, bits | np.uint64(1 << 63))


def _at_place(place: NDArray[np.uint64]) -> Array:
    bits = np.where(place >> np.uint64(63), place & np.uint64((1 << 63) - 1), ~place)
    return np.asarray(bits.view(np.float64)) + 0.0


def interpolated(a: Array, b: Array, share: Array) -> Array:
    """a + (b − a) · share, bit for bit as in numpy's quantiles, also if b − a overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        gap = b - a
        line = np.where(share >= 0.5, b - gap * (1 - share), a + gap * share)
        return np.where(np.isfinite(gap), line, a * (1 - share) + b * share) + 0.0
