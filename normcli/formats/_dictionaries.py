"""Columns of dictionaries, as the writers of files take them: one to a column, which may grow from batch to batch."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING

from normcli import columns
from normcli.columns import Frame

if TYPE_CHECKING:
    import pyarrow as pa


def within(kind: pa.DataType) -> Iterator[pa.DataType]:
    """The types of dictionaries in a type."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        yield kind
        yield from within(kind.value_type)
    elif isinstance(kind, pa.BaseExtensionType):
        yield from within(kind.storage_type)
    else:
        for j in range(kind.num_fields):
            yield from within(kind.field(j).type)


def encoded(frame: Frame, schema: pa.Schema) -> pa.RecordBatch:
    """A frame as a batch of a schema: without null among the values of dictionaries, and without those dictionaries
    that the schema does not have."""
    import pyarrow as pa

    batch = columns.to_arrow(frame, schema)
    arrays = [_fitting(c, kind) for c, kind in zip(batch.columns, schema.types, strict=True)]
    same = all(a is b for a, b in zip(arrays, batch.columns, strict=True))
    return batch if same else pa.RecordBatch.from_arrays(arrays, schema=schema)


def _fitting(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """A column, itself where nothing has to be done, with its dictionaries as a type of the schema has them."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        return _without_null(column) if pa.types.is_dictionary(kind) else column.dictionary.take(column.indices)
    if not any(within(kind)):
        return column
    inner = _children(column)
    fitting = [_fitting(child, child.type) for child in inner]
    return column if all(map(operator.is_, fitting, inner)) else _with_children(column, fitting)


def _without_null(column: pa.DictionaryArray) -> pa.DictionaryArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not column.dictionary.null_count:
        return column
    there = column.dictionary.is_valid()
    places = pc.if_else(there, pc.cumulative_sum(there.cast(pa.int64())), None)  # from 1
    indices = pc.subtract(places, 1).take(column.indices).cast(column.type.index_type)
    return pa.DictionaryArray.from_arrays(indices, column.dictionary.drop_null(), ordered=column.type.ordered)


def _children(column: pa.Array) -> list[pa.Array]:
    """What is in a column of structs, maps, lists or an extension; of those with offsets, with what is not in use."""
    import pyarrow as pa

    if isinstance(column, pa.ExtensionArray):
        return [column.storage]
    if isinstance(column, pa.StructArray):
        return [column.field(j) for j in range(column.type.num_fields)]
    if isinstance(column, pa.MapArray):
        return [column.keys, column.items]
    lists = pa.ListArray | pa.LargeListArray | pa.FixedSizeListArray | pa.ListViewArray | pa.LargeListViewArray
    return [column.values] if isinstance(column, lists) else []


def _with_children(column: pa.Array, inner: list[pa.Array]) -> pa.Array:
    """A column that has others in the place of its children, of the same types and lengths."""
    import pyarrow as pa

    if isinstance(column, pa.ExtensionArray):
        return column.type.wrap_array(inner[0])
    if isinstance(column, pa.StructArray):
        fields = [column.type.field(j) for j in range(len(inner))]
        return pa.StructArray.from_arrays(inner, fields=fields, mask=column.is_null())
    if isinstance(column, pa.MapArray):
        inner = [pa.StructArray.from_arrays(inner, fields=[column.type.key_field, column.type.item_field])]
    own = column.buffers()[: column.type.num_buffers]  # which are before those of its children
    return pa.Array.from_buffers(column.type, len(column), own, offset=column.offset, children=inner)
