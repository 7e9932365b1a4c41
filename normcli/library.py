"""normcli from Python: the command line's work, with values in place of flags."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from normcli import formats, memory, outputs, params, pipeline, registry, sources
from normcli.block import Block
from normcli.columns import Infinite
from normcli.drift import Comparison, Limits, Watch
from normcli.engines.threads import Threads, available
from normcli.errors import BadDataError, UsageError, printable
from normcli.formats import _keeping
from normcli.keys import Seen
from normcli.methods import Method
from normcli.pipeline import Progress
from normcli.plan import Plan, Step, merged, refined
from normcli.recipe import Choice, Recipe
from normcli.recut import size_of

Path = str | os.PathLike[str]


def fit(
    path: Path,
    method: Method | Sequence[Choice],
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    infinite: Infinite = "error",
    note: str = "",
    format: str | None = None,
    options: Any = None,
    block_size: int | None = None,
    threads: int | None = None,
    warn: Callable[[str], None] = lambda text: None,
) -> Plan:
    """Learns a method's parameters from a file, or an object of a store that a URI names.

    In place of a method there may be choices that follow each other, each a method with selectors of its columns.
    `include` and `exclude` are selectors as of -c and -x, `options` a format's. `block_size` is bytes of text or rows
    of a binary file; other than the default it changes last bits. Raises NormcliError.
    """
    choices = (Choice(method, tuple(include), tuple(exclude)),) if isinstance(method, Method) else tuple(method)
    for choice in choices:
        choice.method.check()
    reader = _reader(path, format, options, block_size)
    source, spelled = reader.source, _keeping.kept(vars(options) if options else {})

    def again() -> Iterator[formats.Reader]:
        sources.check_unchanged(path, source.identity)
        yield _reader(path, format, options, block_size)
        sources.check_unchanged(path, source.identity)

    recipe = Recipe(choices)
    reader.expect(recipe.named(reader.schema))
    schema, indexes = recipe.insisted(reader.schema, reader.identifiers), reader.indexes | reader.identifiers
    sizes, hint = lambda name: reader.list_size(name), reader.hint
    steps = recipe.steps(schema, sizes, others=reader.others, indexes=indexes, hint=hint)
    engine = Threads(threads or available())
    progress = Progress(warn=warn)
    with threadpool_limits(1, "blas"):
        plan = pipeline.fit(
            [reader],
            Plan(steps, schema, note=note, dialect=spelled),
            engine,
            infinite=infinite,
            again=again if source.regular else None,
            progress=progress,
            excludes=recipe.excludes,
        )
    return params.sealed(plan)


def apply(
    plan: Plan,
    path: Path,
    output: Path,
    *,
    inverse: bool = False,
    training: bool = False,
    infinite: Infinite = "error",
    format: str | None = None,
    options: Any = None,
    block_size: int | None = None,
    threads: int | None = None,
    warn: Callable[[str], None] = lambda text: None,
) -> None:
    """Normalizes a file, or restores it, into another, which appears whole or not at all; in `training`, by each
    batch's own statistics. Raises NormcliError."""
    formats.check_output(None, output)
    if training:
        plan = plan.in_training()
    with outputs.open_target(os.fspath(output)) as target, threadpool_limits(1, "blas"):
        reader = _reader(path, format, options, block_size, plan)
        to = formats.of_output(None, output, registry.name_of(reader))
        plan = replace(plan, form=replace(plan.form, text=formats.is_text(to)))
        pipeline.check_columns(plan, reader, inverse=inverse)
        blank = pipeline.output_frame(plan, reader, inverse=inverse)
        pipeline.check_writable(to, reader, blank, plan.gives(inverse=inverse))
        writer = formats.writer(to, reader, blank, None, pipeline.digests_after(plan, reader, inverse=inverse))
        work = pipeline.written_by(writer, blank, plan, infinite=infinite, inverse=inverse)
        part = pipeline.Part(reader, work, doubt=pipeline.doubt(plan, reader, to, inverse=inverse))
        pipeline.apply([part], Threads(threads or available()), file=target, progress=Progress(warn=warn))
        target.commit()


def check(
    plan: Plan,
    path: Path,
    *,
    limits: Limits | None = None,
    extra: bool = True,
    infinite: Infinite = "error",
    format: str | None = None,
    options: Any = None,
    block_size: int | None = None,
    threads: int | None = None,
    warn: Callable[[str], None] = lambda text: None,
) -> Comparison:
    """Compares a file with the data that a plan was fitted on; unless `extra`, columns that the fit did not see are
    drift. Raises NormcliError."""
    watch, progress = Watch(plan, extra), Progress(warn=warn)
    with threadpool_limits(1, "blas"):
        reader = _reader(path, format, options, block_size, plan)
        pipeline.check([reader], watch, Threads(threads or available()), infinite=infinite, progress=progress)
    return watch.compared(limits or Limits(), progress.rows)


def _reader(
    path: Path, format: str | None, options: Any, block_size: int | None, plan: Plan | None = None
) -> formats.Reader:
    """Text without options is read as that which a plan was fitted on."""
    if options is not None:
        options.check()
    source = sources.open_source(path)
    source.room = memory.of_input(None)
    kind = formats.of_source(source, format)
    module = formats.module(kind)
    options = options or _keeping.options(kind, plan.dialect if plan else ()) or module.Options()
    made: formats.Reader = module.Reader(source, options, block_size=block_size)
    return made


def fit_blocks(method: Method, blocks: Iterable[Any], names: Sequence[str]) -> Step:
    """A step fitted on matrices (rows, d) in memory, NaN where missing, merged in order. An iterator of them does not
    do for a method that takes several passes. Raises NormcliError."""
    method.check()
    method.check_features(len(names))
    if iter(blocks) is blocks and any(s.repeats for s in method.statistics):
        raise UsageError(
            "this takes more than one pass over the blocks, and an iterator gives them once", "a list does"
        )
    step = Step(method, tuple(names))

    def measure(blanks: tuple[Seen, ...]) -> tuple[Seen, ...]:
        given = (_block(b, names) for b in blocks)
        whole = _whole_batches(given, step.unfitted_multiple) if step.unfitted_multiple > 1 else given
        seen = (replace(step, asked=blanks[0]).measure(b) for b in whole)
        return (reduce(lambda a, b: merged((a,), (b,))[0], seen, blanks[0]),)

    with threadpool_limits(1, "blas"), np.errstate(all="ignore"):
        (states,) = refined(measure((method.statistics,)), measure)
        if states and not states[0].groups:
            raise BadDataError("there are no rows to learn from")
        return step.learn(states)


def _whole_batches(blocks: Iterable[Block], multiple: int) -> Iterator[Block]:
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
    block = Block.of(matrix)
    if len(block.columns) != len(names):
        raise BadDataError(f"a block of {len(block.columns)} columns where {len(names)} are named")
    for name, x in zip(names, block.columns, strict=True):
        if np.isinf(x).any():
            raise BadDataError(f"row {int(np.isinf(x).argmax()) + 1}: infinite value in column '{printable(name)}'")
    return block
