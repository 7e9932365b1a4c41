"""Means and co-products of rows."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from normcli.block import Block
from normcli.record import Array, per_group, symmetric
from normcli.stats import Statistic
from normcli.stats._compensated import add, bounded, centre, merged_mean, products, two_sum

STRIP = 1024  # rows whose products are summed plainly; those of strips are summed compensated
UNDERFLOWN = 1e-160  # a deviation whose square may have become 0
ROUNDING = 1e-6  # share by which a co-product may be off


@dataclass(frozen=True)
class Comoments(Statistic):
    """Count, means and centred co-products of rows that miss nothing; means and co-products are hi + lo.

    The matrix form of Moments: blocks are centred on their rounded means and multiplied, then merged by Chan, Golub
    and LeVeque's update.
    """

    count: Array = per_group(holds="count")  # rows
    mean: Array = per_group("feature")  # input units
    mean_low: Array = per_group("feature")
    products: Array = per_group("feature", "feature", symmetric=True)  # input units, squared
    products_low: Array = per_group("feature", "feature", symmetric=True)

    def of(self, block: Block) -> Self:
        d = len(block.columns)
        fields = {n: np.zeros((block.groups, *[d] * len(a.dims))) for n, a in self.axes().items()}
        for group, _, part in block.each():
            for name, value in zip(fields, _of_one(part), strict=True):
                fields[name][group] = value
        return replace(self, **fields)

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

    def fault(self) -> tuple[str, str] | None:
        """No co-product is beyond what the two sums of squares allow (Cauchy and Schwarz), but for rounding."""
        products = self.products + self.products_low
        squares = np.maximum(np.diagonal(products, axis1=1, axis2=2), 0.0)
        lost = (UNDERFLOWN + 4 * np.finfo(np.float64).eps * np.abs(self.mean)) * np.sqrt(self.count)[:, None]
        with np.errstate(over="ignore"):
            size = np.sqrt(squares) + lost
            beyond = np.abs(products) > size[:, :, None] * size[:, None, :] * (1.0 + ROUNDING)
        return ("products", "greater than the sums of squares allow") if beyond.any() else super().fault()

    def summary(self) -> dict[str, Array]:
        count = np.broadcast_to(self.count[:, None], self.mean.shape)
        squares = np.diagonal(self.products + self.products_low, axis1=1, axis2=2)
        return {"count": count, "mean": self.mean + self.mean_low, "std": np.sqrt(squares / np.maximum(count, 1.0))}


def _of_one(block: Block) -> tuple[Array, ...]:
    """The fields of a block of one group."""
    x, weights = block.values, block.weights
    n, d = float(len(x)) if weights is None else float(weights.sum()), x.shape[1]
    mean = np.array([centre(column)[0] for column in block.present()])
    low, hi, lo = np.zeros(d), np.zeros((d, d)), np.zeros((d, d))
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(x), STRIP):
            strip = x[start : start + STRIP] - mean
            w = None if weights is None else weights[start : start + STRIP]
            low += (strip if w is None else strip * w[:, None]).sum(axis=0)
            hi, lo = add(hi, lo, products(strip, w))
        low = np.where(np.isfinite(low), low / (n or 1.0), 0.0)
        hi, lo = (symmetric(a) for a in bounded(*add(hi, lo, -n * np.outer(low, low))))
        mean, low = two_sum(mean, low)
    return np.array(n), mean, low, hi, lo
