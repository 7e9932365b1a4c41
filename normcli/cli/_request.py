"""From the words of a command line to a job's request."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from normcli.cli._command import FORMAT, METHOD
from normcli.errors import UsageError

if TYPE_CHECKING:
    from normcli.jobs.requests import Request

R = TypeVar("R", bound="Request")
PREFIXES = {"format_options": FORMAT, "method_options": METHOD}


def request(kind: type[R], values: dict[str, Any], **more: Any) -> R:
    """The request of a command's parameters, each the field of its name; `more` fields are said in their place. What
    the environment says for all runs may be of no use to one, so that only what the command line says counts as given.
    Raises UsageError for what is given and is not for such a request."""
    ctx = click.get_current_context()
    line = {n for n in values if ctx.get_parameter_source(n) is ParameterSource.COMMANDLINE and values[n] != ()}
    for param in (p for p in ctx.command.get_params(ctx) if p.name in line):
        why = kind.refusal(str(param.name).removeprefix(FORMAT))
        if why:
            raise UsageError(f"{spelled(param, ctx)} is {why}")
    for name in (f.name for f in fields(kind)):
        if name in PREFIXES:
            more[name] = given(ctx, PREFIXES[name])
        elif name in values:
            more.setdefault(name, values[name])
    return kind(**more, given=frozenset(line.intersection(kind.options())))


def given(ctx: click.Context, prefix: str) -> dict[str, Any]:
    """The options that were given among those whose names begin so; `none` is a value like others, and may not be the
    default."""
    own = (name for name in ctx.params if name.startswith(prefix))
    names = (name for name in own if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT)
    return {name.removeprefix(prefix): ctx.params[name] for name in names}


def spelled(param: click.Parameter, ctx: click.Context) -> str:
    """How the command line called a parameter."""
    if isinstance(param, click.Argument):
        return str(param.metavar or param.name).upper().rstrip(".")
    return (param.secondary_opts if param.secondary_opts and not ctx.params[str(param.name)] else param.opts)[0]


def or_stdout(path: str | None) -> str:
    """Where a parameter file goes of which nothing is said."""
    return "-" if path is None else path
