"""An object that is written: it appears whole or not at all.

pyarrow's streams publish what they have when they are closed, and also when they are collected. One that is not to be
published therefore must outlive the process. What it sent before stays in the bucket, unseen, until the bucket's rule
for incomplete uploads removes it. What is left of a stream when all full parts are sent (on S3 of 10 MB) it sends only
when it is closed: until then nothing else tells whether that will go well.
"""

from __future__ import annotations

import ctypes
import os
import tempfile
from functools import cached_property, lru_cache
from typing import IO, Any

from normcli.errors import CannotCreateError, OutputError, UsageError, printable
from normcli.io.stores._filesystems import DENIED, Asked, asking, kind, open_object, place, s3

PIECE = 8 << 20  # bytes handed over at once
SINGLE = 10 << 20  # bytes that go in one request
WINDOW = 4  # pieces under way: the stream itself would take all that there are into memory
UNKNOWN = "unknown"  # in place of an object's size and marks: the store does not tell
INCOMPLETE = "what was sent stays, unseen, until the bucket's rule for incomplete uploads removes it"

writable: set[str] = set()  # the directories of stores in which objects may be put, as far as was asked
uploads: dict[str, Any] = {}  # uploads that were begun by asking, by URI


class Upload:
    """A key that is to be written, by way of a local file. Raises CannotCreateError where that is known to be in vain,
    UsageError where it could not be undone."""

    def __init__(self, uri: str) -> None:
        check(uri)
        self.uri, self.name = uri, printable(uri)
        self._stream = uploads.pop(uri, None)
        self._sent = 0
        self._copy: IO[bytes] | None = None
        self._is_denied = False

    @cached_property
    def before(self) -> object:
        """The version of the object that is to be replaced."""
        return version(self.uri)

    def send(self, fd: int) -> None:
        """All of a file, as far as it can go without being seen. Raises CannotCreateError where that is denied, else
        OutputError."""
        if self._stream is None:
            self._stream = _begin(self.uri, delayed=True)
        with asking(self.uri) as asked:
            while data := os.pread(fd, PIECE, self._sent):
                self._sent += len(data)
                self._stream.write(data)
                if self._sent % (WINDOW * PIECE) == 0:
                    self._stream.flush()
            if self._sent > SINGLE:
                self._stream.flush()  # waits for what is under way
        if asked.fault:
            raise self._failed(asked)
        _ = self.before  # while it is there

    def publish(self) -> None:
        """What was sent is the object. Raises CannotCreateError where that is denied, else OutputError. An answer that
        never came is no failure where the object is seen to be the new one."""
        with asking(self.uri) as asked:
            self._stream.close()
        if not asked.fault:
            _release(self._stream)
        elif not self._is_published():
            self._is_denied = asked.denied
            raise self._failed(asked)
        self._stream = None

    def _is_published(self) -> bool:
        now = version(self.uri)
        return isinstance(now, tuple) and now[0] == self._sent and self.before not in (now, UNKNOWN)

    def is_untouched(self) -> bool:
        """Whether what had the name before is known to have it still."""
        return self._is_denied or (self.before != UNKNOWN and version(self.uri) == self.before)

    def preserve(self, where: str) -> None:
        """Keeps a copy of what is to be replaced, if it may be had, in a file without a name."""
        if not isinstance(self.before, tuple):
            return
        with asking(self.uri) as asked:
            file, *_ = open_object(self.uri)
            copy = tempfile.TemporaryFile(prefix=".normcli-", suffix=".tmp", dir=where)  # noqa: SIM115
            while data := file.read(PIECE):
                copy.write(data)
        self._copy = None if asked.fault else copy

    def restore(self) -> bool:
        """Whether what was there before `publish` is there again. pyarrow leaves an empty object for the directory of
        the last one in it that is deleted."""
        if self.before is not None and self._copy is None:
            return False
        with asking(self.uri) as asked:
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
        return not asked.fault

    def _failed(self, asked: Asked) -> CannotCreateError | OutputError:
        error = CannotCreateError if asked.denied else OutputError
        return error(f"{self.name}: uploading failed: {asked.fault}", INCOMPLETE if self._sent > SINGLE else "")


def version(uri: str) -> object:
    """The size in bytes and the marks of an object; None where there is none, UNKNOWN where the store does not say."""
    with asking(uri) as asked:
        file, size, marks = open_object(uri)
        file.close()
        return size, marks
    return None if asked.absent else UNKNOWN


def check(uri: str, name: str | None = None) -> None:
    """Raises CannotCreateError where an object can't be put, because there is no such bucket, or it is out of reach, or
    on S3 because that is denied; UsageError where a failure could not be undone. In each directory, what is denied is
    asked for once. The object is called by the `name` of what it is for."""
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
    """What is wrong with a bucket."""
    with asking(bucket) as asked:
        if kind(bucket) == "NotFound":
            asked.fault = "there is no such bucket"
    return asked.fault


def _is_copy_denied(uri: str) -> bool:
    """Whether what has no name can't be copied to a key: a request that leaves nothing behind, and which who may put an
    object there is not denied, unless he may not read."""
    with asking(uri) as asked:
        files, path = place(uri)
        files.copy_file(f"{os.path.dirname(path)}/.normcli-{os.urandom(8).hex()}.tmp", path)
    return asked.denied


def _begin(uri: str, *, delayed: bool) -> Any:
    """The stream of an upload, never collected; unless `delayed`, the store has agreed to it. Raises
    CannotCreateError."""
    with asking(uri) as asked:
        files, path = place(uri)
        if not delayed:
            files = s3(path.partition("/")[0], delayed=False)
        stream = files.open_output_stream(path, compression=None)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(stream))
        return stream
    raise CannotCreateError(f"{printable(uri)}: {asked.fault}")


def _release(stream: Any) -> None:
    """A stream that is closed may be collected."""
    ctypes.pythonapi.Py_DecRef(ctypes.py_object(stream))
