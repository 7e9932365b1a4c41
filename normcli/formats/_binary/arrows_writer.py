"""Writing Arrow streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from msgspec import Struct

from normcli.columns import Frame, Schema
from normcli.formats import Description, Outlet
from normcli.formats import Sink as AnySink
from normcli.formats import Writer as AnyWriter
from normcli.formats._binary import dictionaries, messages, schemas, sink
from normcli.formats._binary.faults import writing
from normcli.formats._binary.options import Options

if TYPE_CHECKING:
    import pyarrow as pa

WHAT = "Arrow stream"
COMPRESSIONS = ("none", "zstd", "lz4")


class Writer(Struct, frozen=True):
    """A stream with an end mark."""

    in_parts: ClassVar[bool] = False
    delimiter: ClassVar[None] = None
    grouping: ClassVar[None] = None
    what: ClassVar[str] = WHAT
    schema: pa.Schema
    compression: str | None = None

    @classmethod
    def for_input(
        cls, description: Description, blank: Frame, options: Options | None, digests: tuple[str, ...]
    ) -> Self:
        """For output of the columns of `blank`."""
        return cls(schemas.output_schema(blank, digests), (options or Options()).packing(cls.what, COMPRESSIONS))

    def following(self, description: Description, blank: Frame) -> AnyWriter:
        return schemas.following(self, self.schema, description, blank)

    @classmethod
    def refused(cls, blank: Frame) -> Schema:
        return ()

    def encode(self, frame: Frame) -> pa.RecordBatch:
        return frame.to_arrow(self.schema)

    def open(self, file: Outlet) -> AnySink:
        import pyarrow as pa

        with writing(WHAT):
            sealed = messages.SealedOutlet(file)
            writer = pa.ipc.new_stream(sealed, self.schema, options=ipc_options(self.compression))
        return Sink(writer, WHAT, self.schema)


class Sink(sink.Sink):
    """Batches of the schema."""

    schema: pa.Schema

    def write(self, piece: pa.RecordBatch) -> None:
        for batch in dictionaries.expanded(piece, self.schema):
            super().write(batch)


def ipc_options(compression: str | None) -> Any:
    """How the buffers are packed; dictionaries that grew are continued."""
    import pyarrow as pa

    codec = None if compression in (None, "none") else compression
    return pa.ipc.IpcWriteOptions(compression=codec, emit_dictionary_deltas=True, use_threads=False)
