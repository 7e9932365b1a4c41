"""Shortage of memory or threads: detected before libraries are imported that fail in obscure ways. If a library ends
the process, as OpenBLAS does by exit(1) and polars by abort(), the exit code is not that of drift, and no files are
left."""

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
OF_LIGHT = 200 << 20  # bytes, of either limit, without polars and pyarrow; the rest is for the parameter file
OF_CPU = 7 << 20  # bytes per thread of the libraries
POOL = "POLARS_MAX_THREADS"
HALF_LOADED = (  # errors after a failed import of a part of polars
    r"name 'Py[A-Z]\w+' is not defined|without exception set|previously been poisoned"
)
STACK = 2 << 20  # bytes of a thread's stack under a limit
RESERVE = 16 << 20  # bytes of address space that are released for the final message
PATIENCE = 2  # seconds for the final message
THREADS = 90  # threads that may run out of memory at the same time, besides the first
SHORT = (
    r"can't start new thread|ThreadPoolBuildError|Os \{ code: |bad_alloc"
    r"|failed to map|Cannot allocate|Too many open files"
)


def check_room(command: str, words: Sequence[str], *, data: bool) -> None:
    """Raises ShortageError if a limit of this process is below the minimum of the libraries of a command, with `data`
    or without. Under a limit, polars gets no more threads than --threads among the words of the command."""
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
    """Under a limit, imports all libraries before data are read, so that the remaining memory is known."""
    if is_limited():
        from normcli.jobs.process import load_libraries as load

        threading.stack_size(STACK)
        load()
        come_first()


def _threads(words: Sequence[str]) -> int:
    """The number of threads by --threads or its variable, at most one per CPU; read before the parser, which imports
    libraries. An invalid number is refused later."""
    settings = [os.environ.get("NORMCLI_THREADS")]
    settings += [b for a, b in pairwise(words) if a == "--threads"]
    settings += [word.partition("=")[2] for word in words if word.startswith("--threads=")]
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return min(_number(settings[-1], cpus), cpus)


def _number(word: str | None, default: int = 1) -> int:
    return int(word) if word and word.isdecimal() and int(word) else default


def shortage(error: BaseException) -> str | None:
    """The message for an error of Python or a library that is caused by a shortage; None for any other. An import that
    fails under a memory limit counts as one."""
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, ImportError):
        while error.__cause__ is not None:  # numpy wraps it in a long message
            error = error.__cause__
        return f"a library can't be loaded: {error}" if is_limited() or re.search(SHORT, str(error)) else None
    if (
        isinstance(error, SyntaxError) or re.search(HALF_LOADED, str(error))
    ) and is_limited():  # SyntaxError: the sources are correct
        return f"a library could be loaded in part only: {error}"
    return f"too little memory, or too few threads or files: {error}" if re.search(SHORT, str(error)) else None


def is_limited() -> bool:
    """Whether this process has a memory limit."""
    return any(resource.getrlimit(kind)[0] != resource.RLIM_INFINITY for _, kind, _ in LIMITS)


references: list[Any] = []  # keeps alive what C has pointers to


def catch_exits(last: Callable[[], object]) -> None:
    """Makes a library's exit or abort, and under a limit its SIGSEGV, call `last` and exit with 74. Python itself exits
    by os._exit, which bypasses this.

    Threads that run out of memory abort concurrently, and glibc's exit must not run twice. Therefore they go through
    its quick_exit, in which each thread calls the next function: the first continues to exit, all others wait."""
    with contextlib.suppress(OSError, AttributeError):
        import ctypes

        libc = ctypes.CDLL(None)
        hook = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
        libc.malloc.restype = ctypes.c_void_p
        references[:] = [hook(lambda _: last() and None), libc.malloc(ctypes.c_size_t(RESERVE))]
        for function in (*(libc.pause,) * THREADS, libc.exit):  # last first
            libc.__cxa_at_quick_exit(ctypes.cast(function, ctypes.c_void_p), None)
        come_first()
        libc.signal(int(signal.SIGALRM), ctypes.cast(libc.exit, ctypes.c_void_p))  # calls the remaining handler: _exit
        if not os.environ.get("NORMCLI_DEBUG"):  # a debugger wants the location
            for number in (signal.SIGABRT, *((signal.SIGSEGV,) if is_limited() else ())):
                libc.signal(int(number), ctypes.cast(libc.quick_exit, ctypes.c_void_p))


def come_first() -> None:
    """Registers the handlers of `catch_exits` to run before those of the libraries imported so far, which destroy what
    their other threads still use. They release memory before Python needs some, and start a timer in case it hangs."""
    if references:
        import ctypes

        libc, (speak, reserve) = ctypes.CDLL(None), references
        steps = (libc.alarm, PATIENCE), (libc.free, reserve), (speak, 0), (libc._exit, ShortageError.code)
        for function, argument in reversed(steps):  # last first
            libc.__cxa_atexit(ctypes.cast(function, ctypes.c_void_p), ctypes.c_void_p(argument), None)
