"""Parameters: fitted steps, and the data that they were fitted on."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from math import lcm

from normcli import registry
from normcli.columns import Schema
from normcli.errors import NotInvertibleError, UsageError
from normcli.methods import Method
from normcli.parameters.keys import Key
from normcli.parameters.lineage import ColumnLineage
from normcli.parameters.rules import TRAINING, Rules, Unseen, mark
from normcli.parameters.steps import Step


@dataclass(frozen=True)
class Parameters:
    """The steps, and the data that they were fitted on: all that a parameter file holds, and no more."""

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
        schemas = [self.schema]
        for step in self.steps[:-1]:
            schemas.append(step.after(schemas[-1]))
        return tuple(schemas)

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
                what = f"{self.at(i)}{registry.name_of(step.method)} can't be undone: {e.message}"
                raise NotInvertibleError(what, e.hint or "--column-suffix keeps the originals beside") from None

    @property
    def is_invertible(self) -> bool:
        """Whether what all steps have made can be restored."""
        try:
            self.check_invertible()
        except NotInvertibleError:
            return False
        return True

    def needs(self) -> tuple[str, ...]:
        """Names of the columns that the steps take from the data."""
        return self.lineage.needs

    def numbers(self) -> tuple[str, ...]:
        """Names of the columns that a fit reads as numbers."""
        return (*self.needs(), *([] if self.weights is None else [self.weights]))

    @cached_property
    def lists(self) -> frozenset[str]:
        """Names of the columns whose lists are a matrix."""
        return frozenset(name for step in self.steps if step.length is not None for name in step.columns)

    @cached_property
    def groups(self) -> dict[Key, int]:
        """The group of states and transforms that rows of each key go by."""
        return self.rules.groups(self.keys, self.key_rows)

    @cached_property
    def to_measure(self) -> tuple[int, ...]:
        """Places of the steps that learn, and of those that have learned nothing on whose results they do."""
        wanted, places = set[str](), []
        for i, step in reversed(list(enumerate(self.steps))):
            if step.learns or not wanted.isdisjoint(step.outputs):
                wanted.update(step.columns)
                places.append(i)
        return tuple(reversed(places))

    @property
    def multiple(self) -> int:
        """Rows to a whole batch, for every transform; 1 where any block does."""
        return lcm(*(s.fitted.multiple for s in self.steps))

    @property
    def unfitted_multiple(self) -> int:
        """The same for what is measured."""
        return lcm(*(s.unfitted_multiple for s in self.steps))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a parameter file, which appears whole or not at all; "-" is standard output. Raises UsageError for a
        name that is no text in UTF-8; CannotCreateError, OutputError."""
        from normcli.parameters import file

        file.save(self, path)

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
        parameters = replace(self, rules=rules, digest=mark(self.digest, rules.difference(self.rules)))
        parameters.check_rules()
        return parameters

    def check_rules(self) -> None:
        """Raises UsageError where the steps do not go with how rows go by their keys."""
        if self.rules.unseen == "pass" and any(s.results != s.features for s in self.steps):
            raise UsageError("--unseen pass: the columns become others, so no row can pass as it is")
