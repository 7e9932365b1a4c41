"""The options for keys of rows, which fit saves and apply may override."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from normcli.cli._command import OneOf

F = TypeVar("F", bound=Callable[..., Any])
RULES: dict[str, dict[str, Any]] = {
    "unseen": {
        "type": OneOf(("error", "global", "missing", "pass")),
        "metavar": "WORD",
        "help": "Unknown keys: error, global, missing or pass",
    },
    "min_count": {
        "type": click.IntRange(0),
        "metavar": "N",
        "help": "Keys of fewer rows go by the statistics of all",
    },
}


def rules(function: F) -> F:
    """Decorates a command with the options for keys of rows."""
    for name, settings in reversed(RULES.items()):
        function = click.option(f"--{name.replace('_', '-')}", **settings)(function)
    return function
