"""fit, apply and check: the program on one page.

fit is reduce(merge, map_ordered(measure, chunks)), then learn; apply is map_ordered(decode, transform, encode) into a
sink; check measures as fit does, by itself or in the course of apply, and compares. That results are the same bytes
for any number of threads, and memory is bounded, follows from these lines.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from normcli.columns import Infinite
from normcli.engines import Engine
from normcli.errors import printable
from normcli.formats import LateColumn, Outlet, Reader
from normcli.parameters import Parameters
from normcli.pipeline import learning
from normcli.pipeline.checks import (
    check_columns,
    check_late,
    check_rows,
    check_same,
    check_writable,
    digests_after,
    doubt,
    needing,
    output_frame,
    passing_frame,
)
from normcli.pipeline.distance import Distance
from normcli.pipeline.events import SILENT, Events
from normcli.pipeline.learning import Total
from normcli.pipeline.parts import Part, Written, comparable, measurable
from normcli.pipeline.progress import Progress, Tally
from normcli.pipeline.spool import Spool
from normcli.pipeline.work import Result, Work, written_by

if TYPE_CHECKING:
    from normcli.drift import DriftMonitor
    from normcli.pipeline.remote_inputs import RemoteInputs

__all__ = [
    "SILENT",
    "Distance",
    "Events",
    "Part",
    "Progress",
    "Tally",
    "Work",
    "Written",
    "apply",
    "check",
    "check_columns",
    "check_late",
    "check_rows",
    "check_same",
    "check_writable",
    "digests_after",
    "doubt",
    "fit",
    "needing",
    "output_frame",
    "passing_frame",
    "pieces",
    "written_by",
]


def fit(
    readers: Iterable[Reader],
    parameters: Parameters,
    engine: Engine,
    *,
    infinite: Infinite = "error",
    skip: bool = False,
    once: bool = False,
    keep: Spool | None = None,
    reopen: Callable[[], Iterable[Reader]] | None = None,
    progress: Progress | None = None,
    max_memory: int | None = None,
    excludes: Callable[[str], bool] = lambda name: False,
    remote: RemoteInputs | None = None,
) -> Parameters:
    """Learns what the steps of parameters have to from all inputs, and from the states that they have, in one pass if
    none learns from the results of another; with `once`, an input whose content was counted is left out with a warning.
    What is read is kept in a spool, where there is one. Further passes, of such steps or for statistics that need them,
    are over that, or over the same inputs, which `reopen` opens once more. `max_memory` is in bytes, None for what is
    free. A column that only late rows have is warned of, unless it `excludes` that on purpose. `remote` inputs are read
    on a cluster, and none here. Raises UsageError, before any data is read, where options do not go with the columns;
    BadDataError."""
    from normcli.pipeline.column_warnings import warn_of_columns  # here, for only a fit needs it
    from normcli.pipeline.rereading import Rereading

    progress = progress or Progress()
    for step in parameters.steps:
        step.method.check_features(len(step.features))
    if not parameters.learns:
        return learning.learn(parameters, tuple(() for _ in parameters.steps))
    passes = parameters.passes
    work = Work(
        frozenset(parameters.numbers()), infinite, skip, measuring=parameters, counts=True, spool=keep,
        fingerprints=passes.repeats and keep is None,
    )  # fmt: skip
    if passes.count > 1:
        progress.events.begin_pass(1, passes.count)
    total, counting = Total(parameters, once=once, max_memory=max_memory), parameters.rows
    known = set(parameters.types)

    def late(column: LateColumn, where: str) -> None:
        if column.number and column.name not in known and not excludes(column.name):
            what = f"column '{printable(column.name)}' is left out: the first rows do not have it (-c takes it)"
            progress.events.warning(f"{where}: {what}")
            known.add(column.name)

    if remote:
        results = remote.measure(progress, work, parameters, late)
    else:
        results = progress.run((measurable(r, parameters, work, late) for r in readers), engine)
    for part, result in results:
        if keep is not None:
            keep.add(result.part, part.reader, result.pieces, len(result.rejects))
        counting += result.counted
        if not total.take(result, part.names() if result.last else ()):
            progress.events.warning(
                f"{part.reader.description.name}: was counted already, and is left out (--recount counts it again)"
            )
    progress.check_any(counting, parameters, "learn from")
    total.finish()
    rereading = Rereading(work, reopen, engine, progress, total.fingerprint.digest(), remote, max_memory)
    total.subtotal = total.subtotal.local()
    total.subtotal.states = rereading.refined(parameters, total.subtotal.states)
    fitted = rereading.further_passes(total.learned())
    if keep is not None:
        keep.final = True
    warn_of_columns(fitted, progress.events.warning)
    return fitted


def apply(
    parts: Iterable[Part],
    engine: Engine,
    *,
    file: Outlet | None = None,
    progress: Progress | None = None,
) -> Generator[Written]:
    """Normalizes, or restores, all inputs: those without their own output into `file`, one after the other. Each output
    is yielded when all but its end is written, for who gets it to close its target. The states that the work of parts
    measures are added to their watch."""
    progress, shared = progress or Progress(), None
    with ExitStack() as stack:
        written: Written | None = None
        for part, result in progress.run(parts, engine):
            _watch(part, result)
            if part.watch is not None and result.measured is not None and not result.pieces:
                continue  # of parts of which some may be complete
            if written is None:
                target = stack.enter_context(part.output()) if part.output else None
                outlet = target or file
                assert isinstance(part.work, Work)
                assert part.work.writer is not None
                assert outlet is not None
                written = Written(part.work.writer.open(outlet), part if target else None, target)
            for piece in result.pieces:
                written.sink.write(piece)
            if result.last and written.target is not None:
                progress.end_output()
                stack.pop_all()
                yield written
                progress.begin_output()
                written = None
        shared = written
    if shared is not None:
        yield shared


def pieces(parts: Iterable[Part], engine: Engine, progress: Progress) -> Generator[Any]:
    """Normalizes, or restores, all inputs, as `apply`, for whoever takes their pieces: encoded, in order."""
    for part, result in progress.run(parts, engine):
        _watch(part, result)
        yield from result.pieces


def _watch(part: Part, result: Result) -> None:
    """Adds what was measured of a chunk to the watch of its part, if there is one."""
    if part.watch is not None and result.last:
        part.watch.end_input()
    if part.watch is not None and result.measured is not None:
        part.watch.add(result.measured, can_end_segment=result.can_end_segment)


def check(
    readers: Iterable[Reader],
    watch: DriftMonitor,
    engine: Engine,
    *,
    infinite: Infinite = "error",
    skip: bool = False,
    progress: Progress | None = None,
    remote: RemoteInputs | None = None,
) -> None:
    """Shows all inputs, or the `remote` ones, to `watch`, in one pass; where nothing was learned
    that values could be compared with, their columns alone. Raises BadDataError."""
    progress, parameters = progress or Progress(), watch.measuring
    parts = (comparable(reader, watch, infinite=infinite, skip=skip) for reader in readers)
    if remote:
        for _, result in remote.compare(progress, watch, infinite=infinite, skip=skip):
            if result.subtotal is not None:
                watch.add_segment(result.subtotal)
            if result.last:
                watch.end_input()
    elif not parameters.learns:
        begun = list[Part]()
        for _ in progress.count_results(_ends(parts, begun), begun):
            pass
    else:
        for _, result in progress.run(parts, engine):
            if result.measured is not None:
                watch.add(result.measured, can_end_segment=result.can_end_segment)
            if result.last:
                watch.end_input()
        watch.finish()
    if parameters.learns:
        progress.check_any(watch.counted, parameters, "compare")


def _ends(parts: Iterable[Part], begun: list[Part]) -> Iterator[Result]:
    """The ends of parts of which no row is read."""
    for number, part in enumerate(parts):
        begun.append(part)
        part.reader.source.drain()
        part.reader.close()
        yield Result(number, last=True)
