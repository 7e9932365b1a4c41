"""Locks: one run at a time may replace a file."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator

from normcli.errors import CannotCreateError, LockedError, open_error, printable
from normcli.io.outputs import changing, replaced, temporaries

PAUSE = 0.05  # seconds between two tries


def lock_file(path: str) -> str:
    """The path of the lock of a file: in its directory, named by a hash, since the name itself may have 255 bytes."""
    import hashlib

    directory, name = os.path.split(path)
    return os.path.join(directory, f".normcli-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}.lock")


@contextlib.contextmanager
def locked(path: str | None, *, wait: float = 0.0) -> Iterator[None]:
    """Holds the lock of a file that a rename will replace: advisory, released when the process ends, and its file is
    removed then, except after SIGKILL. Streams, devices and objects have no lock. Raises LockedError if another run
    still holds it after `wait` seconds, CannotCreateError if no lock can be created."""
    resolved = replaced(path)
    if path is None or resolved is None:
        yield
        return
    lock, end = lock_file(resolved), time.monotonic() + wait
    while (fd := _taken(lock, path)) is None:
        if time.monotonic() >= end:
            raise LockedError(f"{printable(path)}: is locked by another run", "--wait SECONDS waits for it")
        time.sleep(PAUSE)
    try:
        yield
    finally:
        with changing:
            with contextlib.suppress(OSError):
                os.unlink(lock)  # while we hold it, so that no other run's is removed
            temporaries.discard(lock)
        with contextlib.suppress(OSError):
            os.close(fd)


def _taken(lock: str, path: str) -> int | None:
    """A descriptor that holds the lock; None if another run holds it, or has just removed its file. Raises
    CannotCreateError."""
    with changing:
        try:
            fd = _opened(lock)
        except OSError as e:
            name = printable(lock if os.path.lexists(lock) else path)
            raise open_error(CannotCreateError, name, e) from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(fd), os.stat(lock)):
                temporaries.add(lock)  # a signal that ends us removes it
                return fd
        except (BlockingIOError, FileNotFoundError):
            pass
        except OSError as e:
            os.close(fd)
            raise open_error(CannotCreateError, f"{printable(lock)}: can't be locked", e) from None
        os.close(fd)
        return None


def _opened(lock: str) -> int:
    flags = os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT | flags, 0o666)
    except PermissionError:  # another user's run was killed: what it left can be locked by who may read it
        if not os.path.lexists(lock):
            raise
        return os.open(lock, os.O_RDONLY | flags)
