"""Text that may be compressed, as it was before: expanded as it is read, in pieces of bounded size."""

from __future__ import annotations

from typing import Any, Protocol

from normcli.errors import BadDataError, NormcliError, lacking, size
from normcli.io.compression import CODECS, Codec, by_suffix
from normcli.io.compression._codec import MemoryNeededError
from normcli.io.compression._gzip import is_bgzip

PIECE = 1 << 16  # compressed bytes that are read at once
HEADER = 18  # bytes that tell what a member is: the longest of those looked at are bgzip's and zstd's
LEAST = 1 << 27  # bytes of memory that a member may always take: what zstd and xz make where nobody asks for more
MOST = 1 << 31  # and at most: zstd reads no longer window, and xz makes no dictionary as long as that


class Inlet(Protocol):
    """Where bytes come from: a raw stream, which None says has none yet."""

    def read(self, size: int, /) -> bytes | None: ...
    def readinto(self, view: memoryview, /) -> int | None: ...


class Expanded:
    """The bytes of a file as they were before compression, or as they are where there is none.

    A member that does not end is truncated; what follows the last one and is none is refused. Raises BadDataError.
    """

    def __init__(self, file: Inlet, name: str, room: int | None = None) -> None:
        """`room` is how many bytes of memory there are to use, where that is known."""
        self.file = file
        self.name = name
        self._room = room
        self.codec: Codec | None = None
        self.taken = 0  # bytes of the file, packed as it is
        self._begun = False
        self._held = b""  # read from the file, not yet expanded
        self._ended = False
        self._member: Any = None
        self._empty = True  # whether the member that is read has given nothing yet
        self._marked = False  # whether the last member has to be an empty one
        self._padding = 0  # zero bytes since the last member

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
            raise BadDataError(
                f"{self.name}: is not {said.name}, and its name says so", f"without {said.suffix} it is read as it is"
            )
        self._marked = is_bgzip(self._held)
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
        """Begins the member that comes now, if one does."""
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
        """Bytes that a member may take: at most half of what there is, for the rest is for blocks."""
        room = self._room
        return MOST if room is None else max(LEAST, min(MOST, room // 2))

    def _too_large(self, codec: Codec, need: MemoryNeededError) -> NormcliError:
        what = f"{self.name}: the {codec.name} data have {need.what}, and {size(self._memory)} of memory may go to it"
        return lacking(self._room, what, f"--max-memory says how much; {need.hint}")

    def _broken(self, codec: Codec, how: str, why: str = "") -> BadDataError:
        return BadDataError(f"{self.name}: the {codec.name} data are {how}{why}", "was it copied whole?")
