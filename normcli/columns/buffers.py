"""Conversion of numeric arrays between Arrow and numpy by their buffers: pyarrow's own functions load pandas if it is
installed, which takes longer than a small fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa


FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}


def numpy_type(kind: pa.DataType) -> np.dtype[Any]:
    """The numpy type of a type of numbers or booleans; older versions of pyarrow load pandas to answer that."""
    return np.dtype(FLOATS.get(str(kind), str(kind)))


def as_numpy(column: pa.Array) -> NDArray[Any]:
    """(rows,) values of a column of floats, NaN where null, or of integers without null. May share its memory."""
    values, present = stored(column), valid(column)
    return values if present is None else np.where(present, values, np.nan)


def stored(column: pa.Array) -> NDArray[Any]:
    """(rows,) values of a column of floats or integers, sharing its memory; undefined where null."""
    kind, data = numpy_type(column.type), column.buffers()[1]
    if data is None or not len(column):
        return np.zeros(len(column), kind)
    return np.frombuffer(data, kind, len(column), column.offset * kind.itemsize)


def valid(column: pa.Array) -> NDArray[np.bool_] | None:
    """(rows,) mask of the values that are not null; None if there is no null."""
    if not column.null_count:
        return None
    start, first = divmod(column.offset, 8)
    bits = np.frombuffer(column.buffers()[0], np.uint8, offset=start)
    return np.unpackbits(bits, bitorder="little", count=first + len(column))[first:].view(np.bool_)


def is_nan(column: pa.Array) -> NDArray[np.bool_]:
    """(rows,) mask of NaN in a column of floats; null is not NaN."""
    present = valid(column)
    nan: NDArray[np.bool_] = np.isnan(stored(column))
    return nan if present is None else nan & present


def as_arrow(values: NDArray[Any], missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """A column of floats, integers or booleans, null where `missing` (rows,) is true."""
    import pyarrow as pa

    data = _bits(values) if values.dtype == np.bool_ else np.ascontiguousarray(values)
    bits = None if missing is None else pa.py_buffer(_bits(~missing))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [bits, pa.py_buffer(data)])


def _bits(flags: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.packbits(flags, bitorder="little")
