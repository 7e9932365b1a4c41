"""Outputs: files and objects that are replaced atomically, and streams, which can't be rolled back."""

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

STDOUT = "<stdout>"
STDOUT_FD, CLOSED = 1, -1
STREAMS = {"-": STDOUT_FD, "/dev/stdout": STDOUT_FD, "/dev/stderr": 2}
DESCRIPTOR = re.compile(r"/dev/fd/(\d+)|/proc/self/fd/(\d+)")
AHEAD = 8 << 20  # bytes
UNSYNCED = {
    errno.EACCES,
    errno.EBADF,
    errno.EINVAL,
    errno.ENOSYS,
    errno.ENOTSUP,
}  # file systems where a directory can't be synced

ROLLBACK = 0.4  # seconds for a rollback when a signal ends the run: a store may not answer

temporaries: set[str] = set()  # files to remove if a signal ends the process
changing = threading.Lock()  # held while a temporary is created or renamed: no signal comes between
rollbacks: list[Callable[[], object]] = []  # undo the targets that are in place before all are


def remove_temporaries() -> None:
    """Removes temporary files, and rolls back targets of which only some have been replaced. Called by the thread that
    handles the signals."""
    if changing.acquire(timeout=0.5):
        for undo in reversed(rollbacks):
            thread = threading.Thread(target=undo, daemon=True)
            thread.start()
            thread.join(ROLLBACK)
    for path in list(temporaries):
        with contextlib.suppress(OSError):
            os.unlink(path)


@dataclass
class Target:
    """An output: write to it, then `commit`. Without a commit, the file is unchanged or absent.

    A regular file is written under another name in its own directory, synced and renamed. Anything else (a pipe,
    a device, standard output) is written directly.
    """

    name: str
    path: str | None  # the resolved file that a rename will replace; None: written directly
    fd: int
    temporary: str | None = None
    dead: bool = False
    count: int = 0  # bytes written so far
    is_started: bool = False  # a write has begun: of one that blocks in a pipe, a part may have been read
    begun: int = 0  # bytes whose write-back has been started
    ready: bool = False  # all bytes are synced, `commit` can follow
    backup: str | None = None  # a hard link to the replaced file; empty if there was no file
    placed: bool = False  # committed and not rolled back
    hashed: hashlib._Hash | None = None  # of the bytes written, if needed
    known: str = ""  # digest of the bytes that another process has written
    settle: Callable[[str], None] = field(
        default_factory=lambda: sync_directory
    )  # called with the directory of a rename

    def write(self, data: bytes | memoryview) -> int:
        """Writes all bytes. After a failure, further bytes are discarded. Raises ReaderGoneError, OutputError."""
        view = memoryview(data).cast("B")
        if self.dead:
            return len(view)
        self.is_started = self.is_started or bool(view)
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
    def can_patch(self) -> bool:
        """Whether bytes that are written can be replaced: of a file that nobody sees yet, and whose digest is not
        computed."""
        return self.temporary is not None and self.hashed is None and not self.is_remote

    def patch(self, start: int, data: bytes) -> None:
        """Replaces bytes that are written. Raises OutputError."""
        try:
            os.pwrite(self.fd, data, start)
        except OSError as e:
            self.dead = True
            raise self._failed(e) from None

    @property
    def streamed(self) -> bool:
        """Whether bytes are visible as soon as they are written: only the end marker says that the output is
        complete."""
        return self.path is None

    @property
    def pending(self) -> bool:
        """Whether there is something left to commit."""
        return self.temporary is not None

    @property
    def is_remote(self) -> bool:
        """Whether `commit` takes requests to a store."""
        return False

    @property
    def upload_size(self) -> int:
        """Bytes that these have to send."""
        return 0

    @property
    def digest(self) -> str | None:
        """Digest of the bytes written, if it is computed."""
        return self.known or (f"sha256:{self.hashed.hexdigest()}" if self.hashed is not None else None)

    def _failed(self, error: OSError) -> OutputError:
        return OutputError(f"{self.name}: writing failed: {error.strerror}", advice(error))

    def _send(self) -> None:
        """Starts write-back of the page cache, so that the final sync does not have to wait for all of it."""
        if hasattr(os, "posix_fadvise"):
            with contextlib.suppress(OSError):
                os.posix_fadvise(self.fd, self.begun, self.count - self.begun, os.POSIX_FADV_DONTNEED)
        self.begun = self.count

    def flush(self) -> None:
        """Does nothing: writes are not buffered."""

    @property
    def closed(self) -> bool:
        return False

    def __enter__(self) -> Self:
        return self

    def prepare(self) -> None:
        """Does everything that can fail before the rename: syncs a file, flushes a stream. Raises OutputError."""
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
        """Renames the new file over the old one; once. Raises CannotCreateError, OutputError."""
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
            self.settle(os.path.dirname(self.path))
        except OSError as e:
            what = f"{self.name}: is complete, but its directory can't be synced: {e.strerror}"
            raise OutputError(what, "after a power loss, what was there before may be there again") from None

    def preserve(self) -> None:
        """Before `commit`: keeps a hard link to the old file for `restore`, if the file system has them."""
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
        """Whether the old file is known to be unchanged after a failed `commit`."""
        return self.pending

    def restore(self) -> bool:
        """Puts the old file back; whether that succeeded."""
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
            sync_directory(os.path.dirname(self.path))
        return True

    def forget(self) -> None:
        """Removes the backup."""
        if self.backup:
            with changing:
                with contextlib.suppress(OSError):
                    os.unlink(self.backup)
                temporaries.discard(self.backup)
        self.backup = None

    def _close(self) -> None:
        """Closes a pipe or a device, so that its reader sees the end; standard output stays open until the process
        ends. Raises OutputError."""
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


def flush(fd: int) -> None:
    """Closes a duplicate of a descriptor: a network file system reports a failed write only then. Raises OSError."""
    os.close(os.dup(fd))


def sync_directory(path: str) -> None:
    """Makes a rename survive a power loss, if the file system supports that. Raises OSError."""
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
    """Opens an output: a path, or standard output for None and `-`. The bytes of an object are kept in `spool_dir` (by
    default TMPDIR) until it is complete. Raises CannotCreateError, OutputError, before data is read."""
    if path is None or path == "-":
        if fcntl.fcntl(1, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:  # how a closed one is opened at start
            raise OutputError("standard output is closed", "-o FILE writes a file")
        return Target(STDOUT, None, 1)
    path = stores.plain(path)
    name = printable(path)
    if not path or path.endswith("/"):
        raise CannotCreateError(f"'{name}' names no file", "end it with the name of one")
    if stores.is_uri(path):
        from normcli.io.stores.targets import open_far

        return open_far(path, spool_dir)
    if (number := descriptor(path)) is not None:
        try:
            return Target(name, None, os.dup(number))
        except (OSError, OverflowError) as e:
            raise open_error(CannotCreateError, name, e) from None
    try:
        status = os.stat(path)
    except FileNotFoundError:
        status = None
    except (OSError, ValueError) as e:
        raise open_error(CannotCreateError, name, e) from None
    if status is not None and stat.S_ISDIR(status.st_mode):
        raise CannotCreateError(f"{name}: is a directory", "name a file in it")
    try:
        if status is not None and not stat.S_ISREG(status.st_mode):
            return Target(name, None, os.open(path, os.O_WRONLY))
        if status is not None and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, "is read-only")
        path = os.path.realpath(path)
        return beside(name, path, status, _new_name(path))
    except OSError as e:
        raise open_error(CannotCreateError, name, e) from None


def descriptor(path: str | None) -> int | None:
    """The number of the open descriptor that an output's name denotes, 1 for None; None for any other name."""
    name = "-" if path is None else path
    match = DESCRIPTOR.fullmatch(name)
    return int(match[1] or match[2]) if match else STREAMS.get(name)


def replaced(path: str | None) -> str | None:
    """The resolved path of the file that a rename will replace or create; None for a stream, a device or an object, and
    for a name that can't be a file."""
    if path is None or descriptor(path) is not None or stores.is_uri(path) or path.endswith("/"):
        return None
    try:
        return os.path.realpath(path) if stat.S_ISREG(os.stat(path).st_mode) else None
    except FileNotFoundError:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return None


def _new_name(path: str) -> str:
    """A new temporary name in the directory of a file."""
    return os.path.join(os.path.dirname(path), f".normcli-{os.urandom(8).hex()}.tmp")


def beside(name: str, path: str, status: os.stat_result | None, temporary: str) -> Target:
    """A new temporary file in the directory of `path`, with the mode (and, if permitted, the owner) of the old one.
    Raises OSError."""
    with changing:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        temporaries.add(temporary)
    with contextlib.suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # marks it as in use
    if status is not None:
        with contextlib.suppress(OSError):
            os.fchown(fd, status.st_uid, status.st_gid)
        with contextlib.suppress(OSError):
            os.fchmod(fd, stat.S_IMODE(status.st_mode))
    return Target(name, path, fd, temporary)
