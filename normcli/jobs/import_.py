"""To make parameters of what another program has learned."""

from __future__ import annotations

from normcli import imports
from normcli.errors import BadDataError, UsageError, printable
from normcli.io.stores import is_uri
from normcli.jobs import paths
from normcli.jobs.choosing import methods_of
from normcli.jobs.kinds import configured
from normcli.jobs.parameter_files import rows_before
from normcli.jobs.requests.import_ import ImportRequest
from normcli.jobs.results import ImportResult
from normcli.jobs.run import Run
from normcli.parameters import file as params
from normcli.pipeline import SILENT, Events


def import_parameters(request: ImportRequest, events: Events = SILENT) -> ImportResult:
    """Makes the parameters of a request, and writes them. Raises NormcliError."""
    result = ImportResult("import", output=request.explicit_value("output"))
    with Run(request, result, events) as run:
        origin: imports.Origin = configured("imports", request.from_, request.origin_options, "--from")
        if request.source == "-" or is_uri(request.source):
            raise UsageError(f"{printable(request.source)}: imports are from local files", "copy it first")
        if paths.is_directory(request.source):
            paths.check_inside(request, result, "FILE", request.source)
        target = None if request.output is None else run.changes.open(request.output)
        result.rows_before = rows_before(request.output)
        try:
            model = origin.read(request.source)
            parameters = imports.parameters_of(model, request.columns, request.note)
        except BadDataError as e:
            name = printable(request.source)
            raise BadDataError(e.message if e.message.startswith(name) else f"{name}: {e.message}", e.hint) from None
        for doubt in imports.doubts(model, parameters):
            run.warning(doubt)
        parameters = result.parameters = params.sealed(parameters)
        result.what, result.method, result.digest = model.description, methods_of(parameters), parameters.digest
        run.check_warnings()
        run.changes.fill(target, params.pieces(parameters))
        run.changes.commit(target)
        result.targets = (target.name,) if target else ()
    return result
