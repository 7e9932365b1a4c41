"""What a worker of a cluster does with a span: it opens an input, and measures, compares or writes all of it with its
own threads."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace

from normcli import drift
from normcli.columns import Infinite
from normcli.drift import DriftMonitor
from normcli.engines import Share
from normcli.engines.threads import Threads
from normcli.errors import EmptyInputError, NormcliError
from normcli.formats import Description, Reader
from normcli.io.parts import detach
from normcli.parameters import Parameters
from normcli.parameters.folding import InputTotal
from normcli.parameters.keys import StepStates
from normcli.pipeline import memory
from normcli.pipeline.parts import Part, comparable, measurable
from normcli.pipeline.progress import Progress
from normcli.pipeline.spans import Opening, Span, SpanLimits, SpanResult, changes_from
from normcli.pipeline.work import Result, Work

PATIENCE = 60.0  # seconds that threads have to end before what they read is closed


@dataclass(frozen=True)
class SpanWork(ABC):
    """It is pickled, and sent to all workers. Where inputs are `alike`, types of text are those of the first one; the
    description of each is told by what differs from it. The memory that is needed follows from the parameters."""

    open: Opening
    first: Description
    parameters: Parameters
    alike: bool
    limits: SpanLimits

    def __call__(self, span: Span, share: Share) -> SpanResult:
        share = self.limits.within(share)
        try:
            reader = self.open(span, share)
        except EmptyInputError as e:
            return SpanResult(empty=True) if span.input.implicit else SpanResult(error=e)
        except NormcliError as e:
            return SpanResult(error=e)
        try:
            if self.alike:
                reader = reader.described_as(reader.description.typed_as(self.first))
            return self.do(span, reader, share)
        except NormcliError as e:
            return SpanResult(changes=changes_from(self.first, reader.description), count=reader.count, error=e)
        finally:
            reader.close()

    @abstractmethod
    def do(self, span: Span, reader: Reader, share: Share) -> SpanResult:
        """All of an open input. Raises NormcliError before any of its rows is read."""

    def run(self, part: Part, share: Share, take: Callable[[Result], None]) -> SpanResult:
        """The results of a part's chunks, after `take` was called with each, in order."""
        results, error, engine = list[Result](), None, _threads(self.parameters, share)
        progress = Progress(most=sys.maxsize)  # who counts those of all inputs says when there are too many
        try:
            for _, result in progress.run([part], engine):
                take(result)
                results.append(replace(result, measured=None, pieces=()))
                if progress.rejected > self.limits.rejects or not share.is_wanted():
                    break
        except NormcliError as e:
            error = e
        finally:
            engine.close(PATIENCE)
        reader = part.reader
        changes = changes_from(self.first, reader.description)
        return SpanResult(tuple(results), changes, reader.comments, reader.count, error, doubt=part.doubt)


@dataclass(frozen=True)
class MeasureSpan(SpanWork):
    """To learn from it."""

    work: Work
    blank: tuple[StepStates, ...]

    def do(self, span: Span, reader: Reader, share: Share) -> SpanResult:
        total = InputTotal(self.blank)

        def take(result: Result) -> None:
            if result.measured is not None:
                total.add(result.measured, can_end_segment=result.can_end_segment)

        done = self.run(measurable(reader, self.parameters, self.work), share, take)
        if done.error or not done.results:
            return done
        final = replace(done.results[-1], subtotal=total.end())
        return replace(done, results=(*done.results[:-1], final))


@dataclass(frozen=True)
class CompareSpan(SpanWork):
    """To compare it with what was fitted."""

    watch: DriftMonitor
    infinite: Infinite
    skip: bool

    def do(self, span: Span, reader: Reader, share: Share) -> SpanResult:
        watch = self.watch.blank()
        part = comparable(reader, watch, infinite=self.infinite, skip=self.skip)
        if watch.measuring.learns:
            done = self.run(part, share, lambda result: _show(watch, result))
        else:  # columns alone
            done = SpanResult((Result(last=True),), changes_from(self.first, reader.description), count=reader.count)
        return done if done.error else replace(done, watch=drift.document(watch))


@dataclass(frozen=True)
class WriteSpan(SpanWork):
    """To write what parameters make of it beside the place where that belongs."""

    part: Callable[[Span, Reader], Part]

    def do(self, span: Span, reader: Reader, share: Share) -> SpanResult:
        part = self.part(span, reader)
        watch = part.watch
        assert isinstance(part.work, Work)
        assert part.work.writer is not None
        assert part.output is not None
        assert span.target is not None
        with part.output() as target:
            sink = part.work.writer.open(target)

            def take(result: Result) -> None:
                for piece in result.pieces:
                    sink.write(piece)
                if watch is not None:
                    _show(watch, result)

            done = self.run(part, share, take)
            if done.error or not share.is_wanted():
                return done
            sink.close()
            return replace(done, file=detach(target, span.target), watch=watch and drift.document(watch))


def _show(watch: DriftMonitor, result: Result) -> None:
    if result.measured is not None:
        watch.add(result.measured, can_end_segment=result.can_end_segment)
    if result.last:
        watch.end_input()


def _threads(parameters: Parameters, share: Share) -> Threads:
    workers, sizes = Threads(share.threads), memory.Sizes.of(parameters)
    window = memory.window(sizes, share.max_memory, workers.most)
    return Threads(share.threads, window, memory.of_blocks(sizes, share.max_memory, workers.most))
