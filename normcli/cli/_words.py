"""Texts of the summaries of commands."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from normcli.errors import printable, short

if TYPE_CHECKING:
    from normcli.jobs.results import Preview, Progress, Result


FEW = 5  # names in a summary


def counted(n: int, noun: str) -> str:
    """A number and a noun, in the plural unless it is 1."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def counted_rows(rows: int, progress: Progress | None) -> str:
    """The number of rows and inputs, and of skipped lines, rows and inputs."""
    if progress is None:
        return counted(rows, "row")
    n, bad, none = progress.blank_lines, progress.rejected, len(progress.empty)
    of = f" of {progress.inputs:,} inputs" if progress.inputs > 1 else ""
    skipped = f", {counted(n, 'blank line')} skipped" if n else ""
    skipped += f", {counted(progress.comments, 'comment line')} left out" if progress.comments else ""
    left = f", {counted(none, 'empty input')} left out" if none else ""
    rejected = f", {counted(bad, 'bad row')} rejected" if bad else ""
    return f"{counted(rows, 'row')}{of}{skipped}{rejected}{left}"


def adjusted(result: Result, progress: Progress | None) -> str:
    """How many values were held within limits and filled, and which constant columns were left out, as far as any."""
    clips = f", {counted(progress.clips, 'value')} held within limits" if progress and progress.clips else ""
    fills = f", {counted(progress.fills, 'missing value')} filled" if progress and progress.fills else ""
    n = len(result.constants)
    constants = f", {counted(n, 'constant column')} left out ({some(result.constants)})" if n else ""
    return clips + fills + constants


def some(names: Sequence[str]) -> str:
    """The first few names, and the number of the others."""
    more = f" and {len(names) - FEW:,} more" if len(names) > FEW else ""
    return ", ".join(map(short, names[:FEW])) + more


def option(flag: str, names: Sequence[str]) -> str:
    """A flag with these columns as it is typed in a shell."""
    selectors = [",".join(names)] if not any("," in name for name in names) else names
    return " ".join(f"{flag} {shlex.quote(printable(name))}" for name in selectors)


def noted(names: Sequence[str], note: str) -> str:
    """Names and a note in parentheses; empty if there are none."""
    words = "; ".join(filter(None, (", ".join(map(short, names)), note)))
    return f" ({words})" if words else ""


def replacing(before: int, rows: int) -> str:
    """The remark that the replaced file has more rows than the new one; empty if it does not."""
    return f", replaces a fit of {before:,} row{'' if before == 1 else 's'}" if before > rows else ""


def show(preview: Preview) -> None:
    """Prints the result of a dry run."""
    for i, name in enumerate(preview.inputs):
        click.echo(f"read     {name}" + (f" -> {printable(preview.outputs[i])}" if preview.outputs else ""))
    for what, columns in (("columns", preview.taken), ("left out", preview.left_out)):
        click.echo(f"{what:8} {columns or 'none'}")
    for text in preview.passes:
        click.echo(f"learn    {text}")
    if preview.targets:
        click.echo(f"write    {', '.join(preview.targets)}")
