"""Resolves names into inputs, in a reproducible order: files, objects, directories, globs and lists of names."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from normcli.errors import NoInputError, UsageError, open_error, printable
from normcli.io import stores
from normcli.io.sources import STDIN

HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


class Input(Struct, frozen=True):
    """One input: its path (None: standard input, or data in memory), and its path relative to the name it was resolved
    from, which is also its path in an output directory. `keys` are the partition keys of its directories
    (`year=2026/`), None for null. An `implicit` input was found in a named directory or by a pattern, not named
    itself."""

    path: str | None
    relative: str
    keys: tuple[tuple[str, str | None], ...] = ()
    top: str | None = None  # the named directory that it was found in
    implicit: bool = False
    size: int = 0  # bytes of an object; 0: not known, or of a file
    tables: Any = None  # data in memory, `formats.Tables`, in place of a path

    @property
    def name(self) -> str:
        """Its name in messages."""
        if self.tables is not None:
            return self.relative
        return STDIN if self.path is None else printable(self.path)

    @property
    def is_standard(self) -> bool:
        """Whether it is standard input."""
        return self.path is None and self.tables is None


class Listing(Struct):
    """Inputs in order, and the entries of directories that are no inputs: (path, reason)."""

    inputs: list[Input] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)


def find(names: Sequence[str], is_known: Callable[[str], bool]) -> Listing:
    """All inputs that `names` resolve to; standard input if there are no names. A name that exists is taken literally,
    any other as a glob. `is_known` decides by its name whether a file of a directory is an input. Raises NoInputError
    if there are no inputs, UsageError if one is given twice."""
    listing = Listing()
    for name in map(stores.plain, names or ["-"]):
        if name == "-":
            listing.inputs.append(Input(None, "-"))
        elif is_directory(name):
            _walk(name, name, is_known, listing)
        elif _exists(name) or not stores.MAGIC.search(name):  # a store that refuses says so before the work
            size = stores.size_of(name) if stores.is_uri(name) else 0
            listing.inputs.append(Input(name, os.path.basename(name), size=size))
        else:
            _glob(name, is_known, listing)
    _check_any(listing, names)
    _refuse_twice(listing.inputs)
    return listing


def expand(names: Sequence[str]) -> Listing:
    """One input per name, and per object that matches a pattern of a store, which no shell expands; directories are
    skipped. Raises NoInputError if there are no inputs."""
    listing = Listing()
    for name in names:
        if not stores.is_uri(name) or _exists(name) or not stores.MAGIC.search(name):
            listing.inputs.append(Input(name, os.path.basename(name)))
        else:
            _glob(name, None, listing)
    _check_any(listing, names)
    return listing


def _check_any(listing: Listing, names: Sequence[str]) -> None:
    if not listing.inputs:
        raise NoInputError(f"{', '.join(map(printable, names))}: no file in it is an input", _reasons(listing.left))


def is_directory(name: str) -> bool:
    """Whether a path or URI is a directory."""
    return stores.is_directory(name) if stores.is_uri(name) else os.path.isdir(name)


def _exists(name: str) -> bool:
    return stores.exists(name) if stores.is_uri(name) else os.path.lexists(name)


def listed_in(text: bytes, *, zero: bool) -> list[str]:
    """The names in a list: one per line, or terminated by NUL if `zero`."""
    return [os.fsdecode(n) for n in text.split(b"\0" if zero else b"\n") if n]


def _glob(pattern: str, is_known: Callable[[str], bool] | None, listing: Listing) -> None:
    """Adds the matches of a pattern; only files without `is_known`. Raises NoInputError if there is none."""
    far = stores.is_uri(pattern)
    hits = stores.glob(pattern) if far else _local_glob(pattern)
    if not hits:
        what = f"{printable(pattern)}: there is no such file, and as a pattern it finds none"
        raise NoInputError(what, f"the working directory is {printable(os.getcwd())}")
    top = pattern[: len(os.path.dirname(_plain(pattern)))] or "."
    for hit, size in hits.items():
        if far and (why := stores.unusable(hit)):
            listing.left.append((hit, why))
        elif not far and _through_link(hit, top):
            listing.left.append((hit, "below a link to a directory"))
        elif size is None:
            if is_known:
                _walk(hit, top, is_known, listing)
            else:
                listing.left.append((hit, "a directory"))
        elif not far and os.path.exists(hit) and not os.path.isfile(hit):
            listing.left.append((hit, "no regular file"))  # a pipe would be waited for; named, it is read
        else:
            listing.inputs.append(_below(hit, top, size))


def _local_glob(pattern: str) -> dict[str, int | None]:
    """The files and directories that match a pattern, sorted by their bytes: 0, and None of a directory."""
    import glob

    hits = sorted(glob.glob(pattern, recursive=True), key=os.fsencode)
    return {hit: None if os.path.isdir(hit) else 0 for hit in hits}


def _through_link(path: str, top: str) -> bool:
    """Whether a directory between `top` and a path is a symbolic link."""
    between = os.path.relpath(path, top).split(os.sep)[:-1]
    return any(os.path.islink(os.path.join(top, *between[: n + 1])) for n in range(len(between)))


def _plain(pattern: str) -> str:
    """The prefix of a pattern before its first special character."""
    return pattern[: min(pattern.find(c) for c in "*?[" if c in pattern)]


def _walk(directory: str, top: str, is_known: Callable[[str], bool], listing: Listing) -> None:
    """Adds the files below a directory, sorted by the bytes of their paths; links to directories are not followed."""
    sizes = dict[str, int]()
    for path, size, why in stores.entries(directory) if stores.is_uri(directory) else _entries(directory):
        if why is None and not is_known(path):
            why = "unknown suffix"
        if why is None:
            sizes[path] = size
        else:
            listing.left.append((path, why))
    paths = sorted(sizes, key=os.fsencode)
    listing.inputs += (replace(_below(path, top, sizes[path]), top=directory) for path in paths)


def _entries(directory: str) -> Iterator[tuple[str, int, str | None]]:
    """Each file below a directory, 0, and the reason why it is no input (None: no reason in its type and name). Raises
    NoInputError."""
    try:
        with os.scandir(directory) as entries:
            ordered = sorted(entries, key=lambda e: os.fsencode(e.name))
    except OSError as e:
        raise open_error(NoInputError, printable(directory), e) from None
    for entry in ordered:
        if entry.name.startswith((".", "_")):
            yield entry.path, 0, "hidden"
        elif entry.is_dir(follow_symlinks=False):
            yield from _entries(entry.path)
        elif entry.is_dir():
            yield entry.path, 0, "a link to a directory"
        elif entry.is_symlink() or entry.is_file():
            yield entry.path, 0, None
        else:
            yield entry.path, 0, "no regular file"


def _below(path: str, top: str, size: int) -> Input:
    from urllib.parse import unquote

    relative = os.path.relpath(path, top)
    keys = []
    for part in os.path.dirname(relative).split(os.sep):
        name, equals, value = part.partition("=")
        if equals and name:
            keys.append((unquote(name), None if value == HIVE_NULL else unquote(value)))
    return Input(path, relative, tuple(keys), implicit=True, size=size)


def _refuse_twice(inputs: Sequence[Input]) -> None:
    paths: set[str | None] = set()
    for input_ in inputs:
        real = input_.path and stores.resolved(input_.path)
        if real in paths:
            raise UsageError(f"{input_.name} is given twice")
        paths.add(real)


def _reasons(left: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{printable(path)}: {why}" for path, why in left[:3])


def targets(inputs: Sequence[Input], directory: str, rename: Callable[[str], str]) -> list[str]:
    """The path of each input's output below `directory`. Raises UsageError if two are the same or one is an input."""
    inputs_by_target: dict[str, Input] = {}
    for input_ in inputs:
        path = stores.plain(os.path.join(directory, rename(input_.relative)))
        if path in inputs_by_target:
            raise UsageError(f"{inputs_by_target[path].name} and {input_.name} would both become {printable(path)}")
        inputs_by_target[path] = input_
    read = {stores.resolved(i.path): i for i in inputs if i.path is not None}
    for path in inputs_by_target:
        if stores.resolved(path) in read:
            raise UsageError(f"{printable(path)} is an INPUT, and would be replaced", "choose another directory")
    return list(inputs_by_target)


def would_read(inputs: Sequence[Input], path: str, is_known: Callable[[str], bool]) -> bool:
    """Whether running the same command again would read `path` (or files in it, if it is a directory) as an input,
    because it lies in a directory that is an input."""
    real, is_folder = stores.resolved(path), path.endswith("/") or is_directory(path)
    for top in {stores.resolved(i.top) for i in inputs if i.top is not None}:
        between = os.path.relpath(real, top)
        hidden = any(part.startswith((".", "_")) for part in between.split(os.sep) if part != os.curdir)
        if not hidden and (is_folder or is_known(path)):
            return True
    return False


def below(inputs: Sequence[Input], path: str) -> bool:
    """Whether `path` is one of the inputs."""
    real = stores.resolved(path)
    return any(i.path is not None and stores.resolved(i.path) == real for i in inputs)


def renamed(relative: str, old: Sequence[str], new: str | None) -> str:
    """A relative path with its suffix, one of `old`, replaced by `new`; unchanged if `new` is None."""
    if new is None:
        return relative
    stem = next((relative[: -len(s)] for s in old if relative.lower().endswith(s)), relative)
    return stem + new
