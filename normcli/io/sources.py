"""Where bytes come from: files, pipes, standard input and object stores, as named streams."""

from __future__ import annotations

import fcntl
import io
import os
import select
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from normcli.errors import (
    BadDataError,
    NoInputError,
    NormcliError,
    OutputError,
    UsageError,
    advice,
    open_error,
    printable,
)
from normcli.io import stores
from normcli.io.compression.expanding import Expanded

if TYPE_CHECKING:
    from normcli.io.stores.reading import Object

STDIN = "<stdin>"
FIRST = 1 << 18  # bytes that are made room for until it is known that there are more


class Inlet(Protocol):
    """A raw stream, of which None says that it has no bytes yet."""

    def readinto(self, view: memoryview, /) -> int | None: ...


class Handle(Protocol):
    """What is to be closed."""

    def close(self) -> None: ...


Layer = TypeVar("Layer", bound=Inlet)


@dataclass
class Source:
    """A stream of bytes with the name that messages call it by. Read once, from the start to the end; what is
    compressed is expanded."""

    name: str
    file: io.FileIO | Object
    pushed: bytes = field(default=b"", repr=False)
    count: int = 0  # bytes read so far
    keys: tuple[tuple[str, str | None], ...] = ()  # columns of one text each, or null, that its directories give
    room: int | None = None  # bytes of memory that what is read of it may take at once
    handles: list[Handle] = field(default_factory=list, repr=False)  # of others on the same file, closed with it

    def __post_init__(self) -> None:
        self.length: int | None  # of the file, packed as it is
        if not isinstance(self.file, io.FileIO):
            self.regular, self.length = True, self.file.size
            self.identity: tuple[object, ...] = tuple(self.file.origin.items())
        else:
            status = os.fstat(self.file.fileno())
            self.regular, self.identity = stat.S_ISREG(status.st_mode), identity(status)
            self.length = status.st_size - self.file.tell() if self.regular else None
        self._expanded = Expanded(self.file, self.name, self.room)
        self._inlet: Inlet = self._expanded

    @property
    def compression(self) -> str | None:
        """What it is compressed by, told by its first bytes."""
        self.peek(1)
        return self._expanded.codec.name if self._expanded.codec else None

    @property
    def size(self) -> int | None:
        """How many bytes there are in all, where that is known."""
        return None if self.compression else self.length

    @property
    def position(self) -> int:
        """How far it was read from the start to the end, packed as it is. Any thread may ask."""
        return self._expanded.taken

    def is_file(self, path: str | None) -> bool:
        """Whether this is the regular file, or the object, of that path, however it was opened."""
        if not self.regular or path is None or path == "-":
            return False
        if not isinstance(self.file, io.FileIO):
            return stores.resolved(self.file.uri) == stores.resolved(path)
        try:
            return os.path.samestat(os.fstat(self.file.fileno()), os.stat(path))
        except OSError:
            return False

    def through(self, layer: Callable[[bytes, Inlet], Layer]) -> Layer:
        """From here on, the bytes are what a layer makes of them, those that were peeked at among them."""
        made = layer(self.pushed, self._inlet)
        self._inlet, self.pushed = made, b""
        return made

    def peek(self, count: int) -> bytes:
        """The first bytes, still to be read."""
        if len(self.pushed) < count:
            self.pushed = self._filled(self.pushed, count, io.BytesIO())
        return self.pushed[:count]

    def read(self, size: int, *, after: bytes = b"", into: io.BytesIO | None = None) -> bytes:
        """`after`, which was read last, and the next `size` bytes; fewer only at the end. They lie in the memory of
        `into`, for which nobody else must have a use. Raises OutputError where reading fails."""
        begun, whole = after + self.pushed, len(after) + size
        data, self.pushed = self._filled(begun[:whole], whole, into or io.BytesIO()), begun[whole:]
        self.count += len(data) - len(after)
        return data

    def _filled(self, begun: bytes, size: int, buffer: io.BytesIO) -> bytes:
        """`begun` and what follows it, `size` bytes in all: in a BytesIO, which gives its memory away as bytes without
        a copy, and can be filled anew once they are gone."""
        done, room = len(begun), max(min(size, FIRST + len(begun)), len(buffer.getbuffer()))
        try:
            while True:
                buffer.seek(max(room - 1, 0))
                buffer.write(b"\0")
                with buffer.getbuffer() as view:
                    view[: len(begun)], begun = begun, b""
                    done = self._fill(view, done, min(room, size))
                if done < room or done >= size:
                    break
                room = size
        except OSError as e:
            raise self.failed(e) from None
        buffer.truncate(done)
        return buffer.getvalue()

    def _fill(self, view: memoryview, done: int, end: int) -> int:
        """Up to where a view is filled from `done` on, by the bytes that come; to the `end`, if there are so many. Each
        view of it is released at once, for a profiler may hold on to frames that have one: then the buffer could not be
        resized."""
        while done < end:
            with view[done:end] as rest:
                got = self._inlet.readinto(rest)
            if got is None and isinstance(self.file, io.FileIO):  # a pipe that does not block
                select.select([self.file], [], [])
            elif not got:
                break
            else:
                done += got
        return done

    def in_place(self) -> Any:
        """A path under which the bytes can be read at any position: the file itself, or a spool; of an object, what
        pyarrow reads in place of one."""
        if not isinstance(self.file, io.FileIO):
            self.count = self.file.size
            return self.file.random()
        if not self.regular:
            import tempfile

            try:
                with tempfile.TemporaryFile(prefix=".normcli-") as spool:
                    while data := self.read(1 << 20):
                        spool.write(data)
                    spool.flush()
                    self.file.close()
                    self.file, self.regular = io.FileIO(os.dup(spool.fileno()), "rb"), True
            except OSError as e:
                where = tempfile.gettempdir()
                raise OutputError(f"{self.name}: can't be kept in {where}: {e.strerror}", "set TMPDIR") from None
        self.count = os.fstat(self.file.fileno()).st_size
        return f"/dev/fd/{self.file.fileno()}"

    def read_at(self, start: int, size: int) -> bytes:
        """Bytes at any place of what is read in place, fewer where it ends, none outside. Raises OSError."""
        size = min(size, self.count - start)
        if start < 0 or size <= 0:
            return b""
        if not isinstance(self.file, io.FileIO):
            return self.file.read_at(start, size)
        return os.pread(self.file.fileno(), size, start)

    @property
    def is_far(self) -> bool:
        """Whether each read at a place of its own takes a while."""
        return not isinstance(self.file, io.FileIO)

    def fault(self, error: Exception) -> NormcliError | None:
        """What went wrong in reading at any position, where what pyarrow says is no fault of the data: only what the
        system said has a number."""
        if not isinstance(self.file, io.FileIO):
            return self.failed(self.file.failure) if self.file.failure else None
        number = error.errno if isinstance(error, OSError) else None
        return self.failed(OSError(number, os.strerror(number))) if number else None

    def failed(self, error: OSError) -> NormcliError:
        """An error of reading, in our words."""
        if isinstance(error, PermissionError):
            return NoInputError(f"{self.name}: {error.strerror}", advice(error))
        return OutputError(f"{self.name}: reading failed: {error.strerror}", advice(error))

    def rest(self) -> bytes:
        """All that is left."""
        parts = []
        while part := self.read(1 << 20):
            parts.append(part)
        return b"".join(parts)

    @property
    def closed(self) -> bool:
        return self.file.closed

    def close(self) -> None:
        """Nothing more is read, by this or by any of the `handles`."""
        for handle in self.handles:
            handle.close()
        self.file.close()

    def drain(self) -> None:
        """Reads to the end, so that the writer of a pipe does not meet a broken one; of what lies in a file, or was
        copied to one, nothing."""
        while not self.regular and self.read(1 << 20):
            pass


def identity(status: os.stat_result) -> tuple[int, ...]:
    """By what a file is known to be the same, and unchanged."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def check_unchanged(path: str | os.PathLike[str], before: tuple[object, ...]) -> None:
    """Raises BadDataError where the identity of a file or an object is not what it was."""
    try:
        now = tuple(_far(os.fspath(path)).origin.items()) if stores.is_uri(path) else identity(os.stat(path))
    except (OSError, NoInputError):
        now = ()
    if now != before:
        raise BadDataError(f"{printable(os.fsdecode(path))}: was changed while it was read more than once", "fit again")


def _far(uri: str) -> Object:
    from normcli.io.stores.reading import Object

    return Object(uri)


def open_source(
    path: str | os.PathLike[str] | None,
    *,
    example: str = "normcli fit data.csv -m zscore",
    keys: tuple[tuple[str, str | None], ...] = (),
    room: int | None = None,
) -> Source:
    """The input: a path, or standard input for None and `-`; with the `keys` that its directories give, read in `room`
    bytes of memory. Raises NoInputError; UsageError for a terminal."""
    if path is None or os.fspath(path) == "-":
        if fcntl.fcntl(0, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:  # how a closed one is opened at start
            raise NoInputError("standard input is closed", f"for example: {example}")
        if os.isatty(0):
            raise UsageError("no INPUT, and standard input is a terminal", f"for example: {example}")
        return Source(STDIN, io.FileIO(0, "rb", closefd=False), keys=keys, room=room)
    path = stores.plain(os.fsdecode(path))
    name = printable(path) or "''"
    if stores.is_uri(path):
        return Source(name, _far(path), keys=keys, room=room)
    try:
        file = io.FileIO(path, "rb")
    except IsADirectoryError:
        raise NoInputError(f"{name}: is a directory", "name a file in it") from None
    except (OSError, ValueError) as e:
        raise open_error(NoInputError, name, e) from None
    return Source(name, file, keys=keys, room=room)
