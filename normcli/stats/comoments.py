"""Means and co-products of complete rows."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from normcli.block import Block
from normcli.record import Array, per_group
from normcli.stats import Statistic
from normcli.stats._compensated import add, bounded, merged_mean, two_sum

STRIP = 2048  # rows whose products BLAS may sum plainly; strips are summed compensated


@dataclass(frozen=True)
class Comoments(Statistic):
    """Count, means and centred co-products of the rows that miss nothing; means and co-products are hi + lo.

    The matrix form of Moments: blocks are centred on their rounded means and multiplied, then merged by Chan, Golub
    and LeVeque's update. A column that is constant over complete rows has co-products of exactly 0.
    """

    count: Array = per_group(holds="count")  # complete rows
    skipped: Array = per_group(holds="count")  # rows that miss a value
    mean: Array = per_group("feature")  # input units
    mean_low: Array = per_group("feature")
    products: Array = per_group("feature", "feature", symmetric=True)  # input units, squared
    products_low: Array = per_group("feature", "feature", symmetric=True)

    def of(self, block: Block) -> Self:
        x, d = block.complete.values, len(block.columns)
        n = len(x)
        state = replace(
            self,
            count=np.array([float(n)]),
            skipped=np.array([float(block.rows - n)]),
            mean=np.zeros((1, d)),
            mean_low=np.zeros((1, d)),
            products=np.zeros((1, d, d)),
            products_low=np.zeros((1, d, d)),
        )
        if n == 0:
            return state
        with np.errstate(over="ignore", invalid="ignore"):
            from_first = x - x[0]
            mean = x[0] + from_first.sum(axis=0) / n
            from_mean = np.subtract(x, mean, out=from_first)
            low = from_mean.sum(axis=0) / n
            hi, lo = np.zeros((d, d)), np.zeros((d, d))
            for start in range(0, n, STRIP):
                strip = from_mean[start : start + STRIP]
                hi, lo = add(hi, lo, strip.T @ strip)
            hi, lo = bounded(*add(hi, lo, -n * np.outer(low, low)))
            mean, low = two_sum(mean, low)
        return replace(state, mean=mean[None], mean_low=low[None], products=hi[None], products_low=lo[None])

    def _merge(self, other: Self) -> Self:
        counts = self.count[:, None], other.count[:, None]
        mean, low, gap, share = merged_mean(counts, (self.mean, other.mean), (self.mean_low, other.mean_low))
        with np.errstate(over="ignore", invalid="ignore"):
            between = gap[:, :, None] * gap[:, None, :] * (counts[0] * share)[:, :, None]
            products = add(self.products, self.products_low, other.products, other.products_low, between)
        hi, lo = bounded(*products)
        return replace(
            self,
            count=self.count + other.count,
            skipped=self.skipped + other.skipped,
            mean=mean,
            mean_low=low,
            products=hi,
            products_low=lo,
        )

    def covariance(self, ddof: int) -> Array:
        """(groups, features, features) co-products / (count − ddof), symmetric; needs count > ddof."""
        return (self.products + self.products_low) / (self.count - ddof)[:, None, None]
