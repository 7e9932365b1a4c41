"""What is to be done, and what was seen. Everything here pickles."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from normcli import columns
from normcli.columns import Frame, Infinite, Schema
from normcli.methods import Method, States
from normcli.record import Array
from normcli.stats import Statistic
from normcli.transforms import Transform

Seen = tuple[Statistic, ...]


@dataclass(frozen=True)
class Step:
    """One method on one feature matrix: before the fit without states and transform, then with both."""

    method: Method
    columns: tuple[str, ...]
    states: Seen = ()
    transform: Transform | None = None

    @property
    def fitted(self) -> Transform:
        assert self.transform is not None, "a step is applied before it has learned"
        return self.transform

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        return self.fitted.outputs(self.columns)

    def learn(self, states: Seen) -> "Step":
        """With what was seen, and what the method makes of it."""
        transform = self.method.learn(States(self.columns, {type(s): s for s in states}))
        return replace(self, states=states, transform=transform)

    def summary(self) -> dict[str, Array]:
        """(features,) each: what the statistics say of the columns, for people."""
        with np.errstate(all="ignore"):  # of states read from a file that is still to be checked
            return {name: a[0] for state in self.states for name, a in state.summary().items()}


@dataclass(frozen=True)
class Plan:
    """The steps, and the data that they were fitted on: all that a parameter file holds."""

    steps: tuple[Step, ...]
    schema: Schema = ()
    rows: int = 0
    skipped: int = 0  # rows that took no part, for they miss a value
    note: str = ""
    digest: str = ""

    @cached_property
    def types(self) -> dict[str, str]:
        """The original type of each column."""
        return {f.name: f.type for f in self.schema}

    def needs(self, *, inverse: bool = False) -> tuple[str, ...]:
        """Names of the columns that must be there."""
        sets = (s.outputs if inverse else s.columns for s in self.steps)
        return tuple(dict.fromkeys(n for names in sets for n in names))

    def gives(self, *, inverse: bool = False) -> tuple[str, ...]:
        """Names of the columns that come out in their place."""
        return tuple(dict.fromkeys(n for s in self.steps for n in (s.columns if inverse else s.outputs)))

    def measure(self, frame: Frame, infinite: Infinite) -> tuple[tuple[Seen, ...], int]:
        """What each step's statistics say of a frame; and how many rows took no part, for they miss a value."""
        seen, skipped = [], 0
        for step in self.steps:
            block = columns.block(frame, step.columns, infinite)
            if step.method.by_row:
                skipped += block.rows - block.complete.rows
                block = block.complete
            seen.append(tuple(s.of(block) for s in step.method.statistics))
        return tuple(seen), skipped

    def transform(self, frame: Frame, infinite: Infinite, *, inverse: bool = False) -> tuple[Frame, int]:
        """The frame with its columns normalized, or restored; and how many rows came out missing for one value."""
        incomplete = 0
        for step in reversed(self.steps) if inverse else self.steps:
            names, outputs = (step.outputs, step.columns) if inverse else (step.columns, step.outputs)
            block = columns.block(frame, names, infinite)
            values = step.fitted.inverse(block) if inverse else step.fitted(block)
            if step.method.by_row and block.incomplete is not None:
                incomplete += int(np.count_nonzero(block.incomplete))
            frame = columns.put(frame, names, outputs, values, self.types if inverse else None)
        return frame, incomplete

    def restored_order(self, names: Sequence[str]) -> tuple[str, ...]:
        """Names of restored columns as they once stood, where all of them are there."""
        original = tuple(f.name for f in self.schema)
        rest = tuple(n for n in names if n == columns.REST)
        return (*original, *rest) if {*original, *rest} == set(names) else tuple(names)


def merged(a: tuple[Seen, ...], b: tuple[Seen, ...]) -> tuple[Seen, ...]:
    """States of all steps, `a`'s rows before `b`'s."""
    return tuple(tuple(x.merge(y) for x, y in zip(s, t, strict=True)) for s, t in zip(a, b, strict=True))
