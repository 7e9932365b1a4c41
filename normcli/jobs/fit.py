"""To learn a method's parameters, or those of several steps; and to normalize the same data."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from normcli import columns, formats, pipeline
from normcli.errors import UsageError, printable, replaced
from normcli.io.stores import is_uri
from normcli.jobs import paths, writing
from normcli.jobs.choosing import chosen, method_name, methods_of, needed
from normcli.jobs.conventions import noted
from normcli.jobs.parameter_files import lock, rows_before
from normcli.jobs.planning import planned, report_doubtful
from normcli.jobs.reading import Readers, check_repeatable, find
from normcli.jobs.requests import Place
from normcli.jobs.requests.fit import FitRequest
from normcli.jobs.results import FitResult, Preview
from normcli.jobs.run import Run
from normcli.jobs.writing import Outputs, Pairs, transform_of
from normcli.parameters import Parameters
from normcli.parameters import file as params
from normcli.pipeline import SILENT, Events

if TYPE_CHECKING:
    from normcli.formats import Description, Reader
    from normcli.io.inputs import Input
    from normcli.io.outputs import Target
    from normcli.parameters.plan import Plan
    from normcli.pipeline import Part, Progress
    from normcli.pipeline.spool import Spool

EXAMPLE = "normcli fit data.csv -m zscore -p data.json"


class Targets(Struct, frozen=True):
    """What a fit replaces, beside rejects: the parameter file, and one file or stream of data."""

    params: Target | None
    file: Target | None


def fit(request: FitRequest, events: Events = SILENT) -> FitResult:
    """Learns from all inputs of a request, and from what its parameter file has counted where that is updated. Raises
    NormcliError."""
    result = FitResult(
        "fit", method=method_name(request.method), params=request.explicit_value("params"), output=request.output
    )
    with Run(request, result, events) as run:
        plan, inputs = _wanted(run)
        lock(run, request.params, request.wait)
        old = _continued(run, plan)
        _check_options(run, inputs, old or needed(plan, request))
        run.connect(inputs)
        result.rows_before = 0 if old else rows_before(request.params)
        targets = _open_targets(run)
        to = request.to or formats.by_suffix(request.output)
        readers = Readers(
            run, request, inputs, to=to, dialect=old.dialect if old else (), example=EXAMPLE,
            directory=paths.is_directory(request.output), writes=bool(request.output),
        )  # fmt: skip
        initial = old or replace(planned(run, readers, needed(plan, request)), dialect=readers.options.dialect)
        if request.no_sketch:
            initial = replace(initial, sketches=None)
        _describe(run, plan, initial, readers.first.description, targets)
        _check_passes(run, inputs, initial, plan)
        if request.update and not old:
            run.notice(f"{printable(str(request.params))}: there is no such file, a new one begins")
        for text in initial.passes.described():
            run.detail(text)
        data = _writable(run, initial, readers, targets.file) if request.output else (reader for _, reader in readers)
        if request.dry_run:
            next(data)
            preview = Preview.of(readers, result.columns, result.targets)
            result.preview = replace(preview, passes=initial.passes.described())
            return result
        spool = writing.spool_for(request, inputs, readers.first, to) if request.output and initial.learns else None
        if spool:
            run.close_at_end(spool)
        parameters, progress = _learned(run, initial, plan, readers, data, spool)
        if parameters.sketches is None:
            from normcli.jobs import sketch_notices  # here, for most fits keep them

            sketch_notices.of_fit(run, parameters, old, request.params, no_sketch=request.no_sketch)
        result.parameters, result.digest, result.updated = parameters, parameters.digest, old is not None
        if old and parameters.digest == old.digest:  # the same file is not replaced
            targets = replace(targets, params=None)
        run.changes.fill(targets.params, params.pieces(parameters))
        if request.output:
            written = _write(run, parameters, readers, spool, targets, progress)
            result.rows_out = written.rows
            progress.clips, progress.fills = written.clips, written.fills
            if not spool:
                progress = written
            result.progress = progress  # of what was read: a spool has no blank lines
        else:
            if not parameters.learns:
                readers.first.source.drain()
            run.check_warnings()
            run.changes.commit(targets.params, run.rejects)
        result.rows = parameters.rows - old.rows if old else parameters.rows or progress.rows
    return result


def _open_targets(run: Run[FitRequest, FitResult]) -> Targets:
    """What the request names to be written. Raises OutputError."""
    request, params_target, file = run.request, None, None
    if request.params is not None:
        params_target = run.changes.open(request.params, spool_dir=request.spool_dir)
    run.open_rejects(request)
    if request.output and not paths.is_directory(request.output):
        file = run.changes.open(request.output, spool_dir=request.spool_dir)
    return Targets(params_target, file)


def _continued(run: Run[FitRequest, FitResult], plan: Plan | None) -> Parameters | None:
    if not run.request.update:
        return None
    from normcli.jobs.update import continued

    return continued(run, plan)


def _wanted(run: Run[FitRequest, FitResult]) -> tuple[Plan | None, list[Input]]:
    """The steps of the request, if it has any, and the inputs. Raises UsageError, NoInputError."""
    request = run.request
    request.check_needs(**{"data written": None if request.output else ""})
    plan = chosen(request, example=EXAMPLE)
    inputs = find(run, request)
    if plan:
        paths.check_reads(request, run.result, [Place(f"parameter file of {plan.name}", file) for file in plan.files])
    if request.update:
        from normcli.jobs.update import check_update

        check_update(request)
    writing.check_output(run, request)
    if paths.is_directory(request.output):
        writing.paths_below(run, request, inputs)  # what can't be is refused before hours of reading
    return plan, inputs


def _check_options(run: Run[FitRequest, FitResult], inputs: list[Input], wanted: Parameters | Plan) -> None:
    """Raises UsageError for options that have no effect on this request."""
    request = run.request
    methods = run.result.method = methods_of(wanted)
    nothing = None if wanted.learns else f"{methods} learns nothing from data"
    far = any(map(is_uri, (request.params, request.output, request.rejects)))
    request.check_needs(
        **{
            "learns": nothing,
            "keys": None if request.by or getattr(wanted, "by", None) else "these are not (fit --by)",
            "rows": f"{nothing}: without -o only the header is read" if nothing and not request.output else None,
            "params written": None if request.params or not request.output else "none are written here",
            "spool": None if far or (request.output and wanted.learns) else "nothing is spooled here",
        }
    )
    if request.output and wanted.learns and not request.params:
        raise UsageError("-o needs -p PARAMS: what was learned is wanted to undo it, and for new data")
    _check_exact(request, inputs, wanted)


def _check_exact(request: FitRequest, inputs: list[Input], wanted: Parameters | Plan) -> None:
    """Raises UsageError where the data would have to be read more than once, and can't be."""
    if not any(s.repeats for method in wanted.learners for s in method.statistics):
        return
    for flag, why in (
        ("by", "a sketch of each key is kept"),
        ("weights", "it is of rows, not of how often they count"),
        ("update", "what was counted before can't be read again"),
    ):
        if getattr(request, flag) not in (None, False, ()):
            raise UsageError(f"--exact with --{flag}: {why}")
    if not request.output:  # what -o writes is kept, and can be read again
        check_repeatable(inputs, "--exact")


def _check_passes(run: Run[FitRequest, FitResult], inputs: list[Input], initial: Parameters, plan: Plan | None) -> None:
    """Raises UsageError for steps of several passes over data that can be read only once, or are added to a fit."""
    if initial.passes.count == 1:
        return
    if run.request.update:
        from normcli.pipeline.merging import check_continues

        check_continues((plan and plan.name) or "plan", initial, "updated")
    if not run.request.output:  # what -o writes is kept, and can be read again
        check_repeatable(inputs, f"a plan of {initial.passes.count} passes")


def _describe(
    run: Run[FitRequest, FitResult], plan: Plan | None, initial: Parameters, first: Description, targets: Targets
) -> None:
    """Which columns take part and which are left, how they are computed, and what is written."""
    result, request, needs = run.result, run.request, set(initial.needs())
    result.columns = tuple(f.name for f in initial.schema if f.name in needs)
    result.left = tuple(f.name for f in first.schema if f.name not in set(result.columns))
    names = [target.name for target in (targets.params, targets.file) if target is not None]
    result.targets = (*names, *([printable(str(request.output))] if paths.is_directory(request.output) else ()))
    if plan and not request.update:
        report_doubtful(result, plan, first)
    run.detail(f"{first.name}: columns: {columns.described(first.schema)}")
    for text in dict.fromkeys(s.computation() for step in initial.steps for s in step.blanks):
        if text:
            run.detail(text)


def _writable(
    run: Run[FitRequest, FitResult], parameters: Parameters, readers: Readers, file: Target | None
) -> Iterator[Reader]:
    """The inputs, each once it is known that its columns have a place in the output."""
    request = run.request
    outputs = Outputs(request, transform_of(request, parameters), readers.options.writing)
    below = {} if file else writing.paths_below(run, request, readers.inputs)
    for input, reader in readers:
        path = request.output if file else below[input]
        input_format = writing.as_input(readers.first, file) if file else reader.description.format
        outputs.check_passing(formats.of_output(request.to, path, input_format), reader.description)
        yield reader


def _learned(
    run: Run[FitRequest, FitResult], initial: Parameters, plan: Plan | None, readers: Readers, data: Iterator[Reader],
    spool: Spool | None,
) -> tuple[Parameters, Progress]:  # fmt: skip
    """The parameters fitted to all inputs, whose rows are stored in the spool if there is one; and the counts."""
    request = run.request
    note = request.note or initial.note
    if not initial.note and plan is not None:
        note = noted(request.like, plan.plan_steps[0].method, request.note)
    initial, engine = replace(initial, note=note), run.engine(request, initial)
    with run.counting(request, readers) as progress:
        fitted = pipeline.fit(
            data, initial, engine, infinite=request.infinite, skip=request.skips,
            once=request.update and not request.recount, keep=spool, reopen=readers.reopened, progress=progress,
            max_memory=request.max_memory, excludes=plan.excludes if plan else lambda name: True,
            remote=run.remote_inputs(initial, readers),
        )  # fmt: skip
        if fitted.learns:
            progress.end()
            run.check_warnings()
    return params.sealed(replace(fitted, called=())), progress


def _write(
    run: Run[FitRequest, FitResult], parameters: Parameters, readers: Readers, spool: Spool | None, targets: Targets,
    fitted: Progress,
) -> Progress:  # fmt: skip
    """Normalizes what was read, from the spool, or the inputs themselves where nothing had to be learned. The warnings
    of what was `fitted` are not repeated."""
    if run.request.drop_constant:
        from normcli.jobs.selecting import without_constants

        parameters, run.result.constants = without_constants(run.request, parameters)
    transform = transform_of(run.request, parameters, run.result.constants)
    outputs = Outputs(run.request, transform, readers.options.writing)
    write = _write_directory if targets.file is None else _write_file
    shown = targets.file is None or not os.isatty(targets.file.fd)
    with run.counting(run.request, readers, shown=shown, rows_before=fitted.rows if spool else None) as progress:
        progress.warnings = list(fitted.warnings)
        write(run, outputs, readers, spool, targets)
    return progress


def _write_file(
    run: Run[FitRequest, FitResult], outputs: Outputs, readers: Readers, spool: Spool | None, targets: Targets
) -> None:
    """All inputs into one file or stream."""
    request, progress, file = run.request, run.result.progress, targets.file
    assert progress is not None
    assert file is not None
    first: tuple[Input, Reader] = readers.first_input, readers.first
    pairs: Pairs = readers
    if spool:
        pairs = list(zip(readers.inputs, spool.readers, strict=True))
        first = next(pair for pair in pairs if pair[0] == readers.first_input)
    to = formats.of_output(request.to, request.output, writing.as_input(readers.first, file))
    parts = outputs.into(file, to, first, pairs)
    with closing(
        pipeline.apply(parts, run.engine(request, outputs.transform.parameters), file=file, progress=progress)
    ) as written:
        ends = [output.sink for output in written]
    progress.end()
    run.check_warnings()
    run.changes.finish(file, ends, targets.params, run.rejects)


def _write_directory(
    run: Run[FitRequest, FitResult], outputs: Outputs, readers: Readers, spool: Spool | None, targets: Targets
) -> None:
    """Each input into its own file. The parameter file is put in place with the first of them."""
    from normcli.jobs.resuming import Files

    request, progress = run.request, run.result.progress
    assert progress is not None
    files = Files(writing.paths_below(run, request, readers.inputs), outputs.manifest())
    run.close_at_end(files)
    files.begin(progress)
    pairs: Pairs = list(zip(readers.inputs, spool.readers, strict=True)) if spool else readers
    parts: Iterable[Part] = outputs.below(files, pairs)
    if spool:  # what is known of all inputs is reported before anything is replaced
        parts = list(parts)
        for part in parts:
            pipeline.check_rows(part.reader)
    before = (targets.params, run.rejects if spool else None)
    engine = run.engine(request, outputs.transform.parameters)
    count = writing.put_in_place(run, pipeline.apply(parts, engine, progress=progress), files, *before)
    progress.end(replaced(count) if count else "")
    run.check_warnings(replaced(count))
    run.changes.commit(targets.params, run.rejects)
