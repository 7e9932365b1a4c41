"""Commands with the flags of all entries of a folder: one of them is chosen by a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import click

from normcli import registry
from normcli.cli._command import Plain

if TYPE_CHECKING:
    from collections.abc import Iterator


class WithKinds(Plain):
    """The command `job` with the flags of all entries of `room`, of which the flag `word` chooses one, and help that
    lists them by entry, and the entries below a `title`."""

    job: ClassVar[str]
    room: ClassVar[str]
    prefix: ClassVar[str]  # of the names of their parameters
    word: ClassVar[str]
    title: ClassVar[str]

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        params = super().get_params(ctx)
        return [*params[:-1], *{flag.name: flag for _, flag in self._flags()}.values(), params[-1]]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from normcli.cli._help import TERM, write_options, write_rows
        from normcli.jobs.requests import groups

        having: dict[str, list[str]] = {}
        for entry, flag in self._flags():
            having.setdefault(str(flag.name), []).append(entry)
        of: dict[str, str | None] = {**groups(self.job)}
        of |= {name: f"Options of {self.word} {', '.join(entries)}" for name, entries in having.items()}
        options = (p for p in self.get_params(ctx) if isinstance(p, click.Option))
        write_options(formatter, options, of, rest="messages")
        with formatter.section(self.title):
            rows = ((name, registry.title(self.room, name).rstrip(".")) for name in registry.names(self.room))
            write_rows(formatter, rows, widest=TERM)

    def _flags(self) -> Iterator[tuple[str, click.Option]]:
        """The flags of each entry, with its name."""
        from normcli.cli._flags import flags

        for entry in registry.names(self.room):
            yield from ((entry, flag) for flag in flags(registry.only(self.room, entry), self.prefix))
