"""What a worker of a cluster does with a span to learn from it or to compare it: it measures all of an input, or one of
its segments, or finds that it is to be cut into segments."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from msgspec.structs import replace

from normcli import drift
from normcli.columns import Infinite
from normcli.drift import DriftMonitor
from normcli.engines import Share
from normcli.errors import BadPlaceError, NormcliError
from normcli.formats import Address, Reader, open_at
from normcli.formats._text.description import TextDescription
from normcli.parameters.folding import InputTotal, SegmentTotals
from normcli.pipeline import segments
from normcli.pipeline.parts import Part, comparable, ignore, measurable
from normcli.pipeline.remote_totals import FOLDING
from normcli.pipeline.span_work import SpanWork
from normcli.pipeline.spans import Span, SpanResult, changed, changes_from
from normcli.pipeline.work import Result, Work

if TYPE_CHECKING:
    from normcli.io.sources import Source
    from normcli.parameters import Measured
    from normcli.parameters.folding import Subtotal


class ReadSpan(SpanWork, frozen=True):
    """To measure it by the blanks of the parameters."""

    folding = FOLDING

    @abstractmethod
    def part(self, reader: Reader) -> Part:
        """Rows of an input. Raises NormcliError."""

    def do(self, span: Span, source: Source, share: Share) -> SpanResult:
        if span.stretch is not None:
            return self._stretch(span, source, share)
        if span.address is not None:
            return self._segment(span, source, span.address, share)
        reader = self.reader(source)
        part = self._part(reader)
        cut = self._cut(reader)
        if cut.is_cut:
            changes = changes_from(self.first, part.reader.description)
            return replace(cut, changes=changes, count=reader.count, watch=_watch_state(part))
        return self._all(part, share)

    def _part(self, reader: Reader) -> Part:
        """Rows of an input. Whether one has all columns that are expected is known where all of its rows are."""
        return replace(self.part(reader), late=ignore, absent=lambda name: None)

    def _cut(self, reader: Reader) -> SpanResult:
        """What an input is to be read in, where that is more than one segment."""
        if self.parameters.unfitted_multiple > 1:  # its batches run on
            return SpanResult()
        try:
            addresses, stretches = segments.of_reader(reader), segments.stretches(reader.description)
        except NormcliError:  # which comes after bad rows that stand before it
            return SpanResult()
        return SpanResult(
            segments=addresses if len(addresses) > 1 else (), stretches=stretches if len(stretches) > 1 else ()
        )

    def _all(self, part: Part, share: Share) -> SpanResult:
        total = InputTotal(*self.parameters.blanks)

        def take(result: Result) -> Result:
            measured = _to_fold(part, result)
            if measured is not None:
                total.add(measured, can_end_segment=result.can_end_segment)
            return result

        done = self.run(part, share, take)
        if done.error or not done.results:
            return done
        return replace(_with_subtotal(done, total.end()), watch=_watch_state(part))

    def _segment(self, span: Span, source: Source, address: Address, share: Share) -> SpanResult:
        assert span.changes is not None
        description = replace(changed(span.changes, self.first), room=source.room)
        reader = open_at(source, description, address)
        before = reader.count  # of a binary file, all bytes of which count where it is opened first
        part = self._part(reader)
        totals = SegmentTotals(*self.parameters.blanks)

        def take(result: Result) -> Result:
            measured = _to_fold(part, result)
            if measured is None:
                return result
            return replace(result, subtotal=totals.add(measured, can_end_segment=result.can_end_segment))

        done = self.run(part, share, take)
        done = replace(done, results=tuple(r for r in done.results if not r.last), count=done.count - before)
        rest = totals.end()
        done = done if rest is None else _with_subtotal(done, rest)
        return replace(done, changes=None, watch=_watch_state(part))

    def _stretch(self, span: Span, source: Source, share: Share) -> SpanResult:
        """Its scans; and what was measured of the segment that it likely is, up to its first bad row."""
        assert span.changes is not None
        assert span.stretch is not None
        description = changed(span.changes, self.first)
        assert isinstance(description, TextDescription)

        def read(source: Source, rows: Address) -> SpanResult:
            try:
                return self._segment(span, source, rows, share)
            except NormcliError as e:
                return SpanResult(error=e)

        scan, done = segments.read_stretch(source, description, span.stretch, share.is_wanted, read)
        if done is None:
            return SpanResult(scans=scan.scans)
        done = replace(done, scans=scan.scans, likely=scan.likely)
        if done.error is None:
            return done
        fault = done.error.__context__
        if isinstance(fault, BadPlaceError):  # the error says the place as if the segment was all of the input
            return replace(done, error=None, fault=fault)
        return SpanResult(scans=scan.scans)


class MeasureSpan(ReadSpan, frozen=True):
    """To learn from it."""

    work: Work

    def part(self, reader: Reader) -> Part:
        return measurable(reader, self.parameters, self.work)


class CompareSpan(ReadSpan, frozen=True):
    """To compare it with what was fitted."""

    watch: DriftMonitor
    infinite: Infinite
    skip: bool

    def part(self, reader: Reader) -> Part:
        return comparable(reader, self.watch.blank(), infinite=self.infinite, skip=self.skip)

    def do(self, span: Span, source: Source, share: Share) -> SpanResult:
        if self.parameters.learns:
            return super().do(span, source, share)
        part = self.part(self.reader(source))  # columns alone
        reader = part.reader
        changes, end = changes_from(self.first, reader.description), (Result(last=True),)
        return SpanResult(end, changes, comments=reader.comments, count=reader.count, watch=_watch_state(part))


def _to_fold(part: Part, result: Result) -> Measured | None:
    """What was measured of a chunk. A watch counts rows by itself, and has states by key only if it compares keys."""
    if part.watch is None or result.measured is None:
        return result.measured
    part.watch.count(result.measured)
    return result.measured if part.watch.by_key else replace(result.measured, keyed=None)


def _watch_state(part: Part) -> object:
    """The state of the watch of a part, but for statistics, which come with results."""
    return part.watch and drift.document(part.watch)


def _with_subtotal(done: SpanResult, subtotal: Subtotal) -> SpanResult:
    """With what was measured of all rows, or the last ones."""
    return replace(done, results=(*done.results[:-1], replace(done.results[-1], subtotal=subtotal)))
