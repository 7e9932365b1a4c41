"""The options for outputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

from normcli.cli._command import NEAR, PLACE, Format, OneOf

F = TypeVar("F", bound=Callable[..., Any])


class Number(click.ParamType[float]):
    """A finite number."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or "_" in str(value):
            self.fail(f"'{value}' is no finite number", param, ctx)
        return number


NUMBER = Number()


def written(function: F) -> F:
    """Decorates a command with the options for outputs."""
    for decorate in (
        click.option(
            "--column-suffix",
            metavar="SUFFIX",
            callback=suffix,
            help="Keep originals, add columns called NAME SUFFIX",
        ),
        click.option(
            "--dtype",
            type=OneOf(("float32", "float64")),
            metavar="TYPE",
            help="float32 or float64; default: as the column was",
        ),
        click.option(
            "--drop-constant",
            is_flag=True,
            help="Leave out columns that were constant in the fit",
        ),
        click.option(
            "--precision",
            type=click.IntRange(1, 17),
            metavar="N",
            help="Most significant digits of results in text",
        ),
        click.option("--fill", type=NUMBER, metavar="VALUE", help="What is missing afterwards becomes this"),
        click.option(
            "--limit",
            nargs=2,
            type=NUMBER,
            metavar="LO HI",
            help="Hold results within these, in their own units",
        ),
        click.option("--only", is_flag=True, help="Write the normalized columns alone"),
        click.option(
            "--to",
            type=Format(),
            metavar="FORMAT",
            help="What OUTPUT is, if not as its suffix; csv.gz, too",
        ),
        click.option(
            "--spool-dir",
            metavar="DIR",
            type=NEAR,
            envvar="NORMCLI_SPOOL_DIR",
            help="For temporary data; default: TMPDIR, or by OUTPUT",
        ),
        click.option(
            "-o",
            "--output",
            metavar="OUTPUT",
            type=PLACE,
            help="A file; or a directory/, for a file per INPUT",
        ),
    ):
        function = decorate(function)
    return function


def suffix(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Validates --column-suffix. Raises BadParameter if it is empty or not UTF-8."""
    if value == "":
        raise click.BadParameter("must not be empty", ctx, param)
    if value and value.encode("utf-8", "replace").decode() != value:
        raise click.BadParameter("must be UTF-8", ctx, param)
    return value
