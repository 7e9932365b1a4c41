"""Step: one method on one feature matrix."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import lcm
from typing import TypeVar

import numpy as np

from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.columns import Field, Schema
from normcli.errors import BadDataError, BadRowError, BadValueError, printable
from normcli.methods import Method, States
from normcli.parameters.keys import Seen
from normcli.stats.extrema import Extrema
from normcli.transforms import Terms, Transform

T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """One method on one feature matrix: before the fit without states and transform, then with both.

    The matrix is columns of numbers, or with `length`, the lists of that length in the one column.
    """

    method: Method
    columns: tuple[str, ...]
    states: Seen = ()
    transform: Transform | None = None
    length: int | None = None
    statistics_override: Seen | None = None  # what is measured in place of the method's statistics, of all rows alone

    @cached_property
    def features(self) -> tuple[str, ...]:
        """What the columns of the matrix are called."""
        if self.length is None:
            return self.columns
        return tuple(f"{self.columns[0]}[{j}]" for j in range(self.length))

    @property
    def fitted(self) -> Transform:
        assert self.transform is not None, "a step is applied before it has learned"
        return self.transform

    @cached_property
    def results(self) -> tuple[str, ...]:
        """What the columns of the matrix are called afterwards; before the fit, of as many as there can be."""
        return (self.transform or self.method).outputs(self.features)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The columns that there are instead."""
        return self.results if self.length is None else self.columns

    @property
    def learns(self) -> bool:
        return bool(self.method.statistics)

    def after(self, schema: Schema) -> Schema:
        """The columns as they are after it: what it gives is float64."""
        kind = "float64" if self.length is None else f"fixed_size_list<float64>[{len(self.results)}]"
        own, made = set(self.columns), dict[str, list[Field]]()
        for name in self.outputs:
            made.setdefault(name if name in own else self.columns[0], []).append(Field(name, kind))
        return tuple(g for f in schema for g in (made.get(f.name, ()) if f.name in own else (f,)))

    def of(self, at: Sequence[int]) -> "Step":
        """What restores the columns at these places; all, where these are not each by itself."""
        if len(at) == len(self.columns) or not self.fitted.is_apart():
            return self
        return replace(self, columns=tuple(self.columns[j] for j in at), states=(), transform=self.fitted.reorder(at))

    def learn(self, states: Seen, called: Sequence[str] = ("",)) -> "Step":
        """With what was seen, and what the method makes of it; groups are `called` so in messages. Raises
        BadDataError."""
        if not self.learns:  # the same for each
            return replace(self, states=(), transform=self._learned(()).taken([0] * len(called)))
        if self.method.at_once or len(called) == 1:
            try:
                return replace(self, states=states, transform=self._learned(states))
            except BadDataError:
                if len(called) == 1:
                    raise  # else the first group that is unfit is told
        each = []
        for group, name in enumerate(called):
            try:
                each.append(self._learned(tuple(s.taken([group]) for s in states)))
            except BadDataError as e:
                raise BadDataError(f"{name}: {e.message}" if name else e.message, e.hint) from None
        return replace(self, states=states, transform=type(each[0]).stacked(each))

    def _learned(self, states: Seen) -> Transform:
        return self.method.learn(States(self.features, {type(s): s for s in states}, self.length is not None))

    @property
    def blanks(self) -> Seen:
        """Of what is measured."""
        return self.method.statistics if self.statistics_override is None else self.statistics_override

    @property
    def unfitted_multiple(self) -> int:
        """Rows to a whole batch for what is measured; 1 where any block does."""
        return lcm(*(statistic.multiple for statistic in self.blanks))

    def measure(self, block: Block, *, by_key: bool = False) -> Seen:
        """What the statistics say of a block. Rows that take no part stay where they are in their batches."""
        if self.method.by_row:
            block = block.complete if self.unfitted_multiple == 1 else block.all_or_nothing
        if by_key:
            return (
                ()
                if self.statistics_override is not None
                else tuple(s.by_key().of(block) for s in self.method.statistics)
            )
        return tuple(s.of(block) for s in self.blanks)

    def normalized(self, block: Block) -> Array:
        """Its matrix by what was learned. Raises BadRowError at a value that the method has no result for."""
        return self._named(lambda: self.fitted(block))

    def restored(self, block: Block) -> Array:
        """Its matrix as it was before. Raises BadRowError at a value of which too little is left to restore it."""
        values = self.fitted.inverse(block)
        extrema = next((s for s in self.states if isinstance(s, Extrema)), None)
        if extrema is not None:
            self._named(lambda: self.fitted.check_restored(block, values, extrema.least, extrema.greatest))
        return values

    def _named(self, work: Callable[[], T]) -> T:
        """What work makes. Where a value is at fault, its column is named."""
        try:
            return work()
        except BadValueError as e:
            name = printable(self.features[e.column])
            raise BadRowError(e.row, f"column '{name}': {e.what}", e.hint) from None

    def terms(self, group: int = 0) -> Terms:
        """What was learned, as people who use the method speak of it; of a group, or of all rows."""
        learned, own = self.fitted.taken([group]), {type(s): s.taken([group]) for s in self.states}
        if not self.learns:
            return learned.terms()
        with np.errstate(all="ignore"):
            try:
                return self.method.terms(States(self.features, own, self.length is not None), learned)
            except (BadDataError, np.linalg.LinAlgError):  # of states that were edited
                return learned.terms()

    def summary(self, group: int = 0) -> dict[str, Array]:
        """(features,) each: what the statistics say of the columns, for people; of a group, or of all rows."""
        with np.errstate(all="ignore"):  # of states read from a file that is still to be checked
            of_one = (state.taken([group]).summary() for state in self.states)
            return {name: a[0] for said in of_one for name, a in said.items()}


def unfitted(method: Method, names: Sequence[str], lengths: Mapping[str, int]) -> tuple[Step, ...]:
    """A method's steps on columns `names`: one for all that are numbers, and one for each that holds lists. Raises
    UsageError where options do not go with so many."""
    numbers = tuple(n for n in names if n not in lengths)
    lists = (Step(method, (n,), length=lengths[n]) for n in names if n in lengths)
    steps = (*([Step(method, numbers)] if numbers else []), *lists)
    for step in steps:
        method.check_features(len(step.features))
    return steps
