"""Whole processes measured: wall time, CPU time and peak memory of normcli and its peers, run in turns."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

LAUNCHER = Path(__file__).with_name("launch.py")
CAT = shutil.which("cat") or "/bin/cat"
BLOCK = 1 << 22  # bytes


@dataclass(frozen=True, slots=True)
class Step:
    """One process; with `piped`, a separate cat writes that file to its standard input."""

    argv: tuple[str, ...]
    piped: Path | None = None

    def under(self, *command: str) -> Step:
        """The same process, started by another command: `env NAME=VALUE`, `taskset -c 0`."""
        return Step((*command, *self.argv), self.piped)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run took: wall seconds, CPU seconds (user and system), peak resident bytes."""

    wall: float
    cpu: float
    peak: int


@dataclass(frozen=True, slots=True)
class Pairs:
    """The runs of both sides, in the order they were made: ours[i] ran just before theirs[i]."""

    ours: tuple[Usage, ...]
    theirs: tuple[Usage, ...]

    def wall_ratio(self) -> float:
        """Median of each pair's wall seconds, ours over theirs."""
        return median(a.wall / b.wall for a, b in zip(self.ours, self.theirs, strict=True))

    def memory_ratio(self) -> float:
        """Median of our peak bytes over the median of theirs."""
        return middle(self.ours).peak / middle(self.theirs).peak


class StepError(Exception):
    """A measured process ended badly; the message is what it wrote to standard error."""


def middle(runs: Iterable[Usage]) -> Usage:
    """The median of each number by itself."""
    runs = tuple(runs)
    return Usage(median(u.wall for u in runs), median(u.cpu for u in runs), round(median(u.peak for u in runs)))


def warm(path: Path) -> None:
    """Read a file once, so that every run finds it in the page cache."""
    with path.open("rb", buffering=0) as file:
        buffer = bytearray(BLOCK)
        while file.readinto(buffer):
            pass


def run(step: Step, scratch: Path) -> Usage:
    """Run one step to its end through the launcher; standard output is discarded."""
    report, errors = scratch / "report", scratch / "stderr"
    report.unlink(missing_ok=True)
    program = shutil.which(step.argv[0]) or step.argv[0]
    command = [sys.executable, "-I", "-S", str(LAUNCHER), str(report), program, *step.argv[1:]]
    cat = subprocess.Popen([CAT, str(step.piped)], stdout=subprocess.PIPE) if step.piped else None
    stdin = cat.stdout if cat else subprocess.DEVNULL
    try:
        with errors.open("wb") as stderr:
            child = subprocess.Popen(command, stdin=stdin, stdout=subprocess.DEVNULL, stderr=stderr)
        if cat and cat.stdout:
            cat.stdout.close()  # now the child alone reads it
        await_end(child)
    finally:
        if cat:
            cat.kill()
            cat.wait()
    text = errors.read_text(encoding="utf-8", errors="replace").strip()
    if not report.exists():
        raise StepError(text or "could not be started")
    wall, cpu, peak, code = report.read_text(encoding="ascii").split()
    if code != "0":
        raise StepError(f"exit code {code} of {' '.join(step.argv)}\n{text[-4000:]}")
    return Usage(float(wall), float(cpu), int(peak))


def await_end(child: subprocess.Popen[bytes]) -> None:
    """Wait for the launcher; when interrupted, have it end what it started."""
    try:
        child.wait()
    except BaseException:
        child.terminate()
        child.wait()
        raise


def run_all(steps: Iterable[Step], scratch: Path) -> Usage:
    """Run steps one after another into an empty `out`: times added up, the highest peak kept."""
    out = scratch / "out"
    out.mkdir()
    try:
        usages = [run(step, scratch) for step in steps]
    finally:
        shutil.rmtree(out)
    return Usage(sum(u.wall for u in usages), sum(u.cpu for u in usages), max(u.peak for u in usages))


def interleave(ours: tuple[Step, ...], theirs: tuple[Step, ...], runs: int, scratch: Path) -> Pairs:
    """Ours, theirs, ours, theirs: `runs` pairs, so that a slow spell of the machine meets both."""
    pairs = [(run_all(ours, scratch), run_all(theirs, scratch)) for _ in range(runs)]
    return Pairs(tuple(a for a, _ in pairs), tuple(b for _, b in pairs))
