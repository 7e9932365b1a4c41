"""Ended by INT, TERM, HUP or KILL while it reads, transforms, writes, syncs or renames."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import until
from tests.robustness import runs
from tests.robustness.faulty import TRANSFORM, Fault
from tests.robustness.laws import Harness
from tests.robustness.scenarios import OLD, SCENARIOS

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
PHASES = {"read": "read", TRANSFORM: "transform", "write": "write", "pwrite": "write", "fsync": "flush"}
PHASES |= {"rename": "rename", "open": "open"}
MOMENTS = 200  # of each signal


def ends_at_moments(here: Harness, number: signal.Signals, count: int, chance: random.Random, first: int = 0) -> None:
    """At so many calls, as often in one phase as in another, from the `first` on; before the call, after it or a moment
    later."""
    kinds = [kind for kind, _ in here.whole.calls]
    phases: dict[str, list[str]] = {}
    for kind in dict.fromkeys(kinds):
        if kind in PHASES:
            phases.setdefault(PHASES[kind], []).append(kind)
    for n in range(count):
        phase = sorted(phases)[(first + n) % len(phases)]
        kind = chance.choice(phases[phase])
        when = chance.choice(("before", "after", "later"))
        delay = chance.uniform(0, 0.004) if when == "later" else 0.0
        fault = Fault(kind, chance.randint(1, kinds.count(kind)), number=number, after=when == "after", delay=delay)
        here.suffers(fault, -number, kind=f"{number.name} during {phase}")


@pytest.mark.parametrize("number", NUMBERS)
def test_a_run_is_ended_at_some_moment(number: signal.Signals, harness: Callable[[str], Harness]) -> None:
    """Of two signals, each has one half of the phases."""
    at = NUMBERS.index(number)
    for name, count in {"fit -o parquet": 3, "apply --resume": 1}.items():
        ends_at_moments(harness(name), number, count, random.Random(f"{name} {number}"), first=3 * at)


@pytest.mark.soak
@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_run_is_ended_at_many_moments(name: str, number: signal.Signals, harness: Callable[[str], Harness]) -> None:
    ends_at_moments(harness(name), number, -(-MOMENTS // len(SCENARIOS)) + 1, random.Random(f"{name} {number}"))


@pytest.mark.soak
@pytest.mark.parametrize("name", ["fit -o csv.gz", "apply --resume", "fit --update", "apply --rejects"])
def test_killed_before_and_after_every_call(name: str, harness: Callable[[str], Harness]) -> None:
    here = harness(name)
    for nth in range(1, len(here.whole.calls) + 1):
        for after in (False, True):
            fault = Fault("", nth, number=signal.SIGKILL, after=after)
            here.suffers(fault, -signal.SIGKILL, kind="KILL at every call")


@pytest.mark.parametrize("number", NUMBERS[:3])
def test_a_report_that_nobody_reads_keeps_no_run_from_ending(number: int, harness: Callable[[str], Harness]) -> None:
    here = harness("apply csv")
    folder = here.home / "workspace"
    here.scenario.prepare(here.template, folder)
    os.mkfifo(folder / "in.csv")
    os.mkfifo(folder / "report")
    words = ("apply", "in.csv", "-p", "p.json", "-o", "out.csv", "--run-report", "report")
    running = runs.start(words, folder)
    until(lambda: list(folder.glob(".normcli-*.tmp")), "the run has begun")
    os.kill(running.pid, number)
    assert runs.end(running) == -number
    assert not list(folder.glob(".normcli-*"))


@pytest.mark.soak
@pytest.mark.parametrize("number", NUMBERS[:3])
@pytest.mark.parametrize("stuck", ["input", "output", "decomposition", "standard output"])
def test_workers_that_are_stuck_keep_no_run_from_ending(
    stuck: str, number: signal.Signals, harness: Callable[[str], Harness]
) -> None:
    """On a pipe into which nobody writes, or from which nobody reads, or inside a api."""
    import numpy as np

    here = harness("apply csv")
    folder = here.home / "workspace"
    here.scenario.prepare(here.template, folder)
    os.mkfifo(folder / "pipe")
    reading = writing = None
    if stuck == "decomposition":
        values = np.random.default_rng(1).normal(size=(900, 800))
        names = ",".join(f"x{j}" for j in range(800))
        np.savetxt(folder / "wide.csv", values, fmt="%.6f", delimiter=",", header=names, comments="")
    words: dict[str, tuple[str, ...]] = {
        "input": ("apply", "pipe", "-p", "p.json", "-o", "out.csv"),
        "output": ("apply", "table.csv", "-p", "p.json", "-o", "pipe"),
        "standard output": ("apply", "table.csv", "-p", "p.json"),
        "decomposition": ("fit", "wide.csv", "-m", "whiten", "-p", "out.csv"),
    }
    if stuck == "input":
        writing = os.open(folder / "pipe", os.O_RDWR)
        os.write(writing, (folder / "table.csv").read_bytes())
    if stuck == "standard output":
        reading = os.open(folder / "pipe", os.O_RDWR)
        os.set_blocking(reading, False)
        os.write(reading, bytes(1 << 16))  # it is full
    running = runs.start(words[stuck], folder, stdout=str(folder / ("pipe" if reading else "nothing")))
    time.sleep(1.5)
    os.kill(running.pid, number)
    code = runs.end(running)
    for fd in (reading, writing):
        if fd is not None:
            os.close(fd)
    kept = not list(folder.glob(".normcli-*")) and (folder / "out.csv").read_bytes() == OLD
    here.tally.count(f"{number.name} while stuck on {stuck}", well=False, broken=code != -number or not kept)
    assert (code, kept) == (-number, True)


def test_a_reader_that_goes_away_leaves_the_rest_as_it_was(harness: Callable[[str], Harness], tmp_path: Path) -> None:
    here = harness("fit -o csv to stdout")
    folder = here.home / "workspace"
    here.scenario.prepare(here.template, folder)
    os.mkfifo(tmp_path / "pipe")
    reading = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    fault = Fault(TRANSFORM, 1, number=signal.SIGSTOP)
    running = runs.start(here.scenario.words, folder, fault, stdout=str(tmp_path / "pipe"))
    status = Path(f"/proc/{running.pid}/stat")
    until(lambda: status.read_text().rsplit(")")[-1].split()[0] == "T", "it waits")
    os.close(reading)
    os.kill(running.pid, signal.SIGCONT)
    code = runs.end(running)
    broken = code != -signal.SIGPIPE or bool(list(folder.glob(".normcli-*")))
    broken |= (folder / "new.json").read_bytes() != OLD
    here.tally.count("a reader goes away", well=False, broken=broken)
    assert not broken
