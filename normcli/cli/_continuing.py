"""fit from what a parameter file has kept: --update with more data, --relearn without any."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from normcli import registry
from normcli.cli._command import METHOD, PLACE, given
from normcli.cli._common import methods_of, parameters
from normcli.cli._keys import RULES
from normcli.cli._needs import DATA, UPDATE, check_needs, option
from normcli.errors import BadDataError, NoInputError, UsageError, printable

if TYPE_CHECKING:
    from normcli.cli._console import Console
    from normcli.methods import Method
    from normcli.plan import Plan
    from normcli.recipe import Recipe

F = TypeVar("F", bound=Callable[..., Any])
EXAMPLE = "normcli fit --update -p data.json new.csv"
RELEARN = "normcli fit --relearn old.json -m minmax -p new.json"


def continuing(function: F) -> F:
    """The options of a fit that begins with a parameter file."""
    for decorate in (
        option(
            "--relearn",
            metavar="PARAMS",
            type=PLACE,
            help="Learn -m METHOD from the statistics that this parameter file has kept, without data.",
        ),
        option(
            "--allow-edited",
            is_flag=True,
            help="With --update or --relearn: take a parameter file whose digest does not match.",
        ),
        option(
            "--again",
            is_flag=True,
            needs=(UPDATE,),
            help="With --update: count an input again, though its content was counted before.",
        ),
        option("--create", is_flag=True, needs=(UPDATE,), help="With --update: begin PARAMS where there is none."),
        option(
            "--update",
            is_flag=True,
            needs=(DATA,),
            help="Add the data to what PARAMS has counted, an input with the same content only once. -m, -c and -x, "
            "or --plan, may be left out, and must agree if given.",
        ),
    ):
        function = decorate(function)
    return function


def continued(values: dict[str, Any], recipe: Recipe | None, told: Console) -> Plan | None:
    """The plan that an update begins with, whose file is locked; None where a new one begins. Raises UsageError,
    NoInputError, BadParametersError."""
    if not values["update"]:
        return None
    path = values["params"]
    if not os.path.exists(path):
        _begin(path, values, recipe, told)
        return None
    plan = parameters(values, path, example=EXAMPLE)
    _check_agrees(path, plan, recipe, given(values, METHOD))
    _check_columns(path, plan, values)
    return plan


def check_update(values: dict[str, Any]) -> None:
    """Raises UsageError where PARAMS can't be updated, NoInputError where they are in no directory."""
    from normcli.stores import is_uri

    path = values["params"]
    if not values["update"]:
        return
    if path in (None, "-"):
        raise click.UsageError("--update needs -p PARAMS, a file")
    if is_uri(path):
        raise click.UsageError("--update needs -p PARAMS, a file of this machine: nothing in a bucket can be locked")
    if os.path.exists(str(path)) and not os.path.isfile(str(path)):
        raise click.UsageError(f"--update needs -p PARAMS, a file, and {printable(str(path))} is none")
    directory = os.path.dirname(os.path.realpath(str(path)))
    if not os.path.isdir(directory):
        raise NoInputError(f"{printable(directory)}: there is no such directory")


def _begin(path: str, values: dict[str, Any], recipe: Recipe | None, told: Console) -> None:
    """There is no file yet: told even where only warnings are, for a directory that is not mounted looks the same."""
    if not values["create"]:
        raise NoInputError(f"{printable(path)}: there is no such file", "--create begins one")
    if recipe is None:
        raise UsageError(f"{printable(path)}: there is no such file, and --create needs -m METHOD to begin one")
    _check_learns(path, recipe)
    told.notice(f"{printable(path)}: there is no such file, a new one begins")


def _check_learns(path: str, wanted: Plan | Recipe) -> None:
    if not wanted.learns:
        what = f"{methods_of(wanted)} learns nothing from data, so there is nothing to update"
        raise UsageError(f"{printable(path)}: {what}")


def _check_agrees(path: str, plan: Plan, recipe: Recipe | None, options: dict[str, Any]) -> None:
    """Raises UsageError where -m, an option given with it, or --plan is not that of the file."""
    if recipe is not None and recipe.name:
        _check_plan(path, plan, recipe)
    elif recipe is not None:
        _check_method(path, plan, recipe.choices[0].method, options)
    _check_learns(path, plan)


def _check_method(path: str, plan: Plan, method: Method, options: dict[str, Any]) -> None:
    from normcli.methods import spelled

    for here in dict.fromkeys(step.method for step in plan.steps):
        name = registry.name_of(here)
        if type(method) is not type(here):
            raise UsageError(f"-m {registry.name_of(method)}: {printable(path)} is of {name}", "-m may be left out")
        for field, value in options.items():
            if value != getattr(here, field):
                what = f"-m {name} {spelled(method, field)}: {printable(path)} is of {name} {spelled(here, field)}"
                raise UsageError(what, "-m and its options may be left out")


def _check_plan(path: str, plan: Plan, recipe: Recipe) -> None:
    from dataclasses import replace

    from normcli.learning import differences

    lengths = {step.columns[0]: step.length or 0 for step in reversed(plan.steps)}
    beside = {*plan.by, *([] if plan.weights is None else [plan.weights])}
    steps = recipe.steps(plan.schema, lambda name: lengths.get(name, 0), beside, data=path)
    difference = next(differences(printable(path), plan, replace(plan, steps=steps)), None)
    if difference:
        raise UsageError(f"{recipe.name}: {difference}", "--plan may be left out")


def _check_columns(path: str, plan: Plan, values: dict[str, Any]) -> None:
    """Raises UsageError where -c and -x, among the columns of the data that the file began with, select others, or
    --by and --weights do, or where rows are to go by their keys in another way."""
    from normcli.columns import parts, select
    from normcli.methods import listed

    by = tuple(name for text in values["by"] for name in parts(text, plan.by)) or plan.by
    weights = plan.weights if values["weights"] is None else values["weights"]
    for flag, names, here in (("by", by, plan.by), ("weights", (weights,), (plan.weights,))):
        if names != here:
            was = ",".join(n for n in here if n is not None) or "none"
            raise UsageError(f"--{flag} {','.join(map(str, names))}: {printable(path)} has {was}", "it may be left out")
    other = plan.rules.override(values["unseen"], values["min_count"])
    for flag in RULES:
        if getattr(other, flag) != (here := getattr(plan.rules, flag)):
            what = f"--{flag.replace('_', '-')} {values[flag]}: {printable(path)} has {here}"
            raise UsageError(what, "it may be left out, and apply may override it")
    if not (values["columns"] or values["exclude"]):
        return
    try:
        names = select(plan.schema, values["columns"], values["exclude"])
    except BadDataError as e:
        raise UsageError(f"{printable(path)}: {e.message}", e.hint) from None
    if set(names).difference(plan.by, [plan.weights]) != set(plan.needs()):
        what = f"-c and -x select {listed(list(names))}: {printable(path)} is of {listed(list(plan.needs()))}"
        raise UsageError(what, "-c and -x may be left out")


def relearned(values: dict[str, Any], method: Method) -> Plan:
    """What a method learns from the statistics of a file. Raises UsageError, BadParametersError, BadDataError."""
    from dataclasses import replace

    from normcli import learning, params

    old = parameters(values, values["relearn"], example=RELEARN)
    old = replace(old, note=values["note"] or old.note, rules=old.rules.override(values["unseen"], values["min_count"]))
    try:
        plan = learning.relearn(old, method)
        check_needs(keys=None if plan.by else "these are not (fit --by)")
        return params.sealed(plan)
    except UsageError as e:
        raise UsageError(f"{printable(values['relearn'])}: {e.message}", e.hint) from None
