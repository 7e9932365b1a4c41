"""Each column by the running statistics of batches; in training, by each batch's own."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from normcli import tensor
from normcli.block import Block
from normcli.errors import NotInvertibleError
from normcli.record import Array, per_group
from normcli.transforms import Transform


@dataclass(frozen=True)
class Batches(Transform):
    """y = ((x − mean) − mean_low) / scale · gamma + beta.

    A column that learned nothing (NaN) comes out missing. In training mean and scale are those of each batch of
    `size` rows, of all of a channel's columns: √(biased variance + eps), or s + eps, or 1 with `mean_only`. With
    `limits` (greatest r, greatest d; None: none), what that gives is brought near the learned ones: · r + d.
    """

    mean: Array = per_group("feature", empty=np.nan)  # input units
    mean_low: Array = per_group("feature", empty=np.nan)
    scale: Array = per_group("feature", empty=np.nan, holds="positive")  # input units
    gamma: Array = per_group("feature")
    beta: Array = per_group("feature")
    size: Annotated[int, Meta(ge=2, le=1 << 40)] = 256
    channels: Annotated[int, Meta(ge=1)] = 1
    eps: Annotated[float, Meta(ge=0)] = 1e-5
    norm: tensor.Norm = "l2"
    mean_only: bool = False
    limits: tuple[float | None, float | None] | None = None

    def fault(self) -> tuple[str, str] | None:
        features = self.gamma.shape[1]
        if features % self.channels:
            return "channels", f"{self.channels} do not divide {features} columns"
        r, d = self.limits or (None, None)
        if r is not None and not 1.0 <= r < np.inf:
            return "limits", "the first must be at least 1"
        return ("limits", "the second must not be negative") if d is not None and not 0.0 <= d < np.inf else None

    def __call__(self, block: Block) -> Array:
        out = np.empty((block.rows, len(block.columns)), order="F")
        for j, (x, y) in enumerate(zip(block.columns, out.T, strict=True)):
            np.subtract(x, self.mean[0, j], out=y)
            y -= self.mean_low[0, j]
            y /= self.scale[0, j]
            self._finish(y, j)
        return out

    def _finish(self, y: Array, j: int) -> None:
        """What comes after the division, in place."""
        if self.gamma[0, j] != 1.0:
            y *= self.gamma[0, j]
        y += self.beta[0, j]  # also turns −0 into 0

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

    def training(self) -> Transform:
        return self if self.limits == (None, None) else _Training(self)


@dataclass(frozen=True)
class _Training(Transform):
    """By the statistics of each batch; never kept."""

    learned: Batches

    @property
    def multiple(self) -> int:
        return self.learned.size

    def __call__(self, block: Block) -> Array:
        t, out = self.learned, np.empty((block.rows, len(block.columns)), order="F")
        b = tensor.over_batches(block, t.size, t.channels, t.norm)
        by = np.ones_like(b.spread) if t.mean_only else tensor.divisor(b.spread, t.eps, t.norm)
        for j, (x, y) in enumerate(zip(block.columns, out.T, strict=True)):
            c = j * t.channels // len(block.columns)
            np.subtract(x, np.repeat(b.mean[:, c], b.lengths), out=y)
            y -= np.repeat(b.mean_low[:, c], b.lengths)
            y /= np.repeat(by[:, c], b.lengths)
            if t.limits is not None:
                r, d = _renormed(t, j, b.mean[:, c], b.mean_low[:, c], by[:, c])
                y *= np.repeat(r, b.lengths)
                y += np.repeat(d, b.lengths)
            t._finish(y, j)
            if np.isnan(t.mean[0, j]):
                y[:] = np.nan
            else:
                y[np.repeat(~np.isfinite(by[:, c]), b.lengths) & ~np.isnan(x)] = np.inf  # squares beyond a float
        return out

    def check_invertible(self) -> None:
        raise NotInvertibleError("the mean and the size of each batch are gone")


def _renormed(t: Batches, j: int, mean: Array, mean_low: Array, by: Array) -> tuple[Array, Array]:
    """r and d of each batch (Ioffe 2017, algorithm 1): how far it may come from the learned scale and mean."""
    assert t.limits is not None
    scale, (most, furthest) = t.scale[0, j], t.limits
    r, d = by / scale, ((mean - t.mean[0, j]) + (mean_low - t.mean_low[0, j])) / scale
    if most is not None:
        r = np.clip(r, 1.0 / most, most)
    if furthest is not None:
        d = np.clip(d, -furthest, furthest)
    return r, d
