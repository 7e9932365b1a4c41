"""normcli from Python: the command line's jobs, with keyword arguments in place of flags, by the same names.

The docstring of each function describes all of its arguments; those that several have are in `arguments`.

All functions may be called by several threads at once. What is refused or fails raises a NormcliError, and leaves every
file as it was: UsageError (an argument makes no sense; nothing was read), NoInputError, BadDataError,
BadParametersError, CannotCreateError, OutputError, ShortageError (memory or descriptors) and LockedError. An exception
that a callback raises, and KeyboardInterrupt, leave every file as it was, too. By then every descriptor that a call has
opened is closed, and its threads have ended; one that waits for a pipe that nobody writes to ends when somebody does.
"""

import os
from collections.abc import Generator, Iterable
from typing import Any, Literal, Unpack

from normcli.api.arguments import AnyMethod, Applying, Comparing, Data, Names, Path, Reading, public
from normcli.api.blocks import fit_blocks
from normcli.api.requesting import (
    check_options,
    events_of,
    listed_values,
    method_with_options,
    one_blas_thread,
    parameters_or_path,
    path,
    path_of,
    plan_of,
    request_of,
    run,
)
from normcli.api.spelling import errors_in_python
from normcli.columns import Dtype, Infinite
from normcli.drift import Comparison
from normcli.engines import Cluster
from normcli.errors import UsageError
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
from normcli.jobs.conventions import conventional_options
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
from normcli.parameters import Parameters, Unseen
from normcli.parameters import file as files
from normcli.pipeline import Events
from normcli.pipeline.data_profile import DataProfile

__all__ = [
    "apply",
    "check",
    "describe",
    "export",
    "fit",
    "fit_blocks",
    "import_parameters",
    "load",
    "merge",
    "relearn",
    "report",
    "save",
]


@public(FitRequest)
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
    check_options(options)
    chosen = method_with_options(method, conventional_options(like, method, options))
    request = request_of(FitRequest, locals(), method=chosen, plan=plan_of(method, plan), params=path(params))
    fitted = run(fit_job.fit, request, events).parameters
    assert fitted is not None
    return fitted


@public(RelearnRequest, relearn="params", params="output")
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
    request = request_of(
        RelearnRequest, locals(), relearn=parameters_or_path(params), params=path(output),
        method=method_with_options(method, options),
    )  # fmt: skip
    learned = run(update_job.relearn, request, events).parameters
    assert learned is not None
    return learned


@public(ApplyRequest)
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
    check: Literal["refuse", "warn"] | bool | None = None,
    resume: Literal["stat", "digest"] | bool | None = None,
    in_place: bool = False,
    allow_normalized: bool = False,
    **arguments: Unpack[Applying],
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
    request, events = request_of(ApplyRequest, locals() | arguments), arguments.get("events")
    return _pulled(request, events_of(events)) if output is None else run(apply_job.apply, request, events)


def _pulled(request: ApplyRequest, events: Events) -> Any:
    """What becomes of tables in memory: a table, a list of them, or an iterator. Raises UsageError for files."""
    if request.tables is None:
        raise UsageError("output is missing", "it names a file or a directory; tables in memory do without")

    def limited() -> Generator[Any]:
        with one_blas_thread(), errors_in_python():
            yield from pulling.pull(request, events)

    results = limited()
    next(results)  # what is wrong before any row is read is raised here
    if request.tables.is_lazy:
        return results
    collected = list(results)
    return collected[0] if request.tables.is_one else collected


@public(CheckRequest)
def check(params: Parameters | Path, input: Data, **arguments: Unpack[Comparing]) -> Comparison:
    """Compares data, or what another parameter file says of some, with those that parameters, or a file of them, were
    fitted on.

    `drift` of the result is the verdict, None for fewer than `min_rows` rows. Columns that the fit did not have are
    drift with `no_extra`. Raises NormcliError, but no DriftError.
    """
    request = request_of(CheckRequest, locals() | arguments)
    comparison = run(check_job.check, request, arguments.get("events")).comparison
    assert comparison is not None
    return comparison


@public(ReportRequest)
def report(
    params: Parameters | Path, input: Data | None = None, *, output: Path | None = None, **arguments: Unpack[Comparing]
) -> str:
    """The text of a page of HTML that shows parameters, or a file of them, in pictures; and how data compare with those
    that they were fitted on, if `input` names any: then arguments are as in `check`. `output` is a file for the page.
    Raises NormcliError, but no DriftError."""
    named = {name: value for name, value in (locals() | arguments).items() if name != "input" or value is not None}
    request = request_of(ReportRequest, named)
    page = run(report_job.report, request, arguments.get("events")).page
    assert page is not None
    return page


@public(DescribeRequest)
def describe(
    input: Data,
    *,
    columns: Names = (),
    exclude: Names = (),
    save: Path | None = None,
    wait: float = 0.0,
    note: str = "",
    **arguments: Unpack[Reading],
) -> DataProfile:
    """The profile of the columns of data, all or those that `columns` and `exclude` select, by names or globs: types,
    missing values, mean, standard deviation and quartiles, distinct values and the most common ones, in one pass.
    Columns may be of any type. `save` is a file for parameters of the columns of numbers, which `check` and `report`
    take, as `fit` with "zscore" learns them. Raises NormcliError."""
    request = request_of(DescribeRequest, locals() | arguments)
    profile = run(describe_job.describe, request, arguments.get("events")).profile
    assert profile is not None
    return profile


@public(MergeRequest, inputs="params")
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
    parts = [params] if isinstance(params, str | os.PathLike | Parameters) else listed_values(params, "params")
    if not parts:
        raise UsageError("no parameters are named")
    request = request_of(MergeRequest, locals(), inputs=tuple(map(parameters_or_path, parts)))
    result = run(merge_job.merge, request, events).parameters
    assert result is not None
    return result


@public(ExportRequest)
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
    request = request_of(ExportRequest, locals(), target_options=options)
    return run(export_job.export, request, events).content


@public(ImportRequest)
def import_parameters(
    source: Path, from_: str, *, columns: Names = (), output: Path | None = None, note: str = "",
    events: Events | None = None, **options: Any,
) -> Parameters:  # fmt: skip
    """The parameters of a scaler that another program has learned: `source` is its file, or directory, and `from_` the
    program, with `options` of it; `columns` are the names of its columns where it has none, or others. `output` is the
    file that they are saved in. Raises NormcliError."""
    request = request_of(ImportRequest, locals(), source=path_of(source), origin_options=options)
    result = run(import_job.import_parameters, request, events).parameters
    assert result is not None
    return result


@public()
def load(path: Path, *, allow_edited: bool = False) -> Parameters:
    """The parameters in the file `path`, "-" for standard input. Raises NoInputError, BadParametersError."""
    return files.read_file(path_of(path), example="normcli.load('data.json')", allow_edited=allow_edited)


@public()
def save(params: Parameters, path: Path) -> None:
    """Writes a parameter file, as `params.save(path)`. Raises CannotCreateError, OutputError."""
    if not isinstance(params, Parameters):
        raise UsageError(f"params: {params!r} is no Parameters", "fit, load and merge return them")
    params.save(path)
