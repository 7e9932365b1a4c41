"""Dask clusters of real processes on loopback, without dashboards. All are forked from one that has the imports behind
it, so that a cluster is there in half a second."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

ROOT = str(Path(__file__).parents[1])
LIMIT = 1 << 30  # bytes of memory of a worker
SETTINGS = {  # of Dask: nobody looks at how workers spend their time; a worker that is dead is not dialled for long
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.comm.timeouts.connect": "10s",
}


@dataclass
class Cluster:
    """A scheduler and its workers, as process ids."""

    address: str
    scheduler: int
    workers: list[int] = field(default_factory=list)

    def add(
        self, threads: int = 1, *, fake: Mapping[str, str] | None = None, env: Mapping[str, str] | None = None,
        each: int = 1,
    ) -> int:  # fmt: skip
        """One more process, with `each` workers; `fake` is what they say of themselves in place of the truth, or what
        tests.dying makes of them."""
        what = {"threads": threads, "fake": dict(fake or {}), "env": dict(env or {}), "each": each}
        made = _asked({"address": self.address, **what})
        self.workers.append(made["pid"])
        return int(made["pid"])

    def kill(self, pid: int) -> None:
        """As the kernel does where memory is short."""
        os.kill(pid, signal.SIGKILL)
        if pid in self.workers:
            self.workers.remove(pid)

    def stop(self) -> None:
        for pid in (*self.workers, self.scheduler):
            self.kill(pid)


@contextmanager
def running(
    workers: int = 2, *, threads: int = 1, fake: Mapping[str, str] | None = None, env: Mapping[str, str] | None = None,
    each: int = 1,
) -> Iterator[Cluster]:  # fmt: skip
    """A cluster of so many processes, with threads each, as Dask's variables in their environment have it; `fake` and
    `each` are as for `add`."""
    made = _asked({"env": dict(env or {})})
    cluster = Cluster(made["address"], made["pid"])
    try:
        for _ in range(workers):
            cluster.add(threads, fake=fake, env=env, each=each)
        yield cluster
    finally:
        cluster.stop()


@cache
def _zygote() -> "subprocess.Popen[str]":
    words = [sys.executable, "-m", "tests.cluster"]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def end() -> None:
    """Nothing of any cluster runs any more."""
    if _zygote.cache_info().currsize:
        _zygote().communicate("")


def _asked(what: dict[str, Any]) -> dict[str, Any]:
    zygote = _zygote()
    assert zygote.stdin
    assert zygote.stdout
    zygote.stdin.write(json.dumps(what) + "\n")
    zygote.stdin.flush()
    answer: dict[str, Any] = json.loads(zygote.stdout.readline())
    return answer


# -- the processes -----------------------------------------------------------------------------------------------
def _main() -> None:
    """Forks what is asked for, a line each, until nobody can ask any more."""
    import distributed  # noqa: F401
    import polars  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    import normcli.engines._on_worker
    import normcli.pipeline  # noqa: F401

    children = []  # none is waited for: so long, no other process or thread is given its number, and killed for it
    for line in sys.stdin:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _child(json.loads(line), writing)
        os.close(writing)
        children.append(pid)
        with open(reading) as answer:
            print(json.dumps({"pid": pid, "address": answer.read()}), flush=True)
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _child(what: dict[str, Any], answer: int) -> None:
    import asyncio

    import dask

    os.environ.update(what["env"])
    dask.config.refresh()
    dask.config.set(SETTINGS)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1) if "CLUSTER_LOG" in os.environ else (0, 1, 2):
        os.dup2(null, fd)
    try:
        asyncio.run(_worker(what, answer) if "address" in what else _scheduler(answer))
    finally:
        os._exit(0)


async def _scheduler(answer: int) -> None:
    import dask
    from distributed import Scheduler

    encrypted = bool(dask.config.get("distributed.comm.tls.ca-file"))
    protocol = "tls://" if encrypted else "tcp://"
    async with Scheduler(host="127.0.0.1", port=0, protocol=protocol, dashboard=False) as scheduler:
        _say(answer, scheduler.address)
        await scheduler.finished()


async def _worker(what: dict[str, Any], answer: int) -> None:
    from distributed import Worker

    from normcli.engines import _arithmetic
    from tests import dying

    if "broken" in what["fake"]:
        sys.modules["normcli.engines._on_worker"] = None  # type: ignore[assignment]
    elif "dies" in what["fake"]:
        dying.arm(**what["fake"])
    elif "rests" in what["fake"]:
        dying.slow(float(what["fake"]["rests"]))
    elif what["fake"]:
        truth = _arithmetic.facts
        _arithmetic.facts = lambda **flags: truth(**flags) | what["fake"]  # type: ignore[assignment]
    workers = [
        Worker(
            what["address"], nthreads=what["threads"], host="127.0.0.1", dashboard=False, memory_limit=LIMIT,
            local_directory=os.environ.get("TMPDIR", "/tmp"),
        )
        for _ in range(what["each"])
    ]  # fmt: skip
    async with AsyncExitStack() as stack:
        for worker in workers:
            await stack.enter_async_context(worker)
        _say(answer, workers[0].address)
        await workers[0].finished()


def _say(answer: int, text: str) -> None:
    os.write(answer, text.encode())
    os.close(answer)


if __name__ == "__main__":
    _main()
