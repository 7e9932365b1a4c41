"""Bytes that wait in a temporary file until it is known what stands before them."""

from __future__ import annotations

import os
from typing import IO

from normcli.errors import OutputError
from normcli.formats import Outlet

PIECE = 1 << 20  # bytes that are copied at once


class Spool:
    """A file without a name, which is gone when nobody uses it."""

    def __init__(self) -> None:
        """Raises OutputError."""
        import tempfile

        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(prefix=".normcli-", buffering=0)  # noqa: SIM115
        except OSError as e:
            raise _failed(e) from None
        self.size = 0

    def write(self, data: bytes | memoryview) -> int:
        """Appends bytes. Raises OutputError."""
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as e:
            raise _failed(e) from None
        self.size += len(data)
        return len(data)

    def read(self, start: int, size: int) -> bytes:
        """Bytes from anywhere. Raises OutputError."""
        try:
            return os.pread(self._file.fileno(), size, start)
        except OSError as e:
            raise _failed(e) from None

    def copy_to(self, file: Outlet) -> None:
        """All of it. Raises OutputError."""
        for at in range(0, self.size, PIECE):
            file.write(self.read(at, min(PIECE, self.size - at)))


def _failed(error: OSError) -> OutputError:
    import tempfile

    what = f"rows can't be kept in {tempfile.gettempdir()} until their number is known: {error.strerror}"
    return OutputError(what, "TMPDIR names another place")
