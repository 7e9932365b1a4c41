"""Columns of dictionaries, as the writers of files take them: one to a column, which may grow from batch to batch."""

from __future__ import annotations

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
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(column.type):
        return column
    if not pa.types.is_dictionary(kind):
        return column.dictionary.take(column.indices)
    if not column.dictionary.null_count:
        return column
    there = column.dictionary.is_valid()
    places = pc.if_else(there, pc.cumulative_sum(there.cast(pa.int64())), None)  # from 1
    indices = pc.subtract(places, 1).take(column.indices).cast(column.type.index_type)
    return pa.DictionaryArray.from_arrays(indices, column.dictionary.drop_null(), ordered=column.type.ordered)
