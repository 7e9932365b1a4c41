"""Block to frame: normalized and restored values as columns of their type."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from normcli.columns.frames import Frame, all_series, is_polars, names, stripped, text_frame
from normcli.columns.numbers import Numbers, decoded, types
from normcli.columns.schema import Field
from normcli.errors import BadRowError, printable
from normcli.record import Array

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

Dtype = Literal["float32", "float64"]
DECIMAL = re.compile(r"decimal(\d+)\((\d+), (-?\d+)\)")
NUMERIC_WORD = "\0"  # before a word that means missing though it reads as a number, so that nobody reads it as one


def put(
    frame: Frame,
    values: Mapping[str, Array],
    places: Mapping[str, str],
    gone: Collection[str],
    *,
    restored: Mapping[str, str] | None = None,
    dtype: Dtype | None = None,
) -> Frame:
    """The frame with the columns that are `gone` replaced by others: (rows,) `values` of each.

    Each stands where the one among those gone did that `places` says, in order where they are several. What was
    missing in a column of the same name stays what it was (null, NaN, a word); a NaN where a value was becomes null.
    With `restored`, each is of the type given there by name; else of `dtype`; without either, float32 where a column
    of its name was, else float64. Raises BadRowError where a result does not fit the type.
    """
    old: dict[str, Any]
    old = all_series(frame) if is_polars(frame) else dict(zip(names(frame), frame.columns, strict=True))
    was = {} if is_polars(frame) or restored or dtype else types(frame, [o for o in values if o in old])
    kinds = {
        o: _restorable(restored[o]) if restored else dtype or ("float32" if was.get(o) == "float32" else "float64")
        for o in values
    }
    fitting = {o: narrowed(y, kinds[o], o) for o, y in values.items()}
    make = _polars_column if is_polars(frame) else _arrow_column
    new = {o: make(o, old.get(o), y, missing, kinds[o]) for o, (y, missing) in fitting.items()}
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


def narrowed(y: Array, kind: str, name: str) -> tuple[Numbers, NDArray[np.bool_] | None]:
    """(rows,) in the type's range, integers rounded to nearest, NaN where missing; and where that is, if anywhere."""
    with np.errstate(over="ignore"):
        total = y.sum()
        missing = np.isnan(y) if np.isnan(total) else None
        if kind.startswith(("int", "uint")):
            y = np.rint(y)
            limits = np.iinfo(kind)
            beyond = (y < float(limits.min)) | (y >= float(limits.max) + 1.0)
        elif decimal := DECIMAL.fullmatch(kind):
            _, precision, scale = map(int, decimal.groups())
            beyond = np.abs(y.round(scale)) >= 10.0 ** (precision - scale)
        else:
            y = y if kind == "float64" else y.astype(kind) + 0.0  # where a small one below zero becomes zero
            finite = np.isfinite(total) and (kind == "float64" or np.isfinite(y.sum(dtype=np.float64)))
            beyond = np.zeros(0, np.bool_) if finite else np.isinf(y)
    if beyond.any():
        raise BadRowError(int(np.argmax(beyond)), f"the result in column '{printable(name)}' is beyond {kind}")
    return y, missing


def _polars_column(
    name: str, old: pl.Series | None, y: Numbers, missing: NDArray[np.bool_] | None, kind: str
) -> pl.Series:
    import polars as pl

    new = pl.Series(y)
    if missing is not None:
        new = new.fill_nan(None)
    if kind.startswith(("int", "uint")):
        new = new.cast(getattr(pl, kind.replace("i", "I").replace("u", "U")))
    if old is None or not new.null_count():
        return new
    if old.dtype == pl.String:
        number = stripped(old).cast(pl.Float64, strict=False).fill_nan(None)
        words = old.str.strip_prefix(NUMERIC_WORD)
        return new.cast(pl.String).zip_with(new.is_not_null() | number.is_not_null(), words)
    if new.dtype.is_float() and old.dtype.is_float():
        return new.zip_with(~old.is_nan().fill_null(value=False), old.cast(new.dtype))
    return new


def _arrow_column(
    name: str, old: pa.Array | None, y: Numbers, missing: NDArray[np.bool_] | None, kind: str
) -> pa.Array:
    import pyarrow as pa

    decimal = DECIMAL.fullmatch(kind)
    if decimal:
        width, precision, scale = map(int, decimal.groups())
        exact: pa.DataType = getattr(pa, f"decimal{width}")(precision, scale)
        return pa.array(y.round(scale), mask=missing).cast(exact, safe=False)
    target = pa.type_for_alias(kind)
    if missing is not None and pa.types.is_floating(target) and old is not None:
        old = decoded(old)
        if pa.types.is_floating(old.type):  # NaN stays NaN, null stays null
            missing = missing & ~np.isnan(old.fill_null(0.0).to_numpy(zero_copy_only=False))
    if pa.types.is_integer(target):
        y = (y if missing is None else np.where(missing, 0, y)).astype(kind)
    return pa.array(y, type=target, mask=missing)
