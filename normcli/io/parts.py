"""Parts: files that other processes have written for a run, complete, beside the places where they belong; and the
token by which these see that they have its storage, and others that it goes on."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import stat
from collections.abc import Iterable
from functools import partial
from types import ModuleType

from msgspec import Struct, field

from normcli.errors import CannotCreateError, NoInputError, open_error, printable, spelled_as
from normcli.io import outputs, stores
from normcli.io.outputs import CLOSED, Target, beside
from normcli.io.stores.targets import FarTarget

PART = re.compile(r"\.normcli-([0-9a-f]{16})-[0-9a-f]{16}\.part")
TOKEN = re.compile(r"\.normcli-([0-9a-f]{16})\.tmp")


class PartFile(Struct, frozen=True):
    """A file that is complete and on the disk, and no process has open: what it is to become, and what it holds."""

    name: str  # of what it is to become, for messages
    path: str  # of that, absolute and resolved
    temporary: str
    count: int  # bytes
    digest: str


def run_of(name: str, *, tokens: bool = False) -> str | None:
    """The run that a part of this name, or its token, belongs to; None where it is none."""
    match = PART.fullmatch(name) or (TOKEN.fullmatch(name) if tokens else None)
    return match and match[1]


def token_path(directory: str, run: str) -> str:
    return os.path.join(directory, f".normcli-{run}.tmp")


def open_part(name: str, path: str, run: str, *, spool_dir: str | None = None) -> Target:
    """A part of a run, in the directory of `path`, which is made where it is not there; two attempts at one never meet.
    Raises CannotCreateError."""
    name_of_part = f".normcli-{run}-{os.urandom(8).hex()}.part"
    if stores.is_uri(path):
        target = outputs.open_target(f"{os.path.dirname(path)}/{name_of_part}", spool_dir=spool_dir)
        target.name = name
        assert isinstance(target, FarTarget)
        target.upload.before = None  # nothing has such a name
    else:
        target = _open_beside(name, path, name_of_part)
    target.hashed = hashlib.sha256()
    return target


def _open_beside(name: str, path: str, name_of_part: str) -> Target:
    absolute = path
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        path = os.path.realpath(path)
        status = os.stat(path) if os.path.lexists(path) else None
        if status is not None and not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EEXIST, "is no regular file")
        if status is not None and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, "is read-only")
        return beside(name, path, status, os.path.join(os.path.dirname(path), name_of_part))
    except OSError as e:
        raise open_error(CannotCreateError, name, e, partial(spelled_as, name, absolute)) from None


def detach(target: Target, path: str, token: str = "") -> PartFile:
    """A part, all of which was written, left to others, who will have it become `path`. Raises CannotCreateError,
    OutputError, also where there is no file `token` any more: nobody would remove the part."""
    assert target.digest is not None
    if isinstance(target, FarTarget):
        target.commit()
        return PartFile(target.name, path, target.upload.uri, target.count, target.digest)
    target.prepare()
    assert target.path is not None
    assert target.temporary is not None
    if token and not os.path.lexists(token):  # after the part was made: who ends the run sees that, or we see this
        raise CannotCreateError(f"{target.name}: the run has ended", f"{printable(token)} is gone")
    part = PartFile(target.name, target.path, target.temporary, target.count, target.digest)
    with outputs.changing:
        outputs.temporaries.discard(target.temporary)
        target.temporary = None
    return part


def adopt(part: PartFile) -> Target:
    """The target that a part is to become once it is committed; left without, the part is removed."""
    if stores.is_uri(part.path):
        from normcli.io.stores.parts import FarPart

        return FarPart(part.name, None, CLOSED, count=part.count, known=part.digest, uri=part.path, part=part.temporary)
    with outputs.changing:
        outputs.temporaries.add(part.temporary)
    return Target(
        part.name, part.path, CLOSED, part.temporary, count=part.count, begun=part.count, ready=True, known=part.digest
    )


class Token(Struct):
    """A file in the output directory that holds a word, locked as long as the run goes on; at its end it is removed,
    and then what is left of the run's parts in `directories`."""

    directory: str
    directories: frozenset[str]  # of all outputs
    run: str = field(default_factory=lambda: os.urandom(8).hex())
    word: str = field(default_factory=lambda: os.urandom(16).hex())
    _fd: int = CLOSED
    _is_new: bool = False  # the directory was not there before
    _far: str = ""  # the URI of a token in a store

    @property
    def path(self) -> str:
        return token_path(self.directory, self.run)

    def open(self) -> None:
        """Raises CannotCreateError, OutputError."""
        path = self.path
        if stores.is_uri(path):
            with outputs.open_target(path) as target:
                target.write(self.word.encode())
                target.commit()
            self._far = path
            with outputs.changing:
                outputs.rollbacks.append(self.sweep)
            _far().sweep_dead({self.directory, *self.directories}, lambda name: run_of(name, tokens=True), self.run)
            return
        new = f"{path}.new"  # its name until it is locked, for without a lock it would be a dead run's
        try:
            self._is_new = not os.path.isdir(self.directory)
            os.makedirs(self.directory, exist_ok=True)
            with outputs.changing:
                self._fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
                outputs.temporaries.update({new, path})
                outputs.rollbacks.append(self.sweep)
            with contextlib.suppress(OSError):
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(self._fd, self.word.encode())
            os.fsync(self._fd)
            os.rename(new, path)
            outputs.temporaries.discard(new)
        except OSError as e:
            _remove([new])
            outputs.temporaries.discard(new)
            self.close()
            raise open_error(CannotCreateError, printable(self.directory), e) from None

    def sweep(self) -> None:
        """Removes parts that nobody wants any more. A file of which a worker has not seen that the token is gone is
        there by then."""
        if self._far:
            _far().remove(self._far)
        else:
            _remove([self.path])
        for directory in self.directories:
            if self._far:
                far = _far()
                far.sweep(directory, lambda name: run_of(name) == self.run)
                continue
            with contextlib.suppress(OSError), os.scandir(directory) as entries:
                _remove(entry.path for entry in list(entries) if run_of(entry.name) == self.run)

    def close(self) -> None:
        """The run has ended."""
        if self._far:
            self.sweep()
            with outputs.changing:
                outputs.rollbacks.remove(self.sweep)
            self._far = ""
        if self._fd == CLOSED:
            return
        self.sweep()
        with outputs.changing:
            outputs.temporaries.discard(self.path)
            outputs.rollbacks.remove(self.sweep)
        if self._is_new:
            with contextlib.suppress(OSError):  # there is something in it
                os.rmdir(self.directory)
        os.close(self._fd)
        self._fd = CLOSED


class StorageCheck(Struct, frozen=True):
    """Asks a worker whether it has the storage of a run."""

    path: str  # of the token, absolute
    word: str

    def __call__(self) -> str:
        """What is wrong; empty where nothing is."""
        directory = printable(os.path.dirname(self.path))
        try:
            if stores.is_uri(self.path):
                word = _far().text(self.path)
                return "" if word == self.word else f"has another {directory}"
            with open(self.path) as file:
                word = file.read()
            if not os.access(os.path.dirname(self.path), os.W_OK):
                return f"can't write to {directory}"
        except OSError as e:
            return f"does not see {directory} as this machine does: {e.strerror}"
        except NoInputError as e:
            return f"does not see {directory} as this machine does: {e.message}"
        return "" if word == self.word else f"has another {directory}"


def _far() -> ModuleType:
    from normcli.io.stores import parts

    return parts


def _remove(paths: Iterable[str]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            os.unlink(path)
