"""Where results go: files and objects that appear whole or not at all, and streams that can't be taken back."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import select
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from normcli.errors import CannotCreateError, OutputError, ReaderGoneError, advice, open_error, printable
from normcli.io import stores

if TYPE_CHECKING:
    import hashlib

    from normcli.io.stores.writing import Upload

STDOUT = "<stdout>"
STDOUT_FD, CLOSED = 1, -1
STREAMS = {"-": STDOUT_FD, "/dev/stdout": STDOUT_FD, "/dev/stderr": 2}
DESCRIPTOR = re.compile(r"/dev/fd/(\d+)|/proc/self/fd/(\d+)")
AHEAD = 8 << 20  # bytes
SPOOL_HINT = "--spool-dir or TMPDIR says where it is"
UNSYNCED = {errno.EACCES, errno.EBADF, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}  # there, a directory can't be synced

ROLLBACK = 0.4  # seconds that a run which is ended has to undo what it changed: a store may not answer

temporaries: set[str] = set()  # what must be gone if we are ended
changing = threading.Lock()  # held while one is made or becomes the target, so that ending us can't fall between
rollbacks: list[Callable[[], object]] = []  # what undoes that some targets of several are in place


def remove_temporaries() -> None:
    """Leaves no unfinished file behind, nor targets of which some are the new ones and others could not be. Called by
    the thread that a signal ends us through."""
    if changing.acquire(timeout=0.5):
        for undo in rollbacks:
            thread = threading.Thread(target=undo, daemon=True)
            thread.start()
            thread.join(ROLLBACK)
    for path in list(temporaries):
        with contextlib.suppress(OSError):
            os.unlink(path)


@dataclass
class Target:
    """An output: write to it, then `commit`. Left without, a file is absent or what it was.

    A regular file is written under another name in its own directory, synced and renamed. Anything else (a pipe,
    a device, standard output) is written directly.
    """

    name: str
    path: str | None  # the resolved file that a rename will replace; None: written directly
    fd: int
    temporary: str | None = None
    dead: bool = False
    count: int = 0  # bytes written so far
    begun: int = 0  # bytes that are on their way to the disk
    ready: bool = False  # all of it is where it has to be for `commit`
    backup: str | None = None  # another name of the file that is to be replaced, or was; empty where there is none
    placed: bool = False  # whether a `commit` is done, and was not undone
    hashed: hashlib._Hash | None = None  # of what is written, where somebody wants to know

    def write(self, data: bytes | memoryview) -> int:
        """All of it. Once something has failed, what a dying writer still sends goes nowhere."""
        view = memoryview(data).cast("B")
        if self.dead:
            return len(view)
        done = 0
        while done < len(view):
            try:
                done += os.write(self.fd, view[done:])
            except BlockingIOError:
                select.select([], [self.fd], [])
            except BrokenPipeError:
                self.dead = True
                raise ReaderGoneError(f"{self.name}: the reader went away") from None
            except OSError as e:
                self.dead = True
                raise self._failed(e) from None
        self.count += len(view)
        self.ready = False
        if self.hashed is not None:
            self.hashed.update(view)
        if self.temporary is not None and self.count - self.begun >= AHEAD:
            self._send()
        return len(view)

    @property
    def streamed(self) -> bool:
        """Whether what is written is out at once: its end mark is all that says that it is whole."""
        return self.path is None

    @property
    def pending(self) -> bool:
        """Whether `commit` has yet to put something in place."""
        return self.temporary is not None

    def _failed(self, error: OSError) -> OutputError:
        return OutputError(f"{self.name}: writing failed: {error.strerror}", advice(error))

    def _send(self) -> None:
        """Has the system begin to write what it holds, so that the sync at the end has not all of it to wait for."""
        if hasattr(os, "posix_fadvise"):
            with contextlib.suppress(OSError):
                os.posix_fadvise(self.fd, self.begun, self.count - self.begun, os.POSIX_FADV_DONTNEED)
        self.begun = self.count

    def flush(self) -> None:
        """Nothing is held back."""

    @property
    def closed(self) -> bool:
        return False

    def __enter__(self) -> Self:
        return self

    def prepare(self) -> None:
        """Everything that can fail before the rename: all bytes on the disk, or where they are written directly, in
        the hands of the system."""
        if self.ready:
            return
        try:
            if self.temporary is not None:
                os.fsync(self.fd)
            elif self.fd != CLOSED:
                flush(self.fd)
        except OSError as e:
            raise self._failed(e) from None
        self.ready = True

    def commit(self) -> None:
        """Puts the new file in the old one's place; once."""
        self.prepare()
        if self.path is None:
            self._close()
            self.placed = True
        if self.temporary is None or self.path is None:
            return
        with changing:
            try:
                os.replace(self.temporary, self.path)
            except OSError as e:
                raise open_error(CannotCreateError, self.name, e) from None
            self.placed = True
            temporaries.discard(self.temporary)
            self.temporary = None
        try:
            _sync_directory(os.path.dirname(self.path))
        except OSError as e:
            what = f"{self.name}: is complete, but its directory can't be synced: {e.strerror}"
            raise OutputError(what, "after a power loss, what was there before may be there again") from None

    def preserve(self) -> None:
        """Before `commit`: keeps what is in the target's place, for `restore`. Where there are no hard links, it can't
        be had."""
        if self.temporary is None or self.path is None:
            return
        name = _new_name(self.path)
        with changing, contextlib.suppress(OSError):
            if not os.path.exists(self.path):
                self.backup = ""
                return
            os.link(self.path, name)
            temporaries.add(name)
            self.backup = name

    def is_untouched(self) -> bool:
        """Whether what was in the target's place is known to be there still, after a `commit` that failed."""
        return self.pending

    def restore(self) -> bool:
        """Whether what was there before `commit` is there again."""
        if self.backup is None or self.path is None:
            return False
        try:
            os.replace(self.backup, self.path) if self.backup else os.unlink(self.path)
        except OSError:
            return False
        self.placed = False
        temporaries.discard(self.backup)
        self.backup = None
        with contextlib.suppress(OSError):
            _sync_directory(os.path.dirname(self.path))
        return True

    def forget(self) -> None:
        """What was preserved is not wanted any more."""
        if self.backup:
            with changing:
                with contextlib.suppress(OSError):
                    os.unlink(self.backup)
                temporaries.discard(self.backup)
        self.backup = None

    def _close(self) -> None:
        """Tells whoever reads a pipe or a device that this is all. Standard output is left to the process's end."""
        fd, self.fd = self.fd, self.fd if self.fd == STDOUT_FD else CLOSED
        try:
            if fd != self.fd:
                os.close(fd)
        except OSError as e:
            raise OutputError(f"{self.name}: writing failed: {e.strerror}", advice(e)) from None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.dead = True
        if self.temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(self.temporary)
            temporaries.discard(self.temporary)
            self.temporary = None
        if self.fd not in (STDOUT_FD, CLOSED):
            with contextlib.suppress(OSError):
                os.close(self.fd)
            self.fd = CLOSED


@dataclass
class FarTarget(Target):
    """An object of a store: completed in a file without a name, then sent. One that failed is never published."""

    upload: Upload = field(kw_only=True)
    where: str = field(kw_only=True)  # the directory that the file is in

    @property
    def streamed(self) -> bool:
        return False

    @property
    def pending(self) -> bool:
        return self.fd != CLOSED

    def _failed(self, error: OSError) -> OutputError:
        what = f"{self.name}: can't be kept in {printable(self.where)} until it is complete: {error.strerror}"
        return OutputError(what, SPOOL_HINT)

    def prepare(self) -> None:
        """Everything that can fail before the object is replaced: of a large one, all but the last part is there."""
        if self.pending:
            self.upload.send(self.fd)

    def commit(self) -> None:
        """Puts the new object in the old one's place."""
        if self.pending:
            self.prepare()
            self.upload.publish()
            self.placed = True
            self._close()

    def preserve(self) -> None:
        if self.pending:
            self.upload.preserve(self.where)

    def is_untouched(self) -> bool:
        return self.pending and self.upload.is_untouched()

    def restore(self) -> bool:
        self.placed = not self.upload.restore()
        return not self.placed


def _far(uri: str, spool_dir: str | None) -> FarTarget:
    import tempfile

    from normcli.io.stores.writing import Upload

    upload, where = Upload(uri), spool_dir or tempfile.gettempdir()
    try:
        with tempfile.TemporaryFile(prefix=".normcli-", suffix=".tmp", dir=where) as spool:
            return FarTarget(printable(uri), None, os.dup(spool.fileno()), upload=upload, where=where)
    except OSError as e:
        raise OutputError(f"{printable(where)}: no spool can be made: {e.strerror}", SPOOL_HINT) from None


def flush(fd: int) -> None:
    """Closes a copy of a descriptor: a file system far away says only then that it could not keep what was written.
    Raises OSError."""
    os.close(os.dup(fd))


def _sync_directory(path: str) -> None:
    """Has a rename survive a power loss, where that can be had. Raises OSError."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            with contextlib.suppress(OSError):
                os.close(fd)
    except OSError as e:
        if e.errno not in UNSYNCED:
            raise


def open_target(path: str | None, *, spool_dir: str | None = None) -> Target:
    """The output: a path, or standard output for None and `-`. What goes to an object store is kept in `spool_dir` (by
    default TMPDIR) until it is complete. Raises CannotCreateError before data is read."""
    if path is None or path == "-":
        if fcntl.fcntl(1, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:  # how a closed one is opened at start
            raise OutputError("standard output is closed", "-o FILE writes a file")
        return Target(STDOUT, None, 1)
    path = stores.plain(path)
    name = printable(path)
    if not path or path.endswith("/"):
        raise CannotCreateError(f"'{name}' names no file", "end it with the name of one")
    if stores.is_uri(path):
        return _far(path, spool_dir)
    if (number := descriptor(path)) is not None:
        try:
            return Target(name, None, os.dup(number))
        except (OSError, OverflowError) as e:
            raise open_error(CannotCreateError, name, e) from None
    try:
        found = os.stat(path)
    except FileNotFoundError:
        found = None
    except (OSError, ValueError) as e:
        raise open_error(CannotCreateError, name, e) from None
    if found is not None and stat.S_ISDIR(found.st_mode):
        raise CannotCreateError(f"{name}: is a directory", "name a file in it")
    try:
        if found is not None and not stat.S_ISREG(found.st_mode):
            return Target(name, None, os.open(path, os.O_WRONLY))
        if found is not None and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, "is read-only")
        return _beside(name, os.path.realpath(path), found)
    except OSError as e:
        raise open_error(CannotCreateError, name, e) from None


def descriptor(path: str | None) -> int | None:
    """The number of the open descriptor that an output's name means: standard output's for None; None for others."""
    name = "-" if path is None else path
    match = DESCRIPTOR.fullmatch(name)
    return int(match[1] or match[2]) if match else STREAMS.get(name)


def replaced(path: str | None) -> str | None:
    """The resolved file that a rename will replace, or create; None for what is written directly (a stream, a device)
    or sent to a store, and for what can be no file."""
    if path is None or descriptor(path) is not None or stores.is_uri(path) or path.endswith("/"):
        return None
    try:
        return os.path.realpath(path) if stat.S_ISREG(os.stat(path).st_mode) else None
    except FileNotFoundError:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return None


def _new_name(path: str) -> str:
    """A file's name in the directory of another, for as long as a run lasts."""
    return os.path.join(os.path.dirname(path), f".normcli-{os.urandom(8).hex()}.tmp")


def _beside(name: str, path: str, found: os.stat_result | None) -> Target:
    """A new file in the directory of `path`, with the mode (and where permitted the owner) of the old one."""
    temporary = _new_name(path)
    with changing:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        temporaries.add(temporary)
    with contextlib.suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # it is seen to be in use
    if found is not None:
        with contextlib.suppress(OSError):
            os.fchown(fd, found.st_uid, found.st_gid)
        with contextlib.suppress(OSError):
            os.fchmod(fd, stat.S_IMODE(found.st_mode))
    return Target(name, path, fd, temporary)


def same_file(a: str, b: str) -> bool:
    """Whether two paths are one file or object, or will be."""
    try:
        return os.path.samefile(a, b)
    except OSError:
        return stores.resolved(a) == stores.resolved(b)
