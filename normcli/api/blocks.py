"""Fitting matrices in memory, block by block."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace

from normcli.api.arguments import Names, OneMethod, public
from normcli.api.requesting import listed_names, method_with_options, one_blas_thread
from normcli.blocks.block import Block
from normcli.errors import BadDataError, UsageError, printable
from normcli.methods import Method
from normcli.parameters import Measured, Step, refined
from normcli.parameters.folding import InputTotal
from normcli.parameters.keys import StepStates
from normcli.pipeline.rebatch import size_of


@public()
def fit_blocks(method: OneMethod, blocks: Iterable[Any], names: Names) -> Step:
    """A step fitted on `blocks`, matrices (rows, d) in memory, NaN where missing, merged like the blocks of one
    input. An iterator of them does not do for a method that takes several passes. `method` is a name, a class or an
    instance, `names` are those of the d columns. Raises NormcliError."""
    learner, names = method_with_options(method, {}), listed_names(names, "names")
    if learner is None:
        raise UsageError("fit_blocks takes one method", "fit takes several steps")
    if not isinstance(blocks, Iterable):
        raise UsageError(f"blocks: {blocks!r} is no iterable of matrices")
    return _fitted(learner, blocks, names)


def _fitted(method: Method, blocks: Iterable[Any], names: Sequence[str]) -> Step:
    method.check()
    method.check_features(len(names))
    if iter(blocks) is blocks and any(s.repeats for s in method.statistics):
        raise UsageError(
            "this takes more than one pass over the blocks, and an iterator gives them once", "a list does"
        )
    step = Step(method, tuple(names))

    def measure(blanks: tuple[StepStates, ...]) -> tuple[StepStates, ...]:
        parts = (_block(b, names) for b in blocks)
        chunks = _full_batches(parts, step.unfitted_multiple) if step.unfitted_multiple > 1 else parts
        total, measuring = InputTotal(blanks), replace(step, statistics_override=blanks[0])
        for b in chunks:
            measured = Measured((measuring.measure(b),), None, b.rows, 0, [])
            total.add(measured, can_end_segment=step.unfitted_multiple == 1)
        return total.end().states

    with one_blas_thread(), np.errstate(all="ignore"):
        (states,) = refined(measure((method.statistics,)), measure)
        if states and not states[0].groups:
            raise BadDataError("there are no rows to learn from")
        return step.learn(states)


def _full_batches(blocks: Iterable[Block], multiple: int) -> Iterator[Block]:
    """The same rows in pieces as the pipeline cuts them."""
    size, held = size_of(multiple), list[Block]()
    for block in blocks:
        held.append(block)
        while sum(b.rows for b in held) >= size + 2:
            rows = Block.joined(held)
            yield Block(tuple(x[:size] for x in rows.columns))
            held = [Block(tuple(x[size:] for x in rows.columns))]
    if held:
        yield Block.joined(held)


def _block(matrix: Any, names: Sequence[str]) -> Block:
    try:
        values = np.asarray(matrix, np.float64)
    except (TypeError, ValueError):
        raise BadDataError("a block is no matrix of numbers") from None
    if values.ndim != 2:
        raise BadDataError(f"a block of {values.ndim} dimensions, and a matrix has 2")
    block = Block.of(values)
    if len(block.columns) != len(names):
        raise BadDataError(f"a block of {len(block.columns)} columns where {len(names)} are named")
    for name, x in zip(names, block.columns, strict=True):
        if np.isinf(x).any():
            raise BadDataError(f"row {int(np.isinf(x).argmax()) + 1}: infinite value in column '{printable(name)}'")
    return block
