"""Where text is cut into chunks, by what was seen of ranges of it apart from each other.

Whether a line end in the middle of a file ends a row depends on all quotes before it. So a range is scanned for both
cases, and once all ranges before it are known, the blocks are those that reading from the start gives.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from normcli.formats._address import Address
from normcli.formats._text.octets import NEWLINE, QUOTE, STRIP, occurrences, octets
from normcli.io.sources import Inlet, Source

if TYPE_CHECKING:
    from normcli.formats._text.description import TextDescription

LOOK = 64  # bytes, and as many times more, in which an escape is looked for


class Scan(Struct, frozen=True):
    """A range of text: from one mark to the next, from the first row to a mark, or from a mark to the end. What depends
    on quotes is said for both cases: that none is open where the range begins, and that one is."""

    start: int  # the first byte
    end: int  # just after the last
    odd: bool  # whether the number of quotes is
    lines: int  # line ends, those within quotes among them
    row_ends: tuple[int | None, int | None]  # just after the last row that ends here
    lines_before: tuple[int, int]  # line ends before that
    keeps_length: bool = True  # whether marks of the stream that is cut are marks of the file


def scan(start: int, text: bytes, *, quotes: bool, lines: bytes | None = None) -> Scan:
    """Of the text that begins at a byte; without `quotes` each line is a row. Where some line ends in it have another
    spelling, all are in `lines`, which is as long."""
    view = memoryview(text if lines is None else lines)
    count = occurrences(text, QUOTE) if quotes else 0
    ends = _row_ends(text, count) if quotes else 2 * (text.rfind(b"\n") + 1,)
    total = occurrences(view, NEWLINE)
    before = [total - occurrences(view[end:], NEWLINE) if end else 0 for end in ends]
    even, odd = (start + end if end else None for end in ends)
    return Scan(start, start + len(text), count % 2 > 0, total, (even, odd), (before[0], before[1]))


def _row_ends(text: bytes, count: int) -> tuple[int, int]:
    """Just after the last line end with an even number of quotes before it, and with an odd one, 0 if there is none; of
    text with so many quotes. From its end on: one is near, and mostly there is no other."""
    if not count:
        return text.rfind(b"\n") + 1, 0
    ends, view, stop = [0, 0], octets(text), len(text)
    while stop and not all(ends):
        strip = view[max(0, stop - STRIP) : stop]
        stop -= len(strip)
        at = np.flatnonzero((strip == NEWLINE) | (strip == QUOTE))
        is_quote = strip[at] == QUOTE
        count -= int(np.count_nonzero(is_quote))
        is_odd = (np.cumsum(is_quote, dtype=np.uint8) + count % 2) % 2 > 0
        for odd in (False, True):
            rows = np.flatnonzero(~is_quote & (is_odd == odd))
            if not ends[odd] and len(rows):
                ends[odd] = stop + int(at[rows[-1]]) + 1
    return ends[0], ends[1]


def edges(start: int, end: int, size: int) -> list[int]:
    """One byte, the marks at each `size` bytes after it, and another byte."""
    return [start, *range((start // size + 1) * size, end, size), end]


def scans(source: Source, description: TextDescription, start: int, end: int) -> Iterator[Scan]:
    """Of all ranges of a text from its first row or a mark to a mark or its end. Raises OutputError where reading
    fails."""
    stream, scanner = source.range(start, end), Scanner(source, description, start)
    for at, mark in pairwise(edges(start, end, description.mark)):
        yield scanner.scan(stream.read(mark - at))


class Scanner:
    """Scans ranges of a text one after the other, from its first row or a mark on. Raises OutputError where reading
    fails."""

    def __init__(self, source: Source, description: TextDescription, start: int) -> None:
        self._description, self._at = description, start
        self._escaped = _is_escaped(source, description, start)

    def scan(self, text: bytes) -> Scan:
        """The next range."""
        scan = self._description.scan(self._at, text, escaped=self._escaped)
        self._at += len(text)
        self._escaped = _ends_escaped(text, self._description.escape, escaped=self._escaped)
        return scan


class Scanned:
    """The rows of a stretch as a raw stream that is scanned on the way, so that each byte is requested once: from their
    first byte, at or before the mark where the stretch begins, to the last row end in it, if no quote is open where it
    begins. There is one range in memory."""

    def __init__(self, inlet: Inlet, scanner: Scanner, edges: Sequence[int], rows: Address) -> None:
        """Ranges lie between `edges`; `rows` end at the last one of these, or in a range that begins there."""
        self._inlet, self._scanner, self._rows, self._lock = inlet, scanner, rows, Lock()
        self._ranges, self._before = deque(pairwise(edges)), edges[0] - rows.start
        self._text, self._is_odd = memoryview(b""), False
        self._scans: list[Scan] = []
        self.end: int | None = None  # where the last row ends that is in the stream, once all of it was scanned

    def readinto(self, view: memoryview) -> int:
        """As for a raw stream. Raises OSError."""
        with self._lock:
            if self._before:
                with view[: self._before] as part:
                    count = self._filled(part)
                self._before -= count
                return count
            if not self._text and self._ranges:
                self._next()
            count = min(len(view), len(self._text))
            view[:count] = self._text[:count]
            self._text = self._text[count:]
            return count

    def rest(self, is_wanted: Callable[[], bool]) -> tuple[Scan, ...]:
        """All scans, also of what nobody has read of the stream, which ends here. Raises OSError."""
        with self._lock:
            if self._before and is_wanted():
                self._before -= self._filled(memoryview(bytearray(self._before)))
            while self._ranges and is_wanted():
                self._next()
            self._text = memoryview(b"")
            return tuple(self._scans)

    def _next(self) -> None:
        """Reads a range, and scans it."""
        start, end = self._ranges.popleft()
        with memoryview(bytearray(end - start)) as view, view[: self._filled(view)] as part:
            text = bytes(part)
        scan = self._scanner.scan(text)
        self._scans.append(scan)
        row_end = scan.row_ends[self._is_odd] or start
        self._is_odd ^= scan.odd
        if not self._ranges:
            self.end = row_end if end < self._rows.end else end
        self._text = memoryview(text)[: (self.end or end) - start]

    def _filled(self, view: memoryview) -> int:
        """How many of the next bytes there are in a view; fewer than it takes only at the end."""
        done = 0
        while done < len(view):
            with view[done:] as rest:
                count = self._inlet.readinto(rest)
            if not count:
                break
            done += count
        return done


def _is_escaped(source: Source, description: TextDescription, at: int) -> bool:
    """Whether an escape stands before a byte, and none before that."""
    first, size = description.first_byte or 0, LOOK
    while description.escape and at > first:
        begin = max(first, at - size)
        text = source.range(begin, at).read(at - begin)
        if begin == first or text.strip(description.escape):
            return _ends_escaped(text, description.escape, escaped=False)
        size *= LOOK
    return False


def _ends_escaped(text: bytes, escape: bytes, *, escaped: bool) -> bool:
    """Whether an escape stands at the end, by whether one stood before the beginning; each second one means itself."""
    count = len(text) - len(text.rstrip(escape)) if escape else 0
    return (count + (escaped and count == len(text))) % 2 > 0


def blocks(scans: Iterable[Scan], size: int, rows: Address) -> Iterator[Address]:
    """The chunks that rows are cut into at marks of each `size` bytes; by scans of all ranges from their first byte on,
    or from the mark after it, in order. Each comes as soon as a scan says where it ends. Once bytes of the file are no
    longer those of the stream, all that is left is one address."""
    start, place, lines, odd = rows.start, rows.place, rows.place, False
    for scan in scans:
        if not scan.keeps_length:
            break
        row_end = scan.row_ends[odd]
        if row_end is not None and scan.end % size == 0:
            yield Address(start, row_end, place)
            start, place = row_end, lines + scan.lines_before[odd]
        lines, odd = lines + scan.lines, odd ^ scan.odd
    if start < rows.end:
        yield Address(start, rows.end, place)
