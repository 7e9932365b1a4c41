"""Base of transforms by batches: by learned running statistics, or in training, by those of each batch."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Self

import numpy as np
from msgspec import Meta
from msgspec.structs import replace

from normcli.blocks import tensor
from normcli.blocks.block import Block
from normcli.blocks.expressions import Expression, constant
from normcli.blocks.record import Array, per_group
from normcli.blocks.tensor import OverBatches
from normcli.errors import NotInvertibleError
from normcli.transforms import Transform


class ByBatches(Transform, frozen=True):
    """Columns whose parameters are NaN, as they had no values, become missing, also in training."""

    mean: Array = per_group("feature", empty=np.nan)  # input units
    mean_low: Array = per_group("feature", empty=np.nan)
    gamma: Array = per_group("feature")
    beta: Array = per_group("feature")
    size: Annotated[int, Meta(ge=2, le=1 << 40)] = 256  # rows to a batch
    channels: Annotated[int, Meta(ge=1)] = 1
    eps: Annotated[float, Meta(ge=0)] = 1e-5

    complete_rows: ClassVar[bool] = False  # rows that miss a value are left out of batches

    @property
    def kind(self) -> tensor.Norm:
        """Which spread of a batch is used."""
        return "l2"

    def fault(self) -> tuple[str, str] | None:
        features = self.gamma.shape[1]
        return ("channels", f"{self.channels} do not divide {features} columns") if features % self.channels else None

    def normalized(self, block: Block, batches: OverBatches | None) -> Array:
        """(rows, features) normalized by these statistics of batches; None: by the running ones."""
        raise NotImplementedError

    def _normalized(self, block: Block) -> Array:
        return self.normalized(block, None)

    def training(self) -> Transform:
        return Training(self)

    def reorder(self, order: Sequence[int]) -> Self:
        alone = self.channels == self.gamma.shape[1]  # each column is a channel
        return replace(super().reorder(order), channels=len(order) if alone else self.channels)

    def channel(self, j: int) -> int:
        """The channel of column j."""
        return int(j * self.channels // self.gamma.shape[1])

    def finish(self, out: Array) -> Array:
        """Applies gamma and beta, in place."""
        for j, y in enumerate(out.T):
            if self.gamma[0, j] != 1.0:
                y *= self.gamma[0, j]
            y += self.beta[0, j]  # also turns −0 into 0
            if np.isnan(self.mean[0, j]):
                y[:] = np.nan
        return out

    def finished(self, y: Expression) -> Expression:
        """`finish` as a formula."""
        unknown = np.where(np.isnan(self.mean[0]), np.nan, self.beta[0])
        return y * self.parameter("gamma") + constant(unknown, "beta")


class Training(Transform, frozen=True):
    """Normalizes by the statistics of each batch; never saved."""

    learned: ByBatches

    @property
    def multiple(self) -> int:
        return self.learned.size

    def _normalized(self, block: Block) -> Array:
        t = self.learned
        counted = block.all_or_nothing if t.complete_rows else block
        return t.normalized(block, tensor.over_batches(counted, t.size, t.channels, t.kind))

    def check_invertible(self) -> None:
        raise NotInvertibleError("the mean and the size of each batch are gone")
