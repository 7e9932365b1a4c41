"""From states to parameters: states of inputs are merged, learned from, and learned from again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace
from xxhash import xxh3_128

from normcli.blocks.block import Block
from normcli.columns import Field
from normcli.errors import BadDataError
from normcli.methods import listed
from normcli.parameters import FrameTransform, Parameters
from normcli.parameters.folding import InputTotal, Subtotal
from normcli.parameters.keys import Keyed, Ledger, StepStates, described
from normcli.pipeline import memory

if TYPE_CHECKING:
    from normcli.parameters.categories import Category
    from normcli.pipeline.work import Result
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
        self.fingerprint = xxh3_128()  # of all that was read, where chunks have any
        self._blank, self._blank_sketches = parameters.blanks
        self.subtotal = Subtotal(self._blank, sketches=self._blank_sketches)
        self._types: tuple[str, ...] = ()
        self._known: set[str] = set()
        self._runs_on = self.parameters.unfitted_multiple > 1
        self._here = InputTotal(self._blank, self._blank_sketches)
        self._counted, self._left = 0, 0  # inputs
        if not parameters.current_pass and any(step.states for step in self.parameters.steps):
            self.add_fit(self.parameters)
        self._start()

    def _start(self) -> None:
        self._rows_here = 0
        self._types_here: tuple[str, ...] = ()
        self._digest = xxh3_128()
        if not self._runs_on:
            self._here = InputTotal(self._blank, self._blank_sketches)

    def take(self, result: Result, names: Sequence[str]) -> bool:
        """Adds what was counted and measured of the next chunk of an input, of the next whole batches, or of a segment
        that was folded by itself. False with the last of an input, whose columns are called `names`, that was counted
        before, and is not again."""
        self._rows_here += result.rows
        self._types_here = wider(self._types_here, result.types)
        self._digest.update(result.digest)
        self.fingerprint.update(result.fingerprint)
        if result.measured is not None:
            self._here.add(result.measured, can_end_segment=result.can_end_segment)
        if result.subtotal is not None:
            self._here.add_segment(result.subtotal)
        return not result.last or self._end(names)

    def _end(self, names: Sequence[str]) -> bool:
        """The input has ended: whether it counts."""
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
    """The parameters with what the steps of their pass learn from their states of all rows, and of each key, in
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
        if step.learns and not parameters.passes.is_measured(i):  # in another pass
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
