"""Normalizes each row by its own statistics, over runs of columns."""

from typing import Annotated

import numpy as np
from msgspec import Meta

from normcli.blocks import tensor
from normcli.blocks.block import Block
from normcli.blocks.expressions import Expression, if_complete
from normcli.blocks.record import Array, per_group
from normcli.errors import NotInvertibleError
from normcli.transforms import Transform
from normcli.transforms._rows import normalized_rows


class Axes(Transform, frozen=True):
    """y = (x − mean) / √(variance + eps) · gamma + beta, mean and variance over each of `groups` equal runs of a row's
    columns; or without `centred`, x / √(mean square + eps). If a row misses a value, all its values become missing."""

    gamma: Array = per_group("feature")
    beta: Array = per_group("feature")
    groups: Annotated[int, Meta(ge=1)] = 1
    centred: bool = True
    eps: Annotated[float, Meta(ge=0)] = 1e-5

    def fault(self) -> tuple[str, str] | None:
        features = self.gamma.shape[1]
        if features % self.groups:
            return "groups", f"{self.groups} do not divide {features} columns"
        return ("groups", "of one column each") if features == self.groups else None

    def _normalized(self, block: Block) -> Array:
        features = len(block.columns)
        out, width = np.empty((block.rows, features), order="F"), features // self.groups
        for rows in tensor.strips(block.rows, features):
            y, columns = out[rows], [x[rows] for x in block.columns]
            with np.errstate(over="ignore", invalid="ignore"):
                for start in range(0, features, width):
                    run = slice(start, start + width)
                    tensor.normalize_rows(columns[run], y[:, run], self.eps, centred=self.centred)
            if (self.gamma != 1.0).any():
                y *= self.gamma[0]
            y += self.beta[0]  # also turns −0 into 0
        if block.incomplete is not None:
            out[block.incomplete] = np.nan
        return out

    def formula(self, x: Expression) -> Expression:
        y = normalized_rows(x, self.groups, self.eps, centred=self.centred)
        return if_complete(y * self.parameter("gamma") + self.parameter("beta"), x)

    def check_invertible(self) -> None:
        raise NotInvertibleError("the mean and the size of each row are gone" if self.centred else
                                 "the size of each row is gone")  # fmt: skip
