"""Errors and their messages.

Every error carries plain arguments only, so that it survives a pickle on its way from a worker. Only `cli` turns
one into an exit code.
"""

import errno
import os
import re
import shlex
from collections.abc import Callable
from typing import Any

HIGHER = "more memory, or a higher ulimit"
SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN}
ADVICE = {
    errno.EACCES: "ls -l shows whose it is",
    errno.EPERM: "ls -l shows whose it is",
    errno.EROFS: "choose a place that can be written to",
    errno.ENOSPC: "make room there, or choose another place",
    errno.EDQUOT: "make room there, or choose another place",
    errno.EFBIG: "ulimit -f says how large a file may be",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "its links go in a circle",
    errno.EIO: "dmesg may say what is wrong with the device",
}
TYPES = {"int": "a whole number", "float": "a number", "str": "text", "bool": "true or false", "array": "a list"} | {
    "object": "an object",
    "null": "null",
}
BOUNDS = {">=": "of at least", ">": "above", "<=": "of at most", "<": "below"}
MOST_NAMES, ALIKE = 1000, 0.75  # files that are compared with a name, and the least similarity of a suggestion
LONG = 200  # characters of a name that a message shows
SPELLED = 80  # of a value
SHORT = ("Allocation error", "insufficient memory", "bad_alloc")  # of zstd, zlib and C++, in an OSError of pyarrow's


class NormcliError(Exception):
    """Something went wrong: `message` says what and where, `hint` what to do. Itself a bug of ours (exit 70)."""

    code = 70

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class NormcliWarning(UserWarning):
    """A possible mistake in data or arguments; issued from Python only, as the command line prints warnings."""


class DriftError(NormcliError):
    """New data differ from the fitted data: a result of `check`, not a failure."""

    code = 1


class UsageError(NormcliError):
    """An invalid request, detected before data are read."""

    code = 2


class NoEffectError(UsageError):
    """An explicit option has no effect in a run; the message says what it is for."""


class NotInvertibleError(UsageError):
    """The inverse of a transform does not exist."""


class NoFormulaError(UsageError):
    """A transform is not arithmetic on the columns of a row."""


class BadDataError(NormcliError):
    """The data are invalid, or do not suit the request."""

    code = 65


class EmptyInputError(BadDataError):
    """An input has no content: no bytes, or blank lines only."""


class NotNumericError(BadDataError):
    """A column that is selected by name is not numeric."""

    def __init__(self, column: str, kind: str) -> None:
        super().__init__(f"column '{printable(column)}' is not numeric but {kind}")
        self.args = (column, kind)
        self.column = column


class BadParametersError(BadDataError):
    """A parameter file is invalid; the message begins with the JSON path of the fault."""


class NoInputError(NormcliError):
    """An input does not exist or can't be read."""

    code = 66


class CannotCreateError(NormcliError):
    """The output can't be created."""

    code = 73


class OutputError(NormcliError):
    """Input or output failed half-way: a full disk, a closed standard output."""

    code = 74


class ShortageError(NormcliError):
    """Too little memory, or too few threads or descriptors."""

    code = 74


class ClusterError(NormcliError):
    """A cluster, or what it was to do, is lost."""

    code = 74


class Scarce(int):
    """Bytes of memory that are left by a limit of this process."""


def lacking(room: int | None, what: str, hint: str = "--max-memory says how much") -> NormcliError:
    """The error for data that do not fit into `room` bytes: a shortage if that is due to a limit of this process."""
    short = isinstance(room, Scarce)
    return ShortageError(f"too little memory: {what}", HIGHER) if short else BadDataError(what, hint)


class LockedError(NormcliError):
    """The parameter file is locked by another run."""

    code = 75


class ReaderGoneError(NormcliError):
    """The reader of our output has closed it: ends the run without a message."""

    code = 74


class BadRowError(Exception):
    """Row `row` (from 0) of a frame is at fault. A worker turns it into a place in its chunk."""

    def __init__(self, row: int, what: str, hint: str = "") -> None:
        super().__init__(row, what, hint)
        self.row = row
        self.frame = 0  # index among frames that are processed together
        self.what = what
        self.hint = hint


class InfiniteValueError(BadRowError):
    """The value in row `row` (from 0) of a frame's column is infinite."""

    def __init__(self, row: int, column: str) -> None:
        super().__init__(row, infinite_value(column), "--inf missing treats it as missing")
        self.column = column

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.row, self.column), self.__dict__


class BadValueError(Exception):
    """The value in row `row` and column `column` (from 0) of a block is at fault. The step, which knows what its
    columns are called, turns it into a row of the frame."""

    def __init__(self, row: int, column: int, what: str, hint: str = "") -> None:
        super().__init__(row, column, what, hint)
        self.row = row
        self.column = column
        self.what = what
        self.hint = hint


class BadPlaceError(Exception):
    """Place `place` (from 0; lines of text, rows of binary data) of a chunk is at fault. The pipeline, which knows how
    long all chunks before were, turns it into a place in the input."""

    def __init__(self, place: int, what: str, hint: str = "") -> None:
        super().__init__(place, what, hint)
        self.place = place
        self.part = 0  # the number of the input
        self.start: int | None = None  # place where the chunk begins in the input, if the pipeline does not know it yet
        self.what = what
        self.hint = hint


def open_error(
    kind: type[NormcliError], what: str, error: Exception, shown: Callable[[str], str] = str
) -> NormcliError:
    """The error for a failure to open: of this kind, or a ShortageError if resources ran out. Paths in messages are as
    `shown` spells them."""
    number, path = getattr(error, "errno", None), getattr(error, "filename", None)
    if number in (errno.ENOENT, errno.ENOTDIR) and isinstance(path, str):
        why, hint = absent(path, to_write=kind is CannotCreateError, shown=shown)
        return kind(f"{what}: {why}", hint)
    above = os.path.dirname(path) or "." if isinstance(path, str) and kind is CannotCreateError else None
    if above and number == errno.EACCES and not os.access(above, os.W_OK):
        where = printable(shown(above))
        return kind(
            f"{what}: the directory {where} can't be written to", f"ls -ld {shlex.quote(where)} shows whose it is"
        )
    why = f"{what}: {getattr(error, 'strerror', None) or error}"
    return ShortageError(why, HIGHER) if number in SHORTAGES else kind(why, advice(error))


def spelled_as(spelling: str, path: str, other: str) -> str:
    """Another path, spelled by who calls `path` by that spelling, if that says where it is: workers of a cluster have
    absolute paths."""
    while path != spelling:
        if spelling and other == path:
            return spelling
        if other.startswith(f"{path.rstrip('/')}/"):
            return os.path.join(spelling, other[len(path.rstrip("/")) + 1 :])
        if not spelling or os.path.basename(path) != os.path.basename(spelling):
            return other
        path, spelling = os.path.dirname(path), os.path.dirname(spelling)
    return other


def advice(error: Exception) -> str:
    """A hint for an error of the system; empty if there is none."""
    return ADVICE.get(getattr(error, "errno", None) or 0, "")


def absent(path: str, *, to_write: bool = False, shown: Callable[[str], str] = str) -> tuple[str, str]:
    """A message that says which part of a path does not exist, and a hint, with paths as `shown` spells them."""
    above = os.path.dirname(path)
    while (higher := os.path.dirname(above)) != above and higher and not os.path.isdir(higher):
        above = higher
    name = printable(shown(above))
    if above and not os.path.isdir(above):
        if os.path.lexists(above):
            return f"{name} is not a directory", f"ls -l {shlex.quote(name)} shows what it is"
        where = shlex.quote(printable(shown(os.path.dirname(path))))
        return f"there is no directory {name}", f"mkdir -p {where} makes it" if to_write else _working(
            path, shown(path)
        )
    if os.path.islink(path):
        return (
            f"is a link to {printable(os.readlink(path))}, which is not there",
            "ln -sfn FILE makes it one to another",
        )
    return "there is no such file", _place(path, shown)


def _place(path: str, shown: Callable[[str], str]) -> str:
    """A hint for a path that does not exist: a similar name, or the working directory."""
    import difflib

    directory, name = os.path.split(path)
    try:
        near = difflib.get_close_matches(name, os.listdir(directory or ".")[:MOST_NAMES], 1, ALIKE)
        if near:
            return f"there is {printable(shown(os.path.join(directory, near[0])))}"
    except OSError:
        pass
    return _working(path, shown(path))


def _working(path: str, spelling: str) -> str:
    """A hint that names the working directory, for relative paths; a general one for absolute paths."""
    try:
        if not os.path.isabs(spelling) and os.path.isabs(path) and path.endswith(f"/{spelling}"):
            return f"the working directory is {printable(path.removesuffix(spelling).rstrip('/') or '/')}"
        if not os.path.isabs(path):
            return f"the working directory is {printable(os.getcwd())}"
    except OSError:  # the directory was deleted
        pass
    return "is its file system mounted?"


def mismatch(error: Exception) -> str:
    """A message for msgspec's error about a value of the wrong type."""
    text = str(error).partition(" - at `$")[0].replace("`", "")
    match = re.fullmatch(r"Expected ([\w| ]+?)(?: of length (.+?))?(?: (>=|>|<=|<) (\S+))?(?:, got .+)?", text)
    if not match:
        return text[:1].lower() + text[1:]
    types = " or ".join(TYPES.get(name, name) for name in match[1].split(" | "))
    length = f" of length {match[2]}" if match[2] else ""
    bound = f" {BOUNDS[match[3]]} {match[4].removesuffix('.0')}" if match[3] else ""
    return f"must be {types}{length}{bound}"


def printable(text: str) -> str:
    """`text` on one line: control characters, line ends and stray surrogates escaped as Python would."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def short(name: str, longest: int = LONG) -> str:
    """A name for a message, on one line, cut where it is very long."""
    return printable(name if len(name) <= longest else f"{name[:longest]}…")


def infinite_value(column: str, text: str = "") -> str:
    """A message about an infinite value of a column, and how it is spelled, if that is known."""
    return f"infinite value in column '{printable(column)}'" + (f": '{short(text, SPELLED)}'" if text else "")


def replaced(files: int) -> str:
    """A message about the files that a failed run has put in place, where there were old ones or none."""
    return "nothing was replaced" if not files else f"{files:,} file{' was' if files == 1 else 's were'} written"


def size(count: float | None) -> str:
    """A number of bytes, with a unit."""
    value = float(count or 0)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError


def raise_shortage(error: Exception) -> None:
    """Raises MemoryError if an error of pyarrow is one; some ArrowExceptions are. A request for more memory than the
    machine has comes from a corrupt length, and is left to the caller."""
    match = re.search(r"of size (\d+) failed", str(error))
    if match and int(match[1]) > os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
        return
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and any(words in str(error) for words in SHORT)):
        raise MemoryError from error
