"""Inputs of record batches as tables, and frames as outputs; light, for processes that are many."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from normcli.formats._binary import dictionaries


def table_of(reader: Any) -> pa.Table:
    """All rows of an input, in the types of its schema. Raises BadDataError or BadPlaceError."""
    schema = reader.description.blank(frozenset()).to_arrow().schema
    frames = (chunk.decode(frozenset(), "error").frame for chunk in reader.chunks())
    return pa.Table.from_batches([dictionaries.encoded(frame.to_arrow(schema), schema) for frame in frames], schema)


def write(writer: Any, frames: Iterable[Any], file: Any) -> None:
    """Frames in an output, as a run writes them. Raises BadDataError."""
    sink, grouping, waiting, share = writer.open(file), writer.grouping, list[Any](), 0.0
    for piece in map(writer.encode, frames):
        if grouping is None:
            sink.write(piece)
            continue
        waiting.append(piece)
        share += grouping.share(piece)
        if share >= 1:
            sink.write(grouping.encode(waiting))
            waiting, share = [], 0.0
    if waiting:
        sink.write(grouping.encode(waiting))
    sink.close()
