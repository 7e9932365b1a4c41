"""Plan: steps of a fit before the data are read, as methods and selectors of their columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from normcli import columns, registry
from normcli.columns import Field, Schema
from normcli.errors import BadDataError, NotNumericError, UsageError, printable, short
from normcli.methods import Method, listed
from normcli.parameters import Parameters, Step, unfitted

MOST = 5  # numeric columns that a hint names


class PlanStep(Struct, frozen=True):
    """A method, and selectors of its columns as of -c and -x; by default all numeric columns."""

    method: Method
    columns: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    fitted: Step | None = None  # of its own columns, which learns nothing here
    file: str = ""  # the parameter file that a fitted step is in

    @property
    def learns(self) -> bool:
        """Whether it learns from data."""
        return bool(self.method.statistics) and self.fitted is None

    def takes_fitted(self) -> bool:
        """Whether it says of itself what its fitted step is."""
        step = self.fitted
        return step is not None and self.method == step.method and tuple(self.columns) in ((), step.columns)


def fitted_steps(parameters: Parameters, file: str) -> tuple[PlanStep, ...]:
    """The steps of parameters, read from a file, as they were fitted. Raises UsageError for those that were fitted by
    key."""
    if parameters.by:
        raise UsageError("was fitted with --by, and a step of a plan takes what was fitted to all rows")
    steps = (replace(s, states=(), external=bool(s.method.statistics)) for s in parameters.steps)
    return tuple(PlanStep(step.method, step.columns, fitted=step, file=file) for step in steps)


def plan_steps(steps: Iterable[Any]) -> tuple[PlanStep, ...]:
    """Those that somebody hands over. Raises UsageError for what is no PlanStep, and for one of no Method."""
    result = tuple(steps)
    for step in result:
        if not isinstance(step, PlanStep):
            raise UsageError(f"method: {short(repr(step))} is no PlanStep")
        if not isinstance(step.method, Method):
            what = f"method: PlanStep has {short(repr(step.method))}, which is no method"
            raise UsageError(what, "an instance is, of a class of normcli.methods")
        if step.fitted is not None and not step.takes_fitted():
            names = listed([*step.fitted.columns])
            what = f"method: PlanStep has other columns or another method than its step of {names}"
            raise UsageError(what, "PlanStep(step.method, step.columns, fitted=step) takes a step as it was fitted")
    return result


class Plan(Struct, frozen=True):
    """Successive steps; each selects from the columns that those before it output. `name` is that of the file, and
    `positions` (plan_steps,) say which of its steps each is of: one of the file may stand for several."""

    plan_steps: tuple[PlanStep, ...]
    name: str = ""
    positions: tuple[int, ...] = ()

    @property
    def learns(self) -> bool:
        """Whether any step learns from data."""
        return any(c.learns for c in self.plan_steps)

    @property
    def files(self) -> list[str]:
        """The parameter files that steps are in."""
        return list(dict.fromkeys(c.file for c in self.plan_steps if c.file))

    @property
    def learners(self) -> list[Method]:
        """The methods that learn from data."""
        return [c.method for c in self.plan_steps if c.learns]

    @property
    def why_fixed(self) -> str:
        """Why nothing can be learned."""
        return f"{', '.join(dict.fromkeys(map(registry.name_of, self.methods)))} learns nothing from data"

    @property
    def methods(self) -> list[Method]:
        """The method of each step."""
        return [c.method for c in self.plan_steps]

    def steps(
        self, schema: Schema, size: Callable[[str], int], beside: Collection[str] = (), **about: Any
    ) -> tuple[Step, ...]:
        """The steps of the expansion."""
        return tuple(self.expansion(schema, size, beside, **about).steps)

    def expansion(
        self,
        schema: Schema,
        size: Callable[[str], int],
        beside: Collection[str] = (),
        *,
        data: str = "",
        not_numbers: Mapping[str, str] | None = None,
        indexes: Collection[str] = (),
        hint: str = "",
    ) -> Expansion:
        """Unfitted steps on the columns of `data`. `size` gives the length of lists of unknown length; columns `beside`
        are keys or weights; `not_numbers` are reasons why columns are not numeric; `indexes` are selected only by name.
        Raises UsageError, and BadDataError where a selector matches nothing, naming the step, with `hint` as advice
        about the data."""
        expansion = Expansion(schema, size, beside, indexes, by_flags=not self.name)
        for i, plan_step in zip(self.positions or range(len(self.plan_steps)), self.plan_steps, strict=True):
            at = f"{self.name}: steps[{i}]: " if self.name else ""
            try:
                expansion.add(plan_step, f"steps[{i}] ({registry.name_of(plan_step.method)})")
            except BadDataError as e:
                if isinstance(e, NotNumericError) and not_numbers and e.column in not_numbers:
                    why = not_numbers[e.column]
                    raise BadDataError(at + why, "" if why.endswith(")") else _numeric(schema)) from None
                of = f"{data}: " if data and not e.message.startswith(f"{data}: ") else ""
                advice = _numeric(schema) if isinstance(e, NotNumericError) else _why_none(e.message)
                raise BadDataError(at + of + e.message, e.hint or hint or advice) from None
            except UsageError as e:
                raise UsageError(at + e.message, e.hint) from None
        if self.name:
            expansion.called = [f"{self.name}: {name}" for name in expansion.called]
        return expansion

    def named(self, schema: Schema) -> list[str]:
        """Columns of data that selectors name, present in the first rows or not; without possible outputs of steps."""
        present = {f.name for f in schema}
        prefixes = "|".join(re.escape(str(m.prefix)) for m in self.methods if hasattr(m, "prefix"))
        every = (s for c in self.plan_steps for s in (*c.columns, *c.exclude))
        names = [n for s in every for n in columns.names_in(s, present)]
        return [n for n in names if not (prefixes and re.fullmatch(f"({prefixes})[0-9]+", n))]

    def insisted(self, schema: Schema, identifiers: Collection[str]) -> Schema:
        """The schema of data in which identifiers that selectors name are numbers."""
        present = {f.name for f in schema}
        named = {n for c in self.plan_steps for s in c.columns for n in columns.parts(s, present)}.intersection(
            identifiers
        )
        return tuple(Field(f.name, "float64") if f.name in named else f for f in schema)

    def excludes(self, name: str) -> bool:
        """Whether a column of data is left out on purpose."""
        return name in self.left_out({name})

    def left_out(self, names: Collection[str]) -> set[str]:
        """Columns of data that are left out on purpose: those excluded, and where every step names what it takes, those
        that no step does. Selectors may match outputs of steps only."""
        excluded = columns.any_matched(names, [x for c in self.plan_steps for x in c.exclude])
        if not all(c.columns for c in self.plan_steps):
            return excluded
        included = columns.any_matched(names, [s for c in self.plan_steps for s in c.columns])
        return excluded.union(set(names) - included)


class Expansion(Struct):
    """The steps of a plan so far, and the schema after them."""

    schema: Schema
    size: Callable[[str], int]
    beside: Collection[str]
    indexes: Collection[str]
    by_flags: bool  # the plan comes from flags, not from a file
    steps: list[Step] = field(default_factory=list)
    called: list[str] = field(default_factory=list)  # for messages, the name of the plan's step that each is from
    unsure: dict[str, str] = field(default_factory=dict)  # columns whose presence depends on the fit, and their step
    replaced: dict[str, str] = field(default_factory=dict)  # columns that became others, and what became of them

    def add(self, plan_step: PlanStep, name: str) -> None:
        """Adds the steps of the plan's next step, which messages call by this name. Raises UsageError, BadDataError."""
        chosen = self._selected(plan_step)
        lists = {f.name: f.list_size for f in self.schema if f.list_of and f.name in chosen}
        sizes = {n: length or self.size(n) for n, length in lists.items()}
        if plan_step.fitted is None:
            steps = unfitted(plan_step.method, tuple(chosen), sizes)
        else:
            steps = (replace(plan_step.fitted, states=(), external=bool(plan_step.method.statistics)),)
            self._check_lengths(plan_step.fitted, sizes)
        for step in steps:
            self._check_gives(step)
            self.schema = step.after(self.schema)
            self.replaced |= dict.fromkeys(set(step.columns).difference(step.outputs), f"{name} makes others of it")
            if not plan_step.method.outputs_known and not plan_step.fitted:
                self.unsure |= dict.fromkeys(step.outputs, name)
        self.steps += steps
        self.called += [name] * len(steps)

    def _selected(self, plan_step: PlanStep) -> dict[str, None]:
        present = {f.name for f in self.schema}
        named = {
            c for selector in plan_step.columns for c in ([selector] if selector in present else selector.split(","))
        }
        if twice := named.intersection(self.beside):
            flag = "-c" if self.by_flags else "columns:"
            raise UsageError(f"{flag} {printable(min(twice))}: is a column of --by or --weights")
        if lost := next((n for n in named if n in self.replaced and n not in present), None):
            raise BadDataError(f"column '{printable(lost)}' is there no more: {self.replaced[lost]}")
        unseen = not plan_step.method.statistics
        names = columns.select(self.schema, plan_step.columns, plan_step.exclude, unseen=unseen, indexes=self.indexes)
        late = next((n for n in names if n in self.unsure), None)
        if late is not None:
            what = f"column '{printable(late)}' is of {self.unsure[late]}, and how many that gives only the fit tells"
            raise UsageError(what, "there, components may be a whole number")
        left = dict.fromkeys(n for n in names if n not in self.beside)
        if not left:
            raise BadDataError(
                f"every selected column is one of --by or --weights: {listed(list(names))}", "-c selects others"
            )
        return left

    def _check_lengths(self, step: Step, sizes: Mapping[str, int]) -> None:
        """Raises BadDataError where a fitted step is of numbers, and the data have lists, or of other lists."""
        for name in step.columns:
            if sizes.get(name) != step.length:
                fitted, has = (f"lists of {n}" if n else "numbers" for n in (step.length, sizes.get(name)))
                raise BadDataError(f"column '{printable(name)}' has {has}, and the step was fitted to {fitted}")

    def _check_gives(self, step: Step) -> None:
        stay = {f.name for f in self.schema}.difference(step.columns)
        known = step.transform is not None or step.method.outputs_known
        clashes = [n for n in step.outputs if n in stay] if known else []
        if clashes:
            hint = "use --prefix" if self.by_flags else "give another prefix in its options"
            raise BadDataError(f"a column is called {listed(clashes)} already", hint)


def _why_none(message: str) -> str:
    """A hint for the message that no column is selected by default; empty for others."""
    return "-c NAME says why a column holds no numbers" if message.startswith("no numeric column is selected") else ""


def _numeric(schema: Schema) -> str:
    """A hint that names the numeric columns, if there are any."""
    names = [f.name for f in schema if f.is_number]
    few = ", ".join(map(short, names[:MOST])) + (" …" if len(names) > MOST else "")
    return "-c takes columns of numbers" + (f": {few}" if names else "")
