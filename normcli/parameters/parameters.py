"""Parameters: fitted steps, the data that they were fitted on, and how they are applied and undone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import repeat
from math import lcm
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from normcli import columns, registry
from normcli.blocks.block import Block
from normcli.blocks.record import Array, Codes
from normcli.columns import Dtype, Frame, Infinite, Schema
from normcli.errors import BadRowError, NotInvertibleError, UsageError
from normcli.methods import Method
from normcli.parameters.column_layout import ColumnLayout
from normcli.parameters.keys import Key, Keyed, Seen, described
from normcli.parameters.lineage import ColumnLineage
from normcli.parameters.matrices import Matrices, each
from normcli.parameters.rules import INSTEAD, PASS, TRAINING, Rules, Unseen, mark
from normcli.parameters.steps import Step

if TYPE_CHECKING:
    from normcli.parameters.restoring import Doubt, Target


@dataclass(frozen=True)
class Form:
    """How normalized columns come out: of which type (None: float32 where the column was, else float64); and with a
    suffix, in place of the original or beside it, under its name with that. What comes out may be `text`, which can
    show a fraction in a column of whole numbers. `texts`: originals beside which they stand are copied character for
    character from `Frame.with_originals`; else they are numbers."""

    dtype: Dtype | None = None
    suffix: str = ""
    text: bool = False
    texts: bool = False


@dataclass(frozen=True)
class Measured:
    """What was seen of a frame: each step's states, of all rows and by key; how many rows there were whose weight is
    not 0, and how many of them took no part, for they miss a value; and what was read, with weights and codes."""

    seen: tuple[Seen, ...]
    keyed: Keyed | None
    rows: int
    incomplete: int
    blocks: list[Block]


@dataclass(frozen=True)
class Parameters:
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
    rules: Rules = Rules()  # by which rows go by their keys
    dialect: tuple[tuple[str, str | int | bool], ...] = ()  # options of formats, by which text was read
    digest: str = ""  # of the file; with what is overridden, where it is applied otherwise than that says
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
    def lineage(self) -> ColumnLineage:
        return ColumnLineage.of((s.columns, s.outputs) for s in self.steps)

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

    def check_invertible(self) -> None:
        """Raises NotInvertibleError where what a step has made can't be restored, saying which."""
        for i, step in enumerate(self.steps):
            try:
                step.fitted.check_invertible()
            except NotInvertibleError as e:
                raise NotInvertibleError(self.at(i) + e.message, e.hint) from None

    @property
    def is_invertible(self) -> bool:
        """Whether what all steps have made can be restored."""
        try:
            self.check_invertible()
        except NotInvertibleError:
            return False
        return True

    def needs(self, *, inverse: bool = False) -> tuple[str, ...]:
        """Names of the columns that must be there."""
        return tuple(map(self.column_layout.called, self.lineage.gives)) if inverse else self.lineage.needs

    def numbers(self) -> tuple[str, ...]:
        """Names of the columns that a fit reads as numbers."""
        return (*self.needs(), *([] if self.weights is None else [self.weights]))

    def gives(self, *, inverse: bool = False) -> tuple[str, ...]:
        """Names of the columns that come out, in their place or beside them."""
        return self.needs(inverse=not inverse)

    @cached_property
    def column_layout(self) -> ColumnLayout:
        lists = frozenset(n for s in self.steps if s.length is not None for n in s.columns)
        form = self.form
        return ColumnLayout(self.lineage, lists, self.types, form.dtype, form.suffix)

    @cached_property
    def targets(self) -> dict[str, Target]:
        """The columns that are restored to whole numbers, or decimals."""
        from normcli.parameters.restoring import targets

        return targets(self)

    def taken(self, there: Collection[str], *, inverse: bool = False) -> list[str]:
        """Names that columns would come out by, though others have them already."""
        if inverse and self.form.suffix:
            return []  # originals that are still there give way
        stay = set(there) if self.form.suffix else set(there).difference(self.needs(inverse=inverse))
        often = Counter(self.gives(inverse=inverse))
        return [n for n, count in often.items() if n in stay or count > 1 or n in self.lineage.clashes]

    @cached_property
    def lists(self) -> frozenset[str]:
        """Names of the columns whose lists are a matrix, and of those beside them."""
        return self.column_layout.lists.union(map(self.column_layout.called, self.column_layout.lists))

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

    def in_training(self) -> Parameters:
        """As a network in training would normalize, by each batch's own statistics; which can't be undone, so that the
        digest says so. Raises UsageError."""
        stay = self.learns  # steps that learn nothing do
        steps = tuple(s if stay and not s.learns else replace(s, transform=s.fitted.training()) for s in self.steps)
        same = all(mine.transform is theirs.transform for mine, theirs in zip(steps, self.steps, strict=True))
        return replace(self, steps=steps, digest=self.digest if same else mark(self.digest, TRAINING))

    def override(self, unseen: Unseen | None, min_count: int | None) -> Parameters:
        """Applied by other rules than its file says (None: by that), which the digest then says, too. Raises
        UsageError."""
        rules = self.rules.override(unseen, min_count)
        plan = replace(self, rules=rules, digest=mark(self.digest, rules.difference(self.rules)))
        plan.check_rules()
        return plan

    def check_rules(self) -> None:
        """Raises UsageError where the steps do not go with how rows go by their keys."""
        if self.rules.unseen == "pass" and any(s.results != s.features for s in self.steps):
            raise UsageError("--unseen pass: the columns become others, so no row can pass as it is")

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

    def measure(self, frames: Sequence[Frame], infinite: Infinite, *, texts: Sequence[Frame]) -> Measured:
        """What each step's statistics say of frames that follow each other, of whose rows `texts` have the keys: where
        there are keys or weights, there is one frame, for these do not go with batches. In rows of weight 0 nothing is
        wrong, whatever they hold. Raises BadRowError."""
        if self.weights is None:
            return self._measured(frames, infinite, texts)
        (frame,), (text,) = frames, texts
        try:
            counts = self._counts(frame)
        except BadRowError as e:
            if e.row:  # what is wrong before that is told
                self.measure([columns.cut(frame, e.row)[0]], infinite, texts=[columns.cut(text, e.row)[0]])
            raise
        if not counts.all():
            frame, text = frame.filter(counts > 0.0), text.filter(counts > 0.0)
        rows = np.flatnonzero(counts)
        try:
            return self._measured([frame], infinite, [text], counts[rows])
        except BadRowError as e:
            e.row = int(rows[e.row]) if len(rows) else 0
            raise

    def _counts(self, frame: Frame) -> Array:
        """(rows,) the weight of each row. Raises BadRowError."""
        assert self.weights is not None, "of a plan with weights"
        whole = any(s.whole_weights for step in self.steps for s in step.method.statistics)
        return columns.weights(frame, self.weights, whole=whole)

    def _measured(
        self, frames: Sequence[Frame], infinite: Infinite, texts: Sequence[Frame], weights: Array | None = None
    ) -> Measured:
        try:
            read, blocks = self._measurable(frames, infinite)
            keys, codes = columns.keys(texts[0], self.by) if self.by else ((), None)
        except BadRowError as e:
            others: list[Callable[[], object]] = [partial(self.blocks, frames, infinite)]
            others += [partial(columns.keys, texts[0], self.by)] if self.by else []
            raise_first(e, others)
        every = {id(b): b for b in (*read, *blocks.values())}
        used = list(every.values())
        if weights is not None and (weights != 1.0).any():  # where each row counts once, it is as without
            used = [replace(block, weights=weights) for block in used]
        now = dict(zip(every, used, strict=True))
        skipped = np.zeros(used[0].rows, np.bool_)
        for i, block in blocks.items():
            gone = now[id(block)].incomplete
            if self.steps[i].method.by_row and gone is not None:
                skipped |= gone
        seen, keyed = self._seen({i: now[id(b)] for i, b in blocks.items()}), None
        if codes is not None and keys:
            now = {i: replace(block, codes=codes, groups=len(keys)) for i, block in now.items()}
            count = np.bincount(codes, minlength=len(keys)).astype(np.float64)
            keyed = Keyed(keys, count, self._seen({i: now[id(b)] for i, b in blocks.items()}, by_key=True))
        return Measured(seen, keyed, len(skipped), int(np.count_nonzero(skipped)), [now[id(b)] for b in read])

    def _seen(self, blocks: Mapping[int, Block], *, by_key: bool = False) -> tuple[Seen, ...]:
        each = enumerate(self.steps)
        return tuple(step.measure(blocks[i], by_key=by_key) if i in blocks else () for i, step in each)

    def transform(
        self, frames: Sequence[Frame], infinite: Infinite, *, texts: Sequence[Frame], inverse: bool = False
    ) -> tuple[list[Frame], int, dict[str, Doubt]]:
        """Frames that follow each other, of whose rows `texts` have the keys, with their columns normalized, or
        restored; how many rows came out missing for one value; and what is in doubt of restored columns. Raises
        BadRowError."""
        called = {n: self.column_layout.called(n) for n in self.lineage.gives} if inverse else {}
        matrices = Matrices(frames, infinite, called)
        incomplete = np.zeros(matrices.ends[-1], np.bool_)
        try:
            codes = np.concatenate(each(texts, self._codes)) if self.by else None
        except BadRowError as e:
            begin = set(self.lineage.gives if inverse else self.lineage.needs)
            first = (s for s in self.steps if begin.issuperset(s.outputs if inverse else s.columns))
            raise_first(e, (partial(matrices.block, s, inverse=inverse) for s in first))
        for step in reversed(self.steps) if inverse else self.steps:
            block = matrices.block(step, inverse=inverse)
            work = partial(self.values, step, block, codes, inverse=inverse)
            matrices.put(step, matrices.located(work), inverse=inverse)
            if step.method.by_row and block.incomplete is not None:
                incomplete |= block.incomplete
        doubts: dict[str, Doubt] = {}
        groups = repeat(None) if codes is None else np.split(codes, matrices.ends[:-1])

        def placed(part: tuple[Frame, dict[str, Array]], codes: Codes | None) -> Frame:
            frame, made = part
            if inverse and self.targets:
                from normcli.parameters.restoring import Restoring

                fixed = Restoring(self, frame, infinite, codes, made).fixed(doubts)
                return self.column_layout(frame, fixed, inverse=True)
            return self.column_layout(frame, made, inverse=inverse)

        made = each(list(zip(matrices.parts(), groups, strict=False)), lambda pair: placed(*pair))
        return made, int(np.count_nonzero(incomplete)), doubts

    def _codes(self, frame: Frame) -> Codes:
        """(rows,) the group of each row; MISSING or PASS for those that have none. Raises BadRowError."""
        keys, codes = columns.keys(frame, self.by)
        instead = INSTEAD[self.rules.unseen]
        groups = np.array([self._groups.get(key, instead) for key in keys], np.intp)
        if self.rules.unseen == "error" and (groups == PASS).any():
            row = int(np.argmax(groups[codes] == PASS))
            what = f"the fit has seen no {described(self.by, keys[codes[row]])}"
            raise BadRowError(row, what, "--unseen global, missing or pass takes it")
        return groups[codes]

    @cached_property
    def _groups(self) -> dict[Key, int]:
        return self.rules.groups(self.keys, self.key_rows)

    def values(self, step: Step, block: Block, codes: Codes | None, *, inverse: bool) -> Array:
        """(rows, outputs) the matrix of a step normalized, or restored."""
        work = step.restored if inverse else step.normalized
        return self.by_group(work, block, codes, lambda: block.values)

    def by_group(
        self, work: Callable[[Block], Array], block: Block, codes: Codes | None, instead: Callable[[], Array]
    ) -> Array:
        """(rows, outputs) what work makes of a block whose rows are of these groups; and of those that PASS, what is
        there `instead`."""
        if codes is None:
            return work(block)
        known = block
        if (codes < 0).any():  # what is there is not to be judged
            known = replace(block, columns=tuple(np.where(codes < 0, np.nan, x) for x in block.columns), matrix=None)
        values = work(replace(known, codes=np.maximum(codes, 0), groups=1 + len(self.keys)))
        if (stays := codes == PASS).any():
            values[stays] = instead()[stays]
        return values

    def restored_order(self, names: Sequence[str]) -> tuple[str, ...]:
        """Names of restored columns as they once stood, where all of them are there."""
        original = tuple(f.name for f in self.schema)
        return original if set(original) == set(names) else tuple(names)


def raise_first(found: BadRowError, others: Iterable[Callable[[], object]]) -> NoReturn:
    """Raises the one of the first row: what was found, or what others raise."""
    for other in others:
        try:
            other()
        except BadRowError as e:
            found = e if (e.frame, e.row) < (found.frame, found.row) else found
    raise found from None
