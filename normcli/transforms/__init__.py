"""Transform: the learned function that normalizes blocks, and its inverse. Many methods share few transforms."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from normcli.blocks.block import Block
from normcli.blocks.expressions import Expression, constant
from normcli.blocks.record import Array, Record
from normcli.errors import BadValueError, NoFormulaError, UsageError

RESTORED = 1e-12  # greatest error of a restored value, of the largest absolute value in its column
GREATEST = np.finfo(np.float64).max
LAST = np.finfo(np.float64).eps  # machine epsilon


class Terms(Struct, frozen=True):
    """Learned parameters by their common names: of each column (features,), of each component (outputs,), and of all
    together."""

    columns: Mapping[str, Array] = field(default_factory=dict)
    components: Mapping[str, Array] = field(default_factory=dict)
    values: Mapping[str, float | str | list[float]] = field(default_factory=dict)


class Transform(Record, frozen=True):
    """A pure function with learned parameters, of a block to an array (rows, outputs), NaN where missing."""

    @property
    def multiple(self) -> int:
        """Rows in a batch: blocks are cut between batches only. 1: anywhere."""
        return 1

    def training(self) -> "Transform":
        """The transform by the statistics of each batch, as a network in training. Raises UsageError."""
        raise UsageError("--training is for methods that learn from batches of rows")

    def outputs(self, names: Sequence[str]) -> tuple[str, ...]:
        """Names of the output columns."""
        return tuple(names)

    def terms(self) -> Terms:
        """Learned parameters of the first group by their common names; empty if there are none."""
        return Terms()

    def __call__(self, block: Block) -> Array:
        """(rows, outputs) the rows normalized, each by the parameters of its group."""
        return self._by_group(block, type(self)._normalized)

    def check_invertible(self) -> None:
        """Raises NotInvertibleError with the reason, if there is no `inverse`."""

    def lossy(self) -> "Transform":
        """The transform for an inverse that leaves what this one has changed for good as it is; itself, where that is
        not what an inverse lacks."""
        return self

    def inverse(self, block: Block) -> Array:
        """(rows, features) the rows restored. Raises NotInvertibleError."""
        self.check_invertible()
        out = self._by_group(block, type(self)._inverse)
        if np.isinf(out).any():
            self._hold(block, out)
        return out

    def formula(self, x: Expression) -> Expression:
        """What `__call__` computes of columns `x`, by the parameters of the first group. Raises NoFormulaError with the
        reason, if no formula says it."""
        raise NoFormulaError("it is no formula of arithmetic and functions")

    def inverse_formula(self, y: Expression) -> Expression:
        """What `inverse` computes of normalized columns `y`, by the parameters of the first group. Raises
        NotInvertibleError, NoFormulaError."""
        self.check_invertible()
        raise NoFormulaError("its inverse is no formula of arithmetic and functions")

    def parameter(self, name: str) -> Expression:
        """The field (groups, features) of that name, of the first group, in a formula."""
        return constant(getattr(self, name)[0], name)

    def rounding(self, block: Block, restored: Array, j: int, allowed: Any) -> Array | float:
        """(rows,) bounds of the rounding errors of both directions in the restored values of column j, in input units;
        infinite where the original is lost. Or one bound for all rows, if that is at most `allowed`."""
        return 0.0

    def _hold(self, block: Block, restored: Array) -> None:
        """Replaces restored values that are infinite only through rounding by the greatest float, in place."""
        beyond = np.isinf(restored)
        for unit in (-LAST, LAST):
            near = replace(block, columns=tuple(y * (1.0 + unit) for y in block.columns), matrix=None)
            within = np.isfinite(self._by_group(near, type(self)._inverse))
            np.copyto(restored, np.copysign(GREATEST, restored), where=beyond & within)

    def check_restored(self, block: Block, restored: Array, least: Array, greatest: Array) -> None:
        """Raises BadValueError at the first row with a value whose rounding error may exceed RESTORED, relative to the
        fitted range: `least` and `greatest` values (groups, features)."""
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
        """(rows, features) bounds of the errors of the values `restored` from a block whose values are off by up to
        `error` (rows, outputs). They include the rounding of both directions, but not of the result itself. NaN where
        missing."""
        if block.codes is None:
            return self._inverse_error(block, error, restored)
        out = np.empty((block.rows, len(restored.columns)), order="F")
        for group, rows, part in block.iter_groups():
            out[rows] = self.taken([group])._inverse_error(
                part, error[rows], restored.taken(np.arange(block.rows)[rows])
            )
        return out

    def lever(self, span: Array) -> Array | None:
        """(2, features) bounds of |dx/dy · y|, the change of a restored value for a relative change of 1 of the
        normalized one, for restored values of absolute value up to `span` (features,): of the group with the least
        bound, and of that with the greatest. None: not known without the values."""
        return None

    def _by_group(self, block: Block, work: Callable[[Self, Block], Array]) -> Array:
        """The result of `work` on the rows of each group. Transforms that handle all groups at once override it."""
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
        """(rows, outputs) a block of one group, by the parameters of the first group."""
        raise NotImplementedError

    def _inverse(self, block: Block) -> Array:
        """(rows, features) the inverse of a block of one group, by the parameters of the first group."""
        raise NotImplementedError

    def _inverse_error(self, block: Block, error: Array, restored: Block) -> Array:
        """`inverse_error` of a block of one group, by the first: from the inverse at both ends of the error."""
        ends = (np.abs(self.inverse(Block.of(block.values + side)) - restored.values) for side in (error, -error))
        return np.maximum(*ends)
