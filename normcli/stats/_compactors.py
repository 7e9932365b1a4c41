"""Compactors of a quantile sketch: Karnin, Lang and Liberty, Optimal quantile approximation in streams (FOCS 2016).

An item of level h stands for 2^h values (a value of weight w can be inserted at the levels of the binary digits of w).
A level that is too full is compacted: it is sorted, and of each pair one item moves up a level, the first of every pair
or the second. A coin decides which; the coin is a hash of all items, so that equal rows give equal sketches. Every
second time, a level takes the opposite side of the last time, which halves the variance of the ranks.
"""

from collections.abc import Sequence
from functools import cache, reduce

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from normcli.blocks.record import Array
from normcli.kernel import sketches
from normcli.stats._levels import Counts, Level, compacted, first, levels_of, nothing, put, together

SHRINK = 2 / 3  # capacity of a level relative to that of the level above
REPEATED = 1 << 22  # total weight of a block above which values are inserted level by level
FIRST, SECOND = 1, 2  # sides
STRIP = 1 << 17  # items merged at once: temporaries stay in the cache
INFINITY = np.float64(np.inf).view(np.uint64)


class Sketches(Struct, frozen=True):
    """Sketches, one per row: of one column and one group each."""

    items: Array  # (rows, width) level after level, each sorted; +inf after the last; as wide as the fullest
    sizes: Counts  # (rows, levels) items of each level; the last level is not empty for all rows
    sides: Counts  # (rows, levels) the side that a level takes the next time; 0: the coin decides


def of_sorted(x: Array, k: int) -> list[Array]:
    """The levels, at most k items in all, of the sorted values (n,) of one column. Of 2^h neighbours, one next to the
    middle remains, so that every rank is off by at most half of that. (In merges, errors in the same direction would
    add up: they need coins.)"""
    n = len(x)
    second = n > k and bool(hashes(x[None], np.array([[n]]))[0] & np.uint64(1))
    return [x[chosen] for chosen in halvings(n, k, second=second)]


def halvings(n: int, k: int, *, second: bool) -> list[Counts]:
    """Which of n sorted values are the items of each level, at most k in all, where the first side that is taken of all
    pairs is the second or not."""
    levels, chosen = [], np.arange(n)
    depth = next(h for h in range(64) if (n >> h) + (n & ((1 << h) - 1)).bit_count() <= k)
    for h in range(depth):
        levels.append(chosen[len(chosen) & ~1 :])
        chosen = chosen[second ^ (h == depth - 1) : len(chosen) & ~1 : 2]
    return [*levels, chosen]


def ascending(x: Array) -> Array:
    """Values (n,) sorted; the same array if they are, which takes a tenth of the time."""
    return x if (x[1:] >= x[:-1]).all() else np.sort(x)


def of_weighted(x: Array, weights: Array | None, k: int) -> list[Array]:
    """The levels, at most k items in all, of the values (n,) of one column with integer weights (n,). For a large total
    weight, values are inserted at the levels of the binary digits of their weights, instead of repeated."""
    if weights is None or weights.sum() <= REPEATED:
        return of_sorted(ascending(x if weights is None else np.repeat(x, weights.astype(np.int64))) + 0.0, k)
    x, times = _halved(x, weights.astype(np.int64))
    parts: list[list[Array]] = [[np.empty(0)] for _ in range(64 + int(times.max()).bit_length())]
    for digit in range(int(times.max()).bit_length()):
        for h, items in enumerate(of_sorted(np.sort(x[(times >> digit) & 1 == 1]) + 0.0, k), digit):
            parts[h].append(items)
    levels = laid([[np.sort(np.concatenate(part)) for part in parts]])
    total = merged([laid([[np.empty(0)]]), levels], k)
    return [items[0, : count[0]] for items, count in levels_of(total.items, total.sizes)]


def _halved(x: Array, times: Counts) -> tuple[Array, Counts]:
    """Values and weights with the leading binary digit of each weight above 1 split into two of the next: a single item
    stands for the middle of its neighbours, which is wrong if its weight is most of the total."""
    half = np.ldexp(0.25, np.frexp(times)[1]).astype(np.int64)
    heavy = times > 1
    return np.concatenate([x, x[heavy]]), np.concatenate([np.where(heavy, times - half, times), half[heavy]])


def laid(rows: list[list[Array]]) -> Sketches:
    """Sketches from the levels of each row."""
    sizes = np.zeros((len(rows), max(map(len, rows), default=0)), np.int64)
    for row, levels in zip(sizes, rows, strict=True):
        row[: len(levels)] = [len(level) for level in levels]
    items = np.full((len(rows), int(sizes.sum(axis=1).max(initial=0))), np.inf)
    for row, levels in zip(items, rows, strict=True):
        held = np.concatenate(levels)
        row[: len(held)] = held
    sizes = sizes[:, : _used(sizes)]
    return Sketches(items, sizes, np.zeros_like(sizes))


def merged(parts: Sequence[Sketches], k: int, *, in_turn: bool = False) -> Sketches:
    """The merged sketches, row by row, of at most k items each: merged at once, or `in_turn` one after the other, which
    are two at least."""
    arrays = [(part.items, part.sizes, part.sides) for part in parts]
    native = sketches.merged(arrays, k, _capacities(k), in_turn=in_turn)
    if native is None:
        return reduce(lambda a, b: _merged([a, b], k), parts) if in_turn else _merged(parts, k)
    return Sketches(*native)


@cache
def _capacities(k: int) -> Array:
    """(sketches.LEVELS,) the capacity of a level so far below the highest."""
    return np.asarray(np.maximum(k * (1 - SHRINK) * SHRINK ** np.arange(sketches.LEVELS), 1))


def _merged(parts: Sequence[Sketches], k: int) -> Sketches:
    """As `merged`, without the native kernel."""
    levels = max(part.sizes.shape[1] for part in parts)
    sizes = [_widened(part.sizes, levels) for part in parts]
    held = np.sum(sizes, axis=0)
    plan = _plan(held, k)
    due = reduce(_earlier, (_widened(part.sides, plan.shape[1]) for part in parts))
    coins = reduce(np.bitwise_xor, (hashes(part.items, s) for part, s in zip(parts, sizes, strict=True)))
    side, left = _sides(plan, due, coins)
    new = _sizes(_widened(held, plan.shape[1]), plan)
    items = np.empty((len(new), int(new.sum(axis=1).max(initial=0))))
    step = max(STRIP // max(items.shape[1], 1), 1)
    for rows in (slice(at, at + step) for at in range(0, len(new), step)):
        of_parts = (levels_of(part.items[rows], s[rows]) for part, s in zip(parts, sizes, strict=True))
        runs = zip(*of_parts, strict=True)
        _fill(items[rows], [together(*level) for level in runs], plan[rows], side[rows] == SECOND)
    return Sketches(items, new, left[:, : new.shape[1]])


def _earlier(a: Counts, b: Counts) -> Counts:
    """The sides that are due, those of `a` first."""
    return np.where(a > 0, a, b)


def _sizes(held: Counts, plan: NDArray[np.bool_]) -> Counts:
    """(rows, levels) the sizes of levels after compaction by the plan."""
    new, carry = held.copy(), np.zeros(len(held), np.int64)
    for h in range(plan.shape[1]):
        total = held[:, h] + carry
        new[:, h] = np.where(plan[:, h], total % 2, total)
        carry = np.where(plan[:, h], total // 2, 0)
    return new[:, : _used(new)]


def _fill(items: Array, levels: list[Level], plan: NDArray[np.bool_], second: NDArray[np.bool_]) -> None:
    """Fills the items of some rows, level after level, with the levels compacted by the plan."""
    carry, start = nothing(len(items)), np.zeros(len(items), np.int64)
    for h in range(plan.shape[1]):
        level = together(levels[h], carry) if h < len(levels) else carry
        remainder, carry = compacted(level, plan[:, h], second[:, h])
        put(items, start, remainder)
        start = start + remainder[1]
    if (start < items.shape[1]).any():
        items[~first(start, items.shape[1])] = np.inf


def _sides(plan: NDArray[np.bool_], due: Counts, hashes: NDArray[np.uint64]) -> tuple[Counts, Counts]:
    """(rows, levels) the side that each level to compact takes, and the sides due afterwards."""
    coins = (hashes[:, None] >> np.arange(plan.shape[1], dtype=np.uint64) % np.uint64(64)) & np.uint64(1)
    tossed = np.where(coins == 0, FIRST, SECOND)
    return np.where(due > 0, due, tossed), np.where(plan, np.where(due > 0, 0, FIRST + SECOND - tossed), due)


def _plan(sizes: Counts, k: int) -> NDArray[np.bool_]:
    """Mask (rows, levels or more) of the levels to compact, the lowest first, until at most k items are left: those
    above their capacity. If that is not enough, a level is added, which reduces the capacity of all others."""
    rows, levels = sizes.shape
    levels += 4 + (int(sizes.sum(axis=1).max(initial=0)) // k).bit_length()
    plan = np.zeros((rows, levels), np.bool_)
    sizes = _widened(sizes, levels)
    top = np.max(np.where(sizes > 0, np.arange(levels), 0), axis=1)
    left = sizes.sum(axis=1) > k
    while left.any():
        total, carry = sizes.sum(axis=1), np.zeros(rows, np.int64)
        for h in range(int(top[left].max())):
            held, capacity = sizes[:, h] + carry, _capacities(k)[np.maximum(top - h, 0)]
            plan[:, h] = np.where(left, (total > k) & (held > capacity) & (h < top), plan[:, h])
            carry = np.where(plan[:, h], held // 2, 0)
            total -= carry
        left &= total > k
        top += left
    return plan


def hashes(items: Array, sizes: Counts) -> NDArray[np.uint64]:
    """(rows,) 64 coins per row: a hash of its items, independent of their order (mixed as in splitmix64)."""
    filling = (items.shape[1] - sizes.sum(axis=1)).astype(np.uint64)
    z = items.view(np.uint64).sum(axis=1, dtype=np.uint64) - filling * INFINITY
    z *= np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def _used(sizes: Counts) -> int:
    """The number of levels up to the last that is not empty for all rows."""
    held = np.flatnonzero(sizes.any(axis=0))
    return int(held[-1]) + 1 if len(held) else 0


def _widened(sizes: Counts, levels: int) -> Counts:
    return np.pad(sizes, ((0, 0), (0, levels - sizes.shape[1])))
