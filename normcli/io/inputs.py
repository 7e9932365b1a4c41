"""Which inputs are meant: files, objects, directories, globs, lists of names, in an order that is always the same."""

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from normcli.errors import NoInputError, UsageError, open_error, printable
from normcli.io import stores
from normcli.io.sources import STDIN

HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class Input:
    """One input: where it is (None: standard input), and its path below what was named, which is its path in an output
    directory, too. `keys` are the names and values that its directories give (`year=2026/`), None for null. An
    `implicit` one was not named, but lies in a directory, or fits a pattern, that was."""

    path: str | None
    relative: str
    keys: tuple[tuple[str, str | None], ...] = ()
    top: str | None = None  # the directory that was named, where it was one
    implicit: bool = False

    @property
    def name(self) -> str:
        return STDIN if self.path is None else printable(self.path)


@dataclass
class Found:
    """Inputs, in order, and what lay beside them in a directory but is none, with why."""

    inputs: list[Input] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)


def find(names: Sequence[str], is_known: Callable[[str], bool]) -> Found:
    """All inputs that `names` mean; none mean standard input. A name that is there is taken literally, another one as a
    glob. In a directory, `is_known` says by a name whether a file is an input. Raises NoInputError where there is
    nothing, UsageError where something is given twice."""
    found = Found()
    for name in map(stores.plain, names or ["-"]):
        if name == "-":
            found.inputs.append(Input(None, "-"))
        elif is_directory(name):
            _walk(name, name, is_known, found)
        elif _is_there(name) or not glob.has_magic(name):  # a store that refuses says so before the work
            found.inputs.append(Input(name, os.path.basename(name)))
        else:
            _glob(name, is_known, found)
    _check_any(found, names)
    _refuse_twice(found.inputs)
    return found


def expand(names: Sequence[str]) -> Found:
    """One input for each name, and for each object that a pattern of a store means, which no shell expands;
    directories are left out. Raises NoInputError where there is nothing."""
    found = Found()
    for name in names:
        if not stores.is_uri(name) or _is_there(name) or not glob.has_magic(name):
            found.inputs.append(Input(name, os.path.basename(name)))
        else:
            _glob(name, None, found)
    _check_any(found, names)
    return found


def _check_any(found: Found, names: Sequence[str]) -> None:
    if not found.inputs:
        raise NoInputError(f"{', '.join(map(printable, names))}: no file in it is an input", _reasons(found.left))


def is_directory(name: str) -> bool:
    return stores.is_directory(name) if stores.is_uri(name) else os.path.isdir(name)


def _is_there(name: str) -> bool:
    return stores.is_there(name) if stores.is_uri(name) else os.path.lexists(name)


def listed_in(text: bytes, *, zero: bool) -> list[str]:
    """The names in a list: a line each, or ended by NUL."""
    return [os.fsdecode(n) for n in text.split(b"\0" if zero else b"\n") if n]


def _glob(pattern: str, is_known: Callable[[str], bool] | None, found: Found) -> None:
    """What a pattern means; without `is_known`, files alone."""
    far = stores.is_uri(pattern)
    hits = stores.glob(pattern) if far else sorted(glob.glob(pattern, recursive=True), key=os.fsencode)
    if not hits:
        what = f"{printable(pattern)}: there is no such file, and as a pattern it finds none"
        raise NoInputError(what, f"the working directory is {printable(os.getcwd())}")
    top = pattern[: len(os.path.dirname(_plain(pattern)))] or "."
    for hit in hits:
        if far and (why := stores.unusable(hit)):
            found.left.append((hit, why))
        elif not far and _through_link(hit, top):
            found.left.append((hit, "below a link to a directory"))
        elif is_directory(hit):
            if is_known:
                _walk(hit, top, is_known, found)
            else:
                found.left.append((hit, "a directory"))
        elif not far and os.path.exists(hit) and not os.path.isfile(hit):
            found.left.append((hit, "no regular file"))  # a pipe would be waited for; named, it is read
        else:
            found.inputs.append(_below(hit, top))


def _through_link(path: str, top: str) -> bool:
    """Whether a directory between `top` and a path is a link."""
    between = os.path.relpath(path, top).split(os.sep)[:-1]
    return any(os.path.islink(os.path.join(top, *between[: n + 1])) for n in range(len(between)))


def _plain(pattern: str) -> str:
    """The pattern up to its first special character."""
    return pattern[: min(pattern.find(c) for c in "*?[" if c in pattern)]


def _walk(directory: str, top: str, is_known: Callable[[str], bool], found: Found) -> None:
    """Files below a directory, by the bytes of their paths; links to directories are not followed."""
    paths = []
    for path, why in stores.entries(directory) if stores.is_uri(directory) else _entries(directory):
        if why is None and not is_known(path):
            why = "unknown suffix"
        if why is None:
            paths.append(path)
        else:
            found.left.append((path, why))
    found.inputs += (replace(_below(path, top), top=directory) for path in sorted(paths, key=os.fsencode))


def _entries(directory: str) -> Iterator[tuple[str, str | None]]:
    """Each file below a directory, and why it is no input as far as its kind and name say that."""
    try:
        with os.scandir(directory) as entries:
            ordered = sorted(entries, key=lambda e: os.fsencode(e.name))
    except OSError as e:
        raise open_error(NoInputError, printable(directory), e) from None
    for entry in ordered:
        if entry.name.startswith((".", "_")):
            yield entry.path, "hidden"
        elif entry.is_dir(follow_symlinks=False):
            yield from _entries(entry.path)
        elif entry.is_dir():
            yield entry.path, "a link to a directory"
        elif entry.is_symlink() or entry.is_file():
            yield entry.path, None
        else:
            yield entry.path, "no regular file"


def _below(path: str, top: str) -> Input:
    from urllib.parse import unquote

    relative = os.path.relpath(path, top)
    keys = []
    for part in os.path.dirname(relative).split(os.sep):
        name, equals, value = part.partition("=")
        if equals and name:
            keys.append((unquote(name), None if value == HIVE_NULL else unquote(value)))
    return Input(path, relative, tuple(keys), implicit=True)


def _refuse_twice(inputs: Sequence[Input]) -> None:
    seen: set[str | None] = set()
    for each in inputs:
        real = each.path and stores.resolved(each.path)
        if real in seen:
            raise UsageError(f"{each.name} is given twice")
        seen.add(real)


def _reasons(left: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{printable(path)}: {why}" for path, why in left[:3])


def targets(inputs: Sequence[Input], directory: str, rename: Callable[[str], str]) -> list[str]:
    """The file below `directory` that each input becomes. Raises UsageError where two become one, or one would be read
    or is on the way of another, or can't be named."""
    made: dict[str, Input] = {}
    for each in inputs:
        path = stores.plain(os.path.join(directory, rename(each.relative)))
        if path in made:
            raise UsageError(f"{made[path].name} and {each.name} would both become {printable(path)}")
        made[path] = each
    read = {stores.resolved(i.path): i for i in inputs if i.path is not None}
    for path in made:
        if stores.resolved(path) in read:
            raise UsageError(f"{printable(path)} is an INPUT, and would be replaced", "choose another directory")
    return list(made)


def would_read(inputs: Sequence[Input], path: str, is_known: Callable[[str], bool]) -> bool:
    """Whether the same command, given again, would take `path`, or what is put in it where it is a directory, for an
    input: because it lies in a directory that is one."""
    real, whole = stores.resolved(path), path.endswith("/") or is_directory(path)
    for top in {stores.resolved(i.top) for i in inputs if i.top is not None}:
        between = os.path.relpath(real, top)
        hidden = any(part.startswith((".", "_")) for part in between.split(os.sep) if part != os.curdir)
        if not hidden and (whole or is_known(path)):
            return True
    return False


def below(inputs: Sequence[Input], path: str) -> bool:
    """Whether `path` is one of the inputs."""
    real = stores.resolved(path)
    return any(i.path is not None and stores.resolved(i.path) == real for i in inputs)


def renamed(relative: str, old: Sequence[str], new: str | None) -> str:
    """A relative path with its suffix, one of `old`, replaced; as it is where there is no new one."""
    if new is None:
        return relative
    stem = next((relative[: -len(s)] for s in old if relative.lower().endswith(s)), relative)
    return stem + new
