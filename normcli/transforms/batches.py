"""Normalizes columns by running statistics of batches, or in training, by the statistics of each batch."""

from typing import Any

import numpy as np

from normcli.blocks import tensor
from normcli.blocks.block import Block
from normcli.blocks.expressions import Expression
from normcli.blocks.record import Array, per_group
from normcli.blocks.tensor import OverBatches
from normcli.errors import NotInvertibleError
from normcli.transforms import LAST, Terms, Transform
from normcli.transforms._batches import ByBatches
from normcli.transforms.affine import ends_of, rounding


class Batches(ByBatches, frozen=True):
    """y = ((x − mean) − mean_low) / scale · gamma + beta.

    In training mean and scale are those of each batch of `size` rows, of all of a channel's columns: √(biased variance
    + eps), or s + eps, or 1 with `mean_only`. With `limits` (greatest r, greatest d; None: none), what that gives is
    brought near the learned ones: · r + d.
    """

    scale: Array = per_group("feature", empty=np.nan, holds="positive")  # input units
    norm: tensor.Norm = "l2"
    mean_only: bool = False
    limits: tuple[float | None, float | None] | None = None

    @property
    def kind(self) -> tensor.Norm:
        return self.norm

    def fault(self) -> tuple[str, str] | None:
        r, d = self.limits or (None, None)
        if r is not None and not 1.0 <= r < np.inf:
            return "limits", "the first must be at least 1"
        if d is not None and not 0.0 <= d < np.inf:
            return "limits", "the second must not be negative"
        return super().fault()

    def terms(self) -> Terms:
        return Terms({"mean": self.mean[0] + self.mean_low[0], "divisor": self.scale[0]})

    def normalized(self, block: Block, batches: OverBatches | None) -> Array:
        return self.finish(self.standardized(block, batches))

    def standardized(self, block: Block, batches: OverBatches | None) -> Array:
        """(rows, features) before gamma and beta; infinite where the squares of a batch overflow."""
        out = np.empty((block.rows, len(block.columns)), order="F")
        for j, (x, y) in enumerate(zip(block.columns, out.T, strict=True)):
            if batches is None:
                np.subtract(x, self.mean[0, j], out=y)
                y -= self.mean_low[0, j]
                y /= self.scale[0, j]
            else:
                self._by_batch(x, y, j, batches)
        return out

    def formula(self, x: Expression) -> Expression:
        return self.finished(self.standardized_formula(x))

    def standardized_formula(self, x: Expression) -> Expression:
        """`standardized` by the running statistics."""
        return (x - self.parameter("mean") - self.parameter("mean_low")) / self.parameter("scale")

    def inverse_formula(self, y: Expression) -> Expression:
        self.check_invertible()
        return (
            (y - self.parameter("beta")) / self.parameter("gamma") * self.parameter("scale")
            + self.parameter("mean_low")
            + self.parameter("mean")
        )

    def _by_batch(self, x: Array, y: Array, j: int, b: OverBatches) -> None:
        c = self.channel(j)
        by = np.ones_like(b.spread[:, c]) if self.mean_only else tensor.divisor(b.spread[:, c], self.eps, self.norm)
        np.subtract(x, np.repeat(b.mean[:, c], b.lengths), out=y)
        y -= np.repeat(b.mean_low[:, c], b.lengths)
        y /= np.repeat(by, b.lengths)
        if self.limits is not None:
            r, d = self._renormed(j, b.mean[:, c], b.mean_low[:, c], by)
            y *= np.repeat(r, b.lengths)
            y += np.repeat(d, b.lengths)
        if not np.isfinite(by).all():
            y[np.repeat(~np.isfinite(by), b.lengths) & ~np.isnan(x)] = np.inf

    def _renormed(self, j: int, mean: Array, mean_low: Array, by: Array) -> tuple[Array, Array]:
        """r and d of each batch (Ioffe 2017, algorithm 1): how far it may come from the learned scale and mean."""
        assert self.limits is not None
        scale, (most, furthest) = self.scale[0, j], self.limits
        r, d = by / scale, ((mean - self.mean[0, j]) + (mean_low - self.mean_low[0, j])) / scale
        if most is not None:
            r = np.clip(r, 1.0 / most, most)
        if furthest is not None:
            d = np.clip(d, -furthest, furthest)
        return r, d

    def training(self) -> Transform:
        return self if self.limits == (None, None) else super().training()

    def check_invertible(self) -> None:
        if (self.gamma == 0.0).any():
            raise NotInvertibleError("what was multiplied by a γ of 0 is gone")

    def _inverse(self, block: Block) -> Array:
        out = np.empty((block.rows, len(block.columns)), order="F")
        for j, (y, x) in enumerate(zip(block.columns, out.T, strict=True)):
            np.subtract(y, self.beta[0, j], out=x)
            x /= self.gamma[0, j]
            x *= self.scale[0, j]
            x += self.mean_low[0, j]
            x += self.mean[0, j]
        return out

    def rounding(self, block: Block, restored: Array, j: int, allowed: Any) -> Array | float:
        return rounding(block.columns[j], self.scale[0, j], self.gamma[0, j], self.beta[0, j], allowed)

    def _inverse_error(self, block: Block, error: Array, restored: Block) -> Array:
        return np.asfortranarray((error + LAST * np.abs(self.beta[0])) * self._slope[0])

    def lever(self, span: Array) -> Array:
        return span + ends_of(np.abs(self.mean) + self._slope * (1.0 + np.abs(self.beta)))

    @property
    def _slope(self) -> Array:
        """(groups, features) input units for one of output."""
        return self.scale / np.abs(self.gamma)
