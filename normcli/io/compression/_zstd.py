"""zstd: one frame with a checksum. A frame of any window size is read if the window fits in memory."""

from __future__ import annotations

import sys
from typing import Any

from normcli.errors import size
from normcli.io.compression._codec import Codec, MemoryNeededError, Outlet

MAGIC = b"\x28\xb5\x2f\xfd"
LEVEL = 1


def _library() -> Any:
    """The zstd module of the standard library (from Python 3.14), or its backport."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


def _begins(head: bytes) -> bool:
    """Whether the first bytes are those of a frame or of a skippable frame."""
    return head.startswith(MAGIC) or (head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5)


def _member(head: bytes, memory: int) -> Any:
    """Raises MemoryNeededError."""
    window, longest = _window(head), memory.bit_length() - 1
    if window > 1 << longest:
        what = f"a window of {size(window)} (zstd --long={(window - 1).bit_length()})"
        raise MemoryNeededError(what, "zstd --long=27 makes one that is always read")
    zstd = _library()
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: longest})


def _window(head: bytes) -> int:
    """Window size of a frame in bytes, from its header (RFC 8878, 3.1.1.1); the content size if it is a single segment;
    0 if there is no frame or the header is incomplete."""
    if not head.startswith(MAGIC) or len(head) < 6:
        return 0
    flags = head[4]
    if flags & 0x20:
        start, length = 5 + (0, 1, 2, 4)[flags & 3], (1, 2, 4, 8)[flags >> 6]
        return int.from_bytes(head[start : start + length], "little") + (256 if length == 2 else 0)
    exponent, eighths = divmod(head[5], 8)
    return (8 + eighths) << (7 + exponent)


def _faults() -> tuple[type[Exception], ...]:
    return (_library().ZstdError,)


class ZstdSink:
    """One frame with a checksum, so that truncation is detected."""

    def __init__(self, file: Outlet) -> None:
        self.file, zstd = file, _library()
        parameter = zstd.CompressionParameter
        self._frame = zstd.ZstdCompressor(options={parameter.compression_level: LEVEL, parameter.checksum_flag: 1})

    def write(self, piece: bytes) -> None:
        self.file.write(self._frame.compress(piece))

    def close(self) -> None:
        self.file.write(self._frame.flush(self._frame.FLUSH_FRAME))


ZSTD = Codec(
    name="zstd",
    suffix=".zst",
    magic=MAGIC,
    begins=_begins,
    member=_member,
    faults=_faults,
    sink=ZstdSink,
    pack=bytes,
)
