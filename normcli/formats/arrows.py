"""Arrow IPC stream: record batches as they come, from a pipe and to a pipe; its end is marked, its messages sealed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from normcli.columns import Frame, Schema
from normcli.errors import BadDataError
from normcli.formats import Format, Outlet
from normcli.formats import Writer as AnyWriter
from normcli.formats._binary import batches as binary
from normcli.formats._binary import dictionaries, messages
from normcli.formats._binary.batches import Chunk, Options
from normcli.io.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Chunk", "Options", "Reader", "Sink", "Writer"]

WHAT = "Arrow stream"
COMPRESSIONS = ("none", "zstd", "lz4")
PIECE = 16 << 20  # bytes; more are asked for once so many are there, for a damaged length may be anything


class _Stream:
    """A source as pyarrow reads one; `cut` once it has ended before all that was asked for."""

    closed = False

    def __init__(self, source: Source) -> None:
        self.source = source
        self.cut = False
        self._check = messages.Check(lambda count: binary.check_held(source, count, "a batch"))

    def read(self, size: int) -> bytes:
        data, before = self.source.read(min(size, PIECE)), 0
        while before < len(data) < size:
            before = len(data)
            data = self.source.read(min(size - before, before), after=data)
        self.cut = len(data) < size
        self._check.see(data)
        return data

    def readable(self) -> bool:
        return True


class Reader(binary.Reader):
    """An Arrow stream, read once from the start to the end, one batch at a time."""

    what = WHAT

    def __init__(self, source: Source, options: Options, *, block_size: int | None = None) -> None:
        import pyarrow as pa

        binary.check_any(source)
        self._stream = _Stream(source)
        with binary.reading(source, WHAT):
            self._batches = pa.ipc.open_stream(self._stream)
            super().__init__(source, self._batches.schema, block_size)
        self._ahead: list[pa.RecordBatch] = []  # read to tell how long lists are

    def chunks(self, needed: Sequence[str] | None = None) -> Iterator[Chunk]:
        rows = self._rows  # before the first batch is taken, for it may have to tell
        while (batch := self._ahead.pop() if self._ahead else self._next()) is not None:
            yield from self._blocks(batch, rows)
            del batch
        if self._stream.cut:
            raise BadDataError(
                f"{self.source.name}: truncated: the stream has no end mark", "did the command that made it fail?"
            )
        if self.source.read(1):
            raise BadDataError(
                f"{self.source.name}: there is more after the end mark of the stream", "was something appended?"
            )

    def _next(self) -> pa.RecordBatch | None:
        """The next batch, None at the end."""
        with binary.reading(self.source, WHAT):
            try:
                return self._batches.read_next_batch()
            except StopIteration:
                return None

    def _samples(self, name: str) -> Iterator[pa.Array]:
        """Of the first batch, which is kept."""
        if not self._ahead:
            self._ahead = [b for b in [self._next()] if b is not None]
        yield from (b.column(name) for b in self._ahead)


@dataclass(frozen=True)
class Writer:
    """A stream with an end mark."""

    schema: pa.Schema
    compression: str | None = None

    @classmethod
    def for_input(cls, reader: Any, blank: Frame, options: Options | None, digests: tuple[str, ...]) -> Writer:
        return cls(binary.output_schema(blank, digests), (options or Options()).packing(WHAT, COMPRESSIONS))

    def following(self, reader: Any, blank: Frame) -> AnyWriter:
        return binary.following(self, self.schema, reader, blank)

    @classmethod
    def refused(cls, blank: Frame) -> Schema:
        return ()

    def encode(self, frame: Frame) -> pa.RecordBatch:
        return frame.to_arrow(self.schema)

    def open(self, file: Outlet) -> Sink:
        import pyarrow as pa

        with binary.writing(WHAT):
            sealed = messages.SealedOutlet(file)
            writer = pa.ipc.new_stream(sealed, self.schema, options=ipc_options(self.compression))
        return Sink(writer, WHAT, self.schema)


@dataclass
class Sink(binary.Sink):
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


FORMAT = Format(
    suffixes=(".arrows",), binary=True, magic=b"\xff\xff\xff\xff", options=Options, reader=Reader, writer=Writer
)
