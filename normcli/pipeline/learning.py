"""From states to parameters: states of inputs are merged, learned from, and learned from again."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import asdict, replace
from xxhash import xxh3_128

from normcli import registry
from normcli.blocks.block import Block
from normcli.columns import Field
from normcli.errors import BadDataError, UsageError, printable
from normcli.methods import Method, listed, spelled
from normcli.parameters import FrameTransform, Measured, Parameters, Rules, Step
from normcli.parameters.folding import InputTotal, Subtotal
from normcli.parameters.keys import Keyed, Ledger, StepStates, described
from normcli.pipeline import memory

if TYPE_CHECKING:
    from normcli.parameters.categories import Category
    from normcli.stats.quantiles import Quantiles


class Total:
    """States of all inputs: those of the parameters that it begins with, those that have ended since, and the one that
    is being read. States fold within an input, then across inputs, so that a fit over all, updates one
    after the other and a merge end in the same bits. Batches run on from one input into the next: they are as one
    input."""

    def __init__(self, parameters: Parameters, *, once: bool = False, max_memory: int | None = None) -> None:
        """If `once`, an input whose content was counted before is left out; `max_memory` are bytes of memory for what
        follows from it, where somebody says."""
        self.parameters, self.once, self.max_memory = parameters, once, max_memory
        self.rows = 0
        self.inputs: list[str] = []
        self._blank, self._blank_sketches = parameters.blanks
        self.subtotal = Subtotal(self._blank, sketches=self._blank_sketches)
        self._types: tuple[str, ...] = ()
        self._known: set[str] = set()
        self._runs_on = self.parameters.unfitted_multiple > 1
        self._here = InputTotal(self._blank, self._blank_sketches)
        self._counted, self._left = 0, 0  # inputs
        if not parameters.turn and any(step.states for step in self.parameters.steps):
            self.add_fit(self.parameters)
        self._start()

    def _start(self) -> None:
        self._rows_here = 0
        self._types_here: tuple[str, ...] = ()
        self._digest = xxh3_128()
        if not self._runs_on:
            self._here = InputTotal(self._blank, self._blank_sketches)

    def add_chunk(self, rows: int, types: tuple[str, ...], digest: bytes) -> None:
        """The next chunk of the input that is being read."""
        self._rows_here += rows
        self._types_here = wider(self._types_here, types)
        self._digest.update(digest)

    def add(self, measured: Measured, *, can_end_segment: bool) -> None:
        """Adds the states of the next chunk, or of the next whole batches."""
        self._here.add(measured, can_end_segment=can_end_segment)

    def add_segment(self, segment: Subtotal) -> None:
        """Adds the states of the next segment of the input, which were folded by themselves."""
        self._here.add_segment(segment)

    def end(self, names: Sequence[str]) -> bool:
        """The input, whose columns are called `names`, has ended: whether it counts, or did already."""
        self._digest.update("\0".join(names).encode("utf-8", "surrogatepass"))
        digest = f"xxh3-128:{self._digest.hexdigest()}"
        counts = not (self.once and digest in self._known)
        if not counts:
            self._left += 1
        elif self._rows_here:
            here = Subtotal(self._blank, sketches=self._blank_sketches) if self._runs_on else self._here.end()
            self._count(here, self._rows_here, self._types_here, (digest,))
            self._counted += 1
        self._start()
        return counts

    def finish(self) -> None:
        """All inputs have ended: what runs on over them counts as one. Raises BadDataError where one of several was
        counted already: its rows are in batches with those of others."""
        if self._runs_on and self._counted:
            if self._left:
                what = "an input was counted already, and batches run on from input to input"
                raise BadDataError(what, "leave it out, or --recount counts it again")
            self._count(self._here.end(), 0, (), ())

    def add_fit(self, parameters: Parameters) -> None:
        """Adds the states of another fit."""
        ledger, of_rows = Ledger(), tuple(step.states for step in parameters.steps)
        if parameters.keys:
            of_rows = tuple(tuple(s.taken([0]) for s in states) for states in of_rows)
            of_keys = tuple(tuple(s.taken(slice(1, None)).by_key() for s in step.states) for step in parameters.steps)
            ledger.add(Keyed(parameters.keys, np.array(parameters.key_rows, np.float64), of_keys))
        total = Subtotal(of_rows, ledger, parameters.skipped, self._sketches_of(parameters), parameters.categories)
        self._count(total, parameters.rows, types_of(parameters), parameters.inputs)

    def _sketches_of(self, parameters: Parameters) -> Quantiles | None:
        """The sketches of another fit, of the columns of this one, in its order."""
        if self.parameters.sketches is None or parameters.sketches is None:
            return None
        return parameters.sketches.taken(self.parameters.sketches.names).statistic

    def _count(self, measured: Subtotal, rows: int, types: tuple[str, ...], inputs: tuple[str, ...]) -> None:
        self.subtotal = self.subtotal.merge(measured)
        self.rows += rows
        self._types = wider(self._types, types)
        self.inputs.extend(inputs)
        self._known.update(inputs)

    def learned(self) -> Parameters:
        """The parameters with what follows from all of it. Raises BadDataError."""
        types = dict(zip(self.parameters.needs(), self._types, strict=True))
        schema = tuple(Field(f.name, types.get(f.name, f.type)) for f in self.parameters.schema)
        fitted = learn(
            replace(self.parameters, schema=schema), self.subtotal.states, self.subtotal.ledger, self.max_memory
        )
        state, sketches = self.subtotal.sketches, self.parameters.sketches
        sketches = None if sketches is None or state is None else replace(sketches, statistic=state)
        skipped, inputs = self.subtotal.incomplete, tuple(self.inputs)
        categories = self.subtotal.categories or fitted.categories
        return replace(fitted, rows=self.rows, skipped=skipped, inputs=inputs, sketches=sketches, categories=categories)


def learn(
    parameters: Parameters,
    all_states: tuple[StepStates, ...],
    ledger: Ledger | None = None,
    max_memory: int | None = None,
) -> Parameters:
    """The parameters with what the steps of their turn learn from their states of all rows, and of each key, in
    `max_memory` bytes if that is given. Raises BadDataError."""
    if ledger:
        by_key = ledger.sorted()
        memory.check_keys(parameters, all_states, by_key, max_memory)
        parameters = replace(parameters, keys=by_key.keys, key_rows=tuple(map(int, by_key.rows.tolist())))
        all_states = tuple(
            tuple(type(s).stacked([s, k]) for s, k in zip(of_rows, of_keys, strict=True))
            for of_rows, of_keys in zip(all_states, by_key.states, strict=True)
        )
    if any(state.next_pass() is not None for states in all_states for state in states):
        raise BadDataError("exact quantiles of what was counted apart can't be had without the data", "fit it together")
    called = ["", *(described(parameters.by, key) for key in parameters.keys)]
    steps = []
    for i, (step, states) in enumerate(zip(parameters.steps, all_states, strict=True)):
        if step.learns and not parameters.is_measured(i):  # in another pass
            steps.append(step)
            continue
        try:
            steps.append(step.learn(states, called))
        except BadDataError as e:
            raise BadDataError(parameters.at(i) + e.message, e.hint) from None
    fitted = replace(parameters, steps=tuple(steps))
    if not all(step.transform for step in steps):
        return fitted
    clashes = FrameTransform(fitted).clashes({f.name for f in parameters.schema})
    if clashes:
        raise BadDataError(f"a column is called {listed(clashes)} already", "use --prefix")
    return fitted


def digest(
    content: bytes | None,
    blocks: Sequence[Block],
    keyed: Keyed | None = None,
    beside: Sequence[tuple[str, str | None]] = (),
    hasher: xxh3_128 | None = None,
    categories: Sequence[Category] = (),
) -> bytes:
    """Of what is counted of a chunk: its text, or what was decoded of it; and the keys that come with its input. The
    text may have gone through a `hasher` already."""
    hasher = xxh3_128(content or b"") if hasher is None else hasher
    if beside:
        hasher.update(repr(beside).encode())
    if content is None:
        hasher.update(repr(keyed and keyed.keys).encode())
        if categories:
            hasher.update(repr(categories).encode())
        arrays = (a for block in blocks for a in (*block.columns, block.weights, block.codes))
        for column in (a for a in arrays if a is not None):
            hasher.update(np.ascontiguousarray(column).view(np.uint8).data)
    return hasher.digest()


def types_of(parameters: Parameters) -> tuple[str, ...]:
    """The types of the columns that parameters need."""
    return tuple(parameters.types[n] for n in parameters.needs())


def wider(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
    """Types that hold what two parts of the same columns do; () is of no rows."""
    return tuple(map(_wider, a, b)) if a and b and a != b else a or b


def _wider(a: str, b: str) -> str:
    if "null" in (a, b):  # without a value
        return b if a == "null" else a
    number = Field("", a).list_of
    return a if a == b else a.replace(number, "float64") if number else "float64"


def warn_of_columns(parameters: Parameters, warn: Callable[[str], None]) -> None:
    """Columns that have nothing to learn from."""
    for step in parameters.steps:
        summary = step.summary()
        empty = [n for n, c in zip(step.features, summary.get("count", ()), strict=False) if c == 0]
        ends = zip(step.features, summary.get("min", ()), summary.get("max", ()), strict=False)
        same = [n for n, least, greatest in ends if least == greatest]
        if empty:
            warn(f"no value in {listed(empty)}: nothing is learned, and all comes out missing{_without(step, empty)}")
        if same:
            warn(f"constant: {listed(same)}; {_of_constants(step, same)}{_without(step, same)}")
        for doubt in step.doubts():
            warn(doubt)


def _of_constants(step: Step, names: Sequence[str]) -> str:
    """What becomes of constant columns."""
    several = len(names) > 1
    if not step.fitted.is_apart():
        return f"{'they correlate' if several else 'it correlates'} with no other column"
    with np.errstate(all="ignore"):
        row = step.fitted(Block.of(step.summary()["min"][None, :]))[0]
    values = {float(row[step.features.index(name)]) + 0.0 for name in names}
    out = f"{values.pop():.6g}" if len(values) == 1 else "one value each"
    return f"{'they come' if several else 'it comes'} out as {out}"


def _without(step: Step, names: Sequence[str]) -> str:
    """How columns are left out, in parentheses; empty for values within lists, and where no column would be left."""
    if step.length is not None or len(names) == len(step.features):
        return ""
    which = shlex.quote(",".join(map(printable, names)))
    return (
        f" (-x {which} leaves {'them' if len(names) > 1 else 'it'} out)"
        if len(names) <= 3
        else " (-x leaves columns out)"
    )


def cut_batch(parameters: Parameters) -> str | None:
    """What should be known of a fit that goes on after these parameters: that it has ended within a batch."""
    size = parameters.unfitted_multiple
    if parameters.rows % size == 0:
        return None
    return (
        f"after {parameters.rows:,} rows a batch of {size:,} is cut short: what follows begins with a batch of its own"
    )


def check_continues(name: str, parameters: Parameters, what: str) -> None:
    """Raises UsageError, naming a file, where a fit can't be `what`, updated or merged: later passes saw results of the
    first, which other data would change."""
    if parameters.pass_count > 1:
        raise UsageError(
            f"{name}: a plan of {parameters.pass_count} passes can't be {what}: its later steps learn from results of "
            "the first, which more data change",
            'from = "FILE" in its steps takes the first as they were fitted, and learns the others in one pass',
        )


# -- several fits ------------------------------------------------------------------------------------------------
def merge(fits: Iterable[tuple[str, Parameters]], *, allow_duplicates: bool = False) -> Parameters:
    """Parameters of several fits, each with the name of its file, equal to those of one fit over all inputs in that
    order, with the columns in the order of the first. Raises BadDataError, naming what differs, and, unless
    `allow_duplicates`, where an input was counted twice."""
    from normcli.parameters.alignment import align  # here, for other commands do without

    pairs = iter(fits)
    first_name, first = next(pairs)
    if not first.learns:
        hint = "fit it from the data" if any(s.external for s in first.steps) else "any one of the files is enough"
        raise BadDataError(f"{first_name}: {first.why_fixed}, so there is nothing to merge", hint)
    check_continues(first_name, first, "merged")
    total, note = Total(first), first.note
    counted_by = dict.fromkeys(first.inputs, first_name)
    for name, fitted in pairs:
        check_continues(name, fitted, "merged")
        parameters = align(fitted, first)
        difference = next(differences(first_name, first, parameters), None)
        if difference:
            raise BadDataError(f"{name}: {difference}", "only fits that differ in their data merge")
        twice = next((counted_by[i] for i in parameters.inputs if i in counted_by), None)
        if twice and not allow_duplicates:
            n = sum(i in counted_by for i in parameters.inputs)
            what = (
                f"{n} of the inputs that it has counted {'was' if n == 1 else 'were'} counted before, first by {twice}"
            )
            raise BadDataError(f"{name}: {what}", "--allow-duplicates counts an input twice")
        total.add_fit(parameters)
        counted_by |= dict.fromkeys(parameters.inputs, name)
        note = note if note == parameters.note else ""
    return replace(total.learned(), note=note)


def differences(first: str, a: Parameters, b: Parameters) -> Iterator[str]:
    """What keeps the states of `b` from those of `a`, which is that of the file `first`."""
    if len(a.steps) != len(b.steps):
        yield f"has {len(b.steps)} step{'' if len(b.steps) == 1 else 's'}, and {first} {len(a.steps)}"
    for (flag, was), (_, current) in zip(_flags(a), _flags(b), strict=True):
        if was != current:
            yield f"was fitted {_flag_phrase(flag, current)}, and {first} {_flag_phrase(flag, was)}"
    for i, (x, y) in enumerate(zip(a.steps, b.steps, strict=False)):
        one, other = registry.name_of(x.method), registry.name_of(y.method)
        where = f"steps[{i}] " if a.at(i) or b.at(i) else ""
        more, lacking = ([n for n in p.features if n not in q.features] for p, q in ((y, x), (x, y)))
        if one != other:
            yield f"{where}is of {other}, and {first} of {one}"
        elif x.method != y.method:
            option = next(n for n, value in asdict(x.method).items() if value != getattr(y.method, n))
            of = f" for {listed(list(x.columns))}" if option in x.method.per_column else ""
            yield f"{where}is of {one} {spelled(y.method, option)}{of}, and {first} {spelled(x.method, option)}"
        elif x.external != y.external:
            mine, theirs = ("was imported without counts of rows" if s.external else "was not" for s in (y, x))
            yield f"{where}{mine}, and {first} {theirs}"
        elif x.external and not x.does_as(y):
            yield f"{where}was taken from another fit of {one} than that of {first}"
        elif more or lacking:
            yield (
                f"{where}has {listed(more)}, and {first} has not"
                if more
                else f"{where}lacks {listed(lacking)}, and {first} has it"
            )
        elif x.length != y.length:
            lists = [listed(list(s.columns)) + (" of lists" if s.length else "") for s in (x, y)]
            yield f"{where}has {lists[1]}, and {first} {lists[0]}"
        elif x.features != y.features:
            orders = [listed(list(step.features)) for step in (y, x)]
            yield f"{where}has channels of the columns as {orders[0]}, and {first} as {orders[1]}"


def _flag_phrase(flag: str, names: Sequence[str]) -> str:
    return f"with --{flag} {','.join(map(printable, names))}" if names else f"without --{flag}"


def _flags(parameters: Parameters) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What is not of one step, and what was said of it."""
    yield "by", parameters.by
    yield "categories", tuple(category.name for category in parameters.categories)
    yield "weights", () if parameters.weights is None else (parameters.weights,)
    yield "unseen", (parameters.rules.unseen,)
    yield "min-count", (str(parameters.rules.min_count),)


# -- another method ----------------------------------------------------------------------------------------------
def relearn(parameters: Parameters, method: Method) -> Parameters:
    """What another method, or the same with other options, learns from the states of parameters, without data. Raises
    UsageError where they do not suffice, BadDataError where the data were unfit for it."""
    often = Counter(n for step in parameters.steps for n in step.columns)
    twice = [n for n, count in often.items() if count > 1 or n not in parameters.types]
    if twice:
        what = f"{listed(twice)}: goes through several steps, and so can't be learned again by one"
        raise UsageError(what, "fit it from the data")
    for step in parameters.steps:
        method.check_features(len(step.features))
    states = tuple(_needed(step, method) for step in parameters.steps)
    if not method.statistics:
        parameters = replace(
            parameters, rows=0, skipped=0, inputs=(), by=(), keys=(), key_rows=(), weights=None, rules=Rules(),
            sketches=None, categories=(),
        )  # fmt: skip
    steps = tuple(replace(step, method=method, transform=None) for step in parameters.steps)
    fitted = learn(replace(parameters, steps=steps), states)
    fitted.check_rules()
    return fitted


def _needed(step: Step, method: Method) -> StepStates:
    known = tuple(state for state in step.states if not state.is_unknown)
    states = {type(state): state for state in known}
    same_rows = step.method.by_row == method.by_row
    for blank in method.statistics:
        state = states.get(type(blank))
        if not same_rows or state is None or state.settings() != blank.settings():
            needed, have = _described(method, method.statistics), _described(step.method, known)
            what = f"{registry.name_of(method)} learns from {needed}, and the file has kept {have}"
            raise UsageError(what, "fit it from the data")
    return tuple(states[type(blank)] for blank in method.statistics)


def _described(method: Method, statistics: StepStates) -> str:
    descriptions = []
    for one in statistics:
        settings = one.described_settings()
        descriptions.append(registry.name_of(one) + (f" ({settings})" if settings else ""))
    return (", ".join(descriptions) or "nothing") + (" of complete rows" if descriptions and method.by_row else "")
