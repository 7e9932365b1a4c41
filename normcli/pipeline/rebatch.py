"""Rows cut again, between two ordered maps: what was decoded chunk by chunk is worked on in whole batches.

Pieces have a fixed number of rows wherever chunks and inputs end, so that the same rows give the same bytes whether
they come from a file, a pipe or three files. Only the last one has another, and never a single row: that would be a
batch of which there is no variance.
"""

from collections import deque
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from normcli import columns
from normcli.columns import Frame
from normcli.formats import Chunk, Reject, row_among

ROWS = 65_536  # of a piece, at least and about; part of what makes results the same bytes


def size_of(multiple: int) -> int:
    """Rows to a piece of whole batches of so many each."""
    return multiple * max(ROWS // multiple, 1)


class Segment(Struct, frozen=True):
    """Rows of one chunk, and where they come from."""

    part: int  # the number of the input
    place: int  # of the chunk's beginning, in the input
    chunk: Chunk
    rejects: tuple[Reject, ...]  # of the chunk's rows
    frame: Frame
    first: int = 0  # which of the rows that were not rejected the frame's first is

    def row(self, row: int) -> int:
        """The row of the chunk, rejected ones among them, that the frame's row `row` is."""
        return row_among(self.rejects, self.first + row)

    def locate(self, row: int) -> int:
        """The place in the chunk of the frame's row `row`."""
        return self.chunk.locate(self.row(row))

    def cut(self, rows: int) -> "tuple[Segment, Segment]":
        """The first so many rows, and the others."""
        head, tail = columns.cut(self.frame, rows)
        return replace(self, frame=head), replace(self, frame=tail, first=self.first + rows)


class Pieces:
    """Segments that wait until there are enough of them."""

    def __init__(self, multiple: int) -> None:
        self.size = size_of(multiple)
        self._held: deque[Segment] = deque()
        self._rows = 0

    def add(self, segment: Segment) -> Iterator[tuple[Segment, ...]]:
        """One more; the pieces that are now whole."""
        if segment.frame.rows:
            self._held.append(segment)
            self._rows += segment.frame.rows
        while self._rows >= self.size + 2:  # with fewer, a single row might be left
            yield self._take(self.size)

    def rest(self) -> tuple[Segment, ...]:
        """What is left, which may be nothing."""
        return self._take(self._rows)

    def _take(self, rows: int) -> tuple[Segment, ...]:
        self._rows -= rows
        taken = []
        while rows:
            segment = self._held.popleft()
            here = segment.frame.rows
            if here > rows:
                segment, left = segment.cut(rows)
                self._held.appendleft(left)
                here = rows
            taken.append(segment)
            rows -= here
        return tuple(taken)
