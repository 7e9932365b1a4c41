"""Values held within limits that were learned, column by column."""

import numpy as np

from normcli.blocks.block import Block
from normcli.blocks.expressions import Expression, maximum, minimum
from normcli.blocks.record import Array, per_group
from normcli.errors import NotInvertibleError
from normcli.transforms import Terms
from normcli.transforms._lossy import Lossy, if_known


class Limits(Lossy, frozen=True):
    """y = min(max(x, low), high). The limits of a column without values are NaN, and its values become missing."""

    low: Array = per_group("feature", empty=np.nan)  # input units
    high: Array = per_group("feature", empty=np.nan)  # input units

    def fault(self) -> tuple[str, str] | None:
        return ("high", "must not be below low") if (self.high < self.low).any() else None

    def terms(self) -> Terms:
        return Terms({"low": self.low[0], "high": self.high[0]})

    def _normalized(self, block: Block) -> Array:
        out = np.empty((block.rows, len(block.columns)), order="F")
        for x, low, high, y in zip(block.columns, self.low[0], self.high[0], out.T, strict=True):
            np.clip(x, low, high, out=y)
            y += 0.0  # turns −0 into 0
        return out

    def formula(self, x: Expression) -> Expression:
        low, high = self.parameter("low"), self.parameter("high")
        return if_known(minimum(maximum(x, low), high), self.low[0])

    def check_invertible(self) -> None:
        raise NotInvertibleError("what was held is gone", "--lossy leaves it as it is")
