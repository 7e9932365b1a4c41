"""What fit keeps, and apply may override: how rows go by their keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
RULES: dict[str, dict[str, Any]] = {
    "unseen": {
        "type": click.Choice(("error", "global", "missing", "pass")),
        "help": "Rows whose key (of fit --by) was not fitted, on apply: an error; by the statistics of all rows; "
        "missing; or as they are.",
    },
    "min_count": {
        "type": click.IntRange(0),
        "metavar": "N",
        "help": "Rows whose key had fewer than N rows in the fit go by the statistics of all rows on apply.",
    },
}


def rules(default: str) -> Callable[[F], F]:
    """The options that say how rows go by their keys."""

    def options(function: F) -> F:
        for name, settings in reversed(RULES.items()):
            about: dict[str, Any] = {**settings, "help": f"{settings['help']}  [default: {default}]"}
            function = click.option(f"--{name.replace('_', '-')}", **about)(function)
        return function

    return options
