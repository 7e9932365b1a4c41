"""What is to be done, and what was seen. Everything here pickles."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import lcm
from typing import Literal, NoReturn, TypeVar

import numpy as np

from normcli import columns
from normcli.block import Block
from normcli.columns import ORIGINAL, Dtype, Frame, Infinite, Schema
from normcli.errors import BadDataError, BadRowError, BadValueError, printable
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
    def outputs(self) -> tuple[str, ...]:
        return self.fitted.outputs(self.columns) if self.length is None else self.columns

    def learn(self, states: Seen, called: Sequence[str] = ("",)) -> "Step":
        """With what was seen, and what the method makes of it; groups are `called` so in messages. Raises
        BadDataError."""
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

    def block(self, frame: Frame, infinite: Infinite, *, inverse: bool = False, suffix: str = "") -> Block:
        """Its matrix in a frame; with `inverse`, that which it has become."""
        if self.length is None:
            return columns.block(frame, self.called(suffix) if inverse else self.columns, infinite)
        (name,) = self.called(suffix) if inverse else self.columns
        width = len(self.fitted.outputs(self.features)) if inverse else self.length
        return columns.list_block(frame, name, [f"{name}[{j}]" for j in range(width)], infinite)

    def normalized(self, block: Block) -> Array:
        """Its matrix by what was learned. Raises BadRowError at a value that the method has no result for."""
        try:
            return self.fitted(block)
        except BadValueError as e:
            name = printable(self.features[e.column])
            raise BadRowError(e.row, f"column '{name}': {e.what}", e.hint) from None

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

    def summary(self, group: int = 0) -> dict[str, Array]:
        """(features,) each: what the statistics say of the columns, for people; of a group, or of all rows."""
        with np.errstate(all="ignore"):  # of states read from a file that is still to be checked
            of_one = (state.taken([group]).summary() for state in self.states)
            return {name: a[0] for said in of_one for name, a in said.items()}


@dataclass(frozen=True)
class Measured:
    """What was seen of a frame: each step's states, of all rows and by key; how many rows there were whose weight is
    not 0, and how many of them took no part, for they miss a value; and the steps' blocks, with weights and codes."""

    seen: tuple[Seen, ...]
    keyed: Keyed | None
    rows: int
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
        return any(step.method.statistics for step in self.steps)

    def needs(self, *, inverse: bool = False) -> tuple[str, ...]:
        """Names of the columns that must be there."""
        return tuple(dict.fromkeys(n for s in self.steps for n in (self._outputs(s) if inverse else s.columns)))

    def numbers(self) -> tuple[str, ...]:
        """Names of the columns that a fit reads as numbers."""
        return (*self.needs(), *([self.weights] if self.weights else []))

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

    def blocks(self, frames: Sequence[Frame], infinite: Infinite) -> list[Block]:
        """Each step's matrix in frames that follow each other. Raises BadRowError."""
        return [step.joined(frames, infinite) for step in self.steps]

    def measure(self, frames: Sequence[Frame], infinite: Infinite, *, texts: Sequence[Frame]) -> "Measured":
        """What each step's statistics say of frames that follow each other, of whose rows `texts` have the keys: where
        there are keys or weights, there is one frame, for these do not go with batches. Raises BadRowError."""
        try:
            return self._measured(frames, infinite, texts)
        except BadRowError as e:
            others: list[Callable[[], object]] = [partial(self.blocks, frames, infinite)]
            others += [partial(columns.keys, texts[0], self.by)] if self.by else []
            others += [] if self.weights is None else [partial(columns.weights, frames[0], self.weights)]
            _raise_first(e, others)

    def _measured(self, frames: Sequence[Frame], infinite: Infinite, texts: Sequence[Frame]) -> "Measured":
        blocks = self.blocks(frames, infinite)
        keys, codes = columns.keys(texts[0], self.by) if self.by else ((), None)
        if self.weights is not None:
            whole = any(s.whole_weights for step in self.steps for s in step.method.statistics)
            counts = columns.weights(frames[0], self.weights, whole=whole)
            keys, codes, blocks = _weighted(counts, keys, codes, blocks)
        skipped = np.zeros(blocks[0].rows, np.bool_)
        for step, block in zip(self.steps, blocks, strict=True):
            if step.method.by_row and block.incomplete is not None:
                skipped |= block.incomplete
        both = list(zip(self.steps, blocks, strict=True))
        seen, keyed = tuple(step.measure(block) for step, block in both), None
        if codes is not None and keys:
            blocks = [replace(block, codes=codes, groups=len(keys)) for block in blocks]
            count = np.bincount(codes, minlength=len(keys)).astype(np.float64)
            pairs = zip(self.steps, blocks, strict=True)
            keyed = Keyed(keys, count, tuple(step.measure(block, by_key=True) for step, block in pairs))
        return Measured(seen, keyed, len(skipped), int(np.count_nonzero(skipped)), blocks)

    def transform(
        self, frames: Sequence[Frame], infinite: Infinite, *, texts: Sequence[Frame], inverse: bool = False
    ) -> tuple[list[Frame], int]:
        """Frames that follow each other, of whose rows `texts` have the keys, with their columns normalized, or
        restored; and how many rows came out missing for one value. Raises BadRowError."""
        ends, suffix = np.cumsum([columns.rows(f) for f in frames]), self.form.suffix
        incomplete = np.zeros(ends[-1], np.bool_)
        new = [self._apart(f, inverse=inverse) for f in frames] if suffix else list(frames)
        try:
            codes = np.concatenate(_each(texts, self._codes)) if self.by else None
        except BadRowError as e:
            blocks = (partial(s.joined, frames, infinite, inverse=inverse, suffix=suffix) for s in self.steps)
            _raise_first(e, blocks)
        for step in reversed(self.steps) if inverse else self.steps:
            block = step.joined(frames if suffix else new, infinite, inverse=inverse, suffix=suffix)
            try:
                values = self._values(step, block, codes, inverse=inverse)
            except BadRowError as e:
                e.frame = int(np.searchsorted(ends, e.row, "right"))
                e.row -= int(ends[e.frame - 1]) if e.frame else 0
                raise
            if step.method.by_row and block.incomplete is not None:
                incomplete |= block.incomplete
            put = partial(step.put_back, types=self.types) if inverse else partial(step.put, dtype=self.form.dtype)
            pairs = list(zip(new, np.split(values, ends[:-1]), strict=True))
            new = _each(pairs, lambda pair, put=put: put(*pair))  # type: ignore[misc]
        if suffix:
            made = zip(frames, new, strict=True)
            new = [self._instead(*pair) if inverse else self._beside(*pair) for pair in made]
        return new, int(np.count_nonzero(incomplete))

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


def _raise_first(found: BadRowError, others: Iterable[Callable[[], object]]) -> NoReturn:
    """Raises the one of the first row: what was found, or what others raise."""
    for other in others:
        try:
            other()
        except BadRowError as e:
            found = e if (e.frame, e.row) < (found.frame, found.row) else found
    raise found from None


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
