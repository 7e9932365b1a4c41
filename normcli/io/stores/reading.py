"""An object that is read: from the start to the end, some of it ahead, or at any place.

Each range is asked for with the object's version, so that all that is read is of the one object that was opened. The
client can't read an error answer that is longer than the range, gives it up at once as INTERNAL_FAILURE, and keeps to
itself what it was. Ranges are therefore made longer where the object is; of a smaller one, what was answered is asked
for again.
"""

from __future__ import annotations

import errno
import io
from collections import deque
from typing import TYPE_CHECKING, Any

from normcli.errors import NoInputError, printable
from normcli.io.stores._filesystems import FAULT, Asked, asking, attempts, open_object, place

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

FIRST = 1 << 16  # bytes: enough to tell what it is
PIECE = 4 << 20  # bytes asked for at once after that
RANGE = 8 << 20  # bytes asked for at once of what is read at any place
AHEAD = 4  # pieces under way: one after the other, a store gives a fraction of what the line could carry
LEAST = 1 << 13  # bytes of a range that has room for any error answer
REPLACED, REMOVED = "it was replaced while it was read", "it was removed while it was read"
UNREAD = "Failed to flush response stream"  # an answer that was longer than the range


class Object:
    """An object of a store, as a raw stream. Raises NoInputError where it is not there or not readable."""

    def __init__(self, uri: str) -> None:
        self.uri, self.name = uri, printable(uri)
        with asking(uri) as asked:
            self._file, self.size, self._marks = open_object(uri)
            self._at, self._end, self._piece = 0, 0, memoryview(b"")
            self._given, self.closed = 0, False
            self._coming: deque[Future[bytes]] = deque()
            self._threads: ThreadPoolExecutor | None = None
            self.failure: OSError | None = None  # the first, whatever a library made of it
        if asked.fault:
            raise NoInputError(f"{self.name}: {asked.fault}")

    @property
    def origin(self) -> dict[str, str]:
        """What tells it from any other object that had, or will have, its name."""
        return {k: v.decode("utf-8", "replace") for k, v in sorted(self._marks.items())}

    def random(self) -> Any:
        """As a file of pyarrow's, to be read at any place."""
        import pyarrow as pa

        return pa.PythonFile(Random(self), mode="r")

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

    def read_at(self, start: int, size: int) -> bytes:
        """Bytes at any place, fewer where it ends; many of them in pieces, several at once. Raises OSError."""
        if size <= RANGE:
            return self._fetch(start, size)
        end = min(start + size, self.size)
        pieces = self._pool().map(lambda at: self._fetch(at, min(RANGE, end - at)), range(start, end, RANGE))
        return b"".join(pieces)

    def _pool(self) -> ThreadPoolExecutor:
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor

            self._threads = ThreadPoolExecutor(AHEAD)
        return self._threads

    def _next(self) -> None:
        """The next piece, an empty one at the end; and those after it are asked for."""
        while 0 < self._end < self.size and len(self._coming) < AHEAD:
            self._coming.append(self._pool().submit(self._fetch, self._end, PIECE))
            self._end += PIECE
        if self._coming:
            data = self._coming.popleft().result()
        else:
            data = self._fetch(0, FIRST) if self._end == 0 else b""
            self._end = self._end or FIRST
        self._piece, self._at = memoryview(data), 0

    def _fetch(self, start: int, length: int) -> bytes:
        """A range of the object that was opened. Raises OSError: PermissionError where it is denied."""
        begin = max(0, min(start, self.size - LEAST))
        count = min(max(start + length, begin + LEAST), self.size) - begin
        if start >= self.size or length <= 0:
            return b""
        with asking(self.uri) as asked:
            data = self._answered(begin, count)
            if len(data) < count:
                asked.fault = "it has become shorter"
        now = self._now()
        wrong = now if now.fault in (REPLACED, REMOVED) or not asked.fault else asked
        if wrong.fault:
            failure = OSError(errno.EACCES if wrong.denied else errno.EIO, wrong.fault)
            self.failure = self.failure or failure
            raise failure
        return data[start - begin :][:length]

    def _answered(self, start: int, count: int) -> bytes:
        """A range, asked for again where the answer was an error that the client can't read. Raises OSError."""
        for left in reversed(range(attempts())):
            try:
                data: bytes = self._file.read_at(count, start)
                return data
            except OSError as e:
                if UNREAD not in str(e):
                    raise
                self._ask_at_length()
                if not left:
                    raise
        return b""

    def _ask_at_length(self) -> None:
        """Asks for more than there is, so that the client can read the answer, an error or not; pyarrow's files do not,
        but a fragment takes our word for the size. Raises OSError where it is one of the store."""
        import pyarrow as pa
        from pyarrow import dataset

        files, path = place(self.uri)
        try:
            dataset.ParquetFileFormat().make_fragment(path, files, file_size=FIRST).ensure_complete_metadata()
        except (pa.ArrowException, OSError) as e:
            if FAULT.search(str(e)):  # anything else says that it is not Parquet
                raise OSError(str(e)) from None

    def _now(self) -> Asked:
        """Whether what has its name is still the object that was opened."""
        with asking(self.uri) as asked:
            file, *now = open_object(self.uri)
            file.close()
            if now != [self.size, self._marks]:
                asked.fault = REPLACED
        if asked.absent:
            asked.fault = REMOVED
        return asked

    def close(self) -> None:
        """Nothing more is read."""
        self.closed = True
        if self._threads:
            self._threads.shutdown(wait=False, cancel_futures=True)


class Random(io.RawIOBase):
    """An object as a file of Python's, to be read at any place. It stays open when this is closed."""

    def __init__(self, object: Object) -> None:
        super().__init__()
        self._object, self._at = object, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._object.size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Raises OSError."""
        data = self._object.read_at(self._at, self._object.size if size < 0 else size)
        self._at += len(data)
        return data
