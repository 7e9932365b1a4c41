"""Whether files and objects are what they were: by their content, or by what a store says of an object."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct, field

from normcli.errors import NormcliError
from normcli.io import stores
from normcli.io.stores._filesystems import concurrently
from normcli.io.stores.reading import Object

PIECE = 1 << 20  # bytes read at a time

Version = dict[str, Any]  # an object's size in bytes, and what tells it from others of its name


def digest_of(path: str, is_wanted: Callable[[], bool] = lambda: True) -> str:
    """SHA-256 of the bytes of a file or an object, as long as it is wanted. Raises OSError, NoInputError,
    OutputError."""
    digest = hashlib.sha256()
    with contextlib.closing(Object(path) if stores.is_uri(path) else open(path, "rb", buffering=0)) as file:
        while is_wanted() and (piece := file.read(PIECE)):
            digest.update(piece)
    return f"sha256:{digest.hexdigest()}"


def digest_here(path: str, is_wanted: Callable[[], bool] = lambda: True) -> str | None:
    """Of a file or an object; None where it can't be read. Once it is no longer wanted, it is of what was read until
    then."""
    try:
        return digest_of(path, is_wanted)
    except (OSError, NormcliError):
        return None


def version_of(uri: str) -> Version:
    """Of an object. Raises NoInputError."""
    with contextlib.closing(Object(uri)) as remote:
        return {"size": remote.size, **remote.origin}


def version_here(uri: str) -> Version | None:
    """Of an object; None where the store does not say."""
    try:
        return version_of(uri)
    except NormcliError:
        return None


def digests_here(paths: Sequence[str]) -> Iterator[str | None]:
    """Of files, one after the other, or of objects."""
    return concurrently(digest_here, paths) if any(map(stores.is_uri, paths)) else map(digest_here, paths)


def versions_here(uris: Sequence[str]) -> Iterator[Version | None]:
    """Of objects."""
    return concurrently(version_here, uris)


class Checks(Struct, frozen=True):
    """What looks at files and objects, in whichever process; None for each that it can't see."""

    digests: Callable[[Sequence[str]], Iterator[str | None]] = field(default=digests_here)
    versions: Callable[[Sequence[str]], Iterator[Version | None]] = field(default=versions_here)
