"""Arrow columns: as numbers, as keys, and as outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from normcli.blocks.record import Array, Codes
from normcli.columns.buffers import as_arrow, as_numpy, is_nan, stored, valid
from normcli.columns.frame import Numbers
from normcli.columns.numbers import EXACT
from normcli.errors import BadRowError, printable

if TYPE_CHECKING:
    import pyarrow as pa

    from normcli.columns.fixed import Decimal, Fixed, Where


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is text, or a dictionary of text."""
    import pyarrow as pa

    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def decoded(column: pa.Array) -> pa.Array:
    """A column with dictionary encoding removed."""
    import pyarrow as pa

    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def coded(column: pa.Array, name: str) -> tuple[Codes, list[str | None]]:
    """`Frame.texts` of a column. Raises BadRowError."""
    import pyarrow as pa

    column = decoded(column)
    kind = column.type
    if not (is_text(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)):
        raise BadRowError(0, f"column '{printable(name)}' is {kind}", "keys are texts or whole numbers")
    if not pa.types.is_integer(kind):  # few distinct ones have to be formatted
        column = column.cast(pa.large_string())
    array = column.dictionary_encode(null_encoding="encode")
    codes = as_numpy(array.indices).astype(np.intp)
    return codes, array.dictionary.cast(pa.large_string()).to_pylist()


# -- numbers -----------------------------------------------------------------------------------------------------
def as_numbers(column: pa.Array) -> Numbers:
    """(rows,) values of a column of numbers, NaN where it is null."""
    import pyarrow as pa

    column = decoded(column)
    if pa.types.is_decimal(column.type):
        return _nearest(column)
    if not pa.types.is_floating(column.type) and (column.null_count or not pa.types.is_integer(column.type)):
        column = column.cast(pa.float64(), safe=False)
    return as_numpy(column)


def _nearest(column: pa.Array) -> Array:
    """(rows,) the float64 nearest to each decimal; the cast of pyarrow is off by one bit for one long number in
    thirteen. Up to 15 digits, the unscaled number and the power of ten are exact, and one division rounds once; longer
    ones are parsed from text."""
    import pyarrow as pa

    kind, power = column.type, 10.0 ** abs(column.type.scale)
    if kind.precision > 15 or abs(kind.scale) > 22 or column.null_count == len(column):
        return as_numpy(column.cast(pa.string()).cast(pa.float64()))
    step = max(kind.bit_width // 64, 1)  # in little-endian words; the first holds the whole value with its sign
    words = np.frombuffer(column.buffers()[1], f"<i{min(kind.bit_width // 8, 8)}")[::step]
    unscaled = words[column.offset : column.offset + len(column)].astype(np.float64)
    floats, present = unscaled / power if kind.scale > 0 else unscaled * power, valid(column)
    if present is not None:
        floats[~present] = np.nan
    return np.asarray(floats)


def ends(column: pa.Array) -> tuple[Any, ...]:
    """`Frame.ends` of a column."""
    import pyarrow as pa

    column = decoded(column)
    if pa.types.is_decimal(column.type):
        if column.type.precision - column.type.scale < len(str(EXACT)):
            return ()
        column = column if column.type.bit_width > 64 else column.cast(pa.decimal128(column.type.precision))
    elif not pa.types.is_int64(column.type) and not pa.types.is_uint64(column.type):
        return ()
    elif not column.null_count:
        integers = stored(column)
        return (integers.min().item(), integers.max().item()) if len(integers) else ()
    import pyarrow.compute as pc  # which takes as long to load as pyarrow itself

    return tuple(end.as_py() for end in pc.min_max(column).values())


# -- outputs, for `Frame.put` --------------------------------------------------------------------------------------
def of_floats(old: pa.Array | None, y: Numbers, missing: Where | None) -> pa.Array:
    """A column of floats, in place of the `old` one of its name, if there is one."""
    import pyarrow as pa

    if missing is not None and old is not None:
        old = decoded(old)
        if pa.types.is_floating(old.type):  # NaN stays NaN, null stays null
            missing = missing & ~is_nan(old)
    return as_arrow(y, missing)


def of_fixed(y: Fixed) -> pa.Array:
    """A column of integers or decimals; of text, if some values are fractions."""
    new = of_decimals(y, y.decimal) if y.decimal else as_arrow(y.integers, y.missing)
    if y.fractions is None:
        return new
    import polars as pl

    from normcli.columns.polars_columns import with_fractions

    return with_fractions(pl.Series(pl.from_arrow(new)), y).to_arrow()


def of_decimals(y: Fixed, kind: Decimal) -> pa.Array:
    """A column of decimals without fractions."""
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


def replaced(old: pa.Field | None, name: str, kind: pa.DataType) -> pa.Field:
    """The field of a column that replaces `old`, with its metadata."""
    import pyarrow as pa

    return pa.field(name, kind, metadata=old.metadata if old is not None else None)
