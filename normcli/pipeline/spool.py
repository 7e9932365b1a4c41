"""Blocks kept between two passes over an input that is parsed once: in a file without a name, gone with the process."""

from __future__ import annotations

import ctypes
import io
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from normcli import columns
from normcli.columns import Frame, Infinite
from normcli.errors import OutputError, printable
from normcli.formats import Chunk, Decoded, Reader, load

if TYPE_CHECKING:
    from normcli.columns.frame import Packed

KEEP_SIZE, PUNCH_HOLE = 1, 2  # of fallocate
VALUES = 1 << 16  # of a part of a native frame, about: what is made of it is to stay in a cache
SHARE = 1.0  # of the bytes of text, that the rows may take as they were parsed
HINT = "--spool-dir or TMPDIR says where it is"


class Spool:
    """An unlinked file that workers add to, in any order, and read from at any place."""

    def __init__(
        self, directory: str, expected: int | None, *, texts: bool = False, delimiter: str | None = None
    ) -> None:
        """In `directory`, if there is room for `expected` bytes there. With `texts`, what stood in the columns that
        are read as numbers is kept, too. With a delimiter, text between such ones is to be copied but for its numbers.
        Raises OutputError."""
        import tempfile

        self.where, self.texts, self.delimiter = printable(directory), texts, delimiter
        self.final = False  # whether this is the last pass
        try:
            free = os.statvfs(directory)
            if expected is not None and expected > free.f_bavail * free.f_frsize:
                room = f"{expected >> 20:,} MB, and there are {free.f_bavail * free.f_frsize >> 20:,}"
                raise OutputError(f"{self.where}: the spool needs about {room}", HINT)
            self._file = tempfile.TemporaryFile(  # noqa: SIM115  open as long as we are
                prefix=".normcli-", suffix=".tmp", dir=directory, buffering=0
            )
        except OSError as e:
            raise OutputError(f"{self.where}: no spool can be made: {e.strerror}", HINT) from None
        self._end, self._claim = 0, threading.Lock()
        self.spare: list[io.BytesIO] = []  # memory that was used, and will be again
        self.readers: list[SpoolReader] = []  # of the inputs that were kept, in order

    def close(self) -> None:
        """Frees its space: there are no more readers and writers."""
        self._file.close()

    def put(self, pieces: Sequence[memoryview]) -> tuple[int, int]:
        """Keeps bytes, one piece after the other; where they are, and how many. Raises OutputError."""
        size = sum(map(len, pieces))
        with self._claim:
            start, self._end = self._end, self._end + size
        at = start
        try:
            for piece in pieces:
                done = 0
                while done < len(piece):
                    done += os.pwrite(self._file.fileno(), piece[done:], at + done)
                at += done
        except OSError as e:
            raise OutputError(f"{self.where}: the spool can't be written: {e.strerror}", HINT) from None
        return start, size

    def add(self, part: int, reader: Reader, chunks: Sequence[Stored], rejected: int = 0) -> None:
        """The next chunks of an input, which may be none, and how many of their rows were rejected."""
        if part == len(self.readers):
            self.readers.append(SpoolReader(reader))
        self.readers[part].add(chunks, rejected)

    def buffer(self) -> io.BytesIO:
        """A used buffer, if there is one: fresh memory costs the system more than the writing of data into it."""
        try:
            return self.spare.pop()
        except IndexError:  # not checked beforehand: another worker might take it in between
            return io.BytesIO()

    def take(self, start: int, length: int, into: io.BytesIO) -> bytes:
        """The bytes that `put` kept, in the memory of `into`; for the last time, their room is given back to the
        system, which has use for it: the output is being written. Raises OutputError."""
        into.seek(length - 1)
        into.write(b"\0")
        into.truncate()
        done = 0
        try:
            with into.getbuffer() as view:
                while done < length and (got := os.preadv(self._file.fileno(), [view[done:]], start + done)):
                    done += got
        except OSError as e:
            raise OutputError(f"{self.where}: the spool can't be read: {e.strerror}") from None
        if done < length:
            raise OutputError(f"{self.where}: the spool has become shorter")
        if self.final and sys.platform == "linux":
            punch = ctypes.c_int(KEEP_SIZE | PUNCH_HOLE)  # where a file system can't, nothing is lost
            ctypes.CDLL(None).fallocate64(self._file.fileno(), punch, ctypes.c_int64(start), ctypes.c_int64(length))
        return into.getvalue()


class Piece(Struct, frozen=True):
    """A frame in a spool."""

    start: int
    length: int
    packed: Packed


class SpoolChunk(Struct, frozen=True):
    """A decoded chunk in a spool, part by part; at least one."""

    spool: Spool
    pieces: tuple[Piece, ...]
    can_end_segment: bool
    is_parsed: bool = False  # as the frames are
    content: ClassVar[bytes | None] = None

    @property
    def weight(self) -> int:
        return 0  # it was counted when it was read

    @property
    def load(self) -> int:
        length = sum(piece.length for piece in self.pieces)
        return load(length, length // 8)

    @property
    def rows(self) -> int:
        return sum(piece.packed.rows for piece in self.pieces)

    def parts(self, delimiter: str | None = None) -> Iterator[SpoolChunk]:
        for piece in self.pieces:
            yield replace(self, pieces=(piece,))

    def decode(self, wanted: frozenset[str], infinite: Infinite, *, skip: bool = False) -> Decoded:
        return Decoded(columns.joined(list(map(self._frame, self.pieces))), self.rows)

    def _frame(self, piece: Piece) -> Frame:
        buffer = self.spool.buffer() if piece.packed.copies else io.BytesIO()
        frame = piece.packed.unpack(self.spool.take(piece.start, piece.length, buffer))
        if piece.packed.copies:
            self.spool.spare.append(buffer)
        return frame

    def with_content(self, content: bytes) -> SpoolChunk:
        return self

    def compact(self, wanted: frozenset[str], infinite: Infinite, delimiter: str | None = None) -> Decoded | None:
        if not self.is_parsed or delimiter is not None:
            return None
        frames = list(map(self._frame, self.pieces))
        return Decoded(frames[0].stacked(frames[1:], [n for n in frames[0].names if n in wanted]), self.rows)

    def survey(self, wanted: frozenset[str], *, skip: bool = False) -> Decoded:
        return self.decode(wanted, "missing")

    def locate(self, row: int) -> int:
        return row


class SpoolText(Struct, frozen=True):
    """A chunk of text in a spool as it stands, which is to be written again but for its numbers."""

    spool: Spool
    start: int
    length: int
    rows: int
    load: int
    chunk: Chunk  # such a one, without its text
    can_end_segment: bool
    content: ClassVar[bytes | None] = None
    weight: ClassVar[int] = 0  # it was counted when it was read

    def _read(self) -> TextOfRows:
        text = self.spool.take(self.start, self.length, io.BytesIO())
        return TextOfRows(self.chunk.with_content(text), self.can_end_segment)

    def parts(self, delimiter: str | None = None) -> Iterator[Chunk]:
        return self._read().parts(delimiter)

    def decode(self, wanted: frozenset[str], infinite: Infinite, *, skip: bool = False) -> Decoded:
        return self._read().decode(wanted, infinite, skip=skip)

    def with_content(self, content: bytes) -> SpoolText:
        return self

    def compact(self, wanted: frozenset[str], infinite: Infinite, delimiter: str | None = None) -> Decoded:
        """As `decode` where that is all that can be done: for the last time it is read once."""
        text = self._read()
        return text.compact(wanted, infinite, delimiter) or text.decode(wanted, infinite)

    def survey(self, wanted: frozenset[str], *, skip: bool = False) -> Decoded:
        return self._read().decode(wanted, "missing")

    def locate(self, row: int) -> int:
        return row


Stored = SpoolChunk | SpoolText


class TextOfRows(Struct, frozen=True):
    """A chunk of text whose places are rows."""

    chunk: Chunk
    can_end_segment: bool
    content: ClassVar[bytes | None] = None
    weight: ClassVar[int] = 0

    @property
    def load(self) -> int:
        return self.chunk.load

    def parts(self, delimiter: str | None = None) -> Iterator[Chunk]:
        return (TextOfRows(part, self.can_end_segment) for part in self.chunk.parts(delimiter))

    def decode(self, wanted: frozenset[str], infinite: Infinite, *, skip: bool = False) -> Decoded:
        return _by_row(self.chunk.decode(wanted, infinite, skip=skip))

    def with_content(self, content: bytes) -> TextOfRows:
        return replace(self, chunk=self.chunk.with_content(content))

    def compact(self, wanted: frozenset[str], infinite: Infinite, delimiter: str | None = None) -> Decoded | None:
        decoded = self.chunk.compact(wanted, infinite, delimiter)
        return None if decoded is None else _by_row(decoded)

    def survey(self, wanted: frozenset[str], *, skip: bool = False) -> Decoded:
        return _by_row(self.chunk.survey(wanted, skip=skip))

    def locate(self, row: int) -> int:
        return row


def _by_row(decoded: Decoded) -> Decoded:
    return replace(decoded, places=decoded.frame.rows, blank_lines=0)


def keep_text(spool: Spool, chunk: Chunk, rows: int) -> SpoolText:
    """Stores the text of a chunk, of so many rows, until the next pass."""
    content = chunk.content or b""
    start, length = spool.put([memoryview(content)])
    return SpoolText(spool, start, length, rows, chunk.load, chunk.with_content(b""), chunk.can_end_segment)


def keep_parsed(spool: Spool, chunk: Chunk, frame: Frame) -> Stored:
    """Stores the rows of a chunk of text until the next pass: as they were parsed, which takes less time than to parse
    them again, or their text where that takes less room."""
    step = max(1, VALUES // len(frame.names))
    parts = [frame.slice(start, start + step) for start in range(0, frame.rows, step)] if frame.is_parsed else []
    pieces = list[Piece]()
    for part in parts:
        packed, memory = part.pack(io.BytesIO())
        if not pieces and sum(map(len, memory)) * frame.rows > SHARE * len(chunk.content or b"") * part.rows:
            break
        pieces.append(Piece(*spool.put(memory), packed))
    if not pieces:
        return keep_text(spool, chunk, frame.rows)
    return SpoolChunk(spool, tuple(pieces), chunk.can_end_segment, is_parsed=True)


def keep(spool: Spool, frame: Frame) -> Piece:
    """Stores a frame until the next pass."""
    buffer = spool.buffer()
    packed, pieces = frame.pack(buffer)
    with buffer.getbuffer() as view, view[: buffer.tell()] as rest:
        start, length = spool.put([*pieces, rest])
    buffer.seek(0)
    spool.spare.append(buffer)
    return Piece(start, length, packed)


class SpoolReader(Reader):
    """An input read again from a spool; errors are reported by row."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader.source)
        self._origin = reader
        self.description = replace(reader.description, size=0, start=0, early=0, by_line=False, expected=frozenset())
        self.spool_chunks: list[Stored] = []
        self.rejected = 0

    @property
    def rows(self) -> int:
        """How many rows were kept."""
        return sum(chunk.rows for chunk in self.spool_chunks)

    def add(self, chunks: Sequence[Stored], rejected: int) -> None:
        """The next chunks, and how many of their rows were rejected."""
        self.spool_chunks.extend(chunks)
        self.rejected += rejected

    def list_size(self, name: str) -> int:
        return self._origin.list_size(name)

    def chunks(self, needed: Sequence[str] | None = None) -> Iterator[Stored]:
        return iter(self.spool_chunks)

    def check_unchanged(self) -> None:
        """It is nobody else's."""

    def close(self) -> None:
        """The spool serves all."""


def rejected_of(reader: Reader) -> int:
    """How many rows were rejected when an input was read that comes from a spool now."""
    return reader.rejected if isinstance(reader, SpoolReader) else 0
