"""Columns of dictionaries, as the writers of files take them: one to a column, which may grow from batch to batch."""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from normcli.formats._binary import sizes

if TYPE_CHECKING:
    import pyarrow as pa

LARGEST = 1 << 28  # bytes of a batch that was a smaller one of dictionaries; part of what makes outputs the same bytes


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


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is of texts or bytes of any length, or of dictionaries of them."""
    import pyarrow.types as t

    kind = kind.value_type if t.is_dictionary(kind) else kind
    kinds = t.is_string, t.is_large_string, t.is_string_view, t.is_binary, t.is_large_binary, t.is_binary_view
    return any(is_one(kind) for is_one in kinds)


def encoded(batch: pa.RecordBatch, schema: pa.Schema, *, coded: bool = False) -> pa.RecordBatch:
    """A batch of a schema: without null among the values of dictionaries, and without those dictionaries
    that the schema does not have; of text they remain where it is to be `coded`, of the texts in use alone."""
    import pyarrow as pa

    arrays = [_fitting(c, kind, coded=coded) for c, kind in zip(batch.columns, schema.types, strict=True)]
    if all(a is b for a, b in zip(arrays, batch.columns, strict=True)):
        return batch
    fields = [f.with_type(a.type) for f, a in zip(schema, arrays, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields, schema.metadata))


def _fitting(column: pa.Array, kind: pa.DataType, *, coded: bool = False) -> pa.Array:
    """A column, itself where nothing has to be done, with its dictionaries as a type of the schema has them."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        if coded and is_text(kind):
            return _in_use(_without_null(column))
        return _without_null(column) if pa.types.is_dictionary(kind) else _decoded(column, kind)
    if not any(within(kind)):
        return column
    inner = _children(column)
    fitting = [_fitting(child, child.type) for child in inner]
    return column if all(map(operator.is_, fitting, inner)) else _with_children(column, fitting)


def _decoded(column: pa.DictionaryArray, kind: pa.DataType) -> pa.Array:
    values = column.dictionary.take(column.indices)
    return values if values.type == kind else values.cast(kind)


def _in_use(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """With the values that are in use, each once, in the order in which they come: as the writer of Parquet would put
    them into a dictionary of its own. Itself where the values are of a type that none can be taken of."""
    import pyarrow as pa
    import pyarrow.types as t

    if t.is_string_view(column.type.value_type) or t.is_binary_view(column.type.value_type):
        return column
    used = column.indices.dictionary_encode()
    values = column.dictionary.take(used.dictionary).dictionary_encode()
    indices = values.indices.take(used.indices).cast(column.type.index_type)
    return pa.DictionaryArray.from_arrays(indices, values.dictionary, ordered=column.type.ordered)


def shared(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same batches, a dictionary that is as in the one before being the same memory."""
    import pyarrow as pa

    before: dict[int, pa.Array] = {}
    for batch in batches:
        arrays = batch.columns
        for j, column in enumerate(arrays):
            if pa.types.is_dictionary(column.type):
                if not column.dictionary.equals(before.setdefault(j, column.dictionary)):
                    before[j] = column.dictionary
                indices, ordered = column.indices, column.type.ordered
                arrays[j] = pa.DictionaryArray.from_arrays(indices, before[j], ordered=ordered, safe=False)
        yield pa.RecordBatch.from_arrays(arrays, schema=batch.schema)


def expanded(batch: pa.RecordBatch, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """A batch with the types of a schema: dictionaries that this does not have are expanded, in several batches where
    they are of much text."""
    import pyarrow as pa

    stay = {f.name for f in schema if pa.types.is_dictionary(f.type)}
    positions = [j for j, f in enumerate(batch.schema) if pa.types.is_dictionary(f.type) and f.name not in stay]
    half = len(batch) // 2
    if positions and half and sizes.expanded(batch, stay) > LARGEST:
        yield from expanded(batch.slice(0, half), schema)
        yield from expanded(batch.slice(half), schema)
        return
    for j in positions:
        batch = batch.set_column(j, schema.field(j), _decoded(batch.column(j), schema.field(j).type))
    yield batch


# -- several batches in one table ----------------------------------------------------------------------------------
def size(parts: Sequence[pa.Array]) -> int:
    """Bytes of the dictionaries of a column's parts; 0 where there is none."""
    import pyarrow as pa

    return sum(part.dictionary.nbytes for part in parts if pa.types.is_dictionary(part.type))


def joined(batches: Sequence[pa.RecordBatch], schema: pa.Schema, coded: Collection[str]) -> pa.Table:
    """Batches that were `encoded` as one table of `joined_schema`."""
    import pyarrow as pa

    schema, columns = joined_schema(schema, coded), []
    for j, f in enumerate(schema):
        fit = _coded if f.name in coded else _fitting
        column = pa.chunked_array([fit(b.column(j), f.type) for b in batches], f.type)
        columns.append(column.unify_dictionaries() if f.name in coded else column)
    return pa.Table.from_arrays(columns, schema=schema)


def joined_schema(schema: pa.Schema, coded: Collection[str]) -> pa.Schema:
    """A schema with the columns of these names, which are of text, as dictionaries that pyarrow's writer of Parquet
    takes as they are. Where there is one, it has no metadata."""
    import pyarrow as pa

    if not coded:
        return schema
    return pa.schema([f.with_type(_coded_type(f.type)) if f.name in coded else f for f in schema])


def _coded_type(kind: pa.DataType) -> pa.DictionaryType:
    import pyarrow as pa
    import pyarrow.types as t

    kind = kind.value_type if t.is_dictionary(kind) else kind
    text = t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind)
    return pa.dictionary(pa.int32(), pa.string() if text else pa.binary())


def _coded(column: pa.Array, kind: pa.DictionaryType) -> pa.DictionaryArray:
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        return column.cast(kind.value_type).dictionary_encode()
    indices, values = column.indices.cast(kind.index_type), column.dictionary.cast(kind.value_type)
    return pa.DictionaryArray.from_arrays(indices, values, safe=False)


# -- parts of columns ----------------------------------------------------------------------------------------------
def _without_null(column: pa.DictionaryArray) -> pa.DictionaryArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not column.dictionary.null_count:
        return column
    valid = column.dictionary.is_valid()
    places = pc.if_else(valid, pc.cumulative_sum(valid.cast(pa.int64())), None)  # from 1
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
    buffers = column.buffers()[: column.type.num_buffers]  # which are before those of its children
    return pa.Array.from_buffers(column.type, len(column), buffers, offset=column.offset, children=inner)
