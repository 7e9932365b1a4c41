"""What an engine's workers are handed: chunks of parts, or rows cut again to whole batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from normcli.engines import Engine
from normcli.errors import BadDataError, BadPlaceError
from normcli.formats import Chunk, Grouping
from normcli.parameters.folding import ends_segment
from normcli.pipeline.work import Result, Work

if TYPE_CHECKING:
    from normcli.pipeline.describing import Survey
    from normcli.pipeline.rebatch import Segment

from normcli.pipeline.parts import Part


class Job(Struct, frozen=True):
    """What an engine's worker is handed: a chunk, or None where the part has ended."""

    part: int
    work: Work | Survey
    chunk: Chunk | None

    @property
    def load(self) -> int:
        return 0 if self.chunk is None else self.chunk.load

    def do(self) -> Result:
        if self.chunk is None:
            return Result(self.part, last=True)
        try:
            return replace(self.work(self.chunk), part=self.part)
        except BadPlaceError as e:
            e.part = self.part
            raise


class _Jobs:
    """Of the chunks of a part, one after the other."""

    def __init__(self, part: int, work: Work | Survey) -> None:
        self._part, self._work, self._position = part, work, 0
        self._counts = isinstance(work, Work) and work.multiple == 1  # batches are cut from several chunks

    def __call__(self, chunk: Chunk) -> Job:
        work = replace(self._work, position=self._position) if self._counts else self._work
        self._position += 1
        if ends_segment(self._position, can_end=chunk.can_end_segment):
            self._position = 0
        return Job(self._part, work, chunk)


def jobs_of(parts: Iterable[Part], begun: list[Part]) -> Iterator[Job]:
    """All chunks of all parts, which are opened one after the other, and said to have `begun`."""
    for number, part in enumerate(parts):
        begun.append(part)
        try:
            description = part.reader.description
            work = replace(part.work, plain=description.to_plain, beside=description.keys)
            chunks: Iterator[Chunk] = part.reader.chunks(part.needed)
            if work.in_parts:
                chunks = chain.from_iterable(chunk.parts(work.copied) for chunk in chunks)
            yield from map(_Jobs(number, work), chunks)  # which holds no chunk
        except BadPlaceError as e:
            e.part = number
            raise
        except BadDataError:
            part.reader.check_unchanged()  # what is wrong may be that there are two versions
            raise
        yield Job(number, part.work, None)


def closing(results: Iterator[Result], begun: Sequence[Part]) -> Iterator[Result]:
    """Results in order; of each part that has ended, the reader is closed, for nobody decodes its chunks any more.
    Raises BadDataError where its input was changed meanwhile."""
    for result in results:
        if result.last:
            reader = begun[result.part].reader
            reader.check_unchanged()
            reader.close()
        yield result


class BatchJob(Struct, frozen=True):
    """The task of a worker where rows are cut again: rows of whole batches, and the results of the chunks that were
    decoded until there were enough rows."""

    results: tuple[Result, ...]
    segments: tuple[Segment, ...]
    works: tuple[Work, ...]  # of the segments' parts
    is_duplicate: bool = False  # rows that are handed to another, too, who counts them

    def do(self) -> tuple[Result, ...]:
        if not self.segments:
            return self.results
        result = self.works[0].together(self.segments, self.works)
        return (*self.results, replace(result, incomplete=0) if self.is_duplicate else result)


class GroupJob(Struct, frozen=True):
    """The task of a worker where pieces are written together: a group of them, and the results that they come from, the
    last of which has the group then."""

    results: tuple[Result, ...]
    pieces: tuple[Any, ...]
    grouping: Grouping | None

    @property
    def load(self) -> int:
        return self.grouping.load(self.pieces) if self.grouping else 0

    def do(self) -> tuple[Result, ...]:
        if self.grouping is None or not self.pieces:
            return self.results
        return (*self.results[:-1], replace(self.results[-1], pieces=(self.grouping.encode(self.pieces),)))


def in_groups(results: Iterator[Result], begun: Sequence[Part], engine: Engine) -> Iterator[Result]:
    """Results whose pieces are as sinks take them, put together by the workers of an engine where that has to be."""
    for result in results:
        if _grouping(begun[result.part]):
            yield from chain.from_iterable(engine.map_ordered(GroupJob.do, _grouped(chain((result,), results), begun)))
            return
        yield result


def _grouping(part: Part) -> Grouping | None:
    work = part.work
    return work.writer.grouping if isinstance(work, Work) and work.writer else None


def _grouped(results: Iterator[Result], begun: Sequence[Part]) -> Iterator[GroupJob]:
    """Groups of the pieces of each output, in order, wherever its inputs end: the same for any workers."""
    waiting, pieces, share = list[Result](), list[Any](), 0.0

    def group(grouping: Grouping | None) -> GroupJob:
        nonlocal share
        job = GroupJob(tuple(waiting), tuple(pieces), grouping)
        waiting.clear()
        pieces.clear()
        share = 0.0
        return job

    grouping = None
    try:
        for result in results:
            part = begun[result.part]
            grouping = _grouping(part)
            if grouping is None or (result.last and part.output is not None):
                yield group(grouping)
                yield GroupJob((result,), (), None)
                continue
            waiting.append(replace(result, pieces=()))
            pieces += result.pieces
            share += sum(map(grouping.share, result.pieces))
            if share >= 1 or not pieces:
                yield group(grouping)
    except Exception:
        yield GroupJob(tuple(waiting), (), None)  # they count, and come before what went wrong
        raise
    yield group(grouping)


def rebatched(results: Iterator[Result], multiple: int, begun: Sequence[Part]) -> Iterator[BatchJob]:
    """Whole batches of all parts together. A part with an output of its own is written in batches of its own, and yet
    measured in those of all parts, as a fit does."""
    from normcli.pipeline.rebatch import Pieces

    pieces, measuring = Pieces(multiple), Pieces(multiple)
    waiting, number, place = list[Result](), -1, 0

    def works(part: Part) -> tuple[Work, Work | None]:
        assert isinstance(part.work, Work)
        return part.work.apart if part.output is not None else (part.work, None)

    def batches(segments: tuple[Segment, ...]) -> BatchJob:
        job = BatchJob(tuple(waiting), segments, tuple(works(begun[s.part])[0] for s in segments))
        waiting.clear()
        return job

    def measured(segments: tuple[Segment, ...]) -> BatchJob:
        apart = (works(begun[s.part])[1] for s in segments)
        return BatchJob((), segments, tuple(w for w in apart if w is not None), is_duplicate=True)

    try:
        for result in results:
            if result.part != number:
                number, place = result.part, begun[result.part].reader.description.start
            if result.last and begun[number].output is not None:
                yield batches(pieces.rest())
            waiting.append(replace(result, segment=None))
            if result.segment is not None:
                segment = replace(result.segment, part=number, place=place)
                yield from map(batches, pieces.add(segment))
                if works(begun[number])[1] is not None:
                    yield from map(measured, measuring.add(segment))
            place += result.places
    except BadPlaceError as e:
        if e.start is None:
            e.start = place if e.part == number else begun[e.part].reader.description.start
        raise
    yield batches(pieces.rest())
    yield measured(measuring.rest())
