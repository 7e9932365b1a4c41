"""bzip2: one stream of blocks that are compressed independently. Blocks have no length field, and are not aligned to
bytes."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from normcli.io.compression._codec import Codec, Outlet

MAGIC = b"BZh"
LEVEL = 9
BLOCK, END = 0x314159265359, 0x177245385090  # how a block and the end of a stream begin: digits of π, and of its root
TEXT = (LEVEL * 100_000 - 19) * 4 // 5  # bytes that one block has room for, though four equal ones may become five


def _begins(head: bytes) -> bool:
    """Whether the first bytes are a stream header and the start of a block; BZh9 alone could be text."""
    marks = (mark.to_bytes(6, "big").startswith(head[4:10]) for mark in (BLOCK, END))
    return head.startswith(MAGIC) and b"1" <= head[3:4] <= b"9" and any(marks)


def _member(head: bytes, memory: int) -> Any:
    import bz2

    return bz2.BZ2Decompressor()


def _faults() -> tuple[type[Exception], ...]:
    return OSError, ValueError


class Block(Struct, frozen=True):
    """A block as a number of `length` bits, and the CRC-32 of its text."""

    bits: int
    length: int
    crc: int


def pack(text: bytes) -> list[Block]:
    """The blocks of a piece of text, each compressed by itself."""
    return [_block(text[i : i + TEXT]) for i in range(0, len(text), TEXT)]


def _block(text: bytes) -> Block:
    """The only block of a stream: the bits between the 32-bit header and the end marker, which is followed by the CRC
    and padding to a byte."""
    import bz2

    stream = bz2.compress(text, LEVEL)
    bits, mask = int.from_bytes(stream, "big"), (1 << 48) - 1
    padding = next(p for p in range(8) if bits >> p + 32 & mask == END)
    length = 8 * len(stream) - 32 - 48 - 32 - padding
    return Block(bits >> padding + 80 & (1 << length) - 1, length, bits >> padding & 0xFFFFFFFF)


class Bzip2Sink:
    """One stream of blocks compressed by the workers."""

    def __init__(self, file: Outlet) -> None:
        self.file = file
        self.crc = self._bits = self._length = 0  # of the blocks so far; of the byte that has begun
        file.write(MAGIC + b"%d" % LEVEL)

    def write(self, blocks: list[Block]) -> None:
        for block in blocks:
            self._put(block.bits, block.length)
            self.crc = (self.crc << 1 & 0xFFFFFFFF | self.crc >> 31) ^ block.crc

    def close(self) -> None:
        self._put(END, 48)
        self._put(self.crc, 32)
        self._put(0, -self._length % 8)

    def _put(self, bits: int, length: int) -> None:
        bits, length = self._bits << length | bits, self._length + length
        count, self._length = divmod(length, 8)
        self.file.write((bits >> self._length).to_bytes(count, "big"))
        self._bits = bits & (1 << self._length) - 1


BZIP2 = Codec(
    name="bzip2",
    suffix=".bz2",
    magic=MAGIC,
    begins=_begins,
    member=_member,
    faults=_faults,
    sink=Bzip2Sink,
    pack=pack,
)
