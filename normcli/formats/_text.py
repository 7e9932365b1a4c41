"""Where rows and fields of delimited text begin and end: cutting a stream, and saying which line is at fault."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from normcli.errors import BadDataError, printable
from normcli.sources import Source

BLOCK = 8 << 20  # rows are cut at each so many bytes of the stream; part of what makes results the same bytes
LONGEST_ROW = 256 << 20
STRIP = 1 << 17

NEWLINE, QUOTE = ord("\n"), ord('"')
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Rows:
    """A run of whole rows: the bytes, the physical line they begin on (from 1), whether there is a quote in them."""

    data: bytes
    line: int
    quoted: bool


def octets(data: bytes | memoryview) -> NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8)


def occurrences(data: bytes | memoryview, octet: int) -> int:
    """How often a byte is there: in strips that stay in the cache, five times as fast as bytes.count."""
    view, same = octets(data), np.empty(STRIP, np.bool_)
    total = 0
    for start in range(0, len(view), STRIP):
        strip = view[start : start + STRIP]
        total += int(np.count_nonzero(np.equal(strip, octet, out=same[: len(strip)])))
    return total


def line_ends(data: bytes | memoryview, quoted: bool) -> NDArray[np.intp]:
    """Just after each newline that ends a row: one with an even number of quotes before it."""
    view = octets(data)
    ends = np.flatnonzero(view == NEWLINE)
    if quoted:
        quotes = np.flatnonzero(view == QUOTE)
        ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
    return ends + 1


def row_ends(data: bytes, quoted: bool) -> NDArray[np.intp]:
    """Just after each row: the last one may do without a newline."""
    ends = line_ends(data, quoted)
    return ends if not data or (len(ends) and ends[-1] == len(data)) else np.append(ends, len(data))


def first_row_end(data: bytes) -> int | None:
    """Just after the first row, if it ends here."""
    at = -1
    while (at := data.find(b"\n", at + 1)) >= 0:
        if data.count(b'"', 0, at) % 2 == 0:
            return at + 1
    return None


def cut(source: Source, *, name: str, delimiter: str, size: int, line: int = 1) -> Iterator[Rows]:
    """Whole rows up to each `size` mark of the stream, however the bytes arrive."""
    carry, ended = b"", False
    while not ended:
        data = source.read(size, after=carry)
        ended = len(data) < len(carry) + size
        quoted = b'"' in data
        at = len(data) if ended else _last_row_end(data, quoted)
        carry = data[at:]
        if carry:
            buffer = io.BytesIO(data)
            del data  # the buffer's alone now, it is cut short where it lies, without a copy
            buffer.truncate(at)
            data = buffer.getvalue()
            del buffer
        if data:
            lines = occurrences(data, NEWLINE)
            yield Rows(data, line, quoted)
            line += lines
        if len(carry) > size:
            _check_partial(carry, name, delimiter, line)


def _last_row_end(data: bytes, quoted: bool) -> int:
    """Just after the last whole row, 0 if there is none."""
    last = data.rfind(b"\n") + 1
    if not quoted or (occurrences(data, QUOTE) - data.count(b'"', last)) % 2 == 0:
        return last
    ends = line_ends(data, quoted)
    return int(ends[-1]) if len(ends) else 0


def _check_partial(carry: bytes, name: str, delimiter: str, line: int) -> None:
    """A row that will not end: is a quote to blame? Bounded in any case."""
    fault = quote_fault(carry, delimiter)
    if fault is not None:
        at, what = fault
        line += carry.count(b"\n", 0, at)
        raise BadDataError(f"{name}:{line}: {what}")
    if len(carry) > LONGEST_ROW:
        raise BadDataError(f"{name}:{line}: a row of more than {LONGEST_ROW >> 20} MB", "is a quote never closed?")


# -- quotes ------------------------------------------------------------------------------------------------------
def quote_fault(data: bytes, delimiter: str) -> tuple[int, str] | None:
    """Where RFC 4180 is broken and how: a quote opens only where a field begins, and closes only where one ends.

    Quotes open and close in turn; a doubled one closes and opens again at once. An unclosed one at the end of the
    data is not told here.
    """
    view = octets(data)
    at = np.flatnonzero(view == QUOTE)
    opens, closes = at[0::2], at[1::2]
    edge = np.zeros(256, np.bool_)
    edge[[NEWLINE, ord(delimiter), QUOTE]] = True
    before = view[np.maximum(opens - 1, 0)]
    wrong_open = (opens > 0) & ~edge[before]
    edge[ord("\r")] = True
    after = view[np.minimum(closes + 1, len(view) - 1)]
    wrong_close = (closes < len(view) - 1) & ~edge[after]
    faults = [(int(w[0]), t) for w, t in (
        (opens[wrong_open], "a quote inside a field that is not quoted"),
        (closes[wrong_close], "text after a closing quote"),
    ) if len(w)]  # fmt: skip
    return min(faults) if faults else None


def split_row(row: bytes, delimiter: str) -> list[str]:
    """A row's fields. The row must be without fault."""
    import csv

    text = row.decode("utf-8").rstrip("\r\n")
    if '"' not in text:
        return text.split(delimiter)
    return next(csv.reader([row.decode("utf-8")], delimiter=delimiter, strict=True))


def row_fault(row: bytes, delimiter: str, width: int, numbers: dict[int, str], missing: frozenset[str]) -> str | None:
    """What is wrong with one row, in words; `numbers` are the columns that must hold one, by position."""
    try:
        fields = split_row(row, delimiter)
    except UnicodeDecodeError as e:
        return f"not UTF-8: byte 0x{row[e.start]:02x}"
    if len(fields) != width:
        return f"{len(fields)} fields where the header has {width}"
    for j, name in numbers.items():
        word = fields[j].strip(" \t")
        if word and word not in missing and not NUMBER.fullmatch(word):
            return f"{printable(fields[j][:80])!r} in column {printable(name)!r} is not a number"
    return None
