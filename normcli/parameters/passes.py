"""Passes over the data of a fit: in which of them each step learns."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from normcli import registry
from normcli.caching import cached_property
from normcli.methods import listed
from normcli.parameters.lineage import ColumnLineage
from normcli.parameters.steps import Step


class Passes(Struct, frozen=True, dict=True):
    """The passes in which steps learn, each from the exact results of those before it. Further readings within a pass,
    for exact quantiles, do not count. `current` is the pass whose steps are measured, from 0; None: all that have
    blanks, in one pass."""

    steps: tuple[Step, ...]
    current: int | None = 0

    @cached_property
    def of_steps(self) -> tuple[int, ...]:
        """For each step, the pass in which it learns, if it does: the first, 0, or the one after those of the steps
        whose results it learns from."""
        after, passes = dict[str, int](), list[int]()
        for step in self.steps:
            passes.append(max(after.pop(n, 0) for n in step.columns))
            after |= dict.fromkeys(step.outputs, passes[-1] + step.learns)
        return tuple(passes)

    @property
    def count(self) -> int:
        """How many passes it takes to learn."""
        return 1 + max((at for at, step in zip(self.of_steps, self.steps, strict=True) if step.learns), default=0)

    @property
    def repeats(self) -> bool:
        """Whether the data are read more than once: in several passes, or for exact quantiles."""
        return self.count > 1 or any(s.repeats for step in self.steps for s in step.blanks)

    def described(self) -> tuple[str, ...]:
        """What each pass learns, in words; () where one is all."""
        count = self.count
        return tuple(f"pass {1 + n} of {count}: {self._described(n)}" for n in range(count if count > 1 else 0))

    def _described(self, number: int) -> str:
        pairs = zip(self.of_steps, self.steps, strict=True)
        steps = [step for at, step in pairs if step.learns and at == number]
        names = "; ".join(f"{registry.name_of(step.method)} of {listed(list(step.columns))}" for step in steps)
        exact = any(s.repeats for step in steps for s in step.blanks)
        return f"{names}, which reads more than once for exact quantiles" if exact else names

    def is_measured(self, i: int) -> bool:
        """Whether a step learns in this pass."""
        step = self.steps[i]
        return step.learns and bool(step.blanks) and self.current in (None, self.of_steps[i])

    @cached_property
    def by_row(self) -> frozenset[int]:
        """Indices of the steps whose incomplete rows are counted in this pass: where one learns that leaves such rows
        out, all that have up to now, so that no row counts twice."""
        learners = [i for i, step in enumerate(self.steps) if step.learns and step.method.by_row]
        if not any(map(self.is_measured, learners)):
            return frozenset()
        return frozenset(i for i in learners if self.is_measured(i) or self.of_steps[i] < (self.current or 0))

    @cached_property
    def to_measure(self) -> tuple[int, ...]:
        """Indices of the steps whose matrices this pass takes, and of those before whose outputs these are of."""
        return self._with_those_before(lambda i: self.is_measured(i) or i in self.by_row)

    @cached_property
    def ever_measured(self) -> tuple[int, ...]:
        """The same of all passes."""
        return self._with_those_before(lambda i: self.steps[i].learns)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the input columns that are read to measure, in one pass or another."""
        return ColumnLineage.of((self.steps[i].columns, self.steps[i].outputs) for i in self.ever_measured).needs

    def _with_those_before(self, is_wanted: Callable[[int], bool]) -> tuple[int, ...]:
        wanted, places = set[str](), []
        for i, step in reversed(list(enumerate(self.steps))):
            if is_wanted(i) or not wanted.isdisjoint(step.outputs):
                wanted.update(step.columns)
                places.append(i)
        return tuple(reversed(places))
