"""Whether new data still look like those that were fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from normcli import pipeline
from normcli.drift import DriftMonitor, compared_fits
from normcli.jobs.choosing import methods_of
from normcli.jobs.judging import warn
from normcli.jobs.parameter_files import other_fit, read_parameters
from normcli.jobs.reading import Readers, find
from normcli.jobs.requests.check import CheckRequest
from normcli.jobs.results import CheckResult, Preview
from normcli.jobs.run import Run
from normcli.methods import listed
from normcli.pipeline import SILENT, Events

if TYPE_CHECKING:
    from normcli.parameters import Parameters
    from normcli.parameters.sketches import ColumnSketches

EXAMPLE = "normcli check today.csv -p data.json"


def check(request: CheckRequest, events: Events = SILENT, *, sketch: bool = False) -> CheckResult:
    """Compares all inputs of a request, data or one parameter file, with the data that its parameters were fitted on,
    and with `sketch` keeps their distributions. Drift is no error here. Raises NormcliError."""
    result = CheckResult("check", params=request.params if isinstance(request.params, str) else None)
    with Run(request, result, events) as run:
        result.sketches = compare(run, EXAMPLE, sketch=sketch)
        if request.dry_run:
            return result
        run.check_warnings("")
        run.changes.commit(run.rejects)
    return result


def distributions(result: CheckResult) -> dict[str, tuple[tuple[float, ...], tuple[float, ...]]]:
    """Histograms of the new data and of the fitted, in the same bins, of each input column that was sketched in both,
    as `histograms` has them."""
    from normcli.parameters.histograms import compared, histograms  # here, for only a terminal shows them

    fitted = result.parameters.sketches if result.parameters else None
    if fitted is None or result.sketches is None:
        return {}
    now, then = compared(result.sketches, fitted), histograms(fitted, fitted.names)
    return {name: (now[name], then.get(name, ())) for name in now}


def compare(run: Run[Any, Any], example: str, *, sketch: bool = False) -> ColumnSketches | None:
    """Reads the parameters and all inputs of a run whose request is a CheckRequest, and fills its result, a
    CheckResult; the sketches of the inputs, with `sketch` or if these are a parameter file. `example` is a command with
    a file, for hints. Raises NormcliError."""
    request, result = run.request, run.result
    inputs = find(run, request)
    parameters = read_fitted(run, example)
    nothing = None if parameters.learns else f"{result.method} learned nothing: columns alone are compared"
    request.check_needs(learns=nothing, rows=nothing, keys=None if parameters.by else "these are not (fit --by)")
    unknown = [n for n in parameters.needs() if n not in parameters.passes.columns] if parameters.learns else []
    if unknown:
        plural = len(unknown) > 1
        run.notice(
            f"{listed(unknown)} {'are' if plural else 'is'} not compared: no step of the file has learned from "
            f"{'them' if plural else 'it'}"
        )
    watch = DriftMonitor(parameters, extra=not request.no_extra, sketch=sketch, by_key=request.by_key)
    watch.limits = request.limits_of(request.min_rows, watch.names)
    other = other_fit(run, request, inputs)
    if other is not None:
        if request.dry_run:
            result.preview = Preview((), None, other.schema, (), ())
            return None
        result.comparison = compared_fits(
            parameters, other, watch.limits, extra=not request.no_extra, by_key=request.by_key
        )
        warn(run, result.comparison, parameters, other)
        return other.sketches
    run.connect(inputs)
    run.open_rejects(request)
    readers = Readers(run, request, inputs, dialect=parameters.dialect, example=example, writes=False)
    if request.dry_run:
        result.preview = Preview.of(readers, parameters.needs(), ())
        return None
    with run.counting(request, readers) as progress:
        progress.least = 0  # fewer rows allow no verdict, which is no error
        remote = run.remote_inputs(watch.measuring, readers)
        pipeline.check(
            (reader for _, reader in readers), watch, run.engine(request, parameters),
            infinite=request.infinite, skip=request.skips, progress=progress, remote=remote,
        )  # fmt: skip
        progress.end()
        result.comparison = watch.compared(progress.rows)
        warn(run, result.comparison, parameters)
    return watch.sketches


def read_fitted(run: Run[Any, Any], example: str) -> Parameters:
    """The parameters of a run whose request is a CheckRequest, which are in its result from then on. Raises
    NoInputError, BadParametersError."""
    request, result = run.request, run.result
    parameters = result.parameters = read_parameters(
        request.params, example=example, allow_edited=request.allow_edited, max_memory=request.max_memory
    )
    result.digest, result.method = parameters.digest, methods_of(parameters)
    return parameters
