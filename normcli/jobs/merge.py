"""To merge what partial fits have learned into what one fit over all their data would have."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from normcli.errors import UsageError
from normcli.io import inputs
from normcli.jobs import sketch_notices
from normcli.jobs.choosing import methods_of
from normcli.jobs.parameter_files import lock, read_parameters, rows_before
from normcli.jobs.reading import report_left_out
from normcli.jobs.requests.merge import MergeRequest
from normcli.jobs.results import MergeResult
from normcli.jobs.run import Run
from normcli.parameters import Parameters
from normcli.parameters import file as params
from normcli.pipeline import SILENT, Events, merging
from normcli.pipeline.column_warnings import warn_of_columns

EXAMPLE = "normcli merge part-*.json -o whole.json"


def merge(request: MergeRequest, events: Events = SILENT) -> MergeResult:
    """Merges all parameter files of a request. Raises NormcliError."""
    result = MergeResult("merge", output=request.explicit_value("output"))
    with Run(request, result, events) as run:
        sources = _sources(run)

        lacking = list[str]()

        def plans() -> Iterator[tuple[str, Parameters]]:
            cut = None
            for source in sources:
                if cut:
                    run.warning(cut)
                name = "<stdin>" if source == "-" else source if isinstance(source, str) else "<memory>"
                parameters = read_parameters(source, example=EXAMPLE, allow_edited=request.allow_edited)
                cut = (short := merging.cut_batch(parameters)) and f"{name}: {short}"
                if parameters.sketches is None:
                    lacking.append(name)
                yield name, parameters

        lock(run, request.output, request.wait)
        target = None if request.output is None else run.changes.open(request.output)
        result.rows_before = rows_before(request.output)
        merged = merging.merge(plans(), allow_duplicates=request.allow_duplicates)
        parameters = result.parameters = params.sealed(replace(merged, note=request.note or merged.note))
        result.method, result.digest = methods_of(parameters), parameters.digest
        if lacking and len(lacking) < len(sources):
            sketch_notices.of_merge(run, lacking)
        warn_of_columns(parameters, run.warning)
        run.check_warnings()
        run.changes.fill(target, params.pieces(parameters))
        run.changes.commit(target)
        result.targets = (target.name,) if target else ()
    return result


def _sources(run: Run[MergeRequest, MergeResult]) -> list[str | Parameters]:
    """The files that are meant, in order; a pattern of a store is the objects that it finds."""
    sources, every = list[str | Parameters](), inputs.Listing()
    for source in run.request.inputs:
        if isinstance(source, str):
            search = inputs.expand([source])
            every.left += search.left
            sources += (str(input.path) for input in search.inputs)
        else:
            sources.append(source)
    report_left_out(run, every)
    run.result.inputs = [source for source in sources if isinstance(source, str)]
    if run.result.inputs.count("-") > 1:
        raise UsageError("standard input is given twice")
    return sources
