"""Object stores: s3://, gs:// and abfs:// URIs, and the objects that they name.

A URI is a bucket and a key, character by character, as in the stores' own tools; `?` and `%` have no meaning in it. A
key that the client would normalize (`x/../y`, `x//y`) has no URI, so that two URIs are two objects. Endpoints and
credentials come from the environment, in the variables of those tools. A `/` in a key separates directories.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import lru_cache
from posixpath import normpath

from normcli.errors import NoInputError, UsageError, printable, short

SCHEMES = {"s3": "s3", "gs": "gs", "gcs": "gs", "abfs": "abfs", "abfss": "abfs"}
PARTS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://([^/]*)(/.*)?", re.DOTALL)
OPTIONS = re.compile(r"\?[a-z_]+=")
MAGIC = re.compile(r"[*?[]")
AFTER = "nothing can be said after a ?"
EMPTY = "a name between slashes is empty"
DOTS = "a name between slashes is . or .., which the client would leave out"
ENVIRONMENT = "AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and the like say that"


def is_uri(name: object) -> bool:
    """Whether a name is the URI of an object or of a directory of objects."""
    match = PARTS.fullmatch(os.fsdecode(name)) if isinstance(name, str | bytes | os.PathLike) else None
    return match is not None and match[1].lower() in SCHEMES


def text_of(path: object) -> str:
    """A path as text. Raises UsageError for what is none."""
    if not isinstance(path, str | bytes | os.PathLike):
        raise UsageError(f"{short(repr(path))} is no path")
    return os.fsdecode(path)


def plain(name: str) -> str:
    """The path of a file:// URI; any other name unchanged. Raises UsageError for a scheme that is not supported, and
    for a URI with credentials or options, which the message does not repeat."""
    match = PARTS.fullmatch(name)
    if match is None or (match[1].lower() not in SCHEMES and os.path.lexists(name)):
        return name
    scheme, authority, rest = match[1].lower(), match[2], match[3] or ""
    if scheme == "file":
        if authority not in ("", "localhost") or not rest:
            raise UsageError(f"{printable(name)}: names no file of this machine", "file:///directory/file does")
        from urllib.parse import unquote

        return unquote(rest, errors="surrogateescape")
    if scheme not in SCHEMES:
        hint = "curl URL | normcli …" if scheme.startswith(("http", "ftp")) else ""
        raise UsageError(f"{scheme}:// is not known here; file, {', '.join(SCHEMES)} are", hint)
    if ":" in authority or ("@" in authority and SCHEMES[scheme] != "abfs"):
        raise UsageError(f"{scheme}:// with credentials in it, which everybody can read", ENVIRONMENT)
    if why := unusable(name):
        meant = printable(f"{scheme}://{authority}{normpath(rest)}")
        hints = {AFTER: ENVIRONMENT, EMPTY: "s3://bucket/key is how objects are named"}
        shown = name.split("?")[0] if why == AFTER else name
        raise UsageError(f"{printable(shown)}: {why}", hints.get(why, f"name {meant}, if that is meant"))
    return f"{scheme}://{authority}{rest}"


def unusable(uri: str) -> str | None:
    """Why a URI can't name the object or the directory of its key; None if it can."""
    bucket, *parts = uri.partition("://")[2].split("/")
    if OPTIONS.search(uri):
        return AFTER
    if "" in (bucket, *parts[:-1]):
        return EMPTY
    return DOTS if {".", ".."} & set(parts) else None


def resolved(path: str) -> str:
    """The canonical name of a file or an object: equal for all its names."""
    match = PARTS.fullmatch(path) if is_uri(path) else None
    if match is None:
        return os.path.realpath(path)
    container, at, host = match[2].partition("@")
    return f"{SCHEMES[match[1].lower()]}://{container}{at}{host.partition('.')[0]}{match[3] or '/'}"


def is_directory(uri: str) -> bool:
    """Whether a URI ends in /, or there are objects below it and none of that name. False if the store does not
    answer."""
    return uri.endswith("/") or _lookup(uri)[0] == "Directory"


def exists(uri: str) -> bool:
    """Whether there is an object or a directory of that name. Raises NoInputError if the store does not answer."""
    kind, _, fault = _lookup(uri)
    if fault:
        raise NoInputError(f"{printable(uri)}: {fault}")
    return kind != "NotFound"


def size_of(uri: str) -> int:
    """Bytes of an object; 0 if the store does not say."""
    return _lookup(uri)[1]


@lru_cache
def _lookup(uri: str) -> tuple[str, int, str | None]:
    """The type of what a URI names (File, Directory, NotFound) and its size in bytes, or the fault of the request;
    cached for the run."""
    from normcli.io.stores._filesystems import info, store_request

    with store_request(uri) as outcome:
        return *info(uri), None
    return "", 0, outcome.fault


def entries(uri: str) -> Iterator[tuple[str, int, str | None]]:
    """Each object below a directory, its size in bytes, and the reason why it is no input (None: no reason in its
    name); a hidden directory is one entry. Raises NoInputError."""
    from normcli.io.stores._filesystems import listed

    top, hidden = uri.rstrip("/") + "/", set()
    for key, size in listed(uri, recursive=True).items():
        if size is None:
            continue
        parts = key.split("/")
        at = next((j for j, part in enumerate(parts) if part.startswith("_") or _is_hidden(part)), None)
        if at is None:
            yield top + key, size, unusable(top + key)
        elif (name := top + "/".join(parts[: at + 1])) not in hidden:
            hidden.add(name)
            yield name, 0, "hidden"


def has_magic(uri: str) -> bool:
    """Whether a URI is a pattern."""
    return bool(MAGIC.search(uri))


def glob(uri: str) -> dict[str, int | None]:
    """The objects and directories that match a pattern, with the rules of a shell with **; including those with an
    unusable key that the search meets; and the size of each in bytes, None of a directory. Raises NoInputError."""
    head, _, tail = uri.partition("://")
    bucket, *parts = tail.split("/")
    places, odd = dict[str, int | None]({f"{head}://{bucket}": None}), dict[str, int | None]()
    for n, part in enumerate(parts):
        if part == "**":
            places = {deep: size for place in places for deep, size in _deep(place, files=n == len(parts) - 1).items()}
        elif has_magic(part):
            levels = ((place, _level(place, all=n == len(parts) - 1)) for place in places)
            places = {_at(p, name): size for p, level in levels for name, size in level.items() if _matches(name, part)}
        else:
            places = dict.fromkeys(f"{place}/{part}" for place in places)
        odd |= {place: 0 for place in places if unusable(place)}
        places = {place: size for place, size in places.items() if place not in odd}
    if not has_magic(parts[-1]):
        places = {place: None if is_directory(place) else size_of(place) for place in places if exists(place)}
    return dict(sorted((places | odd).items(), key=lambda item: os.fsencode(item[0])))


def _at(place: str, name: str) -> str:
    """The URI of a name in a directory; an empty name gets one more slash, to differ from the directory."""
    return f"{place}/{name}" + ("/" if not name or name.endswith("/") else "")


def _level(uri: str, *, all: bool) -> dict[str, int | None]:
    """The names of the directories in a directory, or of all entries; with sizes."""
    from normcli.io.stores._filesystems import listed

    names = listed(uri, recursive=False, missing=True)
    return names if all else {name: None for name, size in names.items() if size is None}


def _deep(uri: str, *, files: bool) -> dict[str, int | None]:
    """A directory and all below it; with `files`, all objects below it instead; with sizes."""
    from normcli.io.stores._filesystems import listed

    names = listed(uri, recursive=True, missing=True)
    objects = {n: size for n, size in names.items() if size is not None and not any(map(_is_hidden, n.split("/")))}
    if files:
        return {f"{uri}/{n}": size for n, size in objects.items()}
    above = {n.rsplit("/", depth)[0] for n in objects for depth in range(1, n.count("/") + 1)}
    return dict.fromkeys([uri, *(_at(uri, n) for n in above)])


def _is_hidden(part: str) -> bool:
    return part.startswith(".") and part not in (".", "..")


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) and (pattern.startswith(".") or not name.startswith("."))
