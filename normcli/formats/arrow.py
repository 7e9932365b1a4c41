"""Arrow IPC file (Feather): record batches that can be read in any order, and a footer that says where they are; what
we write is sealed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from normcli.caching import cached_property
from normcli.formats import Format
from normcli.formats._binary import seal
from normcli.formats._binary.arrow_writer import MAGIC, WHAT, Writer
from normcli.formats._binary.chunk import Chunk
from normcli.formats._binary.description import BatchDescription
from normcli.formats._binary.faults import in_place, reading
from normcli.formats._binary.flatbuffers import Block, decoded_size, messages_of, row_count
from normcli.formats._binary.messages import CONTINUES, PREFIX
from normcli.formats._binary.options import Options
from normcli.formats._binary.reader import BatchReader
from normcli.io.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FORMAT", "Options", "Reader", "Writer"]


class Reader(BatchReader):
    """An Arrow file, one batch at a time. Only the columns that are needed are read."""

    what = WHAT

    def __init__(self, source: Source, options: Options, *, block_size: int | None = None) -> None:
        super().__init__(source, block_size)
        with reading(source, WHAT):
            self._place = in_place(source)
            self._seal = seal.seal_of(source, MAGIC)
            self.description = BatchDescription.of(self._open().schema, **self._known())

    def chunks(self, needed: Sequence[str] | None = None) -> Iterator[Chunk]:
        with reading(self.source, WHAT):
            file = self._open(needed)
        numbers = self._numbers(file.num_record_batches)
        for j in numbers:
            with reading(self.source, WHAT):
                batch = self._batch(file, j, first=j == numbers[0])
            yield from self._blocks(batch, self._rows)
            del batch

    def _row_counts(self, start: int = 0, end: int | None = None) -> Iterator[int]:
        with reading(self.source, WHAT):
            counts = [row_count(self._metadata(at, length)) for at, length, _ in self._messages[1][start:end]]
        yield from counts

    def _samples(self, name: str) -> Iterator[pa.Array]:
        with reading(self.source, WHAT):
            file = self._open([name])
            for j in range(file.num_record_batches):
                yield self._batch(file, j, first=j == 0).column(name)

    def _batch(self, file: Any, number: int, *, first: bool) -> pa.RecordBatch:
        """A batch, as it was written where it is sealed. With the first that is read, dictionaries are wherever they
        are."""
        import pyarrow as pa

        if self._seal:
            ends = [0, *self._seal.ends]
            with_all = first and any(pa.types.is_dictionary(t) for t in file.schema.types)
            self._seal.check(0 if with_all else ends[number], ends[-1] if with_all else ends[number + 1])
        if self.source.room is not None and not self.source.is_far:
            self._check_size(number, first=first)
        return file.get_batch(number)

    def _check_size(self, number: int, *, first: bool) -> None:
        """Of a batch; with the first that is read, of all dictionaries. Raises BadDataError where it takes too much
        memory."""
        dictionaries, batches = self._messages
        sizes = []
        for at, length, body in [*(dictionaries if first else ()), *batches[number : number + 1]]:
            self._limit.check(body, "a batch")
            sizes.append(decoded_size(self._metadata(at, length), partial(self._read_at, at + length)))
        self._limit.check(sum(sizes), "a batch")

    def _metadata(self, at: int, length: int) -> bytes:
        """Of a message at a place, of so many bytes with what stands before them."""
        begun = self.source.read_at(at, length)
        return begun[PREFIX.size if begun.startswith(CONTINUES) else PREFIX.size - len(CONTINUES) :]

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

        wanted = [f.name in needed for f in self.description.schema] if needed else []
        fields = [j for j, keep in enumerate(wanted) if keep]
        return pa.ipc.open_file(self._place, options=pa.ipc.IpcReadOptions(included_fields=fields))


FORMAT = Format(
    suffixes=(".arrow", ".feather"),
    binary=True,
    magic=b"ARROW1",
    keeps_marks=True,
    on_pipe="arrows",  # for a pipe has no footer to wait for
    options=Options,
    reader=Reader,
    writer=Writer,
)
