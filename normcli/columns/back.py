"""Block to frame: normalized and restored values as columns of their type."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from normcli.columns.buffers import as_arrow, is_nan
from normcli.columns.frames import Frame, all_series, is_polars, names, stripped, text_frame
from normcli.columns.numbers import Numbers, decoded, types
from normcli.columns.schema import Field
from normcli.errors import BadRowError, printable
from normcli.record import Array

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from normcli.columns.fixed import Decimal, Fixed, Where

Dtype = Literal["float32", "float64"]
NUMERIC_WORD = "\0"  # before a word that means missing though it reads as a number, until it is written as text


def put(
    frame: Frame,
    values: Mapping[str, Array | Fixed],
    places: Mapping[str, str],
    gone: Collection[str],
    *,
    restored: Mapping[str, str] | None = None,
    dtype: Dtype | None = None,
) -> Frame:
    """The frame with the columns that are `gone` replaced by others: (rows,) `values` of each.

    Each stands where the one among those gone did that `places` says, in order where they are several. What was
    missing in a column of the same name stays what it was (null, NaN, a word); a NaN where a value was becomes null.
    What is Fixed is of its type. Of other values, each is of the type in `restored` by its name, a float; else of
    `dtype`; without either, float32 where a column of its name was, else float64. Raises BadRowError where a result
    does not fit the type.
    """
    old: dict[str, Any]
    old = all_series(frame) if is_polars(frame) else dict(zip(names(frame), frame.columns, strict=True))
    was = {} if is_polars(frame) or restored or dtype else types(frame, [o for o in values if o in old])
    kinds = {
        o: _restorable(restored[o]) if restored else dtype or ("float32" if was.get(o) == "float32" else "float64")
        for o in values
    }
    make = _polars_column if is_polars(frame) else _arrow_column
    fixed = _polars_fixed if is_polars(frame) else _arrow_fixed
    new = {
        o: make(o, old.get(o), *narrowed(y, kinds[o], o)) if isinstance(y, np.ndarray) else fixed(o, old.get(o), y)
        for o, y in values.items()
    }
    standing: dict[str, dict[str, Any]] = {}
    for o, column in new.items():
        standing.setdefault(places[o], {})[o] = column
    columns: dict[str, Any] = {}
    for n, column in old.items():
        columns |= standing.get(n, {}) if n in gone else {n: column}
    if is_polars(frame):
        return text_frame(columns)
    import pyarrow as pa

    said = {f.name: f for f in frame.schema}
    fields = [said[n] if n not in new else replaced(said.get(n), n, c.type) for n, c in columns.items()]
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=pa.schema(fields, frame.schema.metadata))


def replaced(old: pa.Field | None, name: str, kind: pa.DataType) -> pa.Field:
    """The field of a column that was replaced: what was said of the old one still is."""
    import pyarrow as pa

    return pa.field(name, kind, metadata=old.metadata if old is not None else None)


def _restorable(kind: str) -> str:
    """A recorded type, or float64 for that of a column without values."""
    return kind if Field("", kind).is_number else "float64"


def narrowed(y: Array, kind: str, name: str) -> tuple[Numbers, Where | None]:
    """(rows,) in a type of floats, NaN where missing; and where that is, if anywhere. Raises BadRowError beyond it."""
    with np.errstate(over="ignore"):
        total = y.sum()
        missing = np.isnan(y) if np.isnan(total) else None
        y = y if kind == "float64" else y.astype(kind) + 0.0  # where a small one below zero becomes zero
        finite = np.isfinite(total) and (kind == "float64" or np.isfinite(y.sum(dtype=np.float64)))
        beyond = np.zeros(0, np.bool_) if finite else np.isinf(y)
    if beyond.any():
        raise BadRowError(int(np.argmax(beyond)), f"the result in column '{printable(name)}' is beyond {kind}")
    return y, missing


def _polars_column(name: str, old: pl.Series | None, y: Numbers, missing: Where | None) -> pl.Series:
    import polars as pl

    new = pl.Series(y)
    if missing is not None:
        new = new.fill_nan(None)
        if old is not None and new.dtype.is_float() and old.dtype.is_float():
            return new.zip_with(~old.is_nan().fill_null(value=False), old.cast(new.dtype))
    return _with_words(new, old)


def _with_words(new: pl.Series, old: pl.Series | None) -> pl.Series:
    """A column with the words that stood where nothing is, marked as they are (`NUMERIC_WORD`)."""
    import polars as pl

    if old is None or old.dtype != pl.String or not new.null_count():
        return new
    number = stripped(old).cast(pl.Float64, strict=False).fill_nan(None)
    return new.cast(pl.String).zip_with(new.is_not_null() | number.is_not_null(), old)


def _arrow_column(name: str, old: pa.Array | None, y: Numbers, missing: Where | None) -> pa.Array:
    import pyarrow as pa

    if missing is not None and old is not None:
        old = decoded(old)
        if pa.types.is_floating(old.type):  # NaN stays NaN, null stays null
            missing = missing & ~is_nan(old)
    return as_arrow(y, missing)


def _polars_fixed(name: str, old: pl.Series | None, y: Fixed) -> pl.Series:
    import polars as pl

    decimal = y.decimal
    if decimal is None:
        new = pl.Series(y.integers)
        new = new if y.missing is None else new.set(pl.Series(y.missing), None)
    elif decimal.scale >= 0 and decimal.width <= 128:
        new = pl.Series(pl.from_arrow(_decimals(y, decimal)))
    else:  # of which polars has none
        floats = y.nearest if y.fractions is None else np.where(y.fractions, y.values, y.nearest)
        return _with_words(pl.Series(floats).fill_nan(None), old)
    return _with_words(_with_fractions(new, y), old)


def _arrow_fixed(name: str, old: pa.Array | None, y: Fixed) -> pa.Array:
    new = _decimals(y, y.decimal) if y.decimal else as_arrow(y.integers, y.missing)
    if y.fractions is None:
        return new
    import polars as pl

    return _with_fractions(pl.Series(pl.from_arrow(new)), y).to_arrow()


def _with_fractions(new: pl.Series, y: Fixed) -> pl.Series:
    """As text, if there are fractions; what is none is spelled as without them."""
    import polars as pl

    if y.fractions is None:
        return new
    return pl.Series(y.values).cast(pl.String).zip_with(pl.Series(y.fractions), new.cast(pl.String))


def _decimals(y: Fixed, kind: Decimal) -> pa.Array:
    import pyarrow as pa

    exact: pa.DataType = getattr(pa, f"decimal{kind.width}")(kind.precision, kind.scale)
    new = as_arrow(y.ordinary, y.missing).cast(exact, safe=False)
    if y.above is None and y.below is None:
        return new
    rows = np.arange(len(new))
    for i, mask in enumerate((y.above, y.below)):
        if mask is not None:
            rows[mask] = len(new) + i
    return pa.concat_arrays([new, pa.array(kind.ends[::-1], exact)]).take(as_arrow(rows))
