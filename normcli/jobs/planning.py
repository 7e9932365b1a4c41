"""What a fit is to learn, decided by its request and the description of its first input, before any data is read."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from normcli import columns, suggestions
from normcli.errors import BadDataError, UsageError, printable, short
from normcli.jobs.choosing import methods_of
from normcli.jobs.codes import codes
from normcli.jobs.reading import Readers
from normcli.jobs.requests.fit import FitRequest
from normcli.jobs.results import FitResult
from normcli.jobs.run import Run
from normcli.methods import listed
from normcli.parameters import Parameters, Rules
from normcli.parameters.sketches import ColumnSketches

if TYPE_CHECKING:
    from normcli.formats import Description
    from normcli.parameters.plan import Plan


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
        expansion = plan.expansion(
            schema, lambda name: readers.first.list_size(name), beside,
            data=name, not_numbers=first.not_numbers, indexes=first.indexes | first.identifiers, hint=first.hint,
        )  # fmt: skip
    except BadDataError:
        values = any(f.type != "null" for f in first.schema)
        if values and not any(c.columns for c in plan.plan_steps):  # none is left, and why not each
            _explain(run, first, {*beside, *plan.left_out(names)})
        raise
    rules = Rules().override(request.unseen, request.min_count)
    parameters = Parameters(tuple(expansion.steps), schema, by=by, weights=request.weights, rules=rules)
    parameters = replace(parameters, called=tuple(expansion.called))
    if categories:
        from normcli.parameters.categories import Category  # here, for few fits have any

        parameters = replace(parameters, categories=tuple(map(Category, categories)))
    parameters.check_rules()
    if parameters.learns:
        parameters = replace(parameters, sketches=ColumnSketches(parameters.passes.columns))
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


def report_doubtful(result: FitResult, plan: Plan, first: Description) -> None:
    """Which columns take part by default and may be codes, and which lists do not."""
    if not any(step.columns or step.exclude for step in plan.plan_steps):
        result.codes = codes(result.columns)
    if not any(step.columns for step in plan.plan_steps):
        result.lists = tuple(f.name for f in first.schema if f.list_of and f.name in result.left)
