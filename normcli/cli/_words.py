"""What commands say of what they did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from normcli.jobs.results import Preview, Progress


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


def replacing(before: int, rows: int) -> str:
    """What a summary says of a file that counted more rows than the one which replaces it."""
    return f", replaces a fit of {before:,} row{'' if before == 1 else 's'}" if before > rows else ""


def show(preview: Preview) -> None:
    """What a dry run says on standard output."""
    from normcli.errors import printable

    for i, name in enumerate(preview.inputs):
        click.echo(f"read     {name}" + (f" -> {printable(preview.outputs[i])}" if preview.outputs else ""))
    for what, columns in (("columns", preview.taken), ("left", preview.left_out)):
        click.echo(f"{what:8} {columns or 'none'}")
    if preview.targets:
        click.echo(f"write    {', '.join(preview.targets)}")
