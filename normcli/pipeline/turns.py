"""Spans in the order in which they are sent to workers, and their results in the order of the inputs.

All inputs are sent to be read. A large one is only opened then, and its segments are sent after that. Of binary data,
it is known at once where they are. Text is sent in stretches, each of which is scanned, and measured as the segment
that it mostly is: where the scans of all stretches before it say something else, a segment is sent again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from normcli.errors import NormcliError
from normcli.formats._text.description import TextDescription
from normcli.pipeline import segments
from normcli.pipeline.spans import Span, SpanResult, changed
from normcli.pipeline.work import Result

if TYPE_CHECKING:
    from normcli.formats import Address, Description
    from normcli.formats._text.ranges import Scan

HELD = 256 << 20  # bytes of results, about, that wait for those before them
FEWEST, MOST = 8, 1 << 10  # of them, however large or small they are

ENDED = SpanResult(results=(Result(last=True),))


class _SpanTask(Struct):
    """A span that was sent, or is to be; its result once there."""

    turn: _Turn
    span: Span
    result: SpanResult | None = None
    is_wanted: bool = True


class _Turn(Struct):
    """An input: the tasks whose results are not taken yet, in order, and those of them that are not sent yet."""

    tasks: deque[_SpanTask] = field(default_factory=deque)
    unsent: deque[_SpanTask] = field(default_factory=deque)


class Turns:
    """`spans` of inputs, through the `map` of a cluster to which they are sent, with results of about `state` bytes
    each. Descriptions are changes from the `first`."""

    def __init__(
        self, spans: Iterable[Span], map: Callable[[Iterator[Span | None]], Generator[SpanResult]], first: Description,
        state: int = 0,
    ) -> None:  # fmt: skip
        self._spans, self._first = iter(spans), first
        self._most = min(MOST, max(FEWEST, HELD // max(state, 1)))
        self._turns, self._cut = deque[_Turn](), deque[_Turn]()  # that are to come; those with segments to be sent
        self._now: _Turn | None = None  # whose results are taken
        self._repeats, self._sent = deque[_SpanTask](), deque[_SpanTask]()  # to be sent at once; without results
        self._held = 0  # results that are not taken
        self._open = 0  # inputs of which more spans may have to be sent
        self._ended = False  # all inputs were sent
        self._results = map(self._to_send())

    def results(self) -> Generator[tuple[Span, SpanResult]]:
        """Of all inputs, in order: of one that was cut, what opening it says, what its segments say, and its end.
        Raises NormcliError in its turn."""
        with closing(self._results):
            while self._turns or self._receive():
                turn = self._now = self._turns.popleft()
                opening = turn.tasks.popleft()
                opened = self._take(opening)
                yield opening.span, opened
                if opened.is_cut:
                    for done in self._segments(turn, opening.span, opened):
                        yield opening.span, done
                    self._open -= 1
                    yield opening.span, ENDED

    # -- sending -------------------------------------------------------------------------------------------------
    def _to_send(self) -> Iterator[Span | None]:
        """Each span as soon as it is known; None as long as none is, or too many results wait."""
        while True:
            task = self._next()
            if task is not None:
                self._sent.append(task)
                yield task.span
            elif self._ended and not self._open:
                return
            else:
                yield None

    def _next(self) -> _SpanTask | None:
        if self._repeats:
            return self._repeats.popleft()
        while self._cut and not self._cut[0].unsent:
            self._cut.popleft()
        if self._held >= self._most and not (self._cut and self._cut[0] is self._now):
            return None
        if self._cut:
            return self._cut[0].unsent.popleft()
        span = next(self._spans, None)
        if span is None:
            self._ended = True
            return None
        turn = _Turn()
        turn.tasks.append(_SpanTask(turn, span))
        self._turns.append(turn)
        self._open += 1
        return turn.tasks[0]

    def _receive(self) -> bool:
        """Receives the next result; False where all have been."""
        done = next(self._results, None)
        if done is None:
            return False
        task = self._sent.popleft()
        if task.is_wanted:
            task.result = done
            self._held += 1
        if done.is_cut:
            tasks = [_SpanTask(task.turn, span) for span in _spans_of(task.span, done)]
            task.turn.tasks.extend(tasks)
            task.turn.unsent.extend(tasks)
            self._cut.append(task.turn)
        elif task.span.changes is None:
            self._open -= 1
        return True

    # -- taking --------------------------------------------------------------------------------------------------
    def _wait(self, task: _SpanTask) -> SpanResult:
        while task.result is None:
            if not self._receive():
                raise RuntimeError("a cluster has no result of a span")
        return task.result

    def _take(self, task: _SpanTask) -> SpanResult:
        result = self._wait(task)
        self._held -= 1
        return result

    def _segments(self, turn: _Turn, span: Span, opened: SpanResult) -> Iterator[SpanResult]:
        if opened.stretches:
            yield from self._segments_of_text(turn, replace(span, version=opened.version, changes=opened.changes))
        while turn.tasks:
            yield self._take(turn.tasks.popleft())

    def _segments_of_text(self, turn: _Turn, span: Span) -> Iterator[SpanResult]:
        likely, ahead, failure = deque[_SpanTask](), deque[_SpanTask](), None
        assert span.changes is not None
        description = changed(span.changes, self._first)
        assert isinstance(description, TextDescription)

        def scans() -> Iterator[Scan]:
            while turn.tasks:
                task = turn.tasks.popleft()
                likely.append(task)
                done = self._wait(task)
                if done.error is not None:
                    raise done.error
                yield from done.scans

        try:
            for address in segments.of_scans(description, scans()):
                ahead.append(self._segment(turn, span, address, likely))
                while ahead and (ahead[0].result is not None or len(ahead) >= self._most):
                    yield self._take(ahead.popleft())
        except NormcliError as e:  # after what comes before it
            failure = e
        self._drop(turn, likely)
        while ahead:
            yield self._take(ahead.popleft())
        if failure is not None:
            raise failure

    def _segment(self, turn: _Turn, span: Span, address: Address, likely: deque[_SpanTask]) -> _SpanTask:
        """The task that measures a segment: one that was likely to, or else a new one."""
        while likely:
            supposed = likely[0].result.likely if likely[0].result else None
            if supposed == replace(address, place=0):
                return likely.popleft()
            if supposed is not None and supposed.start > address.start:
                break
            likely.popleft()
            self._held -= 1
        task = _SpanTask(turn, replace(span, address=address, load=address.end - address.start))
        self._repeats.append(task)
        return task

    def _drop(self, turn: _Turn, likely: Iterable[_SpanTask]) -> None:
        """Takes what is not needed of a text: segments that are others, and stretches behind the last scan."""
        for task in (*likely, *turn.tasks):
            self._held -= task.result is not None
            task.is_wanted = False
        turn.tasks.clear()
        turn.unsent.clear()


def _spans_of(span: Span, opened: SpanResult) -> Iterator[Span]:
    """The spans that an input is cut into."""
    span = replace(span, version=opened.version, changes=opened.changes)
    for address in opened.segments:
        yield replace(span, address=address, load=span.load // len(opened.segments))
    for start, end in opened.stretches:
        yield replace(span, stretch=(start, end), load=end - start)
