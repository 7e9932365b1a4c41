"""Where bytes come from: files, pipes and standard input, as named streams."""

import fcntl
import io
import os
import select
import stat
import tempfile
from dataclasses import dataclass, field

from normcli.errors import NoInputError, OutputError, UsageError, printable

STDIN = "<stdin>"


@dataclass
class Source:
    """A stream of bytes with the name that messages call it by. Read once, unless it is `regular`."""

    name: str
    file: io.FileIO
    pushed: bytes = field(default=b"", repr=False)
    count: int = 0  # bytes read so far

    @property
    def regular(self) -> bool:
        return stat.S_ISREG(os.fstat(self.file.fileno()).st_mode)

    @property
    def size(self) -> int | None:
        """Bytes left to read, where that is known."""
        if not self.regular:
            return None
        return os.fstat(self.file.fileno()).st_size - self.file.tell() + len(self.pushed)

    def peek(self, count: int) -> bytes:
        """The first bytes, still to be read."""
        if len(self.pushed) < count:
            buffer = bytearray(count - len(self.pushed))
            got = self._fill(memoryview(buffer))
            self.pushed += bytes(buffer[:got])
        return self.pushed[:count]

    def fill(self, view: memoryview) -> int:
        """As many bytes as fit; fewer only at the end. Raises OutputError where reading fails."""
        got = min(len(view), len(self.pushed))
        view[:got] = self.pushed[:got]
        self.pushed = self.pushed[got:]
        return got + (self._fill(view[got:]) if got < len(view) else 0)

    def _fill(self, view: memoryview) -> int:
        done = 0
        try:
            while done < len(view):
                got = self.file.readinto(view[done:])
                if got is None:  # a pipe that does not block
                    select.select([self.file], [], [])
                elif got == 0:
                    break
                else:
                    done += got
                    self.count += got
        except OSError as e:
            raise OutputError(f"{self.name}: reading failed: {e.strerror}") from None
        return done

    def in_place(self) -> str:
        """A path under which the bytes can be read at any position: the file itself, or a spool."""
        if not self.regular:
            buffer = memoryview(bytearray(1 << 20))
            try:
                with tempfile.TemporaryFile(prefix=".normcli-") as spool:
                    while got := self.fill(buffer):
                        spool.write(buffer[:got])
                    spool.flush()
                    self.file = io.FileIO(os.dup(spool.fileno()), "rb")
            except OSError as e:
                where = tempfile.gettempdir()
                raise OutputError(f"{self.name}: can't be kept in {where}: {e.strerror}", "set TMPDIR") from None
        return f"/dev/fd/{self.file.fileno()}"

    def drain(self) -> None:
        """Reads to the end, so that whoever writes is not told that nobody listens."""
        if not self.regular:
            buffer = memoryview(bytearray(1 << 20))
            while self._fill(buffer):
                pass


def open_source(path: str | os.PathLike[str] | None, *, example: str = "normcli fit data.csv -m zscore") -> Source:
    """The input: a path, or standard input for None and `-`. Raises NoInputError; UsageError for a terminal."""
    if path is None or os.fspath(path) == "-":
        if fcntl.fcntl(0, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:  # how a closed one is opened at start
            raise NoInputError("standard input is closed")
        if os.isatty(0):
            raise UsageError("no INPUT, and standard input is a terminal", f"for example: {example}")
        return Source(STDIN, io.FileIO(0, "rb", closefd=False))
    name = printable(os.fsdecode(path))
    try:
        file = io.FileIO(os.fspath(path), "rb")
    except IsADirectoryError:
        raise NoInputError(f"{name}: is a directory", "name a file in it") from None
    except (OSError, ValueError) as e:
        raise NoInputError(f"{name}: {getattr(e, 'strerror', None) or e}") from None
    return Source(name, file)


def read_all(path: str, limit: int) -> bytes:
    """All bytes of a small input, or one more than `limit` of a larger one. Raises NoInputError."""
    source = open_source(path)
    data = bytearray()
    buffer = memoryview(bytearray(1 << 20))
    while len(data) <= limit and (got := source.fill(buffer)):
        data += buffer[:got]
    return bytes(data)
