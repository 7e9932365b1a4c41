"""To normalize data by what was learned, or to restore them."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

from normcli import formats, pipeline
from normcli.errors import DriftError, EmptyInputError, UsageError, printable, replaced
from normcli.io import stores
from normcli.jobs import paths, writing
from normcli.jobs.choosing import methods_of
from normcli.jobs.judging import warn
from normcli.jobs.parameter_files import read_parameters
from normcli.jobs.reading import Readers, find
from normcli.jobs.requests.apply import ApplyRequest
from normcli.jobs.results import ApplyResult, Preview
from normcli.jobs.run import Run
from normcli.jobs.writing import Outputs, transform_of
from normcli.limits import Limits
from normcli.parameters import FrameTransform
from normcli.pipeline import SILENT, Events

if TYPE_CHECKING:
    from collections.abc import Generator

    from normcli.drift import DriftMonitor
    from normcli.io.inputs import Input
    from normcli.jobs.resuming import Files
    from normcli.parameters import Parameters
    from normcli.pipeline import Progress, Written

EXAMPLE = "normcli apply data.csv -p data.json -o data-z.csv"
IRREVOCABLE = "what is written before drift shows can't be taken back"


def apply(request: ApplyRequest, events: Events = SILENT) -> ApplyResult:
    """Normalizes, or restores, all inputs of a request, into one output or a directory. Raises NormcliError."""
    result = ApplyResult("apply", params=path_of(request), output=request.output, inverse=request.inverse)
    with Run(request, result, events) as run:
        inputs, parameters, watch = prepared(run)
        _check_keeping(request)
        run.connect(inputs)
        run.open_rejects(request)
        into = _into_directory if paths.is_directory(request.output) else _into_one
        into(run, inputs, parameters, watch)
    if result.progress is not None:
        result.rows_out = result.progress.rows
    return result


def prepared(run: Run[ApplyRequest, ApplyResult]) -> tuple[list[Input], Parameters, DriftMonitor | None]:
    """The inputs of a request, its parameters with what it overrides, and what notices drift, if that is wanted. Raises
    NormcliError."""
    request, result = run.request, run.result
    if request.dtype == "float32" and request.inverse:
        raise UsageError("--dtype float32 is not for --inverse: it restores the original types, or float64")
    inputs = find(run, request)
    writing.check_output(run, request)
    parameters = read_parameters(
        request.params, example="normcli apply data.csv -p data.json", allow_edited=request.allow_edited,
        max_memory=request.max_memory,
    )  # fmt: skip
    result.digest, result.method = parameters.digest, methods_of(parameters)
    _check_options(request, parameters)
    if request.columns or request.exclude or request.drop_constant:
        from normcli.jobs.selecting import selected, without_constants

        parameters, result.constants = without_constants(request, selected(request, parameters))
    watch = _watch(parameters) if request.check else None
    if watch is not None:
        watch.limits = request.limits_of(request.min_rows or Limits().min_rows, watch.names)
    parameters = parameters.override(request.unseen, request.min_count)
    if request.training:
        parameters = parameters.in_training()
    if request.inverse:
        parameters = parameters.lossy() if request.lossy else parameters
        parameters.check_invertible()
    result.columns = FrameTransform(parameters, inverse=request.inverse).needs()
    return inputs, parameters, watch


def _into_one(
    run: Run[ApplyRequest, ApplyResult], inputs: list[Input], parameters: Parameters, watch: DriftMonitor | None
) -> None:
    """All inputs, one after the other, into the output."""
    request, result = run.request, run.result
    target = run.changes.open(request.output, spool_dir=request.spool_dir)
    to = request.to or formats.by_suffix(request.output)
    readers = Readers(run, request, inputs, to=to, dialect=parameters.dialect, example=EXAMPLE)
    first = readers.first
    to = formats.of_output(request.to, request.output, writing.as_input(first, target))
    if first.source.is_file(request.output) and not formats.keeps_marks(to) and not request.in_place:
        output = "text" if formats.is_text(to) else to
        what = f"-o {printable(str(request.output))} is the INPUT, and {output} can't say that it was normalized"
        raise UsageError(what, "--in-place replaces it all the same")
    run.detail(f"{first.description.name} is {first.description.format}, {target.name} will be {to}")
    outputs = outputs_of(run, parameters, readers, watch)
    parts = outputs.into(target, to, (readers.first_input, first), readers)
    result.targets = (target.name,)
    if request.dry_run:
        result.preview = Preview.of(readers, outputs.transform.needs(), result.targets)
        return
    with run.counting(request, readers, shown=not os.isatty(target.fd)) as progress:
        with closing(pipeline.apply(parts, run.engine(request, parameters), file=target, progress=progress)) as written:
            ends = [output.sink for output in written]
        progress.end()
        judge(run, watch, progress.rows)
    run.check_warnings()
    run.changes.finish(target, ends, run.rejects)


def _into_directory(
    run: Run[ApplyRequest, ApplyResult], inputs: list[Input], parameters: Parameters, watch: DriftMonitor | None
) -> None:
    """Each input into a file of its own; with --resume, those that are not finished yet."""
    from normcli.jobs.resuming import Files

    request, result = run.request, run.result
    files = Files(
        writing.paths_below(run, request, inputs),
        outputs_of(run, parameters, None, watch).manifest(
            contents=request.resume == "digest", checks=run.checks(), resumes=request.resume is not None
        ),
        watch,
    )
    run.close_at_end(files)
    left = inputs
    if request.resume or run.cluster is not None:  # of which a killed run leaves many
        _remove_stale(run, files)
    if request.resume:
        left = files.unfinished(strict=request.werror)
        run.info(f"{len(inputs) - len(left)} of {len(inputs)} complete, {len(left)} left")
    readers: Readers | None = None
    try:
        if left:
            readers = Readers(
                run, request, left, to=request.to, dialect=parameters.dialect, example=EXAMPLE, directory=True
            )
    except EmptyInputError:  # of all that is left, of which no file is made
        if len(left) == len(inputs) or not all(i.implicit for i in left):
            raise
    outputs = outputs_of(run, parameters, readers, watch)
    result.targets = (printable(str(request.output)),)
    if request.dry_run:
        if readers:
            next(outputs.below(files, readers))  # which is refused where it would be
            result.preview = Preview.of(readers, outputs.transform.needs(), (), files.paths)
        return
    with run.counting(request, readers) as progress:
        files.begin(progress)
        if readers is None:
            progress.empty = left
        count = writing.put_in_place(run, _written(run, outputs, readers, files, progress), files)
        files.reach()
        progress.end(replaced(count) if count else "")
        judge(run, watch, progress.rows)
    run.check_warnings(replaced(count))
    run.changes.commit(run.rejects)


def _remove_stale(run: Run[ApplyRequest, ApplyResult], files: Files) -> None:
    """Removes what dead runs have left in the directory of the output, and those of its files. Raises
    CannotCreateError, OutputError."""
    from normcli.io.manifest import remove_stale

    top = str(run.request.output)
    in_turn = stores.is_uri(top) and run.cluster is not None  # a run of a cluster does so when it begins to write
    if not run.request.dry_run and not in_turn:
        remove_stale({top, *map(os.path.dirname, files.paths.values())}, top)


def _written(
    run: Run[ApplyRequest, ApplyResult], outputs: Outputs, readers: Readers | None, files: Files, progress: Progress
) -> Generator[Written]:
    """Each input in a file of its own, in its turn: written here, or by the workers of a cluster."""
    parameters = outputs.transform.parameters
    remote = run.remote_inputs(parameters, readers, files) if readers else None
    if readers is not None and remote is not None:
        from normcli.jobs.remote import write

        return write(run, remote, outputs, readers, files, progress)
    parts = outputs.below(files, readers) if readers else ()
    return pipeline.apply(parts, run.engine(run.request, parameters), progress=progress)


def path_of(request: ApplyRequest) -> str | None:
    """The file of the parameters; None where they are in memory."""
    return request.params if isinstance(request.params, str) else None


def outputs_of(
    run: Run[ApplyRequest, ApplyResult], parameters: Parameters, readers: Readers | None, watch: DriftMonitor | None
) -> Outputs:
    request, constants = run.request, run.result.constants
    options = readers.options.writing if readers else lambda format: None
    transform = transform_of(request, parameters, constants, inverse=request.inverse)
    return Outputs(
        request, transform, options, extra=not request.no_extra, repeatedly=request.allow_normalized, watch=watch
    )


def _check_options(request: ApplyRequest, parameters: Parameters) -> None:
    """Raises UsageError for options that have no effect with these parameters and this output."""
    request.check_needs(
        keys=None if parameters.by else "these are not (fit --by)",
        learns=None if parameters.learns else f"{methods_of(parameters)} learned nothing",
        spool=None if any(map(stores.is_uri, (request.output, request.rejects))) else "nothing is spooled here",
        directory=_no_directory(request.output),
    )


def _no_directory(output: str | None) -> str | None:
    """What an output is instead of a directory; None for one."""
    if paths.is_directory(output):
        return None
    if output in (None, "-"):
        return "here it is standard output"
    return f"{printable(str(output))} is {'a file' if os.path.exists(str(output)) else 'the name of a file'}"


def _check_keeping(request: ApplyRequest) -> None:
    """Raises UsageError where --check could not keep the old output."""
    output = request.output
    into = "standard output" if output in (None, "-") else "a directory" if paths.is_directory(output) else None
    if into is None and os.path.exists(str(output)) and not os.path.isfile(str(output)):
        into = "no regular file"
    if request.check == "refuse" and into:
        raise UsageError(f"--check can't be had where OUTPUT is {into}: {IRREVOCABLE}", "--check=warn warns of drift")


def _watch(parameters: Parameters) -> DriftMonitor:
    from normcli.drift import DriftMonitor

    return DriftMonitor(parameters)


def judge(run: Run[ApplyRequest, ApplyResult], watch: DriftMonitor | None, rows: int) -> None:
    """The verdict after the last row. Raises DriftError where data have drifted, if drift is an error."""
    if watch is None:
        return
    from normcli import drift

    request = run.request
    comparison = watch.compared(rows)
    run.result.comparison = comparison
    warn(run, comparison, watch.parameters)
    if comparison.rows is None:
        run.info("nothing was learned from values: --check has compared columns alone")
    if comparison.drift and request.check == "refuse":
        raise DriftError(drift.summary(comparison), "OUTPUT is what it was; --check=warn replaces it all the same")
    if comparison.drift:
        run.warning(drift.summary(comparison))
