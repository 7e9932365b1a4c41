"""Values clipped to an interval, the same for all columns."""

from collections.abc import Callable
from typing import Self

import numpy as np

from normcli.blocks.block import Block
from normcli.blocks.expressions import Expression, maximum, minimum
from normcli.blocks.record import Array
from normcli.transforms._lossy import Lossy, clipped


class Interval(Lossy, frozen=True):
    """y = min(max(x, low), high); None is no limit."""

    low: float | None = None
    high: float | None = None

    def fault(self) -> tuple[str, str] | None:
        crossed = self.low is not None and self.high is not None and self.high < self.low
        return ("high", "must not be below low") if crossed else None

    def _by_group(self, block: Block, work: Callable[[Self, Block], Array]) -> Array:
        return work(self, block)  # groups do not matter

    def _normalized(self, block: Block) -> Array:
        low, high = -np.inf if self.low is None else self.low, np.inf if self.high is None else self.high
        columns = len(block.columns)
        return clipped(block, np.full(columns, low), np.full(columns, high))

    def formula(self, x: Expression) -> Expression:
        y = x if self.low is None else maximum(x, self.low)
        return (y if self.high is None else minimum(y, self.high)) + 0.0
