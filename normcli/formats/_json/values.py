"""Values as JSON, and JSON as values of other formats."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from normcli import columns
from normcli.columns import NUMERIC_WORD, Frame
from normcli.columns.polars_frame import PolarsFrame
from normcli.errors import BadRowError, printable
from normcli.formats._json import vectors

if TYPE_CHECKING:
    import polars as pl


def as_json(series: pl.Series, name: str) -> pl.Series:
    """The values of a column called `name` as JSON; NaN, which JSON does not have, is null as any missing value.
    Raises BadRowError."""
    import polars as pl

    kind = series.dtype
    if kind.is_float():
        series = series.fill_nan(None)
        if series.is_infinite().any():
            raise BadRowError(
                int(series.is_infinite().arg_max() or 0),
                f"infinite value in column '{printable(name)}', which JSON can't hold",
                "--to csv or parquet holds it",
            )
    if kind.is_numeric() or kind in (pl.Boolean, pl.Null):
        return series.cast(pl.String).fill_null("null")
    if isinstance(kind, pl.List | pl.Array) and kind.inner in (pl.Float32, pl.Float64):
        return vectors.as_json(series, name)
    if kind.is_nested():
        try:
            texts = [json.dumps(v, ensure_ascii=False) for v in series.to_list()]
        except TypeError:
            texts = list(map(_dumped, series.to_list()))
        return pl.Series(texts, dtype=pl.String)
    return _all_quoted(series.cast(pl.String))


def _dumped(value: Any) -> str:
    """As json.dumps, decimals as the numbers that they are."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(str(k))}: {_dumped(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_dumped, value)) + "]"
    return f"{value:f}" if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def quoted(value: str) -> str:
    """A text as JSON."""
    return json.dumps(value, ensure_ascii=False)


def _all_quoted(series: pl.Series) -> pl.Series:
    """Text as JSON strings; null as null."""
    import polars as pl

    plain = pl.select(pl.lit('"') + pl.lit(series) + pl.lit('"')).to_series().fill_null("null")
    special = series.str.contains(r'["\\\x00-\x1f]').fill_null(value=False).arg_true()
    return plain.scatter(special, [quoted(v) for v in series.gather(special)]) if len(special) else plain


class Plain(Struct, frozen=True):
    """Makes frames plain: text without quotes, missing keys and nulls alike, other values as they are spelled."""

    names: tuple[str, ...]

    def __call__(self, frame: Frame) -> Frame:
        """Raises BadRowError for a key that the first rows did not have: there is no column for it."""
        hidden, rest = frame.hidden, frame.rest
        if rest is not None and rest.null_count() < len(rest):
            for row in rest.is_not_null().arg_true():
                late = next((n for n, raw in json.loads(rest[row]).items() if raw is not None), None)
                if late is not None:
                    what = f"there is no column for key '{printable(late)}', which the first rows do not have"
                    raise BadRowError(row, what, "NDJSON can be written with it")
        pairs = columns.all_series(frame.to_polars()).items()
        plain = {n: unquoted(s) if n in self.names else s for n, s in pairs if n not in hidden}
        return PolarsFrame(columns.text_frame(plain))


def marked(series: pl.Series) -> pl.Series:
    """Plain text as of `unquoted`, marked where it is a string: that is no number, though it may look like one."""
    import polars as pl

    plain = unquoted(series)
    if series.dtype != pl.String:
        return plain
    return (NUMERIC_WORD + plain).zip_with(series.str.starts_with('"').fill_null(value=False), plain)


def unquoted(series: pl.Series) -> pl.Series:
    """JSON as plain text: without quotes; null for null, and where the key is not there."""
    import polars as pl

    if series.dtype != pl.String:
        return series
    words = series.set(series.is_in(["", "null"]).fill_null(value=False), None)
    quoted = words.str.starts_with('"').fill_null(value=False)
    if not quoted.any():
        return words
    words = words.str.strip_prefix('"').str.strip_suffix('"').zip_with(quoted, words)
    escaped = (quoted & words.str.contains("\\", literal=True)).arg_true()
    return words.scatter(escaped, [json.loads(v) for v in series.gather(escaped)]) if len(escaped) else words
