"""Quantiles of each column."""

from collections.abc import Sequence
from typing import Annotated, Self

import numpy as np
from msgspec import Meta
from msgspec.structs import replace

from normcli.blocks.block import Block, Column
from normcli.blocks.record import Array, per_group
from normcli.blocks.reductions import Sampling
from normcli.kernel.sketches import Samples
from normcli.stats import ColumnStatistic, Statistic
from normcli.stats._compactors import FIRST, SECOND, Sketches, laid, merged, of_weighted
from normcli.stats._selection import Ranks, Selection, interpolated, windows

LEVELS = 96  # of 2⁴⁰ rows of weight 2⁵³, and those added by compaction
K_BY_KEY = 512  # items of a column, if there is a sketch per key
SURE = 4.0  # k times the rank error at 99 % confidence; in trials up to 6,400 merges, 2.9


class Quantiles(ColumnStatistic, frozen=True):
    """A sketch of each column's present values (Karnin, Lang and Liberty, 2016), of at most k items.

    Up to k values, the sketch contains all of them, and quantiles are exact. Beyond, the rank of a quantile is off by
    less than 4/k of the values, at 99 % confidence (0.1 % for 4096), for any distribution, order, split and merge.
    Coins are deterministic: equal rows split equally give equal sketches.

    With `at`, further passes over the data find the exact quantiles at those shares, or at that number of shares evenly
    spaced from 0 to 1 (no more than rows).
    """

    items: Array = per_group("feature", "item", empty=np.inf, ragged=True)  # input units; level by level, each sorted
    sizes: Array = per_group("feature", "level", holds="count", ragged=True)  # items of level h: each is 2^h values
    sides: Array = per_group("feature", "level", holds="count", ragged=True)  # due when a level is next compacted
    exact: Array = per_group("wanted", "feature", empty=np.nan)  # input units, after a further pass
    k: Annotated[int, Meta(ge=128, le=1 << 20)] = 4096
    at: tuple[float, ...] | Annotated[int, Meta(ge=1, le=1 << 20)] = ()

    integer_weights = True

    def of(self, block: Block) -> Self:
        rows = [[[np.empty(0)] for _ in block.columns] for _ in range(block.groups)]
        for j, column in enumerate(block.present()):
            for group, x, weights in column.iter_groups():
                rows[group][j] = of_weighted(x, weights, self.k)
        return self._with(laid([levels for row in rows for levels in row]), block.groups)

    def of_columns(self, columns: Sequence[Column], position: int = 0) -> Self:
        """The sketch of columns of one group; without weights, of a sample where there are many values, which is quick:
        at 99 % confidence, ranks are off by less than 4/k even so, for k up to 256. At a
        `position` above 0, it will be merged with those of the blocks before: fewer are sampled of columns without
        missing values, which probably have values there, too."""
        if any(c.weights is not None for c in columns):
            return self._with(laid([of_weighted(c.values, c.weights, self.k) for c in columns]), 1)
        alone = [bool(c.missing.any()) for c in columns]
        return self._of_values([c.values for c in columns], [len(c.values) for c in columns], alone, position)

    def of_values(self, columns: Sequence[Array], counts: Sequence[int], position: int = 0) -> Self:
        """The same of columns (rows,) without weights, of which so many values are present, and the others NaN."""
        return self._of_values(columns, counts, [n < len(x) for x, n in zip(columns, counts, strict=True)], position)

    def _of_values(self, columns: Sequence[Array], counts: Sequence[int], alone: Sequence[bool], position: int) -> Self:
        from normcli.stats import _sampling  # here, for only a fit needs it

        return self._with(_sampling.of_columns(columns, counts, alone, position, self.k), 1)

    def sampling(self, position: int = 0) -> Sampling:
        """How the columns of a block are sampled while the kernel reduces them, for `of_samples`."""
        from normcli.stats import _sampling

        return _sampling.sampling(position, self.k)

    def of_samples(self, samples: Sequence[Samples]) -> Self:
        """As `of_values` of columns that were sampled, one after the other."""
        from normcli.stats import _sampling

        parts = [self._with(_sampling.of_samples(s), 1) for s in samples]
        return parts[0] if len(parts) == 1 else self.joined(parts)

    def reduced(self, k: int) -> Self:
        """A sketch of the same values of at most k items a column."""
        return replace(self, k=k)._with(merged([self._rows()], k), self.groups)

    def by_key(self) -> Self:
        return replace(self, k=K_BY_KEY)

    def _with(self, rows: Sketches, groups: int) -> Self:
        items, sizes, sides = (
            a.reshape(groups, len(a) // groups, a.shape[1]).astype(np.float64, copy=False)
            for a in (rows.items, rows.sizes, rows.sides)
        )
        return replace(self, items=items, sizes=sizes, sides=sides, exact=np.empty((groups, 0, items.shape[1])))

    def _merge(self, other: Self) -> Self:
        return self.merge_all((self, other))

    @classmethod
    def merge_all(cls, states: Sequence[Self], *, in_turn: bool = False) -> Self:
        """The sketch of the rows of all states, merged at once: that takes less time than one after the other, and
        items are compacted less often. With `in_turn` it is as if each were merged with what was merged before."""
        full = [s for s in states if s.sizes.any()] or [s for s in states if not s.is_blank]
        if len(full) < 2 or not full[0].sizes.any():
            return next(iter(full), states[0])
        rows = merged([s._rows() for s in full], full[0].k, in_turn=in_turn)
        return full[0]._with(rows, groups=full[0].groups)

    def _rows(self) -> Sketches:
        rows = self.sizes.shape[0] * self.sizes.shape[1]
        items, sizes, sides = (a.reshape(rows, a.shape[2]) for a in (self.items, self.sizes, self.sides))
        return Sketches(items, sizes.astype(np.int64), sides.astype(np.int64))

    @property
    def count(self) -> Array:
        """(groups, features) the number of values."""
        return np.asarray(self.sizes @ np.exp2(np.arange(self.sizes.shape[2])))

    @property
    def is_exact(self) -> bool:
        """Whether `quantiles` are exact."""
        return bool(self.exact.shape[1]) or not self.sizes[:, :, 1:].any()

    def shares(self, rows: float) -> Array:
        """(wanted,) the shares of `at` for this number of rows."""
        return spaced(max(1, int(min(self.at, rows)))) if isinstance(self.at, int) else np.array(self.at)

    def quantiles(self, shares: Array, least: Array, greatest: Array) -> Array:
        """(groups, features, shares) linear quantiles as numpy's, NaN without values: the exact ones if known (`shares`
        must be those of `at`), else from the sketch, with the least and the greatest value (groups, features) at the
        ends."""
        if self.exact.shape[1]:
            return np.moveaxis(self.exact, 1, 2)
        result = np.full((*least.shape, len(shares)), np.nan)
        for at in np.argwhere(self.count > 0):
            g, j = at.tolist()
            result[g, j] = self._of_column(g, j, shares, float(least[g, j]), float(greatest[g, j]))
        return result

    def _of_column(self, g: int, j: int, shares: Array, least: float, greatest: float) -> Array:
        """(shares,) interpolation between the middles of the ranks of items; equal items cover all their ranks
        together."""
        values, weights = self.weighted(g, j)
        last = np.flatnonzero(np.append(values[1:] != values[:-1], True))
        ends = np.cumsum(weights)[last]
        starts = np.append(0.0, ends[:-1])
        alone = np.diff(last, prepend=-1) == 1
        middle = (starts + ends - 1) / 2
        first_rank, last_rank = np.where(alone, middle, starts), np.where(alone, middle, ends - 1)
        ranks = np.concatenate([[0.0], np.column_stack([first_rank, last_rank]).ravel(), [ends[-1] - 1]])
        knots = np.concatenate([[least], np.repeat(values[last], 2), [greatest]])
        wanted = shares * (ends[-1] - 1)
        before = np.clip(np.searchsorted(ranks, wanted, "right") - 1, 0, len(ranks) - 2)
        gap = ranks[before + 1] - ranks[before]
        share = (wanted - ranks[before]) / np.where(gap > 0, gap, 1.0)
        result = interpolated(knots[before], knots[before + 1], share)
        result[wanted <= 0], result[wanted >= ends[-1] - 1] = least, greatest  # also if equal items cover the end
        return result

    def weighted(self, g: int, j: int) -> tuple[Array, Array]:
        """The sorted items of a column, and the number of values that each stands for."""
        sizes = self.sizes[g, j].astype(np.int64)
        items, weights = self.items[g, j, : sizes.sum()], np.repeat(np.exp2(np.arange(len(sizes))), sizes)
        order = np.argsort(items, kind="stable")
        return items[order], weights[order]

    @property
    def repeats(self) -> bool:
        return self.at != ()

    def next_pass(self) -> Statistic | None:
        if not self.repeats or self.is_exact:
            return None
        columns = [self.weighted(g, j) for g, j in np.ndindex(*self.sizes.shape[:2])]
        ranks = [np.unique(np.concatenate(self._around(c)[:2])) for c in self.count.ravel().tolist()]
        return windows(columns, ranks, SURE / self.k)

    def _around(self, count: float) -> tuple[Ranks, Ranks, Array]:
        """The ranks between which each quantile of `count` values lies, and the distance from the first."""
        if not count:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
        wanted = self.shares(self.count.max()) * (count - 1)
        before = np.minimum(np.floor(wanted), count - 1).astype(np.int64)
        return before, np.minimum(before + 1, int(count) - 1), wanted - before

    def refined(self, state: Statistic) -> Self:
        assert isinstance(state, Selection)
        exact = np.full((self.groups, len(self.shares(self.count.max())), self.sizes.shape[1]), np.nan)
        where = np.ndindex(*self.sizes.shape[:2])
        for (g, j), gaps, values in zip(where, state.wanted, state.values, strict=True):
            if len(values):
                before, after, share = self._around(float(self.count[g, j]))
                low, high = (values[np.searchsorted(gaps.ranks, r)] for r in (before, after))
                exact[g, :, j] = interpolated(low, high, share)
        return replace(self, exact=exact)

    def described_settings(self) -> str:
        if self.at == ():
            return "from a sketch"
        return (
            f"exact, {self.at} of them" if isinstance(self.at, int) else f"exact, at {' and '.join(map(str, self.at))}"
        )

    @property
    def extents(self) -> dict[str, int]:
        return {"item": self.k, "level": LEVELS, "wanted": self.at if isinstance(self.at, int) else len(self.at)}

    def accuracy(self) -> str:
        if self.is_exact:
            return ""
        return f"the rank of a quantile is off by less than {SURE / self.k:.2%} of the values, at 99 % confidence"

    def fault(self) -> tuple[str, str] | None:
        shares = () if isinstance(self.at, int) else self.at
        if not all(0.0 <= share <= 1.0 for share in shares):
            return "at", "must be from 0 to 1"
        if self.exact.shape[1] > (self.at if isinstance(self.at, int) else len(shares)):
            return "exact", "more than are wanted"
        present = np.isfinite(self.items)
        if (present.sum(axis=2) != self.sizes.sum(axis=2)).any() or (self.sizes != np.rint(self.sizes)).any():
            return "items", "not as many as sizes say"
        if self.sizes.shape[2] > LEVELS or (self.sizes.sum(axis=2) > self.k).any():
            return "sizes", f"must be of at most {LEVELS} levels, and k items"
        if self.sides.shape != self.sizes.shape or not np.isin(self.sides, (0, FIRST, SECOND)).all():
            return "sides", "must be 0, 1 or 2, of levels that there are"
        return None

    def summary(self) -> dict[str, Array]:
        return {"count": self.count}


def spaced(count: int) -> Array:
    """(count,) shares evenly spaced from 0 to 1, bit for bit as in scikit-learn, which computes them in per cent: if
    there are as many as rows, the last bit decides which of two equal values a quantile is next to."""
    return np.linspace(0.0, 1.0, count) * 100 / 100
