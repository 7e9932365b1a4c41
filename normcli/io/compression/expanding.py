"""Decompression of a stream while it is read, in pieces of bounded size; an uncompressed stream is passed through."""

from __future__ import annotations

from typing import Any, Protocol

from normcli.errors import BadDataError, NormcliError, lacking, size
from normcli.io.compression import CODECS, Codec, by_suffix
from normcli.io.compression._codec import MemoryNeededError
from normcli.io.compression._gzip import is_bgzip

PIECE = 1 << 16  # compressed bytes that are read at once
HEADER = 18  # bytes from which a member is detected: the longest headers needed are those of bgzip and zstd
LEAST = 1 << 27  # bytes of memory that a member may always take: enough for the default settings of zstd and xz
MOST = 1 << 31  # upper limit: zstd reads no longer window, and xz writes no dictionary of that size


class Inlet(Protocol):
    """A raw stream; None means that no bytes are available yet."""

    def read(self, size: int, /) -> bytes | None: ...
    def readinto(self, view: memoryview, /) -> int | None: ...


class Expanded:
    """The decompressed bytes of a file, or its bytes if it is not compressed.

    Raises BadDataError for a truncated or damaged member, and for anything else after the last one.
    """

    def __init__(self, file: Inlet, name: str, room: int | None = None) -> None:
        """`room` is the available memory in bytes, None if unknown."""
        self.file = file
        self.name = name
        self._room = room
        self.codec: Codec | None = None
        self.taken = 0  # compressed bytes read from the file
        self._begun = False
        self._held = b""  # read from the file, not yet decompressed
        self._ended = False
        self._member: Any = None
        self._empty = True  # whether the current member has produced no bytes yet
        self._marked = False  # whether the last member has to be empty (bgzip)
        self._padding = 0  # zero bytes since the last member

    def readinto(self, view: memoryview) -> int | None:
        """As for a raw stream: the number of bytes read, 0 at the end; None if a non-blocking pipe has none yet."""
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

    def left(self, length: int) -> int | None:
        """How many bytes are to come of a file of that length; None where that is not known, or not yet."""
        return max(0, length - self.taken) + len(self._held) if self._begun and self.codec is None else None

    def _begin(self) -> bool:
        """Detects the codec; False if too few bytes are available yet. Raises BadDataError."""
        if not self._filled(HEADER):
            return False
        self._begun = True
        self.codec = next((c for c in CODECS if c.begins(self._held)), None)
        suffix_codec = by_suffix(self.name)
        if suffix_codec and self.codec is None:
            if not self._held:  # an empty file, whatever it is called
                return True
            if suffix_codec.magic.startswith(self._held):
                raise self._broken(suffix_codec, "truncated")
            raise BadDataError(
                f"{self.name}: is not {suffix_codec.name}, and its name says so",
                f"without {suffix_codec.suffix} it is read as it is",
            )
        self._marked = is_bgzip(self._held)
        return True

    def _filled(self, count: int) -> bool:
        """Buffers `count` bytes, or all that are left; False if more are still to come."""
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
            except MemoryNeededError as e:
                raise self._too_large(codec, e) from None
            except codec.faults():
                raise self._broken(codec, "damaged") from None
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
        self._check_padding(codec)
        return 0

    def _next(self, codec: Codec) -> None:
        """Starts the next member, if there is one. Raises BadDataError."""
        if codec.padding and self._held.startswith(b"\0"):
            count = len(self._held)
            self._held = self._held.lstrip(b"\0")
            self._padding += count - len(self._held)
        elif codec.begins(self._held):
            self._check_padding(codec)
            try:
                self._member, self._empty = codec.member(self._held, self._memory), True
            except MemoryNeededError as e:
                raise self._too_large(codec, e) from None
        elif self._held:
            raise self._broken(
                codec, "truncated" if codec.magic.startswith(self._held) else "followed by something else"
            )

    def _check_padding(self, codec: Codec) -> None:
        if codec.padding and self._padding % codec.padding:
            raise self._broken(codec, "damaged", f": padding of {self._padding} bytes, no multiple of {codec.padding}")
        self._padding = 0

    @property
    def _memory(self) -> int:
        """Bytes of memory that a member may take: at most half of what is available; the rest is for blocks."""
        room = self._room
        return MOST if room is None else max(LEAST, min(MOST, room // 2))

    def _too_large(self, codec: Codec, need: MemoryNeededError) -> NormcliError:
        what = f"{self.name}: the {codec.name} data have {need.what}, and {size(self._memory)} of memory may go to it"
        return lacking(self._room, what, f"--max-memory says how much; {need.hint}")

    def _broken(self, codec: Codec, how: str, why: str = "") -> BadDataError:
        return BadDataError(f"{self.name}: the {codec.name} data are {how}{why}", "was it copied whole?")
