"""Conversion of Arrow columns to polars for text formats.

Values that polars would lose, or that would crash the process, are refused first: a key that occurs twice in a map,
days beyond its calendar.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from normcli.columns.arrow_columns import is_text
from normcli.columns.frame import MOMENT, Frame
from normcli.columns.text_types import DIGITS, are_vectors, fixed_offset, is_long, is_strange, stored
from normcli.errors import BadRowError, printable

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

TOO_FAR = "is beyond any calendar, and has no text"
FARTHEST = 95_000_000  # days from 1970, either way, that polars has a calendar for: 260,000 years
PER_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


# -- columns -----------------------------------------------------------------------------------------------------
def plain(name: str, column: pa.Array, moment: str) -> pa.Array:
    """A column whose type can be written as text, in a type that polars accepts; timestamps in a time zone unknown to
    it become text in the format `moment` (as `MOMENT`). Raises BadRowError."""
    import pyarrow.types as t

    column, kind = _decoded(column), stored(column.type)
    if t.is_decimal(kind):
        return _of_decimals(column)
    if (t.is_date(kind) or t.is_timestamp(kind)) and (row := _first_far(column)) is not None:
        raise BadRowError(row, f"{_count(column)[row]} ({kind}) in column '{printable(name)}' {TOO_FAR}")
    if (minutes := fixed_offset(kind)) is not None:
        return _moments(column, minutes, moment)
    return _with_inner(name, column) if t.is_nested(kind) and not are_vectors(kind) and is_strange(kind) else column


def _decoded(column: pa.Array) -> pa.Array:
    """A column without extension type, run-end encoding, and dictionary encoding unless of text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(column.type, pa.Bool8Type):
        return column.storage.cast(pa.bool_())
    if isinstance(column, pa.ExtensionArray):
        return _decoded(column.storage)
    if pa.types.is_run_end_encoded(column.type):
        return _decoded(pc.run_end_decode(column))
    if pa.types.is_dictionary(column.type) and not is_text(column.type.value_type):
        return _decoded(column.dictionary.take(column.indices))
    return column


def _of_decimals(column: pa.Array) -> pa.Array:
    import pyarrow as pa

    kind = column.type
    digits, scale = kind.precision - min(kind.scale, 0), max(kind.scale, 0)
    if digits <= DIGITS:
        return column.cast(pa.decimal128(digits, scale))  # within lists, polars misreads narrower ones below zero
    integral = column if kind.scale >= 0 else column.cast(pa.decimal256(min(digits, 76), 0))
    return integral.cast(pa.string())


def _first_far(column: pa.Array) -> int | None:
    """The first row with a date or a timestamp beyond the calendar of polars; None if there is none."""
    import pyarrow.compute as pc

    unit = "ms" if str(column.type).startswith("date64") else getattr(column.type, "unit", None)
    most = FARTHEST * PER_DAY.get(str(unit), 1)
    ends = pc.min_max(_count(column)).as_py()
    if ends["min"] is None or (ends["min"] >= -most and ends["max"] <= most):
        return None
    values = _count(column).fill_null(0).to_numpy(zero_copy_only=False)
    return int(np.argmax((values < -most) | (values > most)))


def _count(column: pa.Array) -> pa.Array:
    """Dates and timestamps as their integers."""
    import pyarrow as pa

    return column.view(pa.int32() if pa.types.is_date32(column.type) else pa.int64())


# -- frames --------------------------------------------------------------------------------------------------------
def to_polars(batch: pa.RecordBatch, moment: str) -> pl.DataFrame:
    """`Frame.to_polars` of a batch."""
    import polars as pl
    import pyarrow as pa

    names = batch.schema.names
    arrays = [plain(n, column, moment) for n, column in zip(names, batch.columns, strict=True)]
    coded = {j: column for j, column in enumerate(arrays) if pa.types.is_dictionary(column.type)}
    without = [coded[j].indices if j in coded else column for j, column in enumerate(arrays)]
    data = pl.from_arrow(pa.RecordBatch.from_arrays(without, list(map(str, range(len(without))))))  # names end at a NUL
    assert isinstance(data, pl.DataFrame)
    for j, column in coded.items():
        data.replace_column(j, _texts_of(column).gather(data[:, j]).alias(str(j)))
    data.columns = list(names)
    return data


def text_codes(frame: Frame) -> dict[str, tuple[pl.Series, pl.Series]]:
    """For each dictionary column of text: the texts, and the codes (rows,), null for a missing value."""
    if not frame.typed:
        return {}
    import polars as pl
    import pyarrow as pa

    batch = frame.to_arrow()
    coded = {f.name: batch.column(f.name) for f in batch.schema if pa.types.is_dictionary(f.type) and is_text(f.type)}
    return {n: (_texts_of(c), pl.Series(pl.from_arrow(c.indices))) for n, c in coded.items()}


def long_decimals(frame: Frame) -> frozenset[str]:
    """The decimal columns that polars does not have, which become text there."""
    return frozenset(f.name for f in frame.to_arrow().schema if is_long(f.type)) if frame.typed else frozenset()


def _texts_of(column: pa.DictionaryArray) -> pl.Series:
    import polars as pl

    return pl.Series(pl.from_arrow(column.dictionary))


# -- lists, structs and maps ---------------------------------------------------------------------------------------
def _with_inner(name: str, column: pa.Array) -> pa.Array:
    """Lists, structs or maps with elements converted for JSON. Raises BadRowError."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_struct(kind):
        parts = [_inner(name, part) for part in column.flatten()]
        return pa.StructArray.from_arrays(parts, [f.name for f in kind], mask=column.is_null())
    if pa.types.is_fixed_size_list(kind):
        column = column.cast(pa.large_list(kind.value_type))
    ends = column.offsets.to_numpy()
    offsets, (start, count) = pa.array(ends - ends[0]), (ends[0], ends[-1] - ends[0])
    try:
        if not pa.types.is_map(kind):
            inner = _inner(name, column.values.slice(start, count))
            return pa.LargeListArray.from_arrays(offsets.cast(pa.int64()), inner, mask=column.is_null())
        keys, items = _inner(name, column.keys.slice(start, count)), _inner(name, column.items.slice(start, count))
        _check_keys(name, keys, np.repeat(np.arange(len(column)), np.diff(ends)))
        return pa.MapArray.from_arrays(offsets, keys, items, mask=column.is_null())
    except BadRowError as e:
        raise BadRowError(int(np.searchsorted(ends - start, e.row, "right")) - 1, e.what, e.hint) from None


def _inner(name: str, column: pa.Array) -> pa.Array:
    """Their elements: dates and timestamps become text, NaN becomes null. Raises BadRowError."""
    import polars as pl
    import pyarrow as pa
    import pyarrow.compute as pc

    column = plain(name, column, MOMENT)
    if pa.types.is_nested(column.type):
        return _with_inner(name, column) if are_vectors(column.type) else column
    if pa.types.is_temporal(column.type):
        return pl.Series(column).cast(pl.String).to_arrow()
    if not pa.types.is_floating(column.type):
        return column
    infinite = pc.is_inf(column).fill_null(False)
    if infinite.true_count:
        row = infinite.index(True).as_py()
        raise BadRowError(
            row, f"infinite value in column '{printable(name)}', which JSON can't hold", "--to csv or parquet holds it"
        )
    return pc.if_else(pc.is_nan(column), None, column)


def _check_keys(name: str, keys: pa.Array, rows: NDArray[np.intp]) -> None:
    """Raises BadRowError for the position of the first key that occurs twice in a map; `rows` are the maps of the keys.
    polars would keep the last."""
    import pyarrow as pa

    table = pa.table({"row": rows, "key": keys, "place": np.arange(len(keys))})
    places = table.group_by(["row", "key"], use_threads=False).aggregate([("place", "min")])["place_min"]
    if len(places) < len(keys):
        row = int(np.setdiff1d(np.arange(len(keys)), places.to_numpy())[0])
        raise BadRowError(
            row,
            f"key '{printable(str(keys[row]))}' is twice in a map in column '{printable(name)}'",
            "--to parquet keeps it",
        )


# -- timestamps in other time zones ------------------------------------------------------------------------------
def _moments(column: pa.Array, minutes: int, form: str) -> pa.Array:
    """Timestamps as text, at an offset in minutes from UTC."""
    import datetime

    import polars as pl
    import pyarrow as pa

    local = pl.Series(column.view(pa.timestamp(column.type.unit))) + datetime.timedelta(minutes=minutes)
    hours, rest = divmod(abs(minutes), 60)
    sign, colon = "-" if minutes < 0 else "+", ":" if "%:z" in form else ""
    zone, digits = f"{sign}{hours:02}{colon}{rest:02}", {"us": 6, "ns": 9}.get(column.type.unit, 3)
    return local.dt.to_string(re.sub("%:?z", zone, form).replace("%f", f"%.{digits}f")).to_arrow()
