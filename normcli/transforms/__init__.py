"""Transform: what learning ends in. Few kinds, many methods; all of the applying and undoing is here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from normcli.block import Block
from normcli.errors import UsageError
from normcli.record import Array, Record


@dataclass(frozen=True)
class Transform(Record):
    """What was learned. Pure: a block in, an array (rows, outputs) of the same rows out, NaN where missing."""

    @property
    def multiple(self) -> int:
        """Rows to a whole batch: blocks are cut between batches only. 1: anywhere."""
        return 1

    def training(self) -> "Transform":
        """As a network normalizes in training: by each batch's own statistics. Raises UsageError."""
        raise UsageError("--training is for methods that learn from batches of rows")

    def outputs(self, names: Sequence[str]) -> tuple[str, ...]:
        """What the columns are called afterwards."""
        return tuple(names)

    def __call__(self, block: Block) -> Array:
        """Normalize: each row by what its group learned."""
        return self._by_group(block, type(self)._normalized)

    def check_invertible(self) -> None:
        """Raises NotInvertibleError, saying why, where `inverse` can't be had."""

    def inverse(self, block: Block) -> Array:
        """Restore. Raises NotInvertibleError."""
        self.check_invertible()
        return self._by_group(block, type(self)._inverse)

    def _by_group(self, block: Block, work: Callable[[Self, Block], Array]) -> Array:
        """`work` on the rows of each group. One that can do all at once says so by its own `_by_group`."""
        if block.codes is None:
            return work(self, block)
        out: Array | None = None
        for group, rows, part in block.each():
            values = work(self.taken([group]), part)
            if out is None:
                out = np.empty((block.rows, values.shape[1]), order="F")
            out[rows] = values
        return work(self.taken([0]), replace(block, codes=None, groups=1)) if out is None else out

    def _normalized(self, block: Block) -> Array:
        """A block of one group, by the first."""
        raise NotImplementedError

    def _inverse(self, block: Block) -> Array:
        """A block of one group, by the first."""
        raise NotImplementedError
