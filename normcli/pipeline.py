"""fit, apply and check: the program on one page.

fit is reduce(merge, map_ordered(measure, chunks)), then learn; apply is map_ordered(decode, transform, encode) into a
sink; check measures as fit does, by itself or in the course of apply, and compares. That results are the same bytes
whatever the threads, and memory is bounded, follows from these lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from math import lcm
from typing import Any

import numpy as np

from normcli import columns, learning, spool
from normcli.columns import Frame, Infinite
from normcli.drift import Watch
from normcli.engines import Engine
from normcli.errors import BadDataError, BadPlaceError, BadRowError, UsageError, printable
from normcli.formats import Chunk, Decoded, Outlet, Reader, Reject, Sink, Writer
from normcli.keys import Seen
from normcli.learning import Total
from normcli.methods import listed
from normcli.outputs import Target
from normcli.plan import Measured, Plan, merged, raise_first, refined
from normcli.recut import Pieces, Segment
from normcli.spool import Spool

MANY_MISSING = 0.05  # share of rows that miss a value, above which a row-wise method warns


@dataclass(frozen=True)
class Result:
    """What a worker made of one chunk; never its rows, unless encoded."""

    part: int = 0  # the number of the input
    last: bool = False  # that input has ended, and this is all
    rows: int = 0
    weight: int = 0
    places: int = 0
    blank_lines: int = 0
    incomplete: int = 0
    rejects: tuple[Reject, ...] = ()
    measured: Measured | None = None
    types: tuple[str, ...] = ()
    digest: bytes = b""  # of what was counted
    inexact: tuple[str, ...] = ()  # columns with whole numbers that a float can't tell apart
    pieces: tuple[Any, ...] = ()  # encoded, or kept in a spool
    segment: Segment | None = None  # the rows themselves, on their way to be cut into whole batches


@dataclass(frozen=True)
class Work:
    """One chunk's whole way through a worker: decode, then measure, or transform and encode."""

    plan: Plan
    wanted: frozenset[str]
    infinite: Infinite = "error"
    inverse: bool = False
    skip: bool = False  # bad rows of text are left out, and told
    keep: tuple[str, ...] | None = None  # the columns that are written, in order; None: all
    keys: tuple[tuple[str, str | None], ...] = ()  # columns of one text each, that are written too
    beside: tuple[tuple[str, str | None], ...] = ()  # those by which rows may be grouped
    plain: Callable[[Frame], Frame] | None = None  # makes texts of a frame what they mean, where they are spelled apart
    writer: Writer | None = None
    watch: Plan | None = None  # by which rows are measured, to be compared with those that were fitted
    absent: tuple[str, ...] = ()  # columns of which there are no numbers: all of them are missing
    spool: Spool | None = None  # where what was measured is kept, to be normalized later

    @property
    def multiple(self) -> int:
        """Rows to a whole batch; 1 where chunks are worked on as they come."""
        own = self.plan.multiple if self.writer else self.plan.unfitted_multiple
        return lcm(own, self.watch.unfitted_multiple) if self.watch else own

    def __call__(self, chunk: Chunk) -> Result:
        decoded = None
        try:
            with np.errstate(all="ignore"):
                decoded = self._with_originals(chunk, chunk.decode(self.wanted, self.infinite, skip=self.skip))
                result = Result(
                    rows=columns.rows(decoded.frame),
                    weight=chunk.weight,
                    places=decoded.places,
                    blank_lines=decoded.blank_lines,
                    rejects=decoded.rejects,
                    inexact=columns.inexact(decoded.frame, sorted(self.wanted)),
                )
                if self.spool:  # both to be kept and to be measured
                    decoded = replace(decoded, frame=columns.contiguous(decoded.frame))
                if self.absent:
                    decoded = replace(decoded, frame=columns.without_values(decoded.frame, self.absent))
                if not (self.writer or self.watch):
                    result = self._kept(result, decoded.frame, chunk.content)
                if self.multiple > 1:
                    away = replace(decoded, frame=None)
                    return replace(result, segment=Segment(0, 0, chunk, away, decoded.frame))
                return self._done(result, [self], [decoded.frame], chunk.content)
        except BadRowError as e:
            row = decoded.row(e.row) if decoded else e.row
            raise BadPlaceError(chunk.locate(row), e.what, e.hint) from None

    def _with_originals(self, chunk: Chunk, decoded: Decoded) -> Decoded:
        """And what stood there, where it comes out beside the numbers: the same rows once more, all of them text."""
        frame = decoded.frame
        if not (self.spool.texts if self.spool else self.plan.form.texts) or columns.has_originals(frame):
            return decoded
        again = chunk.decode(frozenset(), self.infinite, skip=bool(decoded.rejects))
        good = np.ones(columns.rows(frame) + len(decoded.rejects), np.bool_)
        good[[r.row for r in decoded.rejects]] = False
        there = np.ones(len(good), np.bool_)
        there[[r.row for r in again.rejects]] = False
        texts = columns.chosen_rows(again.frame, good[there])
        return replace(decoded, frame=columns.with_originals(frame, texts, self.plan.needs()))

    def _texts(self, frame: Frame) -> Frame:
        """The columns that rows are grouped by, as all formats have them."""
        if not self.plan.by:
            return frame
        texts = columns.with_texts(frame, self.beside)
        spelled = [n for n in self.plan.by if n in columns.names(frame)] if self.plain else []
        if self.plain is None or not spelled:
            return texts
        plain = self.plain(columns.only(frame, spelled))
        return columns.gathered({n: (plain if n in spelled else texts, n) for n in self.plan.by})

    def together(self, segments: Sequence[Segment], works: Sequence[Work]) -> Result:
        """What is made of rows that were decoded before, each segment's of the work of its own part."""
        try:
            with np.errstate(all="ignore"):
                return self._done(Result(segments[-1].part), works, [s.frame for s in segments])
        except BadRowError as e:
            at = segments[e.frame]
            fault = BadPlaceError(at.locate(e.row), e.what, e.hint)
            fault.part, fault.start = at.part, at.place
            raise fault from None

    def _kept(self, result: Result, frame: Frame, content: bytes | None) -> Result:
        """What is known, and kept, of a chunk before it is measured."""
        types = tuple(columns.types(frame, self.plan.needs()).values())
        digest = b""
        if self.multiple > 1:  # else it is of what was measured
            blocks = self.plan.blocks([frame], self.infinite) if content is None else ()
            digest = learning.digest(content, blocks)
        kept = (spool.keep(self.spool, frame),) if self.spool else ()
        return replace(result, types=types, digest=digest, pieces=kept)

    def _done(
        self, result: Result, works: Sequence[Work], frames: Sequence[Frame], content: bytes | None = None
    ) -> Result:
        texts = [work._texts(frame) for work, frame in zip(works, frames, strict=True)]
        if not (self.writer or self.watch):
            measured = self.plan.measure(frames, self.infinite, texts=texts)
            digest = result.digest
            if self.multiple == 1:
                beside = self.beside if self.plan.by else ()
                digest = learning.digest(content, measured.blocks, measured.keyed, beside)
            without = replace(measured, blocks=[])
            return replace(result, measured=without, incomplete=measured.incomplete, digest=digest)
        watch = [partial(self.watch.measure, frames, self.infinite, texts=texts)] if self.watch else []
        if self.writer:
            try:
                made, incomplete = self.plan.transform(frames, self.infinite, inverse=self.inverse, texts=texts)
            except BadRowError as e:
                raise_first(e, watch)
            pieces = tuple(work.encoded(frame) for work, frame in zip(works, made, strict=True))
            result = replace(result, incomplete=incomplete, pieces=pieces)
        for measure in watch:
            measured = replace(measure(), blocks=[])
            incomplete = result.incomplete if self.writer else measured.incomplete
            result = replace(result, measured=measured, incomplete=incomplete)
        return result

    def encoded(self, frame: Frame) -> Any:
        """What is written of a normalized frame."""
        assert self.writer is not None
        frame = columns.with_texts(frame, self.keys)
        return self.writer.encode(frame if self.keep is None else columns.only(frame, self.keep))


@dataclass(frozen=True)
class Part:
    """One input, what is to be done with it, and its own output, opened when its turn comes; None: that of all."""

    reader: Reader
    work: Work
    needed: tuple[str, ...] | None = None  # the columns that have to be read; None: all
    output: Callable[[], Target] | None = None
    done: Callable[[Target], None] = lambda target: None  # told of its own output when that is complete


@dataclass(frozen=True)
class Job:
    """What an engine's worker is handed: a chunk, or None where the part has ended."""

    part: int
    work: Work
    chunk: Chunk | None

    def do(self) -> Result:
        if self.chunk is None:
            return Result(self.part, last=True)
        try:
            return replace(self.work(self.chunk), part=self.part)
        except BadPlaceError as e:
            e.part = self.part
            raise


def _jobs(parts: Iterable[Part], begun: list[Part]) -> Iterator[Job]:
    """All chunks of all parts, which are opened one after the other, and said to have `begun`."""
    for number, part in enumerate(parts):
        begun.append(part)
        try:
            plain = getattr(spool.origin_of(part.reader), "plain", None)
            work = replace(part.work, plain=plain, beside=part.reader.source.keys)
            yield from map(partial(Job, number, work), part.reader.chunks(part.needed))  # which holds no chunk
        except BadPlaceError as e:
            e.part = number
            raise
        part.reader.close()
        yield Job(number, part.work, None)


@dataclass(frozen=True)
class Together:
    """What a worker is handed where rows are cut again: rows of whole batches, and what was told of the chunks that
    were decoded until there were enough."""

    told: tuple[Result, ...]
    segments: tuple[Segment, ...]
    works: tuple[Work, ...]  # of the segments' parts

    def do(self) -> tuple[Result, ...]:
        return (*self.told, self.works[0].together(self.segments, self.works)) if self.segments else self.told


def _recut(results: Iterator[Result], multiple: int, begun: Sequence[Part]) -> Iterator[Together]:
    """Whole batches of all parts together; a part with an output of its own has batches of its own."""
    pieces, told, number, place = Pieces(multiple), list[Result](), -1, 0

    def batches(segments: tuple[Segment, ...]) -> Together:
        made = Together(tuple(told), segments, tuple(begun[s.part].work for s in segments))
        told.clear()
        return made

    try:
        for result in results:
            if result.part != number:
                number, place = result.part, begun[result.part].reader.start
            if result.last and begun[number].output is not None:
                yield batches(pieces.rest())
            told.append(replace(result, segment=None))
            if result.segment is not None:
                yield from map(batches, pieces.add(replace(result.segment, part=number, place=place)))
            place += result.places
    except BadPlaceError as e:
        if e.start is None:
            e.start = place if e.part == number else begun[e.part].reader.start
        raise
    yield batches(pieces.rest())


@dataclass
class Progress:
    """What a run tells while it goes: where it is, and what should be known. The defaults tell nobody."""

    warn: Callable[[str], None] = lambda text: None
    advance: Callable[[Reader, int, bool], None] = lambda reader, weight, ended: None  # told of each chunk, each end
    reject: Callable[[str, int, Reject], None] = lambda source, line, reject: None  # told of each row that is skipped
    judge: Callable[[int], None] = lambda rows: None  # raises, before anything is made complete, where data drifted
    settle: Callable[[], None] = lambda: None  # raises then, where a warning forbids it
    before_end: Callable[[], None] = lambda: None  # told, after `settle`, before what all go into gets its end mark
    least: int = 0  # rows; fewer are an error
    most: int = 0  # rows skipped; more are an error
    rejected: int = 0
    inputs: int = 0
    source: str = ""  # the name of the input that is being read
    count: int = 0  # bytes read
    rows: int = 0
    blank_lines: int = 0
    incomplete: int = 0
    inexact: set[str] = field(default_factory=set)  # columns that were warned of

    def run(self, parts: Iterable[Part], engine: Engine, multiple: int = 1) -> Iterator[tuple[Part, Result]]:
        """The results of all parts' chunks, in order; those of rows in whole batches, where a batch is a `multiple`,
        between them. Raises BadDataError for the first that went wrong."""
        begun: list[Part] = []
        number, place = -1, 0
        results = engine.map_ordered(Job.do, _jobs(parts, begun))
        if multiple > 1:
            results = chain.from_iterable(engine.map_ordered(Together.do, _recut(results, multiple, begun)))
        try:
            for result in results:
                part = begun[result.part]
                if result.part > number:  # rows of whole batches may come later
                    number, place, self.source = result.part, part.reader.start, part.reader.source.name
                self._tell_rejects(part.reader, place, result.rejects)
                place += result.places
                self.rows += result.rows
                self.blank_lines += result.blank_lines
                self.incomplete += result.incomplete
                self.inputs += result.last
                self.count += part.reader.source.count if result.last else 0
                self.advance(part.reader, result.weight, result.last)
                self._warn_of_inexact(result.inexact)
                yield part, result
        except BadPlaceError as e:
            reader = begun[e.part].reader
            place = e.start if e.start is not None else place if e.part == number else reader.start
            raise BadDataError(f"{reader.name(place + e.place)}: {e.what}", e.hint) from None

    def _tell_rejects(self, reader: Reader, place: int, rejects: Sequence[Reject]) -> None:
        for each in rejects:
            self.rejected += 1
            self.reject(reader.source.name, place + each.place + 1, each)
            if self.rejected > self.most:
                raise BadDataError(
                    f"{reader.name(place + each.place)}: {each.reason}; that is the bad row number {self.rejected:,}",
                    "--max-bad-rows says how many may be",
                )

    def end(self) -> None:
        """Everything was read. Raises BadDataError where that is too little, and what `judge` and `settle` do."""
        if self.rows < self.least:
            raise BadDataError(f"{self.rows:,} rows, and at least {self.least:,} were asked for")
        self._warn_of_incomplete()
        self.judge(self.rows)
        self.settle()

    def _warn_of_inexact(self, names: Sequence[str]) -> None:
        for name in (n for n in names if n not in self.inexact):
            self.warn(
                f"column '{printable(name)}' holds whole numbers beyond 2^53, which are rounded to the nearest float"
            )
            self.inexact.add(name)

    def _warn_of_incomplete(self) -> None:
        if self.incomplete > MANY_MISSING * self.rows:
            share = self.incomplete / self.rows
            self.warn(f"{self.incomplete:,} of {self.rows:,} rows ({share:.1%}) miss a selected value")


def fit(
    readers: Iterable[Reader],
    plan: Plan,
    engine: Engine,
    *,
    infinite: Infinite = "error",
    skip: bool = False,
    once: bool = False,
    keep: Spool | None = None,
    again: Callable[[], Iterable[Reader]] | None = None,
    progress: Progress | None = None,
    memory: int | None = None,
) -> Plan:
    """Learns what a plan's steps have to from all inputs, in one pass, and from what the plan has seen before; with
    `once`, an input whose content was counted is told and left out. What is read is kept in a spool, where there is
    one. A statistic that needs further passes gets them over that, or over the same inputs, which `again` opens once
    more. `memory` is how many bytes there are for it, where somebody says. Raises UsageError, before any data is read,
    where options do not go with the columns; BadDataError."""
    progress = progress or Progress()
    for step in plan.steps:
        step.method.check_features(len(step.features))
    if not plan.learns:
        return learning.learn(plan, tuple(() for _ in plan.steps))
    work = Work(plan, frozenset(plan.numbers()), infinite, skip=skip, spool=keep)
    total, counting = Total(plan, once=once, limit=memory), plan.rows
    for part, result in progress.run((_measurable(r, work) for r in readers), engine, work.multiple):
        if keep is not None:
            keep.add(result.part, part.reader, result.pieces)
        if result.types:
            total.told(result.rows, result.types, result.digest)
        if result.measured is not None:
            counting += result.measured.rows
            total.add(result.measured)
        if result.last and not total.end([f.name for f in part.reader.schema]):
            progress.warn(f"{part.reader.source.name}: was counted already, and is left out")
    if not progress.rows:
        where = f"{progress.inputs} inputs" if progress.inputs > 1 else progress.source
        raise BadDataError(f"{where}: there are no rows to learn from")
    if plan.weights is not None and not counting:
        raise BadDataError(f"{progress.source}: every weight in column '{printable(plan.weights or '')}' is 0")
    total.seen = refined(total.seen, partial(_measured_again, work, again, engine, progress))
    if keep is not None:
        keep.final = True
    fitted = total.learned()
    learning.warn_of_columns(fitted, progress.warn)
    progress.end()
    return fitted


def check(
    readers: Iterable[Reader],
    watch: Watch,
    engine: Engine,
    *,
    infinite: Infinite = "error",
    skip: bool = False,
    progress: Progress | None = None,
) -> None:
    """Shows all inputs to `watch`, in one pass; where nothing was learned that values could be compared with, their
    columns alone. Raises BadDataError, and what `progress` does once all was seen."""
    progress, plan = progress or Progress(), watch.measuring

    def parts() -> Iterator[Part]:
        for reader in readers:
            if watch.plan.digest in reader.digests:
                what = f"{reader.source.name}: is normalized by these parameters already"
                raise BadDataError(what, "they tell what data looked like before")
            measuring, absent = watch.of_input(reader)
            there = {f.name for f in reader.schema}
            numbers = tuple(n for n in measuring.numbers() if n not in absent)
            needed = (*numbers, *(n for n in measuring.by if n in there))
            work = Work(measuring, frozenset(numbers), infinite, skip=skip, watch=measuring, absent=absent)
            yield Part(reader, work, needed or None)

    if not plan.learns:
        for part in parts():
            part.reader.source.drain()
            part.reader.close()
    else:
        for _, result in progress.run(parts(), engine, plan.unfitted_multiple):
            if result.measured is not None:
                watch.add(result.measured)
        if not progress.rows:
            where = f"{progress.inputs} inputs" if progress.inputs > 1 else progress.source
            raise BadDataError(f"{where}: there are no rows to compare")
        if not watch.counted:
            raise BadDataError(f"{progress.source}: every weight in column '{printable(plan.weights or '')}' is 0")
    progress.end()


def _measured_again(
    work: Work, again: Callable[[], Iterable[Reader]] | None, engine: Engine, before: Progress, blanks: tuple[Seen, ...]
) -> tuple[Seen, ...]:
    """What a further pass over the same data sees, which `before` counted. Raises BadDataError where it is another."""
    asked = zip(work.plan.steps, blanks, strict=True)
    plan = replace(work.plan, steps=tuple(replace(step, asked=step_blanks) for step, step_blanks in asked))
    readers = work.spool.readers if work.spool else again() if again else None
    if readers is None:
        raise UsageError("this takes more than one pass over the data, which can be read only once")
    progress = Progress(most=before.rejected)  # it has warned already
    parts = (_measurable(reader, replace(work, plan=plan, spool=None)) for reader in readers)
    for _, result in progress.run(parts, engine):
        blanks = merged(blanks, result.measured.seen) if result.measured else blanks
    if progress.rows != before.rows:
        raise BadDataError(
            f"{progress.source}: was changed while it was read: {before.rows:,} rows, then {progress.rows:,}"
        )
    return blanks


def _measurable(reader: Reader, work: Work) -> Part:
    plan = work.plan
    _check_there(reader, plan.numbers(), plan.lists, by=plan.by)
    there = {f.name for f in reader.schema}
    return Part(reader, work, None if work.spool else (*plan.numbers(), *(n for n in plan.by if n in there)))


def check_columns(plan: Plan, reader: Reader, *, inverse: bool = False, extra: bool = True) -> None:
    """Raises BadDataError where an input's columns do not go with a plan; other orders do."""
    there = {f.name for f in reader.schema}
    needs, name = plan.needs(inverse=inverse), reader.source.name
    _check_there(reader, needs, plan.lists, by=plan.by)
    taken = plan.taken(there, inverse=inverse)
    if taken:
        hint = "rename it, or fit with --prefix" + (", or give another --column-suffix" if plan.form.suffix else "")
        raise BadDataError(f"{name}: a column is called {listed(taken)} already", hint)
    known = {*plan.types, *needs, *plan.by}
    more = [f.name for f in reader.schema if f.name not in known]
    if more and not extra:
        raise BadDataError(f"{name}: columns that the fit did not see: {listed(more)}")


def _check_there(reader: Reader, needs: Sequence[str], lists: frozenset[str], *, by: Sequence[str]) -> None:
    """Raises BadDataError where an input lacks a column, or one that rows are grouped by, or has one that is certainly
    not numeric, or holds no lists where it should. Columns that rows are grouped by remain text."""
    there, name = {f.name: f for f in reader.schema}, reader.source.name
    gone = [n for n in needs if n not in there]
    if gone:
        raise BadDataError(f"{name}: no column is called {listed(gone)}", f"there are {listed(list(there))}")
    gone = [n for n in by if n not in there and n not in dict(reader.source.keys)]
    if gone:
        what = f"no column is called {listed(gone)}, by which rows are told apart"
        raise BadDataError(f"{name}: {what}", f"there are {listed(list(there))}")
    for n in by:
        reader.inferred.pop(n, None)
    other = [n for n in needs if reader.typed and n in lists and not there[n].list_of]
    if other:
        raise BadDataError(f"{name}: no lists of floats: {listed(other)}")
    text = [n for n in needs if reader.typed and n not in lists and not there[n].is_number]
    if text:
        raise BadDataError(f"{name}: not numeric: {listed(text)}")


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


def output_frame(plan: Plan, reader: Reader, *, inverse: bool = False, only: bool = False) -> Frame:
    """What the output will be like: a frame of no rows."""
    empty = reader.blank(frozenset(plan.needs(inverse=inverse)))
    if plan.form.texts:
        empty = columns.with_originals(empty, reader.blank(frozenset()), plan.needs())
    texts = columns.with_texts(empty, reader.source.keys)
    try:
        with np.errstate(all="ignore"):
            (blank,), _ = plan.transform([empty], "error", inverse=inverse, texts=[texts])
    except BadRowError as e:  # of a column as a whole
        raise BadDataError(f"{reader.source.name}: {e.what}", e.hint) from None
    there = columns.names(blank)
    if only:
        given = set(plan.gives(inverse=inverse))
        return columns.only(blank, [n for n in there if n in given])
    return columns.only(blank, plan.restored_order(there)) if inverse else blank


def written_by(
    writer: Writer, blank: Frame, plan: Plan, *, infinite: Infinite = "error", inverse: bool = False, skip: bool = False
) -> Work:
    """The work of applying a plan, or of undoing it, to an output like `blank`."""
    wanted = frozenset(plan.needs(inverse=inverse))
    return Work(plan, wanted, infinite, inverse, skip, keep=columns.names(blank), writer=writer)


def check_same(reader: Reader, first: Frame, blank: Frame) -> None:
    """Raises BadDataError where what comes of an input can't follow, in one output, on what came of the first."""
    here, there = (columns.column_types(f) for f in (blank, first))
    for wrong, what in (
        (there.keys() - here.keys(), "no column"),
        (here.keys() - there.keys(), "the first has no column"),
    ):
        if wrong:
            raise BadDataError(
                f"{reader.source.name}: {what} {listed(sorted(wrong))}", "one output has one set of columns"
            )
    for name, kind in here.items():
        if kind != there[name]:
            raise BadDataError(f"{reader.source.name}: column '{name}' is {kind}, in the first input {there[name]}")


def apply(
    parts: Iterable[Part],
    engine: Engine,
    *,
    file: Outlet | None = None,
    progress: Progress | None = None,
    multiple: int = 1,
    watch: Watch | None = None,
) -> None:
    """Normalizes, or restores, all inputs: those without an output of their own into `file`, one after the other; in
    whole batches, where the plan says that a batch is a `multiple`. What the parts' work measures is told to `watch`.

    A sink is closed only when all is written: one that failed must not be, for that would publish a short file.
    """
    progress = progress or Progress()
    multiple = multiple if watch is None else lcm(multiple, watch.measuring.unfitted_multiple)
    sink: Sink | None = None
    with ExitStack() as own:
        for part, result in progress.run(parts, engine, multiple):
            if sink is None:
                target = own.enter_context(part.output()) if part.output else None
                outlet = target or file
                assert part.work.writer is not None
                assert outlet is not None
                sink = part.work.writer.open(outlet)
            if watch is not None and result.measured is not None:
                watch.add(result.measured)
            for piece in result.pieces:
                sink.write(piece)
            if result.last and target is not None:
                progress.settle()
                sink.close()
                target.commit()
                part.done(target)
                own.close()
                sink = None
    progress.end()
    if sink is not None:
        progress.before_end()
        sink.close()
