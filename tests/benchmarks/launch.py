"""Run one command and write its wall seconds, CPU seconds, peak bytes and exit code: REPORT COMMAND...

A process of its own, and a small one, because Linux counts what the parent had in memory at the time of the
start as the child's own peak: below about 10 MB, the size of this process, nothing can be told apart.
"""

import os
import signal
import sys
import time


def main(report: str, command: list[str]) -> None:
    """Start the command with our standard streams, wait for it, write one line of numbers."""
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    wall = time.perf_counter() - start
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # before its number can be given to another process
    _, status, usage = os.wait4(pid, 0)
    unit = 1 if sys.platform == "darwin" else 1024  # what ru_maxrss counts in
    numbers = (wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit, os.waitstatus_to_exitcode(status))
    with open(report, "w", encoding="ascii") as sink:
        print(*numbers, file=sink)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
