"""ColumnSketches: how the values of each input column are distributed, in a quantile sketch."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Self

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from normcli.blocks.block import Block, Column
from normcli.blocks.record import Array
from normcli.blocks.reductions import Sampling
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

    @property
    def blank(self) -> Quantiles:
        """Of no rows."""
        return BLANK

    @property
    def without_rows(self) -> Self:
        """Sketches of the same columns, of no rows."""
        return replace(self, statistic=BLANK)

    def sampling(self, position: int = 0) -> Sampling:
        """How columns are sampled while they are read."""
        return BLANK.sampling(position)

    def of(self, names: Sequence[Sequence[str]], blocks: Sequence[Block], position: int = 0) -> Quantiles | None:
        """The sketch of these columns, from blocks that were read, each with the names of its columns or that of one of
        lists. At a `position` above 0, it will be merged with those of the rows before. None where weights are not
        integers, as sketches are of whole rows."""
        if all(block.weights is None for block in blocks):
            return self._of_values(names, blocks, position)
        columns: dict[str, Column] = {}
        for of_block, block in zip(names, blocks, strict=True):
            if block.weights is not None and (block.weights != np.rint(block.weights)).any():
                return None
            of_lists = len(of_block) < len(block.columns)
            columns |= zip(of_block, [_joined(block.present())] if of_lists else block.present(), strict=True)
        return BLANK.of_columns([columns[name] for name in self.names], position)

    def _of_values(self, names: Sequence[Sequence[str]], blocks: Sequence[Block], position: int) -> Quantiles:
        """That of blocks without weights, whose missing values stay where they are."""
        samples, present = [block.samples for block in blocks if block.samples], list(chain(*names))
        if samples and len(samples) == len(blocks) and len(present) == len(self.names):
            statistic = BLANK.of_samples(samples)
            in_order = tuple(present) == self.names
            return statistic if in_order else statistic.reorder([present.index(n) for n in self.names])
        columns: dict[str, tuple[Array, int]] = {}
        for of_block, block in zip(names, blocks, strict=True):
            if len(of_block) < len(block.columns):
                columns[of_block[0]] = np.concatenate(block.columns), sum(block.counts)
            else:
                columns |= zip(of_block, zip(block.columns, block.counts, strict=True), strict=True)
        values, counts = zip(*(columns[name] for name in self.names), strict=True) if self.names else ((), ())
        return BLANK.of_values(values, counts, position)


def _joined(columns: Iterable[Column]) -> Column:
    """The values of all columns as those of one."""
    columns = list(columns)
    weights = [column.weights for column in columns if column.weights is not None]
    values = np.concatenate([column.values for column in columns])
    missing = np.sum([column.missing for column in columns], axis=0)
    return Column(values, np.concatenate(weights) if weights else None, missing)
