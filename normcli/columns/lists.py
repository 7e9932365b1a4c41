"""Conversion of columns of lists to the rows of a matrix and back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.columns.back import Dtype, narrowed, significant
from normcli.columns.buffers import as_arrow, as_numpy, is_nan, stored
from normcli.columns.frame import Frame
from normcli.columns.numbers import Infinite, finite
from normcli.columns.schema import VECTOR, arrow_name
from normcli.errors import BadRowError, printable

ONE_LENGTH = "lists in a column that is normalized have one length"

if TYPE_CHECKING:
    import pyarrow as pa


def list_block(frame: Frame, name: str, features: Sequence[str], infinite: Infinite = "error") -> Block:
    """The lists of a column as a matrix (rows, features); a null list is a row of missing values. Raises BadRowError
    for the first list with another length, or with an infinite value."""
    column, length = _lists(frame, name), len(features)
    sizes = _list_sizes(column)
    wrong = np.flatnonzero((sizes != length) & (sizes >= 0))
    if len(wrong):
        row = int(wrong[0])
        raise BadRowError(
            row, f"a list of {sizes[row]} in column '{printable(name)}', the others have {length}", ONE_LENGTH
        )
    flat = as_numpy(column.flatten())  # without the elements of null lists
    matrix = np.empty((len(column), length), order="F")
    if column.null_count:
        matrix[sizes < 0] = np.nan
        matrix[sizes >= 0] = flat.reshape(-1, length)
    else:
        matrix[:] = flat.reshape(-1, length)
    return finite(Block(tuple(matrix.T), matrix), features, infinite)


def first_size(column: pa.Array) -> int | None:
    """The length of the first list in a column; None if all are null."""
    sizes = _list_sizes(column)
    return int(sizes[np.argmax(sizes >= 0)]) if (sizes >= 0).any() else None


def _lists(frame: Frame, name: str) -> pa.Array:
    """A column of lists; a column of numbers without a value becomes one of null lists. Raises BadRowError for a
    number."""
    import pyarrow as pa

    column = frame.lists(name)
    if column is not None:
        return column
    numbers = frame.numbers(name)
    present = np.flatnonzero(~np.isnan(numbers))
    if len(present):
        raise BadRowError(
            int(present[0]), f"{numbers[present[0]]:g} in column '{printable(name)}' is not a list", ONE_LENGTH
        )
    return pa.nulls(len(numbers), pa.large_list(pa.float64()))


def _list_sizes(column: pa.Array) -> NDArray[np.int64]:
    """(rows,) the length of each list, -1 for null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    sizes = pc.list_value_length(column).cast(pa.int64()).fill_null(-1)
    return stored(sizes)


def put_list(
    frame: Frame,
    name: str,
    values: Array,
    restored: str | None = None,
    *,
    dtype: Dtype | None = None,
    digits: int | None = None,
    fills: bool = False,
) -> Frame:
    """The frame with the lists in a column replaced by the rows of `values` (rows, outputs).

    Null lists stay null, unless there is something that `fills` them; elements are treated as values in `put`. The list
    type (fixed size or not) is kept, unless `restored` gives another; `dtype` is the type of the elements. Raises
    BadRowError if a result does not fit the type.
    """
    import pyarrow as pa

    old = _lists(frame, name)
    kind, number = _vector(restored or arrow_name(pa.field(name, old.type)))
    if dtype or restored is None:
        number = dtype or ("float32" if number == "float32" else "float64")
    present = (_list_sizes(old) >= 0) | fills
    rows = values if present.all() else np.ascontiguousarray(values[present])
    flat = np.empty(rows.shape, number)
    for j in range(rows.shape[1]):
        try:
            x = rows[:, j] if digits is None else significant(np.ascontiguousarray(rows[:, j]), digits, number)
            flat[:, j], _ = narrowed(x, number, f"{name}[{j}]")
        except BadRowError as e:
            raise BadRowError(int(np.flatnonzero(present)[e.row]), e.what, e.hint) from None
    missing = np.isnan(flat).ravel()
    before = old.flatten()
    if missing.any() and len(before) == len(missing):  # NaN stays NaN, null stays null
        missing &= ~is_nan(before)
    child = as_arrow(flat.ravel(), missing)
    return frame.put_lists(name, _as_lists(child, present, rows.shape[1], kind, old.type.value_field))


def _vector(kind: str) -> tuple[str, str]:
    """The list type and the element type of a vector type."""
    match = re.fullmatch(VECTOR, kind)
    assert match is not None, "only lists of floats are taken for lists"
    return match[1], match[2]


def _as_lists(child: pa.Array, present: NDArray[np.bool_], size: int, kind: str, field: pa.Field) -> pa.Array:
    """Lists of length `size` from their elements where `present` (rows,), null elsewhere."""
    import pyarrow as pa

    element = pa.field(field.name, child.type, metadata=field.metadata)
    missing = as_arrow(~present)
    if kind == "fixed_size_list":
        if not present.all():  # null lists of a fixed size have elements, too
            at = np.repeat(np.cumsum(present) - 1, size) * size + np.tile(np.arange(size), len(present))
            child = child.take(as_arrow(at, np.repeat(~present, size)))
        return pa.FixedSizeListArray.from_arrays(child, type=pa.list_(element, size), mask=missing)
    array_class = pa.ListArray if kind == "list" else pa.LargeListArray
    offsets = np.concatenate([[0], np.cumsum(present * size)]).astype(np.int32 if kind == "list" else np.int64)
    list_type = pa.list_(element) if kind == "list" else pa.large_list(element)
    return array_class.from_arrays(as_arrow(offsets), child, type=list_type, mask=missing)
