"""Summaries of the columns of data, in one pass and without a method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from normcli import columns
from normcli.columns import Field
from normcli.errors import BadDataError, replaced
from normcli.jobs.parameter_files import lock, rows_before
from normcli.jobs.reading import Readers, find
from normcli.jobs.requests.describe import DescribeRequest
from normcli.jobs.results import DescribeResult, Preview
from normcli.jobs.run import Run
from normcli.parameters import file as params
from normcli.parameters.histograms import heights
from normcli.pipeline import SILENT, Events, describing, memory
from normcli.pipeline.data_profile import DataProfile
from normcli.pipeline.profile import bytes_of, quantiles_of
from normcli.pipeline.profile_parameters import parameters_of

if TYPE_CHECKING:
    from normcli.columns import Schema
    from normcli.pipeline.profile import ProfileState

EXAMPLE = "normcli describe data.csv"


def describe(request: DescribeRequest, events: Events = SILENT) -> DescribeResult:
    """Describes the columns of all inputs of a request, those that it selects. Raises NormcliError."""
    result = DescribeResult("describe")
    with Run(request, result, events) as run:
        inputs = find(run, request)
        lock(run, request.save, request.wait)
        result.rows_before = rows_before(request.save)
        target = None if request.save is None else run.changes.open(request.save)
        result.targets = (target.name,) if target else ()
        run.open_rejects(request)
        readers = Readers(run, request, inputs, example=EXAMPLE, writes=False)
        chosen = _chosen(request, readers)
        first = readers.first.description
        if request.dry_run:
            result.preview = Preview.of(readers, [f.name for f in chosen], result.targets)
            return result
        left_out = {f.name for f in first.schema if f.is_opaque} - columns.matched(first.schema, request.exclude)
        for name in () if request.columns else sorted(left_out):
            run.warning(first.unread_numbers[name])
        unread = first.unread_numbers.keys() & {f.name for f in chosen}
        for doubt in (first.doubt, *(why for name, why in first.not_numbers.items() if name in unread)):
            if doubt:  # a column may hold anything, but with another option more of it may be numbers
                run.warning(doubt)
        numbers = sum(f.may_be_number for f in chosen)
        sizes = memory.Sizes.of_columns(len(first.schema), bytes_of(numbers, len(chosen) - numbers))
        with run.counting(request, readers) as progress:
            state = describing.describe(
                (reader for _, reader in readers), chosen, run.engine(request, sizes),
                closed=bool(request.columns or request.exclude), skip=request.skips, progress=progress,
            )  # fmt: skip
            progress.end()
            result.profile = DataProfile.of(state)
            result.state = state
        run.check_warnings(replaced(0) if target else "")
        if target:
            parameters = replace(parameters_of(state), note=request.note, dialect=readers.options.dialect)
            run.changes.fill(target, params.pieces(parameters))
        run.changes.commit(target, run.rejects)
    return result


def distributions(state: ProfileState) -> dict[str, tuple[float, ...]]:
    """A histogram of the numbers of each column that has some, as `histograms` has them."""
    numbers = ((name, state.numbers_of(name)) for name in state.types)
    sketches = ((name, quantiles_of(states)) for name, states in numbers if states)
    return {name: heights(*sketch.weighted(0, 0)) for name, sketch in sketches if sketch.sizes.any()}


def _chosen(request: DescribeRequest, readers: Readers) -> Schema:
    """The columns to describe, from those of the first input: all, or those that match selectors, of any type.
    Raises BadDataError where a selector matches nothing, or no column remains."""
    first = readers.first.description
    keys = tuple(Field(name, "string") for name, _ in first.keys)
    names = {f.name for f in (*keys, *first.schema)}
    named = (n for selector in request.columns for n in columns.names_in(selector, names))
    first = first.expecting([n for n in named if n not in names])
    readers.describe_first(first)
    available = (*keys, *first.schema)
    readable = [f for f in available if not f.is_opaque]
    chosen = columns.matched(available, request.columns) if request.columns else {f.name for f in readable}
    chosen -= columns.matched(available, request.exclude)
    if not chosen:
        raise BadDataError(f"{first.name}: no column is left", f"there are {columns.described(available)}")
    return tuple(f for f in available if f.name in chosen)
