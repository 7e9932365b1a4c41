"""A process in which the command and its libraries are imported, and which forks a run of it whenever asked.

Started as a script with the number of a socket's descriptor. It starts no thread itself and calls no library, so that
what is forked is what `python -m normcli` is once it has imported them.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import pickle
import pkgutil
import runpy
import select
import socket
import sys
import traceback
import warnings
from typing import NoReturn

STANDARD = 3  # descriptors: input, output, error
LIBRARIES = (
    "backports.zstd", "ctypes", "difflib", "gzip", "numpy.ma", "polars", "pyarrow.compute", "pyarrow.csv", "pyarrow.fs",
    "pyarrow.ipc", "pyarrow.parquet", "threadpoolctl", "xxhash",
)  # fmt: skip


def preload() -> None:
    """Imports what a run may need, each under the settings that it makes for them."""
    from normcli.cli import _process

    os.environ.update(dict.fromkeys(_process.BLAS, "1"))
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")
    import normcli

    modules = (m.name for m in pkgutil.walk_packages(normcli.__path__, "normcli.") if m.name != "normcli.__main__")
    for name in (*modules, *LIBRARIES):
        with contextlib.suppress(ImportError):  # the run will say so
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is never looked at is never copied


def serve(control: socket.socket) -> None:
    """Each message brings four descriptors: the standard ones, and a socket on which the run is told. Its process is
    told there at once, its status when it has ended; until that socket is closed no other process is given its number,
    and with it a signal. Returns when nobody can ask any more."""
    running: dict[int, tuple[int, socket.socket]] = {}  # by the pipe that ends with it: the process, and who asked
    ended: dict[socket.socket, int] = {}  # by who asked: the process
    while True:
        for ready in select.select([control, *running, *ended], [], [])[0]:
            if ready is control:
                fds = socket.recv_fds(control, 1, STANDARD + 1)[1]
                if not fds:
                    return
                asked = socket.socket(fileno=fds.pop())
                end, alive = os.pipe()
                pid = fork()
                if not pid:
                    control.close()
                    os.close(end)
                    for other, (_, theirs) in running.items():
                        os.close(other)
                        theirs.close()
                    for theirs in ended:
                        theirs.close()
                    become(fds, asked)
                for fd in (*fds, alive):
                    os.close(fd)
                running[end] = pid, asked
                asked.sendall(pid.to_bytes(4))
            elif ready in ended:
                os.waitpid(ended.pop(ready), 0)
                ready.close()
            else:
                os.close(ready)
                pid, asked = running.pop(ready)
                asked.sendall(status_of(pid).to_bytes(4))
                ended[asked] = pid


def status_of(pid: int) -> int:
    """The status with which a process has ended, as waitpid gives it; but its number stays taken."""
    end = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert end
    return end.si_status << 8 if end.si_code == os.CLD_EXITED else end.si_status


def fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads that libraries keep for their memory, which sleep
        return os.fork()


def become(fds: list[int], asked: socket.socket) -> NoReturn:
    """The run that is described on the socket."""
    from normcli.jobs.run_report_file import run_report

    try:
        for fd, standard in zip(fds, range(STANDARD), strict=True):
            os.dup2(fd, standard)
            os.close(fd)
        with asked, asked.makefile("rb") as file:
            told = json.loads(file.readline())
        os.chdir(told["cwd"])
        os.environ.clear()
        os.environ.update(told["env"])
        sys.path.insert(0, os.getcwd())
        sys.argv[1:] = told["args"]
        sys.stdin, sys.stdout, sys.stderr = (stream(fd) for fd in range(STANDARD))
        sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
        if told["prepare"]:
            sys.path.append(told["root"])
            pickle.loads(bytes.fromhex(told["prepare"]))()
        run_report.reset()
        runpy.run_module("normcli", run_name="__main__", alter_sys=True)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)  # which no run does itself


def stream(fd: int) -> io.TextIOWrapper:
    """Standard input, output or error, as Python makes it at start."""
    binary = open(fd, "rb" if fd == 0 else "wb", closefd=False)  # noqa: SIM115
    old = (sys.stdin, sys.stdout, sys.stderr)[fd]
    flush = fd == 2 or os.isatty(fd)
    return io.TextIOWrapper(binary, old.encoding, old.errors, newline="\n", line_buffering=flush)


if __name__ == "__main__":
    preload()
    with socket.socket(fileno=int(sys.argv[1])) as given:
        serve(given)
