"""Object stores: what s3://, gs:// and abfs:// URIs name, and what is there.

A URI is a bucket and a key, character by character, as the stores' own tools take it; `?` and `%` mean nothing in it.
A key that the client would change on the way (`x/../y`, `x//y`) has no URI, so that two URIs are two objects. Where a
store is and who may use it is for the environment to say, in the variables of those tools. A key with a `/` in it lies
in a directory, as far as anybody can tell.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import lru_cache
from posixpath import normpath

from normcli.errors import NoInputError, UsageError, printable

SCHEMES = {"s3": "s3", "gs": "gs", "gcs": "gs", "abfs": "abfs", "abfss": "abfs"}
PARTS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://([^/]*)(/.*)?", re.DOTALL)
OPTIONS = re.compile(r"\?[a-z_]+=")
MAGIC = re.compile(r"[*?[]")
AFTER = "nothing can be said after a ?"
EMPTY = "a name between slashes is empty"
DOTS = "a name between slashes is . or .., which the client would leave out"
ENVIRONMENT = "AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and the like say that"


def is_uri(name: object) -> bool:
    """Whether a name is that of an object, or of a directory of them."""
    found = PARTS.fullmatch(os.fsdecode(name)) if isinstance(name, str | bytes | os.PathLike) else None
    return found is not None and found[1].lower() in SCHEMES


def plain(name: str) -> str:
    """The path that a file:// URI means; any other name as it is. Raises UsageError for a URI of a kind that is not
    read, and for one with credentials or options in it, which are not told again."""
    found = PARTS.fullmatch(name)
    if found is None or (found[1].lower() not in SCHEMES and os.path.lexists(name)):
        return name
    scheme, authority, rest = found[1].lower(), found[2], found[3] or ""
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
    """Why a URI can't name the object or the directory that has its key; None where it can."""
    bucket, *parts = uri.partition("://")[2].split("/")
    if OPTIONS.search(uri):
        return AFTER
    if "" in (bucket, *parts[:-1]):
        return EMPTY
    return DOTS if {".", ".."} & set(parts) else None


def resolved(path: str) -> str:
    """What all names of one file or object have in common."""
    found = PARTS.fullmatch(path) if is_uri(path) else None
    if found is None:
        return os.path.realpath(path)
    container, at, host = found[2].partition("@")
    return f"{SCHEMES[found[1].lower()]}://{container}{at}{host.partition('.')[0]}{found[3] or '/'}"


def is_directory(uri: str) -> bool:
    """Whether a name ends in /, or there are objects below it and none has it. A store that does not answer has
    none."""
    return uri.endswith("/") or _asked(uri)[0] == "Directory"


def is_there(uri: str) -> bool:
    """Whether there is an object or a directory of that name. Raises NoInputError where the store does not tell."""
    kind, fault = _asked(uri)
    if fault:
        raise NoInputError(f"{printable(uri)}: {fault}")
    return kind != "NotFound"


@lru_cache
def _asked(uri: str) -> tuple[str, str | None]:
    """What is at a name, or why that is not known: asked once in a run."""
    from normcli.io.stores._filesystems import asking, kind

    with asking(uri) as asked:
        return kind(uri), None
    return "", asked.fault


def entries(uri: str) -> Iterator[tuple[str, str | None]]:
    """Each object below a directory, and why it is no input as far as its name says that; what is below a hidden one
    is not told. Raises NoInputError."""
    from normcli.io.stores._filesystems import listed

    top, hidden = uri.rstrip("/") + "/", set()
    for key in listed(uri, recursive=True, kind="File"):
        parts = key.split("/")
        at = next((j for j, part in enumerate(parts) if part.startswith("_") or _is_hidden(part)), None)
        if at is None:
            yield top + key, unusable(top + key)
        elif (name := top + "/".join(parts[: at + 1])) not in hidden:
            hidden.add(name)
            yield name, "hidden"


def has_magic(uri: str) -> bool:
    return bool(MAGIC.search(uri))


def glob(uri: str) -> list[str]:
    """The objects and directories that a pattern means, as the shell's with ** would find them; among them those whose
    keys are unusable, as far as they were found. Raises NoInputError."""
    head, _, tail = uri.partition("://")
    bucket, *parts = tail.split("/")
    found, odd = [f"{head}://{bucket}"], set()
    for n, part in enumerate(parts):
        if part == "**":
            found = [deep for place in found for deep in _deep(place, files=n == len(parts) - 1)]
        elif has_magic(part):
            last = n == len(parts) - 1
            found = [_at(place, name) for place in found for name in _level(place, all=last) if _matches(name, part)]
        else:
            found = [f"{place}/{part}" for place in found]
        odd |= {place for place in found if unusable(place)}
        found = [place for place in found if place not in odd]
    there = {place for place in found if has_magic(parts[-1]) or is_there(place)}
    return sorted(there | odd, key=os.fsencode)


def _at(place: str, name: str) -> str:
    """What has a name in a directory: one without a name is told from the directory by a slash more."""
    return f"{place}/{name}" + ("/" if not name or name.endswith("/") else "")


def _level(uri: str, *, all: bool) -> list[str]:
    """The names of the directories in a directory, or of all that is."""
    from normcli.io.stores._filesystems import listed

    return listed(uri, recursive=False, kind=None if all else "Directory", missing=True)


def _deep(uri: str, *, files: bool) -> list[str]:
    """A directory and those below it; with `files`, the objects in all of them instead."""
    from normcli.io.stores._filesystems import listed

    names = listed(uri, recursive=True, kind="File", missing=True)
    shown = [n for n in names if not any(map(_is_hidden, n.split("/")))]
    if files:
        return [f"{uri}/{n}" for n in shown]
    above = {n.rsplit("/", depth)[0] for n in shown for depth in range(1, n.count("/") + 1)}
    return [uri, *(_at(uri, n) for n in above)]


def _is_hidden(part: str) -> bool:
    return part.startswith(".") and part not in (".", "..")


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) and (pattern.startswith(".") or not name.startswith("."))
