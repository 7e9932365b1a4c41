"""Compactors of a quantile sketch: Karnin, Lang and Liberty, Optimal quantile approximation in streams (FOCS 2016).

An item of level h stands for 2^h values (one of weight w could be put in at the levels of w's binary digits). A level
that holds too much is compacted: sorted, and of each pair one goes up a level, the first of every pair or the second.
Which of them a coin says; ours is a hash of all that is held, so that equal rows give equal sketches. Every second time
a level takes the other side than the last time, which makes for half the variance of the ranks.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from normcli.blocks.record import Array

Counts = NDArray[np.int64]
Level = tuple[Array, Counts]  # (rows, width) sorted, then +inf; (rows,) how many
SHRINK = 2 / 3  # what a level may hold, as a share of what the level above may
REPEATED = 1 << 22  # values that one block's rows may be by their weights, before they are taken level by level
FIRST, SECOND = 1, 2  # sides


@dataclass(frozen=True)
class Sketches:
    """Of a column of a group each."""

    items: Array  # (rows, width) level after level, each sorted; +inf after the last; as wide as the fullest
    sizes: Counts  # (rows, levels) how many of each level; none in vain
    sides: Counts  # (rows, levels) which side a level is to take the next time; 0: the coin says


def of_sorted(x: Array, k: int) -> list[Array]:
    """The levels, at most k items in all, of one column's sorted values (n,). Of 2^h neighbours one next to the middle
    remains, so that every rank is off by at most half of that. (In merges, a rank that is off always in the same way
    would do harm: there, only coins do.)"""
    levels, n = [], len(x)
    depth = next(h for h in range(64) if (n >> h) + (n & ((1 << h) - 1)).bit_count() <= k)
    side = int(_hashes(x[None])[0]) & 1 if depth else 0
    for h in range(depth):
        levels.append(x[len(x) & ~1 :])
        x = x[side ^ (h == depth - 1) : len(x) & ~1 : 2]
    return [*levels, x]


def of_weighted(x: Array, weights: Array | None, k: int) -> list[Array]:
    """The levels, at most k items in all, of one column's values (n,), each of which is so many, whole times; in place
    of very many of one value, it is put in at the levels of its weight's binary digits."""
    if weights is None or weights.sum() <= REPEATED:
        return of_sorted(np.sort(x if weights is None else np.repeat(x, weights.astype(np.int64))) + 0.0, k)
    x, times = _halved(x, weights.astype(np.int64))
    parts: list[list[Array]] = [[np.empty(0)] for _ in range(64 + int(times.max()).bit_length())]
    for digit in range(int(times.max()).bit_length()):
        for h, items in enumerate(of_sorted(np.sort(x[(times >> digit) & 1 == 1]) + 0.0, k), digit):
            parts[h].append(items)
    levels = laid([[np.sort(np.concatenate(part)) for part in parts]])
    made = merged(laid([[np.empty(0)]]), levels, k)
    return [items[0, : count[0]] for items, count in _levels(made.items, made.sizes)]


def _halved(x: Array, times: Counts) -> tuple[Array, Counts]:
    """The same with the first binary digit of each weight above 1 as two of the next: a single item reads as the middle
    of neighbours, and what many of them are compacted to is light, but a weight may be most of all there is."""
    half = np.ldexp(0.25, np.frexp(times)[1]).astype(np.int64)
    heavy = times > 1
    return np.concatenate([x, x[heavy]]), np.concatenate([np.where(heavy, times - half, times), half[heavy]])


def laid(rows: list[list[Array]]) -> Sketches:
    """Sketches by the levels of each."""
    sizes = np.zeros((len(rows), max(map(len, rows), default=0)), np.int64)
    for row, levels in zip(sizes, rows, strict=True):
        row[: len(levels)] = [len(level) for level in levels]
    items = np.full((len(rows), int(sizes.sum(axis=1).max(initial=0))), np.inf)
    for row, levels in zip(items, rows, strict=True):
        held = np.concatenate(levels)
        row[: len(held)] = held
    sizes = sizes[:, : _used(sizes)]
    return Sketches(items, sizes, np.zeros_like(sizes))


def merged(a: Sketches, b: Sketches, k: int) -> Sketches:
    """Both in one, row by row, of at most k items each."""
    levels = max(a.sizes.shape[1], b.sizes.shape[1])
    sizes = [_widened(each.sizes, levels) for each in (a, b)]
    plan = _plan(sizes[0] + sizes[1], k)
    sides = [_widened(each.sides, plan.shape[1]) for each in (a, b)]
    side, left = _sides(plan, np.where(sides[0] > 0, *sides), _hashes(a.items) ^ _hashes(b.items))
    both = zip(_levels(a.items, sizes[0]), _levels(b.items, sizes[1]), strict=True)
    made: list[Level] = []
    carry = _nothing(len(plan))
    for h in range(plan.shape[1]):
        level = _together(_together(*next(both)), carry) if h < levels else carry
        kept, carry = _compacted(level, plan[:, h], side[:, h] == SECOND)
        made.append(kept)
    items, new = _flat(made)
    return Sketches(items, new, left[:, : new.shape[1]])


def _sides(plan: NDArray[np.bool_], due: Counts, hashes: NDArray[np.uint64]) -> tuple[Counts, Counts]:
    """(rows, levels) which side each level to compact takes, and which sides are due afterwards."""
    coins = (hashes[:, None] >> np.arange(plan.shape[1], dtype=np.uint64) % np.uint64(64)) & np.uint64(1)
    tossed = np.where(coins == 0, FIRST, SECOND)
    return np.where(due > 0, due, tossed), np.where(plan, np.where(due > 0, 0, FIRST + SECOND - tossed), due)


def _plan(sizes: Counts, k: int) -> NDArray[np.bool_]:
    """(rows, levels and perhaps more) which levels to compact, the lowest first, until at most k items are left: those
    that hold more than their share. Where that is not enough, there is one level more, and all may hold less."""
    rows, levels = sizes.shape
    plan = np.zeros((rows, levels + 4), np.bool_)
    sizes = _widened(sizes, levels + 4)
    top = np.max(np.where(sizes > 0, np.arange(levels + 4), 0), axis=1)
    left = sizes.sum(axis=1) > k
    while left.any():
        total, carry = sizes.sum(axis=1), np.zeros(rows, np.int64)
        for h in range(int(top[left].max())):
            share = k * (1 - SHRINK) * SHRINK ** (top - h)
            held = sizes[:, h] + carry
            plan[:, h] = np.where(left, (total > k) & (held > np.maximum(share, 1)) & (h < top), plan[:, h])
            carry = np.where(plan[:, h], held // 2, 0)
            total -= carry
        left &= total > k
        top += left
    return plan


def _compacted(level: Level, which: NDArray[np.bool_], side: NDArray[np.bool_]) -> tuple[Level, Level]:
    """What stays of a level, and what goes up: of the rows to compact, one item of each pair; the last of an odd number
    stays."""
    items, count = level
    if not which.any():
        return level, _nothing(len(count))
    odd, pairs = which & (count % 2 == 1), np.where(which, count // 2, 0)
    even = items[:, : items.shape[1] & ~1]
    up = np.where(side[:, None], even[:, 1::2], even[:, ::2])
    up = np.where(np.arange(up.shape[1]) < pairs[:, None], up, np.inf)
    stay = np.where(which[:, None], np.inf, items)
    stay[odd, 0] = items[odd, count[odd] - 1]
    return (stay, np.where(which, odd, count)), (up, pairs)


def _hashes(items: Array) -> NDArray[np.uint64]:
    """(rows,) 64 coins of each row's items, whatever their order (the mixing is splitmix64's)."""
    bits = np.where(np.isinf(items), 0.0, items).view(np.uint64)
    z = bits.sum(axis=1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def _levels(items: Array, sizes: Counts) -> Iterator[Level]:
    start = np.zeros(len(sizes), np.int64)
    for count in sizes.T:
        at = np.arange(count.max(initial=0))
        there = at < count[:, None]
        index = np.where(there, start[:, None] + at, 0)
        yield np.where(there, np.take_along_axis(items, index, axis=1), np.inf) if len(at) else index + 0.0, count
        start = start + count


def _together(a: Level, b: Level) -> Level:
    """Two runs of one level in one."""
    if not b[1].any():
        return a
    if not a[1].any():
        return b
    count = a[1] + b[1]
    return np.sort(np.concatenate([a[0], b[0]], axis=1), axis=1)[:, : count.max()], count


def _flat(levels: list[Level]) -> tuple[Array, Counts]:
    sizes = np.stack([count for _, count in levels], axis=1)
    items = np.full((len(sizes), int(sizes.sum(axis=1).max(initial=0))), np.inf)
    start = np.zeros(len(sizes), np.int64)
    for held, count in levels:
        row, at = np.nonzero(np.arange(held.shape[1]) < count[:, None])
        items[row, start[row] + at] = held[row, at]
        start += count
    return items, sizes[:, : _used(sizes)]


def _used(sizes: Counts) -> int:
    """How many levels hold something."""
    held = np.flatnonzero(sizes.any(axis=0))
    return int(held[-1]) + 1 if len(held) else 0


def _widened(sizes: Counts, levels: int) -> Counts:
    return np.pad(sizes, ((0, 0), (0, levels - sizes.shape[1])))


def _nothing(rows: int) -> Level:
    return np.empty((rows, 0)), np.zeros(rows, np.int64)
