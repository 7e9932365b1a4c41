"""Too little memory, or too few threads: said before libraries are loaded that fail in odd ways without. One that ends
the process by itself, as OpenBLAS does by exit(1) and polars by abort(), does not look like drift, nor leave files."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from normcli.errors import ShortageError, size

LIMITS = (
    ("address space (ulimit -v)", resource.RLIMIT_AS, 448 << 20),
    ("data (ulimit -d)", resource.RLIMIT_DATA, 238 << 20),
)
OF_LIGHT = 200 << 20  # bytes, of either, where neither polars nor pyarrow is loaded; a parameter file has what is left
OF_CPU = 7 << 20  # bytes, for the threads of libraries
POOL = "POLARS_MAX_THREADS"
HALF_LOADED = re.compile(  # of polars, which goes on then
    r"name 'Py[A-Z]\w+' is not defined|without exception set|previously been poisoned"
)
STACK = 2 << 20  # bytes of a thread's, where there is a limit
RESERVE = 16 << 20  # bytes of address space that are let go for what has to be said at the end
PATIENCE = 2  # seconds for that
THREADS = 90  # that may be out of memory at once, beside the first
SHORT = re.compile(
    r"can't start new thread|ThreadPoolBuildError|Os \{ code: |bad_alloc"
    r"|failed to map|Cannot allocate|Too many open files"
)


def check_room(command: str, words: Sequence[str], *, data: bool) -> None:
    """Raises ShortageError where a limit of this process is below what the libraries of a command take at least, for
    `data` or without any. Under a limit, polars has no more threads than the words of the command allow."""
    if not is_limited():
        return
    if data:
        os.environ.setdefault(POOL, str(_threads(words)))
    threads = OF_CPU * _number(os.environ.get(POOL))
    for what, kind, least in LIMITS:
        limit, needed = resource.getrlimit(kind)[0], least + threads if data else OF_LIGHT
        if resource.RLIM_INFINITY != limit < needed:
            least_for = f"{command} needs at least {size(needed)}"
            raise ShortageError(f"too little memory: {what} is limited to {size(limit)}", least_for)


def load_libraries() -> None:
    """Under a limit, before anything is read: all that works on data is loaded, so that what is left is known."""
    if is_limited():
        from normcli.jobs.process import load_libraries as load

        threading.stack_size(STACK)
        load()
        come_first()


def _threads(words: Sequence[str]) -> int:
    """Of --threads or its variable, up to one for each CPU; before there is a parser, which loads libraries. One that
    is no number is refused later."""
    given = [os.environ.get("NORMCLI_THREADS")]
    given += [b for a, b in pairwise(words) if a == "--threads"]
    given += [word.partition("=")[2] for word in words if word.startswith("--threads=")]
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return min(_number(given[-1], cpus), cpus)


def _number(word: str | None, default: int = 1) -> int:
    return int(word) if word and word.isdecimal() and int(word) else default


def shortage(error: BaseException) -> str | None:
    """What the process could not get, where an error of Python's or a library's tells of that; an import that fails
    under a limit of memory does."""
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, ImportError):
        while error.__cause__ is not None:  # numpy puts an essay around it
            error = error.__cause__
        return f"a library can't be loaded: {error}" if is_limited() or SHORT.search(str(error)) else None
    if (isinstance(error, SyntaxError) or HALF_LOADED.search(str(error))) and is_limited():  # of sources that are fine
        return f"a library could be loaded in part only: {error}"
    return f"too little memory, or too few threads or files: {error}" if SHORT.search(str(error)) else None


def is_limited() -> bool:
    """Whether this process has a limit of memory."""
    return any(resource.getrlimit(kind)[0] != resource.RLIM_INFINITY for _, kind, _ in LIMITS)


kept: list[Any] = []  # what C has pointers to


def catch_exits(last: Callable[[], object]) -> None:
    """A library's exit or abort, and under a limit its SIGSEGV, goes through `last`, and is exit 74 in any case.
    Python's own way out is os._exit, which knows nothing of this.

    Threads that are out of memory abort together, and glibc's exit does not bear two of them at once. So they come by
    its quick_exit, of which each takes the next function: the first goes on to exit, all others wait for its end."""
    with contextlib.suppress(OSError, AttributeError):
        import ctypes

        libc = ctypes.CDLL(None)
        hook = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
        libc.malloc.restype = ctypes.c_void_p
        kept[:] = [hook(lambda _: last() and None), libc.malloc(ctypes.c_size_t(RESERVE))]
        for function in (*(libc.pause,) * THREADS, libc.exit):  # last first
            libc.__cxa_at_quick_exit(ctypes.cast(function, ctypes.c_void_p), None)
        come_first()
        libc.signal(int(signal.SIGALRM), ctypes.cast(libc.exit, ctypes.c_void_p))  # comes to what is left: _exit
        if not os.environ.get("NORMCLI_DEBUG"):  # which may want to see where
            for number in (signal.SIGABRT, *((signal.SIGSEGV,) if is_limited() else ())):
                libc.signal(int(number), ctypes.cast(libc.quick_exit, ctypes.c_void_p))


def come_first() -> None:
    """Has what `catch_exits` has to do come before what libraries do that are loaded by now: they end what their other
    threads still work with. Memory is there before Python needs some, and time before it may be stuck."""
    if kept:
        import ctypes

        libc, (speak, reserve) = ctypes.CDLL(None), kept
        steps = (libc.alarm, PATIENCE), (libc.free, reserve), (speak, 0), (libc._exit, ShortageError.code)
        for function, argument in reversed(steps):  # last first
            libc.__cxa_atexit(ctypes.cast(function, ctypes.c_void_p), ctypes.c_void_p(argument), None)
