"""Where delimited text breaks RFC 4180, how, and what to do about it."""

import re

import numpy as np
from numpy.typing import NDArray

from normcli.errors import BadPlaceError
from normcli.formats._delimited.dialect import DIFFERENT
from normcli.formats._delimited.remedies import MISSING, listed
from normcli.formats._text import cutting
from normcli.formats._text.cutting import SKIP
from normcli.formats._text.octets import NEWLINE, QUOTE, RETURN, octets

STRAY_RETURN = "a carriage return that ends no line, in a field that is not quoted"
STRAY_NEWLINE = "a newline that ends no line, in a field that is not quoted: the first line ends in CR alone"
STRAY_QUOTE = "a quote inside a field that is not quoted"
AFTER_QUOTE = "text after a closing quote"
UNCLOSED = "a quote that is never closed"
ESCAPE = r"--escape '\' takes it"
NULL = f"--na-values '{listed(MISSING, [chr(92) + 'N'])}' takes it as missing, without --escape it is text"
HEADER = "--header if the first row names the columns"
PROPOSALS = ";\t|"  # delimiters that are proposed
WIDTHS = re.compile(r"(\d+) fields? where the first row has (\d+)")
NO_TRAILING = "no delimiter at the end of the row, as --trailing-delimiter has one"


def fault(data: bytes, delimiter: str, quoted: bool, *, complete: bool = True) -> tuple[int, str] | None:
    """The first place where RFC 4180 is broken, and how.

    A quote opens only where a field begins and closes only where one ends; quotes open and close in turn, a doubled
    one closes and opens again at once. A carriage return stands before a newline, or in quotes. With `complete`, the
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
    returns = returns if complete else returns[returns < len(view) - 1]
    returns = returns[np.searchsorted(at, returns) % 2 == 0]
    unclosed = _last_opening(at) if complete and len(at) % 2 else nowhere
    kinds = (
        (wrong_open, STRAY_QUOTE),
        (wrong_close, AFTER_QUOTE),
        (returns, STRAY_RETURN),
        (unclosed, UNCLOSED),
    )
    return min(((int(where[0]), what) for where, what in kinds if len(where)), default=None)


def _last_opening(at: NDArray[np.intp]) -> NDArray[np.intp]:
    """Of quotes (n,), n odd, the one that opened the last field: one right after a closing one goes on with its own."""
    opens, closes = at[0::2], at[1::2]
    return opens[np.flatnonzero(np.append(True, opens[1:] - closes > 1))[-1:]]


def check_unfinished(row: bytes, delimiter: str) -> None:
    """Raises BadPlaceError for the beginning of a row that will not end, where a quote is to blame, or it is too
    long."""
    lines = row.replace(b"\r", b"")
    broken = fault(lines, delimiter, quoted=True, complete=False)
    if broken is not None:
        at, what = broken
        raise BadPlaceError(lines.count(b"\n", 0, at), what)
    cutting.check_length(row, "is a quote never closed?")


def hint_at(what: str, data: bytes, at: int, delimiter: str) -> str:
    """What to do about a fault at a place of some rows."""
    if what.startswith("not UTF-8"):
        return cutting.encoding_hint(data, at)
    if what in (STRAY_RETURN, STRAY_NEWLINE):
        beside = data[max(at - 1, 0) : at] + data[at + 1 : at + 2]
        return "convert it first: " + (r"tr -d '\r'" if set(beside) & set(b"\r\n") else r"tr '\r' '\n'")
    if what in (STRAY_QUOTE, AFTER_QUOTE, UNCLOSED):
        return _quote_hint(what, data, at, delimiter)
    if what.endswith(DIFFERENT):
        return NULL if "before 'N'" in what else "without --escape it is text"
    widths = WIDTHS.match(what)
    if widths and int(widths[1]) < int(widths[2]):
        lines = data[:at], data[at:].split(b"\n", 1)[0]
        continued = any(line.rstrip(b"\r\n").endswith(b"\\") for line in lines)
        return ESCAPE if continued else "--pad-rows takes it for missing at the end"
    if (
        widths
        and int(widths[1]) == int(widths[2]) + 1
        and data[at:].split(b"\n", 1)[0].rstrip().endswith(delimiter.encode())
    ):
        return "--trailing-delimiter takes it"
    return SKIP if widths else ""


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
    count, other = max((row.count(c.encode()), c) for c in PROPOSALS if c != delimiter)
    named = "tab" if other == "\t" else f"'{other}'"
    return f"is it --delimiter {named}?" if count > row.count(delimiter.encode()) else ""
