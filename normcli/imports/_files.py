"""Files of other programs: opened, and JSON in them parsed."""

from __future__ import annotations

import json
import os
import stat
from typing import Any, BinaryIO

from normcli.errors import NoInputError, open_error, printable


def opened(path: str, *, directory: str = "a file is read") -> BinaryIO:
    """An open regular file; `directory` is the hint where it is one. Raises NoInputError, also for pipes and devices,
    which may have no end: they are not opened."""
    shown = printable(path)
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise NoInputError(f"{shown}: is a directory", directory)
        if not stat.S_ISREG(mode):
            raise NoInputError(f"{shown}: is no regular file, but a pipe or a device", "copy it to a file first")
        return open(path, "rb")
    except (OSError, ValueError) as e:
        raise open_error(NoInputError, shown, e) from None


def parsed(text: bytes) -> Any:
    """JSON, in which no object has a name twice. Raises ValueError."""
    try:
        return json.loads(text.decode(), object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError("too deep") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name is there twice")
    return dict(pairs)
