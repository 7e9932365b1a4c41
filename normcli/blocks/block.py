"""Block: the selected columns as numbers, the input of statistics and transforms."""

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
from msgspec import Struct
from msgspec.structs import force_setattr, replace
from numpy.typing import ArrayLike, NDArray

from normcli.blocks.record import Array, Codes
from normcli.blocks.reductions import Reductions, Sampling
from normcli.caching import cached_property
from normcli.kernel import columns as kernel_columns
from normcli.kernel.sketches import Samples

STRIP = 1 << 15  # values


class Column(Struct, frozen=True, dict=True):
    """The present values of one column, sorted by group, and the reductions that statistics use.

    Arrays (groups,) have an entry for each group, also for those without a value; arrays (n,) correspond to `values`.
    Or of several columns at once, (columns, n) without weights or missing values, each of which is a group then: the
    sums are the same to the bit, for numpy adds each row of such an array as it adds a column by itself.
    """

    values: Array  # (n,) without NaN
    weights: Array | None  # (n,) positive; None: 1 each
    missing: Array  # (groups,) sum of the weights of missing values
    starts: Codes | None = None  # where each group in `here` begins; None: one group
    here: Codes | None = None  # indices of the groups that have values, ascending

    def _reduced(self, ufunc: np.ufunc, x: Array, empty: float) -> Array:
        if self.starts is None or self.here is None:
            return np.atleast_1d(ufunc.reduce(x, axis=-1, initial=empty))
        out = np.full(len(self.missing), empty)
        if len(x):
            out[self.here] = ufunc.reduceat(x, self.starts)  # pairwise within a group
        return out

    def total(self, x: Array) -> Array:
        """(groups,) the sums of (n,)."""
        return np.atleast_1d(x.sum(axis=-1)) if self.starts is None else self._reduced(np.add, x, 0.0)

    @property
    def least(self) -> Array:
        """(groups,) +inf without a value."""
        return self._reduced(np.minimum, self.values, np.inf)

    @property
    def greatest(self) -> Array:
        """(groups,) −inf without a value."""
        return self._reduced(np.maximum, self.values, -np.inf)

    def spread(self, a: NDArray[Any]) -> Any:
        """(n,) the entry of (groups,) for each value; a scalar for one group, (columns, 1) for several columns."""
        if self.starts is None or self.here is None:
            return a[0] if self.values.ndim == 1 else a[:, None]
        return np.repeat(a[self.here], np.diff(self.starts, append=len(self.values)))

    def iter_groups(self) -> Iterator[tuple[int, Array, Array | None]]:
        """Index, values and weights of each group that has values."""
        if self.starts is None or self.here is None:
            ends, here = [0, len(self.values)], [0] if len(self.values) else []
        else:
            ends, here = [*self.starts.tolist(), len(self.values)], self.here.tolist()
        for i, group in enumerate(here):
            span = slice(ends[i], ends[i + 1])
            yield group, self.values[span], None if self.weights is None else self.weights[span]

    def weighted(self, x: Array) -> Array:
        """(n,) times the weights."""
        return x if self.weights is None else x * self.weights

    @cached_property
    def count(self) -> Array:
        """(groups,) sum of the weights of values."""
        if self.weights is not None:
            return self.total(self.weights)
        if self.starts is None or self.here is None:
            return np.full(len(self.missing), float(self.values.shape[-1]))
        out = np.zeros(len(self.missing))
        out[self.here] = np.diff(self.starts, append=len(self.values))
        return out

    def as_features(self, a: Array) -> Array:
        """(groups, features) of (groups,): of one column, or of several of one group."""
        return a[:, None] if self.values.ndim == 1 else a[None]


class Block(Struct, frozen=True, dict=True, weakref=True):
    """Rows of numbers: `columns` are arrays (rows,) of float64, contiguous, aligned, finite, or NaN where missing.

    Column by column, because numpy sums a contiguous column pairwise, and the columns of a row-major matrix one
    after the other (100 times the error). Aligned to 8 bytes, because numpy copies any other array into a buffer of
    8,192 values at a time (nditer's), sums each pairwise and adds the sums: other bits. No wider alignment matters:
    its pairwise sum (loops_utils.h.src) and its vectorized loops load from anywhere.
    """

    columns: tuple[Array, ...]
    matrix: Array | None = None  # of which the columns are views
    weights: Array | None = None  # (rows,) positive; None: 1 each
    codes: Codes | None = None  # (rows,) the group of each row; None: one group
    groups: int = 1

    def __post_init__(self) -> None:
        """Copies arrays of another layout, like unaligned buffers."""
        if self.matrix is not None and (matrix := _laid_out(self.matrix)) is not self.matrix:
            force_setattr(self, "matrix", matrix)
            force_setattr(self, "columns", tuple(matrix.T))
        elif self.matrix is None:
            force_setattr(self, "columns", tuple(map(_laid_out, self.columns)))
        if self.weights is not None:
            force_setattr(self, "weights", _laid_out(self.weights))

    @classmethod
    def of(cls, matrix: ArrayLike, weights: Array | None = None, codes: Codes | None = None, groups: int = 1) -> Self:
        """A block of a matrix (rows, features)."""
        values = np.asfortranarray(matrix, np.float64)
        return cls(tuple(values.T), values, weights, codes, groups)

    @classmethod
    def joined(cls, blocks: "Sequence[Block]") -> "Block":
        """The concatenation of at least one block."""
        if len(blocks) == 1:
            return blocks[0]
        return cls(tuple(map(np.concatenate, zip(*(b.columns for b in blocks), strict=True))))

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.columns[0]) if self.columns else 0

    @cached_property
    def values(self) -> Array:
        """(rows, features), column-major."""
        if self.matrix is not None:
            return self.matrix
        matrix = np.empty((self.rows, len(self.columns)), order="F")
        for x, column in zip(matrix.T, self.columns, strict=True):
            x[:] = column
        return matrix

    @cached_property
    def reductions(self) -> Reductions | None:
        """Of all columns, without weights and groups; None where the native kernel does not compute them."""
        return Reductions.of(self.columns)

    def reduce(self, sampling: Sampling | None = None) -> None:
        """Computes the reductions, and samples all columns meanwhile, if they are to be sampled."""
        self.__dict__["reductions"] = Reductions.of(self.columns, sampling)

    @property
    def samples(self) -> Samples | None:
        """Of all columns, if these were sampled."""
        known: Reductions | None = self.__dict__.get("reductions")
        return known.samples if known is not None else None

    @cached_property
    def sums(self) -> Array:
        """(features,) sums of all values: NaN where one is missing, or through overflow."""
        known: Reductions | None = self.__dict__.get("reductions")  # not computed for the sums alone: it takes longer
        if known is not None:
            return known.sums
        with np.errstate(over="ignore", invalid="ignore"):
            return np.array([x.sum() for x in self.columns])

    @cached_property
    def counts(self) -> list[int]:
        """(features,) how many values of each column are present, whatever their weights and groups."""
        known: Reductions | None = self.__dict__.get("reductions")
        if known is not None:
            return [int(count) for count in known.count.tolist()]
        totals = zip(self.columns, self.sums.tolist(), strict=True)
        return [len(x) - (int(np.count_nonzero(np.isnan(x))) if total != total else 0) for x, total in totals]

    def present(self) -> Iterator[Column]:
        """The present values of each column. Missing values, weights and groups are handled here, once for all
        statistics."""
        grouped = self if self.codes is None else self._in_order  # not cached for one group: it would be a cycle
        starts, here = (None, None) if grouped.codes is None else _segments(grouped.codes)
        none = np.zeros(self.groups)
        for x, total in zip(grouped.columns, self.sums.tolist(), strict=True):
            alone = total != total and self.weights is None and self.codes is None
            values = kernel_columns.present(x) if alone else None
            nan = np.isnan(x) if total != total and values is None else None
            if values is not None:
                yield Column(values, None, np.array([float(len(x) - len(values))]))
            elif nan is None or not nan.any():
                yield Column(x, grouped.weights, none, starts, here)
            else:
                yield grouped._without(x, nan)

    def reduced(self) -> Iterator[Column | Reductions]:
        """The same, as many columns at once as there are whose reductions the native kernel computes."""
        reductions = self.reductions
        if reductions is None or self.codes is not None or self.weights is not None:
            yield from self.strips()
            return
        start = 0
        for doubt in [*np.flatnonzero(~reductions.certain).tolist(), len(self.columns)]:
            if start < doubt:
                yield reductions[start:doubt]
            yield from Block(self.columns[doubt : doubt + 1]).present()
            start = doubt + 1

    def strips(self) -> Iterator[Column]:
        """The same, several columns at once where they are so short that most of the time would go into calls: as many
        as stay in the cache."""
        width = STRIP // max(self.rows, 1)
        if width < 2 or self.codes is not None or self.weights is not None:
            yield from self.present()
            return
        gaps = [*np.flatnonzero(np.isnan(self.sums)).tolist(), len(self.columns)]
        start = 0
        for gap in gaps:
            for first in range(start, gap, width):
                strip = slice(first, min(first + width, gap))
                columns = np.stack(self.columns[strip]) if self.matrix is None else self.matrix.T[strip]
                yield Column(columns, None, np.zeros(len(columns)))
            yield from Block(self.columns[gap : gap + 1]).present()
            start = gap + 1

    def _without(self, x: Array, nan: NDArray[np.bool_]) -> Column:
        """A column of a block that is sorted by group, without missing values, which `nan` (rows,) marks."""
        present, weights = ~nan, self.weights
        present_weights = None if weights is None else weights[present]
        if self.codes is None:
            missing = np.array([float(np.count_nonzero(nan)) if weights is None else weights[nan].sum()])
            return Column(x[present], present_weights, missing)
        missing = np.bincount(self.codes[nan], None if weights is None else weights[nan], self.groups)
        return Column(x[present], present_weights, missing.astype(np.float64), *_segments(self.codes[present]))

    @cached_property
    def order(self) -> Codes:
        """(rows,) indices that sort rows by group, stably."""
        assert self.codes is not None, "there is one group"
        narrow = self.codes.astype(np.uint16) if self.groups <= 1 << 16 else self.codes  # sorted by radix
        return np.argsort(narrow, kind="stable")

    @cached_property
    def _in_order(self) -> "Block":
        """The rows sorted by group."""
        return self.taken(self.order)

    def taken(self, rows: Codes | NDArray[np.bool_]) -> "Block":
        """The rows at these indices, or where a mask is true."""
        return replace(
            self,
            columns=tuple(x[rows] for x in self.columns),
            matrix=None,
            weights=None if self.weights is None else self.weights[rows],
            codes=None if self.codes is None else self.codes[rows],
        )

    def iter_groups(self) -> Iterator[tuple[int, Codes | None, "Block"]]:
        """Index of each group that has rows, indices of its rows (None: all), and a block of them with one group."""
        if self.codes is None:
            yield 0, None, self
            return
        starts, here = _segments(self.codes[self.order])
        for group, rows in zip(here.tolist(), np.split(self.order, starts[1:]), strict=False):
            yield group, rows, replace(self.taken(rows), codes=None, groups=1)

    @cached_property
    def incomplete(self) -> NDArray[np.bool_] | None:
        """(rows,) which rows miss a value; None if none does."""
        rows: NDArray[np.bool_] | None = None
        for j in np.flatnonzero(np.isnan(self.sums)):
            missing = np.isnan(self.columns[j])
            rows = missing if rows is None else rows | missing
        return rows if rows is not None and rows.any() else None

    @property
    def complete(self) -> "Block":
        """The rows without missing values."""
        return self if self.incomplete is None else self.taken(~self.incomplete)

    @property
    def all_or_nothing(self) -> "Block":
        """The same rows; where one value is missing, all are."""
        if self.incomplete is None:
            return self
        return Block(tuple(np.where(self.incomplete, np.nan, x) for x in self.columns))


def _laid_out(x: Array) -> Array:
    """`x` if it is aligned and column-major, else a copy that is."""
    flags = x.flags
    return x if flags.f_contiguous and flags.aligned else np.array(x, order="F")


def _segments(codes: Codes) -> tuple[Codes, Codes]:
    """Where each group of ascending codes (n,) begins, and its index."""
    starts = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))[: len(codes)]
    return starts, codes[starts]
