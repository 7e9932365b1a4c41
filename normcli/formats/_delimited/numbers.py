"""Selected columns of delimited text that were read as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normcli import columns
from normcli.columns import NUMERIC_WORD
from normcli.formats._delimited.layout import Layout

if TYPE_CHECKING:
    import polars as pl


def with_numbers(frame: pl.DataFrame, layout: Layout, wanted: frozenset[str], *, lenient: bool) -> pl.DataFrame | None:
    """Wanted columns that were read as text become numbers, or stay text where they hold words that mean missing;
    None where they hold others, unless `lenient`: then these stay, and what is missing is null."""
    import polars as pl

    changed = columns.all_series(frame)
    for n in (n for n, t in frame.schema.items() if n in wanted and t == pl.String):
        numbers = _numbers(changed[n], layout)
        if numbers is None and not lenient:
            return None
        if numbers is None:
            numbers = layout.words(changed[n], numbers=True)
        elif lenient and numbers.dtype == pl.String:
            numbers = columns.without_words(numbers)
        changed[n] = numbers
    return columns.text_frame(changed)


def _numbers(raw: pl.Series, layout: Layout) -> pl.Series | None:
    """A wanted column of text as `with_numbers` gives it; text that stays has its numbers plain."""
    import polars as pl

    stripped = raw.str.strip_chars(" \t")
    plain = layout.notation.all_plain(stripped)
    number = plain.cast(pl.Float64, strict=False)
    word = (number.is_null() | number.is_nan()) & raw.is_not_null() & (raw != "")
    if not word.any() and not layout.numeric_words:
        integers = plain.cast(pl.Int64, strict=False)
        if integers.null_count() == number.null_count():
            return integers
        if not len(columns.beyond_integers(plain, integers)):  # which only their text tells apart
            return number
        return raw if layout.notation.is_plain else plain
    if layout.notation.is_plain and not layout.numeric_words:  # most words are the same
        words = stripped.filter(number.is_null() & word).unique()
        return raw if layout.missing.issuperset(words.filter(words != "").to_list()) else None
    missing = stripped.is_in(list(layout.missing)) | (stripped == "")
    if (number.is_null() & word & ~missing).any():
        return None
    text = raw if layout.notation.is_plain else raw.zip_with(missing | plain.is_null(), plain)
    if layout.numeric_words:
        looks = number if layout.notation.is_plain else stripped.cast(pl.Float64, strict=False)
        text = (NUMERIC_WORD + raw).zip_with(missing & looks.is_not_null() & looks.is_not_nan(), text)
    return text
