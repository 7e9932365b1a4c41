"""The options for outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from normcli.cli._command import NEAR, PLACE, Format, OneOf

F = TypeVar("F", bound=Callable[..., Any])


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
        click.option("--only", is_flag=True, help="Write the normalized columns alone"),
        click.option(
            "--to",
            type=Format(),
            metavar="FORMAT",
            help="What OUTPUT is, if not as its suffix says; csv.gz, too",
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
