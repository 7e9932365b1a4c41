"""Columns of polars. Names are data, and polars treats some as reserved or as patterns: a series in an expression has
an empty name."""

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

DIGITS = r"^[+-]?\d{19,}$"  # may be an integer beyond int64
HIDDEN = "\0hidden"  # name of a column that is not part of the data; extended if the data have it


# -- by name -----------------------------------------------------------------------------------------------------
def text_frame(columns: Mapping[str, pl.Series]) -> pl.DataFrame:
    """A DataFrame of columns by name. Names are set last: polars treats * as a pattern and renames an empty name."""
    import polars as pl

    data = pl.DataFrame({str(j): s for j, s in enumerate(columns.values())})
    data.columns = list(columns)
    return data


def series(data: pl.DataFrame, name: str) -> pl.Series:
    """A column with an empty name: operations of polars on a series are queries by its name."""
    return data[name].alias("")


def all_series(data: pl.DataFrame) -> dict[str, pl.Series]:
    """Every column with an empty name, by its name."""
    return {s.name: s.alias("") for s in data}


def numbered_columns(data: pl.DataFrame) -> pl.DataFrame:
    """The same columns named 0, 1, …: for functions that treat some names as reserved or as patterns."""
    plain = data.clone()
    plain.columns = [str(j) for j in range(data.width)]
    return plain


def with_hidden(data: pl.DataFrame, column: pl.Series) -> pl.DataFrame:
    """The columns and a hidden one, of bytes or structs (`Frame.hidden`)."""
    name, taken = HIDDEN, set(data.columns)
    while name in taken:
        name += "\0"
    column = column.alias(name)
    return data.clone().insert_column(data.width, column) if data.width else column.to_frame()


def as_table(data: pl.DataFrame) -> pa.Table:
    """An Arrow table. A name with a NUL would be truncated, or crash the process, in the conversion: columns are
    numbered for it and renamed afterwards."""
    import polars as pl

    return numbered_columns(data).to_arrow(compat_level=pl.CompatLevel.oldest()).rename_columns(data.columns)


# -- text --------------------------------------------------------------------------------------------------------
def stripped(text: pl.Series) -> pl.Series:
    """Text without leading and trailing spaces and tabs."""
    return text.str.strip_chars(" \t")


def parsed(text: pl.Series) -> pl.Series:
    """Text parsed as float64, null where it is not a number."""
    return read(text).fill_nan(None)


def read(text: pl.Series) -> pl.Series:
    """Text parsed as float64 by polars; NaN stays. Only values that fail to parse are stripped of spaces and parsed
    again, since few have any."""
    import polars as pl

    number = text.cast(pl.Float64, strict=False)
    if number.null_count() == text.null_count():
        return number
    unread = number.is_null() & text.is_not_null()
    rest = stripped(text.filter(unread)).cast(pl.Float64, strict=False)
    return number if rest.null_count() == len(rest) else number.scatter(unread.arg_true(), rest)


def without_words(text: pl.Series) -> pl.Series:
    """Text, null where it is not a number."""
    return text.set(parsed(text).is_null(), None)


def are_integers(column: pl.Series) -> bool:
    """Whether all values of a column that is not a list are integers or null."""
    import polars as pl

    if column.dtype != pl.String:
        return column.dtype.is_integer() or column.null_count() == len(column)
    numbers = parsed(column)
    if (numbers != numbers.floor()).any():
        return False
    return numbers.null_count() == stripped(column).cast(pl.Int64, strict=False).null_count()


def beyond_integers(texts: pl.Series, integers: pl.Series) -> pl.Series:
    """The texts (stripped) that are integers beyond int64; `integers` are the texts parsed as int64, null where that
    fails."""
    texts = texts.filter(integers.is_null() & (texts.str.len_bytes() >= len(str(2**63))))  # few: the regex is slow
    return texts.filter(texts.str.contains(DIGITS))


def ends_of_text(column: pl.Series) -> tuple[Any, ...]:
    """`Frame.ends` of a column of text."""
    import polars as pl

    if not (parsed(column).abs() >= EXACT).any():
        return ()
    texts = stripped(column)
    integers = texts.cast(pl.Int64, strict=False)
    beyond = beyond_integers(texts, integers).cast(pl.Float64)
    return integers.min(), integers.max(), beyond.min(), beyond.max()


# -- outputs, for `Frame.put` --------------------------------------------------------------------------------------
def of_floats(old: pl.Series | None, y: Numbers, missing: Where | None) -> pl.Series:
    """A column of floats, in place of the `old` one of its name, if there is one."""
    import polars as pl

    new = pl.Series(y)
    if missing is not None:
        new = new.fill_nan(None)
        if old is not None and new.dtype.is_float() and old.dtype.is_float():
            return new.zip_with(~old.is_nan().fill_null(value=False), old.cast(new.dtype))
    return _with_words(new, old)


def of_fixed(old: pl.Series | None, y: Fixed) -> pl.Series:
    """A column of integers or decimals, in place of the `old` one of its name, if there is one."""
    import polars as pl

    decimal = y.decimal
    if decimal is None:
        new = pl.Series(y.integers)
        new = new if y.missing is None else new.set(pl.Series(y.missing), None)
    elif decimal.scale >= 0 and decimal.width <= 128:
        from normcli.columns.arrow_columns import of_decimals

        new = pl.Series(pl.from_arrow(of_decimals(y, decimal)))
    else:  # decimals that polars does not have
        floats = y.nearest if y.fractions is None else np.where(y.fractions, y.values, y.nearest)
        return _with_words(pl.Series(floats).fill_nan(None), old)
    return _with_words(with_fractions(new, y), old)


def with_fractions(new: pl.Series, y: Fixed) -> pl.Series:
    """The column as text if there are fractions; other values are formatted as without fractions."""
    import polars as pl

    if y.fractions is None:
        return new
    return pl.Series(y.values).cast(pl.String).zip_with(pl.Series(y.fractions), new.cast(pl.String))


def _with_words(new: pl.Series, old: pl.Series | None) -> pl.Series:
    """A column with the words for missing values of `old` where it is null, as text (see `NUMERIC_WORD`)."""
    import polars as pl

    if old is None or old.dtype != pl.String or not new.null_count():
        return new
    return new.cast(pl.String).zip_with(new.is_not_null() | parsed(old).is_not_null(), old)
