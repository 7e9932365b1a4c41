"""A range of a file as a raw stream."""

from __future__ import annotations

import io
import os


class FileRange:
    """The bytes of a file from `start` to `end`. The position of the file is neither used nor changed."""

    def __init__(self, file: io.FileIO, start: int, end: int) -> None:
        self._file, self._at, self._end = file, start, end

    def readinto(self, view: memoryview) -> int:
        """As for a raw stream. Raises OSError."""
        with view[: self._end - self._at] as wanted:
            count = os.preadv(self._file.fileno(), [wanted], self._at) if wanted else 0
        self._at += count
        return count
