"""Conversion of command-line parameters to the request of a job."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from normcli.cli._command import FORMAT, METHOD, ORIGIN, TARGET
from normcli.errors import UsageError

if TYPE_CHECKING:
    from normcli.jobs.requests import Request

R = TypeVar("R", bound="Request")
PREFIXES = {"format_options": FORMAT, "method_options": METHOD, "target_options": TARGET, "origin_options": ORIGIN}


def request(kind: type[R], values: dict[str, Any], **more: Any) -> R:
    """The request of class `kind` from a command's parameters, by field name; `more` overrides fields. Settings from
    the environment are for all runs and may not apply to this one, so that only parameters of the command line count as
    given. Raises UsageError for a parameter of the command line that such a request does not take."""
    ctx = click.get_current_context()
    line = {n for n in values if ctx.get_parameter_source(n) is ParameterSource.COMMANDLINE and values[n] != ()}
    for param in (p for p in ctx.command.get_params(ctx) if p.name in line):
        why = kind.refusal(str(param.name).removeprefix(FORMAT))
        if why:
            raise UsageError(f"{spelled(param, ctx)} is {why}")
    for name in (f.name for f in fields(kind)):
        if name in PREFIXES:
            more[name] = explicit_options(ctx, PREFIXES[name])
        elif name in values:
            more.setdefault(name, values[name])
    return kind(**more, explicit=frozenset(line.intersection(kind.options())))


def explicit_options(ctx: click.Context, prefix: str) -> dict[str, Any]:
    """The values of the options with that prefix that are not defaults, by name without the prefix; the value None may
    be given explicitly."""
    candidates = (name for name in ctx.params if name.startswith(prefix))
    names = (name for name in candidates if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT)
    return {name.removeprefix(prefix): ctx.params[name] for name in names}


def spelled(param: click.Parameter, ctx: click.Context) -> str:
    """The spelling of a parameter on the command line."""
    if isinstance(param, click.Argument):
        return str(param.metavar or param.name).upper().rstrip(".")
    return (param.secondary_opts if param.secondary_opts and not ctx.params[str(param.name)] else param.opts)[0]


def or_stdout(path: str | None) -> str:
    """The path of a parameter file, standard output by default."""
    return "-" if path is None else path
