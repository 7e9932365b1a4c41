"""Where the keys and values of many lines of NDJSON are: checked by msgspec, located by numpy."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from normcli.formats._json.members import BACKSLASH, SPACE
from normcli.formats._text.octets import QUOTE, octets, row_ends

if TYPE_CHECKING:
    import polars as pl

Positions = NDArray[np.intp]

COLON, COMMA, OPEN, CLOSE = b":,{}"
STEP = np.zeros(256, np.int8)  # into and out of brackets
STEP[[OPEN, ord("[")]], STEP[[CLOSE, ord("]")]] = 1, -1
MARKS = bytes(c in b'":,{}[]' for c in range(256))  # what is looked at, by bytes.translate
BLANK = np.zeros(256, np.bool_)
BLANK[list(SPACE)] = True


class Fields(Struct, frozen=True):
    """Where the keys and values of whole lines are: (fields,) each, in order."""

    rows: int
    row: Positions
    key: Positions  # just after the opening quote
    key_end: Positions
    value: Positions
    value_end: Positions
    places: int

    @classmethod
    def of(cls, data: bytes) -> Fields | None:
        """Of lines that are one object each, or blank; None where something is wrong."""
        import msgspec

        try:
            rows = len(msgspec.json.Decoder(type=_object()).decode_lines(data))
            data.decode("utf-8")  # msgspec does not look into what it passes over
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        view, ends = octets(data), row_ends(data, quoted=False)
        at = np.flatnonzero(octets(data.translate(MARKS)).view(np.bool_))
        if b"\\" in data:
            at = np.delete(at, _escaped(view, at))
        what = view.take(at)
        quote = what == QUOTE
        number = np.cumsum(quote, dtype=np.int32)  # of the last quote, from 1: odd within text
        outside, quotes = np.flatnonzero(~quote & (number & 1 == 0)), at.take(np.flatnonzero(quote))
        at, what, number = at.take(outside), what.take(outside), number.take(outside)
        depth = np.cumsum(STEP.take(what), dtype=np.int32)
        opens, closes = at[(what == OPEN) & (depth == 1)], (what == CLOSE) & (depth == 0)
        first, last = np.searchsorted(ends, opens, "right"), np.searchsorted(ends, at[closes], "right")
        if (first != last).any() or (np.diff(first) == 0).any():  # over two lines, or two in one
            return None
        colon, comma = (what == COLON) & (depth == 1), (what == COMMA) & (depth == 1)
        colons, close = at[colon], number[colon] - 1
        counts = np.diff(np.searchsorted(colons, at[closes]), prepend=0)
        comma[np.flatnonzero(closes)[counts > 0]] = True  # which end the last value
        value, value_end = _stripped(view, colons + 1, at[comma])
        return cls(
            rows,
            np.repeat(np.arange(rows), counts),
            quotes[close - 1] + 1,
            quotes[close],
            value,
            value_end,
            len(ends),
        )

    def series(self, data: bytes) -> tuple[pl.Series, pl.Series]:
        """The text of all keys, and of all values, where they lie."""
        import polars as pl
        import pyarrow as pa

        cuts = np.column_stack([self.key, self.key_end, self.value, self.value_end]).ravel()
        offsets = np.concatenate([[0], cuts, [len(data)]]).astype(np.int64)
        every = pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data))
        pieces = pl.Series(every)
        return pieces.gather_every(4, 1)[: len(self.row)], pieces.gather_every(4, 3)


@cache
def _object() -> type:
    """An object of any keys: msgspec validates the values that it skips."""
    import msgspec

    return msgspec.defstruct("Object", [])


def _escaped(view: NDArray[np.uint8], at: Positions) -> Positions:
    """Which of the positions are of quotes after an odd number of backslashes."""
    slashes, quotes = np.flatnonzero(view == BACKSLASH), np.flatnonzero(view[at] == QUOTE)
    before = np.searchsorted(slashes, at[quotes]) - 1  # the last one before each quote
    number = np.arange(len(slashes))
    begins = np.concatenate([[True], np.diff(slashes) > 1])
    run = number - np.maximum.accumulate(np.where(begins, number, 0)) + 1  # how many in a row up to each
    escaped: Positions = quotes[(before >= 0) & (slashes[before] == at[quotes] - 1) & (run[before] % 2 == 1)]
    return escaped


def _stripped(view: NDArray[np.uint8], start: Positions, end: Positions) -> tuple[Positions, Positions]:
    """Without white space around."""
    for ends, step, offset in ((start, 1, 0), (end, -1, -1)):
        left = np.flatnonzero(BLANK[view[ends + offset]])
        while len(left):
            ends[left] += step
            left = left[BLANK[view[ends[left] + offset]]]
    return start, end
