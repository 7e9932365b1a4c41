"""Parameters: fitted steps, and a description of the data that they were fitted on."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from math import lcm
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from normcli import registry
from normcli.caching import cached_property
from normcli.columns import Schema
from normcli.errors import BadRowError, NotInvertibleError, UsageError
from normcli.methods import Method, listed
from normcli.parameters.keys import Key, StepStates
from normcli.parameters.lineage import ColumnLineage
from normcli.parameters.marks import TRAINING, mark, of_columns
from normcli.parameters.passes import Passes
from normcli.parameters.rules import Rules, Unseen
from normcli.parameters.steps import Step

if TYPE_CHECKING:
    from normcli.parameters.categories import Category
    from normcli.parameters.sketches import ColumnSketches
    from normcli.stats.quantiles import Quantiles

SHOWN = 5  # steps of a repr


class Parameters(Struct, frozen=True, dict=True):
    """Fitted steps, and a description of the data that they were fitted on: what a parameter file holds."""

    steps: tuple[Step, ...]
    schema: Schema = ()
    rows: int = 0
    skipped: int = 0  # rows that were left out because they miss a value
    note: str = ""
    inputs: tuple[str, ...] = ()  # digests of the contents that were counted, in order
    by: tuple[str, ...] = ()  # columns that rows are grouped by
    keys: tuple[Key, ...] = ()  # keys[i] is group i + 1 of states and transforms; group 0 is of all rows
    key_rows: tuple[int, ...] = ()
    weights: str | None = None  # a column that says how often each row counts
    rules: Rules = Rules()  # which group a row is normalized by, given its key
    dialect: tuple[tuple[str, str | int | bool], ...] = ()  # options of the text format that was read
    sketches: ColumnSketches | None = None  # blank before the fit
    categories: tuple[Category, ...] = ()  # of columns of texts; blank before the fit
    digest: str = ""  # of the file; followed by overrides, if applied with other rules, or of some of the columns
    left: tuple[str, ...] = ()  # fitted columns that are left as they are
    called: tuple[str, ...] = ()  # what messages of a fit call each step: as its plan does; no file holds it
    current_pass: int | None = 0  # of the fit that is under way, as in `Passes`; no file holds it

    def __repr__(self) -> str:
        """What they are, on a line: what is in them is for `inspect` and `report`."""
        steps = [f"{registry.name_of(step.method)} of {_counted(len(step.features), 'column')}" for step in self.steps]
        more = [f"and {len(steps) - SHOWN} more steps"] if len(steps) > SHOWN else []
        by = [f"by {listed(list(self.by))} ({_counted(len(self.keys), 'key')})"] if self.by else []
        texts = [*steps[:SHOWN], *more, *by, _counted(self.rows, "row"), self.digest[: len("sha256:") + 12]]
        return f"Parameters({', '.join(filter(None, texts))})"

    @cached_property
    def types(self) -> dict[str, str]:
        """The original type of each column."""
        return {f.name: f.type for f in self.schema}

    @property
    def learns(self) -> bool:
        """Whether any step learns from data."""
        return any(step.learns for step in self.steps)

    @property
    def why_fixed(self) -> str:
        """Why nothing more can be learned."""
        if any(step.external for step in self.steps):
            return "it was imported, or taken from another fit, without counts of rows, and can't learn more"
        return f"{', '.join(dict.fromkeys(map(registry.name_of, self.methods)))} learns nothing from data"

    @property
    def methods(self) -> list[Method]:
        """The method of each step."""
        return [step.method for step in self.steps]

    @property
    def learners(self) -> list[Method]:
        """The methods that learn from data."""
        return [step.method for step in self.steps if step.learns]

    @cached_property
    def lineage(self) -> ColumnLineage:
        """Input and output columns of all steps, and their origins."""
        return ColumnLineage.of((s.columns, s.outputs) for s in self.steps)

    @cached_property
    def schemas(self) -> tuple[Schema, ...]:
        """The schema before each step."""
        schemas = [self.schema]
        for step in self.steps[:-1]:
            schemas.append(step.after(schemas[-1]))
        return tuple(schemas)

    def at(self, i: int) -> str:
        """A prefix for messages that names a step; empty if all steps have the same method."""
        if len({step.method for step in self.steps}) == 1:
            return ""
        return f"{self.called[i]}: " if self.called else f"steps[{i}] ({registry.name_of(self.steps[i].method)}): "

    @contextmanager
    def naming(self, i: int, *, inverse: bool = False) -> Iterator[None]:
        """Names a step in a BadRowError, if it takes what others gave it: the value at fault is not one of the data."""
        try:
            yield
        except BadRowError as e:
            before = self.steps[i + 1 :] if inverse else self.steps[:i]
            names = self.steps[i].outputs if inverse else self.steps[i].columns
            if not {n for s in before for n in (s.columns if inverse else s.outputs)}.isdisjoint(names):
                e.what = self.at(i) + e.what
            raise

    def check_invertible(self) -> None:
        """Raises NotInvertibleError, naming the step, if one cannot be inverted."""
        for i, step in enumerate(self.steps):
            try:
                step.fitted.check_invertible()
            except NotInvertibleError as e:
                what = f"{self.at(i)}{registry.name_of(step.method)} can't be undone: {e.message}"
                raise NotInvertibleError(what, e.hint or "--column-suffix keeps the originals beside") from None

    def lossy(self) -> Parameters:
        """Parameters whose inverse leaves what steps have changed for good as it is."""
        return replace(self, steps=tuple(replace(s, transform=s.fitted.lossy()) for s in self.steps))

    @property
    def is_invertible(self) -> bool:
        """Whether all steps can be inverted."""
        try:
            self.check_invertible()
        except NotInvertibleError:
            return False
        return True

    def needs(self) -> tuple[str, ...]:
        """Names of the input columns."""
        return self.lineage.needs

    @cached_property
    def every(self) -> tuple[str, ...]:
        """Names of all fitted columns, those that are left among them."""
        names = {*self.needs(), *self.left}
        return tuple(f.name for f in self.schema if f.name in names)

    def only(self, names: Collection[str]) -> Parameters:
        """Parameters of some of the input columns, which leave the others as they are. Raises UsageError where a step
        mixes some of these with others."""
        steps, wanted = list[Step](), set(names)
        for i, step in enumerate(self.steps):
            at = [j for j, n in enumerate(step.columns) if n in wanted]
            if len(at) == len(step.columns):
                steps.append(step)
                wanted.update(step.outputs)
            elif at and step.mixes:
                some = listed([n for n in step.columns if n in wanted])
                rest = listed([n for n in step.columns if n not in wanted])
                what = f"{self.at(i)}{registry.name_of(step.method)} mixes its columns"
                raise UsageError(f"{what}: there is no {some} without {rest}")
            elif at:
                steps.append(step.only(at))
        left = tuple(n for n in self.every if n not in wanted)
        if not left:
            return self
        digest = of_columns(self.digest, wanted, self.every) if self.digest else ""
        sketches = self.sketches and self.sketches.taken([n for n in self.sketches.names if n in wanted])
        return replace(self, steps=tuple(steps), sketches=sketches, digest=digest, left=left)

    @cached_property
    def constants(self) -> tuple[str, ...]:
        """Names of the input columns that were constant in the fit, and that no step mixes with others."""
        same = {name for step in self.steps for name in step.constants}
        mixed = {name for step in self.steps if step.transform and step.mixes for name in step.columns}
        return tuple(n for n in self.needs() if n in same and n not in mixed)

    def numbers(self) -> tuple[str, ...]:
        """Names of the columns that a fit reads as numbers."""
        return (*self.needs(), *([] if self.weights is None else [self.weights]))

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Names of the columns that a fit reads as texts."""
        return tuple(dict.fromkeys((*self.by, *(category.name for category in self.categories))))

    @cached_property
    def lists(self) -> frozenset[str]:
        """Names of the columns of lists, each of which is a matrix."""
        return frozenset(name for step in self.steps if step.length is not None for name in step.columns)

    @cached_property
    def groups(self) -> dict[Key, int]:
        """The group of states and transforms that rows of each key are normalized by."""
        return self.rules.groups(self.keys, self.key_rows)

    @cached_property
    def passes(self) -> Passes:
        """The passes over the data in which the steps learn."""
        return Passes(self.steps, self.current_pass)

    @property
    def blanks(self) -> tuple[tuple[StepStates, ...], Quantiles | None]:
        """Blank statistics of each step that learns in this pass, and in the first, sketches of the input columns, if
        there are to be any."""
        steps = tuple(step.blanks if self.passes.is_measured(i) else () for i, step in enumerate(self.steps))
        return steps, None if self.sketches is None or self.current_pass else self.sketches.blank

    @property
    def multiple(self) -> int:
        """Rows in a batch that suits every transform; 1 if blocks may be cut anywhere."""
        return lcm(*(s.fitted.multiple for s in self.steps))

    @property
    def unfitted_multiple(self) -> int:
        """The same for statistics."""
        return lcm(*(s.unfitted_multiple for i, s in enumerate(self.steps) if self.passes.is_measured(i)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a parameter file atomically; "-" is standard output. Raises UsageError for a name that is not valid
        UTF-8; CannotCreateError, OutputError."""
        from normcli.parameters import file

        file.save(self, path)

    def in_training(self) -> Parameters:
        """Parameters that normalize by the statistics of each batch, as a network in training. They are not
        invertible, and their digest is marked. Raises UsageError."""
        stay = self.learns  # steps without statistics do
        steps = tuple(s if stay and not s.learns else replace(s, transform=s.fitted.training()) for s in self.steps)
        same = all(mine.transform is theirs.transform for mine, theirs in zip(steps, self.steps, strict=True))
        return replace(self, steps=steps, digest=self.digest if same else mark(self.digest, TRAINING))

    def override(self, unseen: Unseen | None, min_count: int | None) -> Parameters:
        """Parameters with other rules than in their file (None: as there), and a digest that is marked with the
        difference. Raises UsageError."""
        rules = self.rules.override(unseen, min_count)
        parameters = replace(self, rules=rules, digest=mark(self.digest, rules.difference(self.rules)))
        parameters.check_rules()
        return parameters

    def check_rules(self) -> None:
        """Raises UsageError if the steps do not support the rules for keys."""
        if self.rules.unseen == "pass" and any(s.results != s.features for s in self.steps):
            raise UsageError("--unseen pass: the columns become others, so no row can pass as it is")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
