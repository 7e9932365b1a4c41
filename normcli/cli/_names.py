"""Types of parameters whose values a shell completes from the files on the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from normcli.cli._command import FORMAT
from normcli.cli._request import explicit_options

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Column(click.ParamType[str]):
    """Columns of the INPUT on the line, separated by commas; only numeric ones if `numbers`."""

    name = "column"

    def __init__(self, *, numbers: bool) -> None:
        self.numbers = numbers

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        from click.shell_completion import CompletionItem

        from normcli.cli._completion import files_on_line
        from normcli.jobs.completing import column_names

        options = {n: v for n, v in explicit_options(ctx, FORMAT).items() if v is not None}
        names = column_names(files_on_line(ctx), ctx.params.get("from_"), options, numbers=self.numbers)
        before, comma, last = incomplete.rpartition(",")
        left = set(names).difference(before.split(","))
        return [
            CompletionItem(before + comma + n) for n in names if n in left and n.startswith(last) and n.isprintable()
        ]


class Key(click.ParamType[str]):
    """A key of the parameter file on the line."""

    name = "key"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        from click.shell_completion import CompletionItem

        from normcli.cli._completion import files_on_line
        from normcli.jobs.completing import keys

        names = keys(files_on_line(ctx))
        return [CompletionItem(key) for key in names if key.startswith(incomplete) and key.isprintable()]


KEY = Key()
