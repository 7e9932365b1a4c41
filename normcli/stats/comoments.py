"""Means and co-products of rows."""

from collections.abc import Iterator
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
    """Count, means and centred co-products of rows that miss nothing; means and co-products are hi + lo.

    The matrix form of Moments: blocks are centred on their rounded means and multiplied, then merged by Chan, Golub
    and LeVeque's update. A constant column has co-products of exactly 0.
    """

    count: Array = per_group(holds="count")  # rows
    mean: Array = per_group("feature")  # input units
    mean_low: Array = per_group("feature")
    products: Array = per_group("feature", "feature", symmetric=True)  # input units, squared
    products_low: Array = per_group("feature", "feature", symmetric=True)

    def of(self, block: Block) -> Self:
        x = block.values
        n, d = x.shape
        mean, low, hi, lo = np.zeros(d), np.zeros(d), np.zeros((d, d)), np.zeros((d, d))
        with np.errstate(over="ignore", invalid="ignore"):
            if n:
                mean = x[0] + sum(strip.sum(axis=0) for strip in _less(x, x[0])) / n
            for strip in _less(x, mean):
                low += strip.sum(axis=0)
                hi, lo = add(hi, lo, strip.T @ strip)
            low /= max(n, 1)
            hi, lo = bounded(*add(hi, lo, -n * np.outer(low, low)))
            mean, low = two_sum(mean, low)
        fields = {"count": np.array(float(n)), "mean": mean, "mean_low": low, "products": hi, "products_low": lo}
        return replace(self, **{name: a[None] for name, a in fields.items()})

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
            mean=mean,
            mean_low=low,
            products=hi,
            products_low=lo,
        )

    def covariance(self, ddof: int) -> Array:
        """(groups, features, features) co-products / (count − ddof), symmetric; needs count > ddof."""
        return (self.products + self.products_low) / (self.count - ddof)[:, None, None]

    def summary(self) -> dict[str, Array]:
        count = np.broadcast_to(self.count[:, None], self.mean.shape)
        squares = np.diagonal(self.products + self.products_low, axis1=1, axis2=2)
        return {"count": count, "mean": self.mean + self.mean_low, "std": np.sqrt(squares / np.maximum(count, 1.0))}


def _less(x: Array, centre: Array) -> Iterator[Array]:
    """x − centre in strips of rows, all in the same memory."""
    scratch = np.empty((min(len(x), STRIP), x.shape[1]), order="F")
    for start in range(0, len(x), STRIP):
        strip = x[start : start + STRIP]
        yield np.subtract(strip, centre, out=scratch[: len(strip)])
