"""Scaling of each row by its length."""

from collections.abc import Callable
from typing import Literal, Self

import numpy as np

from normcli.blocks.block import Block
from normcli.blocks.expressions import Expression, call, greatest, total, where_equal
from normcli.blocks.record import Array
from normcli.errors import NotInvertibleError
from normcli.transforms import Transform


class Rows(Transform, frozen=True):
    """y = gain · x / ‖x‖ for each row; a row of zeros stays. Rows are divided by their largest size first, so no power
    over- or underflows."""

    norm: Literal["l1", "l2", "max"] | float = "l2"
    gain: float = 1.0

    def fault(self) -> tuple[str, str] | None:
        if self.gain == 0.0:
            return "gain", "must not be 0"
        return ("norm", "must be at least 1") if isinstance(self.norm, float) and self.norm < 1 else None

    def _by_group(self, block: Block, work: Callable[[Self, Block], Array]) -> Array:
        return work(self, block)  # groups do not matter

    def _normalized(self, block: Block) -> Array:
        largest = np.zeros(block.rows)
        for x in block.columns:
            np.maximum(largest, np.abs(x), out=largest)  # hands NaN on
        largest[largest == 0.0] = 1.0
        out = np.asfortranarray(block.values / largest[:, None])
        length = self._length(out)
        length[length == 0.0] = 1.0
        for y in out.T:
            y /= length
            if self.gain != 1.0:
                y *= self.gain
            y += 0.0
        return out

    def _length(self, x: Array) -> Array:
        """(rows,) of rows whose largest size is 1."""
        total = np.zeros(len(x))
        for column in x.T:
            size = np.abs(column)
            if self.norm == "max":
                np.maximum(total, size, out=total)
            else:
                total += size if self.norm == "l1" else size * size if self.norm == "l2" else size ** float(self.norm)
        if self.norm in ("l1", "max"):
            return total
        return np.asarray(np.sqrt(total) if self.norm == "l2" else total ** (1.0 / float(self.norm)))

    def formula(self, x: Expression) -> Expression:
        largest = greatest(call("abs", x))
        scaled = x / where_equal(largest, 0.0, 1.0, largest)
        length = self._length_formula(call("abs", scaled))
        return scaled / where_equal(length, 0.0, 1.0, length) * self.gain + 0.0

    def _length_formula(self, sizes: Expression) -> Expression:
        """`_length` of absolute values."""
        if self.norm == "max":
            return greatest(sizes)
        if self.norm == "l1":
            return total(sizes)
        if self.norm == "l2":
            return call("sqrt", total(sizes * sizes))
        return total(sizes ** float(self.norm)) ** (1.0 / float(self.norm))

    def check_invertible(self) -> None:
        raise NotInvertibleError("the length of each row is gone")
