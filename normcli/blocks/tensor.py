"""A row as a tensor: d columns are C channels of L = d/C positions, channel after channel, and rows are (N, C, L).

Statistics over its axes, of which each normalization layer uses one: over a run of columns of each row (all, a group
of channels, one channel), or over a channel of each batch of rows. Values are centred before they are squared, on a
mean that is corrected by the mean of the residuals: with the rounded mean alone, a row of mean 100 and deviation 0.01
is off by 1e-12.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from normcli.blocks.block import Block
from normcli.blocks.record import Array

Norm = Literal["l2", "l1"]

VALUES = 1 << 17  # in a strip of rows, which fits a CPU cache
FINE = 1e-250, 1e250  # sums of squares without underflow or overflow
NORMAL = float(np.sqrt(np.pi / 2.0))  # standard deviation of a normal distribution over its mean absolute one


def strips(rows: int, width: int) -> Iterator[slice]:
    """Slices of rows that fit a CPU cache."""
    size = max(VALUES // max(width, 1), 512)
    return (slice(at, min(at + size, rows)) for at in range(0, rows, size))


def per_feature(value: float | Sequence[float], features: int, channels: int) -> Array:
    """(features,) values from one number for all, or one for each channel or each feature."""
    if isinstance(value, float | int):
        return np.full(features, float(value))
    numbers = np.asarray(value, np.float64)
    return numbers if len(numbers) == features else np.repeat(numbers, features // channels)


# -- over runs of columns ----------------------------------------------------------------------------------------
def row_sums(x: Array) -> Array:
    """(rows,) of (rows, width), column-major. Adds column by column, also for a single row, which numpy would sum
    pairwise: the result for a row does not depend on other rows."""
    return x.sum(axis=1) if len(x) != 1 else np.add.accumulate(x[0])[-1:]


def centre_rows(x: Array) -> Array:
    """Centres rows (rows, width) in place, and returns their means (rows,), NaN where a value is."""
    mean = row_sums(x) / x.shape[1]
    x -= mean[:, None]
    low = row_sums(x) / x.shape[1]
    x -= low[:, None]
    return np.asarray(mean + low)


def spread_rows(deviations: Array, norm: Norm = "l2") -> Array:
    """(rows,) of (rows, width) deviations: their mean square, or √(π/2) times their mean size."""
    if norm == "l1":
        return np.asarray(row_sums(np.abs(deviations)) / deviations.shape[1] * NORMAL)
    return np.asarray(row_sums(np.square(deviations)) / deviations.shape[1])


def divisor(spread: Array, eps: float | Array, norm: Norm = "l2") -> Array:
    """√(variance + eps), or s + eps; one of exactly 0 is 1."""
    by = spread + eps if norm == "l1" else np.sqrt(spread + eps)
    return np.where(by == 0.0, 1.0, by)


def normalize_rows(columns: Sequence[Array], x: Array, eps: float, *, centred: bool = True) -> None:
    """Writes to `x` (rows, width) each row of `columns`, minus its mean if `centred`, over √(mean square + eps); NaN
    where a value is. Rows whose squares leave the range of a float are computed in other units, powers of two."""
    for column, into in zip(columns, x.T, strict=True):
        into[:] = column
    if centred:
        centre_rows(x)
    variance = spread_rows(x)
    far = ~(variance < FINE[1])
    if eps < FINE[0]:
        far |= variance < FINE[0]
    x *= (1.0 / divisor(variance, eps))[:, None]
    if far.any():
        far_rows = np.column_stack([column[far] for column in columns])
        sound = ~np.isnan(far_rows).any(axis=1)
        x[np.flatnonzero(far)[sound]] = _scaled(far_rows[sound], eps, centred=centred)


def _scaled(x: Array, eps: float, *, centred: bool) -> Array:
    """As `normalize_rows`, for values of any magnitude."""
    power = np.frexp(np.abs(x).max(axis=1, initial=0.0))[1]
    power = np.maximum(power, int(np.frexp(np.sqrt(eps))[1]) - 500) if eps else power
    x = np.asfortranarray(np.ldexp(x, -power[:, None]))
    if centred:
        centre_rows(x)
    return np.asarray(x / divisor(spread_rows(x), np.ldexp(eps, -2 * power))[:, None])


# -- over batches of rows ----------------------------------------------------------------------------------------
class OverBatches(Struct, frozen=True):
    """Statistics over the present values of each channel in each batch of rows: (batches, channels)."""

    lengths: NDArray[np.intp]  # (batches,) rows of each
    count: Array
    mean: Array  # 0 where there is no value
    mean_low: Array
    spread: Array  # mean square of deviations, or √(π/2) times their mean size


def batch_lengths(rows: int, size: int) -> NDArray[np.intp]:
    """(batches,) rows in each batch: `size`, or fewer in the last; a single last row joins the batch before."""
    full, rest = divmod(rows, size)
    lengths = [size] * full + ([rest] if rest else [])
    if rest == 1 and full:
        lengths[-2:] = [size + 1]
    return np.array(lengths, np.intp)


def over_batches(block: Block, size: int, channels: int, norm: Norm = "l2") -> OverBatches:
    """Statistics of consecutive batches of `size` rows."""
    lengths, width = batch_lengths(block.rows, size), len(block.columns) // channels
    statistics = OverBatches(lengths, *(np.zeros((len(lengths), channels)) for _ in range(4)))
    gappy = np.isnan(block.sums)
    for c in range(channels if block.rows else 0):
        channel = range(c * width, (c + 1) * width)
        gaps = [np.isnan(block.columns[j]) if gappy[j] else None for j in channel]
        with np.errstate(over="ignore", invalid="ignore"):
            numbers = _over_batches([block.columns[j] for j in channel], gaps, lengths, norm)
        statistics.count[:, c], statistics.mean[:, c], statistics.mean_low[:, c], statistics.spread[:, c] = numbers
    return statistics


Gaps = Sequence[NDArray[np.bool_] | None]


def _over_batches(
    columns: Sequence[Array], gaps: Gaps, lengths: NDArray[np.intp], norm: Norm
) -> tuple[Array, Array, Array, Array]:
    """Count, mean, its lower half and spread of one channel in each batch."""
    starts = np.cumsum(lengths) - lengths

    def total(values: Sequence[Array]) -> Array:
        return np.asarray(sum(np.add.reduceat(x, starts) for x in values))

    def present(values: Iterable[Array]) -> list[Array]:
        return [x if gap is None else np.where(gap, 0.0, x) for x, gap in zip(values, gaps, strict=True)]

    count = lengths * float(len(columns)) - total([g.astype(np.float64) for g in gaps if g is not None])
    n, addends = np.maximum(count, 1.0), present(columns)
    mean = total(addends) / n
    if not np.isfinite(mean).all():
        mean = np.ldexp(total([np.ldexp(x, -64) for x in addends]) / n, 64)
    deviations = present(x - np.repeat(mean, lengths) for x in addends)
    low = total(deviations) / n
    low = np.where(np.isfinite(low), low, 0.0)  # else the spread is infinite
    deviations = present(x - np.repeat(low, lengths) for x in deviations)
    sizes = [np.abs(x) if norm == "l1" else np.square(x) for x in deviations]
    high = mean + low
    return count, high, low - (high - mean), total(sizes) / n * (NORMAL if norm == "l1" else 1.0)
