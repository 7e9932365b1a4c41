"""Where rows and fields of delimited text begin and end: cutting a stream, and saying which line is at fault."""

import csv
import io
import math
import re
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from normcli.errors import BadDataError, BadPlaceError, printable
from normcli.formats._delimited.dialect import DIFFERENT, Dialect
from normcli.formats._delimited.notation import PLAIN, Notation
from normcli.formats._delimited.remedies import MISSING, listed, remedy
from normcli.formats._foreign import is_text
from normcli.io.sources import Source

BLOCK = 8 << 20  # rows are cut at each so many bytes of the stream; part of what makes results the same bytes
LONGEST_ROW = 256 << 20
STRIP = 1 << 17
BOM = b"\xef\xbb\xbf"

NEWLINE, RETURN, QUOTE = b'\n\r"'
LATIN = "convert it first: iconv -f LATIN1 -t UTF-8"  # the likeliest of text that is not UTF-8
BINARY = "this is binary data, as of no format that is known here; `file` may say what it is"
WIDE = {  # other encodings, by a mark or by the zero bytes of Latin letters
    "UTF-32": rb"\xff\xfe\0\0|\0\0\xfe\xff",
    "UTF-16": rb"\xff\xfe|\xfe\xff",
    "UTF-16LE": rb"([^\0]\0){6}",
    "UTF-16BE": rb"(\0[^\0]){6}",
}
NEAR = 2048  # bytes on either side of one that is not UTF-8, where control characters say that this is no text
STRAY_RETURN = "a carriage return that ends no line, in a field that is not quoted"
STRAY_NEWLINE = "a newline that ends no line, in a field that is not quoted: the first line ends in CR alone"
STRAY_QUOTE = "a quote inside a field that is not quoted"
AFTER_QUOTE = "text after a closing quote"
UNCLOSED = "a quote that is never closed"
ESCAPE = r"--escape '\' takes it"
NULL = f"--na-values '{listed(MISSING, [chr(92) + 'N'])}' takes it as missing, without --escape it is text"
SKIP = "--on-bad-row skip leaves such rows out"
HEADER = "--header if the first row names the columns"
OTHERS = ";\t|"  # delimiters that are proposed
WIDTHS = re.compile(r"(\d+) fields? where the first row has (\d+)")
NO_TRAILING = "no delimiter at the end of the row, as --trailing-delimiter has one"
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Rows:
    """A run of whole rows: the bytes, and whether there is a quote in them."""

    data: bytes
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


def is_behind(data: bytes, octet: int, before: Sequence[int]) -> bool:
    """Whether a byte stands right after one of others; in such strips, too."""
    if octet not in data:
        return False
    view, same, after = octets(data), np.empty(STRIP, np.bool_), np.zeros(256, np.bool_)
    after[list(before)] = True
    for start in range(1, len(view), STRIP):
        strip = view[start : start + STRIP]
        at = np.flatnonzero(np.equal(strip, octet, out=same[: len(strip)]))
        if len(at) and after[view[start - 1 + at]].any():
            return True
    return False


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
    ends = line_ends(data, b'"' in data)
    return int(ends[0]) if len(ends) else None


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
    while len(data := source.peek(size)) == size and (found := lines(data)) < wanted:
        if size >= LONGEST_ROW:
            what = f"{source.name}:{1 + found}: a row of more than {LONGEST_ROW >> 20} MB"
            raise BadDataError(what, "is a quote never closed?")
        size = min(4 * size, LONGEST_ROW)
    return data


def cut(
    source: Source, *, delimiter: str | None, size: int, straight: Callable[[bytes], bytes] = bytes
) -> Iterator[Rows]:
    """Whole rows up to each `size` mark of the stream, however the bytes arrive; without a delimiter each line is a
    row, whatever the quotes. `straight` makes of a row without end one of RFC 4180. The memory of rows that nobody has
    any more is filled anew: fresh memory costs the system more than what is read into it. (Should somebody still have
    it, BytesIO makes a copy before it is written to.)"""
    carry, ended = b"", False
    spare: list[io.BytesIO] = []
    while not ended:
        buffer = spare.pop() if spare else io.BytesIO()
        more = size - source.count % size
        data = source.read(more, after=carry, into=buffer)
        ended = len(data) < len(carry) + more
        quoted = delimiter is not None and b'"' in data
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
            _check_partial(straight(carry), delimiter)


def _last_row_end(data: bytes, quoted: bool) -> int:
    """Just after the last whole row, 0 if there is none."""
    last = data.rfind(b"\n") + 1
    if not quoted or (occurrences(data, QUOTE) - data.count(b'"', last)) % 2 == 0:
        return last
    ends = line_ends(data, quoted)
    return int(ends[-1]) if len(ends) else 0


def _check_partial(carry: bytes, delimiter: str | None) -> None:
    """A row that will not end: is a quote to blame? Bounded in any case."""
    lines = carry.replace(b"\r", b"")
    broken = fault(lines, delimiter, quoted=True, whole=False) if delimiter is not None else None
    if broken is not None:
        at, what = broken
        raise BadPlaceError(lines.count(b"\n", 0, at), what)
    if len(carry) > LONGEST_ROW:
        hint = "is a quote never closed?" if delimiter is not None else "each line is a row"
        raise BadPlaceError(0, f"a row of more than {LONGEST_ROW >> 20} MB", hint)


# -- quotes ------------------------------------------------------------------------------------------------------
def fault(data: bytes, delimiter: str, quoted: bool, *, whole: bool = True) -> tuple[int, str] | None:
    """The first place where RFC 4180 is broken, and how.

    A quote opens only where a field begins and closes only where one ends; quotes open and close in turn, a doubled
    one closes and opens again at once. A carriage return stands before a newline, or in quotes. With `whole`, the
    data end outside quotes.
    """
    if not quoted and b"\r" not in data:
        return None
    view, nowhere = octets(data), np.empty(0, np.intp)
    at = np.flatnonzero(view == QUOTE) if quoted else nowhere
    opens, closes = at[0::2], at[1::2]
    edge = np.zeros(256, np.bool_)
    edge[[NEWLINE, ord(delimiter), QUOTE]] = True
    wrong_open = opens[(opens > 0) & ~edge[view[np.maximum(opens - 1, 0)]]]
    edge[RETURN] = True
    wrong_close = closes[(closes < len(view) - 1) & ~edge[view[np.minimum(closes + 1, len(view) - 1)]]]
    returns = np.flatnonzero(view == RETURN) if b"\r" in data else nowhere
    returns = returns[view[np.minimum(returns + 1, len(view) - 1)] != NEWLINE]
    returns = returns if whole else returns[returns < len(view) - 1]
    returns = returns[np.searchsorted(at, returns) % 2 == 0]
    unclosed = _last_opening(at) if whole and len(at) % 2 else nowhere
    found = (
        (wrong_open, STRAY_QUOTE),
        (wrong_close, AFTER_QUOTE),
        (returns, STRAY_RETURN),
        (unclosed, UNCLOSED),
    )
    return min(((int(where[0]), what) for where, what in found if len(where)), default=None)


def _last_opening(at: NDArray[np.intp]) -> NDArray[np.intp]:
    """Of quotes (n,), n odd, the one that opened the last field: one right after a closing one goes on with its own."""
    opens, closes = at[0::2], at[1::2]
    return opens[np.flatnonzero(np.append(True, opens[1:] - closes > 1))[-1:]]


def split_row(row: bytes, delimiter: str) -> list[str]:
    """A row's fields. The row must be without fault. Raises UnicodeDecodeError."""
    text = row.decode("utf-8").rstrip("\r\n")
    if '"' not in text:
        return text.split(delimiter)
    csv.field_size_limit(LONGEST_ROW)
    return next(csv.reader([text], delimiter=delimiter, strict=True))


def hint(what: str, data: bytes, at: int, delimiter: str) -> str:
    """What to do about a fault at a place of some rows."""
    if what.startswith("not UTF-8"):
        return encoding_hint(data, at)
    if what in (STRAY_RETURN, STRAY_NEWLINE):
        beside = data[max(at - 1, 0) : at] + data[at + 1 : at + 2]
        return "convert it first: " + (r"tr -d '\r'" if set(beside) & set(b"\r\n") else r"tr '\r' '\n'")
    if what in (STRAY_QUOTE, AFTER_QUOTE, UNCLOSED):
        return _quote_hint(what, data, at, delimiter)
    if what.endswith(DIFFERENT):
        return NULL if "before 'N'" in what else "without --escape it is text"
    found = WIDTHS.match(what)
    if found and int(found[1]) < int(found[2]):
        lines = data[:at], data[at:].split(b"\n", 1)[0]
        continued = any(line.rstrip(b"\r\n").endswith(b"\\") for line in lines)
        return ESCAPE if continued else "--pad-rows takes it for missing at the end"
    if (
        found
        and int(found[1]) == int(found[2]) + 1
        and data[at:].split(b"\n", 1)[0].rstrip().endswith(delimiter.encode())
    ):
        return "--trailing-delimiter takes it"
    return SKIP if found else ""


def _quote_hint(what: str, data: bytes, at: int, delimiter: str) -> str:
    if what == STRAY_QUOTE and data[:at].rstrip(b" ")[-1:] in (b"", b"\n", delimiter.encode()):
        return "--skip-initial-space takes it"
    row = data[data.rfind(b"\n", 0, at) + 1 :].split(b"\n", 1)[0]
    if b'\\"' in row:
        return ESCAPE
    bare = "--quote none takes quotes for text"
    return f"is the file cut short? {bare}" if what == UNCLOSED else bare


def header_hint(word: str, name: str) -> str:
    """What to do about a word in the column of its name; empty where it is another one."""
    if word != name:
        return ""
    return HEADER if re.fullmatch("column_[0-9]+", name) else "--on-bad-row skip leaves out a header among the rows"


def likely_delimiter(row: bytes, delimiter: str) -> str:
    """A hint, where another one stands in the first row more often than the `delimiter`."""
    count, other = max((row.count(c.encode()), c) for c in OTHERS if c != delimiter)
    named = "tab" if other == "\t" else f"'{other}'"
    return f"is it --delimiter {named}?" if count > row.count(delimiter.encode()) else ""


def numbered(names: Sequence[str]) -> list[str]:
    """Names that differ: of those that are the same, all but the first get a number, and one that is empty is called
    by its place."""
    taken, made = set(names), list[str]()
    there: set[str] = set()
    for j, name in enumerate(names):
        base, n = (name, 1) if name else (f"column_{j + 1}", 1)
        found = base
        while found in there or (found in taken and (found != name or n > 1)):
            n += 1
            found = f"{base}_{n}"
        there.add(found)
        made.append(found)
    return made


def first_twice(names: Sequence[str]) -> str | None:
    """The first name that was there before."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def quoted_field(field: str, delimiter: str, *, alone: bool) -> str:
    """A field of a row, in quotes where it needs them; an empty one does where it is alone in its row, and one that
    would be taken for a byte order mark."""
    if any(c in field for c in (delimiter, '"', "\r", "\n")) or field.startswith("\ufeff") or (alone and not field):
        return '"' + field.replace('"', '""') + '"'
    return field


@dataclass(frozen=True)
class RowCheck:
    """What every row must be like."""

    delimiter: str
    width: int
    numbers: dict[int, str]  # names of the columns that must hold one, by position
    missing: frozenset[str]
    finite: bool  # whether an infinite number is wrong
    dialect: Dialect = Dialect()
    notation: Notation = PLAIN

    def fault(self, row: bytes, given: bytes | None = None) -> str | None:
        """What is wrong with a row that is otherwise well-formed; nothing is with a blank one. It may have been `given`
        in another form."""
        if not row.strip(b"\r\n"):
            return None
        try:
            fields = split_row(row, self.delimiter)
        except UnicodeDecodeError as e:
            return f"not UTF-8: byte 0x{row[e.start]:02x}"
        if self.dialect.trailing and not (given or row).rstrip(b"\r\n").endswith(self.delimiter.encode()):
            return NO_TRAILING
        if len(fields) != self.width:
            return f"{len(fields)} field{'s' * (len(fields) != 1)} where the first row has {self.width}"
        doubt = next(filter(None, (self.dialect.doubtful(f, self.missing) for f in fields)), None)
        if doubt:
            return doubt
        fields = fields if self.dialect.is_plain else [self.dialect.meant(f) for f in fields]
        for j, name in self.numbers.items():
            word = fields[j].strip(" \t")
            if not word or word in self.missing:
                continue
            if not self.notation.matches(word):
                return f"'{printable(fields[j][:80])}' in column '{printable(name)}' is not a number"
            if self.finite and math.isinf(float(self.notation.plain(word))):
                return f"infinite value in column '{printable(name)}'"
        return None

    def hint(self, row: bytes) -> str:
        """What takes the first field of a row that should be a number, and is none; empty where nothing is known."""
        fields = split_row(row, self.delimiter)
        words = ((self.dialect.meant(fields[j]).strip(" \t"), name) for j, name in self.numbers.items())
        other, name = next(w for w in words if w[0] and w[0] not in self.missing and not self.notation.matches(w[0]))
        likely = header_hint(other, name) or remedy(other, (), self.missing, self.notation, self.delimiter)
        return likely or SKIP
