"""An object that is written: it appears whole or not at all.

pyarrow's streams publish what they have when they are closed, and also when they are collected. One that is not to be
published therefore must outlive the process. What it sent before stays in the bucket, unseen, until the bucket's rule
for incomplete uploads removes it.
"""

from __future__ import annotations

import ctypes
import os
from functools import lru_cache
from typing import Any

from normcli.errors import CannotCreateError, OutputError, UsageError, printable
from normcli.stores._filesystems import DENIED, Asked, asking, kind, place, s3

PIECE = 8 << 20  # bytes handed over at once
SINGLE = 10 << 20  # bytes that go in one request
WINDOW = 4  # pieces under way: the stream itself would take all that there are into memory


class Upload:
    """A key that is to be written, by way of a local file. Raises CannotCreateError where that is known to be in vain,
    UsageError where it could not be undone."""

    def __init__(self, uri: str) -> None:
        self.uri, self.name = uri, printable(uri)
        self._stream: Any = None
        self._sent = 0
        if not check(uri) and uri.startswith("s3"):
            self._begin(delayed=False)  # that is asking, too

    def _begin(self, *, delayed: bool) -> None:
        with asking(self.uri) as asked:
            files, path = place(self.uri)
            if not delayed:
                files = s3(path.partition("/")[0], delayed=False)
            self._stream = files.open_output_stream(path, compression=None)
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._stream))  # never collected
        if asked.fault:
            raise CannotCreateError(f"{self.name}: {asked.fault}")

    def send(self, fd: int) -> None:
        """All of a file, as far as it can go without being seen. Raises CannotCreateError where that is denied, else
        OutputError."""
        if self._stream is None:
            self._begin(delayed=True)
        with asking(self.uri) as asked:
            while data := os.pread(fd, PIECE, self._sent):
                self._sent += len(data)
                self._stream.write(data)
                if self._sent % (WINDOW * PIECE) == 0:
                    self._stream.flush()
            if self._sent > SINGLE:
                self._stream.flush()  # waits for what is under way
        self._check(asked)

    def publish(self) -> None:
        """What was sent is the object. Raises CannotCreateError where that is denied, else OutputError."""
        with asking(self.uri) as asked:
            self._stream.close()
        self._check(asked)
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(self._stream))
        self._stream = None

    def _check(self, asked: Asked) -> None:
        if asked.fault:
            left = "what was sent stays, unseen, until the bucket's rule for incomplete uploads removes it"
            error = CannotCreateError if asked.denied else OutputError
            raise error(f"{self.name}: uploading failed: {asked.fault}", left if self._sent > SINGLE else "")


def check(uri: str) -> bool:
    """Whether the bucket is known to be there; False where we may not ask that, which says nothing of whether we may
    write. Raises CannotCreateError where it is not there, or out of reach; UsageError where a failure could not be
    undone."""
    if uri.startswith("abfs"):
        why = "there, pyarrow empties an object before it writes, and a failure would leave it so"
        raise UsageError(f"{printable(uri)}: can't be written: {why}", "write a file, and copy it with azcopy")
    scheme, _, rest = uri.partition("://")
    fault = _fault_of(f"{scheme}://{rest.partition('/')[0]}/")
    if fault and not DENIED.search(fault):
        raise CannotCreateError(f"{printable(uri)}: {fault}")
    return fault is None


@lru_cache
def _fault_of(bucket: str) -> str | None:
    """What is wrong with a bucket."""
    with asking(bucket) as asked:
        if kind(bucket) == "NotFound":
            asked.fault = "there is no such bucket"
    return asked.fault
