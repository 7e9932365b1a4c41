"""Arrow IPC file (Feather): record batches that can be read in any order, and a footer that says where they are; what
we write is sealed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from normcli.columns import Frame, Schema
from normcli.formats import Format, Outlet, arrows
from normcli.formats import Writer as AnyWriter
from normcli.formats._binary import batches as binary
from normcli.formats._binary import dictionaries, seal
from normcli.formats._binary.batches import Chunk, Options
from normcli.formats._binary.flatbuffers import Block, decoded_size, messages_of
from normcli.formats._binary.messages import CONTINUES, PREFIX
from normcli.io.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Chunk", "Options", "Reader", "Sink", "Writer"]

MAGIC = b"ARROW1"
WHAT = "Arrow file"


class Reader(binary.Reader):
    """An Arrow file, one batch at a time. Only the columns asked for are read."""

    what = WHAT

    def __init__(self, source: Source, options: Options, *, block_size: int | None = None) -> None:
        binary.check_any(source)
        with binary.reading(source, WHAT):
            self._place = binary.in_place(source)
            self._seal = seal.seal_of(source, MAGIC)
            super().__init__(source, self._open().schema, block_size)

    def chunks(self, needed: Sequence[str] | None = None) -> Iterator[Chunk]:
        with binary.reading(self.source, WHAT):
            file = self._open(needed)
        for j in range(file.num_record_batches):
            with binary.reading(self.source, WHAT):
                batch = self._batch(file, j)
            yield from self._blocks(batch, self._rows)
            del batch

    def _samples(self, name: str) -> Iterator[pa.Array]:
        with binary.reading(self.source, WHAT):
            file = self._open([name])
            for j in range(file.num_record_batches):
                yield self._batch(file, j).column(name)

    def _batch(self, file: Any, number: int) -> pa.RecordBatch:
        """A batch, as it was written where it is sealed. With the first, dictionaries are read wherever they are."""
        import pyarrow as pa

        if self._seal:
            ends = [0, *self._seal.ends]
            whole = number == 0 and any(pa.types.is_dictionary(t) for t in file.schema.types)
            self._seal.check(ends[number], ends[-1] if whole else ends[number + 1])
        if self.source.room is not None and not self.source.is_far:
            self._check_size(number)
        return file.get_batch(number)

    def _check_size(self, number: int) -> None:
        """Of a batch; with the first, of all dictionaries. Raises BadDataError where it takes too much memory."""
        dictionaries, batches = self._messages
        sizes = []
        for at, length, body in [*(dictionaries if number == 0 else ()), *batches[number : number + 1]]:
            binary.check_held(self.source, body, "a batch")
            begun = self.source.read_at(at, length)
            metadata = begun[PREFIX.size if begun.startswith(CONTINUES) else PREFIX.size - len(CONTINUES) :]
            sizes.append(decoded_size(metadata, partial(self._read_at, at + length)))
        binary.check_held(self.source, sum(sizes), "a batch")

    def _read_at(self, start: int, place: int, count: int) -> bytes:
        return self.source.read_at(start + place, count)

    @cached_property
    def _messages(self) -> tuple[list[Block], list[Block]]:
        """Where dictionaries and batches are."""
        end = self.source.read_at(self.source.count - len(MAGIC) - 4, 4)
        size = int.from_bytes(end, "little")
        return messages_of(self.source.read_at(self.source.count - len(MAGIC) - 4 - size, size))

    def _open(self, needed: Sequence[str] | None = None) -> Any:
        import pyarrow as pa

        wanted = [f.name in needed for f in self.schema] if needed else []
        fields = [j for j, keep in enumerate(wanted) if keep]
        return pa.ipc.open_file(self._place, options=pa.ipc.IpcReadOptions(included_fields=fields))


@dataclass(frozen=True)
class Writer:
    """Record batches and a footer."""

    schema: pa.Schema
    compression: str | None = None

    @classmethod
    def for_input(cls, reader: Any, blank: Frame, options: Options | None, digests: tuple[str, ...]) -> Writer:
        return cls(binary.output_schema(blank, digests), (options or Options()).packing(WHAT, arrows.COMPRESSIONS))

    def following(self, reader: Any, blank: Frame) -> AnyWriter:
        return binary.following(self, self.schema, reader, blank)

    @classmethod
    def refused(cls, blank: Frame) -> Schema:
        """Columns of dictionaries that can't grow from batch to batch."""
        import pyarrow.types as t

        def fixed(kind: pa.DataType) -> bool:
            views = t.is_string_view(kind) or t.is_binary_view(kind)
            return bool(views or t.is_nested(kind) or t.is_float16(kind) or t.is_null(kind))

        return binary.refused(blank, lambda kind: any(fixed(d.value_type) for d in dictionaries.within(kind)))

    def encode(self, frame: Frame) -> pa.RecordBatch:
        return frame.to_arrow(self.schema)

    def open(self, file: Outlet) -> Sink:
        import pyarrow as pa

        with binary.writing(WHAT):
            sealed = seal.SealedOutlet(file, MAGIC)
            writer = pa.ipc.new_file(sealed, self.schema, options=arrows.ipc_options(self.compression))
        return Sink(writer, WHAT, sealed, self.schema, binary.no_rows(self.schema))


@dataclass
class Sink(seal.Sink):
    """A file has one dictionary to a column: it may grow from batch to batch, but not be replaced."""

    schema: pa.Schema
    known: pa.RecordBatch

    def write(self, piece: pa.RecordBatch) -> None:
        for batch in dictionaries.expanded(piece, self.schema):
            self._write(dictionaries.encoded(batch, self.schema))

    def _write(self, piece: pa.RecordBatch) -> None:
        import pyarrow as pa

        if any(any(dictionaries.within(t)) for t in piece.schema.types):
            with binary.writing(WHAT):
                both = pa.Table.from_batches([self.known, piece]).unify_dictionaries()
            piece = both.to_batches()[-1]
            self.known = piece.slice(0, 0)
        super().write(piece)
        self.sealed.end_batch()


FORMAT = Format(
    suffixes=(".arrow", ".feather"),
    binary=True,
    magic=b"ARROW1",
    on_pipe="arrows",  # for a pipe has no footer to wait for
    options=Options,
    reader=Reader,
    writer=Writer,
)
