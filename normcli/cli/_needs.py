"""What options of the command line need to have an effect: each says so beside its flag, and here those are refused
that are given in vain. What the environment says for all runs may be of no use to one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from normcli import needs
from normcli.cli._command import FORMAT
from normcli.needs import Need

F = TypeVar("F", bound=Callable[..., Any])


class Option(click.Option):
    """An option that has an effect only where all that it needs is there."""

    def __init__(self, *args: Any, needs: Sequence[Need] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.needs = tuple(needs)


class Argument(click.Argument):
    """The same of an argument."""

    def __init__(self, *args: Any, needs: Sequence[Need] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.needs = tuple(needs)


def option(*flags: str, **kwargs: Any) -> Callable[[F], F]:
    """As click's, and with `needs`."""
    return click.option(*flags, cls=Option, **kwargs)


def argument(name: str, **kwargs: Any) -> Callable[[F], F]:
    """As click's, and with `needs`."""
    return click.argument(name, cls=Argument, **kwargs)


def need(fact: str, what: str, hint: str = "") -> Need:
    """One that is met unless a run lacks this fact; another option that it goes with is a fact, by its name, and so is
    that one is not there: "no relearn"."""

    def instead(lacking: Mapping[str, str | None]) -> str | None:
        return lacking.get(fact)

    return Need(what, instead, hint)


DATA = need("no relearn", "not for --relearn, which reads no data")
UPDATE = need("update", "for --update")
OUTPUT = need("data written", "for -o OUTPUT")
SKIP = need("skip", "for --on-bad-row skip")
CHECK = need("check", "for --check")
LEARNS = need("learns", "for methods that learn from data")
ROWS = need("rows", "for runs that read rows")
TEXT = need("text", "for text")
KEYS = need("keys", "for parameters by key")
SPOOL = need("spool", "for data that are spooled (fit -o of a method that learns, object stores)")


def check_line(values: Mapping[str, Any]) -> None:
    """Raises UsageError where an option is given without another one that it needs."""
    ctx = click.get_current_context(silent=True)
    said = {name for name in values if ctx and _is_said(name, ctx)}
    nothing = {name for name, value in values.items() if not value}
    lacking = {name: "" for name in nothing if name not in said or not (values[name] is False or FORMAT in name)}
    lacking |= {f"no {name}": "" for name in said if values[name]}
    if values.get("on_bad_row") != "skip":
        lacking["skip"] = ""
    check_needs(**lacking)


def check_needs(**lacking: str | None) -> None:
    """Raises UsageError for the first option on the command line that needs what the run is `lacking`; of each such
    fact, what there is instead, as far as there is something to say; None of one that is there."""
    ctx = click.get_current_context(silent=True)
    params = ctx.command.get_params(ctx) if ctx else []
    needs.check(((_spelled(p, ctx), getattr(p, "needs", ())) for p in params if ctx and _is_given(p, ctx)), lacking)


def _is_given(param: click.Parameter, ctx: click.Context) -> bool:
    """On the command line, were it the default. Arguments may be none."""
    name = str(param.name)
    return _is_said(name, ctx) and (isinstance(param, click.Option) or bool(ctx.params[name]))


def _is_said(name: str, ctx: click.Context) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _spelled(param: click.Parameter, ctx: click.Context) -> str:
    if isinstance(param, click.Argument):
        return str(param.metavar or param.name).upper().rstrip(".")
    return (param.secondary_opts if param.secondary_opts and not ctx.params[str(param.name)] else param.opts)[0]
