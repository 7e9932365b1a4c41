"""A sketch of long columns from a sample: sorting all of their values would take a quarter of the time of a fit.

One of each 2^h consecutive values stands for all of them (the sampler of Karnin, Lang and Liberty, 2016), chosen by
coins that differ from group to group, so that no period of the data goes with them. The variance of a rank is at most
(2^h − 1)/4 of each value, whatever the order of values; 2^h is as large as `DEVIATION` permits.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from normcli.blocks.record import Array, Codes
from normcli.stats._compactors import Sketches, halvings, hashes, second_side
from normcli.stats._levels import Counts

DEVIATION = 0.0057  # standard deviation of a rank through sampling, of all values of a block, at most
COINS = 1 << 15  # those of one sample begin in the first half


def of_columns(columns: Sequence[Array], k: int) -> Sketches:
    """A sketch of the values (n,) of each column, of at most k items; contains all of them if these are no more."""
    places: dict[int, list[int]] = {}
    for j, x in enumerate(columns):
        places.setdefault(len(x), []).append(j)
    parts = {n: _of_length([columns[j] for j in same], n, k) for n, same in places.items()}
    levels = max((len(of_level) for _, of_level in parts.values()), default=0)
    width = max((held.shape[1] for held, _ in parts.values()), default=0)
    sizes, items = np.zeros((len(columns), levels), np.int64), np.full((len(columns), width), np.inf)
    for n, same in places.items():
        held, of_level = parts[n]
        sizes[same, : len(of_level)], items[same, : held.shape[1]] = of_level, held
    return Sketches(items, sizes, np.zeros_like(sizes))


def _of_length(columns: Sequence[Array], n: int, k: int) -> tuple[Array, Counts]:
    """The items (columns, items) of columns of n values each, level after level; and how many items levels have."""
    height = int(1 + 4 * DEVIATION**2 * n).bit_length() - 1
    group, rest = divmod(n, 1 << height)
    below = [h for h in range(height) if rest >> h & 1]
    sample, singles = np.empty((len(columns), group)), np.empty((len(columns), len(below)))
    if height:
        starts, coins = np.arange(group) << height, _coins() & ((1 << height) - 1)
        for x, row, single, first in zip(columns, sample, singles, _first_coins(columns).tolist(), strict=True):
            np.take(x, starts + coins[first : first + group], out=row, mode="clip")
            single[:] = [x[n - (rest & ((2 << h) - 1)) + coins[h] % (1 << h)] for h in below]
    else:
        np.stack(columns, out=sample)
    sample.sort(axis=1)
    sample += 0.0
    sides = [halvings(group, k - len(below), second=second) for second in (False, True)]
    one, other = (sample[:, np.concatenate(levels)] for levels in sides)
    items = np.where(second_side(sample)[:, None], other, one)
    sizes = [*(int(h in below) for h in range(height)), *map(len, sides[0])]
    return np.concatenate([singles + 0.0, items], axis=1), np.array(sizes)


def _first_coins(columns: Sequence[Array]) -> Codes:
    """(columns,) where the coins of each sample begin: by some of its values, so that columns and blocks differ."""
    some = np.stack([x[[0, len(x) // 3, len(x) // 2, -1]] for x in columns])
    return (hashes(some, np.full((len(columns), 1), some.shape[1])) % np.uint64(COINS // 2)).astype(np.intp)


@cache
def _coins() -> NDArray[np.intp]:
    """(COINS,) random numbers, as splitmix64 has them."""
    z = np.arange(1, COINS + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31))).view(np.intp)
