"""The options for inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from normcli.cli._command import PLACE, OneOf
from normcli.cli._names import Column
from normcli.jobs.facts import SOME_REJECTS

F = TypeVar("F", bound=Callable[..., Any])


def many(function: F) -> F:
    """Decorates a command with the parameters for several inputs."""
    for parameter in (
        click.argument("input", nargs=-1, type=PLACE),
        click.option(
            "-0",
            "--null",
            is_flag=True,
            help="Names in --files-from end with NUL",
        ),
        click.option(
            "--files-from",
            metavar="FILE",
            type=PLACE,
            help="Read names of INPUTs from a file, or -",
        ),
    ):
        function = parameter(function)
    return function


def selecting(function: F, *, numbers: bool = True) -> F:
    """Decorates a command with the options to select columns; completion offers only numeric ones if `numbers`."""
    about: dict[str, Any] = {"multiple": True, "type": Column(numbers=numbers), "metavar": "SELECTOR"}
    for decorate in (
        click.option("-x", "--exclude", help="Columns to leave out again", **about),
        click.option("-c", "--columns", help="A column, names between commas, or a glob", **about),
    ):
        function = decorate(function)
    return function


def skipping(function: F) -> F:
    """Decorates a command with the options for bad rows."""
    for decorate in (
        click.option(
            "--rejects",
            metavar="FILE",
            type=PLACE,
            help="Keep skipped rows, and why, as NDJSON",
        ),
        click.option(
            "--max-bad-rows",
            type=click.IntRange(0),
            metavar="N",
            help=f"Most rows to skip  [default: {SOME_REJECTS}]",
        ),
        click.option(
            "--on-bad-row",
            type=OneOf(("error", "skip")),
            metavar="WORD",
            default="error",
            help="Rows of text that can't be read: error, or skip",
        ),
    ):
        function = decorate(function)
    return function
