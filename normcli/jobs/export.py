"""To write what parameters compute for another engine."""

from __future__ import annotations

import os

from normcli import exports
from normcli.errors import UsageError
from normcli.jobs.choosing import methods_of
from normcli.jobs.inspect import group_of
from normcli.jobs.kinds import configured
from normcli.jobs.parameter_files import read_parameters
from normcli.jobs.requests.export import ExportRequest
from normcli.jobs.results import ExportResult
from normcli.jobs.run import Run
from normcli.parameters import Parameters
from normcli.pipeline import SILENT, Events

EXAMPLE = "normcli export data.json --to sql"


def export(request: ExportRequest, events: Events = SILENT) -> ExportResult:
    """Writes what parameters compute for the target of a request. Raises NormcliError; NoFormulaError and
    NotInvertibleError for what the target can't compute, and why."""
    result = ExportResult("export", output=request.explicit_value("output"))
    with Run(request, result, events) as run:
        target: exports.Target = configured("exports", request.to, request.target_options, "--to")
        parameters = read_parameters(request.params, example=EXAMPLE, allow_edited=request.allow_edited)
        result.method, result.digest = methods_of(parameters), parameters.digest
        request.check_needs(keys=None if parameters.by else "these are not (fit --by)")
        file = None if request.output is None else run.changes.open(request.output)
        if target.binary and file is not None and os.isatty(file.fd):
            raise UsageError(f"{file.name} is a terminal, and {request.to} is binary", "-o FILE writes a file")
        result.content = _content(request, target, parameters)
        run.check_warnings()
        run.changes.fill(file, (result.content,))
        run.changes.commit(file)
        result.targets = (file.name,) if file else ()
    return result


def _content(request: ExportRequest, target: exports.Target, parameters: Parameters) -> bytes:
    if parameters.by and request.key is None:
        raise UsageError("the parameters are by key, and what is exported is of one", "--key KEY names it")
    group = 0 if request.key is None else group_of(parameters, request.key)
    return exports.content(target, exports.Export(parameters, group, request.inverse, request.lossy))
