"""Arrow columns as text formats write them: which types have a text, and columns of those types as polars takes them.

What polars would lose, or end us by, is refused before: a key that is twice in a map, days beyond its calendar.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from normcli.columns.arrow_columns import is_text
from normcli.columns.frame import MOMENT, Frame
from normcli.errors import BadRowError, printable

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

OFFSET = re.compile(r"([+-])([01]\d|2[0-3])(?::?([0-5]\d))?|Z")  # of a time zone, from UTC
TOO_FAR = "is beyond any calendar, and has no text"
FARTHEST = 95_000_000  # days from 1970, either way, that polars has a calendar for: 260,000 years
DIGITS = 38  # of a decimal that polars takes
PER_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


# -- types -------------------------------------------------------------------------------------------------------
def has_text(kind: pa.DataType, *, nested: bool) -> bool:
    """Whether values of a type have a text; `nested`: also lists, structs and maps, as in JSON."""
    import pyarrow.types as t

    kind = _stored(kind)
    if t.is_list(kind) or t.is_large_list(kind) or t.is_fixed_size_list(kind):
        return nested and _has_inner_text(kind.value_type)
    if t.is_struct(kind):
        unique = len({f.name for f in kind}) == kind.num_fields
        return nested and unique and all(_has_inner_text(f.type) for f in kind)
    if t.is_map(kind):
        key = _stored(kind.key_type)
        return nested and (is_text(key) or t.is_integer(key)) and _has_inner_text(kind.item_type)
    if t.is_timestamp(kind):
        return kind.tz is None or _is_known(kind.tz) or OFFSET.fullmatch(kind.tz) is not None
    plain = (t.is_null, t.is_boolean, t.is_integer, t.is_floating, t.is_decimal, t.is_date, t.is_time, is_text)
    return any(is_one(kind) for is_one in plain)


def _has_inner_text(kind: pa.DataType) -> bool:
    return has_text(kind, nested=True) and not is_long(kind)


def is_long(kind: pa.DataType) -> bool:
    """Whether these are decimals that polars does not have."""
    import pyarrow as pa

    kind = _stored(kind)
    return bool(pa.types.is_decimal(kind)) and kind.precision - min(kind.scale, 0) > DIGITS


def _stored(kind: pa.DataType) -> pa.DataType:
    """What the values are, whatever they mean, and however they are encoded."""
    import pyarrow as pa

    if isinstance(kind, pa.BaseExtensionType):
        return _stored(kind.storage_type)
    return _stored(kind.value_type) if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind) else kind


@cache
def _is_known(zone: str) -> bool:
    """Whether polars has a time zone."""
    import polars as pl

    try:
        pl.Series(dtype=pl.Datetime("us", zone)).cast(pl.String)
    except pl.exceptions.PolarsError:
        return False
    return True


# -- columns -----------------------------------------------------------------------------------------------------
def plain(name: str, column: pa.Array, moment: str) -> pa.Array:
    """A column whose type has a text, as polars takes it; moments in a zone that it does not have as text, in a form as
    of `MOMENT`. Raises BadRowError."""
    import pyarrow.types as t

    column, kind = _decoded(column), _stored(column.type)
    if t.is_decimal(kind):
        return _of_decimals(column)
    if (t.is_date(kind) or t.is_timestamp(kind)) and (row := _first_far(column)) is not None:
        raise BadRowError(row, f"{_count(column)[row]} ({kind}) in column '{printable(name)}' {TOO_FAR}")
    if (minutes := _fixed_offset(kind)) is not None:
        return _moments(column, minutes, moment)
    return _with_inner(name, column) if t.is_nested(kind) and not _are_vectors(kind) and _is_strange(kind) else column


def _decoded(column: pa.Array) -> pa.Array:
    """The values themselves of an extension, of runs, and of a dictionary unless it is one of texts."""
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
    whole = column if kind.scale >= 0 else column.cast(pa.decimal256(min(digits, 76), 0))
    return whole.cast(pa.string())


def _first_far(column: pa.Array) -> int | None:
    """The first row with a day or a moment that polars has no calendar for."""
    import pyarrow.compute as pc

    unit = "ms" if str(column.type).startswith("date64") else getattr(column.type, "unit", None)
    most = FARTHEST * PER_DAY.get(str(unit), 1)
    ends = pc.min_max(_count(column)).as_py()
    if ends["min"] is None or (ends["min"] >= -most and ends["max"] <= most):
        return None
    values = _count(column).fill_null(0).to_numpy(zero_copy_only=False)
    return int(np.argmax((values < -most) | (values > most)))


def _count(column: pa.Array) -> pa.Array:
    """Days and moments as the integers that they are."""
    import pyarrow as pa

    return column.view(pa.int32() if pa.types.is_date32(column.type) else pa.int64())


# -- whole frames --------------------------------------------------------------------------------------------------
def to_polars(batch: pa.RecordBatch, moment: str) -> pl.DataFrame:
    """`Frame.to_polars` of a batch."""
    import polars as pl
    import pyarrow as pa

    names = batch.schema.names
    arrays = [plain(n, column, moment) for n, column in zip(names, batch.columns, strict=True)]
    coded = {j: column for j, column in enumerate(arrays) if pa.types.is_dictionary(column.type)}
    without = [coded[j].indices if j in coded else column for j, column in enumerate(arrays)]
    made = pl.from_arrow(pa.RecordBatch.from_arrays(without, list(map(str, range(len(without))))))  # names end at a NUL
    assert isinstance(made, pl.DataFrame)
    for j, column in coded.items():
        made.replace_column(j, _texts_of(column).gather(made[:, j]).alias(str(j)))
    made.columns = list(names)
    return made


def text_codes(frame: Frame) -> dict[str, tuple[pl.Series, pl.Series]]:
    """Of each column that is a dictionary of texts: these, and which of them each row has, null for none."""
    if not frame.typed:
        return {}
    import polars as pl
    import pyarrow as pa

    batch = frame.to_arrow()
    coded = {f.name: batch.column(f.name) for f in batch.schema if pa.types.is_dictionary(f.type) and is_text(f.type)}
    return {n: (_texts_of(c), pl.Series(pl.from_arrow(c.indices))) for n, c in coded.items()}


def long_decimals(frame: Frame) -> frozenset[str]:
    """The columns of numbers that polars does not have, and that are text there."""
    return frozenset(f.name for f in frame.to_arrow().schema if is_long(f.type)) if frame.typed else frozenset()


def _texts_of(column: pa.DictionaryArray) -> pl.Series:
    import polars as pl

    return pl.Series(pl.from_arrow(column.dictionary))


# -- lists, structs and maps ---------------------------------------------------------------------------------------
def _is_strange(kind: pa.DataType) -> bool:
    """Whether JSON may have no word for what is within lists, structs or maps."""
    import pyarrow.types as t

    if t.is_map(kind):  # which may have a key twice
        return True
    if t.is_nested(kind):
        return any(_is_strange(kind.field(j).type) for j in range(kind.num_fields))
    encoded = kind != _stored(kind) and not (t.is_dictionary(kind) and is_text(kind.value_type))
    return bool(encoded or t.is_floating(kind) or t.is_temporal(kind) or t.is_decimal(kind))


def _are_vectors(kind: pa.DataType) -> bool:
    """Whether these are lists of floats, which are looked at as they are written."""
    import pyarrow.types as t

    lists = t.is_list(kind) or t.is_large_list(kind) or t.is_fixed_size_list(kind)
    return bool(lists and (t.is_float32(kind.value_type) or t.is_float64(kind.value_type)))


def _with_inner(name: str, column: pa.Array) -> pa.Array:
    """Lists, structs or maps of what JSON has a word for. Raises BadRowError."""
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
    """What is within them: days and moments are text, NaN is null. Raises BadRowError."""
    import polars as pl
    import pyarrow as pa
    import pyarrow.compute as pc

    column = plain(name, column, MOMENT)
    if pa.types.is_nested(column.type):
        return _with_inner(name, column) if _are_vectors(column.type) else column
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
    """Raises BadRowError for the place of a key that is in a map, one of the `rows`, a second time: polars keeps the
    last."""
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


# -- moments in zones of their own -------------------------------------------------------------------------------
def _fixed_offset(kind: pa.DataType) -> int | None:
    """Minutes from UTC of moments in a zone that polars does not have, None for any other type."""
    import pyarrow as pa

    if not pa.types.is_timestamp(kind) or kind.tz is None or _is_known(kind.tz):
        return None
    found = OFFSET.fullmatch(kind.tz)
    if not found or kind.tz == "Z":
        return 0 if found else None
    minutes = 60 * int(found[2]) + int(found[3] or 0)
    return -minutes if found[1] == "-" else minutes


def _moments(column: pa.Array, minutes: int, form: str) -> pa.Array:
    """Moments as text in a zone so many minutes from UTC."""
    import datetime

    import polars as pl
    import pyarrow as pa

    local = pl.Series(column.view(pa.timestamp(column.type.unit))) + datetime.timedelta(minutes=minutes)
    hours, rest = divmod(abs(minutes), 60)
    sign, colon = "-" if minutes < 0 else "+", ":" if "%:z" in form else ""
    zone, digits = f"{sign}{hours:02}{colon}{rest:02}", {"us": 6, "ns": 9}.get(column.type.unit, 3)
    return local.dt.to_string(re.sub("%:?z", zone, form).replace("%f", f"%.{digits}f")).to_arrow()
