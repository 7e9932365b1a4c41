"""Locks: one run at a time may change a file."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator

from normcli.errors import CannotCreateError, LockedError, printable
from normcli.outputs import changing, temporaries

PAUSE = 0.05  # seconds between two tries


@contextlib.contextmanager
def locked(path: str, *, wait: float = 0.0) -> Iterator[None]:
    """Holds `.NAME.lock` beside the resolved file: advisory, gone with the process however that ends, and with it the
    lock file, unless we are killed. Raises LockedError where another run holds it for `wait` more seconds, and
    CannotCreateError where no lock file can be made."""
    directory, name = os.path.split(os.path.realpath(path))
    lock = os.path.join(directory, f".{name}.lock")
    end = time.monotonic() + wait
    while (fd := _taken(lock)) is None:
        if time.monotonic() >= end:
            raise LockedError(f"{printable(path)}: is being changed by another run", "--wait SECONDS waits for it")
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


def _taken(lock: str) -> int | None:
    """A descriptor that holds the lock; None where another has it, or has just removed the file."""
    with changing:
        try:
            fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        except OSError as e:
            raise CannotCreateError(f"{printable(lock)}: {e.strerror}") from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(fd), os.stat(lock)):
                temporaries.add(lock)  # a signal that ends us removes it
                return fd
        except (BlockingIOError, FileNotFoundError):
            pass
        except OSError as e:
            os.close(fd)
            raise CannotCreateError(f"{printable(lock)}: can't be locked: {e.strerror}") from None
        os.close(fd)
        return None
