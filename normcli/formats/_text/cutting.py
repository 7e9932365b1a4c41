"""Cutting a stream of text into runs of whole rows."""

import io
import re
import weakref
from collections.abc import Callable, Iterator

from msgspec import Struct

from normcli.errors import BadDataError, BadPlaceError
from normcli.formats._foreign import is_text
from normcli.formats._text.octets import NEWLINE, QUOTE, both_occurrences, line_ends, occurrences
from normcli.io.sources import Source

BLOCK = 8 << 20  # rows are cut at each so many bytes of the stream; part of what makes results the same bytes
LONGEST_ROW = 256 << 20
LATIN = "convert it first: iconv -f LATIN1 -t UTF-8"  # the likeliest of text that is not UTF-8
BINARY = "this is binary data, as of no format that is known here; `file` may say what it is"
WIDE = {  # other encodings, by a mark or by the zero bytes of Latin letters
    "UTF-32": rb"\xff\xfe\0\0|\0\0\xfe\xff",
    "UTF-16": rb"\xff\xfe|\xfe\xff",
    "UTF-16LE": rb"([^\0]\0){6}",
    "UTF-16BE": rb"(\0[^\0]){6}",
}
NEAR = 2048  # bytes on either side of one that is not UTF-8, where control characters say that this is no text
SKIP = "--on-bad-row skip leaves such rows out"
BOM = b"\xef\xbb\xbf"


class Rows(Struct, frozen=True, weakref=True):
    """A run of whole rows: the bytes, and whether there is a quote in them."""

    data: bytes
    quoted: bool
    lines: int | None = None  # that end, where they were counted


class _Count(Struct):
    """Of quotes, unless all are text, and of line ends."""

    has_quotes: bool
    quotes: int = 0
    lines: int = 0

    def add(self, part: memoryview) -> None:
        lines, quotes = both_occurrences(part, NEWLINE, QUOTE if self.has_quotes else NEWLINE)
        self.lines += lines
        self.quotes += quotes if self.has_quotes else 0


def begin(source: Source) -> None:
    """Drops a byte order mark. Raises BadDataError for another encoding."""
    head = source.peek(32)
    encoding = next((name for name, pattern in WIDE.items() if re.match(pattern, head, re.DOTALL)), None)
    if encoding:
        what = f"{source.name}:1: not UTF-8 but {encoding[:6]}"
        raise BadDataError(what, f"convert it first: iconv -f {encoding} -t UTF-8")
    if head.startswith(BOM):
        source.read(3)


def encoding_hint(data: bytes, at: int = 0) -> str:
    """What to do about data that are not UTF-8 at a place, or near it."""
    return LATIN if is_text(data[max(at - NEAR, 0) : at + NEAR]) else BINARY


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
    """Whole rows up to each mark of the file, at each `size` bytes, however the bytes arrive; without `quotes`
    each line is a row. `check` may refuse the beginning of a row that has not ended within so many bytes. The memory of
    rows that nobody has any more is filled anew: fresh memory costs the system more than what is read into it. (Should
    somebody still have it, BytesIO makes a copy before it is written to.)"""
    carry, ended = b"", False
    spare: list[io.BytesIO] = []
    while not ended:
        buffer = spare.pop() if spare else io.BytesIO()
        more = size - (source.start + source.count) % size
        count = _Count(quotes)
        data = source.read(more, after=carry, into=buffer, look=count.add)
        ended = len(data) < len(carry) + more
        quoted = count.quotes > 0
        at = len(data) if ended else _last_row_end(data, quoted)
        carry = data[at:]
        if carry:
            del data  # cut short where it lies, without a copy
            buffer.truncate(at)
            data = buffer.getvalue()
        rows = Rows(data, quoted, count.lines - occurrences(carry, NEWLINE))
        weakref.finalize(rows, spare.append, buffer)
        del data, buffer
        if rows.data:
            yield rows
        del rows
        if len(carry) > size:
            check(carry)


def parts(data: bytes, quoted: bool, count: int) -> Iterator[bytes]:
    """The same whole rows in a number of pieces of about one size, or fewer."""
    start = 0
    for mark in range(1, count):
        at = _row_end(data, quoted, start, len(data) * mark // count)
        if at > start:
            yield data[start:at]
            start = at
    if start < len(data):
        yield data[start:]


def _row_end(data: bytes, quoted: bool, start: int, stop: int) -> int:
    """Just after the last row that ends before `stop`; `start`, where a row begins, if there is none."""
    if quoted:
        return start + _last_row_end(data[start:stop], quoted)
    return max(start, data.rfind(b"\n", start, stop) + 1)


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
