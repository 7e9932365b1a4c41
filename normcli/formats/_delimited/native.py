"""Chunks of plain delimited text, parsed by the native kernel where it is certain of what it reads.

It works through a chunk in pieces. One in which it meets anything that it was not made for goes the way of all other
text, which decides what text means; after some such pieces in a row the next ones go there at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from msgspec import Struct
from xxhash import xxh3_128

from normcli.columns import Frame, inexact
from normcli.columns.native_frame import Column, NativeFrame
from normcli.errors import BadPlaceError
from normcli.formats import Decoded
from normcli.formats._delimited.layout import Layout
from normcli.formats._delimited.notation import Notation
from normcli.formats._text.cutting import Rows
from normcli.formats._text.octets import line_ends
from normcli.kernel import text as kernel
from normcli.kernel.text import FRACTION, WIDE, Fields, Numbers

PIECE = 1 << 20  # bytes, about
SWAP = bytes.maketrans(b",.", b".,")  # makes decimal commas points, and points nothing that numbers are made of
IN_A_ROW, PAUSE = 3, 16  # pieces in doubt, and those that then are not tried

Plain = Callable[[Rows], Decoded]  # decodes any rows


class Doubts(Struct):
    """Of the pieces of an input, as they come. Threads may share it: what it says changes no result."""

    in_a_row: int = 0
    pause: int = 0

    def passes(self) -> bool:
        """Whether the next piece is not to be tried."""
        self.pause -= self.pause > 0
        return self.pause > 0

    def add(self, *, doubt: bool) -> None:
        """What came of the next piece."""
        self.in_a_row = self.in_a_row + 1 if doubt else 0
        if self.in_a_row >= IN_A_ROW:
            self.in_a_row, self.pause = 0, PAUSE + 1


def is_native(layout: Layout, *, texts: bool) -> bool:
    """Whether rows of this layout can be parsed by the kernel; without texts, also those with decimal commas."""
    plain = layout.dialect.is_plain and layout.is_straight and not layout.numeric_words
    known = layout.notation.is_plain or (not texts and _has_commas(layout))
    return plain and known and kernel.is_fit(layout.separator, sorted(layout.missing))


def _has_commas(layout: Layout) -> bool:
    """Whether numbers differ from plain ones in nothing but that commas are points."""
    return layout.notation == Notation(",") and layout.separator != ","


def decoded(
    rows: Rows, lines: int, layout: Layout, wanted: frozenset[str], doubts: Doubts, plain: Plain, *, texts: bool
) -> Decoded | None:
    """The rows, in which so many lines end, the wanted columns as numbers; other ones may be left to polars, unless
    there are to be `texts`. None where all rows are to be decoded the `plain` way, as those are that are in doubt.
    Wanted columns are at least one."""
    data, missing = rows.data, sorted(layout.missing)
    if _has_commas(layout):
        data, missing = data.translate(SWAP), [word.encode().translate(SWAP).decode() for word in missing]
    lines += not data.endswith(b"\n")
    most = kernel.most_rows(len(data), lines, len(layout.names))
    is_number = [n in wanted for n in layout.names]
    parser = kernel.Parser(is_number, layout.separator, missing, most, texts=texts)
    parsing = _Parsing(rows, layout, [n for n in layout.names if n in wanted], parser, plain)
    step = max(1, PIECE * most // len(data))
    hasher, content = None if texts else xxh3_128(), memoryview(rows.data)
    while (begin := parser.position) < len(data):
        done = False
        if not doubts.passes():
            done = parser.parse(data, step) != kernel.DOUBT and parser.position > begin and parsing.has_types()
            doubts.add(doubt=not done)
        if not done and (len(data) < 2 * PIECE or not parsing.has_types() or not parsing.add_plain()):
            return None
        if hasher:
            hasher.update(content[begin : parser.position])  # as long as it is in the cache
    return Decoded(parsing.frame(), lines, parsing.blank_lines, hasher=hasher)


def blank(layout: Layout, wanted: frozenset[str], decode: Callable[[], Frame]) -> NativeFrame:
    """A frame of no rows; `decode` is the plain way to it."""
    nothing = np.empty(0, np.uint32)
    places = {n: j for j, n in enumerate(n for n in layout.names if n in wanted)}
    columns: dict[str, Column] = {
        n: Numbers(np.empty(0), places[n]) if n in wanted else Fields(nothing, nothing) for n in layout.names
    }
    return NativeFrame(columns, 0, b"", layout.separator, decode)


class _Parsing:
    """A chunk under way: what its columns hold, so far."""

    def __init__(self, rows: Rows, layout: Layout, wanted: Sequence[str], parser: kernel.Parser, plain: Plain) -> None:
        self._rows, self._layout, self._wanted, self._parser, self._plain = rows, layout, wanted, parser, plain
        kinds = dict(zip(layout.names, layout.kinds, strict=True))
        self._is_float = np.array([kinds[n] == "float" for n in wanted])
        self._empty = [j for j, n in enumerate(wanted) if kinds[n] == "empty"]
        self._fractions = np.zeros(len(wanted), np.bool_)  # in what was decoded the plain way
        self._any_plain = False
        self.blank_lines = 0

    def has_types(self) -> bool:
        """Whether the types of the columns are known: not where integers are beyond those that floats hold, or where
        those of the sample are none."""
        parser = self._parser
        return not (parser.traits & WIDE).any() and all(
            np.isnan(parser.values[j, : parser.rows]).all() for j in self._empty
        )

    def add_plain(self) -> bool:
        """Appends the next rows the plain way; whether that is all that is to be known of them."""
        parser, data = self._parser, self._rows.data
        start, stop = parser.position, parser.position + PIECE
        ends = line_ends(memoryview(data)[start:stop], self._rows.quoted)
        end = start + int(ends[-1]) if stop < len(data) and len(ends) else len(data)
        piece = data[start:end]
        try:
            decoded = self._plain(Rows(piece, self._rows.quoted and b'"' in piece))
        except BadPlaceError:
            return False
        frame, self._any_plain = decoded.frame, True
        if inexact(frame, self._wanted):
            return False
        values = [np.asarray(frame.numbers(n), np.float64) for n in self._wanted]
        if any(np.isinf(x).any() for x in values):
            return False
        self._fractions |= [t != "int64" for t in frame.types(self._wanted).values()]
        self.blank_lines += decoded.blank_lines
        parser.skip(values, end)
        return True

    def frame(self) -> NativeFrame:
        """All rows."""
        parser, wanted, rows_of_text, plain = self._parser, self._wanted, self._rows, self._plain
        rows = parser.rows
        columns: dict[str, Column] = dict.fromkeys(self._layout.names)
        if not self._any_plain:
            texts = [n for n in self._layout.names if n not in set(wanted)]
            pairs = zip(texts, zip(parser.starts, parser.lengths, strict=True), strict=False)  # none where not stored
            columns |= {n: Fields(starts[:rows], lengths[:rows]) for n, (starts, lengths) in pairs}
        columns |= {n: Numbers(parser.values[j, :rows], j) for j, n in enumerate(wanted)}
        redecode = None if self._any_plain else partial(_frame, plain)  # the words in plain pieces are not known
        fractions = self._fractions | ((parser.traits & FRACTION) > 0)
        integral = frozenset(n for j, n in enumerate(wanted) if not fractions[j] and self._is_integral(j))
        return NativeFrame(
            columns, rows, self._rows.data, self._layout.separator, lambda: plain(rows_of_text).frame,
            redecode, integral, missing=parser.words,
        )  # fmt: skip

    def _is_integral(self, j: int) -> bool:
        """Whether a column without fractions is one of integers: not where those of the sample are floats."""
        return not self._is_float[j] or bool(np.isnan(self._parser.values[j, : self._parser.rows]).all())


def _frame(plain: Plain, text: bytes) -> Frame:
    return plain(Rows(text, b'"' in text)).frame
