"""What a worker of a cluster does with a span: it opens an input, and writes or measures it with its own threads."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from normcli import drift
from normcli.engines import Folding, Share
from normcli.engines.threads import Threads
from normcli.errors import EmptyInputError, NoInputError, NormcliError
from normcli.formats import Description, Reader
from normcli.io.parts import detach
from normcli.io.sources import check_version
from normcli.parameters import Parameters
from normcli.pipeline import memory
from normcli.pipeline.parts import Part
from normcli.pipeline.progress import Progress
from normcli.pipeline.spans import Opening, Span, SpanLimits, SpanResult, changes_from
from normcli.pipeline.work import Result, Work

if TYPE_CHECKING:
    from normcli.io.sources import Source

PATIENCE = 60.0  # seconds that threads have to end before what they read is closed


class SpanWork(Struct, frozen=True):
    """It is pickled, and sent to all workers. Where inputs are `alike`, types of text are those of the first one; the
    description of each is told by what differs from it. The memory that is needed follows from the parameters."""

    folding: ClassVar[Folding | None] = None  # of states in its results

    open: Opening
    first: Description
    parameters: Parameters
    alike: bool
    limits: SpanLimits

    def __call__(self, span: Span, share: Share) -> SpanResult:
        done = self._done(span, self.limits.within(share))
        return replace(done, worker=self.open.worker()) if isinstance(done.error, NoInputError) else done

    def _done(self, span: Span, share: Share) -> SpanResult:
        try:
            source = self.open.source(span, share)
        except NormcliError as e:
            return SpanResult(error=e)
        try:
            check_version(source, span.version)
            done = self.do(span, source, share)
            source.check_unchanged()  # also where it was only scanned
            return replace(done, version=source.version)
        except EmptyInputError as e:
            return SpanResult(empty=True) if span.input.implicit else SpanResult(error=e)
        except NormcliError as e:
            return SpanResult(error=e)
        finally:
            source.close()

    @abstractmethod
    def do(self, span: Span, source: Source, share: Share) -> SpanResult:
        """All of a span of an open input. Raises NormcliError before any of its rows is read."""

    def reader(self, source: Source) -> Reader:
        """All of an open input. Raises NormcliError."""
        reader = self.open.reader(source)
        return reader.described_as(reader.description.typed_as(self.first)) if self.alike else reader

    def run(self, part: Part, share: Share, take: Callable[[Result], Result]) -> SpanResult:
        """The results of a part's chunks, each as `take` returns it, which is called in order."""
        results, error, engine = list[Result](), None, _threads(self.parameters, share)
        progress = Progress(most=sys.maxsize)  # who counts those of all inputs says when there are too many
        try:
            for _, result in progress.run([part], engine):
                results.append(replace(take(result), measured=None, pieces=()))
                if progress.rejected > self.limits.rejects or not share.is_wanted():
                    break
        except NormcliError as e:
            error = e
        finally:
            engine.close(PATIENCE)
        reader = part.reader
        changes = changes_from(self.first, reader.description)
        return SpanResult(
            tuple(results), changes, comments=reader.comments, count=reader.count, error=error, doubt=part.doubt
        )


class WriteSpan(SpanWork, frozen=True):
    """To write what parameters make of it beside the place where that belongs."""

    part: Callable[[Span, Reader], Part]
    token: str = ""  # the file that is there as long as somebody wants what is written

    def do(self, span: Span, source: Source, share: Share) -> SpanResult:
        part = self.part(span, self.reader(source))
        watch = part.watch
        assert isinstance(part.work, Work)
        assert part.work.writer is not None
        assert part.output is not None
        assert span.target is not None
        with part.output() as target:
            sink = part.work.writer.open(target)

            def take(result: Result) -> Result:
                for piece in result.pieces:
                    sink.write(piece)
                if watch is not None and result.measured is not None:
                    watch.add(result.measured, can_end_segment=result.can_end_segment)
                if watch is not None and result.last:
                    watch.end_input()
                return result

            done = self.run(part, share, take)
            if done.error or not share.is_wanted():
                return done
            sink.close()
            return replace(done, file=detach(target, span.target, self.token), watch=watch and drift.document(watch))


def _threads(parameters: Parameters, share: Share) -> Threads:
    workers, sizes = Threads(share.threads), memory.Sizes.of(parameters)
    window = memory.window(sizes, share.max_memory, workers.most)
    return Threads(share.threads, window, memory.of_blocks(sizes, share.max_memory, workers.most))
