"""Step: one method on one feature matrix."""

from collections.abc import Callable, Mapping, Sequence
from math import lcm
from typing import TypeVar

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.caching import cached_property
from normcli.columns import Field, Schema
from normcli.errors import BadDataError, BadRowError, BadValueError, printable
from normcli.methods import Method, States
from normcli.parameters.keys import StepStates
from normcli.stats.extrema import Extrema
from normcli.transforms import Terms, Transform

T = TypeVar("T")


class Step(Struct, frozen=True, dict=True):
    """One method on one feature matrix: before the fit without states and transform, then with both.

    The matrix is columns of numbers, or with `length`, the lists of that length in the one column.
    """

    method: Method
    columns: tuple[str, ...]
    states: StepStates = ()
    transform: Transform | None = None
    length: int | None = None
    statistics_override: StepStates | None = None  # what is measured in place of the method's statistics, of all rows
    override_by_key: StepStates = ()  # and by key, where there is such an override
    external: bool = False  # imported, or taken from another fit, without statistics: it can't learn more

    @cached_property
    def features(self) -> tuple[str, ...]:
        """Names of the columns of the matrix."""
        if self.length is None:
            return self.columns
        return tuple(f"{self.columns[0]}[{j}]" for j in range(self.length))

    @property
    def fitted(self) -> Transform:
        """The transform of a fitted step."""
        assert self.transform is not None, "a step is applied before it has learned"
        return self.transform

    @cached_property
    def results(self) -> tuple[str, ...]:
        """Names of the columns of the output matrix; before the fit, as many as possible."""
        return (self.transform or self.method).outputs(self.features)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the output columns."""
        return self.results if self.length is None else self.columns

    @property
    def learns(self) -> bool:
        """Whether it learns from statistics."""
        return bool(self.method.statistics) and not self.external

    def after(self, schema: Schema) -> Schema:
        """The schema after this step, whose outputs are float64."""
        kind = "float64" if self.length is None else f"fixed_size_list<float64>[{len(self.results)}]"
        takes, gives = set(self.columns), dict[str, list[Field]]()
        for name in self.outputs:
            gives.setdefault(name if name in takes else self.columns[0], []).append(Field(name, kind))
        return tuple(g for f in schema for g in (gives.get(f.name, ()) if f.name in takes else (f,)))

    def of(self, at: Sequence[int]) -> "Step":
        """A step that restores only the columns at these indices; the step itself if columns are not independent."""
        if len(at) == len(self.columns) or not self.fitted.is_apart():
            return self
        return replace(self, columns=tuple(self.columns[j] for j in at), states=(), transform=self.fitted.reorder(at))

    @property
    def mixes(self) -> bool:
        """Whether a column's outputs depend on other columns, or on which of them there are in its row or channel."""
        grouped = getattr(self.method, "channels", None) is not None
        return self.method.by_row or grouped or not self.fitted.is_apart()

    def only(self, at: Sequence[int]) -> "Step":
        """A step of the columns at these indices, which are independent, with their states."""
        states = tuple(state.reorder(at) for state in self.states)
        columns = tuple(self.columns[j] for j in at)
        return replace(self, columns=columns, states=states, transform=self.fitted.reorder(at))

    @property
    def constants(self) -> list[str]:
        """Names of the columns whose values were all the same in the fit, going by its statistics."""
        summary = self.summary()
        ends = zip(self.features, summary.get("min", ()), summary.get("max", ()), strict=False)
        return [n for n, least, greatest in ends if least == greatest and self.length is None]

    def learn(self, states: StepStates, called: Sequence[str] = ("",)) -> "Step":
        """A fitted step with these states; `called` are the names of the groups for messages, empty for all rows.
        Raises BadDataError."""
        if self.external:
            return replace(self, transform=self.fitted.taken([0] * len(called)))
        if not self.learns:  # the same for all groups
            return replace(self, states=(), transform=self._learned(()).taken([0] * len(called)))
        if self.method.learns_all_groups or len(called) == 1:
            try:
                return replace(self, states=states, transform=self._learned(states))
            except BadDataError:
                if len(called) == 1:
                    raise  # else the error names the first group that is unfit
        transforms = []
        for group, name in enumerate(called):
            try:
                transforms.append(self._learned(tuple(s.taken([group]) for s in states)))
            except BadDataError as e:
                raise BadDataError(f"{name}: {e.message}" if name else e.message, e.hint) from None
        return replace(self, states=states, transform=type(transforms[0]).stacked(transforms))

    def _learned(self, states: StepStates) -> Transform:
        with np.errstate(all="ignore"):  # a method tests what it has learned: no warnings of numpy's for that
            return self.method.learn(States(self.features, {type(s): s for s in states}, self.length is not None))

    def does_as(self, other: "Step") -> bool:
        """Whether both have learned the same of all rows, to the bit."""
        a, b = self.fitted, other.fitted
        arrays = ((getattr(t, name)[:1].tobytes() for t in (a, b)) for name in a.axes())
        return type(a) is type(b) and a.settings() == b.settings() and all(x == y for x, y in arrays)

    def doubts(self) -> list[str]:
        """What users should know of what was learned."""
        if self.external:
            return []
        states = States(self.features, {type(s): s for s in self.states})
        with np.errstate(all="ignore"):
            return [*self.method.doubts(states, self.fitted)]

    @property
    def blanks(self) -> StepStates:
        """Blank statistics of this step."""
        if self.external:
            return ()
        return self.method.statistics if self.statistics_override is None else self.statistics_override

    @property
    def unfitted_multiple(self) -> int:
        """Rows in a batch of the statistics; 1 if blocks may be cut anywhere."""
        return lcm(*(statistic.multiple for statistic in self.blanks))

    def measure(self, block: Block, *, by_key: bool = False) -> StepStates:
        """The states of a block. Rows that are left out keep their positions in batches."""
        if self.method.by_row:
            block = block.complete if self.unfitted_multiple == 1 else block.all_or_nothing
        if by_key:
            overridden = self.statistics_override is not None
            blanks = self.override_by_key if overridden else tuple(s.by_key() for s in self.method.statistics)
            return tuple(s.of(block) for s in blanks)
        return tuple(s.of(block) for s in self.blanks)

    def normalized(self, block: Block) -> Array:
        """(rows, outputs) a block normalized. Raises BadRowError at a value that the method is not defined for."""
        return self._named(lambda: self.fitted(block))

    def restored(self, block: Block) -> Array:
        """(rows, features) a block restored. Raises BadRowError at a value that cannot be restored precisely."""
        values = self.fitted.inverse(block)
        extrema = next((s for s in self.states if isinstance(s, Extrema) and not s.is_unknown), None)
        if extrema is not None:
            self._named(lambda: self.fitted.check_restored(block, values, extrema.least, extrema.greatest))
        return values

    def _named(self, work: Callable[[], T]) -> T:
        """The result of `work`, whose BadValueError becomes a BadRowError that names the column."""
        try:
            return work()
        except BadValueError as e:
            name = printable(self.features[e.column])
            raise BadRowError(e.row, f"column '{name}': {e.what}", e.hint) from None

    def terms(self, group: int = 0) -> Terms:
        """Parameters in the terms of the method's users, of a group (0: all rows)."""
        learned, states = self.fitted.taken([group]), {type(s): s.taken([group]) for s in self.states}
        if not self.learns:
            return learned.terms()
        with np.errstate(all="ignore"):
            try:
                return self.method.terms(States(self.features, states, self.length is not None), learned)
            except (BadDataError, np.linalg.LinAlgError):  # of states that were edited
                return learned.terms()

    def summary(self, group: int = 0) -> dict[str, Array]:
        """(features,) each: summary statistics of the columns, of a group (0: all rows)."""
        with np.errstate(all="ignore"):  # of states read from a file that is still to be checked
            of_one = (state.taken([group]).summary() for state in self.states if not state.is_unknown)
            return {name: a[0] for summary in of_one for name, a in summary.items()}


def unfitted(method: Method, names: Sequence[str], lengths: Mapping[str, int]) -> tuple[Step, ...]:
    """Unfitted steps of a method on columns `names`: one for all columns of numbers, and one for each column of lists,
    of these lengths. Raises UsageError where options do not suit the number of features."""
    numbers = tuple(n for n in names if n not in lengths)
    lists = (Step(method, (n,), length=lengths[n]) for n in names if n in lengths)
    steps = (*([Step(method, numbers)] if numbers else []), *lists)
    for step in steps:
        method.check_features(len(step.features))
    return steps
