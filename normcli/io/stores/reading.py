"""Reading an object: sequentially with read-ahead, or at random positions.

Each range is requested together with the object's version, so that all bytes are of the object that was opened. The
client can't read an error response that is longer than the range: it gives up with INTERNAL_FAILURE, and the error is
lost. Therefore ranges are extended where the object is longer; for a smaller one, the request is repeated to get the
error.
"""

from __future__ import annotations

import contextlib
import errno
import io
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from normcli.errors import NoInputError, printable
from normcli.io.stores._filesystems import FAULT, Outcome, attempts, open_object, place, store_request

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

FIRST = 1 << 16  # bytes: enough to detect the format
PIECE = 4 << 20  # bytes of each further request
RANGE = 8 << 20  # bytes of a request at a random position
AHEAD = 4  # concurrent requests: sequential ones use a fraction of the bandwidth
LEAST = 1 << 13  # bytes of a range that is longer than any error response
REPLACED, REMOVED = "it was replaced while it was read", "it was removed while it was read"
UNREAD = "Failed to flush response stream"  # the response was longer than the range


class Object:
    """An object of a store as a raw stream. Raises NoInputError if it does not exist or is not readable."""

    def __init__(self, uri: str) -> None:
        self.uri, self.name = uri, printable(uri)
        with store_request(uri) as outcome:
            self._file, self.size, self._marks = open_object(uri)
            self.closed = False
            self._stream = ObjectRange(self, 0, self.size, first=FIRST)
            self._threads: ThreadPoolExecutor | None = None
            self.failure: OSError | None = None  # the first one, before a library replaces it by another error
        if outcome.fault:
            raise NoInputError(f"{self.name}: {outcome.fault}")

    @property
    def origin(self) -> dict[str, str]:
        """The metadata that identify its version among all objects of its name."""
        return {k: v.decode("utf-8", "replace") for k, v in sorted(self._marks.items())}

    def random(self) -> Any:
        """A pyarrow file for random access."""
        import pyarrow as pa

        return pa.PythonFile(Random(self), mode="r")

    def readinto(self, view: memoryview) -> int:
        """As for a raw stream. Raises OSError."""
        return self._stream.readinto(view)

    def range(self, start: int, end: int) -> ObjectRange:
        """The bytes between two offsets as a raw stream."""
        return ObjectRange(self, start, end)

    def tell(self) -> int:
        """The number of bytes read sequentially."""
        return self._stream.position

    def read(self, size: int) -> bytes:
        """Some bytes, none at the end. Raises OSError."""
        data = bytearray(size)
        with memoryview(data) as view:
            count = self.readinto(view)
        return bytes(data[:count])

    def read_at(self, start: int, size: int) -> bytes:
        """Bytes at an offset, fewer at the end; large ranges by concurrent requests. Raises OSError."""
        if size <= RANGE:
            return self._fetch(start, size)
        end = min(start + size, self.size)
        pieces = [self.request(at, min(RANGE, end - at)) for at in range(start, end, RANGE)]
        return b"".join([piece.result() for piece in pieces])

    def request(self, start: int, length: int) -> Future[bytes]:
        """A range that is read by another thread."""
        return self._pool().submit(self._fetch, start, length)

    def _pool(self) -> ThreadPoolExecutor:
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor

            self._threads = ThreadPoolExecutor(AHEAD)
        return self._threads

    def _fetch(self, start: int, length: int) -> bytes:
        """A range of the object that was opened. Raises OSError; PermissionError if access is denied."""
        begin = max(0, min(start, self.size - LEAST))
        count = min(max(start + length, begin + LEAST), self.size) - begin
        if start >= self.size or length <= 0:
            return b""
        with store_request(self.uri) as outcome:
            data = self._answered(begin, count)
            if len(data) < count:
                outcome.fault = "it has become shorter"
        now = self._now()
        wrong = now if now.fault in (REPLACED, REMOVED) or not outcome.fault else outcome
        if wrong.fault:
            failure = OSError(errno.EACCES if wrong.denied else errno.EIO, wrong.fault)
            self.failure = self.failure or failure
            raise failure
        return data[start - begin :][:length]

    def _answered(self, start: int, count: int) -> bytes:
        """A range; the request is repeated if the client could not read an error response. Raises OSError."""
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
        """Requests more bytes than there are, so that the client can read an error response: pyarrow's files clip a
        range, but a fragment trusts the size it is given. Raises OSError for an error of the store."""
        import pyarrow as pa
        from pyarrow import dataset

        files, path = place(self.uri)
        try:
            dataset.ParquetFileFormat().make_fragment(path, files, file_size=FIRST).ensure_complete_metadata()
        except (pa.ArrowException, OSError) as e:
            if FAULT.search(str(e)):  # any other error is that it is not Parquet
                raise OSError(str(e)) from None

    def _now(self) -> Outcome:
        """The outcome of a check that the name still belongs to the object that was opened."""
        with store_request(self.uri) as outcome:
            file, *now = open_object(self.uri)
            file.close()
            if now != [self.size, self._marks]:
                outcome.fault = REPLACED
        if outcome.absent:
            outcome.fault = REMOVED
        return outcome

    def close(self) -> None:
        """Stops reading ahead."""
        self.closed = True
        if self._threads:
            self._threads.shutdown(wait=False, cancel_futures=True)


def read(uri: str) -> bytes:
    """All of a small object. Raises NoInputError, OSError."""
    with contextlib.closing(Object(uri)) as source:
        return b"".join(iter(partial(source.read, PIECE), b""))


class ObjectRange:
    """The bytes of an object from `start` to `end` as a raw stream with read-ahead, which begins once the `first` bytes
    were read."""

    def __init__(self, object: Object, start: int, end: int, *, first: int = 0) -> None:
        self._object, self._requested, self._end, self._first = object, start, end, first
        self._coming: deque[Future[bytes]] = deque()
        self._piece, self._at = memoryview(b""), 0
        self.position = 0  # bytes read so far

    def readinto(self, view: memoryview) -> int:
        """As for a raw stream. Raises OSError."""
        if self._at == len(self._piece):
            self._next()
        count = min(len(view), len(self._piece) - self._at)
        view[:count] = self._piece[self._at : self._at + count]
        self._at += count
        self.position += count
        return count

    def _next(self) -> None:
        """Makes the next piece the current one, empty at the end, and requests those after it. Raises OSError."""
        if self._first:
            data = self._object.read_at(self._requested, min(self._first, self._end - self._requested))
            self._requested, self._first = self._requested + len(data), 0
        else:
            while self._requested < self._end and len(self._coming) < AHEAD:
                length = min(PIECE, self._end - self._requested)
                self._coming.append(self._object.request(self._requested, length))
                self._requested += length
            data = self._coming.popleft().result() if self._coming else b""
        self._piece, self._at = memoryview(data), 0


class Random(io.RawIOBase):
    """An object as a seekable Python file. Closing it leaves the object open."""

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
