"""Schemas of Arrow: of outputs, what they remember, and what can't be written."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from normcli import columns
from normcli.columns import Frame, Schema
from normcli.columns.arrow_frame import ArrowFrame
from normcli.columns.pandas_metadata import with_pandas_types
from normcli.errors import BadDataError
from normcli.formats import Description, Grouping, Outlet, Sink, Writer

if TYPE_CHECKING:
    import pyarrow as pa

DIGESTS = b"normcli"  # key of the schema metadata


def no_rows(schema: pa.Schema) -> pa.RecordBatch:
    """A batch of no rows."""
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([pa.nulls(0, f.type) for f in schema], schema=schema)


def output_schema(blank: Frame, digests: tuple[str, ...]) -> pa.Schema:
    """The schema of output like `blank`, with the digests of what it was normalized by."""
    schema = with_pandas_types(blank.to_arrow().schema)
    metadata = {k: v for k, v in (schema.metadata or {}).items() if k != DIGESTS}
    if digests:
        metadata[DIGESTS] = " ".join(digests).encode()
    return schema.with_metadata(metadata or None)


def following(first: Writer, schema: pa.Schema, description: Description, blank: Frame) -> Writer:
    """The writer of another input into output of a schema: the first one's, where the types are the same. Raises
    BadDataError where a column can't become of the type that it has there."""
    theirs = output_schema(blank, ())
    if theirs.types == schema.types:
        return first
    try:
        columns.conformed(no_rows(theirs), schema)
    except BadDataError as e:
        raise BadDataError(f"{description.name}: {e.message}", e.hint) from None
    return Conformed(first, theirs, schema)


class Conformed(Struct, frozen=True):
    """Rows of another input, whose columns become of the types that the first one's have."""

    in_parts: ClassVar[bool] = False
    delimiter: ClassVar[None] = None
    writer: Writer
    input_schema: pa.Schema
    schema: pa.Schema

    @property
    def grouping(self) -> Grouping | None:
        return self.writer.grouping

    def following(self, description: Description, blank: Frame) -> Writer:
        return self.writer.following(description, blank)

    def encode(self, frame: Frame) -> pa.RecordBatch:
        return self.writer.encode(ArrowFrame(columns.conformed(frame.to_arrow(self.input_schema), self.schema)))

    def open(self, file: Outlet) -> Sink:
        return self.writer.open(file)


def refused(blank: Frame, is_refused: Callable[[pa.DataType], bool]) -> Schema:
    """The columns of a frame whose type can't be written."""
    fields, of_type = blank.to_arrow().schema, cache(is_refused)
    return tuple(f for f, t in zip(columns.arrow_fields(fields), fields.types, strict=True) if of_type(t))
