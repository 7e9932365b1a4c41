"""Missing values become others, column by column."""

import numpy as np

from normcli.blocks.block import Block
from normcli.blocks.expressions import Expression, if_missing
from normcli.blocks.record import Array, per_group
from normcli.transforms import Terms
from normcli.transforms._lossy import Lossy


class Fills(Lossy, frozen=True):
    """y = x, or `value` where that is missing: NaN for a column without values, in which nothing is filled."""

    loss = "what was missing is not known any more"
    value: Array = per_group("feature", empty=np.nan)  # input units

    def terms(self) -> Terms:
        return Terms({"fill": self.value[0]})

    def _normalized(self, block: Block) -> Array:
        out = np.empty((block.rows, len(block.columns)), order="F")
        for x, value, y in zip(block.columns, self.value[0], out.T, strict=True):
            np.add(x, 0.0, out=y)  # turns −0 into 0
            np.copyto(y, value, where=np.isnan(x))
        return out

    def formula(self, x: Expression) -> Expression:
        return if_missing(x, self.parameter("value")) + 0.0
