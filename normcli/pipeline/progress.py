"""All parts through an engine: what is counted, and the events on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING

from msgspec import Struct, field

from normcli.engines import Engine
from normcli.errors import BadDataError, BadPlaceError, printable, short
from normcli.formats import Description, Reject
from normcli.methods import listed
from normcli.parameters import Parameters
from normcli.pipeline import spool
from normcli.pipeline.checks import all_rejected, none_called
from normcli.pipeline.distance import Distance
from normcli.pipeline.events import SILENT, Events
from normcli.pipeline.work import Result

if TYPE_CHECKING:
    from normcli.parameters.restoring import Doubt

from normcli.pipeline.parts import Part
from normcli.pipeline.tasks import BatchJob, Job, closing, in_groups, jobs_of, rebatched

MANY = 20  # columns that are warned of, each by a line of its own
MANY_MISSING = 0.05  # share of rows that miss a value, above which a row-wise method warns


class Tally(Struct):
    """What was counted of one input, or of several, and the warnings that this led to."""

    rows: int = 0
    rejected: int = 0
    blank_lines: int = 0
    comments: int = 0  # lines
    incomplete: int = 0  # rows that miss a value, where whole rows are looked at
    clips: int = 0  # output values that were held within limits
    fills: int = 0  # and missing ones that were filled
    warnings: list[str] = field(default_factory=list)

    def add(self, other: Tally | Result) -> None:
        """What else was read."""
        self.rows += other.rows
        self.blank_lines += other.blank_lines
        self.incomplete += other.incomplete
        self.clips += other.clips
        self.fills += other.fills
        self.comments += other.comments if isinstance(other, Tally) else 0
        self.rejected += other.rejected if isinstance(other, Tally) else 0  # those of a chunk are reported one by one


class Progress(Tally):
    """What a run has counted so far: of all inputs, and of the output that is being written. What should be known is an
    event."""

    events: Events = SILENT
    distance: Distance | None = None  # how far the run has come, if progress is shown
    least: int = 0  # rows; fewer are an error
    most: int = 0  # rows skipped; more are an error
    inputs: int = 0
    empty: Sequence[object] = ()  # inputs that were left out, for there is nothing in them
    source: str = ""  # the name of the input that is being read
    number: int = 1  # of this input, from 1
    count: int = 0  # bytes read
    output: Tally = field(default_factory=Tally)  # of what goes into the output that is being written
    doubts: dict[str, Doubt] = field(default_factory=dict)  # of restored columns, by name
    rejection: str = ""  # where and why the first row was rejected

    def run(self, parts: Iterable[Part], engine: Engine) -> Iterator[tuple[Part, Result]]:
        """The results of all parts' chunks, in order; those of rows in whole batches, which are as long in all parts,
        between them. Raises BadDataError for the first that went wrong."""
        begun, parts = list[Part](), iter(parts)
        first = list(islice(parts, 1))
        multiple = first[0].work.multiple if first else 1
        results = closing(engine.map_ordered(Job.do, jobs_of(chain(first, parts), begun)), begun)
        if multiple > 1:
            results = chain.from_iterable(engine.map_ordered(BatchJob.do, rebatched(results, multiple, begun)))
        yield from self.count_results(in_groups(results, begun, engine), begun)

    def count_results(self, results: Iterator[Result], begun: Sequence[Part]) -> Iterator[tuple[Part, Result]]:
        """Results in order, of parts that have `begun` by then. Raises BadDataError for the first that went wrong."""
        number, place, late = -1, 0, dict[str, bool | None]()
        try:
            for result in results:
                part = begun[result.part]
                description = part.reader.description
                if result.part > number:  # rows of whole batches may come later
                    number, place, self.source = result.part, description.start, description.name
                    self.number = self.inputs + 1
                    part.begin()
                    self._add(Tally(rejected=spool.rejected_of(part.reader)))
                    late = {}
                    if part.doubt:
                        self._warn(part.doubt)
                self._report_rejects(description, place, result.rejects)
                _report_late(part, place, result, late)
                place += result.places
                self._add(result)
                self.inputs += result.last
                if result.last and part.reader.comments:  # which chunks take for blank lines
                    comments = part.reader.comments
                    self._add(Tally(blank_lines=description.early - comments, comments=comments))
                self.count += part.reader.count if result.last else 0
                if self.distance is not None:
                    step = self.distance.step(part.reader, result.weight, rows=result.rows, ended=result.last)
                    self.events.advance(step)
                self._warn_of_inexact(result.inexact)
                self.doubts |= {
                    n: self.doubts[n] + doubt if n in self.doubts else doubt for n, doubt in result.doubts.items()
                }
                yield part, result
        except BadPlaceError as e:
            begun[e.part].reader.check_unchanged()  # the row may be of two versions
            description = begun[e.part].reader.description
            place = e.start if e.start is not None else place if e.part == number else description.start
            raise BadDataError(f"{description.place(place + e.place)}: {e.what}", e.hint) from None

    def _add(self, more: Tally | Result) -> None:
        self.add(more)
        self.output.add(more)

    def add_incomplete(self, rows: int) -> None:
        """So many rows miss a value that a further pass takes, or one before."""
        self.incomplete = self.output.incomplete = max(self.incomplete, rows)

    def add_finished(self, tally: Tally) -> None:
        """An input whose own output an earlier run has completed: it counts, and is warned of, as if it were now, but
        not in the output that is being made."""
        self.add(tally)
        self.inputs += 1
        for text in tally.warnings:
            self._warn_once(text)

    def _report_rejects(self, description: Description, place: int, rejects: Sequence[Reject]) -> None:
        for reject in rejects:
            self._add(Tally(rejected=1))
            self.rejection = self.rejection or f"{description.place(place + reject.place)}: {reject.reason}"
            self.events.rejected(description.name, place + reject.place + 1, reject)
            if self.rejected > self.most:
                raise BadDataError(
                    f"{description.place(place + reject.place)}: {reject.reason}; "
                    f"it is bad row number {self.rejected:,}",
                    "--max-bad-rows allows more",
                )

    def check_any(self, counted: int, parameters: Parameters, purpose: str) -> None:
        """Raises BadDataError where there was no row, or none that counts by its weight."""
        self._check_rejected()
        if not self.rows:
            raise BadDataError(f"{self._inputs}: there are no rows to {purpose}", "did the command that made it fail?")
        if not counted:
            raise BadDataError(
                f"{self.source}: every weight in column '{printable(parameters.weights or '')}' is 0",
                "--weights names another one",
            )

    @property
    def _inputs(self) -> str:
        return f"{self.inputs} inputs" if self.inputs > 1 else self.source

    def end_output(self) -> None:
        """All that goes into an input's own output was read. Raises BadDataError where no row of it is left."""
        self._check_rejected(self.source)
        self._warn_of_incomplete(f"{self.source}: ")
        self._warn_of_doubts(f"{self.source}: ")

    def begin_output(self) -> None:
        """The next input goes into its own output."""
        self.output, self.rejection = Tally(), ""

    def end(self, outcome: str = "") -> None:
        """Everything was read. Raises BadDataError where that is too little, saying the `outcome` so far."""
        self._check_rejected()
        if self.rows < self.least:
            so_far = f"; {outcome}" if outcome else ""
            raise BadDataError(
                f"{self.rows:,} rows, fewer than --min-rows {self.least:,}{so_far}", "did a source deliver less?"
            )
        self._warn_of_incomplete()
        self._warn_of_doubts()

    def _check_rejected(self, name: str = "") -> None:
        """Raises BadDataError where not one row is left of what goes into an output."""
        if self.output.rejected and not self.output.rows:
            raise all_rejected(name or self._inputs, self.output.rejected, self.rejection)

    def _warn(self, text: str) -> None:
        """Of several outputs, each has the warning, which is given once."""
        if text not in self.output.warnings:
            self.output.warnings.append(text)
        self._warn_once(text)

    def _warn_once(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)
            self.events.warning(text)

    def _warn_of_inexact(self, names: Sequence[str]) -> None:
        for name in names:
            shown = f"column '{printable(name)}'"
            what = f"{shown} holds whole numbers beyond 2^53, which are rounded to the nearest float"
            self._warn(f"{what} (fit -x leaves it as it is)")

    def _warn_of_incomplete(self, before: str = "") -> None:
        rows, incomplete = self.output.rows, self.output.incomplete
        if incomplete > MANY_MISSING * rows:
            what = f"{incomplete:,} of {rows:,} rows ({incomplete / rows:.1%}) miss a selected value"
            self._warn(f"{before}{what}, and are missing as a whole (fit with fewer columns: -c, -x)")

    def _warn_of_doubts(self, where: str = "") -> None:
        """Of columns whose restored numbers are not sure; which are those of one output."""
        doubtful = [(n, doubt) for n, doubt in self.doubts.items() if doubt.total]
        for name, doubt in doubtful[:MANY]:
            self._warn(
                f"{where}{doubt.total:,} of {doubt.values:,} values restored in column '{short(name)}' may be off: "
                "the normalized values have too few digits to determine them"
            )
        if len(doubtful) > MANY:
            self._warn(f"{where}restored values may be off in {len(doubtful) - MANY:,} more columns")
        self.doubts.clear()


def _report_late(part: Part, place: int, result: Result, late: dict[str, bool | None]) -> None:
    """Reports columns that the first rows do not have, and notes them among those that are `late`. Raises BadDataError
    where an input has ended without one that it was expected to have, unless the part wants to know of these."""
    description = part.reader.description
    for column in (c for c in result.late if late.get(c.name) is None):  # null says nothing yet
        part.late(column, description.place(place + column.row))
        late[column.name] = column.number
    missing = sorted(description.expected.difference(late)) if result.last else []
    if not missing:
        return
    if part.absent is None:
        present = listed([f.name for f in description.schema if f.name not in description.expected])
        raise BadDataError(f"{description.name}: {none_called(missing)}", f"there are {present}")
    for name in missing:
        part.absent(name)
