"""fit and apply: the program on one page.

fit is reduce(merge, map_ordered(measure, chunks)), then learn; apply is map_ordered(decode, transform, encode) into a
sink. That results are the same bytes whatever the threads, and memory is bounded, follows from these two lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from normcli import columns, registry
from normcli.columns import Field, Frame, Infinite
from normcli.engines import Engine
from normcli.errors import BadDataError, BadPlaceError, BadRowError
from normcli.formats import Chunk, Outlet, Reader, Writer
from normcli.methods import Method, listed
from normcli.plan import Plan, Seen, Step, merged

MANY_MISSING = 0.05  # share of rows that miss a value, above which a row-wise method warns


@dataclass(frozen=True)
class Result:
    """What a worker made of one chunk; never its rows, unless encoded."""

    rows: int
    weight: int
    places: int
    blank_lines: int
    incomplete: int = 0
    seen: tuple[Seen, ...] = ()
    types: tuple[str, ...] = ()
    piece: Any = None


@dataclass(frozen=True)
class Work:
    """One chunk's whole way through a worker: decode, then measure, or transform and encode."""

    plan: Plan
    wanted: frozenset[str]
    infinite: Infinite = "error"
    inverse: bool = False
    keep: tuple[str, ...] | None = None  # the columns that are written, in order; None: all
    writer: Writer | None = None

    def __call__(self, chunk: Chunk) -> Result:
        try:
            with np.errstate(all="ignore"):
                decoded = chunk.decode(self.wanted, self.infinite)
                result = Result(columns.rows(decoded.frame), chunk.weight, decoded.places, decoded.blank_lines)
                return self._written(result, decoded.frame) if self.writer else self._measured(result, decoded.frame)
        except BadRowError as e:
            raise BadPlaceError(chunk.locate(e.row), e.what, e.hint) from None

    def _measured(self, result: Result, frame: Frame) -> Result:
        types = tuple(columns.types(frame, self.plan.needs()).values())
        seen, incomplete = self.plan.measure(frame, self.infinite)
        return replace(result, seen=seen, incomplete=incomplete, types=types)

    def _written(self, result: Result, frame: Frame) -> Result:
        assert self.writer is not None
        frame, incomplete = self.plan.transform(frame, self.infinite, inverse=self.inverse)
        if self.keep is not None:
            frame = columns.only(frame, self.keep)
        return replace(result, incomplete=incomplete, piece=self.writer.encode(frame))


@dataclass
class Progress:
    """What a run tells while it goes: where it is, and what should be known. The defaults tell nobody."""

    warn: Callable[[str], None] = lambda text: None
    advance: Callable[[int], None] = lambda weight: None
    settle: Callable[[], None] = lambda: None  # raises, before anything is made complete, where a warning forbids it
    rows: int = 0
    blank_lines: int = 0
    incomplete: int = 0

    def follow(self, results: Iterable[Result], reader: Reader) -> Iterator[Result]:
        """The results of a reader's chunks, in order. Raises BadDataError for the first that went wrong."""
        place = reader.start
        try:
            for result in results:
                place += result.places
                self.rows += result.rows
                self.blank_lines += result.blank_lines
                self.incomplete += result.incomplete
                self.advance(result.weight)
                yield result
        except BadPlaceError as e:
            raise BadDataError(f"{reader.name(place + e.place)}: {e.what}", e.hint) from None

    def warn_of_incomplete(self) -> None:
        if self.incomplete > MANY_MISSING * self.rows:
            share = self.incomplete / self.rows
            self.warn(f"{self.incomplete:,} of {self.rows:,} rows ({share:.1%}) miss a selected value")


def fit(
    reader: Reader,
    method: Method,
    engine: Engine,
    *,
    names: Sequence[str],
    infinite: Infinite = "error",
    note: str = "",
    progress: Progress | None = None,
) -> Plan:
    """Learns a method's parameters for columns `names`, in one pass. Raises BadDataError."""
    progress = progress or Progress()
    plan = Plan((Step(method, tuple(names)),), reader.schema, note=note)
    if not method.statistics:
        return replace(plan, steps=tuple(s.learn(()) for s in plan.steps))
    work = Work(plan, frozenset(names), infinite)
    seen: tuple[Seen, ...] = (method.statistics,)
    types: tuple[str, ...] = ()
    for result in progress.follow(engine.map_ordered(work, reader.chunks(names)), reader):
        seen = merged(seen, result.seen)
        types = tuple(map(_wider, types, result.types)) if types else result.types
    if not progress.rows:
        raise BadDataError(f"{reader.source.name}: there are no rows to learn from")
    steps = tuple(step.learn(states) for step, states in zip(plan.steps, seen, strict=True))
    kinds = dict(zip(plan.needs(), types, strict=True))
    schema = tuple(Field(f.name, kinds.get(f.name, f.type)) for f in reader.schema)
    for step in steps:
        taken = {f.name for f in schema} - set(step.columns)
        if not taken.isdisjoint(step.outputs):
            raise BadDataError(
                f"a column is called {listed(sorted(taken & set(step.outputs)))} already", "use --prefix"
            )
    fitted = replace(plan, steps=steps, schema=schema, rows=progress.rows, skipped=progress.incomplete)
    progress.warn_of_incomplete()
    _warn_of_columns(fitted, progress.warn)
    return fitted


def _wider(a: str, b: str) -> str:
    return a if a == b else "float64"


def _warn_of_columns(plan: Plan, warn: Callable[[str], None]) -> None:
    """Columns that have nothing to learn from."""
    for step in plan.steps:
        said = step.summary()
        empty = [n for n, c in zip(step.columns, said.get("count", ()), strict=False) if c == 0]
        ends = zip(step.columns, said.get("min", ()), said.get("max", ()), strict=False)
        same = [n for n, least, greatest in ends if least == greatest]
        if empty:
            warn(f"no value in {listed(empty)}: learned nothing, and what is in them will come out missing")
        if same:
            warn(f"constant: {listed(same)}")


def check_columns(plan: Plan, reader: Reader, *, inverse: bool = False, extra: bool = True) -> None:
    """Raises BadDataError where an input's columns do not go with a plan; other orders do."""
    there = {f.name: f for f in reader.schema}
    needs = plan.needs(inverse=inverse)
    gone = [n for n in needs if n not in there]
    name = reader.source.name
    if gone:
        raise BadDataError(f"{name}: no column is called {listed(gone)}", f"there are {listed(list(there))}")
    text = [n for n in needs if reader.typed and not there[n].is_number]
    if text:
        raise BadDataError(f"{name}: not numeric: {listed(text)}")
    gives = plan.gives(inverse=inverse)
    taken = [n for n in gives if n in there and n not in needs]
    if taken:
        raise BadDataError(f"{name}: a column is called {listed(taken)} already", "rename it, or fit with --prefix")
    more = [n for n in there if n not in plan.types and n not in needs]
    if more and not extra:
        raise BadDataError(f"{name}: columns that the fit did not see: {listed(more)}")


def digests_after(plan: Plan, reader: Reader, *, inverse: bool = False, again: bool = False) -> tuple[str, ...]:
    """The digests that the output will carry. Raises BadDataError where the input's say that this was done already,
    or was not what is to be undone."""
    name, done = reader.source.name, reader.digests
    if inverse:
        if done and done[-1] != plan.digest and not again:
            raise BadDataError(f"{name}: was normalized by other parameters ({done[-1]})", "--again insists")
        return done[:-1] if done and done[-1] == plan.digest else done
    if plan.digest in done and not again:
        raise BadDataError(f"{name}: is normalized by these parameters already", "--again insists")
    return (*done, plan.digest)


def methods_of(plan: Plan) -> list[str]:
    return [registry.name_of(step.method) for step in plan.steps]


def output_frame(plan: Plan, reader: Reader, *, inverse: bool = False, only: bool = False) -> Frame:
    """What the output will be like: a frame of no rows."""
    blank, _ = plan.transform(reader.blank(frozenset(plan.needs(inverse=inverse))), "error", inverse=inverse)
    there = columns.names(blank)
    if only:
        given = set(plan.gives(inverse=inverse))
        return columns.only(blank, [n for n in there if n in given])
    return columns.only(blank, plan.restored_order(there)) if inverse else blank


def apply(
    plan: Plan,
    reader: Reader,
    writer: Writer,
    blank: Frame,
    file: Outlet,
    engine: Engine,
    *,
    infinite: Infinite = "error",
    inverse: bool = False,
    progress: Progress | None = None,
) -> None:
    """Normalizes, or restores, all of an input into a file; `blank` is the output's frame of no rows.

    The sink is closed only when all is written: one that failed must not be, for that would publish a short file.
    """
    progress = progress or Progress()
    work = Work(
        plan, frozenset(plan.needs(inverse=inverse)), infinite, inverse, keep=columns.names(blank), writer=writer
    )
    sink = writer.open(file)
    for result in progress.follow(engine.map_ordered(work, reader.chunks()), reader):
        sink.write(result.piece)
    progress.warn_of_incomplete()
    progress.settle()
    sink.close()
