"""Shell completion: the files on the line, and the supported shells."""

from __future__ import annotations

import glob
import os
import shlex
from collections.abc import Iterator
from itertools import pairwise

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

VARIABLE = "_NORMCLI_COMPLETE"
LINES = "while IFS=',' read -r type value; do\n"  # of what bash is answered


def files_on_line(ctx: click.Context) -> Iterator[str]:
    """The words of the line, before and after the cursor, that are files, or globs, and not values of options."""
    params = ctx.command.get_params(ctx)
    options = (p for p in params if isinstance(p, click.Option) and not p.is_flag and not p.count)
    flags = {flag for option in options for flag in option.opts}
    words = split_arg_string(os.environ.get("COMP_WORDS", ""))[1:]
    paths = (word for before, word in pairwise(words) if before not in flags)
    yield from (path for path in paths if os.path.exists(path) or glob.has_magic(path))


class Bash(BashComplete):
    """Bash inserts candidates literally, so names with spaces are quoted, unless a quote is open. Click's script is
    changed to leave variables of the shell, backslashes and globs as they are."""

    source_template = (
        BashComplete.source_template.replace("local response\n", "local response type value\n")
        .replace("for completion in $response; do\n        IFS=',' read type value <<< \"$completion\"\n", LINES)
        .replace("COMPREPLY+=($value)", 'COMPREPLY+=("$value")')
        .replace("    done\n", '    done <<< "$response"\n')
    )

    def get_completion_args(self) -> tuple[list[str], str]:
        args, incomplete = super().get_completion_args()
        return args[:-1] if args[-1:] == [
            "="
        ] else args, incomplete  # --flag, = and what follows are words of their own

    def format_completion(self, item: CompletionItem[str]) -> str:
        words, cursor = os.environ["COMP_WORDS"].split("\n"), int(os.environ["COMP_CWORD"])
        is_quoted = cursor < len(words) and words[cursor][:1] in ("'", '"')
        plain = is_quoted or item.type != "plain"
        return f"{item.type},{item.value if plain else shlex.quote(item.value)}"

    def source(self) -> str:
        """The script, without running the installed bash, which need not be the one that reads it."""
        return ShellComplete.source(self)


class Fish(FishComplete):
    """Click's script, changed to allow commas in candidates."""

    source_template = FishComplete.source_template.replace('string split ","', 'string split --max 1 ","')


def script(shell: str) -> str:
    """The completion script for a shell."""
    return _kinds()[shell](click.Command("normcli"), {}, "normcli", VARIABLE).source()


def answer(command: click.Command) -> None:
    """Prints the candidates for the line that a shell has put into the environment. Raises SystemExit."""
    for kind in _kinds().values():
        add_completion_class(kind)
    command.main(prog_name="normcli")


def _kinds() -> dict[str, type[ShellComplete]]:
    return {"bash": Bash, "zsh": ZshComplete, "fish": Fish}
