"""Frames of several inputs in one output: casts columns to the types of the first input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normcli.errors import BadDataError, BadRowError, printable

if TYPE_CHECKING:
    import pyarrow as pa


def conformed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A batch with its columns cast to the types of a schema. Raises BadRowError for the first value that can't be
    cast; BadDataError if the types are incompatible."""
    import pyarrow as pa

    arrays = [_as_type(batch.column(f.name), f) for f in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _as_type(column: pa.Array, field: pa.Field) -> pa.Array:
    import pyarrow as pa

    if column.type == field.type:
        return column
    try:
        return _cast(column, field.type)
    except pa.ArrowNotImplementedError:
        what = f"column '{printable(field.name)}' is {column.type}, in the first input {field.type}"
        raise BadDataError(what, "one output has one type to a column") from None
    except pa.ArrowInvalid:
        row, value = _first_other(column, field.type)
        what = f"'{printable(str(value)[:80])}' in column '{printable(field.name)}' is no {field.type}"
        raise BadRowError(row, f"{what}, as the first input has") from None


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Raises ArrowInvalid for a value that can't be cast without loss, ArrowNotImplementedError for incompatible
    types."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if len({_meaning(column.type), _meaning(kind)} - {None}) > 1:
        raise pa.ArrowNotImplementedError("for a cast, 5 is true, and a day of January 1970")
    result = column.cast(kind)
    rounds = pa.types.is_decimal(kind) and pa.types.is_floating(column.type)
    rounds |= pa.types.is_date(kind) and pa.types.is_timestamp(column.type)
    if rounds and not result.cast(column.type).equals(column):
        raise pa.ArrowInvalid("not of the type")
    if pa.types.is_floating(kind) and pa.types.is_floating(column.type):
        beyond = pc.and_(pc.is_inf(result), pc.invert(pc.is_inf(column)))
        if pc.any(beyond).as_py():
            raise pa.ArrowInvalid("beyond the type")
    return result


def _meaning(kind: pa.DataType) -> str | None:
    """The meaning of a type, which a cast must not change; None for types such as text where the cast itself
    decides."""
    import pyarrow.types as t

    if t.is_integer(kind) or t.is_floating(kind) or t.is_decimal(kind):
        return "number"
    if t.is_date(kind) or t.is_timestamp(kind):
        return "moment" if getattr(kind, "tz", None) is None else "moment in a zone"
    checks = {"boolean": t.is_boolean, "time of day": t.is_time, "duration": t.is_duration}
    return next((name for name, is_of in checks.items() if is_of(kind)), None)


def _first_other(column: pa.Array, kind: pa.DataType) -> tuple[int, object]:
    """The first row whose value can't be cast, and the value."""
    import pyarrow as pa

    for row in range(len(column)):
        try:
            _cast(column.slice(row, 1), kind)
        except pa.ArrowInvalid:
            return row, column[row].as_py()
    raise AssertionError("all of them do")
