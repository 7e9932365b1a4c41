"""Measuring: computes the statistics of steps on frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from normcli import columns
from normcli.blocks.block import Block
from normcli.blocks.record import Array, Codes
from normcli.columns import Frame, Infinite
from normcli.errors import BadRowError
from normcli.parameters.keys import Keyed, StepStates
from normcli.parameters.matrices import Matrices, raise_first
from normcli.parameters.parameters import Parameters

if TYPE_CHECKING:
    from normcli.parameters.categories import Category
    from normcli.stats.quantiles import Quantiles


class Measured(Struct, frozen=True):
    """Statistics of frames: each step's states, of all rows and by key; the number of rows of nonzero weight, and of
    those of them that were left out because they miss a value; the blocks that were read, with weights and codes;
    sketches of their columns, if there are to be any; and counts of categories."""

    states: tuple[StepStates, ...]
    keyed: Keyed | None
    rows: int
    incomplete: int
    blocks: list[Block]
    sketches: Quantiles | None = None
    categories: tuple[Category, ...] = ()


def measure(
    parameters: Parameters, frames: Sequence[Frame], infinite: Infinite, *, texts: Sequence[Frame], position: int = 0
) -> Measured:
    """The statistics of each step on consecutive frames; `texts` are frames of the same rows that hold the texts. With
    keys or weights there must be one frame, as batches support neither. Rows of weight 0 are never at fault. At a
    `position` above 0, their sketches are rougher, as they will be merged with those before. Raises BadRowError."""
    if parameters.weights is None:
        return _measured(parameters, frames, infinite, texts, position=position)
    (frame,), (text,) = frames, texts
    try:
        counts = _counts(parameters, parameters.weights, frame)
    except BadRowError as e:
        if e.row:  # an earlier row at fault is reported first
            measure(parameters, [columns.cut(frame, e.row)[0]], infinite, texts=[columns.cut(text, e.row)[0]])
        raise
    if not counts.all():
        frame, text = frame.filter(counts > 0.0), text.filter(counts > 0.0)
    rows = np.flatnonzero(counts)
    try:
        return _measured(parameters, [frame], infinite, [text], counts[rows])
    except BadRowError as e:
        e.row = int(rows[e.row]) if len(rows) else 0
        raise


def blocks_of(parameters: Parameters, frames: Sequence[Frame], infinite: Infinite) -> list[Block]:
    """The blocks that are read from consecutive frames to compute statistics. Raises BadRowError."""
    return _blocks(parameters, frames, infinite)[0].read


def categories_of(parameters: Parameters, texts: Sequence[Frame]) -> tuple[Category, ...]:
    """The counts of categories in frames. Raises BadRowError."""
    if not parameters.categories:
        return ()
    from normcli.parameters.categories import counted  # here, for few fits have any

    return counted(parameters.categories, texts)


def _counts(parameters: Parameters, column: str, frame: Frame) -> Array:
    """(rows,) the weight of each row, from `column`. Raises BadRowError."""
    integral = any(s.integer_weights for step in parameters.steps for s in step.method.statistics)
    return columns.weights(frame, column, integral=integral)


def _blocks(
    parameters: Parameters, frames: Sequence[Frame], infinite: Infinite, codes: Codes | None = None
) -> tuple[Matrices, dict[int, Block]]:
    """What is read from frames, and the matrix of each step that learns, or whose incomplete rows are counted, by its
    index; `codes` (rows,) are the groups of rows in fitted steps. The first pass reads what only others measure, too:
    it is where faults are found, and input columns are sketched. Raises BadRowError."""
    matrices, passes = Matrices(frames, infinite, reduce=parameters.weights is None), parameters.passes
    blocks: dict[int, Block] = {}
    for i in passes.to_measure:
        step = parameters.steps[i]
        block = matrices.block(step)
        if passes.is_measured(i) or i in passes.by_row:
            blocks[i] = block
        if passes.is_measured(i):
            continue
        fitted = step if step.transform else step.learn(())
        if codes is not None:
            block = replace(block, codes=codes, groups=1 + len(parameters.keys))
        with parameters.naming(i):
            matrices.put(step, matrices.located(partial(fitted.normalized, block)))
    for i in passes.ever_measured if passes.current == 0 else ():
        matrices.read_remaining(parameters.steps[i])
    return matrices, blocks


def _codes(parameters: Parameters, texts: Sequence[Frame]) -> Codes | None:
    """(rows,) the group of each row in steps that were fitted in passes before; None in the first, or without keys."""
    if not parameters.by or not parameters.current_pass:
        return None
    keys, codes = columns.keys(texts[0], parameters.by)
    groups = [parameters.groups.get(key, 0) for key in keys]  # a new one is of data that were changed, as will be said
    return np.array(groups, np.intp)[codes]


def _measured(
    parameters: Parameters, frames: Sequence[Frame], infinite: Infinite, texts: Sequence[Frame],
    weights: Array | None = None, *, position: int = 0,
) -> Measured:  # fmt: skip
    by = parameters.by
    try:
        matrices, blocks = _blocks(parameters, frames, infinite, _codes(parameters, texts))
        keys, codes = columns.keys(texts[0], by) if by else ((), None)
        categories = categories_of(parameters, texts)
    except BadRowError as e:
        if parameters.current_pass:  # there was no other fault in the first pass
            raise
        checks: list[Callable[[], object]] = [partial(blocks_of, parameters, frames, infinite)]
        checks += [partial(columns.keys, texts[0], by)] if by else []
        checks.append(partial(categories_of, parameters, texts))
        raise_first(e, checks)
    every = {id(b): b for b in (*matrices.read, *blocks.values())}
    used = list(every.values())
    if weights is not None and (weights != 1.0).any():  # weights of 1 are the same as none
        used = [replace(block, weights=weights) for block in used]
    now = dict(zip(every, used, strict=True))
    skipped = np.zeros(used[0].rows, np.bool_)
    for i in parameters.passes.by_row:
        if (incomplete := now[id(blocks[i])].incomplete) is not None:
            skipped |= incomplete
    blocks = {i: block for i, block in blocks.items() if parameters.passes.is_measured(i)}
    read = [now[id(block)] for block in matrices.read]
    sketches = None if parameters.current_pass else parameters.sketches
    sketched = None if sketches is None else sketches.of(matrices.names, read, position)
    states, keyed = _states(parameters, {i: now[id(b)] for i, b in blocks.items()}), None
    if codes is not None and keys:
        now = {i: replace(block, codes=codes, groups=len(keys)) for i, block in now.items()}
        count = np.bincount(codes, minlength=len(keys)).astype(np.float64)
        keyed = Keyed(keys, count, _states(parameters, {i: now[id(b)] for i, b in blocks.items()}, by_key=True))
        read = [now[id(block)] for block in matrices.read]
    return Measured(states, keyed, len(skipped), int(np.count_nonzero(skipped)), read, sketched, categories)


def _states(parameters: Parameters, blocks: Mapping[int, Block], *, by_key: bool = False) -> tuple[StepStates, ...]:
    """States of all steps, from the matrices of those that learn; of all rows, or `by_key` by the blocks' codes."""
    steps = enumerate(parameters.steps)
    return tuple(step.measure(blocks[i], by_key=by_key) if i in blocks else () for i, step in steps)
