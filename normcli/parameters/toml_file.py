"""TOML files: plans, and limits of drift."""

from __future__ import annotations

import re
from contextlib import closing
from typing import Any

from normcli.errors import UsageError, printable
from normcli.io.sources import open_source

LARGEST = 1 << 24  # bytes


def read(path: str, *, example: str) -> tuple[bytes, str]:
    """The bytes of a file, and its name for messages. Raises NoInputError, UsageError."""
    data = b""
    with closing(open_source(path, example=example)) as source:
        while len(data) <= LARGEST and (part := source.read(1 << 20)):
            data += part
        return data, source.name


def parsed(data: bytes) -> dict[str, Any]:
    """The table in the bytes of a file. Raises UsageError, whose message continues the name of the file."""
    import tomllib

    if len(data) > LARGEST:
        raise UsageError(f": more than {LARGEST >> 20} MB")
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except tomllib.TOMLDecodeError as e:
        place = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", str(e), re.DOTALL)
        what = place[1] if place else str(e)
        line = (place and place[2]) or 1 + data.rstrip().count(b"\n")
        raise UsageError(f":{line}: not TOML: {printable(what[:1].lower() + what[1:])}") from None
    except (UnicodeDecodeError, RecursionError, ValueError) as e:
        why = "not UTF-8" if isinstance(e, UnicodeDecodeError) else "a value that can't be read"
        raise UsageError(f": not TOML: {why}") from None
