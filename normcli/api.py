"""normcli from Python: the command line's jobs, with keyword arguments in place of flags, by the same names.

The docstring of each function describes all of its arguments; those that several have are in ARGUMENTS.

All functions may be called by several threads at once. What is refused or fails raises a NormcliError, whose message
calls an argument by its flag (-p is `params`, -o `output`), and leaves every file as it was: UsageError (an argument
makes no sense; nothing was read), NoInputError, BadDataError, BadParametersError, CannotCreateError, OutputError,
ShortageError (memory or descriptors) and LockedError. An exception that a callback raises, and KeyboardInterrupt, leave
every file as it was, too. By then every descriptor that a call has opened is closed, and its threads have ended; one
that waits for a pipe that nobody writes to ends when somebody does.
"""

import os
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from inspect import cleandoc, signature
from typing import Any, Literal, TypeVar

import numpy as np
from msgspec import Struct
from msgspec.structs import fields, replace
from threadpoolctl import ThreadpoolController

from normcli.blocks.block import Block
from normcli.columns import Dtype, Infinite
from normcli.drift import Comparison
from normcli.engines import Cluster
from normcli.errors import BadDataError, NormcliWarning, UsageError, printable, short
from normcli.formats._memory.reader import Tables, tables_in
from normcli.io import stores
from normcli.jobs import apply as apply_job
from normcli.jobs import check as check_job
from normcli.jobs import describe as describe_job
from normcli.jobs import export as export_job
from normcli.jobs import fit as fit_job
from normcli.jobs import import_ as import_job
from normcli.jobs import merge as merge_job
from normcli.jobs import pulling
from normcli.jobs import report as report_job
from normcli.jobs import update as update_job
from normcli.jobs.conventions import CONVENTIONS, conventional_options
from normcli.jobs.format_options import format_option_names
from normcli.jobs.requests.apply import ApplyRequest
from normcli.jobs.requests.check import CheckRequest
from normcli.jobs.requests.describe import DescribeRequest
from normcli.jobs.requests.export import ExportRequest
from normcli.jobs.requests.fit import FitRequest
from normcli.jobs.requests.import_ import ImportRequest
from normcli.jobs.requests.merge import MergeRequest
from normcli.jobs.requests.relearn import RelearnRequest
from normcli.jobs.requests.report import ReportRequest
from normcli.jobs.results import ApplyResult
from normcli.methods import Method
from normcli.parameters import Measured, Parameters, Step, Unseen, refined
from normcli.parameters import file as files
from normcli.parameters.folding import InputTotal
from normcli.parameters.keys import StepStates
from normcli.parameters.method_options import method_of, method_of_class
from normcli.parameters.plan import Plan, PlanStep, plan_steps
from normcli.pipeline import Events
from normcli.pipeline.data_profile import DataProfile
from normcli.pipeline.rebatch import size_of

Path = str | os.PathLike[str]
Data = Path | Iterable[Any] | Any  # paths, or tables in memory
Names = str | Sequence[str] | None
OneMethod = str | Method | type[Method]
AnyMethod = OneMethod | Sequence[PlanStep]
Limit = float | Mapping[str | None, float] | None
F = TypeVar("F", bound=Callable[..., Any])

ARGUMENTS = {
    "params": "parameters, or the path of a file of them.",
    "input": 'one path or several: files, directories, globs, URIs of objects; "-" is standard input. Or a table in\n'
    "  memory: a DataFrame of pandas or polars, a matrix of numpy, what exports Arrow streams; or an iterable of such.",
    "from_": "the name of the format that is read; by default it is detected from the suffix, then from the content.",
    "to": "the name of the format that is written; by default that of the suffix of `output`, else that of the input.",
    "format_options": 'options of a format: a dict, as {"delimiter": ";"}, or an instance of the format\'s `Options`.',
    "infinite": 'an infinite value is an "error", or counts as "missing".',
    "on_bad_row": 'a row of text that can\'t be parsed is an "error", or is left out: "skip".',
    "max_bad_rows": "how many rows may be left out; 100 by default.",
    "rejects": "a file for the rows that are left out, as NDJSON.",
    "min_rows": "fewer rows of all inputs are an error; in `check`, they allow no verdict.",
    "block_size": "bytes of text, or rows of a binary format, in a block; the last digits of a result depend on it.",
    "engine": '"threads"; or a cluster whose workers read and write the data: "dask", or `normcli.Dask(client)`.',
    "scheduler": 'the address of the scheduler of "dask"; by default that of DASK_SCHEDULER_ADDRESS.',
    "insecure_scheduler": "allow a scheduler on another machine without encryption.",
    "threads": "how many threads work, 1 to 1,024; by default one for each CPU. No byte of a result depends on it.",
    "max_memory": "about how many bytes of memory to use, as an int; by default four fifths of what is free.",
    "spool_dir": "a directory for temporary data.",
    "allow_edited": "accept a parameter file whose digest does not match.",
    "wait": "seconds to wait for another run that is replacing the parameter file, before LockedError.",
    "note": "text that is kept with the parameters.",
    "unseen": 'rows whose key was not fitted: "error", "global", "missing" or "pass".',
    "min_count": "how many rows a key needs to have statistics of its own.",
    "no_sketch": "keep no sketches of the columns, which contain some of their values.",
    "no_extra": "columns that the fit did not have are an error.",
    "by_key": "each key is compared by itself, too, by its moments.",
    "max_shift": "limit of drift of a mean, in fitted standard deviations. As all limits, it may be a dict by column:\n"
    '  {"price": 0.8, None: 0.5}, where None is all others. math.inf switches the measure off.',
    "max_scale_ratio": "limit of drift of the distance between the deciles, as a ratio of at least 1.",
    "max_outside": "limit of the share of values outside the fitted range, 0 to 1.",
    "max_missing": "limit of the growth of the share of missing values, 0 to 1.",
    "max_ks": "limit of the greatest difference of the shares up to a value, 0 to 1.",
    "max_wasserstein": "limit of the mean distance by which values are moved, in fitted robust deviations.",
    "max_psi": "limit of the population stability index over fitted deciles.",
    "max_category": "limit of the difference of the shares of a value in columns of `categories`, 0 to 1.",
    "limits": "a TOML file of such limits, with those of single columns in tables like [columns.price].",
    "dtype": 'the type of normalized columns: "float32" or "float64".',
    "column_suffix": "keep the columns, and add normalized ones, whose names end in this.",
    "only": "write the normalized columns alone.",
    "limit": "two numbers that results are held within, in their own units.",
    "fill": "what is missing afterwards becomes this number.",
    "precision": "how many significant digits floats have at most in text, 1 to 17.",
    "drop_constant": "leave out columns that were constant in the fit.",
    "events": "callbacks for warnings, progress and skipped rows, an `Events`; without it, warnings are issued as\n"
    "  NormcliWarning.",
}


@cache
def _blas() -> ThreadpoolController:
    """numpy's BLAS, which is there since this module is, and takes a millisecond to be looked for."""
    return ThreadpoolController()


def _one_blas_thread() -> AbstractContextManager[Any]:
    """Inside, BLAS runs on one thread, so that the same input gives the same bytes."""
    limit: AbstractContextManager[Any] = _blas().limit(limits=1, user_api="blas")
    return limit


def documented(function: F) -> F:
    """The function with those of its arguments in its docstring that it does not describe itself."""
    text = cleandoc(function.__doc__ or "")
    names = [name for name in signature(function).parameters if name in ARGUMENTS and f"`{name}`" not in text]
    if names:
        lines = "\n".join(f"- `{name}`: {ARGUMENTS[name]}" for name in names)
        text = f"{text}\n\nArguments that other functions have, too:\n\n{lines}\n"
    function.__doc__ = text
    return function


class Warnings(Events):
    """Issues the warnings of a job as Python's."""

    def warning(self, text: str) -> None:
        """Issues a warning for the line that called this module."""
        level, frame = 1, sys._getframe()
        while frame.f_back is not None and frame.f_globals["__name__"].startswith("normcli."):
            level, frame = level + 1, frame.f_back
        warnings.warn(text, NormcliWarning, stacklevel=level)


@documented
def fit(
    input: Data,
    method: AnyMethod | None = None,
    *,
    like: str | None = None,
    plan: Path | None = None,
    columns: Names = (),
    exclude: Names = (),
    by: Names = (),
    categories: Names = (),
    weights: str | None = None,
    unseen: Unseen | None = None,
    min_count: int | None = None,
    no_sketch: bool = False,
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
    limit: tuple[float, float] | None = None,
    fill: float | None = None,
    precision: int | None = None,
    drop_constant: bool = False,
    from_: str | None = None,
    format_options: Any = None,
    infinite: Infinite = "error",
    on_bad_row: Literal["error", "skip"] = "error",
    max_bad_rows: int | None = None,
    rejects: Path | None = None,
    min_rows: int = 0,
    block_size: int | None = None,
    engine: str | Cluster = "threads",
    scheduler: str | None = None,
    insecure_scheduler: bool = False,
    threads: int | None = None,
    max_memory: int | None = None,
    spool_dir: Path | None = None,
    events: Events | None = None,
    **options: Any,
) -> Parameters:
    """Learns a method's parameters from data, in one pass; with `output`, normalizes the same data, too.

    - `method`: a name, a class or an instance; keyword arguments that are not listed here are its `options`. In its
      place a sequence of `PlanStep`, which follow each other, or `plan`, a TOML file that says them.
    - `like`: sklearn, spark, r, pandas or torch, whose defaults a method that is called by name has.
    - `columns`, `exclude`: selectors, names or globs; by default every numeric column takes part.
    - `by`: columns whose values are keys, each of which is learned from apart, too. `unseen`: what becomes of rows
      whose key was not fitted; `min_count`: rows that a key needs to have statistics of its own.
    - `categories`: columns whose values are counted, to be compared by `check`.
    - `weights`: a column with how often each row counts.
    - `params`: the file that the parameters are saved in. With `update`, the data are added to what it has counted, an
      input with the same content only once, unless `recount`; with `create`, there may be no such file yet.
    - `output`: a file, or a directory with a file for each input; needs `params`, unless the method learns nothing.

    Raises NormcliError.
    """
    _check_options(options)
    if like is not None and not isinstance(method, str):
        raise UsageError("like is for a method called by name, whose options it sets")
    wanted = conventional_options(like, method, options) if isinstance(like, str) and like in CONVENTIONS else options
    request = FitRequest(
        **_reading(input), method=_method(method, wanted), like=like, plan=_plan(method, plan),
        columns=_names(columns, "columns"), exclude=_names(exclude, "exclude"), by=_names(by, "by"),
        categories=_names(categories, "categories"), weights=weights,
        unseen=unseen, min_count=min_count, no_sketch=no_sketch, params=_path(params), update=update, create=create,
        recount=recount, allow_edited=allow_edited, wait=wait, note=note, output=_path(output), to=to, dtype=dtype,
        column_suffix=column_suffix, only=only, limit=limit, fill=fill, precision=precision,
        drop_constant=drop_constant, from_=from_,
        format_options=_options(format_options), infinite=infinite, on_bad_row=on_bad_row, max_bad_rows=max_bad_rows,
        rejects=_path(rejects), min_rows=min_rows, block_size=block_size, engine=engine, scheduler=scheduler,
        insecure_scheduler=insecure_scheduler, threads=threads, max_memory=max_memory,
        spool_dir=_path(spool_dir),
    )  # fmt: skip
    with _one_blas_thread():
        fitted = fit_job.fit(request, _events(events)).parameters
    assert fitted is not None
    return fitted


@documented
def relearn(
    params: Parameters | Path,
    method: AnyMethod,
    *,
    output: Path | None = None,
    unseen: Unseen | None = None,
    min_count: int | None = None,
    no_sketch: bool = False,
    allow_edited: bool = False,
    wait: float = 0.0,
    note: str = "",
    events: Events | None = None,
    **options: Any,
) -> Parameters:
    """Learns a method from the statistics in `params`, parameters or a file of them, without data; `output` is the file
    that the new parameters are saved in. `method` and its `options` are as in `fit`. Raises NormcliError; UsageError
    where the statistics are not those that the method needs."""
    request = RelearnRequest(
        relearn=_params(params), method=_method(method, options), params=_path(output), unseen=unseen,
        min_count=min_count, no_sketch=no_sketch, allow_edited=allow_edited, wait=wait, note=note,
    )  # fmt: skip
    with _one_blas_thread():
        learned = update_job.relearn(request, _events(events)).parameters
    assert learned is not None
    return learned


@documented
def apply(
    params: Parameters | Path,
    input: Data,
    output: Path | None = None,
    *,
    inverse: bool = False,
    lossy: bool = False,
    columns: Names = (),
    exclude: Names = (),
    training: bool = False,
    unseen: Unseen | None = None,
    min_count: int | None = None,
    no_extra: bool = False,
    check: Literal["refuse", "warn"] | bool | None = None,
    max_shift: Limit = None,
    max_scale_ratio: Limit = None,
    max_outside: Limit = None,
    max_missing: Limit = None,
    max_ks: Limit = None,
    max_wasserstein: Limit = None,
    max_psi: Limit = None,
    max_category: Limit = None,
    limits: Path | None = None,
    resume: Literal["stat", "digest"] | bool | None = None,
    in_place: bool = False,
    allow_normalized: bool = False,
    allow_edited: bool = False,
    to: str | None = None,
    dtype: Dtype | None = None,
    column_suffix: str | None = None,
    only: bool = False,
    limit: tuple[float, float] | None = None,
    fill: float | None = None,
    precision: int | None = None,
    drop_constant: bool = False,
    from_: str | None = None,
    format_options: Any = None,
    infinite: Infinite = "error",
    on_bad_row: Literal["error", "skip"] = "error",
    max_bad_rows: int | None = None,
    rejects: Path | None = None,
    min_rows: int = 0,
    block_size: int | None = None,
    engine: str | Cluster = "threads",
    scheduler: str | None = None,
    insecure_scheduler: bool = False,
    threads: int | None = None,
    max_memory: int | None = None,
    spool_dir: Path | None = None,
    events: Events | None = None,
) -> ApplyResult | Any:
    """Normalizes data by parameters, or by a file of them; the rows and files that were read are in the result. Without
    `output`, for tables in memory, the result is what becomes of them: a table of the same kind, a list of them for a
    list, and for any other iterable an iterator, which gives a table for each as soon as its rows are done, in little
    memory. Until it is at its end, or closed, BLAS runs on one thread.

    - `output`: a file, which appears whole or not at all; or a directory, or a path that ends in a slash: there, each
      input becomes a file of its own. With `resume`, those that an earlier run has completed are left, if their inputs
      have the same size and time ("stat", or True) or content ("digest").
    - `inverse`: restore normalized data; with `lossy`, but for values that were filled or held, which stay as they
      are. `training`: normalize by each batch's own statistics.
    - `columns`, `exclude`: selectors of fitted columns; the others pass as they are, and need not be there.
    - `check`: data that have drifted raise DriftError and leave `output` as it was ("refuse"), or are warned of
      ("warn"). True is "refuse".
    - `in_place`: `output` may be the input. `allow_normalized`: the data may be marked as normalized already.

    Raises NormcliError; NotInvertibleError for an `inverse` that does not exist.
    """
    request = ApplyRequest(
        params=_params(params), **_reading(input), output=_path(output), inverse=inverse, lossy=lossy,
        columns=_names(columns, "columns"), exclude=_names(exclude, "exclude"), training=training,
        unseen=unseen, min_count=min_count, no_extra=no_extra, check=_word(check, "refuse"), max_shift=max_shift,
        max_scale_ratio=max_scale_ratio, max_outside=max_outside, max_missing=max_missing, max_ks=max_ks,
        max_wasserstein=max_wasserstein, max_psi=max_psi, max_category=max_category,
        limits=_path(limits), resume=_word(resume, "stat"),
        in_place=in_place, allow_normalized=allow_normalized, allow_edited=allow_edited, to=to, dtype=dtype,
        column_suffix=column_suffix, only=only, limit=limit, fill=fill, precision=precision,
        drop_constant=drop_constant, from_=from_, format_options=_options(format_options),
        infinite=infinite, on_bad_row=on_bad_row, max_bad_rows=max_bad_rows, rejects=_path(rejects),
        min_rows=min_rows, block_size=block_size, engine=engine, scheduler=scheduler,
        insecure_scheduler=insecure_scheduler, threads=threads, max_memory=max_memory, spool_dir=_path(spool_dir),
    )  # fmt: skip
    if output is None:
        return _pulled(request, _events(events))
    with _one_blas_thread():
        return apply_job.apply(request, _events(events))


def _pulled(request: ApplyRequest, events: Events) -> Any:
    """What becomes of tables in memory: a table, a list of them, or an iterator. Raises UsageError for files."""
    if request.tables is None:
        raise UsageError("output is missing", "it names a file or a directory; tables in memory do without")

    def limited() -> Generator[Any]:
        with _one_blas_thread():
            yield from pulling.pull(request, events)

    results = limited()
    next(results)  # what is wrong before any row is read is raised here
    if request.tables.is_lazy:
        return results
    collected = list(results)
    return collected[0] if request.tables.is_one else collected


@documented
def check(
    params: Parameters | Path,
    input: Data,
    *,
    max_shift: Limit = None,
    max_scale_ratio: Limit = None,
    max_outside: Limit = None,
    max_missing: Limit = None,
    max_ks: Limit = None,
    max_wasserstein: Limit = None,
    max_psi: Limit = None,
    max_category: Limit = None,
    limits: Path | None = None,
    min_rows: int = 30,
    no_extra: bool = False,
    by_key: bool = False,
    allow_edited: bool = False,
    from_: str | None = None,
    format_options: Any = None,
    infinite: Infinite = "error",
    on_bad_row: Literal["error", "skip"] = "error",
    max_bad_rows: int | None = None,
    rejects: Path | None = None,
    block_size: int | None = None,
    engine: str | Cluster = "threads",
    scheduler: str | None = None,
    insecure_scheduler: bool = False,
    threads: int | None = None,
    max_memory: int | None = None,
    events: Events | None = None,
) -> Comparison:
    """Compares data, or what another parameter file says of some, with those that parameters, or a file of them, were
    fitted on.

    `drift` of the result is the verdict, None for fewer than `min_rows` rows. Columns that the fit did not have are
    drift with `no_extra`. Raises NormcliError, but no DriftError.
    """
    request = CheckRequest(
        params=_params(params), **_reading(input), max_shift=max_shift, max_scale_ratio=max_scale_ratio,
        max_outside=max_outside, max_missing=max_missing, max_ks=max_ks, max_wasserstein=max_wasserstein,
        max_psi=max_psi, max_category=max_category, limits=_path(limits), min_rows=min_rows, no_extra=no_extra,
        by_key=by_key, allow_edited=allow_edited, from_=from_, format_options=_options(format_options),
        infinite=infinite, on_bad_row=on_bad_row, max_bad_rows=max_bad_rows, rejects=_path(rejects),
        block_size=block_size, engine=engine, scheduler=scheduler,
        insecure_scheduler=insecure_scheduler, threads=threads, max_memory=max_memory,
    )  # fmt: skip
    with _one_blas_thread():
        comparison = check_job.check(request, _events(events)).comparison
    assert comparison is not None
    return comparison


@documented
def report(
    params: Parameters | Path,
    input: Data | None = None,
    *,
    output: Path | None = None,
    max_shift: Limit = None,
    max_scale_ratio: Limit = None,
    max_outside: Limit = None,
    max_missing: Limit = None,
    max_ks: Limit = None,
    max_wasserstein: Limit = None,
    max_psi: Limit = None,
    max_category: Limit = None,
    limits: Path | None = None,
    min_rows: int = 30,
    no_extra: bool = False,
    by_key: bool = False,
    allow_edited: bool = False,
    from_: str | None = None,
    format_options: Any = None,
    infinite: Infinite = "error",
    on_bad_row: Literal["error", "skip"] = "error",
    max_bad_rows: int | None = None,
    rejects: Path | None = None,
    block_size: int | None = None,
    engine: str | Cluster = "threads",
    scheduler: str | None = None,
    insecure_scheduler: bool = False,
    threads: int | None = None,
    max_memory: int | None = None,
    events: Events | None = None,
) -> str:
    """The text of a page of HTML that shows parameters, or a file of them, in pictures; and how data compare with those
    that they were fitted on, if `input` names any: then arguments are as in `check`. `output` is a file for the page.
    Raises NormcliError, but no DriftError."""
    request = ReportRequest(
        params=_params(params), **({} if input is None else _reading(input)), output=_path(output),
        max_shift=max_shift, max_scale_ratio=max_scale_ratio, max_outside=max_outside, max_missing=max_missing,
        max_ks=max_ks, max_wasserstein=max_wasserstein, max_psi=max_psi, max_category=max_category,
        limits=_path(limits),
        min_rows=min_rows, no_extra=no_extra, by_key=by_key, allow_edited=allow_edited, from_=from_,
        format_options=_options(format_options), infinite=infinite, on_bad_row=on_bad_row, max_bad_rows=max_bad_rows,
        rejects=_path(rejects), block_size=block_size, engine=engine, scheduler=scheduler,
        insecure_scheduler=insecure_scheduler, threads=threads, max_memory=max_memory,
    )  # fmt: skip
    with _one_blas_thread():
        page = report_job.report(request, _events(events)).page
    assert page is not None
    return page


@documented
def describe(
    input: Data,
    *,
    columns: Names = (),
    exclude: Names = (),
    from_: str | None = None,
    format_options: Any = None,
    on_bad_row: Literal["error", "skip"] = "error",
    max_bad_rows: int | None = None,
    rejects: Path | None = None,
    min_rows: int = 0,
    block_size: int | None = None,
    threads: int | None = None,
    max_memory: int | None = None,
    save: Path | None = None,
    wait: float = 0.0,
    note: str = "",
    events: Events | None = None,
) -> DataProfile:
    """The profile of the columns of data, all or those that `columns` and `exclude` select, by names or globs: types,
    missing values, mean, standard deviation and quartiles, distinct values and the most common ones, in one pass.
    Columns may be of any type. `save` is a file for parameters of the columns of numbers, which `check` and `report`
    take, as `fit` with "zscore" learns them. Raises NormcliError."""
    request = DescribeRequest(
        **_reading(input), columns=_names(columns, "columns"), exclude=_names(exclude, "exclude"), from_=from_,
        format_options=_options(format_options), on_bad_row=on_bad_row, max_bad_rows=max_bad_rows,
        rejects=_path(rejects), min_rows=min_rows, block_size=block_size, threads=threads, max_memory=max_memory,
        save=_path(save), wait=wait, note=note,
    )  # fmt: skip
    with _one_blas_thread():
        profile = describe_job.describe(request, _events(events)).profile
    assert profile is not None
    return profile


@documented
def merge(
    params: Parameters | Path | Iterable[Parameters | Path],
    *,
    output: Path | None = None,
    allow_duplicates: bool = False,
    allow_edited: bool = False,
    wait: float = 0.0,
    note: str = "",
    events: Events | None = None,
) -> Parameters:
    """What one fit over all the data of partial fits would have learned, from their `params`: parameters or files;
    `output` is the file that it is saved in. With `allow_duplicates`, an input that two of them have counted counts
    twice. Raises NormcliError; BadDataError for fits that do not go together."""
    parts = [params] if isinstance(params, str | os.PathLike | Parameters) else _listed(params, "params")
    if not parts:
        raise UsageError("no parameters are named")
    request = MergeRequest(
        inputs=tuple(map(_params, parts)), output=_path(output), allow_duplicates=allow_duplicates,
        allow_edited=allow_edited, wait=wait, note=note,
    )  # fmt: skip
    with _one_blas_thread():
        result = merge_job.merge(request, _events(events)).parameters
    assert result is not None
    return result


@documented
def export(
    params: Parameters | Path,
    to: str,
    *,
    output: Path | None = None,
    inverse: bool = False,
    lossy: bool = False,
    key: str | None = None,
    allow_edited: bool = False,
    events: Events | None = None,
    **options: Any,
) -> bytes:
    """What parameters compute, written for another engine: `to` is its name, with `options` of it, and `output` the
    file that it is saved in. Returns the contents, UTF-8 where they are text. With `inverse`, what restores the
    original values, and `lossy`, but for values that were filled or held; with `key`, of the rows of one key of
    parameters by key. Raises NormcliError; NoFormulaError and NotInvertibleError for what the engine can't compute."""
    request = ExportRequest(
        params=_params(params), to=to, output=_path(output), inverse=inverse, lossy=lossy, key=key,
        target_options=options, allow_edited=allow_edited,
    )  # fmt: skip
    return export_job.export(request, _events(events)).content


@documented
def import_parameters(
    source: Path, from_: str, *, columns: Names = (), output: Path | None = None, note: str = "",
    events: Events | None = None, **options: Any,
) -> Parameters:  # fmt: skip
    """The parameters of a scaler that another program has learned: `source` is its file, or directory, and `from_` the
    program, with `options` of it; `columns` are the names of its columns where it has none, or others. `output` is the
    file that they are saved in. Raises NormcliError."""
    request = ImportRequest(
        source=_path_of(source), from_=from_, columns=_names(columns, "columns"), output=_path(output), note=note,
        origin_options=options,
    )  # fmt: skip
    result = import_job.import_parameters(request, _events(events)).parameters
    assert result is not None
    return result


@documented
def load(path: Path, *, allow_edited: bool = False) -> Parameters:
    """The parameters in the file `path`, "-" for standard input. Raises NoInputError, BadParametersError."""
    return files.read_file(_path_of(path), example="normcli.load('data.json')", allow_edited=allow_edited)


def save(params: Parameters, path: Path) -> None:
    """Writes a parameter file, as `params.save(path)`. Raises CannotCreateError, OutputError."""
    if not isinstance(params, Parameters):
        raise UsageError(f"params: {params!r} is no Parameters", "fit, load and merge return them")
    params.save(path)


def _path(path: Path | None) -> str | None:
    return None if path is None else _path_of(path)


def _path_of(path: Any) -> str:
    return stores.plain(stores.text_of(path))


def _reading(data: Any) -> dict[str, Any]:
    """The fields of a request that say what is read. Raises UsageError for nothing, which would be standard input."""
    names: Any = [data]
    if not isinstance(data, str | bytes | os.PathLike):
        names = tables_in(data)
    if isinstance(names, Tables):
        return {"tables": names}
    if not names:
        raise UsageError("no input is named", "'-' is standard input")
    return {"input": tuple(map(_path_of, names))}


def _params(params: Parameters | Path) -> Parameters | str:
    if isinstance(params, Parameters):
        return params
    if not isinstance(params, str | bytes | os.PathLike):
        what = f"params: {short(repr(params))} is neither Parameters nor the path of a file"
        raise UsageError(what, "they come first, and then the data")
    return _path_of(params)


def _listed(values: Any, name: str) -> list[Any]:
    """What is in an iterable. Raises UsageError for anything else."""
    try:
        return list(values)
    except TypeError:
        raise UsageError(f"{name}: {short(repr(values))} is neither one nor several of them") from None


def _names(names: Names, name: str) -> tuple[str, ...]:
    """Raises UsageError for what is no text."""
    if names is None:
        return ()
    listed = [names] if isinstance(names, str) else _listed(names, name)
    for value in listed:
        if not isinstance(value, str):
            raise UsageError(f"{name}: {value!r} is no name")
    return tuple(listed)


def _word(value: Any, bare: str) -> Any:
    """The word that a flag without a value stands for, where it is True."""
    return {True: bare, False: None}[value] if isinstance(value, bool) else value


def _events(events: Events | None) -> Events:
    if not isinstance(events, Events | None):
        raise UsageError(f"events: {events!r} is no normcli.Events")
    return events or Warnings()


def _check_options(options: Mapping[str, Any]) -> None:
    """Raises UsageError for an option of formats among those of a method."""
    for name in options:
        if name in format_option_names():
            hint = f"format_options={{{name!r}: {options[name]!r}}} takes it"
            raise UsageError(f"{name}: an option of formats, not of methods", hint)


def _method(method: AnyMethod | None, options: Mapping[str, Any]) -> Method | None:
    """Raises UsageError for options that the method does not have."""
    if isinstance(method, list | tuple) or method is None:
        if options:
            raise UsageError(f"{', '.join(options)}: an option of no method that is named")
        return None
    if isinstance(method, str):
        return method_of(method, options)
    if isinstance(method, type):
        return method_of_class(method, options)
    if options:
        raise UsageError(f"{', '.join(options)}: the method has its options already")
    if not isinstance(method, Method):
        raise UsageError(f"{method!r} is no method")
    return method


def _plan(method: AnyMethod | None, plan: Path | None) -> str | Plan | None:
    if isinstance(method, list | tuple):
        if plan is not None or not method:
            raise UsageError("--plan and steps: either says all" if method else "there is no step")
        return Plan(plan_steps(method))
    return _path(plan)


def _options(options: Any) -> dict[str, Any]:
    """Those of formats, of a dict or a format's class."""
    if options is None:
        return {}
    if isinstance(options, Struct):
        return {f.name: value for f in fields(options) if (value := getattr(options, f.name)) != f.default}
    if not isinstance(options, Mapping) or not all(isinstance(name, str) for name in options):
        what = f"format_options: {options!r} is neither a dict of options nor the Options of a format"
        raise UsageError(what, 'as in {"delimiter": ";"}')
    return dict(options)


def fit_blocks(method: OneMethod, blocks: Iterable[Any], names: Names) -> Step:
    """A step fitted on `blocks`, matrices (rows, d) in memory, NaN where missing, merged like the blocks of one
    input. An iterator of them does not do for a method that takes several passes. `method` is a name, a class or an
    instance, `names` are those of the d columns. Raises NormcliError."""
    learner, names = _method(method, {}), _names(names, "names")
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

    with _one_blas_thread(), np.errstate(all="ignore"):
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
