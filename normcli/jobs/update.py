"""Fits that begin with a parameter file: with more data, or with none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from normcli import columns, registry
from normcli.errors import BadDataError, NoInputError, UsageError, absent, printable
from normcli.io.stores import is_uri
from normcli.jobs import sketch_notices
from normcli.jobs.choosing import chosen_method, method_name, method_options
from normcli.jobs.parameter_files import lock, read_parameters, rows_before
from normcli.jobs.requests.fit import FitRequest
from normcli.jobs.requests.relearn import RelearnRequest
from normcli.jobs.results import FitResult
from normcli.jobs.run import Run
from normcli.methods import Method, listed, spelled
from normcli.parameters import file as params
from normcli.pipeline import SILENT, Events, merging, relearning
from normcli.pipeline.column_warnings import warn_of_columns

if TYPE_CHECKING:
    from normcli.parameters import Parameters
    from normcli.parameters.plan import Plan

EXAMPLE = "normcli fit --update -p data.json new.csv"
RELEARN = "normcli fit --relearn old.json -m minmax -p new.json"
RULES = ("unseen", "min_count")


def relearn(request: RelearnRequest, events: Events = SILENT) -> FitResult:
    """Learns a method from the statistics that a parameter file has kept, without data. Raises NormcliError."""
    result = FitResult("fit", method=method_name(request.method), params=request.explicit_value("params"))
    with Run(request, result, events) as run:
        method = chosen_method(request.method, request.method_options)
        result.method = registry.name_of(method)
        lock(run, request.params, request.wait)
        result.rows_before = rows_before(request.params)
        old = read_parameters(request.relearn, example=RELEARN, allow_edited=request.allow_edited)
        parameters = result.parameters = _relearned(request, method, old)
        sketch_notices.of_fit(run, parameters, old, request.relearn, no_sketch=request.no_sketch)
        warn_of_columns(parameters, run.warning)
        target = None if request.params is None else run.changes.open(request.params)
        run.check_warnings()
        run.changes.fill(target, params.pieces(parameters))
        run.changes.commit(target)
        result.digest, result.columns, result.targets = (
            parameters.digest,
            parameters.needs(),
            (target.name,) if target else (),
        )
    return result


def _relearned(request: RelearnRequest, method: Method, old: Parameters) -> Parameters:
    rules = old.rules.override(request.unseen, request.min_count)
    if request.no_sketch:
        old = replace(old, sketches=None)
    try:
        parameters = relearning.relearn(replace(old, note=request.note or old.note, rules=rules), method)
        request.check_needs(keys=None if parameters.by else "these are not (fit --by)")
        return params.sealed(parameters)
    except UsageError as e:
        source = f"{printable(request.relearn)}: " if isinstance(request.relearn, str) else ""
        raise UsageError(f"{source}{e.message}", e.hint) from None


def check_update(request: FitRequest) -> None:
    """Raises UsageError where the parameter file can't be updated, NoInputError where it is in no directory."""
    path = request.params
    if path in (None, "-"):
        raise UsageError("--update needs -p PARAMS, a file")
    if is_uri(path):
        raise UsageError("--update needs -p PARAMS, a file of this machine: nothing in a bucket can be locked")
    if os.path.exists(str(path)) and not os.path.isfile(str(path)):
        kind = "a directory" if os.path.isdir(str(path)) else "none"
        raise UsageError(f"--update needs -p PARAMS, a file, and {printable(str(path))} is {kind}")
    directory = os.path.dirname(os.path.realpath(str(path)))
    if not os.path.isdir(directory):
        what, hint = absent(str(path), to_write=True)
        raise NoInputError(f"{printable(str(path))}: {what}", hint)


def continued(run: Run[FitRequest, FitResult], plan: Plan | None) -> Parameters | None:
    """The parameters that an update begins with, whose file is locked; None where a new one begins. Raises UsageError,
    NoInputError, BadParametersError."""
    request = run.request
    path = str(request.params)
    if not os.path.exists(path):
        _check_begins(request, path, plan)
        return None
    parameters = read_parameters(
        path, example=EXAMPLE, allow_edited=request.allow_edited, max_memory=request.max_memory
    )
    _check_agrees(path, parameters, plan, request)
    _check_columns(path, parameters, request)
    merging.check_continues(printable(path), parameters, "updated")
    return parameters


def _check_begins(request: FitRequest, path: str, plan: Plan | None) -> None:
    """Raises NoInputError, UsageError where no new file is to begin: a directory that is not mounted looks the same."""
    if not request.create:
        raise NoInputError(f"{printable(path)}: there is no such file", "--create begins one")
    if plan is None:
        raise UsageError(f"{printable(path)}: there is no such file", "--create needs -m METHOD to begin one")
    _check_learns(path, plan)


def _check_learns(path: str, wanted: Parameters | Plan) -> None:
    if not wanted.learns:
        raise UsageError(
            f"{printable(path)}: {wanted.why_fixed}, so there is nothing to update",
            "without --update it is fitted anew",
        )


def _check_agrees(path: str, parameters: Parameters, plan: Plan | None, request: FitRequest) -> None:
    """Raises UsageError where -m, an option given with it, or --plan is not that of the file."""
    if plan is not None and request.plan is not None:
        _check_plan(path, parameters, plan)
    elif plan is not None:
        _check_method(path, parameters, plan.plan_steps[0].method, method_options(request))
    _check_learns(path, parameters)


def _check_method(path: str, parameters: Parameters, method: Method, options: Mapping[str, Any]) -> None:
    for current in dict.fromkeys(step.method for step in parameters.steps):
        name = registry.name_of(current)
        if type(method) is not type(current):
            raise UsageError(f"-m {registry.name_of(method)}: {printable(path)} is of {name}", "-m may be left out")
        for field, value in options.items():
            if value != getattr(current, field):
                what = f"-m {name} {spelled(method, field)}: {printable(path)} is of {name} {spelled(current, field)}"
                raise UsageError(what, "-m and its options may be left out")


def _check_plan(path: str, parameters: Parameters, plan: Plan) -> None:
    lengths = {step.columns[0]: step.length or 0 for step in reversed(parameters.steps)}
    beside = {*parameters.texts, *([] if parameters.weights is None else [parameters.weights])}
    steps = plan.steps(parameters.schema, lambda name: lengths.get(name, 0), beside, data=path)
    difference = next(merging.differences(printable(path), parameters, replace(parameters, steps=steps)), None)
    if difference:
        raise UsageError(f"{plan.name or 'plan'}: {difference}", "--plan may be left out")


def _check_columns(path: str, parameters: Parameters, request: FitRequest) -> None:
    """Raises UsageError where -c and -x, among the columns of the data that the file began with, select others, or
    --by, --categories and --weights do, or where rows are to go by their keys in another way."""
    by = tuple(name for text in request.by for name in columns.parts(text, parameters.by)) or parameters.by
    counted = tuple(category.name for category in parameters.categories)
    categories = tuple(name for text in request.categories for name in columns.parts(text, counted)) or counted
    if sorted(categories) == sorted(counted):  # in any order
        categories = counted
    weights = parameters.weights if request.weights is None else request.weights
    beside = (("by", by, parameters.by), ("categories", categories, counted))
    for flag, names, current in (*beside, ("weights", (weights,), (parameters.weights,))):
        if names != current:
            was = ",".join(n for n in current if n is not None) or "none"
            raise UsageError(f"--{flag} {','.join(map(str, names))}: {printable(path)} has {was}", "it may be left out")
    other = parameters.rules.override(request.unseen, request.min_count)
    for flag in RULES:
        if getattr(other, flag) != (current := getattr(parameters.rules, flag)):
            what = f"--{flag.replace('_', '-')} {getattr(request, flag)}: {printable(path)} has {current}"
            raise UsageError(what, "it may be left out, and apply may override it")
    if not (request.columns or request.exclude):
        return
    try:
        names = columns.select(parameters.schema, request.columns, request.exclude)
    except BadDataError as e:
        raise UsageError(f"{printable(path)}: {e.message}", e.hint) from None
    if set(names).difference(parameters.texts, [parameters.weights]) != set(parameters.needs()):
        what = f"-c and -x select {listed(list(names))}: {printable(path)} is of {listed(list(parameters.needs()))}"
        raise UsageError(what, "-c and -x may be left out")
