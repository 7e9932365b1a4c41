"""Arrow's metadata as they lie in flatbuffers, as far as sizes go: what a message takes, known before it is decoded."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from msgspec import Struct

DICTIONARY, BATCH = 2, 3  # kinds of messages
Block = tuple[int, int, int]  # of a message in a file: its place, bytes of its metadata and their prefix, of its body
COMPRESSED = struct.Struct("<q")  # before each buffer of a compressed body: its bytes, or -1 where it is as it was


class Table(Struct, frozen=True):
    """A table in a flatbuffer: fields by their number. Raises ValueError where one would lie outside."""

    data: bytes
    at: int

    @classmethod
    def root(cls, data: bytes) -> Table:
        return cls(data, _number(data, "<I", 0))

    def scalar(self, field: int, kind: str) -> int:
        """A number, 0 where it is left out."""
        at = self._place(field)
        return _number(self.data, kind, at) if at else 0

    def table(self, field: int) -> Table | None:
        at = self._place(field)
        return Table(self.data, at + _number(self.data, "<I", at)) if at else None

    def has(self, field: int) -> bool:
        return self._place(field) > 0

    def structs(self, field: int, kind: struct.Struct) -> Iterator[tuple[int, ...]]:
        """The entries of a vector."""
        at = self._place(field)
        if at:
            at += _number(self.data, "<I", at)
            count = _number(self.data, "<I", at)
            if at + 4 + count * kind.size > len(self.data):
                raise ValueError("a vector lies outside of the metadata")
            yield from kind.iter_unpack(self.data[at + 4 : at + 4 + count * kind.size])

    def _place(self, field: int) -> int:
        fields = self.at - _number(self.data, "<i", self.at)
        size = _number(self.data, "<H", fields)
        offset = _number(self.data, "<H", fields + 4 + 2 * field) if size > 4 + 2 * field else 0
        return self.at + offset if offset else 0


def _number(data: bytes, kind: str, at: int) -> int:
    if not 0 <= at <= len(data) - struct.calcsize(kind):
        raise ValueError("a field lies outside of the metadata")
    return int(struct.unpack_from(kind, data, at)[0])


def body_size(metadata: bytes) -> int:
    """How long the body of a message is. Raises ValueError where the metadata are none."""
    return Table.root(metadata).scalar(3, "<q")


def row_count(metadata: bytes) -> int:
    """How many rows the batch of a message has. Raises ValueError where the metadata are none."""
    batch = Table.root(metadata).table(2)
    return batch.scalar(0, "<q") if batch else 0


def decoded_size(metadata: bytes, read: Callable[[int, int], bytes]) -> int:
    """Bytes that the buffers of a message have once they are decoded; those of its body, which `read` has, where it is
    not compressed. Raises ValueError where the metadata are none."""
    message = Table.root(metadata)
    kind, header = message.scalar(1, "<B"), message.table(2)
    batch = header.table(1) if header and kind == DICTIONARY else header
    if batch is None or kind not in (DICTIONARY, BATCH) or not batch.has(3):
        return max(0, message.scalar(3, "<q"))
    total = 0
    for start, length in batch.structs(2, struct.Struct("<qq")):
        begun = read(start, COMPRESSED.size) if length >= COMPRESSED.size else b""
        if len(begun) == COMPRESSED.size:
            (size,) = COMPRESSED.unpack(begun)
            total += length if size < 0 else size
    return total


def messages_of(footer: bytes) -> tuple[list[Block], list[Block]]:
    """Where the dictionaries and the batches of an Arrow file are. Raises ValueError where that is no footer."""
    table, block = Table.root(footer), struct.Struct("<qi4xq")
    return [(a, b, c) for a, b, c in table.structs(2, block)], [(a, b, c) for a, b, c in table.structs(3, block)]
