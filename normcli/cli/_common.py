"""The options that commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from normcli.cli._command import NEAR, PLACE, Format, OneOf
from normcli.cli._terminal import AUTO, WHEN, colours

F = TypeVar("F", bound=Callable[..., Any])


FEWEST = click.option(
    "--min-rows",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Fewer rows, of all INPUTs, are an error (exit 65)",
)
PARAMS = click.option(
    "-p", "--params", required=True, metavar="PARAMS", type=PLACE, help="The parameter file, from fit"
)
ALLOW_EDITED = click.option("--allow-edited", is_flag=True, help="Take a parameter file whose digest is wrong")
RUN_REPORT = click.option(
    "--run-report",
    metavar="FILE",
    type=NEAR,
    help="How it went, as JSON; in FILE.prom, as metrics",
)
QUIET = click.option(
    "-q", "--quiet", count=True, envvar="NORMCLI_QUIET", help="Only warnings and errors; -qq: only errors"
)
VERBOSE = click.option("-v", "--verbose", is_flag=True, help="Say what is done and why; tables and names whole")
COLOR = click.option(
    "--color",
    type=OneOf(WHEN),
    metavar="WHEN",
    default=AUTO,
    expose_value=False,
    is_eager=True,
    callback=lambda ctx, param, value: colours.choose(value),
    help="Colours: auto (default), always or never",
)
INFINITE = click.option(
    "--inf",
    "infinite",
    type=OneOf(("error", "missing")),
    metavar="WORD",
    default="error",
    help="Infinite values: error (default) or missing",
)
COMMON = (
    click.option(
        "--from",
        "from_",
        type=Format(),
        metavar="FORMAT",
        help="Format",
    ),
    INFINITE,
    click.option(
        "--threads",
        type=click.IntRange(1, 1024),
        metavar="N",
        envvar="NORMCLI_THREADS",
        help="Workers; default: the CPUs it may use",
    ),
    click.option(
        "--max-memory",
        metavar="SIZE",
        envvar="NORMCLI_MAX_MEMORY",
        callback=lambda ctx, param, value: memory_size(ctx, param, value),
        help="About so much, as 2G; default: 4/5 of what is free",
    ),
    RUN_REPORT,
    click.option("--dry-run", is_flag=True, help="Say what would be read and written, do nothing"),
    click.option(
        "--werror",
        is_flag=True,
        help="Warnings are errors: exit 65, nothing is replaced",
    ),
    QUIET,
    VERBOSE,
    COLOR,
)


def common(function: F, *, fewest: Callable[[F], F] | None = None, infinite: bool = True) -> F:
    """The options of every command over data, in the order of --help; `fewest` replaces --min-rows; without `infinite`,
    there is no --inf."""
    for decorate in reversed(COMMON):
        if infinite or decorate is not INFINITE:
            function = decorate(function)
    return (fewest or FEWEST)(function)


def memory_size(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """A size in bytes from 500M, 2G, 1GiB or a number of bytes. Raises BadParameter."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?) ?([kMGT]?)(i?)B?", value)
    count = float(match[1]) * (1024 if match[3] else 1000) ** " kMGT".index(match[2] or " ") if match else 0.0
    if not 1 <= count < 1e18:
        raise click.BadParameter(f"{value!r} is no size: 500M, 2G or 1GiB is", ctx, param)
    return int(count)
