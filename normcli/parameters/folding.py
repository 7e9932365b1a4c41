"""Folds: in which order what was measured of chunks is put together, wherever it was measured.

Chunks fold from the left into a segment, segments into an input, inputs into the whole. So a segment of a long input
can be measured apart from the others, and the bits are those of one pass; a short input is one segment.
"""

from dataclasses import dataclass, field

from normcli.parameters.keys import Ledger, StepStates
from normcli.parameters.measuring import Measured
from normcli.parameters.states import merged

SEGMENT = 64  # chunks, at least; part of what makes results the same bytes


def ends_segment(chunks: int, *, can_end: bool) -> bool:
    """Whether a segment ends that has so many chunks, the last of which `can_end` one: of a binary format, only the
    last of a row group can."""
    return can_end and chunks >= SEGMENT


@dataclass
class Subtotal:
    """What was measured of some rows: each step's states, of all rows and by key; and how many took no part, for they
    miss a value."""

    states: tuple[StepStates, ...]  # blanks, of no rows
    ledger: Ledger = field(default_factory=Ledger)
    incomplete: int = 0

    def add(self, measured: Measured) -> None:
        """What was measured of the next rows."""
        self.states = merged(self.states, measured.states)
        if measured.keyed is not None:
            self.ledger.add(measured.keyed)
        self.incomplete += measured.incomplete

    def merge(self, other: "Subtotal") -> None:
        """What was measured of all rows of another, which come after ours. It is not used any more."""
        self.states = merged(self.states, other.states)
        if not self.ledger:
            self.ledger = other.ledger
        elif other.ledger:
            self.ledger.add(other.ledger.sorted())
        self.incomplete += other.incomplete


class InputTotal:
    """What was measured of one input so far, chunk by chunk or segment by segment."""

    def __init__(self, blank: tuple[StepStates, ...]) -> None:
        self._blank = blank
        self._total, self._segment, self._chunks = Subtotal(blank), Subtotal(blank), 0

    def add(self, measured: Measured, *, can_end_segment: bool) -> None:
        """What was measured of the next chunk."""
        self._segment.add(measured)
        self._chunks += 1
        if ends_segment(self._chunks, can_end=can_end_segment):
            self._end_segment()

    def add_segment(self, segment: Subtotal) -> None:
        """What was measured of the next segment, apart from those before it."""
        self._total.merge(segment)

    def _end_segment(self) -> None:
        self.add_segment(self._segment)
        self._segment, self._chunks = Subtotal(self._blank), 0

    def end(self) -> Subtotal:
        """All of it; the last segment may be a short one."""
        self._end_segment()
        return self._total
