"""Frame to block: selected columns as float64, and what kind of number they held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from normcli.block import Block
from normcli.columns.buffers import as_numpy, stored, valid
from normcli.columns.frames import Frame, is_polars, rows, series, stripped
from normcli.columns.schema import arrow_fields, arrow_name
from normcli.errors import BadRowError, printable
from normcli.record import Array

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

Infinite = Literal["error", "missing"]
Numbers = NDArray[Any]  # of any type
EXACT = 1 << 53  # up to which a float64 holds every whole number
DIGITS = r"^[+-]?\d{19,}$"  # what may be a whole number beyond int64


def types(frame: Frame, wanted: Sequence[str]) -> dict[str, str]:
    """What the values in a frame's selected columns are: a text file's type is known only when all of it was seen."""
    if not is_polars(frame):
        found = {f.name: f.type for f in arrow_fields(frame.schema)}
        return {n: found[n] for n in wanted}
    return {n: _polars_type(series(frame, n)) for n in wanted}


def _polars_type(given: pl.Series) -> str:
    if not given.dtype.is_nested():
        return "int64" if _integers(given) else "float64"
    import pyarrow as pa

    return arrow_name(pa.field("", given.clear().to_arrow().type))


def _integers(given: pl.Series) -> bool:
    import polars as pl

    if given.dtype != pl.String:
        return given.dtype.is_integer() or given.null_count() == len(given)
    numbers = stripped(given).cast(pl.Float64, strict=False).fill_nan(None)
    return numbers.null_count() == stripped(given).cast(pl.Int64, strict=False).null_count()


def inexact(frame: Frame, wanted: Sequence[str]) -> tuple[str, ...]:
    """The wanted columns with a whole number, or a decimal, beyond ±2^53, where a float can't tell neighbours apart."""
    return tuple(n for n in wanted if any(abs(end) > EXACT for end in _ends(frame, n) if end is not None))


def beyond_integers(texts: pl.Series, whole: pl.Series) -> pl.Series:
    """Those that are whole numbers, but beyond int64, of texts without spaces around; `whole` is what they are as
    int64, null where they are not."""
    texts = texts.filter(whole.is_null() & (texts.str.len_bytes() >= len(str(2**63))))  # few: the regex is slow
    return texts.filter(texts.str.contains(DIGITS))


def _ends(frame: Frame, name: str) -> tuple[Any, ...]:
    """The least and the greatest number of a column of 64-bit integers or of decimals, and what is farther out; None
    where there is none, () of another column. Text that is whole numbers is such a column."""
    if is_polars(frame):
        import polars as pl

        given = series(frame, name)
        if given.dtype == pl.String:
            texts = stripped(given)
            numbers = texts.cast(pl.Float64, strict=False).fill_nan(None)
            if not (numbers.abs() >= EXACT).any():
                return ()
            whole = texts.cast(pl.Int64, strict=False)
            beyond = beyond_integers(texts, whole).cast(pl.Float64)
            return whole.min(), whole.max(), beyond.min(), beyond.max()
        return (given.min(), given.max()) if given.dtype in (pl.Int64, pl.UInt64) else ()
    import pyarrow as pa

    column = decoded(frame.column(name))
    if pa.types.is_decimal(column.type):
        if column.type.precision - column.type.scale < len(str(EXACT)):
            return ()
        column = column if column.type.bit_width > 64 else column.cast(pa.decimal128(column.type.precision))
    elif not pa.types.is_int64(column.type) and not pa.types.is_uint64(column.type):
        return ()
    elif not column.null_count:
        found = stored(column)
        return (found.min().item(), found.max().item()) if len(found) else ()
    import pyarrow.compute as pc  # which takes as long to load as pyarrow itself

    return tuple(end.as_py() for end in pc.min_max(column).values())


def block(frame: Frame, wanted: Sequence[str], infinite: Infinite = "error") -> Block:
    """The wanted columns as numbers. Raises BadRowError at the first infinite value, unless that is missing."""
    given = [numbers_in(frame, name) for name in wanted]
    matrix = None
    if any(x.dtype != np.float64 for x in given):
        matrix = np.empty((rows(frame), len(wanted)), order="F")
        for x, to in zip(given, matrix.T, strict=True):
            to[:] = x
        given = list(matrix.T)
    return finite(Block(tuple(given), matrix), wanted, infinite)


def finite(made: Block, names: Sequence[str], infinite: Infinite) -> Block:
    """The block without infinite values. Raises BadRowError at the first, unless they count as missing."""
    doubtful = np.flatnonzero(~np.isfinite(made.sums)).tolist()
    infinities = {j: where for j in doubtful if (where := np.isinf(made.columns[j])).any()}
    if not infinities:
        return made
    if infinite == "error":
        row, j = min((int(np.argmax(where)), j) for j, where in infinities.items())
        raise BadRowError(
            row, f"infinite value in column '{printable(names[j])}'", "--inf missing treats it as missing"
        )
    columns = (np.where(infinities[j], np.nan, x) if j in infinities else x for j, x in enumerate(made.columns))
    return Block(tuple(columns))


def numbers_in(frame: Frame, name: str) -> Numbers:
    """(rows,) of a type that float64 can hold, NaN where missing."""
    if is_polars(frame):
        import polars as pl

        given = series(frame, name)
        if given.dtype.is_nested():
            if given.null_count() < len(given):
                row = int(given.is_not_null().arg_max() or 0)
                raise BadRowError(row, f"a list in column '{printable(name)}' is not a number")
            return np.full(len(given), np.nan)
        if given.dtype == pl.String:
            given = stripped(given).cast(pl.Float64, strict=False)
        return np.asarray(given.to_numpy())
    import pyarrow as pa

    column = decoded(frame.column(name))
    if pa.types.is_decimal(column.type):
        return _of_decimals(column)
    if not pa.types.is_floating(column.type) and (column.null_count or not pa.types.is_integer(column.type)):
        column = column.cast(pa.float64(), safe=False)
    return as_numpy(column)


def decoded(column: pa.Array) -> pa.Array:
    """A column's values, where it is a dictionary's."""
    import pyarrow as pa

    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _of_decimals(column: pa.Array) -> Array:
    """The nearest doubles; what pyarrow casts to is a bit off for one long number in thirteen. Of up to 15 digits the
    unscaled number and the power of ten are exact, and one division rounds once; longer ones are read as text."""
    import pyarrow as pa

    kind, power = column.type, 10.0 ** abs(column.type.scale)
    if kind.precision > 15 or abs(kind.scale) > 22 or column.null_count == len(column):
        return as_numpy(column.cast(pa.string()).cast(pa.float64()))
    step = max(kind.bit_width // 64, 1)  # of little-endian words; the first holds it all, with its sign
    words = np.frombuffer(column.buffers()[1], f"<i{min(kind.bit_width // 8, 8)}")[::step]
    unscaled = words[column.offset : column.offset + len(column)].astype(np.float64)
    found, there = unscaled / power if kind.scale > 0 else unscaled * power, valid(column)
    if there is not None:
        found[~there] = np.nan
    return np.asarray(found)
