"""Transform: what learning ends in. Few kinds, many methods; all of the applying and undoing is here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from normcli.blocks.block import Block
from normcli.blocks.record import Array, Record
from normcli.errors import BadValueError, UsageError

RESTORED = 1e-12  # of the largest size in a column: how far a restored value may be from what it was
GREATEST = np.finfo(np.float64).max
LAST = np.finfo(np.float64).eps  # what the last place counts


@dataclass(frozen=True)
class Terms:
    """What was learned, in words that people use and programs can look for: of each column (features,), of each
    component (outputs,), and of all together."""

    columns: Mapping[str, Array] = field(default_factory=dict)
    components: Mapping[str, Array] = field(default_factory=dict)
    values: Mapping[str, float | str | list[float]] = field(default_factory=dict)


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

    def terms(self) -> Terms:
        """What was learned of the first group, for people; empty where nothing was."""
        return Terms()

    def __call__(self, block: Block) -> Array:
        """Normalize: each row by what its group learned."""
        return self._by_group(block, type(self)._normalized)

    def check_invertible(self) -> None:
        """Raises NotInvertibleError, saying why, where `inverse` can't be had."""

    def inverse(self, block: Block) -> Array:
        """Restore. Raises NotInvertibleError."""
        self.check_invertible()
        out = self._by_group(block, type(self)._inverse)
        if np.isinf(out).any():
            self._hold(block, out)
        return out

    def rounding(self, block: Block, restored: Array, j: int, allowed: Any) -> Array | float:
        """(rows,) how far, at most, rounding there and back has taken the restored values of column j from what they
        were, in input units; infinite where nothing tells what they were. Or one number for all, at most `allowed`."""
        return 0.0

    def _hold(self, block: Block, restored: Array) -> None:
        """What only rounding takes beyond a float becomes the greatest float, in place."""
        beyond = np.isinf(restored)
        for unit in (-LAST, LAST):
            near = replace(block, columns=tuple(y * (1.0 + unit) for y in block.columns), matrix=None)
            within = np.isfinite(self._by_group(near, type(self)._inverse))
            np.copyto(restored, np.copysign(GREATEST, restored), where=beyond & within)

    def check_restored(self, block: Block, restored: Array, least: Array, greatest: Array) -> None:
        """Raises BadValueError at the first row with a value that rounding may have taken farther from what it was than
        RESTORED; with the least and the greatest value (groups, features) that were fitted."""
        group = 0 if block.codes is None else block.codes
        lost: dict[tuple[int, int], float] = {}
        for j, x in enumerate(restored.T):
            low, high = least[group, j], greatest[group, j]
            largest = np.maximum(np.abs(low), np.abs(high))
            with np.errstate(all="ignore"):
                rounding = self.rounding(block, x, j, RESTORED * largest)
                if np.all(rounding <= RESTORED * largest):
                    continue
                wrong = rounding / np.maximum(np.abs(x), largest) > RESTORED
            wrong &= (x != low) | (x != high) | (rounding > RESTORED)  # a constant's unit is 1
            if wrong.any():
                row = int(np.argmax(wrong))
                lost[row, j] = float(np.broadcast_to(rounding, x.shape)[row])
        if lost:
            row, j = min(lost)
            y, x = block.columns[j][row], restored[row, j]
            what = f"{y:.17g} can't be undone: the result {x:.6g} may be off by {lost[row, j]:.3g} from rounding alone"
            raise BadValueError(row, j, what, "keep the originals beside what is normalized: --column-suffix")

    def inverse_error(self, block: Block, error: Array, restored: Block) -> Array:
        """(rows, features) how far what was `restored` from a block may be from what was normalized,
        where the values of the block are off by up to `error` (rows, outputs). What both directions round on the way
        is part of it, but for the last digits of the result. NaN where missing."""
        if block.codes is None:
            return self._inverse_error(block, error, restored)
        out = np.empty((block.rows, len(restored.columns)), order="F")
        for group, rows, part in block.iter_groups():
            out[rows] = self.taken([group])._inverse_error(
                part, error[rows], restored.taken(np.arange(block.rows)[rows])
            )
        return out

    def lever(self, span: Array) -> Array | None:
        """(2, features) how far a restored value moves where that which it is restored from grows by itself:
        |dx/dy · y|, of values up to `span` (features,) in size; at most, in the group where that is the least, and in
        that where it is the greatest. None: nobody knows without a look at each."""
        return None

    def _by_group(self, block: Block, work: Callable[[Self, Block], Array]) -> Array:
        """`work` on the rows of each group. One that can do all at once says so by its own `_by_group`."""
        if block.codes is None:
            return work(self, block)
        out: Array | None = None
        for group, rows, part in block.iter_groups():
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

    def _inverse_error(self, block: Block, error: Array, restored: Block) -> Array:
        """`inverse_error` of one group, by the first: what comes of the values at both ends of their error."""
        ends = (np.abs(self.inverse(Block.of(block.values + side)) - restored.values) for side in (error, -error))
        return np.maximum(*ends)
