"""A shell in which `normcli` is a run that tests.processes starts: a fork, which takes a tenth of the time.

On the PATH stands a small program called normcli, which hands its words, directory, environment and standard streams
over a socket to this process, and ends as the run did.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.processes import start

PROGRAM = f"""#!{sys.executable} -IS
import json, os, signal, socket, sys
with socket.socket(socket.AF_UNIX) as way:
    way.connect(os.path.join(os.path.dirname(__file__), "runs"))
    socket.send_fds(way, [b"."], [0, 1, 2])
    way.sendall(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode() + b"\\n")
    code = int(way.makefile().read())
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
os._exit(code)
"""


@contextmanager
def shell_path(folder: Path) -> Iterator[str]:
    """`folder` as a directory for the PATH: its normcli, and this Python, work for as long as the context lasts."""
    for name, program in ("normcli", PROGRAM), ("python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'):
        (folder / name).write_text(program)
        (folder / name).chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "runs"))
        listening.listen()
        threading.Thread(target=_serve, args=(listening,), daemon=True).start()
        yield str(folder)
        listening.shutdown(socket.SHUT_RDWR)


def _serve(listening: socket.socket) -> None:
    while True:
        try:
            way, _ = listening.accept()
        except OSError:  # the context has ended
            return
        threading.Thread(target=_run, args=(way,), daemon=True).start()


def _run(way: socket.socket) -> None:
    with way:
        fds = socket.recv_fds(way, 1, 3)[1]
        args, folder, env = json.loads(way.makefile().readline())
        process = start(args, cwd=Path(folder), env=env, stdin=fds[0], stdout=fds[1], stderr=fds[2])
        for fd in fds:
            os.close(fd)
        way.sendall(str(process.wait()).encode())


def run_script(script: str, *, cwd: Path, env: Mapping[str, str], timeout: float) -> str:
    """What bash, and all that it starts, writes on standard output and standard error while it runs the script."""
    words = ["bash", "--norc", "-c", script]
    done = subprocess.run(
        words,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
    )
    return done.stdout.decode()
