"""Rows with spaces before fields, or with fields or delimiters too many or too few at their end, as RFC 4180 has
them: what stays is where it was, and so do line ends."""

from __future__ import annotations

from typing import Any

import numpy as np

from normcli.formats._delimited.dialect import Dialect
from normcli.formats._text.octets import NEWLINE, QUOTE, RETURN, octets, row_ends

SPACE = ord(" ")
EMPTY = b'""'  # a field that is alone in its row


def straight(data: bytes, dialect: Dialect, width: int) -> bytes:
    """Whole respelled rows, each of `width` fields, if there is nothing wrong with it."""
    data = without_spaces(data, dialect) if dialect.spaced else data
    data = _without_trailing(data, dialect, width) if dialect.trailing else data
    return _padded(data, dialect, width) if dialect.padded else data


def without_spaces(data: bytes, dialect: Dialect) -> bytes:
    """A row that is nothing but spaces is one empty field."""
    view = octets(data)
    at = np.flatnonzero(view == SPACE)
    if not len(at):
        return data
    first = np.append(True, np.diff(at) != 1)
    runs = at[first]
    ends = np.append(at[np.flatnonzero(first)[1:] - 1], at[-1]) + 1
    before = np.where(runs > 0, view[np.maximum(runs - 1, 0)], NEWLINE)
    chosen = (before == NEWLINE) | (before == ord(dialect.separator))
    if b'"' in data:
        quotes = np.flatnonzero(view == QUOTE)
        chosen &= np.searchsorted(quotes, runs) % 2 == 0
    runs, ends, before = runs[chosen], ends[chosen], before[chosen]
    blank = (before == NEWLINE) & _at_line_end(view, ends)
    if not blank.any():
        steps = np.zeros(len(view) + 1, np.int8)
        steps[runs], steps[ends] = 1, -1
        return bytes(view[np.cumsum(steps[:-1], dtype=np.int8) == 0])
    return _edited(data, [(int(a), int(b), EMPTY if w else b"") for a, b, w in zip(runs, ends, blank, strict=True)])


def _at_line_end(view: Any, at: Any) -> Any:
    """Whether a line, or the data, ends at each place."""
    here, after = view[np.minimum(at, len(view) - 1)], view[np.minimum(at + 1, len(view) - 1)]
    return (at >= len(view)) | (here == NEWLINE) | ((here == RETURN) & (after == NEWLINE))


def _without_trailing(data: bytes, dialect: Dialect, width: int) -> bytes:
    """A row without a delimiter at its end gets another field, which is one too many."""
    separator, edits = dialect.separator.encode(), list[tuple[int, int, bytes]]()
    for start, end in _contents(data):
        if data[end - 1 : end] != separator:
            edits.append((end, end, separator * width))
        else:
            edits.append((end - 1, end, EMPTY if width == 1 and end - start == 1 else b""))
    return _edited(data, edits)


def _padded(data: bytes, dialect: Dialect, width: int) -> bytes:
    view = octets(data)
    at = np.flatnonzero(view == ord(dialect.separator))
    if b'"' in data:
        at = at[np.searchsorted(np.flatnonzero(view == QUOTE), at) % 2 == 0]
    rows = _contents(data)
    counts = np.diff(np.searchsorted(at, np.array(rows, np.intp).reshape(-1, 2)), axis=1)[:, 0]
    short = np.flatnonzero(counts < width - 1)
    separator = dialect.separator.encode()
    return _edited(data, [(rows[i][1], rows[i][1], separator * (width - 1 - int(counts[i]))) for i in short])


def _contents(data: bytes) -> list[tuple[int, int]]:
    """Where each row that is not blank begins, and where it ends without its line end."""
    ends = row_ends(data, b'"' in data)
    starts = np.concatenate([[0], ends[:-1]]).astype(np.intp)
    view = octets(data)
    if not len(ends):
        return []
    stops = ends - (view[ends - 1] == NEWLINE)
    stops = stops - ((stops > starts) & (view[np.maximum(stops - 1, 0)] == RETURN))
    filled = stops > starts
    return list(zip(starts[filled].tolist(), stops[filled].tolist(), strict=True))


def _edited(data: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """With other bytes from one place to another, in order."""
    pieces, done = [], 0
    for start, end, instead in edits:
        pieces += [data[done:start], instead]
        done = end
    return b"".join([*pieces, data[done:]])
