"""How long a run on many workers takes, and who holds it up: computed with a fake clock from measured costs.

    python -m tests.benchmarks.cluster_simulation --inputs 100000 --bytes 10e12 --workers 1000 --threads 4
    python -m tests.benchmarks.cluster_simulation --pack 1              # as if each input were a task of its own

Costs are those that `cluster_costs` prints, per task and per input; put your own in their place. Driver and scheduler
do one thing at a time. A task goes from the driver to the scheduler and to the first free thread, and its reply goes
back; the driver has a bounded number of tasks in flight, and counts replies in order.
"""

from __future__ import annotations

import argparse
import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from normcli.engines._dask_run import AHEAD, SHARES
from normcli.engines._packs import PACK_COUNT, PACK_LOAD, Packs


@dataclass(frozen=True)
class Costs:
    """Seconds of a CPU, measured."""

    driver_task: float = 0.24e-3  # to submit a task and to gather its reply
    driver_input: float = 0.2e-3  # to list an input, and to count its result
    scheduler_task: float = 0.62e-3
    worker_input: float = 5e-3  # to open an input and to reply
    rate: float = 60e6  # bytes a thread reads and measures in a second


@dataclass(frozen=True)
class Input:
    """One of a number of equal inputs."""

    load: int
    name: str = ""


@dataclass(frozen=True)
class Outcome:
    """Seconds that a run takes, and that those who work one thing after the other are busy."""

    makespan: float
    driver: float
    scheduler: float
    threads: float  # the mean of them
    tasks: int

    @property
    def bottleneck(self) -> str:
        busy = {"driver": self.driver, "scheduler": self.scheduler, "workers": self.threads}
        return max(busy, key=lambda name: busy[name])


def simulate(inputs: int, size: int, threads: int, costs: Costs, most: int = PACK_COUNT) -> Outcome:
    """A run over `inputs` of `size` bytes each on so many threads, with packs of at most `most` inputs."""
    clock_driver = clock_scheduler = driver = scheduler = work = 0.0
    free = [0.0] * threads  # the time at which each thread is free
    heapq.heapify(free)
    window, tasks, in_flight = threads * AHEAD, 0, deque[tuple[float, int]]()  # when a reply is there, of how many
    packs = _packs(inputs, size, int(threads * SHARES), most)
    pack = next(packs, 0)
    while pack or in_flight:
        if pack and len(in_flight) < window:
            clock_driver += costs.driver_task
            clock_scheduler = max(clock_scheduler, clock_driver) + costs.scheduler_task
            seconds = pack * (costs.worker_input + size / costs.rate)
            end = max(heapq.heappop(free), clock_scheduler) + seconds
            heapq.heappush(free, end)
            in_flight.append((end, pack))
            driver, scheduler, work = driver + costs.driver_task, scheduler + costs.scheduler_task, work + seconds
            tasks, pack = tasks + 1, next(packs, 0)
        else:
            end, count = in_flight.popleft()
            clock_driver = max(clock_driver, end) + count * costs.driver_input
            driver += count * costs.driver_input
    return Outcome(clock_driver, driver, scheduler, work / threads, tasks)


def _packs(inputs: int, size: int, shares: int, most: int) -> Iterator[int]:
    """How many inputs each task has."""
    packs = Packs(iter([Input(size)] * inputs), most)
    while pack := packs.next(shares):
        yield len(pack)


def main() -> None:
    """Prints a line for each figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--bytes", type=float, default=10e12, help="of all inputs")
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=4, help="of each worker")
    parser.add_argument(
        "--pack", type=int, default=PACK_COUNT, help=f"inputs in a task, which reads at most {PACK_LOAD:,} bytes"
    )
    for name, value in vars(Costs()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=value, help=f"{value:g}")
    options = vars(parser.parse_args())
    costs = Costs(**{name: options[name] for name in vars(Costs())})
    size, threads = int(options["bytes"] / options["inputs"]), options["workers"] * options["threads"]
    outcome = simulate(options["inputs"], size, threads, costs, options["pack"])
    for name, seconds in vars(outcome).items():
        print(f"{name:12} {seconds:12,.0f}{' s' if name != 'tasks' else ''}")
    print(f"{'bottleneck':12} {outcome.bottleneck:>12}")


if __name__ == "__main__":
    main()
