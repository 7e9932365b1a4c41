"""Rows of delimited text as frames: parsed by polars as strictly as RFC 4180, numbers in the wanted columns."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from normcli.formats._delimited.faults import fault
from normcli.formats._delimited.fields import split_row
from normcli.formats._delimited.layout import Layout
from normcli.formats._text.cutting import BOM, Rows
from normcli.formats._text.octets import NEWLINE, QUOTE, RETURN, is_behind, occurrences, octets, row_ends

if TYPE_CHECKING:
    import polars as pl


def parsed(rows: Rows, layout: Layout, wanted: frozenset[str]) -> pl.DataFrame | None:
    """The rows, one for one, or None where something is wrong. Wanted columns are numbers, or text where a word is
    among them."""
    import polars as pl

    data = rows.data
    if fault(data, layout.separator, rows.quoted):
        return None
    numbers = wanted and layout.notation.is_plain and not layout.numeric_words
    for words in (False, True) if numbers else (True,):
        types = {str(j): t for j, t in enumerate(layout.types(wanted, words=words))}
        if not data:
            frame = pl.DataFrame(schema=types)
        else:
            try:
                frame = pl.read_csv(
                    BOM + data if data.startswith(BOM) else data,  # polars drops one, here it is data
                    has_header=False,
                    schema=types,
                    separator=layout.separator,
                    quote_char='"' if rows.quoted else None,
                )
            except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
                continue
        if not words and (any(_has_nan(s) for s in frame) or _has_spaces(frame, data, layout.separator)):
            continue  # how it was spelled is to be kept
        frame.columns = list(layout.names)  # names are data, and polars takes some for patterns
        return (
            None
            if _has_short(frame, rows, layout.separator) or _ends_long(rows, layout)
            else _meant(frame, rows, layout)
        )
    return None


def _has_spaces(frame: pl.DataFrame, data: bytes, separator: str) -> bool:
    """Whether a field may be spaces alone, which are null among numbers."""
    if not any(s.null_count() for s in frame if s.dtype.is_numeric()):
        return False
    before = (ord(separator), NEWLINE, QUOTE)
    first = data[:1] in (b" ", b"\t") or any(is_behind(data, octet, before) for octet in b" \t")
    return first and _spaces(separator).search(data) is not None  # which takes longer


def _meant(frame: pl.DataFrame, rows: Rows, layout: Layout) -> pl.DataFrame | None:
    """What the columns mean, None where that is in doubt."""
    dialect = layout.dialect
    if dialect.is_plain:
        return frame
    return None if dialect.any_doubtful(frame, rows.data, layout.missing) else dialect.all_meant(frame, rows.data)


def _has_short(frame: pl.DataFrame, rows: Rows, separator: str) -> bool:
    """Whether a row is blank or short. Its last field is null then; and as none is long, there are just enough
    delimiters if and only if no row has too few."""
    if not frame[:, -1].null_count():
        return False
    if frame.width == 1:
        return bool(blank_rows(rows).any())
    count = occurrences(rows.data, ord(separator))
    if rows.quoted:
        count -= sum(occurrences_within(s, separator) for s in frame)
    return count != frame.height * (frame.width - 1)


def _ends_long(rows: Rows, layout: Layout) -> bool:
    """Whether the last row is long: of all others polars says so."""
    data = rows.data
    start = data.rfind(b"\n", 0, max(len(data) - 1, 0)) + 1
    if rows.quoted and data.count(b'"', start) % 2:
        ends = row_ends(data, quoted=True)
        start = int(ends[-2]) if len(ends) > 1 else 0
    row = data[start:]
    return bool(row.strip(b"\r\n")) and len(split_row(row, layout.separator)) > len(layout.names)


def row_bounds(rows: Rows) -> tuple[Any, Any]:
    """(rows,) each: where rows start, and just after where they end."""
    ends = row_ends(rows.data, rows.quoted)
    return np.concatenate([[0], ends[:-1]]), ends


def blank_rows(rows: Rows) -> Any:
    """(rows,) which rows are nothing but a line end."""
    view, (starts, ends) = octets(rows.data), row_bounds(rows)
    first, second = view[starts], view[np.minimum(starts + 1, len(view) - 1)]
    alone = (first == NEWLINE) | ((first == RETURN) & ((ends - starts == 1) | (second == NEWLINE)))
    return alone & (ends - starts <= 2)


def without_blank_rows(rows: Rows) -> tuple[Rows, int]:
    """The rows that are not blank, and how many others there were."""
    data, (starts, ends), blank = rows.data, row_bounds(rows), np.flatnonzero(blank_rows(rows))
    edges = [0, *(int(e) for b in blank for e in (starts[b], ends[b])), len(data)]
    return Rows(b"".join(data[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)), rows.quoted), len(blank)


def occurrences_within(series: pl.Series, text: str) -> int:
    """How often a text is in the values of a column; 0 where that is not of text."""
    import polars as pl

    words = series.alias("")
    return int(words.str.count_matches(text, literal=True).sum() or 0) if words.dtype == pl.String else 0


@cache
def _spaces(separator: str) -> re.Pattern[bytes]:
    """What may be a field of spaces alone: in quotes, or between separators or line ends."""
    plain = " \t".replace(separator, "")
    edge = re.escape(separator)
    return re.compile(f'"[ \t]+"|(?:^|[{edge}\n])[{plain}]+(?:[{edge}\r\n]|$)'.encode())


def _has_nan(series: pl.Series) -> bool:
    total = series.sum() if series.dtype.is_float() else 0.0
    return bool(total != total and series.is_nan().any())
