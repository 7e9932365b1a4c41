"""fit from what a parameter file has kept: --update with more data, --relearn without any."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from normcli import registry
from normcli.cli._command import METHOD, PLACE, given
from normcli.errors import NoInputError, UsageError, printable

if TYPE_CHECKING:
    from normcli.cli._console import Console
    from normcli.methods import Method
    from normcli.plan import Plan

F = TypeVar("F", bound=Callable[..., Any])
EXAMPLE = "normcli fit --update -p data.json new.csv"


def continuing(function: F) -> F:
    """The options of a fit that begins with a parameter file."""
    for option in (
        click.option(
            "--relearn",
            metavar="PARAMS",
            type=PLACE,
            help="Learn -m METHOD from the statistics that this parameter file has kept, without data.",
        ),
        click.option(
            "--again", is_flag=True, help="With --update: count an input again, though its content was counted before."
        ),
        click.option(
            "--wait", type=click.FloatRange(0, 1e9), default=0.0, metavar="SECONDS",
            help="With --update: so long for another run that changes PARAMS; default: exit 75 at once.",
        ),
        click.option("--create", is_flag=True, help="With --update: begin PARAMS where there is none."),
        click.option(
            "--update", is_flag=True, help="Add the data to what PARAMS has counted. An input is counted once."
        ),
    ):  # fmt: skip
        function = option(function)
    return function


@contextmanager
def continued(values: dict[str, Any], method: Method | None, told: Console) -> Iterator[Plan | None]:
    """The plan that an update begins with, under a lock until all is done; None where a new one begins. Raises
    UsageError, NoInputError, LockedError, BadParametersError."""
    if not values["update"]:
        lost = next((flag for flag in ("create", "wait", "again") if values[flag]), None)
        if lost:
            raise click.UsageError(f"--{lost} is for --update")
        yield None
        return
    from normcli import params
    from normcli.locks import locked

    path = values["params"]
    _check_place(path, values)
    with locked(path, wait=values["wait"]):
        if not os.path.lexists(path):
            _begin(path, values, told)
            yield None
            return
        plan = params.read_file(path, example=EXAMPLE)
        _check_agrees(path, plan, method, given(values, METHOD))
        yield plan


def _check_place(path: str | None, values: dict[str, Any]) -> None:
    if path in (None, "-"):
        raise click.UsageError("--update needs -p PARAMS, a file")
    for flag in ("columns", "exclude", "by", "weights"):
        if values[flag] and os.path.exists(str(path)) and not values["create"]:
            raise click.UsageError(f"--{flag} is not for --update: the columns are those of {printable(str(path))}")
    if os.path.exists(str(path)) and not stat.S_ISREG(os.stat(str(path)).st_mode):
        raise click.UsageError(f"--update needs -p PARAMS, a file, and {printable(str(path))} is none")
    directory = os.path.dirname(os.path.realpath(str(path)))
    if not os.path.isdir(directory):
        raise NoInputError(f"{printable(directory)}: there is no such directory")


def _begin(path: str, values: dict[str, Any], told: Console) -> None:
    """There is no file yet: told even where only warnings are, for a directory that is not mounted looks the same."""
    if not values["create"]:
        raise NoInputError(f"{printable(path)}: there is no such file", "--create begins one")
    told.notice(f"{printable(path)}: there is no such file, a new one begins")


def _check_agrees(path: str, plan: Plan, method: Method | None, options: dict[str, Any]) -> None:
    """Raises UsageError where -m, or an option given with it, is not that of the file."""
    here = plan.steps[0].method
    name = registry.name_of(here)
    if method is not None and type(method) is not type(here):
        raise UsageError(f"-m {registry.name_of(method)}: {printable(path)} is of {name}", "-m may be left out")
    for option, value in options.items():
        if value != getattr(here, option):
            flag = f"--{option.replace('_', '-')}"
            raise UsageError(f"{flag} {value}: {printable(path)} is of {name} with {flag} {getattr(here, option)}")
    if not plan.learns:
        raise UsageError(f"{printable(path)}: {name} learns nothing from data, so there is nothing to update")


def relearned(values: dict[str, Any], method: Method) -> Plan:
    """What a method learns from the statistics of a file. Raises UsageError, BadParametersError, BadDataError."""
    from dataclasses import replace

    from normcli import learning, params

    for flag in ("input", "files_from", "output", "columns", "exclude", "by", "weights", "update"):
        if values[flag]:
            what = {"input": "INPUT", "output": "-o"}.get(flag, f"--{flag.replace('_', '-')}")
            raise click.UsageError(f"{what} is not for --relearn, which reads no data")
    old = params.read_file(values["relearn"], example="normcli fit --relearn old.json -m minmax -p new.json")
    return params.sealed(learning.relearn(replace(old, note=values["note"] or old.note), method))
