"""Spans: inputs as tasks for the workers of a cluster, and their results, counted in order as if all had been read
here."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from normcli.columns import Infinite
from normcli.engines import Cluster, Share
from normcli.errors import NormcliError
from normcli.formats import Chunk, Description, LateColumn, Reader
from normcli.io.parts import PartFile, adopt
from normcli.pipeline import memory
from normcli.pipeline.parts import Part, Written, ignore
from normcli.pipeline.progress import Progress
from normcli.pipeline.work import Result, Work

if TYPE_CHECKING:
    from normcli.drift import DriftMonitor
    from normcli.io.inputs import Input
    from normcli.parameters import Parameters
    from normcli.pipeline.span_work import SpanWork

Opening = Callable[["Span", Share], Reader]


@dataclass(frozen=True)
class Span:
    """A whole input: where workers find it, and the file that its rows go to, if there is one of its own. Paths are
    absolute, for workers are in other directories."""

    input: Input
    path: str
    target: str | None = None
    shown: str = ""  # the target, in messages
    load: int = 0  # bytes to read, about; 0: not known

    @property
    def name(self) -> str:
        return self.input.name


@dataclass(frozen=True)
class SpanResult:
    """The report of a worker on a span: the results of its chunks, without rows, up to the first error, if any."""

    results: tuple[Result, ...] = ()
    changes: Description | Mapping[str, Any] | None = None  # of the first input's description, or another one
    comments: int = 0  # lines
    count: int = 0  # bytes read
    error: NormcliError | None = None
    empty: bool = False  # the input is empty, and was not named itself
    doubt: str = ""  # what should be known of its output
    watch: Any = None  # the state of its watch, as plain values
    file: PartFile | None = None  # what was written of it


class RemoteReader(Reader):
    """An input that was read elsewhere."""

    def __init__(self, description: Description, done: SpanResult) -> None:
        self.description, self.done = description, done

    @property
    def comments(self) -> int:
        return self.done.comments

    @property
    def count(self) -> int:
        return self.done.count

    def chunks(self, needed: object = None) -> Iterator[Chunk]:
        raise NotImplementedError  # none was ever here

    def close(self) -> None:
        """It was never open here."""


@dataclass(frozen=True)
class SpanLimits:
    """What a span may take at most, wherever it is worked on."""

    rejects: int  # rows skipped; where there are more, the run fails, and no more is read
    threads: int | None = None
    max_memory: int | None = None  # bytes

    def within(self, share: Share) -> Share:
        """A share that is no larger."""
        threads = min(share.threads, self.threads or share.threads)
        sizes = [n for n in (share.max_memory, self.max_memory) if n is not None]
        return replace(share, threads=threads, max_memory=min(sizes, default=None))


PartOf = Callable[[Span, RemoteReader], Part]


@dataclass(frozen=True)
class RemoteInputs:
    """The inputs of a run, for the workers of a cluster, which open them. `leave_out` is called for an empty one."""

    cluster: Cluster
    spans: Callable[[], Iterable[Span]]
    open: Opening
    first: Description
    limits: SpanLimits
    leave_out: Callable[[Span], None]

    def measure(
        self, progress: Progress, work: Work, parameters: Parameters, late: Callable[[LateColumn, str], None] = ignore
    ) -> Iterator[tuple[Part, Result]]:
        """All of it measured, by the blanks of parameters, to be learned from."""
        from normcli.pipeline.span_work import MeasureSpan

        bare = replace(parameters, steps=tuple(replace(step, states=()) for step in parameters.steps))
        blank = tuple(step.blanks for step in parameters.steps)
        sent = replace(work, measuring=bare)
        task = MeasureSpan(self.open, self.first, bare, True, self.limits, sent, blank)
        return self._run(progress, task, lambda span, reader: Part(reader, work, late=late))

    def compare(
        self, progress: Progress, watch: DriftMonitor, *, infinite: Infinite, skip: bool
    ) -> Iterator[tuple[Part, Result]]:
        """All of it shown to watches, each of which is that of a part."""
        from normcli.drift import restored
        from normcli.pipeline.span_work import CompareSpan

        task = CompareSpan(self.open, self.first, watch.measuring, True, self.limits, watch.blank(), infinite, skip)
        work = Work(frozenset(), measuring=watch.measuring)

        def part(span: Span, reader: RemoteReader) -> Part:
            done = reader.done.watch
            watch_of_part = None if done is None else restored(watch.blank(), done)
            return Part(reader, work, watch=watch_of_part, absent=lambda name: None)

        return self._run(progress, task, part)

    def write(self, progress: Progress, task: SpanWork, part: PartOf, ready: Callable[[], str]) -> Generator[Written]:
        """All of it written, each input into a file of its own, which waits beside its place. Each is given in its
        turn."""
        for begun, result in self._run(progress, task, part, ready):
            assert isinstance(begun.reader, RemoteReader)
            file = begun.reader.done.file
            if result.last and file is not None:
                progress.end_output()
                with adopt(file) as target:
                    yield Written(_NoSink(), begun, target)
                progress.begin_output()

    def _run(
        self, progress: Progress, task: SpanWork, part: PartOf, ready: Callable[[], str] | None = None
    ) -> Iterator[tuple[Part, Result]]:
        begun = list[Part]()
        return progress.count_results(self._results(task, part, begun, ready), begun)

    def _results(
        self, task: SpanWork, part: PartOf, begun: list[Part], ready: Callable[[], str] | None
    ) -> Iterator[Result]:
        sent = deque[Span]()

        def spans() -> Iterator[Span]:
            for span in self.spans():
                sent.append(span)
                yield span

        for done in self.cluster.map_spans(task, spans(), state=memory.state(task.parameters), ready=ready):
            span = sent.popleft()
            if done.empty:
                self.leave_out(span)
            elif done.changes is not None:
                begun.append(part(span, RemoteReader(changed(done.changes, self.first), done)))
                yield from map(partial(replace, part=len(begun) - 1), done.results)
            if done.error is not None:
                raise done.error


class _NoSink:
    """The sink of what was written elsewhere, to its end."""

    def write(self, piece: object) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """It is closed."""


def changes_from(first: Description, other: Description) -> Description | dict[str, Any]:
    """The fields in which a description differs from the first: 100,000 files mostly have the same columns."""
    if type(other) is not type(first):
        return other
    return {f.name: getattr(other, f.name) for f in fields(first) if getattr(other, f.name) != getattr(first, f.name)}


def changed(changes: Description | Mapping[str, Any], first: Description) -> Description:
    """What `changes_from` is of."""
    return changes if isinstance(changes, Description) else replace(first, **changes)
