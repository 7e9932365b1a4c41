"""What is to be done, and what was seen. Everything here pickles."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import lcm
from typing import TypeVar

import numpy as np

from normcli import columns
from normcli.block import Block
from normcli.columns import ORIGINAL, Dtype, Frame, Infinite, Schema
from normcli.errors import BadRowError
from normcli.methods import Method, States
from normcli.record import Array
from normcli.stats import Statistic
from normcli.transforms import Transform

Seen = tuple[Statistic, ...]
A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True)
class Form:
    """How normalized columns come out: of which type (None: float32 where the column was, else float64); and with a
    suffix, in place of the original or beside it, under its name with that. `texts`: originals beside which they
    stand are copied character for character from `columns.with_originals`; else they are numbers."""

    dtype: Dtype | None = None
    suffix: str = ""
    texts: bool = False


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
    def unfitted_multiple(self) -> int:
        """Rows to a whole batch for what is measured; 1 where any block does."""
        return lcm(*(statistic.multiple for statistic in self.method.statistics))

    def measure(self, block: Block) -> Seen:
        """What the statistics say of a block. Rows that take no part stay where they are in their batches."""
        if self.method.by_row:
            block = block.complete if self.unfitted_multiple == 1 else block.all_or_nothing
        return tuple(s.of(block) for s in self.method.statistics)

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

    def block(self, frame: Frame, infinite: Infinite, *, inverse: bool = False, suffix: str = "") -> Block:
        """Its matrix in a frame; with `inverse`, that which it has become."""
        if self.length is None:
            return columns.block(frame, self.called(suffix) if inverse else self.columns, infinite)
        (name,) = self.called(suffix) if inverse else self.columns
        width = len(self.fitted.outputs(self.features)) if inverse else self.length
        return columns.list_block(frame, name, [f"{name}[{j}]" for j in range(width)], infinite)

    def joined(self, frames: Sequence[Frame], infinite: Infinite, *, inverse: bool = False, suffix: str = "") -> Block:
        """Its matrix in frames that follow each other. Raises BadRowError, which says in which one."""
        return Block.joined(_each(frames, lambda f: self.block(f, infinite, inverse=inverse, suffix=suffix)))

    def called(self, suffix: str) -> tuple[str, ...]:
        """Its outputs beside the originals: those that have a column's name get the suffix, components do not."""
        return tuple(o + suffix if o in self.columns else o for o in self.outputs)

    def put(self, frame: Frame, values: Array, dtype: Dtype | None) -> Frame:
        """The frame with that matrix replaced by normalized values."""
        if self.length is None:
            return columns.put(frame, self.columns, self.outputs, values, dtype=dtype)
        return columns.put_list(frame, self.columns[0], values, dtype=dtype)

    def put_back(self, frame: Frame, values: Array, types: Mapping[str, str]) -> Frame:
        """The frame with what the matrix has become replaced by values of the original types."""
        if self.length is None:
            return columns.put(frame, self.outputs, self.columns, values, restored=types)
        (name,) = self.columns
        return columns.put_list(frame, name, values, restored=types[name])

    def summary(self) -> dict[str, Array]:
        """(features,) each: what the statistics say of the columns, for people."""
        with np.errstate(all="ignore"):  # of states read from a file that is still to be checked
            return {name: a[0] for state in self.states for name, a in state.summary().items()}


@dataclass(frozen=True)
class Plan:
    """The steps, and the data that they were fitted on: all that a parameter file holds; and the form of what comes of
    applying them, which it does not."""

    steps: tuple[Step, ...]
    schema: Schema = ()
    rows: int = 0
    skipped: int = 0  # rows that took no part, for they miss a value
    note: str = ""
    digest: str = ""
    form: Form = Form()

    @cached_property
    def types(self) -> dict[str, str]:
        """The original type of each column."""
        return {f.name: f.type for f in self.schema}

    def needs(self, *, inverse: bool = False) -> tuple[str, ...]:
        """Names of the columns that must be there."""
        return tuple(dict.fromkeys(n for s in self.steps for n in (self._outputs(s) if inverse else s.columns)))

    def gives(self, *, inverse: bool = False) -> tuple[str, ...]:
        """Names of the columns that come out, in their place or beside them."""
        return tuple(dict.fromkeys(n for s in self.steps for n in (s.columns if inverse else self._outputs(s))))

    def _outputs(self, step: Step) -> tuple[str, ...]:
        return step.called(self.form.suffix)

    def taken(self, there: Collection[str], *, inverse: bool = False) -> list[str]:
        """Names that columns would come out by, though others have them already."""
        if inverse and self.form.suffix:
            return []  # originals that are still there give way
        stay = set(there) if self.form.suffix else set(there).difference(self.needs(inverse=inverse))
        often = Counter(n for s in self.steps for n in (s.columns if inverse else self._outputs(s)))
        return [n for n, count in often.items() if n in stay or count > 1]

    @cached_property
    def lists(self) -> frozenset[str]:
        """Names of the columns whose lists are a matrix, and of those beside them."""
        steps = (s for s in self.steps if s.length is not None)
        return frozenset(n for s in steps for n in (*s.columns, *self._outputs(s)))

    @property
    def multiple(self) -> int:
        """Rows to a whole batch, for every transform; 1 where any block does."""
        return lcm(*(s.fitted.multiple for s in self.steps))

    @property
    def unfitted_multiple(self) -> int:
        """The same for what is measured."""
        return lcm(*(s.unfitted_multiple for s in self.steps))

    def in_training(self) -> "Plan":
        """As a network in training would normalize, by each batch's own statistics; which other parameters can't undo,
        so that the digest is another. Raises UsageError."""
        steps = tuple(replace(s, transform=s.fitted.training()) for s in self.steps)
        return replace(self, steps=steps, digest=f"{self.digest}:training")

    def measure(self, frames: Sequence[Frame], infinite: Infinite) -> tuple[tuple[Seen, ...], int]:
        """What each step's statistics say of frames that follow each other; and how many rows took no part, for they
        miss a value."""
        seen, skipped = [], np.zeros(sum(map(columns.rows, frames)), np.bool_)
        for step in self.steps:
            block = step.joined(frames, infinite)
            if step.method.by_row:
                skipped |= False if block.incomplete is None else block.incomplete
            seen.append(step.measure(block))
        return tuple(seen), int(np.count_nonzero(skipped))

    def transform(
        self, frames: Sequence[Frame], infinite: Infinite, *, inverse: bool = False
    ) -> tuple[list[Frame], int]:
        """Frames that follow each other, with their columns normalized, or restored; and how many rows came out missing
        for one value. Raises BadRowError."""
        ends, suffix = np.cumsum([columns.rows(f) for f in frames]), self.form.suffix
        incomplete = np.zeros(ends[-1], np.bool_)
        new = [self._apart(f, inverse=inverse) for f in frames] if suffix else list(frames)
        for step in reversed(self.steps) if inverse else self.steps:
            block = step.joined(frames if suffix else new, infinite, inverse=inverse, suffix=suffix)
            values = step.fitted.inverse(block) if inverse else step.fitted(block)
            if step.method.by_row and block.incomplete is not None:
                incomplete |= block.incomplete
            put = partial(step.put_back, types=self.types) if inverse else partial(step.put, dtype=self.form.dtype)
            pairs = list(zip(new, np.split(values, ends[:-1]), strict=True))
            new = _each(pairs, lambda pair, put=put: put(*pair))  # type: ignore[misc]
        if suffix:
            made = zip(frames, new, strict=True)
            new = [self._instead(*pair) if inverse else self._beside(*pair) for pair in made]
        return new, int(np.count_nonzero(incomplete))

    def _apart(self, frame: Frame, *, inverse: bool) -> Frame:
        """What is to be normalized, without words; or the normalized columns alone, called as without a suffix."""
        if not inverse:
            return columns.numbered(frame, self.needs())
        both = (pair for s in self.steps for pair in zip(s.outputs, self._outputs(s), strict=True))
        return columns.gathered({output: (frame, called) for output, called in both})

    def _beside(self, frame: Frame, new: Frame) -> Frame:
        """The frame, and each column of `new` after the one that it is from; components after the last of theirs."""
        there = columns.names(frame)
        following: dict[str, dict[str, tuple[Frame, str]]] = {n: {} for n in there}
        for step in self.steps:
            last = max(step.columns, key=there.index)
            for output, called in zip(step.outputs, self._outputs(step), strict=True):
                following[output if output in step.columns else last][called] = new, output
        as_numbers = columns.numbered(frame, self.needs())
        made: dict[str, tuple[Frame, str]] = {}
        for name in (n for n in there if not n.startswith(ORIGINAL)):
            copied = self.form.texts and ORIGINAL + name in there
            made |= {name: (frame, ORIGINAL + name) if copied else (as_numbers, name)} | following[name]
        return columns.gathered(made)

    def _instead(self, frame: Frame, new: Frame) -> Frame:
        """The frame with each column of `new` where the original stands, or where else that which it was restored from
        did (the first of components); the latter are gone."""
        there = columns.names(frame)
        places: dict[str, dict[str, tuple[Frame, str]]] = {}
        for step in self.steps:
            called = dict(zip(step.outputs, self._outputs(step), strict=True))
            first = min(called.values(), key=there.index)
            for name in step.columns:
                at = name if name in there else called.get(name, first)
                places.setdefault(at, {})[name] = new, name
        gone = self.needs(inverse=True)
        made: dict[str, tuple[Frame, str]] = {}
        for name in there:
            made |= places.get(name, {} if name in gone else {name: (frame, name)})
        return columns.gathered(made)

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


def _each(things: Sequence[A], work: Callable[[A], B]) -> list[B]:
    """`work` of each, one thing to a frame; a BadRowError says of which."""
    done = []
    for number, thing in enumerate(things):
        try:
            done.append(work(thing))
        except BadRowError as e:
            e.frame = number
            raise
    return done
