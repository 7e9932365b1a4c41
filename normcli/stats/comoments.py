"""Means and co-products of rows."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Self

import numpy as np
from msgspec.structs import replace

from normcli import kernel
from normcli.blocks.block import Block
from normcli.blocks.record import Array, per_group, symmetric
from normcli.kernel.matrix import comoments
from normcli.stats import Statistic
from normcli.stats._compensated import (
    Exponents,
    add,
    bounded,
    centre,
    in_unit,
    merged_mean,
    mirror,
    products,
    scaled,
    strips,
    two_sum,
    unit,
)

STRIP = 1024  # rows whose products are summed without compensation; sums of strips are compensated
UNDERFLOWN = 1e-160  # a deviation whose square may underflow to 0
ROUNDING = 1e-6  # share by which a co-product may be off


class Comoments(Statistic, frozen=True):
    """Count, means and centred co-products of rows without missing values; means and co-products are hi + lo.

    The matrix form of Moments: blocks are centred on their rounded means and multiplied, then merged by the update of
    Chan, Golub and LeVeque. For a tiny total weight, co-products are stored times 2^`unit`.
    """

    count: Array = per_group(holds="count")  # rows
    mean: Array = per_group("feature")  # input units
    mean_low: Array = per_group("feature")
    products: Array = per_group("feature", "feature", symmetric=True)  # input units, squared
    products_low: Array = per_group("feature", "feature", symmetric=True)

    def of(self, block: Block) -> Self:
        if block.codes is None:
            arrays = (np.asarray(a, order="C")[None] for a in _of_one(block))
            return replace(self, **dict(zip(self.axes(), arrays, strict=True)))
        d = len(block.columns)
        fields = {n: np.zeros((block.groups, *[d] * len(a.dims))) for n, a in self.axes().items()}
        for group, _, part in block.iter_groups():
            for name, value in zip(fields, _of_one(part), strict=True):
                fields[name][group] = value
        return replace(self, **fields)

    def _merge(self, other: Self) -> Self:
        counts = self.count[:, None], other.count[:, None]
        mean, low, gap, share = merged_mean(counts, (self.mean, other.mean), (self.mean_low, other.mean_low))
        count = self.count + other.count
        power = unit(count)
        shifts = [(power - s.unit)[:, None, None] for s in (self, other)]
        weight = (scaled(counts[0], power[:, None]) * share)[:, :, None]
        hi, lo = np.empty_like(self.products), np.empty_like(self.products)
        first = hi.shape[2] - hi.shape[1]  # row of the matrix: 0, but in a shard
        for groups, rows, columns in strips(hi.shape):  # the upper triangle is the same
            terms = [
                scaled(a[groups, rows, columns], n[groups])
                for s, n in zip((self, other), shifts, strict=True)
                for a in (s.products, s.products_low)
            ]
            with np.errstate(over="ignore", invalid="ignore"):
                row_gaps, column_gaps = gap[groups, first:][:, rows, None], gap[groups, None, columns]
                between = row_gaps * column_gaps * weight[groups]
                hi[groups, rows, columns], lo[groups, rows, columns] = bounded(*add(*terms, between))
        for array in (hi, lo):
            mirror(array[:, :, first:])
        return replace(self, count=count, mean=mean, mean_low=low, products=hi, products_low=lo)

    def split(self, shards: int) -> list[Self]:
        """Of the lower triangle, rows from one on; features are those up to the last of the rows."""
        size = self.products.shape[2]
        ends = [round(size * ((2 * n + 1) / (2 * shards - 1)) ** 0.5) for n in range(shards)]  # about as large
        return [
            replace(
                self,
                mean=self.mean[:, :end],
                mean_low=self.mean_low[:, :end],
                products=self.products[:, start:end, :end],
                products_low=self.products_low[:, start:end, :end],
            )
            for start, end in pairwise((0, *ends))
        ]

    @classmethod
    def joined(cls, shards: Sequence[Self]) -> Self:
        last = shards[-1]
        size = last.products.shape[2]
        both = {name: np.empty((last.groups, size, size)) for name in ("products", "products_low")}
        for name, array in both.items():
            for shard in shards:
                rows = getattr(shard, name)
                array[:, rows.shape[2] - rows.shape[1] : rows.shape[2], : rows.shape[2]] = rows
            mirror(array)
        return replace(last, **both)

    def covariance(self, ddof: int) -> Array:
        """(groups, features, features) co-products / (count − ddof), symmetric; needs count > ddof."""
        return (self.products + self.products_low) / self.scaled_count(ddof)[:, None, None]

    @property
    def unit(self) -> Exponents:
        """(groups,) the power of two by which co-products are multiplied: even, 0 except for a tiny total weight."""
        return unit(self.count)

    def scaled_count(self, ddof: int = 0) -> Array:
        """(groups,) count − ddof in the unit of the co-products."""
        return scaled(self.count - ddof, self.unit)

    def fault(self) -> tuple[str, str] | None:
        """No co-product exceeds the bound of the two sums of squares (Cauchy–Schwarz), except by rounding."""
        products = self.products + self.products_low
        squares = np.maximum(np.diagonal(products, axis1=1, axis2=2), 0.0)
        rounding = 4 * np.finfo(np.float64).eps * np.abs(self.mean)
        lost = (UNDERFLOWN + rounding) * np.sqrt(np.maximum(self.scaled_count(), 1.0))[:, None]
        with np.errstate(over="ignore"):
            size = np.sqrt(squares) + lost
            beyond = np.abs(products) > size[:, :, None] * size[:, None, :] * (1.0 + ROUNDING)
        return ("products", "greater than the sums of squares allow") if beyond.any() else super().fault()

    def computation(self) -> str:
        return kernel.comoments_description()

    def summary(self) -> dict[str, Array]:
        count = np.broadcast_to(self.count[:, None], self.mean.shape)
        squares = np.diagonal(self.products + self.products_low, axis1=1, axis2=2)
        divisor = self.scaled_count()[:, None]
        std = np.sqrt(squares / np.where(divisor > 0.0, divisor, 1.0))
        return {"count": count, "mean": self.mean + self.mean_low, "std": std}


def _of_one(block: Block) -> tuple[Array, ...]:
    """The fields of a block with one group."""
    weights = block.weights
    count = np.array(float(block.rows) if weights is None else float(weights.sum()))
    if weights is not None and (power := unit(count)):
        weights = np.ldexp(weights, power)
    n = float(count if weights is None else weights.sum())
    near = block.sums / (block.rows or 1)
    if not np.isfinite(near).all():
        near = _centers(block)
    arrays = comoments(block.columns, weights, n, near)
    return count, *(_by_blas(block, weights, n) if arrays is None else arrays)


def _centers(block: Block) -> Array:
    """(features,) floats next to the means, at any distance from zero."""
    return np.array([centre(in_unit(column))[0] for column in block.present()])


def _by_blas(block: Block, weights: Array | None, n: float) -> tuple[Array, Array, Array, Array]:
    """As comoments of the kernel, where there is none."""
    mean = _centers(block)
    with np.errstate(over="ignore", invalid="ignore"):
        low, hi, lo = _summed(block.values, weights, mean)
        low = np.where(np.isfinite(low), low / (n or 1.0), 0.0)
        hi, lo = (symmetric(a) for a in bounded(*add(hi, lo, -n * np.outer(low, low))))
        return *two_sum(mean, low), hi, lo


def _summed(x: Array, weights: Array | None, mean: Array) -> tuple[Array, Array, Array]:
    """Sums (features,) of deviations, and of their products (features, features), right from the diagonal down."""
    d = x.shape[1]
    low, hi, lo = np.zeros(d), np.zeros((d, d)), np.zeros((d, d))
    for start in range(0, len(x), STRIP):
        strip = x[start : start + STRIP] - mean
        w = None if weights is None else weights[start : start + STRIP]
        low += (strip if w is None else strip * w[:, None]).sum(axis=0)
        hi, lo = add(hi, lo, products(strip, w))
    return low, hi, lo
