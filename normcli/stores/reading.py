"""An object that is read: from the start to the end, some of it ahead, or at any place."""

from __future__ import annotations

import errno
from collections import deque
from typing import TYPE_CHECKING, Any

from normcli.errors import NoInputError, OutputError, printable
from normcli.stores._filesystems import FAULT, asking, place, reason

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

FIRST = 1 << 16  # bytes: enough to tell what it is
PIECE = 4 << 20  # bytes asked for at once after that
AHEAD = 4  # pieces under way: one after the other, a store gives a fraction of what the line could carry
MARKS = {"etag", "last-modified", "generation"}  # of an object's metadata: another one has others


class Object:
    """An object of a store, as a raw stream. Raises NoInputError where it is not there or not readable."""

    def __init__(self, uri: str) -> None:
        self.uri, self.name = uri, printable(uri)
        with asking(uri) as asked:
            self._file, self.size, self._marks = self._opened()
            self._at, self._end, self._piece = 0, 0, memoryview(b"")
            self._given, self.closed = 0, False
            self._coming: deque[Future[bytes]] = deque()
            self._threads: ThreadPoolExecutor | None = None
        if asked.fault:
            raise NoInputError(f"{self.name}: {asked.fault}")

    def _opened(self) -> tuple[Any, int, dict[str, bytes]]:
        files, path = place(self.uri)
        file = files.open_input_file(path)
        said = {str(k).lower(): v for k, v in (file.metadata() or {}).items()}
        return file, file.size(), {k: v for k, v in said.items() if k in MARKS}

    @property
    def origin(self) -> dict[str, str]:
        """What tells it from any other object that had, or will have, its name."""
        return {k: v.decode("utf-8", "replace") for k, v in sorted(self._marks.items())}

    def random(self) -> Any:
        """As a file of pyarrow's, to be read at any place."""
        return self._file

    def readinto(self, view: memoryview) -> int:
        """As of a raw stream. Raises OSError."""
        if self._at == len(self._piece):
            self._next()
        count = min(len(view), len(self._piece) - self._at)
        view[:count] = self._piece[self._at : self._at + count]
        self._at += count
        self._given += count
        return count

    def tell(self) -> int:
        """How many bytes were had."""
        return self._given

    def read(self, size: int) -> bytes:
        """Some bytes, none at the end. Raises OSError."""
        data = bytearray(size)
        with memoryview(data) as view:
            count = self.readinto(view)
        return bytes(data[:count])

    def _next(self) -> None:
        """The next piece, an empty one at the end; and those after it are asked for."""
        if self._end and self._threads is None:
            from concurrent.futures import ThreadPoolExecutor

            self._threads = ThreadPoolExecutor(AHEAD)
        while self._threads and len(self._coming) < AHEAD and self._end < self.size:
            self._coming.append(self._threads.submit(self._fetch, self._end, PIECE))
            self._end += PIECE
        try:
            if self._coming:
                data = self._coming.popleft().result()
            else:
                data = self._fetch(0, FIRST) if self._end == 0 else b""
                self._end = self._end or FIRST
        except OSError as e:
            raise OSError(errno.EIO, reason(e)) from None
        self._piece, self._at = memoryview(data), 0

    def _fetch(self, start: int, length: int) -> bytes:
        wanted = max(0, min(length, self.size - start))
        data: bytes = self._file.read_at(wanted, start) if wanted else b""
        if len(data) < wanted:
            raise OSError("it has become shorter")
        return data

    def close(self) -> None:
        """All was read. Raises OutputError where it is another object by now, some of which may have been read."""
        self.closed = True
        if self._threads:
            self._threads.shutdown(wait=False, cancel_futures=True)
        with asking(self.uri) as asked:
            file, size, marks = self._opened()
            file.close()
            if (size, marks) != (self.size, self._marks):
                asked.fault = "it was replaced while it was read"
        if asked.fault:
            raise OutputError(f"{self.name}: {asked.fault}")


def fault_of(error: Exception) -> str | None:
    """What a store says in an error that a library passed on; None where it is none of a store."""
    return reason(error) if FAULT.search(str(error)) else None
