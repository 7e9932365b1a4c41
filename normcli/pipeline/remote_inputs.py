"""Inputs that the workers of a cluster read, their results counted in order as if all had been read here."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from normcli.columns import Infinite
from normcli.engines import SHARED, Cluster, Share
from normcli.errors import NoInputError, NormcliError
from normcli.formats import Chunk, Description, LateColumn, Reader
from normcli.io.parts import adopt
from normcli.pipeline import memory
from normcli.pipeline.parts import Part, Written, ignore
from normcli.pipeline.progress import Progress
from normcli.pipeline.spans import Opening, Span, SpanLimits, SpanResult, changed
from normcli.pipeline.turns import Turns
from normcli.pipeline.work import Result, Work

if TYPE_CHECKING:
    from normcli.drift import DriftMonitor
    from normcli.io.inputs import Input
    from normcli.parameters import Parameters
    from normcli.pipeline.span_work import SpanWork


class RemoteReader(Reader):
    """An input that was read elsewhere, or is."""

    def __init__(self, description: Description, done: SpanResult, length: int) -> None:
        self.description, self.done, self._length, self._count = description, done, length, done.count

    @property
    def length(self) -> int:
        return self._length

    @property
    def position(self) -> None:
        return None

    @property
    def comments(self) -> int:
        return self.done.comments

    @property
    def count(self) -> int:
        return self._count

    def add(self, done: SpanResult) -> None:
        """Counts bytes that were read of a segment."""
        self._count += done.count

    def chunks(self, needed: object = None) -> Iterator[Chunk]:
        raise NotImplementedError  # none was ever here

    def check_unchanged(self) -> None:
        """Who read it has looked."""

    def close(self) -> None:
        """It was never open here."""


PartOf = Callable[[Span, RemoteReader], Part]


class RemoteInputs(Struct, frozen=True):
    """The inputs of a run, for the workers of a cluster, which open them. `leave_out` is called for an empty one."""

    cluster: Cluster
    spans: Callable[[], Iterable[Span]]
    open: Opening
    first: Description
    limits: SpanLimits
    leave_out: Callable[[Span], None]
    versions: dict[Input, tuple[object, ...]] = field(default_factory=dict)  # of inputs that are opened again

    def measure(
        self, progress: Progress, work: Work, parameters: Parameters, late: Callable[[LateColumn, str], None] = ignore
    ) -> Iterator[tuple[Part, Result]]:
        """All of it measured, by the blanks of parameters, to be learned from. What was read before is the same yet, or
        BadDataError is raised."""
        from normcli.pipeline.read_spans import MeasureSpan

        steps = tuple(replace(step, states=()) for step in parameters.steps)
        bare = replace(parameters, steps=steps, sketches=parameters.sketches and parameters.sketches.without_rows)
        task = MeasureSpan(self.open, self.first, bare, True, self.limits, replace(work, measuring=bare))
        repeats = parameters.passes.repeats

        def part(span: Span, reader: RemoteReader) -> Part:
            if repeats:
                self.versions[span.input] = reader.done.version
            return Part(reader, work, late=late)

        return self._run(progress, task, part, measuring=bare)

    def compare(
        self, progress: Progress, watch: DriftMonitor, *, infinite: Infinite, skip: bool
    ) -> Iterator[tuple[Part, Result]]:
        """All of it measured, to be compared; what else is seen of it is added to a watch."""
        from normcli.drift import restored
        from normcli.pipeline.read_spans import CompareSpan

        task = CompareSpan(self.open, self.first, watch.measuring, True, self.limits, watch.blank(), infinite, skip)
        work = Work(frozenset(), measuring=watch.measuring)

        def part(span: Span, reader: RemoteReader) -> Part:
            return Part(reader, work, watch=watch, late=watch.add_late, absent=watch.add_absent)

        def add(done: SpanResult) -> None:
            if done.watch is not None:
                watch.merge(restored(watch.blank(), done.watch))

        state = memory.measured(watch.measuring)
        return self._run(progress, task, part, measuring=watch.measuring, add=add, state=state)

    def write(
        self, progress: Progress, task: SpanWork, part: PartOf, *, ready: Callable[[], str], watch: DriftMonitor | None
    ) -> Generator[Written]:
        """All of it written, each input into a file of its own, which waits beside its place, and measured for a
        `watch`. Each is given in its turn, for who gets it to close its target."""
        measuring = None if watch is None else watch.measuring
        for begun, result in self._run(progress, task, part, measuring=measuring, ready=ready):
            assert isinstance(begun.reader, RemoteReader)
            file = begun.reader.done.file
            if result.last and file is not None:
                progress.end_output()
                yield Written(_NoSink(), begun, adopt(file))
                progress.begin_output()

    def _run(
        self, progress: Progress, task: SpanWork, part: PartOf, *, measuring: Parameters | None,
        ready: Callable[[], str] | None = None, add: Callable[[SpanResult], None] = lambda done: None,
        state: int | None = None,
    ) -> Iterator[tuple[Part, Result]]:  # fmt: skip
        """The results of all chunks, measured by the blanks of `measuring`, with `state` bytes of states, or those of
        the method; `add` is called with what comes of each span, in order."""
        begun, state = list[Part](), memory.state(task.parameters) if state is None else state
        comoments = _has_comoments(measuring)
        send = partial(
            self.cluster.map_spans, task, state=state, ready=ready, folding=task.folding, comoments=comoments
        )
        spans = (
            replace(span, version=version) if (version := self.versions.get(span.input)) else span
            for span in self.spans()
        )
        return progress.count_results(self._results(Turns(spans, send, self.first, state), part, begun, add), begun)

    def _results(
        self, turns: Turns, part: PartOf, begun: list[Part], add: Callable[[SpanResult], None]
    ) -> Iterator[Result]:
        with closing(turns.results()) as pairs:
            for span, done in pairs:
                if done.empty:
                    self.leave_out(span)
                elif done.changes is not None:
                    reader = RemoteReader(changed(done.changes, self.first), done, span.load)
                    begun.append(part(span, reader))
                elif done.error is None and done.fault is None:
                    reader.add(done)
                add(done)
                yield from map(partial(replace, part=len(begun) - 1), done.results)
                if done.fault is not None:
                    done.fault.part = len(begun) - 1
                    raise done.fault
                if done.error is not None:
                    raise self._unread(span, done) or done.error

    def _unread(self, span: Span, done: SpanResult) -> NoInputError | None:
        """The error for an input that a worker can't read, by what this process sees of it; None for another error."""
        if not isinstance(done.error, NoInputError):
            return None
        try:
            self.open.source(span, Share(1, self.limits.max_memory, lambda: True)).close()
        except NoInputError as e:  # as on one machine
            return e
        except NormcliError:  # it is there
            pass
        why = done.error.message.removeprefix(f"{span.name}: ")
        what = f"worker {done.worker}: does not see INPUT {span.name} as this machine does: {why}"
        return NoInputError(what, SHARED)


def _has_comoments(measuring: Parameters | None) -> bool:
    """Whether last digits of what is measured depend on who computes it."""
    return measuring is not None and any(s.computation() for step in measuring.steps for s in step.blanks)


class _NoSink:
    """The sink of what was written elsewhere, to its end."""

    def write(self, piece: object) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """It is closed."""
