"""What is to be done, and what was seen. Everything here pickles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from normcli import columns
from normcli.block import Block
from normcli.columns import Frame, Infinite, Schema
from normcli.methods import Method, States
from normcli.record import Array
from normcli.stats import Statistic
from normcli.transforms import Transform

Seen = tuple[Statistic, ...]


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
    def outputs(self) -> tuple[str, ...]:
        return self.fitted.outputs(self.columns) if self.length is None else self.columns

    def learn(self, states: Seen) -> "Step":
        """With what was seen, and what the method makes of it."""
        transform = self.method.learn(States(self.features, {type(s): s for s in states}))
        return replace(self, states=states, transform=transform)

    def block(self, frame: Frame, infinite: Infinite, *, inverse: bool = False) -> Block:
        """Its matrix in a frame; with `inverse`, that which it has become."""
        if self.length is None:
            return columns.block(frame, self.outputs if inverse else self.columns, infinite)
        (name,) = self.columns
        width = len(self.fitted.outputs(self.features)) if inverse else self.length
        return columns.list_block(frame, name, [f"{name}[{j}]" for j in range(width)], infinite)

    def put(self, frame: Frame, values: Array, types: Mapping[str, str], *, inverse: bool = False) -> Frame:
        """The frame with that matrix replaced; with `inverse`, by values of the original `types`."""
        if self.length is None:
            names, outputs = (self.outputs, self.columns) if inverse else (self.columns, self.outputs)
            return columns.put(frame, names, outputs, values, types if inverse else None)
        (name,) = self.columns
        return columns.put_list(frame, name, values, types[name] if inverse else None)

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

    @cached_property
    def lists(self) -> frozenset[str]:
        """Names of the columns whose lists are a matrix."""
        return frozenset(n for s in self.steps if s.length is not None for n in s.columns)

    def measure(self, frame: Frame, infinite: Infinite) -> tuple[tuple[Seen, ...], int]:
        """What each step's statistics say of a frame; and how many rows took no part, for they miss a value."""
        seen, skipped = [], np.zeros(columns.rows(frame), np.bool_)
        for step in self.steps:
            block = step.block(frame, infinite)
            if step.method.by_row:
                skipped |= False if block.incomplete is None else block.incomplete
                block = block.complete
            seen.append(tuple(s.of(block) for s in step.method.statistics))
        return tuple(seen), int(np.count_nonzero(skipped))

    def transform(self, frame: Frame, infinite: Infinite, *, inverse: bool = False) -> tuple[Frame, int]:
        """The frame with its columns normalized, or restored; and how many rows came out missing for one value."""
        incomplete = np.zeros(columns.rows(frame), np.bool_)
        for step in reversed(self.steps) if inverse else self.steps:
            block = step.block(frame, infinite, inverse=inverse)
            values = step.fitted.inverse(block) if inverse else step.fitted(block)
            if step.method.by_row and block.incomplete is not None:
                incomplete |= block.incomplete
            frame = step.put(frame, values, self.types, inverse=inverse)
        return frame, int(np.count_nonzero(incomplete))

    def restored_order(self, names: Sequence[str]) -> tuple[str, ...]:
        """Names of restored columns as they once stood, where all of them are there."""
        original = tuple(f.name for f in self.schema)
        rest = tuple(n for n in names if n == columns.REST)
        return (*original, *rest) if {*original, *rest} == set(names) else tuple(names)


def unfitted(method: Method, names: Sequence[str], lengths: Mapping[str, int]) -> tuple[Step, ...]:
    """A method's steps on columns `names`: one for all that are numbers, and one for each that holds lists."""
    numbers = tuple(n for n in names if n not in lengths)
    lists = (Step(method, (n,), length=lengths[n]) for n in names if n in lengths)
    return (*([Step(method, numbers)] if numbers else []), *lists)


def merged(a: tuple[Seen, ...], b: tuple[Seen, ...]) -> tuple[Seen, ...]:
    """States of all steps, `a`'s rows before `b`'s."""
    return tuple(tuple(x.merge(y) for x, y in zip(s, t, strict=True)) for s, t in zip(a, b, strict=True))
