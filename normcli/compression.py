"""Compression of text: gzip and zstd, told by how the data begin; expanded as they are read, packed as written."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from normcli.errors import BadDataError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
LEVELS = 4, 1  # of gzip and zstd: of numbers as text, gzip's 6 takes 3 times as long for 2 % less
PIECE = 1 << 16  # compressed bytes that are read at once
HEADER = 18  # bytes that tell what a member is: the longest of those looked at is bgzip's
BGZIP = slice(12, 14), b"BC"  # a field of the header, which says that an empty member ends the file


@dataclass(frozen=True)
class Codec:
    """One way to compress. `begins` tells from the first bytes whether they are a member of its own."""

    name: str
    suffix: str
    magic: bytes
    begins: Callable[[bytes], bool]
    member: Callable[[], Any]  # has decompress(data, limit), needs_input, eof and unused_data
    sink: Callable[[Any], Any]  # of an open file: write(packed), close()
    pack: Callable[[bytes], Any]  # a piece of text, in a worker, for its sink
    padding: bytes = b""  # what may follow the last member


class _Inflated:
    """zlib's decompressor, in the manner of zstd's."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, limit: int) -> bytes:
        return self._member.decompress(self._member.unconsumed_tail + data, limit)

    @property
    def needs_input(self) -> bool:
        return not self._member.unconsumed_tail and not self.eof

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data


def _is_gzip(head: bytes) -> bool:
    return head.startswith(GZIP)


def _is_zstd(head: bytes) -> bool:
    """A frame, or one that is to be skipped."""
    return head.startswith(ZSTD) or (head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5)


# -- writing -----------------------------------------------------------------------------------------------------
class Outlet(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> int: ...


@dataclass(frozen=True)
class Deflated:
    """A piece of a gzip member: ends at a whole byte, so that the next can follow."""

    data: bytes
    crc: int
    length: int

    @classmethod
    def of(cls, text: bytes) -> Deflated:
        member = zlib.compressobj(LEVELS[0], zlib.DEFLATED, -zlib.MAX_WBITS)
        return cls(member.compress(text) + member.flush(zlib.Z_SYNC_FLUSH), zlib.crc32(text), len(text))


class GzipSink:
    """One member, of pieces deflated elsewhere. Without name and time, so that equal runs write equal bytes."""

    def __init__(self, file: Outlet) -> None:
        self.file = file
        self.crc = self.length = 0
        file.write(GZIP + b"\x08\0\0\0\0\0\0\xff")

    def write(self, piece: Deflated) -> None:
        self.file.write(piece.data)
        self.crc = _crc_of_both(self.crc, piece.crc, piece.length)
        self.length += piece.length

    def close(self) -> None:
        self.file.write(b"\x03\0" + self.crc.to_bytes(4, "little") + (self.length % 2**32).to_bytes(4, "little"))


def _crc_of_both(first: int, second: int, length: int) -> int:
    """The CRC-32 of two pieces of text, one after the other, by theirs and the second's length: x^(8·length)·first +
    second, of polynomials over GF(2) modulo the CRC's."""
    power, square = 1 << 31, 1 << 23  # 1 and x^8, the lowest power in the highest bit
    while length:
        if length & 1:
            power = _product(power, square)
        square, length = _product(square, square), length >> 1
    return _product(power, first) ^ second


def _product(a: int, b: int) -> int:
    """Of two polynomials, modulo the CRC's."""
    total = 0
    for bit in range(31, -1, -1):
        total ^= b if a >> bit & 1 else 0
        b = b >> 1 ^ (0xEDB88320 if b & 1 else 0)
    return total


class ZstdSink:
    """One frame with a checksum, so that it is seen wherever it is cut."""

    def __init__(self, file: Outlet) -> None:
        self.file = file
        parameter = zstd.CompressionParameter
        self._frame = zstd.ZstdCompressor(options={parameter.compression_level: LEVELS[1], parameter.checksum_flag: 1})

    def write(self, piece: bytes) -> None:
        self.file.write(self._frame.compress(piece))

    def close(self) -> None:
        self.file.write(self._frame.flush(self._frame.FLUSH_FRAME))


CODECS = (
    Codec("gzip", ".gz", GZIP, _is_gzip, _Inflated, GzipSink, Deflated.of, padding=b"\0"),
    Codec("zstd", ".zst", ZSTD, _is_zstd, zstd.ZstdDecompressor, ZstdSink, bytes),
)


def by_suffix(name: str) -> Codec | None:
    return next((c for c in CODECS if name.lower().endswith(c.suffix)), None)


# -- reading -----------------------------------------------------------------------------------------------------
class Inlet(Protocol):
    """Where bytes come from: a raw stream, which None says has none yet."""

    def read(self, size: int, /) -> bytes | None: ...
    def readinto(self, view: memoryview, /) -> int | None: ...


class Expanded:
    """The bytes of a file as they were before compression, or as they are where there is none.

    A member that does not end is truncated; what follows the last one and is none is refused. Raises BadDataError.
    """

    def __init__(self, file: Inlet, name: str) -> None:
        self.file = file
        self.name = name
        self.codec: Codec | None = None
        self.taken = 0  # bytes of the file, packed as it is
        self._begun = False
        self._held = b""  # read from the file, not yet expanded
        self._ended = False
        self._member: Any = None
        self._empty = True  # whether the member that is read has given nothing yet
        self._marked = False  # whether the last member has to be an empty one

    def readinto(self, view: memoryview) -> int | None:
        """As of a raw stream: how many bytes, 0 at the end; None where a pipe that does not block has none yet."""
        if not self._begun and not self._begin():
            return None
        if self.codec is None:
            if not self._held:
                got = self.file.readinto(view)
                self.taken += got or 0
                return got
            count = min(len(self._held), len(view))
            view[:count], self._held = self._held[:count], self._held[count:]
            return count
        return self._expand(view, self.codec)

    def _begin(self) -> bool:
        """Whether it is known what the data are."""
        if not self._filled(HEADER):
            return False
        self._begun = True
        self.codec = next((c for c in CODECS if c.begins(self._held)), None)
        said = by_suffix(self.name)
        if said and self.codec is None:
            if not self._held:  # an empty file, whatever it is called
                return True
            if said.magic.startswith(self._held):
                raise self._broken(said, "truncated")
            raise BadDataError(f"{self.name}: not {said.name}, though its name says so")
        self._marked = self.codec is CODECS[0] and self._held[BGZIP[0]] == BGZIP[1]
        return True

    def _filled(self, count: int) -> bool:
        """Whether so many bytes are held, or all that are left; not so where more have yet to come."""
        while len(self._held) < count and not self._ended:
            data = self.file.read(PIECE)
            if data is None:
                return False
            self._ended = not data
            self._held += data
            self.taken += len(data)
        return True

    def _expand(self, view: memoryview, codec: Codec) -> int | None:
        while self._member is not None or self._held or not self._ended:
            if self._member is None:
                if not self._filled(HEADER):
                    return None
                self._next(codec)
                continue
            data, self._held = self._held, b""
            try:
                data = self._member.decompress(data, len(view))
            except (zlib.error, zstd.ZstdError) as e:
                raise self._broken(codec, "damaged", f": {str(e).strip().split(': ')[-1].rstrip('.')}") from None
            if self._member.eof:
                self._held, self._member = self._member.unused_data, None
            if data:
                self._empty = False
                view[: len(data)] = data
                return len(data)
            if self._member is not None and self._member.needs_input:
                if not self._filled(1):
                    return None
                if not self._held:
                    raise self._broken(codec, "truncated")
        if self._marked and not self._empty:
            raise self._broken(codec, "truncated", ": bgzip's end mark is missing")
        return 0

    def _next(self, codec: Codec) -> None:
        """Begins the member that comes now, if one does."""
        if codec.padding and self._held.startswith(codec.padding):
            self._held = self._held.lstrip(codec.padding)
        elif codec.begins(self._held):
            self._member, self._empty = codec.member(), True
        elif self._held:
            raise self._broken(
                codec, "truncated" if codec.magic.startswith(self._held) else "followed by something else"
            )

    def _broken(self, codec: Codec, how: str, why: str = "") -> BadDataError:
        return BadDataError(f"{self.name}: the {codec.name} data are {how}{why}", "was it copied whole?")
