"""The options that say what is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from normcli.cli._command import NEAR, PLACE, Format

F = TypeVar("F", bound=Callable[..., Any])


def written(function: F) -> F:
    """The options that say what is written."""
    for decorate in (
        click.option(
            "--column-suffix",
            metavar="SUFFIX",
            callback=suffix,
            help="Keep the columns, and add the normalized ones after them, called NAME and SUFFIX; with --inverse, "
            "restore from those, which are dropped. Components (pc1 …) are added by their own names.",
        ),
        click.option(
            "--dtype",
            type=click.Choice(("float32", "float64")),
            help="Of normalized columns; default: float32 where a column is, else float64. With --inverse, float64 "
            "takes what does not fit the original types, which are restored by default.",
        ),
        click.option("--only", is_flag=True, help="Write the normalized columns alone."),
        click.option(
            "--to",
            type=Format(),
            metavar="FORMAT",
            help="What OUTPUT is to be (csv.gz, .zst, .bz2, .xz: compressed text); else told by its suffix, else as "
            "INPUT; but no file called .xlsx, .json, .db or the like is written without it.",
        ),
        click.option(
            "--spool-dir",
            metavar="DIR",
            type=NEAR,
            envvar="NORMCLI_SPOOL_DIR",
            help="Where fit -o keeps what it has read, and what goes to an object store is completed, unnamed; "
            "default: TMPDIR, or where OUTPUT will be.",
        ),
        click.option(
            "-o",
            "--output",
            metavar="OUTPUT",
            type=PLACE,
            help="A file, or a directory (it is one, or ends in /): there, a file for each INPUT.",
        ),
    ):
        function = decorate(function)
    return function


def suffix(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Raises BadParameter for one that makes no name, or that of the original."""
    if value == "":
        raise click.BadParameter("must not be empty", ctx, param)
    if value and value.encode("utf-8", "replace").decode() != value:
        raise click.BadParameter("must be UTF-8", ctx, param)
    return value
