"""ColumnSketches: how the values of each input column are distributed, in a quantile sketch."""

from collections.abc import Sequence
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from normcli.blocks.record import Array
from normcli.stats.quantiles import Quantiles

K = 256  # items of a column: ranks are off by less than 1.6 % of the values, at 99 % confidence
BLANK = Quantiles(k=K)


class ColumnSketches(Struct, frozen=True):
    """A sketch of the present values of each input column that steps learn from, of all rows; the values of a column of
    lists together. Each row counts as often as its weight says.

    Up to 256 values of a column it contains all of them.
    """

    names: tuple[str, ...]
    statistic: Quantiles = BLANK  # (1 group, a feature for each name)

    def weighted(self, name: str) -> tuple[Array, Array]:
        """The sorted items of a column in input units, and the number of values that each stands for; both are empty
        for a column without a value."""
        return self.statistic.weighted(0, self.names.index(name))

    def taken(self, names: Sequence[str]) -> Self:
        """The sketches of these columns, in this order."""
        order = [self.names.index(name) for name in names]
        statistic = self.statistic if self.statistic.is_blank else self.statistic.reorder(order)
        return replace(self, names=tuple(names), statistic=statistic)
