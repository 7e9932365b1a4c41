"""Cutting a stream of text into runs of whole rows."""

import io
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from normcli.errors import BadDataError, BadPlaceError
from normcli.formats._text.octets import QUOTE, line_ends, occurrences
from normcli.io.sources import Source

BLOCK = 8 << 20  # rows are cut at each so many bytes of the stream; part of what makes results the same bytes
LONGEST_ROW = 256 << 20
LATIN = "convert it first: iconv -f LATIN1 -t UTF-8"  # the likeliest of what is not UTF-8
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Rows:
    """A run of whole rows: the bytes, and whether there is a quote in them."""

    data: bytes
    quoted: bool


def begin(source: Source) -> None:
    """Drops a byte order mark. Raises BadDataError for another encoding."""
    mark = source.peek(3)
    if mark[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise BadDataError(f"{source.name}:1: UTF-16", "convert it first: iconv -f UTF-16 -t UTF-8")
    if mark == BOM:
        source.read(3)


def head(source: Source, size: int, lines: Callable[[bytes], int], wanted: int) -> bytes:
    """The first bytes, still to be read: `size` of them, and more until `lines` counts as many line ends as are wanted.
    Raises BadDataError for a row of more than LONGEST_ROW."""
    while len(data := source.peek(size)) == size and (count := lines(data)) < wanted:
        if size >= LONGEST_ROW:
            what = f"{source.name}:{1 + count}: a row of more than {LONGEST_ROW >> 20} MB"
            raise BadDataError(what, "is a quote never closed?")
        size = min(4 * size, LONGEST_ROW)
    return data


def cut(source: Source, *, size: int, quotes: bool, check: Callable[[bytes], None]) -> Iterator[Rows]:
    """Whole rows up to each `size` mark of the stream, however the bytes arrive; without `quotes` each line is a row.
    `check` may refuse the beginning of a row that has not ended within so many bytes. The memory of rows that nobody
    has any more is filled anew: fresh memory costs the system more than what is read into it. (Should somebody still
    have it, BytesIO makes a copy before it is written to.)"""
    carry, ended = b"", False
    spare: list[io.BytesIO] = []
    while not ended:
        buffer = spare.pop() if spare else io.BytesIO()
        more = size - source.count % size
        data = source.read(more, after=carry, into=buffer)
        ended = len(data) < len(carry) + more
        quoted = quotes and b'"' in data
        at = len(data) if ended else _last_row_end(data, quoted)
        carry = data[at:]
        if carry:
            del data  # cut short where it lies, without a copy
            buffer.truncate(at)
            data = buffer.getvalue()
        rows = Rows(data, quoted)
        weakref.finalize(rows, spare.append, buffer)
        del data, buffer
        if rows.data:
            yield rows
        del rows
        if len(carry) > size:
            check(carry)


def _last_row_end(data: bytes, quoted: bool) -> int:
    """Just after the last whole row, 0 if there is none."""
    last = data.rfind(b"\n") + 1
    if not quoted or (occurrences(data, QUOTE) - data.count(b'"', last)) % 2 == 0:
        return last
    ends = line_ends(data, quoted)
    return int(ends[-1]) if len(ends) else 0


def check_length(unfinished: bytes, hint: str) -> None:
    """Raises BadPlaceError for the beginning of a row of more than LONGEST_ROW."""
    if len(unfinished) > LONGEST_ROW:
        raise BadPlaceError(0, f"a row of more than {LONGEST_ROW >> 20} MB", hint)
