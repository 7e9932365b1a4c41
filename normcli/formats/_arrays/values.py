"""Values of arrays: their types in Arrow, and columns as numpy and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normcli.columns import buffers
from normcli.columns.buffers import as_arrow, stored, valid
from normcli.errors import BadRowError, printable

if TYPE_CHECKING:
    import pyarrow as pa

Values = NDArray[Any]
KINDS = "fiub"  # of numpy's types: floats, integers, booleans
GAP = "of a result, --fill has a number and --dtype float64 a NaN; --only leaves other columns out"


def arrow_type(kind: np.dtype[Any]) -> pa.DataType:
    """The Arrow type of values of a numpy type."""
    import pyarrow as pa

    return pa.from_numpy_dtype(kind.newbyteorder("="))


def numpy_type(kind: pa.DataType) -> np.dtype[Any] | None:
    """The numpy type of a column of numbers or booleans; float64 of one without values; None for any other."""
    import pyarrow.types as t

    if t.is_floating(kind) or t.is_integer(kind) or t.is_boolean(kind):
        return buffers.numpy_type(kind)
    return np.dtype(np.float64) if t.is_null(kind) else None


def is_vector(kind: pa.DataType) -> bool:
    """Whether it is a type of lists of numbers, all of one length."""
    import pyarrow.types as t

    return bool(t.is_fixed_size_list(kind)) and kind.list_size > 0 and numpy_type(kind.value_type) is not None


def as_columns(matrix: Values) -> list[pa.Array]:
    """The columns of a matrix (rows, features), each in one piece of memory."""
    return [as_arrow(column) for column in np.ascontiguousarray(matrix.T)]


def as_lists(matrix: Values) -> pa.Array:
    """The rows of a matrix (rows, features) as lists."""
    import pyarrow as pa

    return pa.FixedSizeListArray.from_arrays(as_arrow(np.ascontiguousarray(matrix).ravel()), matrix.shape[1])


def of_column(column: pa.Array, kind: np.dtype[Any], name: str) -> Values:
    """(rows,) values, or (rows, size) those of lists of one size, NaN where missing. Raises BadRowError for a missing
    value that is no float, and for one that the type does not hold exactly."""
    import pyarrow as pa

    if pa.types.is_fixed_size_list(column.type):
        size = column.type.list_size
        present = valid(column)
        if present is not None:
            _check_gap(present, kind, name)
        flat = column.values.slice(column.offset * size, len(column) * size)
        lists = _flat(flat, kind, name, size).reshape(-1, size)
        return lists if present is None else _with_gaps(lists, present[:, None])
    return _flat(column, kind, name, 1)


def _flat(column: pa.Array, kind: np.dtype[Any], name: str, size: int) -> Values:
    import pyarrow as pa

    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan, kind)
    values = _bits(column) if pa.types.is_boolean(column.type) else stored(column)
    out, present = values.astype(kind, copy=False), valid(column)
    if values.dtype.kind in "iu" and kind.kind == "f" and values.dtype.itemsize > 4:
        differs = out.astype(values.dtype) != values
        wrong = np.flatnonzero(differs if present is None else differs & present)
        if len(wrong):
            what = f"{values[wrong[0]]} in column '{printable(name)}' is no {kind}, as all columns are here"
            raise BadRowError(int(wrong[0]) // size, what, "--to safetensors has a type for each column")
    if present is None:
        return out
    _check_gap(present, kind, name, size)
    return _with_gaps(out, present)


def _with_gaps(values: Values, present: NDArray[np.bool_]) -> Values:
    """Values with NaN where none is present, which only floats lack."""
    return np.where(present, values, np.array(np.nan, values.dtype)) if values.dtype.kind == "f" else values


def _check_gap(present: NDArray[np.bool_], kind: np.dtype[Any], name: str, size: int = 1) -> None:
    """Raises BadRowError where a value is not present, of `size` a row, and no float."""
    if kind.kind != "f" and not present.all():
        what = f"column '{printable(name)}' misses a value, which {kind} has no place for"
        raise BadRowError(int(np.argmin(present)) // size, what, GAP)


def _bits(column: pa.Array) -> NDArray[np.bool_]:
    bits = np.frombuffer(column.buffers()[1] or b"", np.uint8)
    start = column.offset
    return np.unpackbits(bits, bitorder="little", count=start + len(column))[start:].view(np.bool_)
