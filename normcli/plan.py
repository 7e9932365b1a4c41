"""What is to be done, and what was seen. Everything here pickles."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from math import lcm
from typing import Literal, TypeVar

import numpy as np

from normcli import columns, registry
from normcli.block import Block
from normcli.columns import ORIGINAL, Dtype, Field, Frame, Infinite, Schema
from normcli.course import Course
from normcli.errors import BadDataError, BadRowError, BadValueError, NotInvertibleError, printable
from normcli.keys import Key, Keyed, Seen, described
from normcli.methods import Method, States
from normcli.record import Array, Codes
from normcli.transforms import Transform

MISSING, PASS = -1, -2  # in place of a group: rows that come out missing, or as they are
Unseen = Literal["error", "global", "missing", "pass"]
A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True)
class Form:
    """How normalized columns come out: of which type (None: float32 where the column was, else float64); and with a
    suffix, in place of the original or beside it, under its name with that. `texts`: originals beside which they
    stand are copied character for character from `columns.with_originals`; else they are numbers. `unseen` says what
    becomes of rows whose key was not fitted; those whose key had fewer than `min_count` rows go by all rows."""

    dtype: Dtype | None = None
    suffix: str = ""
    texts: bool = False
    unseen: Unseen = "error"
    min_count: int = 0


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
    asked: Seen | None = None  # what a further pass measures, in place of the method's statistics

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

    def learn(self, states: Seen, called: Sequence[str] = ("",)) -> "Step":
        """With what was seen, and what the method makes of it; groups are `called` so in messages. Raises
        BadDataError."""
        if not self.learns:  # the same for each
            return replace(self, states=(), transform=self._learned(()).taken([0] * len(called)))
        if self.method.at_once or len(called) == 1:
            return replace(self, states=states, transform=self._learned(states))
        each = []
        for group, name in enumerate(called):
            try:
                each.append(self._learned(tuple(s.taken([group]) for s in states)))
            except BadDataError as e:
                raise BadDataError(f"{name}: {e.message}" if name else e.message, e.hint) from None
        return replace(self, states=states, transform=type(each[0]).stacked(each))

    def _learned(self, states: Seen) -> Transform:
        return self.method.learn(States(self.features, {type(s): s for s in states}))

    @property
    def unfitted_multiple(self) -> int:
        """Rows to a whole batch for what is measured; 1 where any block does."""
        return lcm(*(statistic.multiple for statistic in self.method.statistics))

    def measure(self, block: Block, *, by_key: bool = False) -> Seen:
        """What the statistics say of a block. Rows that take no part stay where they are in their batches."""
        if self.method.by_row:
            block = block.complete if self.unfitted_multiple == 1 else block.all_or_nothing
        blanks = self.method.statistics if self.asked is None else self.asked
        return tuple((s.by_key() if by_key else s).of(block) for s in blanks)

    def normalized(self, block: Block) -> Array:
        """Its matrix by what was learned. Raises BadRowError at a value that the method has no result for."""
        try:
            return self.fitted(block)
        except BadValueError as e:
            name = printable(self.features[e.column])
            raise BadRowError(e.row, f"column '{name}': {e.what}", e.hint) from None

    def summary(self, group: int = 0) -> dict[str, Array]:
        """(features,) each: what the statistics say of the columns, for people; of a group, or of all rows."""
        with np.errstate(all="ignore"):  # of states read from a file that is still to be checked
            of_one = (state.taken([group]).summary() for state in self.states)
            return {name: a[0] for said in of_one for name, a in said.items()}


@dataclass
class Matrices:
    """The matrices of steps in frames that follow each other: columns that are read from these, then what steps have
    made of them, which stays float64 and never goes through a frame. `spelled` are names that columns have there, where
    those are others. All that reads or makes raises BadRowError, which says in which frame."""

    frames: Sequence[Frame]
    infinite: Infinite
    spelled: Mapping[str, str] = field(default_factory=dict)
    made: dict[str, Array] = field(default_factory=dict)  # (rows,) by column, and (rows, length) of one of lists
    read: list[Block] = field(default_factory=list)  # as it came from the frames

    @cached_property
    def ends(self) -> Codes:
        """Where each frame ends."""
        return np.cumsum([columns.rows(f) for f in self.frames])

    def block(self, step: Step, *, inverse: bool = False) -> Block:
        """The matrix of a step; with `inverse`, that which it has become."""
        names = step.outputs if inverse else step.columns
        if step.length is not None:
            return self._lists(names[0], len(step.results) if inverse else step.length)
        fresh = [n for n in names if n not in self.made]
        if fresh:
            there = [self.spelled.get(n, n) for n in fresh]
            self._read(lambda frame: columns.block(frame, there, self.infinite))
        if len(fresh) == len(names):
            return self.read[-1]
        read = dict(zip(fresh, self.read[-1].columns, strict=True)) if fresh else {}
        return Block(tuple(read[n] if n in read else self._finite(self.made[n], n) for n in names))

    def _lists(self, name: str, length: int) -> Block:
        there = self.spelled.get(name, name)
        features = [f"{there}[{j}]" for j in range(length)]
        if name in self.made:
            matrix = self.made[name]
            return Block(tuple(map(self._finite, matrix.T, features)), matrix)
        self._read(lambda frame: columns.list_block(frame, there, features, self.infinite))
        return self.read[-1]

    def _read(self, work: Callable[[Frame], Block]) -> None:
        self.read.append(Block.joined(_each(self.frames, work)))

    def _finite(self, values: Array, name: str) -> Array:
        """What a step has made, where the next takes it: nothing of it may be beyond a float."""
        self.located(lambda: columns.narrowed(values, "float64", name))
        return values

    def located(self, work: Callable[[], B]) -> B:
        """What work on all rows makes. Where a row is at fault, it is told in which frame."""
        try:
            return work()
        except BadRowError as e:
            e.frame = int(np.searchsorted(self.ends, e.row, "right"))
            e.row -= int(self.ends[e.frame - 1]) if e.frame else 0
            raise

    def put(self, step: Step, values: Array, *, inverse: bool = False) -> None:
        """The matrix of a step has become `values` (rows, outputs)."""
        old, new = (step.outputs, step.columns) if inverse else (step.columns, step.outputs)
        for name in old:
            self.made.pop(name, None)
        self.made |= {new[0]: values} if step.length is not None else dict(zip(new, values.T, strict=True))

    def parts(self) -> list[tuple[Frame, dict[str, Array]]]:
        """Each frame with what was made of its rows."""
        cut = {n: np.split(values, self.ends[:-1]) for n, values in self.made.items()}
        return [(frame, {n: pieces[k] for n, pieces in cut.items()}) for k, frame in enumerate(self.frames)]


@dataclass(frozen=True)
class Measured:
    """What was seen of a frame: each step's states, of all rows and by key; how many rows took no part, for they miss
    a value; and what was read for it, as blocks."""

    seen: tuple[Seen, ...]
    keyed: Keyed | None
    incomplete: int
    blocks: list[Block]


@dataclass(frozen=True)
class Plan:
    """The steps, and the data that they were fitted on: all that a parameter file holds; and the form of what comes of
    applying them, which it does not."""

    steps: tuple[Step, ...]
    schema: Schema = ()
    rows: int = 0
    skipped: int = 0  # rows that took no part, for they miss a value
    note: str = ""
    inputs: tuple[str, ...] = ()  # digests of the contents that were counted, in order
    by: tuple[str, ...] = ()  # columns that rows are grouped by
    keys: tuple[Key, ...] = ()  # group i + 1 of states and transforms is of keys[i], group 0 of all rows
    key_rows: tuple[int, ...] = ()
    weights: str | None = None  # a column that says how often each row counts
    digest: str = ""
    form: Form = Form()

    @cached_property
    def types(self) -> dict[str, str]:
        """The original type of each column."""
        return {f.name: f.type for f in self.schema}

    @property
    def learns(self) -> bool:
        """Whether there is anything to learn from data."""
        return any(step.learns for step in self.steps)

    @property
    def methods(self) -> list[Method]:
        return [step.method for step in self.steps]

    @cached_property
    def course(self) -> Course:
        return Course.of((s.columns, s.outputs) for s in self.steps)

    @cached_property
    def schemas(self) -> tuple[Schema, ...]:
        """The columns as they come to each step."""
        made = [self.schema]
        for step in self.steps[:-1]:
            made.append(step.after(made[-1]))
        return tuple(made)

    def at(self, i: int) -> str:
        """Of which step a message is; empty where all are of one method."""
        one = len({step.method for step in self.steps}) == 1
        return "" if one else f"steps[{i}] ({registry.name_of(self.steps[i].method)}): "

    def fault(self, called: Sequence[str] = ()) -> tuple[int, str] | None:
        """The first step that can't be where it is, and why; the steps are `called` so. A column learns once: before
        that go only steps that have learned nothing and look at single values, after it those that learn nothing."""
        names = called or [f"steps[{i}] ({registry.name_of(s.method)})" for i, s in enumerate(self.steps)]
        passed: dict[str, frozenset[int]] = {}  # the steps that each column has gone through
        for i, step in enumerate(self.steps):
            before = {n: passed.pop(n, frozenset()) for n in step.columns}
            for name, b in ((n, b) for n, earlier in before.items() if step.learns for b in sorted(earlier)):
                here = f"column '{printable(name)}'"
                if self.steps[b].learns:
                    return i, f"{here} learns in {names[b]} already, and a column can learn but once"
                if not self.steps[b].method.element_wise:
                    return (
                        i,
                        f"{here} comes from {names[b]}, and only steps of single values may go before one that learns",
                    )
            whole = frozenset[int]().union(*before.values())
            apart = before if step.method.element_wise else {}
            passed |= {n: apart.get(n, whole) | {i} for n in step.outputs}
        return None

    def check_invertible(self) -> None:
        """Raises NotInvertibleError where what a step has made can't be restored, saying which."""
        for i, step in enumerate(self.steps):
            try:
                step.fitted.check_invertible()
            except NotInvertibleError as e:
                raise NotInvertibleError(self.at(i) + e.message, e.hint) from None

    def needs(self, *, inverse: bool = False) -> tuple[str, ...]:
        """Names of the columns that must be there."""
        return tuple(map(self._called, self.course.gives)) if inverse else self.course.needs

    def numbers(self) -> tuple[str, ...]:
        """Names of the columns that a fit reads as numbers."""
        return (*self.needs(), *([self.weights] if self.weights else []))

    def gives(self, *, inverse: bool = False) -> tuple[str, ...]:
        """Names of the columns that come out, in their place or beside them."""
        return self.needs(inverse=not inverse)

    def _called(self, name: str) -> str:
        """A column that comes out: one that has an original's name gets the suffix, components do not."""
        return name + self.form.suffix if self.form.suffix and name in self._needed else name

    @cached_property
    def _needed(self) -> frozenset[str]:
        return frozenset(self.course.needs)

    def taken(self, there: Collection[str], *, inverse: bool = False) -> list[str]:
        """Names that columns would come out by, though others have them already."""
        if inverse and self.form.suffix:
            return []  # originals that are still there give way
        stay = set(there) if self.form.suffix else set(there).difference(self.needs(inverse=inverse))
        often = Counter(self.gives(inverse=inverse))
        return [n for n, count in often.items() if n in stay or count > 1 or n in self.course.clashes]

    @cached_property
    def lists(self) -> frozenset[str]:
        """Names of the columns whose lists are a matrix, and of those beside them."""
        return self._of_lists.union(map(self._called, self._of_lists))

    @cached_property
    def _of_lists(self) -> frozenset[str]:
        return frozenset(n for s in self.steps if s.length is not None for n in s.columns)

    @cached_property
    def _to_measure(self) -> tuple[int, ...]:
        """The steps that learn, and those that have learned nothing on whose results they do."""
        wanted, found = set[str](), []
        for i, step in reversed(list(enumerate(self.steps))):
            if step.learns or not wanted.isdisjoint(step.outputs):
                wanted.update(step.columns)
                found.append(i)
        return tuple(reversed(found))

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
        stay = self.learns  # steps that learn nothing do
        steps = (s if stay and not s.learns else replace(s, transform=s.fitted.training()) for s in self.steps)
        return replace(self, steps=tuple(steps), digest=f"{self.digest}:training")

    def blocks(self, frames: Sequence[Frame], infinite: Infinite) -> list[Block]:
        """What is read of frames that follow each other to be measured. Raises BadRowError."""
        return self._measurable(frames, infinite)[0]

    def _measurable(self, frames: Sequence[Frame], infinite: Infinite) -> tuple[list[Block], dict[int, Block]]:
        """The same, and the matrix of each step that learns."""
        matrices = Matrices(frames, infinite)
        blocks: dict[int, Block] = {}
        for i in self._to_measure:
            step = self.steps[i]
            block = matrices.block(step)
            if step.learns:
                blocks[i] = block
            else:
                fitted = step if step.transform else step.learn(())
                matrices.put(step, matrices.located(lambda f=fitted, b=block: f.normalized(b)))  # type: ignore[misc]
        return matrices.read, blocks

    def measure(self, frames: Sequence[Frame], infinite: Infinite, *, texts: Sequence[Frame]) -> "Measured":
        """What each step's statistics say of frames that follow each other, of whose rows `texts` have the keys: where
        there are keys or weights, there is one frame, for these do not go with batches."""
        read, blocks = self._measurable(frames, infinite)
        keys, codes = columns.keys(texts[0], self.by) if self.by else ((), None)
        if self.weights is not None:
            whole = any(s.whole_weights for step in self.steps for s in step.method.statistics)
            counts = columns.weights(frames[0], self.weights, whole=whole)
            every = {id(b): b for b in (*read, *blocks.values())}
            keys, codes, weighted = _weighted(counts, keys, codes, list(every.values()))
            now = dict(zip(every, weighted, strict=True))
            read, blocks = [now[id(b)] for b in read], {i: now[id(b)] for i, b in blocks.items()}
        skipped = np.zeros(read[0].rows, np.bool_)
        for i, block in blocks.items():
            if self.steps[i].method.by_row and block.incomplete is not None:
                skipped |= block.incomplete
        seen, keyed = self._seen(blocks), None
        if codes is not None and keys:
            grouped = {i: replace(block, codes=codes, groups=len(keys)) for i, block in blocks.items()}
            count = np.bincount(codes, minlength=len(keys)).astype(np.float64)
            keyed = Keyed(keys, count, self._seen(grouped, by_key=True))
        return Measured(seen, keyed, int(np.count_nonzero(skipped)), read)

    def _seen(self, blocks: Mapping[int, Block], *, by_key: bool = False) -> tuple[Seen, ...]:
        each = enumerate(self.steps)
        return tuple(step.measure(blocks[i], by_key=by_key) if i in blocks else () for i, step in each)

    def transform(
        self, frames: Sequence[Frame], infinite: Infinite, *, texts: Sequence[Frame], inverse: bool = False
    ) -> tuple[list[Frame], int]:
        """Frames that follow each other, of whose rows `texts` have the keys, with their columns normalized, or
        restored; and how many rows came out missing for one value. Raises BadRowError."""
        matrices = Matrices(frames, infinite, {n: self._called(n) for n in self.course.gives} if inverse else {})
        incomplete = np.zeros(matrices.ends[-1], np.bool_)
        codes = np.concatenate(_each(texts, self._codes)) if self.by else None
        for step in reversed(self.steps) if inverse else self.steps:
            block = matrices.block(step, inverse=inverse)
            work = partial(self._values, step, block, codes, inverse=inverse)
            matrices.put(step, matrices.located(work), inverse=inverse)
            if step.method.by_row and block.incomplete is not None:
                incomplete |= block.incomplete
        made = _each(matrices.parts(), lambda part: self._with(*part, inverse=inverse))
        return made, int(np.count_nonzero(incomplete))

    def _with(self, frame: Frame, made: Mapping[str, Array], *, inverse: bool) -> Frame:
        """A frame with what the steps have made of its columns, in their place or beside them."""
        put = self._put_back if inverse else self._put
        if not self.form.suffix:
            return put(frame, made)
        new = put(self._apart(frame, inverse=inverse), made)
        return self._instead(frame, new) if inverse else self._beside(frame, new)

    def _put(self, frame: Frame, made: Mapping[str, Array]) -> Frame:
        """The frame with what has become of its columns in their place."""
        numbers = {n: made[n] for n in self.course.gives if n not in self._of_lists}
        if numbers:
            gone = self._needed - self._of_lists
            frame = columns.put(frame, numbers, self.course.places, gone, dtype=self.form.dtype)
        for name in (n for n in self.course.gives if n in self._of_lists):
            frame = columns.put_list(frame, name, made[name], dtype=self.form.dtype)
        return frame

    def _put_back(self, frame: Frame, made: Mapping[str, Array]) -> Frame:
        """The frame with the columns restored, in their types, in the place of what had become of them."""
        numbers = {n: made[n] for n in self.course.needs if n not in self._of_lists}
        if numbers:
            places = self.course.sources({n: i for i, n in enumerate(self.course.gives)})
            gone = set(self.course.gives) - self._of_lists
            frame = columns.put(frame, numbers, places, gone, restored=self.types)
        for name in (n for n in self.course.needs if n in self._of_lists):
            frame = columns.put_list(frame, name, made[name], restored=self.types[name])
        return frame

    def _codes(self, frame: Frame) -> Codes:
        """(rows,) the group of each row; MISSING or PASS for those that have none. Raises BadRowError."""
        keys, codes = columns.keys(frame, self.by)
        instead = {"global": 0, "missing": MISSING, "pass": PASS, "error": PASS}[self.form.unseen]
        groups = np.array([self._groups.get(key, instead) for key in keys], np.intp)
        if self.form.unseen == "error" and (groups == PASS).any():
            row = int(np.argmax(groups[codes] == PASS))
            what = f"the fit has seen no {described(self.by, keys[codes[row]])}"
            raise BadRowError(row, what, "--unseen global, missing or pass takes it")
        return groups[codes]

    @cached_property
    def _groups(self) -> dict[Key, int]:
        """The group of each key; that of all rows where it had too few of its own."""
        each = enumerate(zip(self.keys, self.key_rows, strict=True), 1)
        return {key: group if count >= self.form.min_count else 0 for group, (key, count) in each}

    def _values(self, step: Step, block: Block, codes: Codes | None, *, inverse: bool) -> Array:
        """(rows, outputs) the matrix of a step normalized, or restored."""
        work = step.fitted.inverse if inverse else step.normalized
        if codes is None:
            return work(block)
        values = work(replace(block, codes=np.maximum(codes, 0), groups=1 + len(self.keys)))
        values[codes == MISSING] = np.nan
        if (stays := codes == PASS).any():
            values[stays] = block.values[stays]
        return values

    def _apart(self, frame: Frame, *, inverse: bool) -> Frame:
        """What is to be normalized, without words; or the normalized columns alone, called as without a suffix."""
        if not inverse:
            return columns.numbered(frame, self.needs())
        return columns.gathered({n: (frame, self._called(n)) for n in self.course.gives})

    def _beside(self, frame: Frame, new: Frame) -> Frame:
        """The frame, and each column of `new` after the one that it is from; components after the last of theirs."""
        there = columns.names(frame)
        following = self.course.after(there)
        as_numbers = columns.numbered(frame, self.needs())
        made: dict[str, tuple[Frame, str]] = {}
        for name in (n for n in there if not n.startswith(ORIGINAL)):
            copied = self.form.texts and ORIGINAL + name in there
            made[name] = (frame, ORIGINAL + name) if copied else (as_numbers, name)
            made |= {self._called(n): (new, n) for n in following.get(name, ())}
        return columns.gathered(made)

    def _instead(self, frame: Frame, new: Frame) -> Frame:
        """The frame with each column of `new` where the original stands, or where else that which it was restored from
        did (the first of components); the latter are gone."""
        there = columns.names(frame)
        at = {n: i for i, n in enumerate(there)}
        places: dict[str, dict[str, tuple[Frame, str]]] = {}
        standing = self.course.sources({n: at[self._called(n)] for n in self.course.gives})
        for name in self.course.needs:
            place = name if name in at else self._called(standing[name])
            places.setdefault(place, {})[name] = new, name
        gone = set(self.needs(inverse=True))
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
    """A method's steps on columns `names`: one for all that are numbers, and one for each that holds lists. Raises
    UsageError where options do not go with so many."""
    numbers = tuple(n for n in names if n not in lengths)
    lists = (Step(method, (n,), length=lengths[n]) for n in names if n in lengths)
    steps = (*([Step(method, numbers)] if numbers else []), *lists)
    for step in steps:
        method.check_features(len(step.features))
    return steps


def merged(a: tuple[Seen, ...], b: tuple[Seen, ...]) -> tuple[Seen, ...]:
    """States of all steps, `a`'s rows before `b`'s."""
    return tuple(tuple(x.merge(y) for x, y in zip(s, t, strict=True)) for s, t in zip(a, b, strict=True))


def _weighted(
    weights: Array, keys: tuple[Key, ...], codes: Codes | None, blocks: list[Block]
) -> tuple[tuple[Key, ...], Codes | None, list[Block]]:
    """Blocks whose rows count so often, without those that don't; where each counts once, as without weights."""
    if not weights.all():
        there = weights > 0.0
        weights, blocks = weights[there], [block.taken(there) for block in blocks]
        if codes is not None:
            used, codes = np.unique(codes[there], return_inverse=True)
            keys = tuple(keys[c] for c in used.tolist())
    if (weights != 1.0).any():
        blocks = [replace(block, weights=weights) for block in blocks]
    return keys, codes, blocks


def refined(seen: tuple[Seen, ...], measure: Callable[[tuple[Seen, ...]], tuple[Seen, ...]]) -> tuple[Seen, ...]:
    """States of all steps, with what further passes over the data say, as long as one of them asks for some; `measure`
    is such a pass, of the blanks of each step that it is asked for."""
    blanks = tuple(tuple(s.again() for s in states) for states in seen)
    asked = tuple(tuple(b for b in step if b is not None) for step in blanks)
    if not any(asked):
        return seen
    found = [iter(step) for step in refined(measure(asked), measure)]
    return tuple(
        tuple(s if b is None else s.refined(next(each)) for s, b in zip(states, step, strict=True))
        for states, step, each in zip(seen, blanks, found, strict=True)
    )


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
