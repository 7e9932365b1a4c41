"""Running statistics of batches."""

from typing import Annotated, Self

import numpy as np
from msgspec import Meta
from msgspec.structs import replace

from normcli.blocks import tensor
from normcli.blocks.block import Block
from normcli.blocks.record import Array, per_group
from normcli.stats import Statistic
from normcli.stats._compensated import GREATEST, bounded, merged_mean, two_sum


class Running(Statistic, frozen=True):
    """Weighted averages of the statistics of batches of `size` rows, per channel, the newest with the greatest weight.

    With r ← (1 − m)·r + m·batch, k batches have the weight 1 − (1 − m)^k together: means and spreads are stored as
    averages with these weights, so the initial r can be chosen afterwards (Kingma and Ba 2015, section 3, for the
    correction). Two runs of batches merge like the composition of affine maps, in order: the first decays by (1 − m)^k
    of the second. Without momentum all batches have the same weight. A batch with fewer than two present values in a
    channel is no update. Merged states equal the state of all rows only if the data are split between batches.
    """

    count: Array = per_group("feature", holds="count")
    missing: Array = per_group("feature", holds="count")
    updates: Array = per_group("feature", holds="count")  # batches
    mean: Array = per_group("feature")  # input units, of the channel
    mean_low: Array = per_group("feature")
    spread: Array = per_group("feature", holds="not negative")  # unbiased variance, s, or with `rooted` the divisor
    size: Annotated[int, Meta(ge=2, le=1 << 40)] = 256
    momentum: Annotated[float, Meta(gt=0, le=1)] | None = 0.1
    channels: Annotated[int, Meta(ge=1)] | None = None  # None: as many as columns
    norm: tensor.Norm = "l2"
    rooted: bool = False  # averages √(biased variance + eps), or s + eps
    eps: Annotated[float, Meta(ge=0)] = 0.0

    @property
    def multiple(self) -> int:
        return self.size

    def fault(self) -> tuple[str, str] | None:
        features = self.count.shape[1]
        if self.channels and features % self.channels:
            return "channels", f"{self.channels} do not divide {features} columns"
        return None

    def weight(self, updates: Array) -> Array:
        """The total weight of k `updates`: 1 − (1 − m)^k, or k without momentum."""
        if self.momentum is None:
            return updates
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(updates > 0, -np.expm1(updates * np.log1p(-self.momentum)), 0.0)

    def fading(self, updates: Array) -> Array:
        """The factor by which k `updates` reduce earlier weights: (1 − m)^k, or 1 without momentum."""
        return np.ones_like(updates) if self.momentum is None else np.power(1.0 - self.momentum, updates)

    def of(self, block: Block) -> Self:
        features = len(block.columns)
        channels = self.channels or features
        b = tensor.over_batches(block, self.size, channels, self.norm)
        taken = b.count >= 2.0
        weight = np.where(taken, self.fading(np.cumsum(taken[::-1], axis=0)[::-1] - taken * 1.0), 0.0)
        weight /= np.maximum(weight.sum(axis=0), 1.0)  # that of the newest is 1

        def average(values: Array) -> Array:
            return np.asarray(np.ascontiguousarray((weight * np.where(weight > 0.0, values, 0.0)).T).sum(axis=1))

        with np.errstate(over="ignore", invalid="ignore"):
            newest = len(taken) - 1 - np.argmax(taken[::-1], axis=0) if len(taken) else np.zeros(channels, np.intp)
            about = b.mean[newest, np.arange(channels)] if len(taken) else np.zeros(channels)
            about = np.where(taken.any(axis=0), about, 0.0)
            mean, low = bounded(*two_sum(about, average((b.mean - about) + b.mean_low)))
            spread = average(self._spread(b))
        counts = np.array([[np.count_nonzero(~np.isnan(x)) for x in block.columns]], np.float64)
        by_channel = taken.sum(axis=0) * 1.0, mean, low, np.minimum(spread, GREATEST)
        updates, mean, low, spread = (np.repeat(a, features // channels)[None] for a in by_channel)
        return replace(
            self,
            count=counts,
            missing=block.rows - counts,
            updates=updates,
            mean=mean,
            mean_low=low,
            spread=spread,
        )

    def _spread(self, b: tensor.OverBatches) -> Array:
        if self.rooted:
            return tensor.divisor(b.spread, self.eps, self.norm)
        return b.spread if self.norm == "l1" else b.spread * (b.count / np.maximum(b.count - 1.0, 1.0))

    def _merge(self, other: Self) -> Self:
        first, second = self.fading(other.updates) * self.weight(self.updates), self.weight(other.updates)
        swap = second > first  # the part of less weight is added to the other
        weight, mean, low, spread = (
            (np.where(swap, b, a), np.where(swap, a, b))
            for a, b in (
                (first, second),
                (self.mean, other.mean),
                (self.mean_low, other.mean_low),
                (self.spread, other.spread),
            )
        )
        hi, lo, _, share = merged_mean(weight, mean, low)
        hi, lo = bounded(hi, lo)
        return replace(
            self,
            count=self.count + other.count,
            missing=self.missing + other.missing,
            updates=self.updates + other.updates,
            mean=hi,
            mean_low=lo,
            spread=spread[0] + (spread[1] - spread[0]) * share,
        )

    def summary(self) -> dict[str, Array]:
        squared = not self.rooted and self.norm == "l2"
        std = np.sqrt(self.spread) if squared else self.spread
        return {"count": self.count, "missing": self.missing, "mean": self.mean + self.mean_low, "std": std}
