"""Weighted sums of batch and instance normalization."""

from typing import ClassVar

import numpy as np

from normcli.blocks import tensor
from normcli.blocks.block import Block
from normcli.blocks.expressions import Expression, constant, if_complete, repeat
from normcli.blocks.record import Array, per_group
from normcli.blocks.tensor import OverBatches
from normcli.errors import NotInvertibleError
from normcli.transforms._batches import Training
from normcli.transforms._rows import centred_rows, divisor, normalized_rows, spread_rows
from normcli.transforms.batches import Batches


class Blends(Batches, frozen=True):
    """y = (share · x_batch + (1 − share) · x_instance) · gamma + beta.

    x_batch as in Batches; x_instance by the mean of each row's channel, and √(biased variance + eps), s + eps or 1 as
    there. If a row misses a value, all its values become missing.
    """

    share: Array = per_group("feature", holds="not negative")

    complete_rows: ClassVar[bool] = True

    def fault(self) -> tuple[str, str] | None:
        if (self.share > 1.0).any():
            return "share", "must be at most 1"
        if self.channels == self.share.shape[1]:
            return "channels", "of one column each"
        return super().fault()

    def normalized(self, block: Block, batches: OverBatches | None) -> Array:
        out = self.standardized(block, batches)
        out *= self.share[0]
        width = len(block.columns) // self.channels
        for rows in tensor.strips(block.rows, width):
            for start in range(0, len(block.columns), width):
                run = slice(start, start + width)
                out[rows, run] += self._instance([x[rows] for x in block.columns[run]]) * (1.0 - self.share[0, run])
        if block.incomplete is not None:
            out[block.incomplete] = np.nan
        return self.finish(out)

    def formula(self, x: Expression) -> Expression:
        batch = self.standardized_formula(x) * self.parameter("share")
        instance = self._instance_formula(x) * constant(1.0 - self.share[0], "instance_share")
        return self.finished(if_complete(batch + instance, x))

    def _instance_formula(self, x: Expression) -> Expression:
        """`_instance` of all channels."""
        if self.norm == "l2" and not self.mean_only:
            return normalized_rows(x, self.channels, self.eps)
        deviations, _ = centred_rows(x, self.channels)
        if self.mean_only:
            return deviations
        by = divisor(spread_rows(deviations, self.channels, self.norm), self.eps, self.norm)
        return deviations / repeat(by, x.width)

    def _instance(self, columns: list[Array]) -> Array:
        """(rows, positions) of one channel, by statistics of each row."""
        x = np.empty((len(columns[0]), len(columns)), order="F")
        if self.norm == "l2" and not self.mean_only:
            tensor.normalize_rows(columns, x, self.eps)
            return x
        for column, into in zip(columns, x.T, strict=True):
            into[:] = column
        tensor.centre_rows(x)
        if not self.mean_only:
            x /= tensor.divisor(tensor.spread_rows(x, self.norm), self.eps, self.norm)[:, None]
        return x

    def training(self) -> Training:
        return Training(self)

    def check_invertible(self) -> None:
        raise NotInvertibleError("the mean and the size of each row are gone")
