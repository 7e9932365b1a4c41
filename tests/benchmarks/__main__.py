"""Run the benchmark table: `python -m tests.benchmarks --help`."""

from __future__ import annotations

import argparse
import compileall
import importlib.util
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import data, machine, report
from tests.benchmarks.measure import Step, StepError, interleave, run, warm
from tests.benchmarks.report import Result
from tests.benchmarks.table import Bench, Row, rows


def options(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, default=Path("bench-data"), metavar="DIR", help="reference data (default: %(default)s)")
    add("--runs", type=positive, default=5, metavar="N", help="pairs of runs of each row (default: %(default)s)")
    add("--only", action="append", default=[], metavar="SUBSTRING", help="rows whose name holds it (repeatable)")
    add("--large", action="store_true", help="also the rows on six times the data (about 5 GB more)")
    add("--json", type=Path, metavar="FILE", help="write every run's numbers")
    add("--markdown", action="store_true", help="print a Markdown table (progress goes to standard error)")
    add("--list", action="store_true", help="print the names of the rows, and measure nothing")
    add("--command", type=shlex.split, metavar="COMMAND", help="measure this instead of the normcli installed here")
    return parser.parse_args(argv)


def positive(text: str) -> int:
    """A whole number of at least 1, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def own_command() -> list[str]:
    """The console script next to the interpreter, or the module."""
    script = Path(sys.executable).with_name("normcli")
    return [str(script)] if script.exists() else [sys.executable, "-m", "normcli"]


def prepare_code() -> None:
    """Compile normcli's bytecode and touch every peer's files once, so that no measured run does."""
    spec = importlib.util.find_spec("normcli")
    for place in (spec.submodule_search_locations or []) if spec else []:
        compileall.compile_dir(place, quiet=2)
    for package in ("polars", "pyarrow.parquet", "duckdb", "pandas", "sklearn.decomposition", "click"):
        subprocess.run([sys.executable, "-c", f"import {package}"], check=False, capture_output=True)


def can_fit_output(command: tuple[str, ...]) -> bool:
    """Does fit's help mention -o?"""
    try:
        shown = subprocess.run([*command, "fit", "--help"], check=False, capture_output=True, text=True)
    except OSError:
        return False
    return re.search(r"(?<!-)-o\b", shown.stdout) is not None


def chosen(table: list[Row], only: list[str], with_large: bool) -> list[Row]:
    """The rows that were asked for."""
    return [row for row in table if (with_large or not row.large) and (not only or any(o in row.name for o in only))]


def measure(row: Row, bench: Bench, runs: int, done: set[Step]) -> Result:
    """One row: its data, its setup unless done before, the runs."""
    if row.package and importlib.util.find_spec(row.package) is None:
        return Result(row, skipped=f"{row.package} is not installed")
    if row.program and shutil.which(row.program) is None:
        return Result(row, skipped=f"there is no {row.program}")
    if row.needs_fit_output and not can_fit_output(bench.command):
        return Result(row, skipped="fit has no -o")
    for source in dict.fromkeys(row.sources):
        path = data.ensure(source, bench.data)
        for file in path.iterdir() if path.is_dir() else [path]:
            warm(file)
    try:
        for step in row.setup:
            if step not in done:
                run(step, bench.scratch)
                done.add(step)
        return Result(row, interleave(row.ours, row.theirs, row.runs or runs, bench.scratch))
    except StepError as error:
        return Result(row, failed=str(error))


def main(argv: list[str] | None = None) -> int:
    """Measure the chosen rows and show them; 1 if a process failed, never because of a time."""
    given = options(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that scratch files go
    given.data.mkdir(parents=True, exist_ok=True)
    where = given.data.resolve()
    scratch = Path(tempfile.mkdtemp(prefix="run-", dir=where))
    try:
        bench = Bench(tuple(given.command or own_command()), where, scratch)
        table = chosen(rows(bench), given.only, given.large)
        if given.list:
            print(*(row.name for row in table), sep="\n")
            return 0
        return measure_all(table, bench, given)
    finally:
        shutil.rmtree(scratch)


def measure_all(table: list[Row], bench: Bench, given: argparse.Namespace) -> int:
    """Measure, print each row as it ends, then what else was asked for."""
    prepare_code()
    progress = sys.stderr if given.markdown else sys.stdout
    results, done = list[Result](), set[Step]()
    print(machine.describe(), file=progress, flush=True)
    for row in table:
        results.append(measure(row, bench, given.runs, done))
        print(report.line(results[-1]), file=progress, flush=True)
        if results[-1].failed:
            print(results[-1].failed, file=sys.stderr, flush=True)
    if given.markdown:
        print(report.markdown(results, given.runs, machine.describe()), end="")
    if given.json:
        text = json.dumps(report.raw(results, given.runs, machine.describe()), indent=1, ensure_ascii=False)
        given.json.write_text(text + "\n", encoding="utf-8")
    return 1 if any(result.failed for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
