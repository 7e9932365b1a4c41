"""What is wanted of data that are still to be seen: methods, and selectors of their columns; as a TOML file says it."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import msgspec

from normcli import columns, registry, suggestions
from normcli.columns import Field, Schema
from normcli.errors import BadDataError, BadParametersError, NotNumericError, UsageError, printable
from normcli.io.sources import open_source
from normcli.methods import Method, listed
from normcli.parameters import Step, fault, unfitted
from normcli.parameters import file as params

LARGEST = 1 << 24  # bytes

KEYS = ("method", "columns", "exclude", "options")


@dataclass(frozen=True)
class PlanStep:
    """A method, and selectors of its columns as of -c and -x; none: all that are numbers."""

    method: Method
    columns: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Steps that follow each other, each of columns as those before it leave them. `name` is that of the file."""

    choices: tuple[PlanStep, ...]
    name: str = ""

    @property
    def learns(self) -> bool:
        return any(c.method.statistics for c in self.choices)

    @property
    def methods(self) -> list[Method]:
        return [c.method for c in self.choices]

    def steps(
        self,
        schema: Schema,
        size: Callable[[str], int],
        beside: Collection[str] = (),
        *,
        data: str = "",
        others: Mapping[str, str] | None = None,
        indexes: Collection[str] = (),
        hint: str = "",
    ) -> tuple[Step, ...]:
        """The steps on columns of `data`, whose lists of no said length are of `size`; those `beside` have another use,
        of `others` it is known why they are no numbers, and `indexes` only selectors choose. Raises UsageError, and
        BadDataError where a selector finds nothing, saying in which step, and with a `hint` at what may be wrong with
        the data."""
        begun = _Begun(schema, size, beside, indexes, by_flags=not self.name)
        for i, choice in enumerate(self.choices):
            at = f"{self.name}: steps[{i}]: " if self.name else ""
            try:
                begun.add(choice)
            except BadDataError as e:
                if isinstance(e, NotNumericError) and others and e.column in others:
                    why = others[e.column]
                    raise BadDataError(at + why, "" if why.endswith(")") else "-c takes columns of numbers") from None
                of = f"{data}: " if data and not e.message.startswith(f"{data}: ") else ""
                raise BadDataError(at + of + e.message, e.hint or hint or _why_none(e.message)) from None
            except UsageError as e:
                raise UsageError(at + e.message, e.hint) from None
        return tuple(begun.steps)

    def named(self, schema: Schema) -> list[str]:
        """Columns of data that selectors name, be they in the first rows or not; without what a step may give."""
        there = {f.name for f in schema}
        given = "|".join(re.escape(str(m.prefix)) for m in self.methods if hasattr(m, "prefix"))
        every = (s for c in self.choices for s in (*c.columns, *c.exclude))
        names = [n for s in every for n in columns.names_in(s, there)]
        return [n for n in names if not (given and re.fullmatch(f"({given})[0-9]+", n))]

    def insisted(self, schema: Schema, identifiers: Collection[str]) -> Schema:
        """The schema of data with identifiers as numbers where selectors name them."""
        there = {f.name for f in schema}
        named = {n for c in self.choices for s in c.columns for n in columns.parts(s, there)}.intersection(identifiers)
        return tuple(Field(f.name, "float64") if f.name in named else f for f in schema)

    def excludes(self, name: str) -> bool:
        """Whether a column of data is left out on purpose."""
        return bool(self.excluded((Field(name, "float64"),)))

    def excluded(self, schema: Schema) -> set[str]:
        """Columns of data that are left out on purpose."""
        found = set()
        for selector in (x for c in self.choices for x in c.exclude):
            try:
                found |= columns.matched(schema, [selector])
            except BadDataError:
                continue  # of what a step gives
        return found


@dataclass
class _Begun:
    """Steps so far, and the columns as they are after them."""

    schema: Schema
    size: Callable[[str], int]
    beside: Collection[str]
    indexes: Collection[str]
    by_flags: bool  # choices are those of the command line
    steps: list[Step] = field(default_factory=list)
    called: list[str] = field(default_factory=list)  # the choice that each step is from, for messages
    unsure: dict[str, str] = field(default_factory=dict)  # columns that only the fit tells to be there, and whose

    def add(self, choice: PlanStep) -> None:
        """The steps of the next choice. Raises UsageError, BadDataError."""
        name = f"steps[{len(set(self.called))}] ({registry.name_of(choice.method)})"
        chosen = self._selected(choice)
        lists = {f.name: f.list_size for f in self.schema if f.list_of and f.name in chosen}
        steps = unfitted(choice.method, tuple(chosen), {n: length or self.size(n) for n, length in lists.items()})
        for step in steps:
            self._check_gives(step)
            self.schema = step.after(self.schema)
            if not choice.method.outputs_known:
                self.unsure |= dict.fromkeys(step.outputs, name)
        self.steps += steps
        self.called += [name] * len(steps)
        wrong = fault(self.steps, self.called)
        if wrong:
            raise UsageError(wrong[1])

    def _selected(self, choice: PlanStep) -> dict[str, None]:
        there = {f.name for f in self.schema}
        named = {c for given in choice.columns for c in ([given] if given in there else given.split(","))}
        if twice := named.intersection(self.beside):
            flag = "-c" if self.by_flags else "columns:"
            raise UsageError(f"{flag} {printable(min(twice))}: is a column of --by or --weights")
        unseen = not choice.method.statistics
        names = columns.select(self.schema, choice.columns, choice.exclude, unseen=unseen, indexes=self.indexes)
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

    def _check_gives(self, step: Step) -> None:
        stay = {f.name for f in self.schema}.difference(step.columns)
        taken = [n for n in step.outputs if n in stay] if step.method.outputs_known else []
        if taken:
            hint = "use --prefix" if self.by_flags else "give another prefix in its options"
            raise BadDataError(f"a column is called {listed(taken)} already", hint)


# -- TOML --------------------------------------------------------------------------------------------------------
def read(path: str, *, example: str) -> Plan:
    """What a TOML file says: [[steps]], each with method, columns, exclude and options. Raises NoInputError, and
    UsageError, saying where."""
    data = b""
    with closing(open_source(path, example=example)) as source:
        while len(data) <= LARGEST and (part := source.read(1 << 20)):
            data += part
    try:
        return Plan(parsed(data), source.name)
    except UsageError as e:
        raise UsageError(f"{source.name}{e.message}", e.hint) from None


def parsed(data: bytes) -> tuple[PlanStep, ...]:
    """The choices in the bytes of a TOML file. Raises UsageError, whose message goes on from the name of the file."""
    import tomllib

    if len(data) > LARGEST:
        raise UsageError(f": more than {LARGEST >> 20} MB")
    try:
        document = tomllib.loads(data.decode("utf-8-sig"))
    except tomllib.TOMLDecodeError as e:
        place = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", str(e), re.DOTALL)
        what = place[1] if place else str(e)
        line = (place and place[2]) or 1 + data.rstrip().count(b"\n")
        raise UsageError(f":{line}: not TOML: {printable(what[:1].lower() + what[1:])}") from None
    except (UnicodeDecodeError, RecursionError, ValueError) as e:
        why = "not UTF-8" if isinstance(e, UnicodeDecodeError) else "a value that can't be read"
        raise UsageError(f": not TOML: {why}") from None
    unknown = next((k for k in document if k != "steps"), None)
    if unknown is not None:
        raise UsageError(f": {printable(unknown)}: unknown; there are [[steps]] and nothing else")
    steps = document.get("steps")
    if not isinstance(steps, list) or not steps or not all(isinstance(s, dict) for s in steps):
        raise UsageError(": there are no [[steps]]", 'each begins with [[steps]], then method = "zscore"')
    return tuple(_choice(step, f": steps[{i}]") for i, step in enumerate(steps))


def _choice(raw: Mapping[str, Any], at: str) -> PlanStep:
    unknown = next((k for k in raw if k not in KEYS), None)
    if unknown is not None:
        raise UsageError(f"{at}.{printable(unknown)}: unknown; a step has {', '.join(KEYS)}")
    name = raw.get("method")
    if name not in registry.names("methods"):
        if "method" not in raw:
            raise UsageError(f"{at}: method is missing; the methods are {', '.join(registry.names('methods'))}")
        raise UsageError(f"{at}.method: {_shown(name)}: no such method", suggestions.of_room(str(name), "methods"))
    for key in ("columns", "exclude"):
        value = raw.get(key, ["*"])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise UsageError(f'{at}.{key}: must be a list of texts, as ["price", "x*"]')
        if not value and key == "columns":
            raise UsageError(f"{at}.columns: is empty", "without it, every numeric column takes part")
    method = _method(registry.only("methods", name), raw.get("options", {}), at)
    return PlanStep(method, tuple(raw.get("columns", ())), tuple(raw.get("exclude", ())))


def _why_none(message: str) -> str:
    """What says why no column is selected by default, where that is what a message is of."""
    return "-c NAME says why a column holds no numbers" if message.startswith("no numeric column is selected") else ""


def method_of(name: str, options: Mapping[str, Any]) -> Method:
    """The method of that name, with options by name. Raises UsageError, naming the methods, or those that have an
    option."""
    if name not in registry.names("methods"):
        raise UsageError(f"{name}: no such method", suggestions.of_room(name, "methods"))
    return made(registry.only("methods", name), options)


def made(kind: type, options: Mapping[str, Any]) -> Method:
    """A method of a class, with options by name. Raises UsageError."""
    return _method(kind, dict(options), kind.__module__.rsplit(".", 1)[-1].replace("_", "-"))


def _method(kind: type[Method], raw: Any, at: str) -> Method:
    """With options by their names in the parameter file, or as flags are spelled."""
    if not isinstance(raw, dict):
        raise UsageError(f"{at}.options: must be a table, as {{ ddof = 1 }}")
    fields = {f.name.rstrip("_"): f.name for f in dataclasses.fields(kind)}
    options: dict[str, Any] = {}
    for key, value in raw.items():
        name = fields.get(key.replace("-", "_").rstrip("_"))
        here = f"{at}.options.{printable(key)}"
        if name is None:
            raise UsageError(f"{here}: the method has no such option{_whose(key)}")
        if name in options:
            raise UsageError(f"{here}: is there twice")
        options[name] = None if value == "none" and _may_be_none(kind, name) else value
    try:
        found = params.typed(kind, options, f"{at}.options")
        method = kind(
            **{n: getattr(found, n) for n in fields.values()}
        )  # msgspec leaves what is not there to the class
        method.check(options)
    except BadParametersError as e:
        raise UsageError(e.message, e.hint) from None
    except UsageError as e:
        raise UsageError(f"{at}.options: {e.message}", e.hint) from None
    return method


def _may_be_none(kind: type[Method], name: str) -> bool:
    """Whether an option can be nothing, for which TOML has no word, and `none` means nothing else to it."""
    annotation = typing.get_type_hints(kind, include_extras=True)[name]

    def takes(value: Any) -> bool:
        try:
            msgspec.convert(value, annotation)
        except msgspec.ValidationError:
            return False
        return True

    return takes(None) and not takes("none")


def _whose(key: str) -> str:
    """The methods that have an option."""
    name = key.replace("-", "_").rstrip("_")
    every = ((n, registry.only("methods", n)) for n in registry.names("methods"))
    having = [n for n, kind in every if name in {f.name.rstrip("_") for f in dataclasses.fields(kind)}]
    return f"; it is of {', '.join(having)}" if having else ""


def _shown(value: Any) -> str:
    return f"'{printable(value)}'" if isinstance(value, str) else printable(repr(value))
