"""To learn a method's parameters, or those of several steps, in one pass; and to normalize the same data."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from normcli import columns, formats, pipeline, suggestions
from normcli.errors import BadDataError, UsageError, printable, replaced, short
from normcli.io.stores import is_uri
from normcli.jobs import paths, writing
from normcli.jobs.choosing import chosen, method_name, methods_of, needed
from normcli.jobs.codes import codes
from normcli.jobs.conventions import noted
from normcli.jobs.parameter_files import lock, rows_before
from normcli.jobs.reading import Readers, check_repeatable, find
from normcli.jobs.requests.fit import FitRequest
from normcli.jobs.results import FitResult, Preview
from normcli.jobs.run import Run
from normcli.jobs.writing import Outputs, Pairs, transform_of
from normcli.methods import listed
from normcli.parameters import Parameters, Rules
from normcli.parameters import file as params
from normcli.parameters.sketches import ColumnSketches
from normcli.pipeline import SILENT, Events

if TYPE_CHECKING:
    from collections.abc import Container

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
        directory, file, target = paths.is_directory(request.output), None, None
        if request.params is not None:
            target = run.changes.open(request.params, spool_dir=request.spool_dir)
        run.open_rejects(request)
        if request.output and not directory:
            file = run.changes.open(request.output, spool_dir=request.spool_dir)
        to = request.to or formats.by_suffix(request.output)
        readers = Readers(
            run, request, inputs, to=to, dialect=old.dialect if old else (), example=EXAMPLE, directory=directory,
            writes=bool(request.output),
        )  # fmt: skip
        begun = old or planned(run, readers, needed(plan, request))
        if not old:
            begun = replace(begun, dialect=readers.options.dialect)
        if request.no_sketch:
            begun = replace(begun, sketches=None)
        first = readers.first.description
        _describe(result, begun, first, target, file)
        if plan and not request.update:
            _report_doubtful(result, plan, first)
        run.detail(f"{first.name}: columns: {columns.described(first.schema)}")
        for text in dict.fromkeys(s.computation() for step in begun.steps for s in step.blanks):
            if text:
                run.detail(text)
        _check_passes(run, inputs, begun)
        for text in begun.described_passes():
            run.detail(text)
        data = _writable(run, begun, readers, file) if request.output else (reader for _, reader in readers)
        if request.dry_run:
            next(data)
            preview = Preview.of(readers, result.columns, result.targets)
            result.preview = replace(preview, passes=begun.described_passes())
            return result
        spool = writing.spool_for(request, inputs, readers.first, to) if request.output and begun.learns else None
        if spool:
            run.close_at_end(spool)
        parameters, progress = _learned(run, begun, plan, readers, data, spool)
        if parameters.sketches is None:
            from normcli.jobs import sketch_notices  # here, for most fits keep them

            sketch_notices.of_fit(run, parameters, old, request.params, no_sketch=request.no_sketch)
        result.parameters, result.digest, result.updated = parameters, parameters.digest, old is not None
        params_target = None if old and parameters.digest == old.digest else target  # the same file is not replaced
        run.changes.fill(params_target, params.pieces(parameters))
        if request.output:
            targets = Targets(params_target, file)
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
            run.changes.commit(params_target, run.rejects)
        result.rows = parameters.rows - old.rows if old else parameters.rows or progress.rows
    return result


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
        _check_exact(request, inputs, plan)
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


def _check_passes(run: Run[FitRequest, FitResult], inputs: list[Input], begun: Parameters) -> None:
    """Raises UsageError for steps of several passes over data that can be read only once, or are added to a fit."""
    if begun.pass_count == 1:
        return
    if run.request.update:
        from normcli.pipeline.learning import check_continues

        check_continues(printable(str(run.request.params)), begun, "updated")
    if not run.request.output:  # what -o writes is kept, and can be read again
        check_repeatable(inputs, f"a plan of {begun.pass_count} passes")


def planned(run: Run[FitRequest, FitResult], readers: Readers, plan: Plan) -> Parameters:
    """The unfitted parameters, for the selected columns, or all suitable ones, of the first input. Raises UsageError,
    BadDataError."""
    request, first = run.request, readers.first.description
    name, keys = first.name, dict(first.keys)
    first = first.expecting(plan.named(first.schema))
    by = _named_columns("--by", request.by, first)
    categories = _named_columns("--categories", request.categories, first)
    weights = () if request.weights is None else (request.weights,)
    first = first.expecting([n for n in (*by, *categories, *weights) if n not in keys])
    readers.describe_first(first)
    for flag, taken in (("--by", by), ("--categories", categories)):
        if request.weights in taken:
            raise UsageError(f"--weights {request.weights}: is a column of {flag}")
    beside = {*by, *categories, *weights}
    if {*by, *weights} and any(s.multiple > 1 for method in plan.learners for s in method.statistics):
        what = f"{methods_of(plan)} learns from batches of rows that follow each other"
        raise UsageError(f"{what}: --by and --weights are not for it")
    absent = sorted(beside.difference((f.name for f in first.schema), keys))
    if absent:
        hint = suggestions.hint(absent[0], [f.name for f in first.schema])
        raise BadDataError(f"{name}: no column is called '{printable(absent[0])}'", hint)
    names = [f.name for f in first.schema]
    schema = plan.insisted(first.schema, first.identifiers)
    try:
        steps = plan.steps(
            schema, lambda name: readers.first.list_size(name), beside,
            data=name, not_numbers=first.not_numbers, indexes=first.indexes | first.identifiers, hint=first.hint,
        )  # fmt: skip
    except BadDataError:
        values = any(f.type != "null" for f in first.schema)
        if values and not any(c.columns for c in plan.plan_steps):  # none is left, and why not each
            _explain(run, first, {*beside, *plan.left_out(names)})
        raise
    rules = Rules().override(request.unseen, request.min_count)
    parameters = Parameters(steps, schema, by=by, weights=request.weights, rules=rules)
    if categories:
        from normcli.parameters.categories import Category  # here, for few fits have any

        parameters = replace(parameters, categories=tuple(map(Category, categories)))
    parameters.check_rules()
    if parameters.learns:
        parameters = replace(parameters, sketches=ColumnSketches(parameters.columns_to_measure))
    on_purpose = plan.left_out(names).union(first.indexes if all(c.columns for c in plan.plan_steps) else ())
    _explain(run, first, {*parameters.needs(), *beside, *on_purpose})
    return parameters


def _named_columns(flag: str, texts: Sequence[str], first: Description) -> tuple[str, ...]:
    """The columns of --by or --categories, `flag`: of each text that which is called so, or names between commas.
    Raises UsageError for one given twice."""
    available = {*dict(first.keys), *(f.name for f in first.schema)}
    names = tuple(name for text in texts for name in columns.parts(text, available))
    if len(set(names)) < len(names) or not available.issuperset(n for n in names if not n):
        raise UsageError(f"{flag} {f' {flag} '.join(texts)}: a column is named twice, or not at all")
    return names


def _explain(run: Run[FitRequest, FitResult], first: Description, known: Container[str]) -> None:
    """Warns of a header that looks like data, and of columns that are probably excluded by mistake; reports those that
    are excluded as an index."""
    if first.doubt:
        run.warning(first.doubt)
    doubts = {**first.doubts, **first.unread_numbers}
    for name in (f.name for f in first.schema if f.name in doubts and f.name not in known):
        run.warning(doubts[name])
    if names := [f.name for f in first.schema if f.name in first.identifiers and f.name not in known]:
        takes = f"-c {short(names[0])} takes it" if len(names) == 1 else "-c takes each by its name"
        run.notice(f"{first.name}: {listed(names)} left out: numbers that begin with zeros, as names do ({takes})")
    indexes = [f.name for f in first.schema if f.is_number and f.name in first.indexes and f.name not in known]
    if indexes:
        run.notice(f"{first.name}: {listed(indexes)} left out: an index of pandas (-c takes it)")


def _describe(result: FitResult, parameters: Parameters, first: Description, *targets: Target | None) -> None:
    """Which columns take part and which are left, and what is written."""
    needs = set(parameters.needs())
    result.columns = tuple(f.name for f in parameters.schema if f.name in needs)
    result.left = tuple(f.name for f in first.schema if f.name not in set(result.columns))
    names = [target.name for target in targets if target is not None]
    result.targets = (*names, *([printable(str(result.output))] if paths.is_directory(result.output) else ()))


def _report_doubtful(result: FitResult, plan: Plan, first: Description) -> None:
    """Which columns take part by default and may be codes, and which lists do not."""
    if not any(step.columns or step.exclude for step in plan.plan_steps):
        result.codes = codes(result.columns)
    if not any(step.columns for step in plan.plan_steps):
        result.lists = tuple(f.name for f in first.schema if f.list_of and f.name in result.left)


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
    run: Run[FitRequest, FitResult], begun: Parameters, plan: Plan | None, readers: Readers, data: Iterator[Reader],
    spool: Spool | None,
) -> tuple[Parameters, Progress]:  # fmt: skip
    """The parameters fitted to all inputs, whose rows are stored in the spool if there is one; and the counts."""
    request = run.request
    note = request.note or begun.note if begun.note else noted(request.like, request.method, request.note)
    begun, engine = replace(begun, note=note), run.engine(request, begun)
    with run.counting(request, readers) as progress:
        fitted = pipeline.fit(
            data, begun, engine, infinite=request.infinite, skip=request.skips,
            once=request.update and not request.recount, keep=spool, reopen=readers.reopened, progress=progress,
            max_memory=request.max_memory, excludes=plan.excludes if plan else lambda name: True,
            remote=run.remote_inputs(begun, readers),
        )  # fmt: skip
        if fitted.learns:
            progress.end()
            run.check_warnings()
    return params.sealed(fitted), progress


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
