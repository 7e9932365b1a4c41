"""Segments of an input: runs of its chunks that fold apart from each other, as they do on one machine, each at an
address of its own.

Of binary data, the footer says where they are. Text is scanned first, in stretches that mostly make one segment each.
Whoever scans a stretch measures it on the way: mostly its segment is what its own scans show if no quote is open where
it begins. Once all stretches before it are scanned, too, that is known; if it is another one, it is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, pairwise, takewhile
from typing import TypeVar

from msgspec import Struct

from normcli.formats import Address, Description, Reader
from normcli.formats._text.description import TextDescription
from normcli.formats._text.ranges import Scan, Scanned, Scanner, blocks, edges, scans
from normcli.io.sources import Inlet, Source
from normcli.parameters.folding import SEGMENT, ends_segment

T = TypeVar("T")

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


def read_stretch(
    source: Source, description: TextDescription, stretch: tuple[int, int], is_wanted: Callable[[], bool],
    read: Callable[[Source, Address], T],
) -> tuple[StretchScan, T | None]:  # fmt: skip
    """A stretch of an open text, for which some of what stands before it is read, too, but not all of it once that is
    no longer wanted; and what is `read` of its likely segment, which is scanned on the way: to request the bytes of an
    object twice takes twice the time. None where it is another segment. Raises OutputError where reading fails."""
    start, end = stretch
    first, streams, result = _first_row(source, description, start), list[Scanned](), None
    if first is not None:
        assert description.rows is not None
        rows, scanner = Address(first, description.rows.end, 0), Scanner(source, description, start)

        def scanned(_: bytes, inlet: Inlet) -> Scanned:
            streams.append(Scanned(inlet, scanner, edges(start, end, description.mark), rows))
            return streams[0]

        result = read(source.layered(scanned), Address(first, end, 0))
    if first is None or not streams:  # it could not even be opened
        parts = tuple(takewhile(lambda _: is_wanted(), scans(source, description, start, end)))
        return StretchScan(parts, None), None
    try:
        parts = streams[0].rest(is_wanted)
    except OSError as e:
        raise source.failed(e) from None
    likely = _likely(description, parts, first) if is_wanted() else None
    is_same = likely is not None and likely.end == streams[0].end
    return StretchScan(parts, likely if is_same else None), result if is_same else None


def _first_row(source: Source, description: TextDescription, start: int) -> int | None:
    """Where the first row of a stretch begins, if no quote is open where the stretch does; None where that can't be
    said."""
    rows = description.rows
    assert rows is not None
    if start == rows.start:
        return start
    (before,) = scans(source, description, max(rows.start, start - description.mark), start)
    return before.row_ends[before.odd] if before.keeps_length else None  # the last end before an even number of quotes


def _likely(description: TextDescription, parts: Sequence[Scan], first: int) -> Address | None:
    rows, end = description.rows, parts[-1].end
    assert rows is not None
    chunks = list(islice(blocks(parts, description.mark, Address(first, rows.end, 0)), SEGMENT))
    if not chunks or (end < rows.end and chunks[-1].end > end):  # rows that are longer than what lies between marks
        return None
    return Address(first, chunks[-1].end, 0)
