"""The rows that are measured: our commands, the peers', and how many times theirs ours may take."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks.data import Source
from tests.benchmarks.measure import Step

PEERS = Path(__file__).with_name("peers")
LARGE = 6  # times the rows
LARGE_WALL = 6.3  # six times, and a little
LARGE_MEMORY = 1.05
VARIANT_WALL, VARIANT_MEMORY = 1.3, 1.1
UNITS_WALL = 1.5
DESCRIBE_WALL = 1.5
CSV, PARQUET, WIDE = Source("reference.csv"), Source("reference.parquet"), Source("wide.parquet")
SQUARE, UNITS = Source("square.parquet"), Source("units.parquet")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; a limit that is None is not judged."""

    name: str
    ours: tuple[Step, ...]
    theirs: tuple[Step, ...]
    wall_limit: float | None = None  # our wall time over theirs
    memory_limit: float | None = None  # our peak memory over theirs
    sources: tuple[Source, ...] = ()
    setup: tuple[Step, ...] = ()  # run once before, not measured
    package: str | None = None  # what the peer needs to have installed
    runs: int | None = None  # instead of what --runs says
    large: bool = False
    needs_fit_output: bool = False


@dataclass(frozen=True, slots=True)
class Bench:
    """Where things are: our command, the reference data, and a directory for results."""

    command: tuple[str, ...]
    data: Path
    scratch: Path

    def ours(self, job: str, source: Source, piped: bool = False) -> Step:
        """Our process for one job, as `options` have it; parameters and output go below `scratch`."""
        path = source.path(self.data)
        out = f"{self.scratch}/out/ours{path.suffix}"
        learned = f"{self.scratch}/ours{path.suffix}.json"
        options = {
            "fit": ("fit", "-m", "zscore", "-p", f"{self.scratch}/out/params.json", "-c", "f*"),
            "learn": ("fit", "-m", "zscore", "-p", learned, "-c", "f*"),
            "apply": ("apply", "-p", learned, "-o", out),
            "fit -o": ("fit", "-m", "zscore", "-p", f"{self.scratch}/out/params.json", "-o", out, "-c", "f*"),
            "whiten": ("fit", "-m", "whiten", "-p", f"{self.scratch}/out/params.json"),
            "robust": ("fit", "-m", "robust", "-p", f"{self.scratch}/out/params.json"),
            "describe": ("describe",),
        }[job]
        given = () if piped else (str(path),)
        return Step((*self.command, options[0], *given, *options[1:], "-q"), path if piped else None)

    def peer(self, script: str, source: Source, *rest: str) -> Step:
        """A peer's script on one source, then names below `scratch`."""
        names = (f"{self.scratch}/{name}" for name in rest)
        return Step((sys.executable, str(PEERS / f"{script}.py"), str(source.path(self.data)), *names))

    def against(self, job: str, source: Source, peer: str, wall: float | None, memory: float | None) -> Row:
        """A fit or an apply against one peer's script for the same format."""
        format_name = source.kind.split(".")[1]
        learned = f"{peer}-{format_name}.params"
        fit = self.peer(f"{peer}_fit_{format_name}", source, learned)
        apply = self.peer(f"{peer}_apply_{format_name}", source, learned, f"out/peer.{format_name}")
        setup = (self.ours("learn", source), fit) if job == "apply" else ()
        theirs = {"fit": (fit,), "apply": (apply,), "fit -o": (fit, apply)}[job]
        package = "sklearn" if peer == "pandas" else peer
        return Row(
            f"{job} {format_name} vs {peer}", (self.ours(job, source),), theirs, wall, memory,
            (source,), setup, package, needs_fit_output=job == "fit -o",
        )  # fmt: skip

    def itself(self, label: str, job: str, source: Source, base: Source, piped: tuple[bool, bool]) -> Row:
        """One of our jobs on a source against the same job on another; piped tells which of them read a pipe."""
        steps = [(self.ours(job, s, p),) for s, p in zip((source, base), piped, strict=True)]
        setup = (self.ours("learn", base),) if job == "apply" else ()
        return Row(label, steps[0], steps[1], sources=(source, base), setup=setup, needs_fit_output=job == "fit -o")


def peers(b: Bench) -> Iterator[Row]:
    """Rows against other tools."""
    yield b.against("fit", CSV, "polars", 1.1, 0.6)
    yield b.against("apply", CSV, "polars", 1.0, 0.7)
    yield b.against("fit -o", CSV, "polars", 0.8, 0.7)
    yield b.against("fit", PARQUET, "polars", 1.15, 1.1)
    yield b.against("apply", PARQUET, "polars", 0.9, 0.7)
    yield b.against("fit", CSV, "pandas", 0.35, 0.7)
    yield b.against("apply", CSV, "pandas", 0.06, 1.1)
    yield Row(
        "fit whiten vs scikit-learn", (b.ours("whiten", WIDE),), (b.peer("ipca_fit", WIDE, "out/peer.params"),),
        0.15, 0.4, (WIDE,), package="sklearn",
    )  # fmt: skip
    for job, source in (("fit", CSV), ("apply", CSV), ("fit", PARQUET), ("apply", PARQUET)):
        yield b.against(job, source, "duckdb", None, None)


def variants(b: Bench) -> Iterator[Row]:
    """Our CSV jobs on awkward files, and from a pipe, against themselves on the plain file."""
    for job in ("fit", "apply", "fit -o"):
        for kind in ("halfempty", "quoted"):
            row = b.itself(f"{job} {kind} csv vs plain csv", job, Source(f"{kind}.csv"), CSV, (False, False))
            yield replace(row, wall_limit=VARIANT_WALL, memory_limit=VARIANT_MEMORY)
    for job in ("fit", "apply", "fit -o"):
        yield b.itself(f"{job} csv from a pipe vs from a file", job, CSV, CSV, (True, False))


def describing(b: Bench) -> Iterator[Row]:
    """A description of all columns against a fit that keeps a sketch of the numeric ones."""
    for source in (CSV, PARQUET):
        ours, theirs = (b.ours(job, source) for job in ("describe", "robust"))
        kind = source.kind.split(".")[1]
        yield Row(f"describe {kind} vs fit robust", (ours,), (theirs,), DESCRIBE_WALL, sources=(source,))


def units(b: Bench) -> Iterator[Row]:
    """Whitening of columns in units far apart against itself on the same in one unit."""
    row = b.itself("fit whiten units far apart vs one unit", "whiten", UNITS, SQUARE, (False, False))
    yield replace(row, wall_limit=UNITS_WALL, memory_limit=VARIANT_MEMORY)


def large(b: Bench) -> Iterator[Row]:
    """Our jobs on six times the rows against themselves, from files and from pipes."""
    jobs = [(job, CSV) for job in ("fit", "apply", "fit -o")] + [("fit", PARQUET), ("apply", PARQUET), ("whiten", WIDE)]
    for piped, place in ((False, "file"), (True, "pipe")):
        for job, source in jobs:
            name = f"{job} {source.kind.split('.')[1]} {LARGE}x vs 1x, {place}"
            row = b.itself(name, job, replace(source, times=LARGE), source, (piped, piped))
            yield replace(row, wall_limit=LARGE_WALL, memory_limit=LARGE_MEMORY, large=True)


def rows(b: Bench) -> list[Row]:
    """The whole table, in the order it is run."""
    start = Row("--help vs import click", (Step((*b.command, "--help")),),
                (Step((sys.executable, "-c", "import click")),), wall_limit=1.8, runs=20)  # fmt: skip
    return [*peers(b), *variants(b), *describing(b), *units(b), *large(b), start]
