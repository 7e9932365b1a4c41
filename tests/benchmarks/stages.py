"""What the stages of a job cost: `python -m tests.benchmarks.stages [--data DIR] [--runs N] [JOB ...]` prints a table.

The job runs whole, in a process of its own, with the functions below wrapped: each counts the CPU time of its thread
that no wrapped function within it has counted. What is left of the process's time is start-up, and the rest.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from statistics import median
from threading import local
from typing import Any

from tests.benchmarks import data, machine
from tests.benchmarks.data import Source
from tests.benchmarks.measure import warm

START = "start-up"
STAGES = {  # a stage, and where it is; what is in none of them is the rest
    "open, read, cut": ("normcli.pipeline.progress:jobs_of",),
    "decode": ("normcli.pipeline.work:Work._decode",),
    "statistics": ("normcli.pipeline.work:measure",),
    "digest": ("normcli.pipeline.learning:digest",),
    "transform": ("normcli.parameters:FrameTransform.transform",),
    "encode": ("normcli.pipeline.work:Work.encoded", "normcli.formats._binary.row_groups:Grouping.encode"),
    "write": ("normcli.io.outputs:Target.write", "normcli.io.outputs:Target.prepare"),
}
JOBS = {
    "fit csv": Source("reference.csv"),
    "apply csv": Source("reference.csv"),
    "fit -o csv": Source("reference.csv"),
    "fit csv of many": Source("many.csv"),
    "fit parquet": Source("reference.parquet"),
    "fit parquet of coded": Source("coded.parquet"),
    "apply parquet": Source("reference.parquet"),
    "fit whiten": Source("wide.parquet"),
}


class Clock:
    """CPU seconds of stages, of all threads together."""

    def __init__(self) -> None:
        self.seconds = Counter[str]()
        self._thread = local()

    def counted(self, stage: str, call: Callable[[], Any]) -> Any:
        """The result of a call, whose time counts for a stage, and for none that it is called in."""
        inner = getattr(self._thread, "inner", 0.0)
        self._thread.inner = 0.0
        start = time.thread_time()
        try:
            return call()
        finally:
            took = time.thread_time() - start
            self.seconds[stage] += took - self._thread.inner
            self._thread.inner = inner + took

    def wrap(self, stage: str, place: str) -> None:
        """Has a function, a method or a generator of a module counted."""
        module, _, path = place.partition(":")
        *owners, name = path.split(".")
        owner: Any = importlib.import_module(module)
        for part in owners:
            owner = getattr(owner, part)
        function = getattr(owner, name)

        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            result = self.counted(stage, lambda: function(*args, **kwargs))
            return self._iterated(stage, result) if isinstance(result, Iterator) else result

        setattr(owner, name, timed)

    def _iterated(self, stage: str, items: Iterator[Any]) -> Iterator[Any]:
        end = object()
        while (item := self.counted(stage, lambda: next(items, end))) is not end:
            yield item


def run(job: str, source: str, directory: str) -> dict[str, float]:
    """Does a job in this process, just started; the CPU seconds of its stages."""
    import normcli

    learned, out = f"{directory}/p.json", f"{directory}/out{Path(source).suffix}"
    names: dict[str, Any] = {} if "whiten" in job else {"columns": "f*"}
    if job.startswith("apply"):
        normcli.fit(source, "zscore", params=learned, **names)
    clock, before = Clock(), time.process_time()
    for stage, places in STAGES.items():
        for place in places:
            clock.wrap(stage, place)
    clock.seconds[START] = 0.0 if job.startswith("apply") else before
    start = time.process_time()
    if job.startswith("apply"):
        normcli.apply(learned, source, output=out)
    else:
        method = "whiten" if "whiten" in job else "zscore"
        normcli.fit(source, method, params=learned, output=out if "-o" in job else None, **names)
    clock.seconds["rest"] = time.process_time() - start - sum(clock.seconds[s] for s in STAGES)
    return {stage: clock.seconds[stage] for stage in (START, *STAGES, "rest") if stage in clock.seconds}


def limits(path: Path) -> dict[str, float]:
    """Nanoseconds a byte that no reader can do without: to read a file from the page cache, to copy memory."""
    size, block = path.stat().st_size, bytearray(8 << 20)
    start = time.process_time()
    warm(path)
    read = time.process_time() - start
    start = time.process_time()
    for _ in range(50):
        bytes(block)
    return {"read": read / size * 1e9, "copy": (time.process_time() - start) / (50 * len(block)) * 1e9}


def decompressed(path: Path) -> tuple[float, int]:
    """CPU seconds that pyarrow takes to decode a Parquet file in one thread, and the bytes that come of it."""
    import pyarrow.parquet as pq

    start, count = time.process_time(), 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(1 << 17, use_threads=False):
            count += batch.nbytes
    return time.process_time() - start, count


def measured(job: str, path: Path, runs: int) -> dict[str, float]:
    """The medians of a job's stages, in runs of their own."""
    results = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory(dir=path.parent) as directory:
            command = [sys.executable, "-m", "tests.benchmarks.stages", "--run", job, str(path), directory]
            results.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    stages = dict.fromkeys(name for result in results for name in result)
    return {name: median(result.get(name, 0.0) for result in results) for name in stages}


def main() -> None:
    """Print the table, a row for each stage of each job."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.stages", description=__doc__)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"default: {', '.join(JOBS)}")
    parser.add_argument("--data", type=Path, default=Path("bench-data"), metavar="DIR")
    parser.add_argument("--runs", type=int, default=3, metavar="N")
    parser.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        print(json.dumps(run(*given.run)))
        return
    print("| job | stage | CPU s | ns a byte | ns a value |\n|---|---|--:|--:|--:|")
    for job in given.jobs or JOBS:
        path = data.ensure(JOBS[job], given.data)
        warm(path)
        size, values = path.stat().st_size, data.VALUES[JOBS[job].kind]
        for stage, seconds in measured(job, path, given.runs).items():
            per = "" if stage == START else f"{seconds / size * 1e9:.2f} | {seconds / values * 1e9:.1f}"
            print(f"| {job} | {stage} | {seconds:.3f} | {per or ' | '} |", flush=True)
    text, table = (data.ensure(Source(f"reference.{kind}"), given.data) for kind in ("csv", "parquet"))
    least = limits(text)
    seconds, count = decompressed(table)
    print(
        f"\nLimits of one core: {least['read']:.2f} ns a byte to read a file from the page cache, {least['copy']:.2f}"
        f" to copy memory; pyarrow decodes reference.parquet in {seconds:.2f} s, {seconds / count * 1e9:.2f} ns a byte"
        f" of the {count / 1e6:.0f} MB in it. Bytes are those of the input. Measured on: {machine.describe()}."
    )


if __name__ == "__main__":
    main()
