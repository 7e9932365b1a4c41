"""Arrow IPC stream: record batches as they come, from a pipe and to a pipe; its end is marked, its messages sealed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from normcli.errors import BadDataError
from normcli.formats import Format
from normcli.formats._binary import messages
from normcli.formats._binary.arrows_writer import WHAT, Writer
from normcli.formats._binary.chunk import Chunk
from normcli.formats._binary.description import BatchDescription
from normcli.formats._binary.faults import reading
from normcli.formats._binary.options import Options
from normcli.formats._binary.reader import BatchReader
from normcli.formats._binary.sizes import Limit
from normcli.io.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FORMAT", "Options", "Reader", "Writer"]

PIECE = 16 << 20  # bytes; more are requested once so many have come, for a damaged length may be anything


class _Stream:
    """A source as pyarrow reads one; `cut` once it has ended before all that was requested."""

    closed = False

    def __init__(self, source: Source) -> None:
        self.source = source
        self.cut = False
        self._check = messages.Check(lambda count: Limit.of(source).check(count, "a batch"))

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


class Reader(BatchReader):
    """An Arrow stream, read once from the start to the end, one batch at a time."""

    what = WHAT

    def __init__(self, source: Source, options: Options, *, block_size: int | None = None) -> None:
        import pyarrow as pa

        super().__init__(source, block_size)
        self._stream = _Stream(source)
        with reading(source, WHAT):
            self._batches = pa.ipc.open_stream(self._stream)
            self.description = BatchDescription.of(self._batches.schema, **self._known())
        self._ahead: list[pa.RecordBatch] = []  # read to know how long lists are

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
        with reading(self.source, WHAT):
            try:
                return self._batches.read_next_batch()
            except StopIteration:
                return None

    def _samples(self, name: str) -> Iterator[pa.Array]:
        """Of the first batch, which `chunks` gives later."""
        if not self._ahead:
            self._ahead += [b for b in [self._next()] if b is not None]
        yield from (b.column(name) for b in self._ahead)


FORMAT = Format(
    suffixes=(".arrows",),
    binary=True,
    magic=b"\xff\xff\xff\xff",
    keeps_marks=True,
    options=Options,
    reader=Reader,
    writer=Writer,
)
