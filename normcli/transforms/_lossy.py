"""What is left as it is: the inverse of transforms that lose what they change."""

from typing import ClassVar, Self

import numpy as np

from normcli.blocks.block import Block
from normcli.blocks.expressions import Expression, constant
from normcli.blocks.record import Array
from normcli.errors import NotInvertibleError
from normcli.transforms import Transform


class Passing(Transform, frozen=True):
    """y = x."""

    def _by_group(self, block: Block, work: object) -> Array:
        return block.values.copy(order="F")

    def taken(self, groups: object) -> Self:
        return self

    def formula(self, x: Expression) -> Expression:
        return x

    def inverse_formula(self, y: Expression) -> Expression:
        return y

    def inverse_error(self, block: Block, error: Array, restored: Block) -> Array:
        return error

    def lever(self, span: Array) -> Array:
        return np.stack([span] * 2)


class Lossy(Transform, frozen=True):
    """A transform of each value by itself, after which nobody knows which values it has changed."""

    loss: ClassVar[str] = "what was clipped is gone"  # of values, in words

    def check_invertible(self) -> None:
        raise NotInvertibleError(self.loss, "--lossy leaves it as it is")

    def lossy(self) -> Transform:
        return Passing()


def clipped(block: Block, low: Array, high: Array) -> Array:
    """(rows, features) values of a block clipped to limits (features,), missing where these are NaN."""
    out = np.empty((block.rows, len(block.columns)), order="F")
    for x, least, greatest, y in zip(block.columns, low, high, out.T, strict=True):
        np.clip(x, least, greatest, out=y)
        y += 0.0  # turns −0 into 0
    return out


def if_known(y: Expression, learned: Array) -> Expression:
    """`y` in columns of which something was `learned` (features,), without −0; the others are missing."""
    return y + constant(np.where(np.isnan(learned), np.nan, 0.0), "zero")
