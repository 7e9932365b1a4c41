"""The options that say what is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from normcli.cli._command import PLACE
from normcli.jobs.facts import SOME_REJECTS

F = TypeVar("F", bound=Callable[..., Any])


def many(function: F) -> F:
    """The parameters that say what is read."""
    for parameter in (
        click.argument("input", nargs=-1, type=PLACE),
        click.option(
            "-0",
            "--null",
            is_flag=True,
            help="Names in --files-from end with NUL, not with a line.",
        ),
        click.option(
            "--files-from",
            metavar="FILE",
            type=PLACE,
            help="Read the names of INPUTs from a file, or -.",
        ),
    ):
        function = parameter(function)
    return function


def selecting(function: F) -> F:
    """The options that say which columns."""
    for decorate in (
        click.option("-x", "--exclude", multiple=True, metavar="SELECTOR", help="Columns to leave out again."),
        click.option(
            "-c",
            "--columns",
            multiple=True,
            metavar="SELECTOR",
            help="A column, names between commas, or a glob.",
        ),
    ):
        function = decorate(function)
    return function


def skipping(function: F) -> F:
    """The options that say what becomes of bad rows."""
    for decorate in (
        click.option(
            "--rejects",
            metavar="FILE",
            type=PLACE,
            help="Keep what was skipped, and why, as NDJSON.",
        ),
        click.option(
            "--max-bad-rows",
            type=click.IntRange(0),
            metavar="N",
            help=f"Skip so many, and no more.  [default: {SOME_REJECTS}]",
        ),
        click.option(
            "--on-bad-row",
            type=click.Choice(("error", "skip")),
            default="error",
            show_default=True,
            help="A row of text that can't be read right is an error, or skipped. A broken quote can't be.",
        ),
    ):
        function = decorate(function)
    return function
