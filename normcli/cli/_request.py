"""From the words of a command line to a job's request."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from normcli.cli._command import FORMAT, METHOD, given
from normcli.errors import UsageError

if TYPE_CHECKING:
    from normcli.jobs.requests import Request

R = TypeVar("R", bound="Request")


def request(kind: type[R], values: dict[str, Any], **more: Any) -> R:
    """The request of a command's parameters, each the field of its name. What the environment says for all runs may be
    of no use to one, so that only what the command line says counts as given."""
    ctx = click.get_current_context(silent=True)
    names = kind.options()
    said = (n for n in names if ctx and ctx.get_parameter_source(n) is ParameterSource.COMMANDLINE)
    more |= {name: values[name] for name in names if name in values and name not in more}
    of_options = {"format_options": FORMAT, "method_options": METHOD}
    more |= {f.name: given(values, of_options[f.name]) for f in fields(kind) if f.name in of_options}
    return kind(**more, given=frozenset(n for n in said if values.get(n) != ()))


def or_stdout(path: str | None) -> str:
    """Where a parameter file goes of which nothing is said."""
    return "-" if path is None else path


def check_relearn(values: dict[str, Any]) -> None:
    """Raises UsageError for what a command line says that is not for --relearn."""
    from normcli.jobs.requests import FitRequest, RelearnRequest

    ctx = click.get_current_context()
    own = set(RelearnRequest.options())
    for param in ctx.command.get_params(ctx):
        name = str(param.name)
        data = name.startswith(FORMAT) or (name in FitRequest.options() and name not in own)
        if data and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE and values.get(name) != ():
            why = "learns one method again" if name == "plan" else "reads no data"
            raise UsageError(f"{spelled(param, ctx)} is not for --relearn, which {why}")


def spelled(param: click.Parameter, ctx: click.Context) -> str:
    """How the command line called a parameter."""
    if isinstance(param, click.Argument):
        return str(param.metavar or param.name).upper().rstrip(".")
    return (param.secondary_opts if param.secondary_opts and not ctx.params[str(param.name)] else param.opts)[0]
