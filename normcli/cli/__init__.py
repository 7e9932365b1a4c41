"""The command line. One file per command, loaded when it is called; the group reads only their first lines."""

from typing import Any

import click

from normcli import __version__, registry

HELP = {"help_option_names": ["-h", "--help"]}


class Commands(click.Group):
    """The files of this folder."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(registry.names("cli"))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in registry.names("cli"):
            return None
        command: click.Command = registry.load("cli", name).command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Before the command's own parser is made, which loads libraries. Raises ShortageError."""
        from normcli.cli._guard import check_room, load_libraries

        name, command, words = super().resolve_command(ctx, args)
        data = command is not None and any(p.name == "threads" for p in command.params)
        for_help = bool({*words}.intersection(ctx.help_option_names))
        if data or not for_help:  # help of data has options of formats and methods, which load numpy
            check_room(str(name), words, data=data and not for_help)
        if data and not for_help:
            load_libraries()
        return name, command, words

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Example"):
            formatter.write_dl(
                [
                    ("normcli fit data.csv -m zscore -p data.json", "learn"),
                    ("normcli apply new.csv -p data.json -o new-z.csv", "normalize"),
                    ("normcli apply new-z.csv -p data.json --inverse", "restore"),
                ]
            )


@click.group(cls=Commands, context_settings=HELP, invoke_without_command=True)
@click.version_option(__version__, message="normcli %(version)s")
@click.pass_context
def main(ctx: click.Context, /, **options: Any) -> None:
    """Normalize data sets larger than memory: fit in one pass, apply as a stream, undo."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
