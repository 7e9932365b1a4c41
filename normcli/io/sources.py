"""Sources of bytes: files, pipes, standard input and objects, as named streams."""

from __future__ import annotations

import fcntl
import io
import os
import select
import stat
from collections.abc import Callable
from copy import copy
from functools import partial
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
    spelled_as,
)
from normcli.io import stores
from normcli.io.compression.expanding import Expanded
from normcli.io.ranges import FileRange

if TYPE_CHECKING:
    from normcli.io.stores.reading import Object

STDIN = "<stdin>"
FIRST = 1 << 18  # initial size of the buffer in bytes, where nobody knows how many there are
HOT = 1 << 18  # bytes that are still in the cache when they have been read


class Inlet(Protocol):
    """A raw stream; None means that no bytes are available yet."""

    def readinto(self, view: memoryview, /) -> int | None: ...


Look = Callable[[memoryview], object]  # at bytes, which it may not keep


class Handle(Protocol):
    """Anything that can be closed."""

    def close(self) -> None: ...


Layer = TypeVar("Layer", bound=Inlet)


class Source:
    """A stream of bytes with its name in messages. It is read once, from start to end, and decompressed."""

    def __init__(
        self,
        name: str,
        file: io.FileIO | Object,
        *,
        keys: tuple[tuple[str, str | None], ...] = (),
        room: int | None = None,
    ) -> None:
        """`keys` are the partition keys of its directories, columns of one value; `room` is available memory in
        bytes."""
        self.name, self.file, self.keys, self.room = name, file, keys, room
        self.pushed = b""
        self.count = 0  # bytes read so far
        self.start = 0  # where in the file the first byte is
        self.handles: list[Handle] = []  # other readers of the same file, closed with it
        self.length: int | None  # of the file in bytes, compressed
        if not isinstance(self.file, io.FileIO):
            self.regular, self.length = True, self.file.size
            self.identity: tuple[object, ...] = tuple(self.file.origin.items())
        else:
            status = os.fstat(self.file.fileno())
            self.regular, self.identity = stat.S_ISREG(status.st_mode), identity(status)
            self.length = status.st_size - self.file.tell() if self.regular else None
        self._expanded = Expanded(self.file, self.name, self.room)
        self._inlet: Inlet = self._expanded
        self._layer: Callable[[bytes, Inlet], Inlet] | None = None  # that all ranges pass through

    @property
    def version(self) -> tuple[object, ...]:
        """What all machines that see the file or the object know of its identity: not where a file lies."""
        return self.identity[2:] if isinstance(self.file, io.FileIO) else self.identity

    @property
    def compression(self) -> str | None:
        """The compression format, detected from the first bytes; None if not compressed."""
        self.peek(1)
        return self._expanded.codec.name if self._expanded.codec else None

    @property
    def size(self) -> int | None:
        """The total number of bytes, None if unknown."""
        return None if self.compression else self.length

    @property
    def position(self) -> int:
        """The number of (compressed) bytes read so far. Thread-safe."""
        return self._expanded.taken

    def is_file(self, path: str | None) -> bool:
        """Whether this is the regular file or the object at that path, by whatever name it was opened."""
        if not self.regular or path is None or path == "-":
            return False
        if not isinstance(self.file, io.FileIO):
            return stores.resolved(self.file.uri) == stores.resolved(path)
        try:
            return os.path.samestat(os.fstat(self.file.fileno()), os.stat(path))
        except OSError:
            return False

    def through(self, layer: Callable[[bytes, Inlet], Layer]) -> Layer:
        """Passes all further bytes, including those peeked at, through a layer; returns the layer."""
        stream = layer(self.pushed, self._inlet)
        self._inlet, self.pushed = stream, b""
        return stream

    def check_unchanged(self) -> None:
        """After the last byte was read: raises BadDataError if a file is no longer the one that was opened, for then
        the bytes may be of both. Those of an object are not: each request is for its version."""
        file = self.file
        if not self.regular or file.closed or not isinstance(file, io.FileIO):
            return
        if identity(os.fstat(file.fileno())) != self.identity:
            raise changed(self.name)

    def range(self, start: int, end: int) -> Source:
        """The bytes between two offsets of a file or an object that is not compressed, as a stream of their own: of the
        same open file, which is closed with either."""
        source = copy(self)
        source.pushed, source.count, source.start, source.length = b"", 0, start, end - start
        file = self.file
        source._inlet = FileRange(file, start, end) if isinstance(file, io.FileIO) else file.range(start, end)
        if self._layer is not None:
            source.through(self._layer)
        return source

    def layered(self, layer: Callable[[bytes, Inlet], Inlet]) -> Source:
        """The same open source, with a layer that all of its ranges pass through."""
        source = copy(self)
        source._layer = layer
        return source

    def peek(self, count: int) -> bytes:
        """The next bytes, without consuming them."""
        if len(self.pushed) < count:
            self.pushed = self._filled(self.pushed, count, io.BytesIO())
        return self.pushed[:count]

    def read(
        self, size: int, *, after: bytes = b"", into: io.BytesIO | None = None, look: Look = lambda part: None
    ) -> bytes:
        """`after`, which was read last, followed by the next `size` bytes; fewer only at the end. The bytes share the
        memory of `into`, which nothing else may use. All of them are shown to `look` part by part, as long as they are
        in the cache. Raises OutputError if reading fails."""
        begun, total = after + self.pushed, len(after) + size
        data, self.pushed = self._filled(begun[:total], total, into or io.BytesIO(), look), begun[total:]
        self.count += len(data) - len(after)
        return data

    def _filled(self, begun: bytes, size: int, buffer: io.BytesIO, look: Look = lambda part: None) -> bytes:
        """`begun` and the bytes after it, `size` in all: in a BytesIO, which exports its memory as bytes without a
        copy, and can be filled again once these are released."""
        look(memoryview(begun))
        done, room = len(begun), max(min(size, self._likely() + len(begun)), len(buffer.getbuffer()))
        try:
            while True:
                buffer.seek(max(room - 1, 0))
                buffer.write(b"\0")
                with buffer.getbuffer() as view:
                    view[: len(begun)], begun = begun, b""
                    done = self._fill(view, done, min(room, size), look)
                if done < room or done >= size:
                    break
                room = size
        except OSError as e:
            raise self.failed(e) from None
        buffer.truncate(done)
        return buffer.getvalue()

    def _likely(self) -> int:
        """How many bytes may come: those left in a file, and one more that would tell of its growth; else FIRST."""
        left = None if self.length is None or self._inlet is not self._expanded else self._expanded.left(self.length)
        return FIRST if left is None else left + 1

    def _fill(self, view: memoryview, done: int, end: int, look: Look) -> int:
        """Reads into a view from `done` to `end`, or up to the end of the stream; returns the position reached. Each
        slice of the view is released immediately: a profiler may keep frames alive that hold one, and the buffer could
        not be resized then."""
        while done < end:
            with view[done : min(done + HOT, end)] as rest:
                got = self._inlet.readinto(rest)
                if got:
                    with rest[:got] as part:
                        look(part)
            if got is None and isinstance(self.file, io.FileIO):  # a pipe that does not block
                select.select([self.file], [], [])
            elif not got:
                break
            else:
                done += got
        return done

    def in_place(self) -> Any:
        """A path for random access to the bytes: the file itself or a spool file; for an object, a file of pyarrow.
        Raises OutputError."""
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
                    self.identity = identity(os.fstat(spool.fileno()))
            except OSError as e:
                where = tempfile.gettempdir()
                raise OutputError(f"{self.name}: can't be kept in {where}: {e.strerror}", "set TMPDIR") from None
        self.count = os.fstat(self.file.fileno()).st_size
        return f"/dev/fd/{self.file.fileno()}"

    def read_at(self, start: int, size: int) -> bytes:
        """Bytes at an offset after `in_place`, fewer at the end, none outside. Raises OSError."""
        size = min(size, self.count - start)
        if start < 0 or size <= 0:
            return b""
        if not isinstance(self.file, io.FileIO):
            return self.file.read_at(start, size)
        return os.pread(self.file.fileno(), size, start)

    @property
    def is_far(self) -> bool:
        """Whether a random read is slow (an object of a store)."""
        return not isinstance(self.file, io.FileIO)

    def fault(self, error: Exception) -> NormcliError | None:
        """The I/O error behind an exception of pyarrow, None if the data are at fault: only system errors have an
        errno."""
        if not isinstance(self.file, io.FileIO):
            return self.failed(self.file.failure) if self.file.failure else None
        number = error.errno if isinstance(error, OSError) else None
        return self.failed(OSError(number, os.strerror(number))) if number else None

    def failed(self, error: OSError) -> NormcliError:
        """The NormcliError for an error of reading."""
        if isinstance(error, PermissionError):
            return NoInputError(f"{self.name}: {error.strerror}", advice(error))
        return OutputError(f"{self.name}: reading failed: {error.strerror}", advice(error))

    def rest(self) -> bytes:
        """All remaining bytes."""
        parts = []
        while part := self.read(1 << 20):
            parts.append(part)
        return b"".join(parts)

    @property
    def closed(self) -> bool:
        return self.file.closed

    def close(self) -> None:
        """Closes the file and all `handles`."""
        for handle in self.handles:
            handle.close()
        self.file.close()

    def drain(self) -> None:
        """Reads a pipe to its end, so that its writer gets no SIGPIPE; where the bytes lie in a file, nothing."""
        while not self.regular and self.read(1 << 20):
            pass


def identity(status: os.stat_result) -> tuple[int, ...]:
    """What changes if a file is replaced or modified: device, inode, size in bytes, modification time in ns."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def changed(name: str) -> BadDataError:
    """That an input was changed while a run read it."""
    return BadDataError(f"{name}: was changed while it was read", "run it again, once nobody writes to it")


def check_unchanged(path: str | os.PathLike[str], before: tuple[object, ...]) -> None:
    """Raises BadDataError if the identity of a file or an object has changed."""
    try:
        now = tuple(_far(os.fspath(path)).origin.items()) if stores.is_uri(path) else identity(os.stat(path))
    except (OSError, NoInputError):
        now = ()
    if now != before:
        raise BadDataError(f"{printable(os.fsdecode(path))}: was changed while it was read more than once", "fit again")


def check_version(source: Source, before: tuple[object, ...]) -> None:
    """Raises BadDataError for an input that is open once more, if it was of another version before."""
    if before and source.version != before:
        raise changed(source.name)


def _far(uri: str) -> Object:
    from normcli.io.stores.reading import Object

    return Object(uri)


def open_source(
    path: str | os.PathLike[str] | None,
    *,
    example: str = "normcli fit data.csv -m zscore",
    keys: tuple[tuple[str, str | None], ...] = (),
    room: int | None = None,
    spelling: str | None = None,
) -> Source:
    """Opens an input: a path, or standard input for None and `-`; with the partition `keys` of its directories, read in
    `room` bytes of memory. Messages name it by its path, or by its `spelling`. Raises NoInputError; UsageError for a
    terminal."""
    if path is None or os.fspath(path) == "-":
        if fcntl.fcntl(0, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:  # how a closed descriptor is opened at start
            raise NoInputError("standard input is closed", f"for example: {example}")
        if os.isatty(0):
            raise UsageError("no INPUT, and standard input is a terminal", f"for example: {example}")
        return Source(STDIN, io.FileIO(0, "rb", closefd=False), keys=keys, room=room)
    path = stores.plain(os.fsdecode(path))
    spelling = spelling or path
    name = printable(spelling) or "''"
    if stores.is_uri(path):
        return Source(name, _far(path), keys=keys, room=room)
    try:
        file = io.FileIO(path, "rb")
    except IsADirectoryError:
        raise NoInputError(f"{name}: is a directory", "name a file in it") from None
    except (OSError, ValueError) as e:
        raise open_error(NoInputError, name, e, partial(spelled_as, spelling, path)) from None
    return Source(name, file, keys=keys, room=room)
