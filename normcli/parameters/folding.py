"""Folds: the order in which statistics of chunks are merged, on whichever worker they were computed.

Chunks fold from the left into a segment, segments into an input, inputs into the total. So a segment of a long input
can be measured independently, and the bits are those of one pass; a short input is one segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from normcli.parameters.keys import Ledger, StepStates
from normcli.parameters.measuring import Measured
from normcli.parameters.states import merged

if TYPE_CHECKING:
    from normcli.parameters.categories import Category
    from normcli.stats.quantiles import Quantiles

BUFFER = 1 << 18  # items of sketches that are merged at once, in less time than one after the other
SEGMENT = 64  # chunks, at least; results are the same bytes only with the same number


def ends_segment(chunks: int, *, can_end: bool) -> bool:
    """Whether a segment of `chunks` chunks ends, if its last chunk can end one: in a binary format only the last chunk
    of a row group can."""
    return can_end and chunks >= SEGMENT


def _merged_categories(first: tuple[Category, ...], second: tuple[Category, ...]) -> tuple[Category, ...]:
    if not (first and second):
        return first or second
    from normcli.parameters.categories import merged  # here, for few fits have any

    return merged(first, second)


class Subtotal:
    """Statistics of some rows: each step's states, of all rows and by key, the number of rows left out because they
    miss a value, sketches of the input columns, and counts of categories."""

    def __init__(
        self, states: tuple[StepStates, ...], ledger: Ledger | None = None, incomplete: int = 0,
        sketches: Quantiles | None = None, categories: tuple[Category, ...] = (),
    ) -> None:  # fmt: skip
        """`states` and `sketches` are blank at first. Without sketches there are none of what is added, either."""
        self.states, self.ledger, self.incomplete = states, Ledger() if ledger is None else ledger, incomplete
        self.categories = categories
        self._sketches = None if sketches is None else [sketches]  # of consecutive rows, to be merged at once;
        self._later: list[Quantiles] = []  # and of those that follow, to be merged one after the other

    def add(self, measured: Measured) -> None:
        """Adds statistics of the rows that follow."""
        self.states = merged(self.states, measured.states)
        if measured.keyed is not None:
            self.ledger.add(measured.keyed)
        self.incomplete += measured.incomplete
        self.categories = _merged_categories(self.categories, measured.categories)
        if self._sketches is None or measured.sketches is None:
            self._sketches = None
            return
        if self._later:
            self.merge_sketches()
        self._sketches.append(measured.sketches)
        if sum(sketches.items.size for sketches in self._sketches) > BUFFER:
            self.merge_sketches()

    def merge_sketches(self) -> None:
        """Merges the sketches that were added so far: from here on, other rows have the same part in it as in a fit
        that goes on after a file was written."""
        if self._sketches and len(self._sketches) > 1:
            self._sketches = [self._sketches[0].merge_all(self._sketches)]
        if self._sketches and self._later:
            first = self._sketches[0]
            self._sketches, self._later = [first.merge_all([first, *self._later], in_turn=True)], []

    @property
    def sketches(self) -> Quantiles | None:
        """Of the input columns; None where some of the rows have none."""
        self.merge_sketches()
        return self._sketches[0] if self._sketches else None

    @property
    def is_blank(self) -> bool:
        """Whether it is of no rows."""
        return not (self.ledger or self.incomplete) and all(state.is_blank for step in self.states for state in step)

    def merge(self, other: Subtotal) -> Subtotal:
        """Statistics of the rows of both, ours first; neither must be used afterwards."""
        return other.after(self)

    def after(self, before: Subtotal) -> Subtotal:
        """As `before.merge(self)`, where `before` is of this process."""
        before.states = merged(before.states, self.states)
        if not before.ledger:
            before.ledger = self.ledger
        elif self.ledger:
            before.ledger.add(self.ledger.sorted())
        before.incomplete += self.incomplete
        before.categories = _merged_categories(before.categories, self.categories)
        before._add_later(self.sketches)
        return before

    def _add_later(self, sketches: Quantiles | None) -> None:
        """Adds the sketches of the rows that follow, which were merged by themselves. Those of many short inputs are
        merged in one call."""
        if self._sketches is None or sketches is None:
            self._sketches = None
            return
        self._later.append(sketches)
        if len(self._sketches) > 1 or len(self._later) * sketches.items.size > BUFFER:
            self.merge_sketches()

    def split(self, shards: int) -> list[Subtotal]:
        """So many shards, each of which merges by itself with that of another one; `joined` after that, they are the
        merged one to the bit. What is by key, and of categories, stays together, in the first."""
        states = [[state.split(shards) for state in step] for step in self.states]
        parts = [Subtotal(tuple(tuple(s[n] for s in step) for step in states)) for n in range(shards)]
        parts[0].ledger, parts[0].incomplete, parts[0].categories = self.ledger, self.incomplete, self.categories
        if self.sketches is not None:
            for part, sketches in zip(parts, self.sketches.split(shards), strict=True):
                part._sketches = [sketches]
        return parts

    @classmethod
    def joined(cls, shards: Sequence[Subtotal]) -> Subtotal:
        """That of which these are all shards, in order."""
        steps = zip(*(shard.states for shard in shards), strict=True)
        states = tuple(tuple(type(s[0]).joined(s) for s in zip(*step, strict=True)) for step in steps)
        sketches = [shard.sketches for shard in shards if shard.sketches is not None]
        joined = type(sketches[0]).joined(sketches) if sketches else None
        return cls(states, shards[0].ledger, shards[0].incomplete, joined, shards[0].categories)

    def local(self) -> Subtotal:
        """The same in the memory of this process."""
        return self


class SegmentTotals:
    """Statistics of one segment after the other, chunk by chunk."""

    def __init__(self, blank: tuple[StepStates, ...], sketches: Quantiles | None = None) -> None:
        self._blank, self._blank_sketches = blank, sketches
        self._segment, self._chunks = Subtotal(blank, sketches=sketches), 0

    def add(self, measured: Measured, *, can_end_segment: bool) -> Subtotal | None:
        """Adds statistics of the next chunk; those of the segment, if it ends with it."""
        self._segment.add(measured)
        self._chunks += 1
        return self.end() if ends_segment(self._chunks, can_end=can_end_segment) else None

    def end(self) -> Subtotal | None:
        """Statistics of the last segment, which may be short; None where nothing follows the one before."""
        ended, count = self._segment, self._chunks
        self._segment, self._chunks = Subtotal(self._blank, sketches=self._blank_sketches), 0
        ended.merge_sketches()
        return ended if count else None


class InputTotal:
    """Statistics of one input so far, chunk by chunk or segment by segment."""

    def __init__(self, blank: tuple[StepStates, ...], sketches: Quantiles | None = None) -> None:
        self._total, self._segments = Subtotal(blank, sketches=sketches), SegmentTotals(blank, sketches)

    def add(self, measured: Measured, *, can_end_segment: bool) -> None:
        """Adds statistics of the next chunk."""
        self.add_segment(self._segments.add(measured, can_end_segment=can_end_segment))

    def add_segment(self, segment: Subtotal | None) -> None:
        """Adds statistics of the next segment, if there is one, measured independently of those before it."""
        if segment is not None:
            self._total = self._total.merge(segment)

    def end(self) -> Subtotal:
        """The total of the input; the last segment may be short."""
        self.add_segment(self._segments.end())
        return self._total
