"""What inputs and tasks cost a cluster: CPU of driver, scheduler and workers, memory of the driver, and bytes on the
network. Inputs are tiny CSV files, read by two worker processes of this machine. Tasks do nothing for two seconds on
200 workers of four threads, all in two processes: messages of many workers come one by one, and those of a driver are
large.

    python -m tests.benchmarks.cluster_costs 20000

`cluster_simulation` computes from such figures how long a run on many workers takes. In a network namespace of its own
(`unshare -rn`, then `ip link set lo up`) the bytes are those of this run alone.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from normcli.engines.dask import Dask
from tests import cluster
from tests.engines.spans import Doubled, Number

WORKERS = 200  # that tasks are measured with
RESULT = 1000  # bytes of a result, about
TICK = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Prints a line for each figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("inputs", type=int, nargs="?", default=20_000)
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--tasks", type=int, default=8_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_inputs(Path(folder, "in"), options.inputs, options.rows)
        for name, figure in {**measure(folder, options.inputs), **measure_tasks(options.tasks)}.items():
            print(f"{name:32} {figure:,.2f}", flush=True)


def write_inputs(folder: Path, count: int, rows: int) -> None:
    """So many CSV files of four columns, 1,000 to a directory."""
    for n in range(count):
        if n % 1000 == 0:
            (folder / f"{n // 1000:03}").mkdir(parents=True)
        lines = (f"{n}.{i},{i * i % 7},{i}.5,{n % 11}e-3" for i in range(rows))
        (folder / f"{n // 1000:03}" / f"{n % 1000:03}.csv").write_text("a,b,c,d\n" + "\n".join(lines) + "\n")


def measure(folder: str, count: int) -> dict[str, float]:
    """The figures of a fit of all files below a folder."""
    words = [sys.executable, "-m", "normcli", "fit", "in/", "-m", "zscore", "-p", "p.json", "-q"]
    with cluster.running(2) as made:
        subprocess.run(
            [*words, "--dry-run"], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )  # directories are in the cache
        listing = used_by_children()
        idle = idle_share(made.scheduler)
        before, bytes_before = {pid: cpu(pid) for pid in (made.scheduler, *made.workers)}, on_loopback()
        started = time.perf_counter()
        subprocess.run(
            [*words, "--engine", "dask", "--scheduler", made.address], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        elapsed = time.perf_counter() - started
        after, bytes_after = {pid: cpu(pid) for pid in before}, on_loopback()
    scheduler, *workers = (after[pid] - before[pid] for pid in before)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "wall, s": elapsed,
        "driver, ms of CPU an input": (used_by_children() - listing) / count * 1e3,
        "of it, listing and start": listing / count * 1e3,
        "scheduler, ms of CPU an input": (scheduler - idle * elapsed) / count * 1e3,
        "scheduler, % of a CPU when idle": idle * 1e2,
        "workers, ms of CPU an input": sum(workers) / count * 1e3,
        "driver, peak MB": usage.ru_maxrss / 1024,
        "network, kB an input": (bytes_after - bytes_before) / count / 1e3,
    }


def measure_tasks(count: int) -> dict[str, float]:
    """The figures of so many tasks of one span each."""
    with cluster.running(2, threads=4, each=WORKERS // 2) as made:
        engine = Dask.connect(made.address)
        work = Doubled(pause=2.0)
        list(engine.map_spans(work, map(Number, range(10))))
        idle = idle_share(made.scheduler)
        before, bytes_before, clock = cpu(made.scheduler), on_loopback(), (time.process_time(), time.perf_counter())
        list(engine.map_spans(work, map(Number, range(count)), state=RESULT))
        driver, elapsed = time.process_time() - clock[0], time.perf_counter() - clock[1]
        scheduler = cpu(made.scheduler) - before - idle * elapsed
        sent = on_loopback() - bytes_before
        engine.close(5.0)
    return {
        "driver, ms of CPU a task": driver / count * 1e3,
        "scheduler, ms of CPU a task": scheduler / count * 1e3,
        "scheduler, % of a CPU when idle*": idle * 1e2,
        "network, kB a task": sent / count / 1e3,
    }


def used_by_children() -> float:
    """Seconds of CPU of processes that ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cpu(pid: int) -> float:
    """Seconds of CPU of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def idle_share(pid: int, seconds: float = 10.0) -> float:
    """Seconds of CPU that a process takes for each second while it has nothing to do."""
    before = cpu(pid)
    time.sleep(seconds)
    return (cpu(pid) - before) / seconds


def on_loopback() -> int:
    """Bytes sent on the loopback interface."""
    line = next(text for text in Path("/proc/net/dev").read_text().splitlines() if text.strip().startswith("lo:"))
    return int(line.split()[9])


if __name__ == "__main__":
    main()
