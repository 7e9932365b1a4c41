"""Errors for unknown commands and options."""

from __future__ import annotations

import os
from collections.abc import Iterable

import click

from normcli import registry, suggestions
from normcli.errors import UsageError, printable

INVERSE = ("undo", "inverse", "invert", "restore", "denormalize", "unnormalize", "reverse", "inverse_transform")


def no_such_command(word: str) -> UsageError:
    """The error for an unknown command, with a suggestion: a command, a method, or a file, which follows a command."""
    what, name = f"{printable(word)}: no such command", printable(word)
    if word in registry.names("methods"):
        return UsageError(f"{what}; it is a method", f"normcli fit INPUT -m {word}")
    if os.path.exists(word):
        return UsageError(f"{what}; it is a file", f"normcli fit {name} -m METHOD, or normcli apply {name} -p PARAMS")
    if word.casefold() in INVERSE:  # apply alone would normalize a second time
        return UsageError(what, "did you mean apply --inverse?")
    return UsageError(what, suggestions.of_room(word, "cli"))


def no_such_option(flag: str, params: Iterable[click.Parameter], command: str) -> UsageError:
    """The error for an unknown option, with the commands that have it, or similar options of the command."""
    having = [name for name in registry.names("cli") if name != command and _has(name, flag)]
    what = f"{flag}: {command} has no such option"
    if having:
        where = "it goes behind the command" if command == "normcli" else ""
        return UsageError(f"{what}; {', '.join(having)} {'has' if len(having) == 1 else 'have'} it", where)
    flags = [word for param in params for word in (*param.opts, *param.secondary_opts) if word.startswith("--")]
    if "--inverse" not in flags and flag.lstrip("-").casefold() in INVERSE:
        return UsageError(what, "did you mean apply --inverse?")
    return UsageError(what, suggestions.question(flag, flags, {"--inverse": INVERSE} if "--inverse" in flags else None))


def _has(name: str, flag: str) -> bool:
    """Whether a command has an option with that flag."""
    command: click.Command = registry.load("cli", name).command
    return any(flag in param.opts + param.secondary_opts for param in command.params)
