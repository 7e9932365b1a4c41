"""xz: one stream of blocks that are compressed independently, and their index."""

from __future__ import annotations

from msgspec import Struct

from normcli.io.compression._codec import Codec, MemoryNeededError, Outlet

MAGIC = b"\xfd7zXZ\0"
PRESET = 0  # of numbers as text, 1 takes 1.6 times as long for 4 % less
FLAGS = b"\0\x04"  # CRC-64 of the text
FOOTER = 12  # bytes


class _Member:
    """The decompressor of lzma, which raises MemoryNeededError at its memory limit."""

    def __init__(self, memory: int) -> None:
        import lzma

        self._member, self._fault = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=memory), lzma.LZMAError

    def decompress(self, data: bytes, limit: int) -> bytes:
        """Raises MemoryNeededError, LZMAError."""
        try:
            return self._member.decompress(data, limit)
        except self._fault as e:
            if "Memory usage limit" in str(e):
                raise MemoryNeededError("a long dictionary", "xz -9 makes one that is always read") from None
            raise

    @property
    def needs_input(self) -> bool:
        return self._member.needs_input

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data


def _begins(head: bytes) -> bool:
    return head.startswith(MAGIC)


def _member(head: bytes, memory: int) -> _Member:
    return _Member(memory)


def _faults() -> tuple[type[Exception], ...]:
    import lzma

    return (lzma.LZMAError,)


class Block(Struct, frozen=True):
    """A block and its record in the index."""

    data: bytes
    record: bytes


def pack(text: bytes) -> list[Block]:
    """The only block of a stream, none for empty text: the bytes between the stream header and the index, which begins
    with a zero and the number of blocks, and ends with a CRC-32."""
    import lzma

    if not text:
        return []
    stream = lzma.compress(text, lzma.FORMAT_XZ, lzma.CHECK_CRC64, PRESET)
    start = len(stream) - FOOTER - 4 * (1 + int.from_bytes(stream[-8:-4], "little"))
    record = stream[start + 2 : -FOOTER - 4].rstrip(b"\0")  # whose last byte is none
    return [Block(stream[len(MAGIC) + len(FLAGS) + 4 : start], record)]


class XzSink:
    """One stream of blocks compressed by the workers (The .xz File Format, 1.2.0)."""

    def __init__(self, file: Outlet) -> None:
        self.file = file
        self._records: list[bytes] = []
        file.write(MAGIC + FLAGS + _crc(FLAGS))

    def write(self, blocks: list[Block]) -> None:
        for block in blocks:
            self.file.write(block.data)
            self._records.append(block.record)

    def close(self) -> None:
        index = b"\0" + _multibyte_integer(len(self._records)) + b"".join(self._records)
        index += bytes(-len(index) % 4)
        about = (len(index) // 4).to_bytes(4, "little") + FLAGS
        self.file.write(index + _crc(index) + _crc(about) + about + b"YZ")


def _crc(data: bytes) -> bytes:
    from zlib import crc32

    return crc32(data).to_bytes(4, "little")


def _multibyte_integer(number: int) -> bytes:
    """A multibyte integer: groups of seven bits, the lowest first; all but the last have the highest bit set."""
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])


XZ = Codec(
    name="xz",
    suffix=".xz",
    magic=MAGIC,
    begins=_begins,
    member=_member,
    faults=_faults,
    sink=XzSink,
    pack=pack,
    padding=4,
)
