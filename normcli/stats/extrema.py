"""Least and greatest value."""

from typing import Self

import numpy as np
from msgspec.structs import replace

from normcli.blocks.block import Column
from normcli.blocks.record import Array, per_group
from normcli.blocks.reductions import Reductions
from normcli.stats import ReducedStatistic


class Extrema(ReducedStatistic, frozen=True):
    """Least and greatest present value of each column, in input units."""

    least: Array = per_group("feature", empty=np.inf)
    greatest: Array = per_group("feature", empty=-np.inf)

    def column(self, x: Column | Reductions) -> tuple[Array, ...]:
        return x.least, x.greatest

    def _merge(self, other: Self) -> Self:
        return replace(
            self,
            least=np.minimum(self.least, other.least),
            greatest=np.maximum(self.greatest, other.greatest),
        )

    def fault(self) -> tuple[str, str] | None:
        """The least is not above the greatest, unless there are no values."""
        present = np.isfinite(self.least) | np.isfinite(self.greatest)
        return ("least", "above the greatest") if (present & (self.least > self.greatest)).any() else super().fault()

    def summary(self) -> dict[str, Array]:
        return {"min": self.least, "max": self.greatest}
