"""The options for the thresholds of drift."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

from normcli.limits import GREATEST, LEAST, NAMES, OFF, Limits

F = TypeVar("F", bound=Callable[..., Any])


class Limit(click.ParamType[Any]):
    """A number with bounds, or inf; after COLUMN= of a column alone."""

    name = "limit"

    def __init__(self, least: float, greatest: float | None) -> None:
        self._number = click.FloatRange(least, greatest)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        column, _, text = value.rpartition("=")
        number = OFF if click.FLOAT(text, param, ctx) == OFF else self._number(text, param, ctx)
        if math.isnan(number):
            self.fail(f"{number} is no limit", param, ctx)
        return (column if "=" in value else None), number


HELP = {
    "max_shift": "Of means, in fitted deviations",
    "max_scale_ratio": "Of distances between deciles, either by the other",
    "max_outside": "Share beyond the fitted range",
    "max_missing": "Share that is missing more",
    "max_ks": "Difference of shares up to a value",
    "max_wasserstein": "Mean distance of values, in fitted deviations",
    "max_psi": "Population stability index over deciles",
    "max_category": "Difference of shares of a category",
}


def thresholds(function: F) -> F:
    """Decorates a command with the options for the thresholds of drift."""
    limits = click.option("--limits", metavar="FILE", help="A TOML file of such limits: max_psi = 0.5, [columns.NAME]")
    function = limits(function)
    for name in reversed(NAMES):
        flag, default = f"--{name.replace('_', '-')}", getattr(Limits(), name)
        kind = Limit(LEAST.get(name, 0), GREATEST.get(name))
        about = f"{HELP[name]}  [default: {default:g}]"
        function = click.option(
            flag, type=kind, metavar="[COLUMN=]NUMBER", help=about, multiple=True, callback=_by_column
        )(function)
    return function


def _by_column(ctx: click.Context, param: click.Parameter, value: tuple[Any, ...]) -> dict[str | None, float] | None:
    return dict(value) if value else None
