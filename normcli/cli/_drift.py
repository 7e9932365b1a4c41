"""The options that say what is drift."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

from normcli.limits import Limits

F = TypeVar("F", bound=Callable[..., Any])


class Finite(click.FloatRange):
    """A number with bounds, and never nan or infinite."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{number} is no limit", param, ctx)
        return number


THRESHOLDS = {
    "max_shift": (Finite(0), "Of a column's mean, in fitted standard deviations."),
    "max_scale_ratio": (Finite(1), "Of a column's standard deviation and the fitted one, the larger by the smaller."),
    "max_outside": (
        Finite(0, 1),
        "Share of a column's values beyond the fitted range; or of rows whose key the fit has not seen.",
    ),
    "max_missing": (Finite(0, 1), "How much more of a column is missing, as a share of all rows."),
}


def thresholds(function: F) -> F:
    """The options that say what is drift."""
    for name, (kind, about) in reversed(THRESHOLDS.items()):
        flag, default = f"--{name.replace('_', '-')}", getattr(Limits, name)
        about = f"{about}  [default: {default:g}]"
        function = click.option(flag, type=kind, metavar="NUMBER", help=about)(function)
    return function
