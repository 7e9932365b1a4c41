"""A sketch of long columns from a sample: sorting all of their values would take a quarter of the time of a fit.

One of each 2^h consecutive values stands for all of them (the sampler of Karnin, Lang and Liberty, 2016), chosen by
coins that differ from group to group, so that no period of the data goes with them. The variance of a rank is at most
(2^h − 1)/4 for each value, whatever the order of values; 2^h is as large as that permits.

Blocks that are merged with others need fewer: if that at position p has 2p + 1 times the variance of the first, all up
to it have, with (p + 1)² in the denominator, that of the first again. It ends at 4, for the sake of a column that has
values in few blocks.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from normcli.blocks.record import Array
from normcli.blocks.reductions import Sampling
from normcli.kernel import sketches
from normcli.stats._compactors import Sketches, halvings, hashes
from normcli.stats._levels import Counts

VARIANCE = 0.0054**2  # of a rank through sampling, as a share of all values: 1.4 % at 99 % confidence
MOST = 4
COINS = 1 << 16  # those of one sample, fewer than 1/(2·VARIANCE), begin in the first half


def of_columns(
    columns: Sequence[Array], counts: Sequence[int], alone: Sequence[bool], position: int, k: int
) -> Sketches:
    """A sketch of the values but NaN, so many as counts say, of each column (n,), of at most k items; contains all of
    them if these are no more. It is that of the block at a `position`, but for columns that are to be sampled as if it
    were `alone`. Equal columns at different positions have different samples, for data may repeat themselves."""
    fewer = _variances(position)
    heights = [_height(n, 1 if by_itself else fewer) for n, by_itself in zip(counts, alone, strict=True)]
    held = sketches.of_samples(columns, counts, heights, position, k)
    if held is None:
        present = [x if n == len(x) else x[~np.isnan(x)] for x, n in zip(columns, counts, strict=True)]
        held = _of_columns(present, heights, position, k)
    return Sketches(*held, np.zeros_like(held[1]))


def sampling(position: int, k: int) -> Sampling:
    """How the columns of a block are sampled by the kernel, of which those that miss values are as if alone."""
    shares = 4 * VARIANCE * _variances(position), 4 * VARIANCE
    return Sampling(position, k, shares, int(1 / (2 * VARIANCE)) + 1)


def of_samples(samples: sketches.Samples) -> Sketches:
    """The sketches of columns that were so sampled."""
    items, sizes = samples.sketches()
    return Sketches(items, sizes, np.zeros_like(sizes))


def _variances(position: int) -> int:
    """How many times the variance of the first block that at a position has."""
    return min(2 * position + 1, MOST)


def _height(n: int, variances: int) -> int:
    return int(1 + 4 * VARIANCE * variances * n).bit_length() - 1


def _of_columns(columns: Sequence[Array], heights: Sequence[int], position: int, k: int) -> tuple[Array, Counts]:
    """Items (columns, width) and sizes (columns, levels), without the native kernel."""
    places: dict[tuple[int, int], list[int]] = {}
    for j, case in enumerate(zip(map(len, columns), heights, strict=True)):
        places.setdefault(case, []).append(j)
    parts = {case: _of_length([columns[j] for j in same], *case, position, k) for case, same in places.items()}
    levels = max((len(of_level) for _, of_level in parts.values()), default=0)
    width = max((held.shape[1] for held, _ in parts.values()), default=0)
    sizes, items = np.zeros((len(columns), levels), np.int64), np.full((len(columns), width), np.inf)
    for case, same in places.items():
        held, of_level = parts[case]
        sizes[same, : len(of_level)], items[same, : held.shape[1]] = of_level, held
    return items, sizes


def _of_length(columns: Sequence[Array], n: int, height: int, position: int, k: int) -> tuple[Array, Counts]:
    """The items (columns, items) of columns of n values each, of which one in 2^height is sampled, level after level;
    and how many items levels have."""
    group, rest = divmod(n, 1 << height)
    below = [h for h in range(height) if rest >> h & 1]
    sample, singles = np.empty((len(columns), group)), np.empty((len(columns), len(below)))
    seeds = _seeds(columns, n, position)
    if height:
        starts, coins, mask = np.arange(group) << height, _coins(), (1 << height) - 1
        for x, row, single, first in zip(columns, sample, singles, (seeds % (COINS // 2)).tolist(), strict=True):
            np.take(x, starts + (coins[first : first + group] & mask), out=row, mode="clip")
            single[:] = [x[n - (rest & ((2 << h) - 1)) + (coins[first + h] & ((1 << h) - 1))] for h in below]
    else:
        np.stack(columns, out=sample)
    sample.sort(axis=1)
    sides = [halvings(group, k - len(below), second=second) for second in (False, True)]
    one, other = (sample[:, np.concatenate(levels)] for levels in sides)
    items = np.where(seeds[:, None] < 0, other, one)
    sizes = [*(int(h in below) for h in range(height)), *map(len, sides[0])]
    return np.concatenate([singles, items], axis=1) + 0.0, np.array(sizes)


def _seeds(columns: Sequence[Array], n: int, position: int) -> NDArray[np.int64]:
    """(columns,) where the coins of each sample begin, and which side its levels take: by some of the values."""
    some = np.array([[*(x[[0, n // 3, n // 2, n - 1]] if n else ()), 1.0 + position] for x in columns])
    return hashes(some, np.full((len(columns), 1), some.shape[1])).view(np.int64)


@cache
def _coins() -> NDArray[np.intp]:
    """(COINS,) random numbers, as splitmix64 has them."""
    z = np.arange(1, COINS + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31))).view(np.intp)
