"""The beginning of a file of delimited text: titles, the delimiter that Excel names (sep=), and line ends."""

from __future__ import annotations

import re
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from normcli.errors import BadDataError, printable, short
from normcli.formats._delimited.dialect import Dialect
from normcli.formats._delimited.respelling import Respelled
from normcli.formats._text import cutting
from normcli.io.sources import Source

LOOK = 1 << 20  # bytes in which the first row ends
EXCEL = re.compile(rb'sep=(?P<whole>[^\r\n]) *(\r\n|\r|\n|\Z)|"sep=(?P<quoted>[^\r\n])"(\r\n|\r|\n|\Z)', re.IGNORECASE)


class Beginning(Struct, frozen=True):
    """The dialect, completed by the first lines; the lines that were read, their number, and notices about them."""

    dialect: Dialect
    titles: bytes
    lines: int
    notices: tuple[str, ...]
    respelled: Respelled | None  # what the source's bytes go through from here on


def beginning(source: Source, dialect: Dialect, skip_lines: int) -> Beginning:
    """Reads the lines before the header that are none of its data. Raises BadDataError where they are missing, or name
    another delimiter."""
    cutting.begin(source)
    notices = []
    if _ends_in_returns(source.peek(LOOK), dialect, titled=bool(skip_lines)):
        notices.append(f"{source.name}: lines end in CR alone")
        dialect = replace(dialect, returns=True)
    titles = _titles(source, skip_lines, b"\r" if dialect.returns else b"\n")
    if skip_lines:
        what = f"{skip_lines} lines, the first" if skip_lines > 1 else "a line"
        shown = short(titles.splitlines()[0].decode("utf-8", "backslashreplace"), 40)
        notices.append(f"{source.name}: skipped {what} '{shown}'")
    excel = EXCEL.match(source.peek(32))
    if excel:
        separator = (excel["whole"] or excel["quoted"]).decode("latin-1")
        dialect = replace(dialect, separator=_separator(source, separator, dialect, skip_lines))
        titles += source.read(excel.end())
    lines = skip_lines + bool(excel)
    respelled = None if dialect.is_plain else source.through(partial(Respelled, dialect))
    return Beginning(dialect, titles, lines, tuple(notices), respelled)


def _separator(source: Source, char: str, dialect: Dialect, place: int) -> str:
    """The delimiter of a line `sep=` of Excel. Raises BadDataError for one that can't be."""
    leave = f"--skip-lines {place + 1} leaves that line out"
    if dialect.separator not in (",", char):
        what = f"sep={printable(char)}, and the delimiter is to be '{printable(dialect.separator)}'"
        raise BadDataError(f"{source.name}:{place + 1}: {what}", leave)
    if char in f'"{dialect.quote}{dialect.escape or ""}' or not char.isascii() or char.isalnum() or char in "+-.":
        raise BadDataError(f"{source.name}:{place + 1}: sep={char}, which can't be a delimiter here", leave)
    return char


def _ends_in_returns(head: bytes, dialect: Dialect, *, titled: bool) -> bool:
    """Whether the first line that is not blank ends in CR alone. A line end that is escaped or in quotes ends no row;
    titles and comments know neither quotes nor escapes."""
    if b"\r" not in head:
        return False
    start = 0 if titled else len(head) - len(head.lstrip(b"\r\n"))
    is_comment = bool(dialect.comment) and head.startswith(dialect.comment.encode(), start)
    line = re.compile(rb"[^\r\n]*") if titled or is_comment else _first_row(dialect.quote or "", dialect.escape or "")
    match = line.match(head, start)
    ends = head[match.end() : match.end() + 2] if match else b""
    return ends[:1] == b"\r" and ends != b"\r\n"


def _first_row(quote: str, escape: str) -> re.Pattern[bytes]:
    """A row up to its line end; the characters may be empty."""
    q, e = re.escape(quote.encode()), re.escape(escape.encode())
    escaped = rb"|" + e + rb"." if escape else b""
    quoted = rb"|" + q + rb"(?:[^" + q + e + rb"]" + escaped + rb")*+" + q if quote else b""
    return re.compile(rb"(?:[^\r\n" + q + e + rb"]" + escaped + quoted + rb")*+", re.DOTALL)


def _titles(source: Source, count: int, line_end: bytes) -> bytes:
    """Reads a number of lines."""
    titles = b""
    for n in range(count):
        size = LOOK
        while (at := (head := source.peek(size)).find(line_end)) < 0 and len(head) == size:
            if size >= cutting.LONGEST_ROW:
                raise BadDataError(f"{source.name}:{n + 1}: a line of more than {size >> 20} MB")
            size *= 4
        if at < 0:
            present = n + bool(head)
            what = f"{source.name}: has {present} line{'s' * (present != 1)}"
            raise BadDataError(f"{what}, and --skip-lines {count} leaves none for the header", "a smaller --skip-lines")
        titles += source.read(at + 1)
    return titles
