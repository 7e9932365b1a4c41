"""What commands say of what they did."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from normcli.errors import printable, short

if TYPE_CHECKING:
    from normcli.jobs.results import Preview
    from normcli.pipeline import Progress


FEW = 5  # names in a summary


def counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def counted_rows(rows: int, progress: Progress | None) -> str:
    """How many rows, of how many inputs, and what was no row, or no input."""
    if progress is None:
        return counted(rows, "row")
    n, bad, none = progress.blank_lines, progress.rejected, len(progress.empty)
    of = f" of {progress.inputs:,} inputs" if progress.inputs > 1 else ""
    skipped = f", {counted(n, 'blank line')} skipped" if n else ""
    skipped += f", {counted(progress.comments, 'comment line')} left out" if progress.comments else ""
    left = f", {counted(none, 'empty input')} left out" if none else ""
    rejected = f", {counted(bad, 'bad row')} rejected" if bad else ""
    return f"{counted(rows, 'row')}{of}{skipped}{rejected}{left}"


def some(names: Sequence[str]) -> str:
    """The first few names, and how many more."""
    more = f" and {len(names) - FEW:,} more" if len(names) > FEW else ""
    return ", ".join(map(short, names[:FEW])) + more


def option(flag: str, names: Sequence[str]) -> str:
    """A flag with these columns, as a person would type it."""
    each = [",".join(names)] if not any("," in name for name in names) else names
    return " ".join(f"{flag} {shlex.quote(printable(name))}" for name in each)


def noted(names: Sequence[str], note: str) -> str:
    """Names, if there are any, and a note, in parentheses."""
    words = "; ".join(filter(None, (", ".join(map(short, names)), note)))
    return f" ({words})" if words else ""


def replacing(before: int, rows: int) -> str:
    """What a summary says of a file that counted more rows than the one which replaces it."""
    return f", replaces a fit of {before:,} row{'' if before == 1 else 's'}" if before > rows else ""


def show(preview: Preview) -> None:
    """What a dry run says on standard output."""
    from normcli.columns import described

    for i, name in enumerate(preview.inputs):
        click.echo(f"read     {name}" + (f" -> {printable(preview.outputs[i])}" if preview.outputs else ""))
    for what, columns in (("columns", preview.columns), ("left", preview.left)):
        click.echo(f"{what:8} {described(columns) or 'none'}")
    if preview.targets:
        click.echo(f"write    {', '.join(preview.targets)}")
