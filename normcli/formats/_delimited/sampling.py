"""What columns of delimited text hold, going by the first rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from normcli import columns
from normcli.formats._delimited import remedies
from normcli.formats._delimited.layout import Kind, Layout
from normcli.formats._delimited.layout import present as present_in

if TYPE_CHECKING:
    import polars as pl

ZEROS = "^[+-]?0[0-9]"  # 007 is a name


class Sampled(Struct, frozen=True):
    """What a sampled column of text holds; the row of the first value that is no number, or else begins with a zero;
    whether half of them are numbers, or would be if that was said of them, so that it may be a mistake; whether all
    are, but some begin with a zero; and the words that are likely to mean missing."""

    kind: Kind
    other: int = 0
    half: bool = False
    doubtful: bool = False
    identifier: bool = False
    placeholders: tuple[str, ...] = ()


def sampled(frame: pl.DataFrame, layout: Layout) -> list[Sampled]:
    """What each column of text holds. All are looked at as one: there may be a hundred thousand."""
    import polars as pl

    def matrix(mask: pl.Series) -> Any:  # (columns, rows)
        return mask.fill_null(value=False).to_numpy().reshape(frame.width, frame.height)

    raw = columns.numbered_columns(frame).unpivot().to_series(1)
    present = present_in(raw, layout.missing)
    plain = layout.notation.all_plain(present)
    number = plain.cast(pl.Float64, strict=False)
    filled, other = matrix(present.is_not_null()), matrix(present.is_not_null() & number.is_null())
    named = matrix(present.str.contains(ZEROS))
    integers = plain.cast(pl.Int64, strict=False)
    beyond = plain.is_in(columns.beyond_integers(plain, integers).implode())
    respelled = matrix(raw.ne_missing(present) | beyond).any(axis=1)  # what is to be read as text
    fraction = matrix(number.is_not_null() & integers.is_null()).any(axis=1)
    odd = present.set(number.is_not_null(), None)
    nothing, nearly = matrix(remedies.means_missing(odd)), matrix(remedies.is_nearly_number(odd))
    numbers = filled.sum(1) - other.sum(1)
    half, likely = 2 * numbers >= filled.sum(1), numbers + nearly.sum(1)
    likely = (likely > 0) & (2 * likely >= filled.sum(1) - nothing.sum(1))
    result: list[Sampled] = []
    for j in range(frame.width):
        if not filled[j].any():
            result.append(Sampled("empty"))
        elif other[j].any():
            unnamed = not named[j].any()
            words = dict.fromkeys(present[j * frame.height + i] for i in np.flatnonzero(nothing[j]).tolist())
            doubts = bool(half[j] and unnamed), bool((half[j] or likely[j]) and unnamed)
            result.append(Sampled("text", int(other[j].argmax()), *doubts, placeholders=tuple(words)))
        elif named[j].any():
            result.append(Sampled("text", int(named[j].argmax()), identifier=True))
        else:
            result.append(Sampled("word" if respelled[j] else "float" if fraction[j] else "integer"))
    return result
