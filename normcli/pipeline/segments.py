"""Segments of an input: runs of its chunks that fold apart from each other, as they do on one machine, each at an
address of its own.

Of binary data, the footer says where they are. Text is scanned first, in stretches that mostly make one segment each.
Whoever scans a stretch may measure it as well: mostly its segment is what its own scans show if no quote is open where
it begins. Once all stretches before it are scanned, too, that is known; if it is another one, it is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, pairwise, takewhile

from msgspec import Struct

from normcli.formats import Address, Description, Reader
from normcli.formats._text.description import TextDescription
from normcli.formats._text.ranges import Scan, blocks, scans
from normcli.io.sources import Source
from normcli.parameters.folding import SEGMENT, ends_segment

FAR = 64 << 20  # bytes of an object, at least: each batch of an Arrow file is requested to know how long it is


def of_runs(runs: Iterable[tuple[Address, int]]) -> Iterator[Address]:
    """Segments of runs of rows that follow each other, each of so many chunks, the last of which can end one."""
    start: Address | None = None
    count, end = 0, 0
    for run, chunks in runs:
        start, count, end = start or run, count + chunks, run.end
        if ends_segment(count, can_end=True):
            yield Address(start.start, end, start.place)
            start, count = None, 0
    if start is not None and count:
        yield Address(start.start, end, start.place)


def of_reader(reader: Reader) -> tuple[Address, ...]:
    """Segments of an open input by what stands in its footer; none where only all of it can be read, or where it is
    text, which is to be scanned."""
    if reader.source.is_far and (reader.source.length or 0) < FAR:
        return ()
    return tuple(of_runs(reader.runs()))


def stretches(description: Description) -> tuple[tuple[int, int], ...]:
    """Ranges of bytes to scan, each of as many marks as there are chunks in a segment; none where only all of an input
    can be read."""
    if not isinstance(description, TextDescription) or description.rows is None:
        return ()
    rows, mark = description.rows, description.mark
    marks = range((rows.start // mark + SEGMENT) * mark, rows.end, SEGMENT * mark)
    return tuple(pairwise([rows.start, *marks, rows.end]))


def of_scans(description: TextDescription, scans: Iterable[Scan]) -> Iterator[Address]:
    """Segments of text by the scans of all of its stretches, in order; each as soon as they say so. The last may make
    several segments, where the text has a spelling that is not to be read from any row on."""
    if description.rows is not None:
        yield from of_runs((block, 1) for block in blocks(scans, description.mark, description.rows))


class StretchScan(Struct, frozen=True):
    """What the scans of a stretch say; and the segment that it makes if no quote is open where it begins, but for the
    place of its first row, or None where that can't be said."""

    scans: tuple[Scan, ...]
    likely: Address | None


def scan_stretch(
    source: Source, description: TextDescription, stretch: tuple[int, int], is_wanted: Callable[[], bool] = lambda: True
) -> StretchScan:
    """A stretch of an open text, for which some of what stands before it is read, too; not all of it once that is no
    longer wanted. Raises OutputError where reading fails."""
    start, end = stretch
    parts = tuple(takewhile(lambda _: is_wanted(), scans(source, description, start, end)))
    return StretchScan(parts, _likely(source, description, parts) if is_wanted() else None)


def _likely(source: Source, description: TextDescription, parts: Sequence[Scan]) -> Address | None:
    rows, start, end = description.rows, parts[0].start, parts[-1].end
    assert rows is not None
    if start > rows.start:  # the last row before it ends where an even number of quotes follows
        (before,) = scans(source, description, max(rows.start, start - description.mark), start)
        row_end = before.row_ends[before.odd]
        if row_end is None or not before.keeps_length:
            return None
        start = row_end
    chunks = list(islice(blocks(parts, description.mark, Address(start, rows.end, 0)), SEGMENT))
    if not chunks or (end < rows.end and chunks[-1].end > end):  # rows that are longer than what lies between marks
        return None
    return Address(start, chunks[-1].end, 0)
