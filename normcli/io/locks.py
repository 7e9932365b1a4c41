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
    """The lock's file: beside a file by its resolved path, called by a hash of its name, which may be of 255 bytes."""
    import hashlib

    directory, name = os.path.split(path)
    return os.path.join(directory, f".normcli-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}.lock")


@contextlib.contextmanager
def locked(path: str | None, *, wait: float = 0.0) -> Iterator[None]:
    """Holds the lock of a file that a rename will replace: advisory, gone with the process however that ends, and with
    it the lock's file, unless we are killed. What is no file of this machine has none. Raises LockedError where another
    run holds it for `wait` more seconds, and CannotCreateError where no lock can be made."""
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
                os.unlink(lock)  # while it is ours, so that nobody's is removed
            temporaries.discard(lock)
        with contextlib.suppress(OSError):
            os.close(fd)


def _taken(lock: str, path: str) -> int | None:
    """A descriptor that holds the lock; None where another has it, or has just removed the file."""
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
