"""The options for the thresholds of drift."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

from normcli.limits import Limits

F = TypeVar("F", bound=Callable[..., Any])


class Finite(click.FloatRange):
    """A finite number with bounds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{number} is no limit", param, ctx)
        return number


THRESHOLDS = {  # type and help of each
    "max_shift": (Finite(0), "Of means, in fitted deviations"),
    "max_scale_ratio": (Finite(1), "Of deviations, by each other"),
    "max_outside": (
        Finite(0, 1),
        "Share beyond the fitted range",
    ),
    "max_missing": (Finite(0, 1), "Share that is missing more"),
}


def thresholds(function: F) -> F:
    """Decorates a command with the options for the thresholds of drift."""
    for name, (kind, about) in reversed(THRESHOLDS.items()):
        flag, default = f"--{name.replace('_', '-')}", getattr(Limits(), name)
        about = f"{about}  [default: {default:g}]"
        function = click.option(flag, type=kind, metavar="NUMBER", help=about)(function)
    return function
