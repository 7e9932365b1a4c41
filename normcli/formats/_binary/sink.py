"""Sinks of record batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from normcli.formats._binary.faults import writing

if TYPE_CHECKING:
    import pyarrow as pa


class Sink(Struct):
    """Record batches into one of pyarrow's writers. `close` is not called after a failure, and what the writer
    sends when it is collected goes nowhere."""

    writer: Any
    what: str

    def write(self, piece: pa.RecordBatch) -> None:
        with writing(self.what):
            self.writer.write_batch(piece)

    def close(self) -> None:
        self.writer.close()
