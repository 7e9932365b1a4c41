"""DriftMonitor: statistics of new data, for the comparison with the fitted data."""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Self

import numpy as np
from msgspec.structs import replace

from normcli.columns import Field
from normcli.drift.comparison import Change, Comparison, comparison
from normcli.drift.counting import Counting, CutCounts
from normcli.drift.describing import described
from normcli.drift.pairing import Sample
from normcli.drift.raw_columns import Distributions, lengths
from normcli.drift.shapes import Counted
from normcli.errors import BadDataError
from normcli.formats import LateColumn, Reader
from normcli.limits import Limits
from normcli.parameters import Measured, Parameters, Step
from normcli.parameters.folding import InputTotal, Subtotal
from normcli.parameters.keys import Key, Keyed, StepStates
from normcli.parameters.sketches import ColumnSketches
from normcli.stats import Statistic
from normcli.stats.extrema import Extrema
from normcli.stats.moments import Moments
from normcli.stats.outside import Outside

if TYPE_CHECKING:
    from normcli.parameters.categories import Category

SOME = 20  # keys that are named


@dataclass
class DriftMonitor:
    """Changes of columns and statistics of rows of the inputs so far; the statistics are those that the fit stores."""

    parameters: Parameters  # as they were fitted
    extra: bool = True  # columns that the fit did not have are no drift
    sketch: bool = False  # the input columns that the fit has sketches of are sketched, too
    by_key: bool = False  # each key is compared by itself, too
    limits: Limits = field(default_factory=Limits)
    changes: dict[tuple[str, str], Change] = field(default_factory=dict)
    counted: int = 0  # rows whose weight is not 0
    incomplete: int = 0
    unseen: int = 0
    some: dict[Key, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._distributions = Distributions.of(self.parameters)
        by_key = (Moments(), Extrema()) if self.by_key else ()
        measured = [
            replace(s, statistics_override=_statistics(s), override_by_key=by_key, states=())
            if self.parameters.passes.is_measured(i)
            else replace(s, statistics_override=(), states=())  # of further passes, or it learns nothing
            for i, s in enumerate(self.parameters.steps)
        ]
        self._counting = Counting.of(self.parameters, measured, self._distributions)
        sketches = self.parameters.sketches if self.sketch else None
        self.measuring = replace(
            self.parameters, steps=self._counting.steps, keys=(), key_rows=(), current_pass=None,
            sketches=sketches and sketches.without_rows,
        )  # fmt: skip
        self._blank, self._blank_sketches = self.measuring.blanks
        self._clear()
        self._known = set(self.parameters.keys)
        self._lengths = lengths(self.parameters)

    @property
    def names(self) -> dict[str, None]:
        """The names that limits may be for: of input columns, and of elements of lists."""
        features = (name for step in self.parameters.steps for name in step.features)
        return dict.fromkeys((*self.parameters.needs(), *features, *(c.name for c in self.parameters.categories)))

    def _clear(self) -> None:
        """Forgets all statistics."""
        self.total = Subtotal(self._blank, sketches=self._blank_sketches)  # of completed inputs
        self._here = InputTotal(self._blank, self._blank_sketches)

    # -- columns -------------------------------------------------------------------------------------------------
    def of_input(self, reader: Reader) -> tuple[Parameters, tuple[str, ...]]:
        """The parameters that measure an input, and the names of required columns that are absent or not numeric in it.
        Records changes of columns."""
        changes, measuring = list(self._changes(reader)), self.measuring
        for change in changes:
            self._note(change)
        lost = {c.column for c in changes if c.what != "new"}
        if measuring.weights in lost:
            measuring = replace(measuring, weights=None)
        if lost.intersection(measuring.by):
            measuring = replace(measuring, by=())
        counted = tuple(c for c in measuring.categories if c.name not in lost)
        measuring = replace(measuring, categories=counted)
        return measuring, tuple(n for n in self.parameters.needs() if n in lost)

    def add_late(self, column: LateColumn, where: str) -> None:
        """Records a column of an input that its first rows do not have."""
        if column.name not in self.parameters.types and column.name not in self.parameters.texts:
            kind = "null" if column.number is None else "float64" if column.number else "string"
            self._note(Change(column.name, "new", None, kind, drift=not self.extra))

    def add_absent(self, name: str) -> None:
        """Records that a column, which later rows might have had, is absent from an input."""
        self._note(Change(name, "gone", self._spelled(name), None, drift=True))

    def _note(self, change: Change) -> None:
        self.changes.setdefault((change.column, change.what), change)

    def _changes(self, reader: Reader) -> Iterator[Change]:
        parameters, description = self.parameters, reader.description
        fields = {f.name: f for f in description.schema}
        numbers, needed = parameters.numbers(), {*parameters.needs(), *parameters.texts}
        for name in dict.fromkeys((*numbers, *parameters.texts, *parameters.types)):
            was, now = self._spelled(name), fields.get(name)
            if now is None and name not in dict(description.keys):
                yield Change(name, "gone", was, None, drift=name in needed)
            elif now is not None and name in numbers:
                kind = _other_type(reader, now, self._lengths.get(name))
                if kind is not None:
                    yield Change(name, "type", was, kind, name in needed, description.not_numbers.get(name))
        for name in (n for n in fields if n not in parameters.types and n not in parameters.texts):
            yield Change(name, "new", None, fields[name].type, drift=not self.extra)

    def _spelled(self, name: str) -> str | None:
        """The fitted type of a column; None for a key from directory names."""
        kind = self.parameters.types.get(name)
        return kind if kind is None else _of_length(kind, self._lengths.get(name))

    # -- rows ----------------------------------------------------------------------------------------------------
    def add(self, measured: Measured, *, can_end_segment: bool) -> None:
        """Adds statistics of the next chunk, or of the next complete batches."""
        self._here.add(measured if self.by_key else replace(measured, keyed=None), can_end_segment=can_end_segment)
        self.count(measured)

    def add_segment(self, segment: Subtotal) -> None:
        """Adds statistics of the next segment of an input, whose chunks were counted by another monitor."""
        self._here.add_segment(segment)

    def count(self, measured: Measured) -> None:
        """Counts the rows of the next chunk, but does not add their statistics."""
        self.counted += measured.rows
        self.incomplete += measured.incomplete
        if measured.keyed is not None:
            self._add_keys(measured.keyed)

    def end_input(self) -> None:
        """Ends an input. States fold within an input, then across inputs, as in a fit; batches span inputs."""
        if self.measuring.unfitted_multiple == 1:
            self.finish()

    def finish(self) -> None:
        """Ends the last input."""
        self.total = self.total.merge(self._here.end())
        self._here = InputTotal(self._blank, self._blank_sketches)

    def _add_keys(self, keyed: Keyed) -> None:
        new = [i for i, key in enumerate(keyed.keys) if key not in self._known]
        self.unseen += int(keyed.rows[new].sum())
        self.some = dict.fromkeys(islice(chain(self.some, (keyed.keys[i] for i in new)), SOME))

    def blank(self) -> Self:
        """A monitor of the same parameters without data."""
        monitor = copy(self)
        monitor.changes, monitor.some = {}, {}
        monitor.counted = monitor.incomplete = monitor.unseen = 0
        monitor._clear()
        return monitor

    def merge(self, other: Self) -> None:
        """Adds `other`, whose inputs follow ours."""
        self.total = self.total.merge(other.completed)
        self.changes |= {at: change for at, change in other.changes.items() if at not in self.changes}
        self.counted += other.counted
        self.incomplete += other.incomplete
        self.unseen += other.unseen
        self.some = dict.fromkeys(islice(chain(self.some, other.some), SOME))

    @property
    def states(self) -> tuple[StepStates, ...]:
        """Statistics of completed inputs."""
        return self.total.local().states

    @property
    def completed(self) -> Subtotal:
        """Completed inputs: what may be merged after those of another monitor."""
        return Subtotal(self.states, sketches=self.total.sketches, categories=self.categories)

    @property
    def categories(self) -> "tuple[Category, ...]":
        """Of completed inputs."""
        return self.total.local().categories

    @property
    def sketches(self) -> ColumnSketches | None:
        """Of the input columns of completed inputs; None where they are not sketched, or have weights that are not
        whole."""
        state, sketches = self.total.local().sketches, self.measuring.sketches
        return None if state is None or sketches is None else replace(sketches, statistic=state)

    def compared(self, rows: int) -> Comparison:
        """The comparison of all data so far, of `rows` rows, with the fitted data."""
        self.finish()
        self.total = self.total.local()  # all of it at once
        parameters, limits, changes = self.parameters, self.limits, tuple(self.changes.values())
        if not parameters.learns or not self.counted:
            return Comparison(limits, rows if parameters.learns else None, parameters.rows, changes, ())
        states, distributions = self.states, self._distributions
        weighted = None if parameters.weights is None else np.full((1, 1), float(self.counted))
        with np.errstate(all="ignore"):
            figures = {
                i: {n: a[0] for n, a in described(of_step, len(step.features), weighted).items()}
                for i, (step, of_step) in enumerate(zip(parameters.steps, states[self._counting.more :], strict=True))
                if parameters.passes.is_measured(i)
            }
        lost = {c.column for c in changes if c.what != "new"}
        counts = {name: self._counted_of(states, name) for name in self._counting.places}
        sample = Sample(rows, self.counted - self.incomplete, self.incomplete, figures, counts, lost, self.categories)
        keyed = self.total.ledger.sorted() if self.by_key else None
        return comparison(
            parameters, sample, limits, changes, distributions=distributions,
            unseen=(self.unseen, tuple(self.some)), keyed=keyed,
        )  # fmt: skip

    def _counted_of(self, states: tuple[StepStates, ...], name: str) -> Counted:
        """The values of an input column among its cuts; of lists, those of all elements."""
        i, features = self._counting.places[name]
        state = next(s for s in states[i] if isinstance(s, CutCounts))
        size = len(self._distributions.cuts[name].at)
        less, most = (a[0, features, :size].sum(axis=0) for a in (state.less, state.most))
        return Counted(less, most, float(state.count[0, features].sum()))


def _statistics(step: Step) -> tuple[Statistic, ...]:
    """Blank statistics for the comparison: moments and extrema of each column, or running statistics for methods of
    batches, whose mean is a different one."""
    summary, nothing = step.summary(), np.full(len(step.features), np.nan)
    ends = ((summary.get("min", nothing), -np.inf), (summary.get("max", nothing), np.inf))
    least, greatest = (np.where(np.isfinite(end), end, far) for end, far in ends)
    batches = tuple(s for s in step.method.statistics if s.multiple > 1)
    outside = Outside(least=tuple(least.tolist()), greatest=tuple(greatest.tolist()))
    return (*(batches or (Moments(),)), Extrema(), outside)


def _other_type(reader: Reader, now: Field, length: int | None) -> str | None:
    """The type of a column, if it differs from the fitted one (numbers, or lists of a length). None if it may be the
    same: text may have no value in its first rows; a value that is not a number is reported later."""
    may_be = {*reader.description.doubts, *reader.description.identifiers}
    if now.type == "null" or (length is None and now.is_number) or now.name in may_be:
        return None
    if length is None or not now.list_of:
        return now.type
    try:
        here = now.list_size or reader.list_size(now.name)
    except BadDataError:  # no list yet, or an empty one, which is reported later
        return None
    return None if here == length else _of_length(now.type, here)


def _of_length(kind: str, length: int | None) -> str:
    return kind if length is None or kind.endswith("]") else f"{kind}[{length}]"
