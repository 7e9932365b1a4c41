"""Values clipped to limits that were learned, column by column."""

import numpy as np

from normcli.blocks.block import Block
from normcli.blocks.expressions import Expression, maximum, minimum
from normcli.blocks.record import Array, per_group
from normcli.transforms import Terms
from normcli.transforms._lossy import Lossy, clipped, if_known


class Limits(Lossy, frozen=True):
    """y = min(max(x, low), high). The limits of a column without values are NaN, and its values become missing."""

    low: Array = per_group("feature", empty=np.nan)  # input units
    high: Array = per_group("feature", empty=np.nan)  # input units

    def fault(self) -> tuple[str, str] | None:
        return ("high", "must not be below low") if (self.high < self.low).any() else None

    def terms(self) -> Terms:
        return Terms({"low": self.low[0], "high": self.high[0]})

    def _normalized(self, block: Block) -> Array:
        return clipped(block, self.low[0], self.high[0])

    def formula(self, x: Expression) -> Expression:
        low, high = self.parameter("low"), self.parameter("high")
        return if_known(minimum(maximum(x, low), high), self.low[0])
