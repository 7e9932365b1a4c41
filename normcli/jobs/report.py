"""A page on what was fitted, and on how new data compare with it."""

from __future__ import annotations

from msgspec.structs import replace

from normcli.errors import printable
from normcli.jobs import paths
from normcli.jobs.check import compare, read_fitted
from normcli.jobs.requests.report import ReportRequest
from normcli.jobs.results import Preview, ReportResult
from normcli.jobs.run import Run
from normcli.parameters.sketches import ColumnSketches
from normcli.pipeline import SILENT, Events
from normcli.pipeline.column_warnings import warn_of_columns
from normcli.reports import NewData, page

EXAMPLE = "normcli report data.json -o report.html"
NAMED = 3  # inputs


def report(request: ReportRequest, events: Events = SILENT) -> ReportResult:
    """Writes a page on the parameters of a request, and if it has inputs, on how they compare. Drift is no error here.
    Raises NormcliError."""
    result = ReportResult("report", params=request.params if isinstance(request.params, str) else None)
    result.output = request.explicit_value("output")
    with Run(request, result, events) as run:
        target = None if request.dry_run or request.output is None else run.changes.open(request.output)
        sketches = None
        if request.has_input:
            sketches = compare(run, EXAMPLE, sketch=True)
        else:
            _read_alone(run)
        if request.dry_run:
            assert result.preview is not None
            result.preview = replace(result.preview, targets=(printable(request.output),) if request.output else ())
            return result
        run.check_warnings()
        assert result.parameters is not None
        remarks = list[str]()
        warn_of_columns(result.parameters, remarks.append)
        result.page = page(result.parameters, _new_data(result, sketches), [*remarks, *result.warnings])
        run.changes.fill(target, [result.page.encode()])
        run.changes.commit(run.rejects, target)
        result.targets = (target.name,) if target else ()
    return result


def _read_alone(run: Run[ReportRequest, ReportResult]) -> None:
    """Reads the parameters. Raises UsageError for options of data."""
    request, result = run.request, run.result
    paths.check_inputs(request, result, [])
    nothing = "there is no INPUT"
    request.check_needs(check=nothing, learns=nothing, rows=nothing, keys=nothing)
    parameters = read_fitted(run, EXAMPLE)
    if request.dry_run:
        columns = tuple(f for f in parameters.schema if f.name in parameters.needs())
        result.preview = Preview((), None, columns, (), ())


def _new_data(result: ReportResult, sketches: ColumnSketches | None) -> NewData | None:
    """What is beside the fit."""
    if result.comparison is None or result.inputs is None:
        return None
    more = f" and {len(result.inputs) - NAMED:,} more" if len(result.inputs) > NAMED else ""
    names = ", ".join("standard input" if name == "-" else printable(name) for name in result.inputs[:NAMED])
    return NewData(f"{names}{more}", result.comparison, sketches)
