"""Compactors of a quantile sketch: Karnin, Lang and Liberty, Optimal quantile approximation in streams (FOCS 2016).

An item of level h stands for 2^h values (one of weight w could be put in at the levels of w's binary digits). A level
that holds too much is compacted: sorted, and of each pair one goes up a level, the first of every pair or the second.
Which of them a coin says; ours is a hash of all that is held, so that equal rows give equal sketches. Every second time
a level takes the other side than the last time, which makes for half the variance of the ranks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from normcli.blocks.record import Array
from normcli.stats._levels import Counts, Level, compacted, first, levels_of, nothing, put, together

SHRINK = 2 / 3  # what a level may hold, as a share of what the level above may
REPEATED = 1 << 22  # values that one block's rows may be by their weights, before they are taken level by level
FIRST, SECOND = 1, 2  # sides
STRIP = 1 << 17  # items of rows that are merged at once: what there is on the way stays in a cache
INFINITY = np.float64(np.inf).view(np.uint64)


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
    side = int(_hashes(x[None], np.array([[n]]))[0]) & 1 if depth else 0
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
    return [items[0, : count[0]] for items, count in levels_of(made.items, made.sizes)]


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
    held = sizes[0] + sizes[1]
    plan = _plan(held, k)
    sides = [_widened(each.sides, plan.shape[1]) for each in (a, b)]
    side, left = _sides(plan, np.where(sides[0] > 0, *sides), _hashes(a.items, sizes[0]) ^ _hashes(b.items, sizes[1]))
    new = _sizes(_widened(held, plan.shape[1]), plan)
    items = np.empty((len(new), int(new.sum(axis=1).max(initial=0))))
    step = max(STRIP // max(items.shape[1], 1), 1)
    for rows in (slice(at, at + step) for at in range(0, len(new), step)):
        both = zip(levels_of(a.items[rows], sizes[0][rows]), levels_of(b.items[rows], sizes[1][rows]), strict=True)
        _fill(items[rows], [together(*pair) for pair in both], plan[rows], side[rows] == SECOND)
    return Sketches(items, new, left[:, : new.shape[1]])


def _sizes(held: Counts, plan: NDArray[np.bool_]) -> Counts:
    """(rows, levels) what is left of so many items where levels are compacted."""
    new, carry = held.copy(), np.zeros(len(held), np.int64)
    for h in range(plan.shape[1]):
        there = held[:, h] + carry
        new[:, h] = np.where(plan[:, h], there % 2, there)
        carry = np.where(plan[:, h], there // 2, 0)
    return new[:, : _used(new)]


def _fill(items: Array, levels: list[Level], plan: NDArray[np.bool_], second: NDArray[np.bool_]) -> None:
    """The items of some rows, level after level, from what the levels hold before they are compacted by the plan."""
    carry, start = nothing(len(items)), np.zeros(len(items), np.int64)
    for h in range(plan.shape[1]):
        level = together(levels[h], carry) if h < len(levels) else carry
        kept, carry = compacted(level, plan[:, h], second[:, h])
        put(items, start, kept)
        start = start + kept[1]
    if (start < items.shape[1]).any():
        items[~first(start, items.shape[1])] = np.inf


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


def _hashes(items: Array, sizes: Counts) -> NDArray[np.uint64]:
    """(rows,) 64 coins of each row's items, whatever their order (the mixing is splitmix64's)."""
    filling = (items.shape[1] - sizes.sum(axis=1)).astype(np.uint64)
    z = items.view(np.uint64).sum(axis=1, dtype=np.uint64) - filling * INFINITY
    z *= np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def _used(sizes: Counts) -> int:
    """How many levels hold something."""
    held = np.flatnonzero(sizes.any(axis=0))
    return int(held[-1]) + 1 if len(held) else 0


def _widened(sizes: Counts, levels: int) -> Counts:
    return np.pad(sizes, ((0, 0), (0, levels - sizes.shape[1])))
