"""normcli from Python: the command line's jobs, with keyword arguments in place of flags, by the same names.

Paths are those of the command line, URIs, directories and globs among them. What the command line warns of is a
`NormcliWarning`, or goes to `events`; what it refuses raises a NormcliError.
"""

import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import reduce
from typing import Any, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from normcli import outputs, recipe, stores
from normcli import params as files
from normcli.block import Block
from normcli.columns import Dtype, Infinite
from normcli.drift import Comparison
from normcli.errors import BadDataError, NormcliWarning, UsageError, printable
from normcli.jobs import apply as apply_job
from normcli.jobs import check as check_job
from normcli.jobs import fit as fit_job
from normcli.jobs import merge as merge_job
from normcli.jobs import update as update_job
from normcli.jobs.requests import ApplyRequest, CheckRequest, FitRequest, MergeRequest, RelearnRequest
from normcli.jobs.results import ApplyResult
from normcli.jobs.run import Listener
from normcli.keys import Seen
from normcli.methods import Method
from normcli.plan import Plan, Step, Unseen, merged, refined
from normcli.recipe import Choice, Recipe
from normcli.recut import size_of

Path = str | os.PathLike[str]
Paths = Path | Iterable[Path]
Names = str | Sequence[str]
Asked = str | Method | type[Method] | Recipe | Sequence[Choice]


class Warnings(Listener):
    """Warnings of a job as Python's."""

    def warning(self, text: str) -> None:
        """Of the line that called this module."""
        level, frame = 1, sys._getframe()
        while frame.f_back is not None and frame.f_globals["__name__"].startswith("normcli."):
            level, frame = level + 1, frame.f_back
        warnings.warn(text, NormcliWarning, stacklevel=level)


def fit(
    input: Paths,
    method: Asked | None = None,
    *,
    plan: Path | None = None,
    columns: Names = (),
    exclude: Names = (),
    by: Names = (),
    weights: str | None = None,
    unseen: Unseen | None = None,
    min_count: int | None = None,
    params: Path | None = None,
    update: bool = False,
    create: bool = False,
    recount: bool = False,
    allow_edited: bool = False,
    wait: float = 0.0,
    note: str = "",
    output: Path | None = None,
    to: str | None = None,
    dtype: Dtype | None = None,
    column_suffix: str | None = None,
    only: bool = False,
    from_: str | None = None,
    format_options: Any = None,
    infinite: Infinite = "error",
    on_bad_row: Literal["error", "skip"] = "error",
    max_bad_rows: int | None = None,
    rejects: Path | None = None,
    min_rows: int = 0,
    block_size: int | None = None,
    threads: int | None = None,
    max_memory: int | None = None,
    spool_dir: Path | None = None,
    events: Listener | None = None,
    **options: Any,
) -> Plan:
    """Learns a method's parameters from data, in one pass; with `output`, normalizes the same data, too.

    `method` is a name, a class or a method itself; what `options` there are beyond the named ones are the method's. In
    its place there may be choices that follow each other, or a `plan`, a file that says them. Selectors of `columns`
    and `exclude` are as of -c and -x; `format_options` are a dict or what a format calls its options. `params` is where
    what was learned is saved, or, with `update`, what the data are added to. `block_size` is bytes of text or rows of a
    binary file; other than the default it changes last digits. Raises NormcliError.
    """
    request = FitRequest(
        input=_paths(input), method=_method(method, options), plan=_plan(method, plan), columns=_names(columns),
        exclude=_names(exclude), by=_names(by), weights=weights, unseen=unseen, min_count=min_count,
        params=_path(params), update=update, create=create, recount=recount, allow_edited=allow_edited, wait=wait,
        note=note, output=_path(output), to=to, dtype=dtype, column_suffix=column_suffix, only=only, from_=from_,
        format_options=_options(format_options), infinite=infinite, on_bad_row=on_bad_row, max_bad_rows=max_bad_rows,
        rejects=_path(rejects), min_rows=min_rows, block_size=block_size, threads=threads, max_memory=max_memory,
        spool_dir=_path(spool_dir),
    )  # fmt: skip
    with threadpool_limits(1, "blas"):
        fitted = fit_job.fit(request, events or Warnings()).plan
    assert fitted is not None
    return fitted


def relearn(
    params: Path,
    method: Asked,
    *,
    output: Path | None = None,
    unseen: Unseen | None = None,
    min_count: int | None = None,
    allow_edited: bool = False,
    wait: float = 0.0,
    note: str = "",
    events: Listener | None = None,
    **options: Any,
) -> Plan:
    """Learns a method from the statistics that the parameter file `params` has kept, without data; `output` is where
    what was learned is saved. Raises NormcliError."""
    request = RelearnRequest(
        relearn=_path(params) or "", method=_method(method, options), params=_path(output), unseen=unseen,
        min_count=min_count, allow_edited=allow_edited, wait=wait, note=note,
    )  # fmt: skip
    with threadpool_limits(1, "blas"):
        learned = update_job.relearn(request, events or Warnings()).plan
    assert learned is not None
    return learned


def apply(
    params: Plan | Path,
    input: Paths,
    output: Path,
    *,
    inverse: bool = False,
    training: bool = False,
    unseen: Unseen | None = None,
    min_count: int | None = None,
    no_extra: bool = False,
    check: Literal["refuse", "warn"] | None = None,
    max_shift: float | None = None,
    max_scale_ratio: float | None = None,
    max_outside: float | None = None,
    max_missing: float | None = None,
    resume: Literal["stat", "digest"] | None = None,
    in_place: bool = False,
    allow_normalized: bool = False,
    allow_edited: bool = False,
    to: str | None = None,
    dtype: Dtype | None = None,
    column_suffix: str | None = None,
    only: bool = False,
    from_: str | None = None,
    format_options: Any = None,
    infinite: Infinite = "error",
    on_bad_row: Literal["error", "skip"] = "error",
    max_bad_rows: int | None = None,
    rejects: Path | None = None,
    min_rows: int = 0,
    block_size: int | None = None,
    threads: int | None = None,
    max_memory: int | None = None,
    spool_dir: Path | None = None,
    events: Listener | None = None,
) -> ApplyResult:
    """Normalizes data by parameters, or a file of them, or restores data, into a file that appears whole or not at all;
    or each input into a file of its own, where `output` is a directory or ends in a slash. In `training`, by each
    batch's own statistics. Raises NormcliError."""
    request = ApplyRequest(
        params=_params(params), input=_paths(input), output=_path(output), inverse=inverse, training=training,
        unseen=unseen, min_count=min_count, no_extra=no_extra, check=check, max_shift=max_shift,
        max_scale_ratio=max_scale_ratio, max_outside=max_outside, max_missing=max_missing, resume=resume,
        in_place=in_place, allow_normalized=allow_normalized, allow_edited=allow_edited, to=to, dtype=dtype,
        column_suffix=column_suffix, only=only, from_=from_, format_options=_options(format_options),
        infinite=infinite, on_bad_row=on_bad_row, max_bad_rows=max_bad_rows, rejects=_path(rejects),
        min_rows=min_rows, block_size=block_size, threads=threads, max_memory=max_memory, spool_dir=_path(spool_dir),
    )  # fmt: skip
    with threadpool_limits(1, "blas"):
        return apply_job.apply(request, events or Warnings())


def check(
    params: Plan | Path,
    input: Paths,
    *,
    max_shift: float | None = None,
    max_scale_ratio: float | None = None,
    max_outside: float | None = None,
    max_missing: float | None = None,
    min_rows: int = 30,
    no_extra: bool = False,
    allow_edited: bool = False,
    from_: str | None = None,
    format_options: Any = None,
    infinite: Infinite = "error",
    on_bad_row: Literal["error", "skip"] = "error",
    max_bad_rows: int | None = None,
    rejects: Path | None = None,
    block_size: int | None = None,
    threads: int | None = None,
    max_memory: int | None = None,
    events: Listener | None = None,
) -> Comparison:
    """Compares data with those that parameters were fitted on; its `drift` is the verdict. Raises NormcliError."""
    request = CheckRequest(
        params=_params(params), input=_paths(input), max_shift=max_shift, max_scale_ratio=max_scale_ratio,
        max_outside=max_outside, max_missing=max_missing, min_rows=min_rows, no_extra=no_extra,
        allow_edited=allow_edited, from_=from_, format_options=_options(format_options), infinite=infinite,
        on_bad_row=on_bad_row, max_bad_rows=max_bad_rows, rejects=_path(rejects), block_size=block_size,
        threads=threads, max_memory=max_memory,
    )  # fmt: skip
    with threadpool_limits(1, "blas"):
        comparison = check_job.check(request, events or Warnings()).comparison
    assert comparison is not None
    return comparison


def merge(
    params: Iterable[Plan | Path],
    *,
    output: Path | None = None,
    allow_duplicates: bool = False,
    allow_edited: bool = False,
    wait: float = 0.0,
    note: str = "",
    events: Listener | None = None,
) -> Plan:
    """What one fit over all the data of partial fits would have learned; `output` is where it is saved. Raises
    NormcliError."""
    request = MergeRequest(
        inputs=tuple(map(_params, params)), output=_path(output), allow_duplicates=allow_duplicates,
        allow_edited=allow_edited, wait=wait, note=note,
    )  # fmt: skip
    with threadpool_limits(1, "blas"):
        whole = merge_job.merge(request, events or Warnings()).plan
    assert whole is not None
    return whole


def load(path: Path, *, allow_edited: bool = False) -> Plan:
    """What is in a parameter file. Raises NoInputError, BadParametersError."""
    return files.read_file(str(_path(path)), example="normcli.load('data.json')", allow_edited=allow_edited)


def save(params: Plan, path: Path) -> None:
    """Writes a parameter file, which appears whole or not at all. Raises CannotCreateError, OutputError."""
    with outputs.open_target(_path(path)) as target:
        for piece in files.pieces(params):
            target.write(piece)
        target.commit()


def _path(path: Path | None) -> str | None:
    return None if path is None else stores.plain(os.fsdecode(path))


def _paths(given: Paths) -> tuple[str, ...]:
    """Raises UsageError for none, which would be standard input."""
    each = [given] if isinstance(given, str | os.PathLike) else list(given)
    if not each:
        raise UsageError("no input is named", "'-' is standard input")
    return tuple(stores.plain(os.fsdecode(path)) for path in each)


def _params(given: Plan | Path) -> Plan | str:
    return given if isinstance(given, Plan) else stores.plain(os.fsdecode(given))


def _names(given: Names) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _method(given: Asked | None, options: Mapping[str, Any]) -> Method | None:
    """Raises UsageError for options that the method does not have."""
    if isinstance(given, Recipe | list | tuple) or given is None:
        if options:
            raise UsageError(f"{', '.join(options)}: an option of no method that is named")
        return None
    if isinstance(given, str):
        return recipe.method_of(given, options)
    if isinstance(given, type):
        return recipe.made(given, options)
    if options:
        raise UsageError(f"{', '.join(options)}: the method has its options already")
    return given  # type: ignore[return-value]


def _plan(method: Asked | None, plan: Path | None) -> str | Recipe | None:
    if isinstance(method, Recipe):
        return method
    if isinstance(method, list | tuple):
        return Recipe(tuple(method))
    return _path(plan)


def _options(given: Any) -> dict[str, Any]:
    """Those of formats, of a dict or a format's class."""
    if given is None:
        return {}
    if is_dataclass(given):
        return {f.name: value for f in fields(given) if (value := getattr(given, f.name)) != f.default}
    return dict(given)


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
