"""Inputs of record batches as tables; light, for processes that are many."""

from typing import Any

import pyarrow as pa

from normcli.formats._binary import dictionaries


def table_of(reader: Any) -> pa.Table:
    """All rows of an input, in the types of its schema. Raises BadDataError or BadPlaceError."""
    schema = reader.description.blank(frozenset()).to_arrow().schema
    frames = (chunk.decode(frozenset(), "error").frame for chunk in reader.chunks())
    return pa.Table.from_batches([dictionaries.encoded(frame.to_arrow(schema), schema) for frame in frames], schema)
