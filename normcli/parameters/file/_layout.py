"""Layout of the file: JSON with line breaks for reading and diffs."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from types import UnionType
from typing import Any

import msgspec
from msgspec import Struct

VERSION = 1
LARGEST = 1 << 32  # bytes; 8,000 whitened columns stay below, at 65 for each pair of them
TOP = ("format", "version", "rows", "skipped", "inputs", "schema", "steps", "digest")
STEP = ("method", "options", "columns", "learned", "statistics")
ENCODER = json.JSONEncoder(allow_nan=False, ensure_ascii=False)
CONTENT = re.compile("xxh3-128:[0-9a-f]{32}")


class Lines(Struct, frozen=True):
    """A list with one entry per line, written lazily."""

    entries: Iterable[dict[str, Any]]


def _any_is(values: Iterable[Any], kind: type | UnionType) -> bool:
    """Whether one is: of each type it is asked once, for lists are as long as there are features."""
    return any(issubclass(t, kind) for t in set(map(type, values)))


def _short(value: Any) -> bool:
    return not isinstance(value, dict | list) or (
        isinstance(value, list) and len(value) <= 4 and not _any_is(value, dict | list)
    )


def _line(value: Any) -> str:
    """JSON on one line; long lists of numbers go through msgspec, which writes them ten times as fast."""
    if isinstance(value, list) and len(value) > 4 and set(map(type, value)) == {float}:
        return msgspec.json.encode(value).decode().replace(",", ", ")
    return ENCODER.encode(value)


def laid(value: Any, depth: int = 0) -> Iterator[str]:
    """JSON text in pieces: containers without nested ones (in objects, short lists are allowed) on one line."""
    if isinstance(value, Lines):
        yield "["
        for i, entry in enumerate(value.entries):
            yield f"{',' if i else ''}\n{' ' * (depth + 1)}{msgspec.json.encode(entry).decode()}"
        yield f"\n{' ' * depth}]"
        return
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    lines = isinstance(value, list) and _any_is(value, str)  # texts stand below one another
    if not (lines or _any_is(inner, dict | list)) or (isinstance(value, dict) and all(map(_short, inner))):
        yield _line(value)
        return
    pad, (left, right) = " " * (depth + 1), "{}" if isinstance(value, dict) else "[]"
    yield left
    entries = value.items() if isinstance(value, dict) else ((None, v) for v in value)
    for i, (k, v) in enumerate(entries):
        yield f"{',' if i else ''}\n{pad}" + (f"{ENCODER.encode(k)}: " if k is not None else "")
        yield from laid(v, depth + 1)
    yield f"\n{' ' * depth}{right}"


def digest_of(body: Iterable[str]) -> str:
    """The digest of a document without that field, as text in our layout: whitespace in a file does not matter."""
    digest = hashlib.sha256()
    for piece in body:
        digest.update(piece.encode())
    return f"sha256:{digest.hexdigest()}"
