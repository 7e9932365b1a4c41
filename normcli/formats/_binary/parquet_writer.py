"""Writing Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, get_args

from msgspec import Struct

from normcli.columns import Frame, Schema
from normcli.formats import Description, Outlet
from normcli.formats import Writer as AnyWriter
from normcli.formats._binary import dictionaries, row_groups, schemas
from normcli.formats._binary.description import BatchDescription
from normcli.formats._binary.options import Compression, Options
from normcli.formats._binary.row_groups import WHAT, Grouping, Sink
from normcli.formats._binary.splicing import MAGIC

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["COMPRESSIONS", "MAGIC", "WHAT", "Writer"]

USUAL: Compression = "zstd"
COMPRESSIONS = get_args(Compression)


class Writer(Struct, frozen=True):
    """Row groups with zstd or as the input's are, BYTE_STREAM_SPLIT for floats, dictionaries for text alone, and page
    checksums."""

    in_parts: ClassVar[bool] = False
    delimiter: ClassVar[None] = None
    schema: pa.Schema
    compression: str = USUAL

    @classmethod
    def for_input(
        cls, description: Description, blank: Frame, options: Options | None, digests: tuple[str, ...]
    ) -> Writer:
        """For output of the columns of `blank`, compressed as the input is where nothing else is said."""
        compression = (options or Options()).packing(WHAT, COMPRESSIONS)
        if compression is None and isinstance(description, BatchDescription):
            compression = description.codec
        return cls(_with_times(schemas.output_schema(blank, digests)), compression or USUAL)

    @classmethod
    def refused(cls, blank: Frame) -> Schema:
        """Columns of types that the writer does not have; of dictionaries it looks into their values."""
        import pyarrow as pa

        return schemas.refused(blank, lambda kind: row_groups.is_refused(pa.table({"x": pa.nulls(1, kind)})))

    def following(self, description: Description, blank: Frame) -> AnyWriter:
        return schemas.following(self, self.schema, description, blank)

    def encode(self, frame: Frame) -> pa.RecordBatch:
        return dictionaries.encoded(frame.to_arrow(self.schema), self.schema, coded=True)

    @property
    def grouping(self) -> Grouping:
        return Grouping(self.schema, self.compression)

    def open(self, file: Outlet) -> Sink:
        return Sink.of(file, self.schema, self.compression)


def _with_times(schema: pa.Schema) -> pa.Schema:
    """A schema with values in place of dictionaries of durations and of moments in a time zone: as those, they would
    be read as whole numbers, and in UTC."""
    import pyarrow.types as t

    for j, f in enumerate(schema):
        kind = f.type.value_type if t.is_dictionary(f.type) else f.type
        if kind is not f.type and (t.is_duration(kind) or (t.is_timestamp(kind) and kind.tz is not None)):
            schema = schema.set(j, f.with_type(kind))
    return schema
