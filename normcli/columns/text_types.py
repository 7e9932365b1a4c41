"""Arrow types that can be written as text, and those of them that polars does not have."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from normcli.columns.arrow_columns import is_text

if TYPE_CHECKING:
    import pyarrow as pa

OFFSET = re.compile(r"([+-])([01]\d|2[0-3])(?::?([0-5]\d))?|Z")  # of a time zone, from UTC
DIGITS = 38  # of a decimal that polars takes


def has_text(kind: pa.DataType, *, nested: bool) -> bool:
    """Whether a type can be written as text; `nested`: also lists, structs and maps, as in JSON."""
    import pyarrow.types as t

    kind = stored(kind)
    if t.is_list(kind) or t.is_large_list(kind) or t.is_fixed_size_list(kind):
        return nested and _has_inner_text(kind.value_type)
    if t.is_struct(kind):
        unique = len({f.name for f in kind}) == kind.num_fields
        return nested and unique and all(_has_inner_text(f.type) for f in kind)
    if t.is_map(kind):
        key = stored(kind.key_type)
        return nested and (is_text(key) or t.is_integer(key)) and _has_inner_text(kind.item_type)
    if t.is_timestamp(kind):
        return kind.tz is None or _is_known(kind.tz) or OFFSET.fullmatch(kind.tz) is not None
    plain = (t.is_null, t.is_boolean, t.is_integer, t.is_floating, t.is_decimal, t.is_date, t.is_time, is_text)
    return any(is_one(kind) for is_one in plain)


def _has_inner_text(kind: pa.DataType) -> bool:
    return has_text(kind, nested=True) and not is_long(kind)


def is_long(kind: pa.DataType) -> bool:
    """Whether a type is a decimal with more digits than polars has."""
    import pyarrow as pa

    kind = stored(kind)
    return bool(pa.types.is_decimal(kind)) and kind.precision - min(kind.scale, 0) > DIGITS


def stored(kind: pa.DataType) -> pa.DataType:
    """The storage type of the values, without extensions and encodings."""
    import pyarrow as pa

    if isinstance(kind, pa.BaseExtensionType):
        return stored(kind.storage_type)
    return stored(kind.value_type) if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind) else kind


@cache
def _is_known(zone: str) -> bool:
    """Whether polars knows a time zone."""
    import polars as pl

    try:
        pl.Series(dtype=pl.Datetime("us", zone)).cast(pl.String)
    except pl.exceptions.PolarsError:
        return False
    return True


def is_strange(kind: pa.DataType) -> bool:
    """Whether elements of lists, structs or maps of a type may have to be converted for JSON."""
    import pyarrow.types as t

    if t.is_map(kind):  # which may have a key twice
        return True
    if t.is_nested(kind):
        return any(is_strange(kind.field(j).type) for j in range(kind.num_fields))
    encoded = kind != stored(kind) and not (t.is_dictionary(kind) and is_text(kind.value_type))
    return bool(encoded or t.is_floating(kind) or t.is_temporal(kind) or t.is_decimal(kind))


def are_vectors(kind: pa.DataType) -> bool:
    """Whether a type is a list of floats, which are checked when they are written."""
    import pyarrow.types as t

    lists = t.is_list(kind) or t.is_large_list(kind) or t.is_fixed_size_list(kind)
    return bool(lists and (t.is_float32(kind.value_type) or t.is_float64(kind.value_type)))


def fixed_offset(kind: pa.DataType) -> int | None:
    """Offset from UTC in minutes of timestamps in a time zone unknown to polars; None for any other type."""
    import pyarrow as pa

    if not pa.types.is_timestamp(kind) or kind.tz is None or _is_known(kind.tz):
        return None
    match = OFFSET.fullmatch(kind.tz)
    if not match or kind.tz == "Z":
        return 0 if match else None
    minutes = 60 * int(match[2]) + int(match[3] or 0)
    return -minutes if match[1] == "-" else minutes
