"""From what was seen to parameters: states of inputs are put together, learned from, and learned from again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from blake3 import blake3

from normcli import registry
from normcli.columns import Field
from normcli.errors import BadDataError, UsageError
from normcli.keys import Keyed, Ledger, Seen, described
from normcli.methods import Method, listed
from normcli.plan import Measured, Plan, Step, merged
from normcli.stats import Statistic


@dataclass
class Total:
    """What was seen of all inputs: those of the plan that it begins with, those that have ended since, and the one that
    is being read. States fold within an input, then across inputs, so that a fit over all, updates one after the other
    and a merge end in the same bits."""

    plan: Plan
    once: bool = False  # an input whose content was counted before is left out
    inputs: list[str] = field(init=False)
    rows: int = field(init=False)
    skipped: int = field(init=False)

    def __post_init__(self) -> None:
        self.seen = tuple(step.seen for step in self.plan.steps)
        self.rows, self.skipped, self.inputs = self.plan.rows, self.plan.skipped, list(self.plan.inputs)
        self._types = types_of(self.plan) if self.plan.rows else ()
        self._ledger = Ledger()
        if self.plan.keys:
            self.seen = tuple(tuple(s.taken([0]) for s in seen) for seen in self.seen)
            self._ledger.add(keyed(self.plan))
        self._start()

    def _start(self) -> None:
        self._here: tuple[Seen, ...] = tuple(step.method.statistics for step in self.plan.steps)
        self._rows_here, self._skipped_here = 0, 0
        self._types_here: tuple[str, ...] = ()
        self._digest, self._ledger_here = blake3(), Ledger()

    def add(self, measured: Measured, rows: int, types: tuple[str, ...], digest: bytes) -> None:
        """The next chunk of the input that is being read."""
        self._here = merged(self._here, measured.seen)
        if measured.keyed is not None:
            self._ledger_here.add(measured.keyed)
        self._rows_here += rows
        self._skipped_here += measured.incomplete
        self._types_here = wider(self._types_here, types)
        self._digest.update(digest)

    def end(self, names: Sequence[str]) -> bool:
        """The input, whose columns are called `names`, has ended: whether it counts, or did already."""
        self._digest.update("\0".join(names).encode("utf-8", "surrogatepass"))
        digest = f"blake3:{self._digest.hexdigest()}"
        counts = not (self.once and digest in self.inputs)
        if counts and self._rows_here:
            self.seen = merged(self.seen, self._here)
            if not len(self._ledger):
                self._ledger = self._ledger_here
            elif len(self._ledger_here):
                self._ledger.add(self._ledger_here.sorted())
            self.rows, self.skipped = self.rows + self._rows_here, self.skipped + self._skipped_here
            self._types = wider(self._types, self._types_here)
            self.inputs.append(digest)
        self._start()
        return counts

    def learned(self) -> Plan:
        """The plan with what follows from all of it. Raises BadDataError."""
        types = dict(zip(self.plan.needs(), self._types, strict=True))
        schema = tuple(Field(f.name, types.get(f.name, f.type)) for f in self.plan.schema)
        made = learn(replace(self.plan, schema=schema), self.seen, self._ledger)
        return replace(made, rows=self.rows, skipped=self.skipped, inputs=tuple(self.inputs))


def learn(plan: Plan, seen: tuple[Seen, ...], ledger: Ledger | None = None) -> Plan:
    """The plan with what its steps learn from their states of all rows, and of each key. Raises BadDataError."""
    if ledger:
        by_key = ledger.sorted()
        plan = replace(plan, keys=by_key.keys, key_rows=tuple(map(int, by_key.rows.tolist())))
        seen = tuple(
            tuple(type(s).stacked([s, k]) for s, k in zip(whole, each, strict=True))
            for whole, each in zip(seen, by_key.seen, strict=True)
        )
    called = ["", *(described(plan.by, key) for key in plan.keys)]
    made = replace(plan, steps=tuple(s.learn(states, called) for s, states in zip(plan.steps, seen, strict=True)))
    taken = made.taken({f.name for f in plan.schema})
    if taken:
        raise BadDataError(f"a column is called {listed(taken)} already", "use --prefix")
    return made


def keyed(plan: Plan) -> Keyed:
    """What a plan has seen of each key."""
    seen = tuple(tuple(s.taken(slice(1, None)) for s in step.states) for step in plan.steps)
    return Keyed(plan.keys, np.array(plan.key_rows, np.float64), seen)


def digest(content: bytes | None, measured: Measured) -> bytes:
    """Of what is counted of a chunk: its text, or what was decoded of it."""
    made = blake3(content or b"")
    if content is None:
        made.update(repr(measured.keyed and (measured.keyed.keys, measured.keyed.rows.tolist())).encode())
        for column in (c for block in measured.blocks for c in (*block.columns, block.weights) if c is not None):
            made.update(np.ascontiguousarray(column).view(np.uint8).data)
    return made.digest()


def types_of(plan: Plan) -> tuple[str, ...]:
    """Of the columns that a plan needs."""
    return tuple(plan.types[n] for n in plan.needs())


def wider(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
    """Types that hold what two parts of the same columns do; () is of no rows."""
    return tuple(map(_wider, a, b)) if a and b else a or b


def _wider(a: str, b: str) -> str:
    number = Field("", a).list_of
    return a if a == b else a.replace(number, "float64") if number else "float64"


# -- several fits ------------------------------------------------------------------------------------------------
def merge(plans: Iterable[tuple[str, Plan]], *, again: bool = False) -> Plan:
    """One plan of several fits, each with the name of its file, as if one fit had seen all their inputs in that order.
    Raises BadDataError, naming what differs, and where an input was counted twice, unless `again` allows it."""
    each = iter(plans)
    first_name, first = next(each)
    _check_learned(first_name, first)
    types, whole, ledger = types_of(first), first, Ledger()
    seen = _of_all_rows(first)
    if first.keys:
        ledger.add(keyed(first))
    for name, plan in each:
        difference = next(differences(first, plan), None)
        if difference:
            raise BadDataError(f"{name}: {difference} in {first_name}", "only fits that differ in their data merge")
        twice = set(whole.inputs) & set(plan.inputs)
        if twice and not again:
            what = f"{name}: has counted {len(twice)} of the inputs that others before it have, too ({min(twice)})"
            raise BadDataError(what, "--again counts them twice")
        seen = merged(seen, _of_all_rows(plan))
        if plan.keys:
            ledger.add(keyed(plan))
        types = wider(types, types_of(plan))
        whole = replace(
            whole,
            rows=whole.rows + plan.rows,
            skipped=whole.skipped + plan.skipped,
            inputs=whole.inputs + plan.inputs,
            note=whole.note if whole.note == plan.note else "",
        )
    known = dict(zip(first.needs(), types, strict=True))
    schema = tuple(Field(f.name, known.get(f.name, f.type)) for f in first.schema)
    return learn(replace(whole, schema=schema), seen, ledger)


def _of_all_rows(plan: Plan) -> tuple[Seen, ...]:
    return tuple(tuple(s.taken([0]) for s in step.states) for step in plan.steps)


def _check_learned(name: str, plan: Plan) -> None:
    if not any(step.states for step in plan.steps):
        method = registry.name_of(plan.steps[0].method)
        raise BadDataError(f"{name}: {method} learns nothing from data, so there is nothing to merge")


def differences(a: Plan, b: Plan) -> Iterator[str]:
    """What keeps the states of `b` from those of `a`: words of the one, ending before those of the other."""
    if len(a.steps) != len(b.steps):
        yield f"{len(b.steps)} steps, and {len(a.steps)}"
    if a.by != b.by:
        yield f"--by {','.join(b.by) or 'not given'}, and {','.join(a.by) or 'not given'}"
    if a.weights != b.weights:
        yield f"--weights {b.weights or 'not given'}, and {a.weights or 'not given'}"
    for x, y in zip(a.steps, b.steps, strict=False):
        one, other = registry.name_of(x.method), registry.name_of(y.method)
        if one != other:
            yield f"method {other}, and {one}"
        elif x.method != y.method:
            field, was, found = next(_options(x.method, y.method))
            yield f"{one} with --{field.replace('_', '-')} {found}, and {was}"
        elif set(x.features) != set(y.features):
            apart = sorted(set(x.features) ^ set(y.features))
            yield f"other columns ({listed(apart)} are in one file only), and not those"
        elif x.features != y.features:
            yield f"the columns in another order ({listed(list(y.columns))}), and {listed(list(x.columns))}"


def _options(a: Method, b: Method) -> Iterator[tuple[str, object, object]]:
    """The options in which two of one kind differ, and their values."""
    for name, value in vars(a).items():
        if value != getattr(b, name):
            yield name, value, getattr(b, name)


# -- another method ----------------------------------------------------------------------------------------------
def relearn(plan: Plan, method: Method) -> Plan:
    """What another method, or the same with other options, learns from the states of a plan, without data. Raises
    UsageError where they do not suffice, BadDataError where the data were unfit for it."""
    states = tuple(_needed(step, method) for step in plan.steps)
    steps = tuple(replace(step, method=method, transform=None) for step in plan.steps)
    made = learn(replace(plan, steps=steps), states)
    return made if method.statistics else replace(made, rows=0, skipped=0, inputs=())


def _needed(step: Step, method: Method) -> Seen:
    kept = {type(state): state for state in step.states}
    found = []
    for blank in method.statistics:
        state = kept.get(type(blank))
        if state is None or state.settings() != blank.settings() or step.method.by_row != method.by_row:
            have = ", ".join(map(_described, step.states)) + (" of complete rows" if step.method.by_row else "")
            raise UsageError(
                f"{registry.name_of(method)} learns from {_described(blank)}"
                f"{' of complete rows' if method.by_row else ''}, and the file has kept {have.strip() or 'nothing'}",
                "fit it from the data",
            )
        found.append(state)
    return tuple(found)


def _described(statistic: Statistic) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in statistic.settings().items())
    return registry.name_of(statistic) + (f" ({settings})" if settings else "")
