"""The options for updating and locking a parameter file."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

from normcli.cli._command import PLACE

F = TypeVar("F", bound=Callable[..., Any])


class Seconds(click.ParamType[float]):
    """A finite number of seconds, at least 0."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds: float = click.FLOAT.convert(value, param, ctx)
        if not 0 <= seconds < math.inf:
            self.fail(f"{value!r} is not 0 or more", param, ctx)
        return seconds


WAIT = click.option(
    "--wait",
    type=Seconds(),
    default=0.0,
    metavar="SECONDS",
    help="Wait for another run's lock; default: exit 75",
)


def continuing(function: F) -> F:
    """Decorates a command with the options of a fit that continues a parameter file."""
    for decorate in (
        click.option(
            "--relearn",
            metavar="PARAMS",
            type=PLACE,
            help="Learn -m METHOD from its statistics, without data",
        ),
        click.option(
            "--allow-edited",
            is_flag=True,
            help="Take a parameter file whose digest is wrong",
        ),
        click.option(
            "--recount",
            is_flag=True,
            help="With --update: count an input again",
        ),
        click.option("--create", is_flag=True, help="With --update: begin PARAMS where there is none"),
        click.option(
            "--update",
            is_flag=True,
            help="Add data to PARAMS, the same content only once",
        ),
    ):
        function = decorate(function)
    return function
