"""Where bytes come from: files, pipes and standard input, as named streams."""

import fcntl
import io
import os
import select
import stat
import tempfile
from dataclasses import dataclass, field

from normcli.compression import Expanded
from normcli.errors import BadDataError, NoInputError, OutputError, UsageError, printable

STDIN = "<stdin>"


@dataclass
class Source:
    """A stream of bytes with the name that messages call it by. Read once, from the start to the end; what is
    compressed is expanded."""

    name: str
    file: io.FileIO
    pushed: bytes = field(default=b"", repr=False)
    count: int = 0  # bytes read so far

    def __post_init__(self) -> None:
        status = os.fstat(self.file.fileno())
        self.regular = stat.S_ISREG(status.st_mode)
        self.identity = identity(status)
        self._length = status.st_size - self.file.tell() if self.regular else None
        self._expanded = Expanded(self.file, self.name)

    @property
    def compression(self) -> str | None:
        """What it is compressed by, told by its first bytes."""
        self.peek(1)
        return self._expanded.codec.name if self._expanded.codec else None

    @property
    def size(self) -> int | None:
        """How many bytes there are in all, where that is known."""
        return None if self.compression else self._length

    def is_file(self, path: str | None) -> bool:
        """Whether this is the regular file of that path, however it was opened."""
        if not self.regular or path in (None, "-"):
            return False
        try:
            return os.path.samestat(os.fstat(self.file.fileno()), os.stat(str(path)))
        except OSError:
            return False

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
        buffer.seek(max(size - 1, 0))
        buffer.write(b"\0")
        with buffer.getbuffer() as view:
            view[: len(begun)] = begun
            done = len(begun)
            try:
                while done < size:
                    got = self._expanded.readinto(view[done:size])
                    if got is None:  # a pipe that does not block
                        select.select([self.file], [], [])
                    elif got == 0:
                        break
                    else:
                        done += got
            except OSError as e:
                raise OutputError(f"{self.name}: reading failed: {e.strerror}") from None
        buffer.truncate(done)
        return buffer.getvalue()

    def in_place(self) -> str:
        """A path under which the bytes can be read at any position: the file itself, or a spool."""
        if not self.regular:
            try:
                with tempfile.TemporaryFile(prefix=".normcli-") as spool:
                    while data := self.read(1 << 20):
                        spool.write(data)
                    spool.flush()
                    self.file = io.FileIO(os.dup(spool.fileno()), "rb")
            except OSError as e:
                where = tempfile.gettempdir()
                raise OutputError(f"{self.name}: can't be kept in {where}: {e.strerror}", "set TMPDIR") from None
        self.count = os.fstat(self.file.fileno()).st_size
        return f"/dev/fd/{self.file.fileno()}"

    def rest(self) -> bytes:
        """All that is left."""
        parts = []
        while part := self.read(1 << 20):
            parts.append(part)
        return b"".join(parts)

    def close(self) -> None:
        """Nothing is read any more."""
        self.file.close()

    def drain(self) -> None:
        """Reads to the end, so that whoever writes is not told that nobody listens."""
        while not self.regular and self.read(1 << 20):
            pass


def identity(status: os.stat_result) -> tuple[int, ...]:
    """By what a file is known to be the same, and unchanged."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def check_unchanged(path: str | os.PathLike[str], before: tuple[int, ...]) -> None:
    """Raises BadDataError where a file's identity is not what it was."""
    try:
        same = identity(os.stat(path)) == before
    except OSError:
        same = False
    if not same:
        raise BadDataError(f"{printable(os.fsdecode(path))}: was changed while it was read more than once", "fit again")


def open_source(path: str | os.PathLike[str] | None, *, example: str = "normcli fit data.csv -m zscore") -> Source:
    """The input: a path, or standard input for None and `-`. Raises NoInputError; UsageError for a terminal."""
    if path is None or os.fspath(path) == "-":
        if fcntl.fcntl(0, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:  # how a closed one is opened at start
            raise NoInputError("standard input is closed")
        if os.isatty(0):
            raise UsageError("no INPUT, and standard input is a terminal", f"for example: {example}")
        return Source(STDIN, io.FileIO(0, "rb", closefd=False))
    name = printable(os.fsdecode(path)) or "''"
    try:
        file = io.FileIO(os.fspath(path), "rb")
    except IsADirectoryError:
        raise NoInputError(f"{name}: is a directory", "name a file in it") from None
    except (OSError, ValueError) as e:
        raise NoInputError(f"{name}: {getattr(e, 'strerror', None) or e}") from None
    return Source(name, file)
