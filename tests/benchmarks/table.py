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
BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
DESCRIBE_WALL = 1.5
CSV, PARQUET, WIDE = Source("reference.csv"), Source("reference.parquet"), Source("wide.parquet")
THOUSAND, SMALL, WRITTEN = Source("thousand.csv"), Source("small.csv"), Source("written.parquet")
TEXTS = ("digits", "decimals", "integers", "gaps", "allquoted", "prose", "many")
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
    program: str | None = None  # and what both are started by
    runs: int | None = None  # instead of what --runs says
    large: bool = False
    needs_fit_output: bool = False


@dataclass(frozen=True, slots=True)
class Bench:
    """Where things are: our command, the reference data, and a directory for results."""

    command: tuple[str, ...]
    data: Path
    scratch: Path

    def path(self, source: Source) -> Path:
        """Where a source is: what normcli itself wrote lies with the results."""
        return source.path(self.scratch if source == WRITTEN else self.data)

    def ours(self, job: str, source: Source, piped: bool = False) -> Step:
        """Our process for one job, as `options` have it; parameters and output go below `scratch`."""
        path = self.path(source)
        out = f"{self.scratch}/out/ours{path.suffix}"
        learned = f"{self.scratch}/ours-{path.name}.json"
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
        return Step((sys.executable, str(PEERS / f"{script}.py"), str(self.path(source)), *names))

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

    def writing(self, source: Source, target: Source) -> tuple[Step, ...]:
        """Our processes that copy a source, one column scaled, to what only normcli writes."""
        learned = f"{self.scratch}/copy.json"
        fit = (*self.command, "fit", "-m", "minmax", "-c", "id", str(self.path(source)), "-p", learned, "-q")
        apply = (*self.command, "apply", str(self.path(source)), "-p", learned, "-o", str(self.path(target)), "-q")
        return Step(fit), Step(apply)

    def many_files(self) -> Row:
        """A fit of a directory of small files, against the peer's pattern for the same."""
        path, learned = str(self.path(SMALL)), f"{self.scratch}/out/params.json"
        ours = Step((*self.command, "fit", path, "-m", "zscore", "-p", learned, "-c", "f*", "-q"))
        script = str(PEERS / "polars_fit_csv.py")
        theirs = Step((sys.executable, script, f"{path}/*.csv", f"{self.scratch}/out/peer.params"))
        return Row("fit 1,000 csv files vs polars", (ours,), (theirs,), sources=(SMALL,))

    def itself(self, label: str, job: str, source: Source, base: Source, piped: tuple[bool, bool]) -> Row:
        """One of our jobs on a source against the same job on another; piped tells which of them read a pipe."""
        steps = [(self.ours(job, s, p),) for s, p in zip((source, base), piped, strict=True)]
        setup = (self.ours("learn", base),) if job == "apply" else ()
        return Row(label, steps[0], steps[1], sources=(source, base), setup=setup, needs_fit_output=job == "fit -o")


def peers(b: Bench) -> Iterator[Row]:
    """Rows against other tools."""
    yield b.against("fit", CSV, "polars", 0.55, 0.3)
    yield b.against("apply", CSV, "polars", 0.7, 0.25)
    yield b.against("fit -o", CSV, "polars", 0.5, 0.3)
    yield b.against("fit", PARQUET, "polars", 0.95, 1.3)
    yield b.against("apply", PARQUET, "polars", 0.85, 0.7)
    yield b.against("fit", CSV, "pandas", 0.2, 0.7)
    yield b.against("apply", CSV, "pandas", 0.04, 1.1)
    ipca = b.peer("ipca_fit", WIDE, "out/peer.params").under("env", *(f"{name}=1" for name in BLAS_THREADS))
    yield Row("fit whiten vs scikit-learn", (b.ours("whiten", WIDE),), (ipca,), 0.3, 0.4, (WIDE,), package="sklearn")
    for job, source in (("fit", CSV), ("apply", CSV), ("fit", PARQUET), ("apply", PARQUET)):
        yield b.against(job, source, "duckdb", None, None)


def kinds(b: Bench) -> Iterator[Row]:
    """Kinds of text, writers of Parquet, and sizes, against polars; and our jobs without the native kernel."""
    for kind in TEXTS:
        for job in ("fit", "apply"):
            row = b.against(job, Source(f"{kind}.csv"), "polars", None, None)
            yield replace(row, name=f"{job} csv of {kind} vs polars")
    for kind, wall, memory in (("coded", 1.1, 1.3), ("defaults", 0.9, 0.6), ("polars", None, None)):
        row = b.against("fit", Source(f"{kind}.parquet"), "polars", wall, memory)
        yield replace(row, name=f"fit parquet of {kind} vs polars")
    row = b.against("fit", Source("duckdb.parquet"), "polars", None, None)
    yield replace(row, name="fit parquet of duckdb vs polars", package="duckdb")
    row = b.against("fit", WRITTEN, "polars", 0.95, 1.3)
    yield replace(row, name="fit parquet of normcli vs polars", sources=(PARQUET,), setup=b.writing(PARQUET, WRITTEN))
    for job in ("fit", "apply"):
        yield replace(b.against(job, THOUSAND, "polars", 0.8, 0.65), name=f"{job} csv of 1,000 rows vs polars", runs=20)
    yield b.many_files()
    for job in ("fit", "apply"):
        row = b.against(job, CSV, "polars", None, None)
        ours, theirs = (tuple(s.under("taskset", "-c", "0") for s in steps) for steps in (row.ours, row.theirs))
        yield replace(row, name=f"{job} csv on one core vs polars", ours=ours, theirs=theirs, program="taskset")
    for job in ("fit", "apply", "fit -o"):
        row = b.itself(f"{job} csv vs without the kernel", job, CSV, CSV, (False, False))
        yield replace(row, theirs=tuple(step.under("env", "NORMCLI_KERNEL=off") for step in row.theirs))


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


def frames(b: Bench) -> Iterator[Row]:
    """Our estimator against scikit-learn's scaler on a DataFrame of 2,000,000 × 16, which both read first."""
    for job, name in (("fit", "fit"), ("transform", "fit and transform")):
        command = (sys.executable, str(PEERS / "frame.py"), str(b.path(PARQUET)))
        ours, theirs = (Step((*command, who, job)) for who in ("normcli", "sklearn"))
        yield Row(f"{name} DataFrame vs scikit-learn", (ours,), (theirs,), sources=(PARQUET,), package="sklearn")


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
    return [*peers(b), *kinds(b), *variants(b), *describing(b), *frames(b), *units(b), *large(b), start]
