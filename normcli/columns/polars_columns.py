"""Columns of polars. Their names are data, and polars takes some for its own, or for patterns: a column on its way is
called nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from normcli.columns.frame import Numbers
from normcli.columns.numbers import EXACT

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from normcli.columns.fixed import Fixed, Where

DIGITS = r"^[+-]?\d{19,}$"  # what may be a whole number beyond int64
HIDDEN = "\0hidden"  # what a column is called that is none of the data's; longer where one of theirs is called so


# -- by name -----------------------------------------------------------------------------------------------------
def text_frame(columns: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Columns together. polars takes names like * for patterns and an empty one for column_1, so it gets them last."""
    import polars as pl

    made = pl.DataFrame({str(j): s for j, s in enumerate(columns.values())})
    made.columns = list(columns)
    return made


def series(data: pl.DataFrame, name: str) -> pl.Series:
    """A column, called nothing: what polars does with a series is a query for its name."""
    return data[name].alias("")


def all_series(data: pl.DataFrame) -> dict[str, pl.Series]:
    """The same for every column, by its name."""
    return {s.name: s.alias("") for s in data}


def numbered_columns(data: pl.DataFrame) -> pl.DataFrame:
    """The same columns called 0, 1, …: for what takes some names for its own, or for patterns."""
    plain = data.clone()
    plain.columns = [str(j) for j in range(data.width)]
    return plain


def with_hidden(data: pl.DataFrame, column: pl.Series) -> pl.DataFrame:
    """The columns and one more, of bytes or structs, that is none of the data's (`Frame.hidden`)."""
    name, taken = HIDDEN, set(data.columns)
    while name in taken:
        name += "\0"
    column = column.alias(name)
    return data.clone().insert_column(data.width, column) if data.width else column.to_frame()


def as_table(data: pl.DataFrame) -> pa.Table:
    """As Arrow has it. A name with a NUL in it would end there on its way, or end us: numbers go, and names wait."""
    import polars as pl

    return numbered_columns(data).to_arrow(compat_level=pl.CompatLevel.oldest()).rename_columns(data.columns)


# -- text --------------------------------------------------------------------------------------------------------
def stripped(text: pl.Series) -> pl.Series:
    return text.str.strip_chars(" \t")


def parsed(text: pl.Series) -> pl.Series:
    """Text as float64, null where it is no number."""
    return read(text).fill_nan(None)


def read(text: pl.Series) -> pl.Series:
    """Text as float64, as polars reads it once there are no spaces around, which few have: those are looked at where
    it reads nothing."""
    import polars as pl

    number = text.cast(pl.Float64, strict=False)
    if number.null_count() == text.null_count():
        return number
    others = number.is_null() & text.is_not_null()
    words = text.filter(others)
    again = stripped(words).cast(pl.Float64, strict=False)
    return number if again.null_count() == len(again) else number.scatter(others.arg_true(), again)


def without_words(text: pl.Series) -> pl.Series:
    """Text, null where it is no number."""
    return text.set(parsed(text).is_null(), None)


def are_integers(column: pl.Series) -> bool:
    """Whether all of a column that is no list is whole numbers, or nothing."""
    import polars as pl

    if column.dtype != pl.String:
        return column.dtype.is_integer() or column.null_count() == len(column)
    numbers = parsed(column)
    if (numbers != numbers.floor()).any():
        return False
    return numbers.null_count() == stripped(column).cast(pl.Int64, strict=False).null_count()


def beyond_integers(texts: pl.Series, whole: pl.Series) -> pl.Series:
    """Those that are whole numbers, but beyond int64, of texts without spaces around; `whole` is what they are as
    int64, null where they are not."""
    texts = texts.filter(whole.is_null() & (texts.str.len_bytes() >= len(str(2**63))))  # few: the regex is slow
    return texts.filter(texts.str.contains(DIGITS))


def ends_of_text(column: pl.Series) -> tuple[Any, ...]:
    """`Frame.ends` of a column of text."""
    import polars as pl

    if not (parsed(column).abs() >= EXACT).any():
        return ()
    texts = stripped(column)
    whole = texts.cast(pl.Int64, strict=False)
    beyond = beyond_integers(texts, whole).cast(pl.Float64)
    return whole.min(), whole.max(), beyond.min(), beyond.max()


# -- new ones, as of `Frame.put` -----------------------------------------------------------------------------------
def of_floats(old: pl.Series | None, y: Numbers, missing: Where | None) -> pl.Series:
    """A column of floats, where there was an `old` one of its name."""
    import polars as pl

    new = pl.Series(y)
    if missing is not None:
        new = new.fill_nan(None)
        if old is not None and new.dtype.is_float() and old.dtype.is_float():
            return new.zip_with(~old.is_nan().fill_null(value=False), old.cast(new.dtype))
    return _with_words(new, old)


def of_fixed(old: pl.Series | None, y: Fixed) -> pl.Series:
    """A column of a type with a step, where there was an `old` one of its name."""
    import polars as pl

    decimal = y.decimal
    if decimal is None:
        new = pl.Series(y.integers)
        new = new if y.missing is None else new.set(pl.Series(y.missing), None)
    elif decimal.scale >= 0 and decimal.width <= 128:
        from normcli.columns.arrow_columns import of_decimals

        new = pl.Series(pl.from_arrow(of_decimals(y, decimal)))
    else:  # of which polars has none
        floats = y.nearest if y.fractions is None else np.where(y.fractions, y.values, y.nearest)
        return _with_words(pl.Series(floats).fill_nan(None), old)
    return _with_words(with_fractions(new, y), old)


def with_fractions(new: pl.Series, y: Fixed) -> pl.Series:
    """As text, if there are fractions; what is none is spelled as without them."""
    import polars as pl

    if y.fractions is None:
        return new
    return pl.Series(y.values).cast(pl.String).zip_with(pl.Series(y.fractions), new.cast(pl.String))


def _with_words(new: pl.Series, old: pl.Series | None) -> pl.Series:
    """A column with the words that stood where nothing is, marked as they are (`NUMERIC_WORD`)."""
    import polars as pl

    if old is None or old.dtype != pl.String or not new.null_count():
        return new
    return new.cast(pl.String).zip_with(new.is_not_null() | parsed(old).is_not_null(), old)
