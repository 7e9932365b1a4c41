"""The command line. One file per command, imported when it is called; the group reads only their first lines."""

from collections.abc import Iterator
from typing import Any

import click

from normcli import __version__, registry

HELP = {"help_option_names": ["-h", "--help"]}
URL = "https://pypi.org/project/normcli/"  # as in pyproject.toml
VERSION, VERBOSE = {"-V", "--version"}, {"-v", "--verbose"}
LAST = 99  # the position of a command without ORDER
EXAMPLES = (
    ("normcli fit data.csv -m zscore -p data.json", "learn"),
    ("normcli apply new.csv -p data.json -o new-z.csv", "normalize"),
    ("normcli apply new-z.csv -p data.json --inverse", "restore"),
)


class Commands(click.Group):
    """The group of the commands: the files of this folder, sorted by their ORDER."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(registry.names("cli"), key=lambda name: (registry.order("cli", name) or LAST, name))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in registry.names("cli"):
            return None
        command: click.Command = registry.load("cli", name).command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if len(args) == 2 and VERSION.intersection(args) and VERBOSE.intersection(args):
            from normcli import kernel

            click.echo(f"normcli {__version__}\n{kernel.description()}")
            ctx.exit()
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as e:
            from normcli.cli._mistakes import no_such_option

            raise no_such_option(e.option_name, self.get_params(ctx), "normcli") from None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Checks memory limits before the parser of the command, which imports libraries, is built. Raises
        ShortageError, UsageError."""
        from normcli.cli._guard import check_room, load_libraries

        if ctx.resilient_parsing:  # completion of a line by a shell
            return super().resolve_command(ctx, args)
        if args[0] == "help" and args[1:2] and args[1] in registry.names("cli"):
            args = [*args[1:], "--help"]
        if args[0] not in registry.names("cli"):
            from normcli.cli._mistakes import no_such_command

            raise no_such_command(args[0])
        name, command, words = super().resolve_command(ctx, args)
        data = command is not None and any(p.name == "threads" for p in command.params)
        for_help = bool({*words}.intersection(ctx.help_option_names))
        if data or not for_help:  # help of data commands has options of formats and methods, which import numpy
            check_room(str(name), words, data=data and not for_help)
        if data and not for_help:
            load_libraries()
        return name, command, words

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from normcli.cli._help import write_rows
        from normcli.cli._topics import summaries

        formatter.write_text(f"{self.help}")
        formatter.write_paragraph()
        formatter.write_usage("normcli", "COMMAND [OPTION]... [INPUT]...")
        sections: dict[str, list[tuple[str, str]]] = {
            "Examples": list(EXAMPLES),
            "Commands (normcli COMMAND --help)": list(self._summaries(ctx)),
            "Topics (normcli help TOPIC)": list(summaries()),
            "Options": [
                ("-V, --version", "Show the version; with -v, how text is read"),
                ("-h, --help", "Show this message"),
            ],
        }
        for title, rows in sections.items():
            with formatter.section(title):
                write_rows(formatter, rows, widest=50)
        formatter.write_paragraph()
        formatter.write_text(URL)

    def _summaries(self, ctx: click.Context) -> Iterator[tuple[str, str]]:
        """The name and the summary of each command, from the first line of its file, without importing it."""
        for name in self.list_commands(ctx):
            title = registry.title("cli", name)
            command = None if title else self.get_command(ctx, name)
            about = command.get_short_help_str(limit=200) if command else title
            yield name, about[:1].upper() + about[1:].removesuffix(".")


@click.group(cls=Commands, context_settings=HELP, invoke_without_command=True)
@click.version_option(__version__, "-V", "--version", message="normcli %(version)s")
@click.pass_context
def main(ctx: click.Context, /, **options: Any) -> None:
    """Normalize data sets larger than memory: fit in one pass, apply as a stream, undo."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
