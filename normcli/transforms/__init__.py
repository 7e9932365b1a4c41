"""Transform: what learning ends in. Few kinds, many methods; all of the applying and undoing is here."""

from collections.abc import Sequence
from dataclasses import dataclass

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
        """Normalize."""
        raise NotImplementedError

    def check_invertible(self) -> None:
        """Raises NotInvertibleError, saying why, where `inverse` can't be had."""

    def inverse(self, block: Block) -> Array:
        """Restore. Raises NotInvertibleError."""
        self.check_invertible()
        return self._inverse(block)

    def _inverse(self, block: Block) -> Array:
        raise NotImplementedError
