"""Writing an object, atomically.

pyarrow's streams publish their bytes when they are closed, and also when they are garbage-collected. A stream that must
not be published therefore has to outlive the process. Its uploaded parts stay in the bucket, invisible, until the
bucket's rule for incomplete uploads removes them. The rest of a stream after its full parts (of 10 MB on S3) is
uploaded only when it is closed: until then, its success is unknown.
"""

from __future__ import annotations

import ctypes
import os
import tempfile
from functools import lru_cache
from typing import IO, Any

from normcli.caching import cached_property
from normcli.errors import CannotCreateError, OutputError, UsageError, printable
from normcli.io.stores._filesystems import DENIED, Outcome, info, open_object, place, s3, store_request

PIECE = 8 << 20  # bytes per write
SINGLE = 10 << 20  # largest object in bytes that is uploaded by one request
WINDOW = 4  # unflushed pieces: the stream itself would buffer all of them in memory
UNKNOWN = "unknown"  # instead of an object's size and metadata, if the store does not answer
INCOMPLETE = "what was sent stays, unseen, until the bucket's rule for incomplete uploads removes it"

writable: set[str] = set()  # directories of stores that are known to be writable
uploads: dict[str, Any] = {}  # streams opened by `check`, by URI


class Upload:
    """Upload of a local file to a key. Raises CannotCreateError if it is known to fail, UsageError if a failure could
    not be rolled back."""

    def __init__(self, uri: str) -> None:
        check(uri)
        self.uri, self.name = uri, printable(uri)
        self._stream = uploads.pop(uri, None)
        self._sent = 0
        self._copy: IO[bytes] | None = None
        self._is_denied = False

    @cached_property
    def before(self) -> object:
        """The version of the object to be replaced."""
        return version(self.uri)

    def send(self, fd: int) -> None:
        """Uploads as much of a file as can be done without publishing it. Raises CannotCreateError if access is denied,
        else OutputError."""
        if self._stream is None:
            self._stream = _begin(self.uri, delayed=True)
        with store_request(self.uri) as outcome:
            while data := os.pread(fd, PIECE, self._sent):
                self._sent += len(data)
                self._stream.write(data)
                if self._sent % (WINDOW * PIECE) == 0:
                    self._stream.flush()
            if self._sent > SINGLE:
                self._stream.flush()  # waits for pending parts
        if outcome.fault:
            raise self._failed(outcome)
        _ = self.before  # before it is replaced

    def publish(self) -> None:
        """Publishes the object. Raises CannotCreateError if access is denied, else OutputError. A lost response is no
        failure if the object turns out to be the new one."""
        with store_request(self.uri) as outcome:
            self._stream.close()
        if not outcome.fault:
            _release(self._stream)
        elif not self._is_published():
            self._is_denied = outcome.denied
            raise self._failed(outcome)
        self._stream = None

    def _is_published(self) -> bool:
        now = version(self.uri)
        return isinstance(now, tuple) and now[0] == self._sent and self.before not in (now, UNKNOWN)

    def is_untouched(self) -> bool:
        """Whether the object is known not to have been replaced."""
        return self._is_denied or (self.before != UNKNOWN and version(self.uri) == self.before)

    def preserve(self, where: str) -> None:
        """Keeps a copy of the object to be replaced, if it is readable, in an unnamed file in the directory `where`."""
        if not isinstance(self.before, tuple):
            return
        with store_request(self.uri) as outcome:
            file, *_ = open_object(self.uri)
            copy = tempfile.TemporaryFile(prefix=".normcli-", suffix=".tmp", dir=where)  # noqa: SIM115
            while data := file.read(PIECE):
                copy.write(data)
        self._copy = None if outcome.fault else copy

    def restore(self) -> bool:
        """Puts the object before `publish` back; whether that succeeded. When the last object of a directory is
        deleted, pyarrow leaves an empty object for the directory."""
        if self.before is not None and self._copy is None:
            return False
        with store_request(self.uri) as outcome:
            files, path = place(self.uri)
            if self._copy is None:
                files.delete_file(path)
            else:
                self._copy.seek(0)
                stream = _begin(self.uri, delayed=True)
                while data := self._copy.read(PIECE):
                    stream.write(data)
                stream.close()
                _release(stream)
        return not outcome.fault

    def _failed(self, outcome: Outcome) -> CannotCreateError | OutputError:
        error = CannotCreateError if outcome.denied else OutputError
        return error(f"{self.name}: uploading failed: {outcome.fault}", INCOMPLETE if self._sent > SINGLE else "")


def put(uri: str, data: bytes) -> None:
    """Writes an object that is in memory. Raises CannotCreateError if access is denied, else OutputError."""
    with store_request(uri) as outcome:
        stream = _begin(uri, delayed=True)
        stream.write(data)
        stream.close()
        _release(stream)
    if outcome.fault:
        error = CannotCreateError if outcome.denied else OutputError
        raise error(f"{printable(uri)}: uploading failed: {outcome.fault}")


def version(uri: str) -> object:
    """The size in bytes and the version metadata of an object; None if there is none, UNKNOWN if the request failed."""
    with store_request(uri) as outcome:
        file, size, marks = open_object(uri)
        file.close()
        return size, marks
    return None if outcome.absent else UNKNOWN


def check(uri: str, name: str | None = None) -> None:
    """Raises CannotCreateError if an object can't be written: the bucket does not exist or is unreachable, or on S3
    access is denied; UsageError if a failure could not be rolled back. Permissions are checked once per directory. The
    message calls the object by `name`."""
    if uri.startswith("abfs"):
        why = "there, pyarrow empties an object before it writes, and a failure would leave it so"
        raise UsageError(f"{printable(uri)}: can't be written: {why}", "write a file, and copy it with azcopy")
    scheme, _, rest = uri.partition("://")
    fault = _fault_of(f"{scheme}://{rest.partition('/')[0]}/")
    if fault and not DENIED.search(fault):
        raise CannotCreateError(f"{printable(name or uri)}: {fault}")
    directory = uri.rpartition("/")[0]
    if scheme == "s3" and directory not in writable:
        if fault or _is_copy_denied(uri):
            uploads[uri] = _begin(uri, delayed=False)
        writable.add(directory)


@lru_cache
def _fault_of(bucket: str) -> str | None:
    """The fault of a bucket, None if it is usable."""
    with store_request(bucket) as outcome:
        if info(bucket)[0] == "NotFound":
            outcome.fault = "there is no such bucket"
    return outcome.fault


def _is_copy_denied(uri: str) -> bool:
    """Whether copying a nonexistent object to a key is denied: a request that leaves nothing behind, and that is
    allowed to whoever may write and read there."""
    with store_request(uri) as outcome:
        files, path = place(uri)
        files.copy_file(f"{os.path.dirname(path)}/.normcli-{os.urandom(8).hex()}.tmp", path)
    return outcome.denied


def _begin(uri: str, *, delayed: bool) -> Any:
    """The stream of an upload, never garbage-collected; if not `delayed`, the store has accepted it. Raises
    CannotCreateError."""
    with store_request(uri) as outcome:
        files, path = place(uri)
        if not delayed:
            files = s3(path.partition("/")[0], delayed=False)
        stream = files.open_output_stream(path, compression=None)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(stream))
        return stream
    raise CannotCreateError(f"{printable(uri)}: {outcome.fault}")


def _release(stream: Any) -> None:
    """Lets a closed stream be garbage-collected."""
    ctypes.pythonapi.Py_DecRef(ctypes.py_object(stream))
