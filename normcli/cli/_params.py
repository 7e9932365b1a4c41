"""PARAMS as the file that a command replaces: under its lock, and not without a word where it had counted more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from normcli.cli._needs import check_needs, need, option

if TYPE_CHECKING:
    from normcli.transaction import Transaction


class Seconds(click.ParamType[float]):
    """Of patience."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds: float = click.FLOAT.convert(value, param, ctx)
        if not 0 <= seconds < math.inf:
            self.fail(f"{value!r} is not 0 or more", param, ctx)
        return seconds


WAIT = option(
    "--wait",
    needs=(need("lock", "for PARAMS that are a file of this machine"),),
    type=Seconds(),
    default=0.0,
    metavar="SECONDS",
    help="How long to wait while another run is replacing PARAMS; default: exit 75 at once.",
)


def lock(path: str | None, wait: float, changes: Transaction) -> None:
    """No other run replaces the file until `changes` are done. Raises UsageError for a --wait in vain, LockedError,
    CannotCreateError."""
    from normcli.outputs import replaced

    check_needs(lock="nothing else is locked" if replaced(path) is None else None)
    changes.lock(path, wait=wait)


def rows_before(path: str | None) -> int:
    """How many rows the parameter file has counted that will be replaced; 0 where there is none."""
    from normcli import params
    from normcli.outputs import replaced

    old = replaced(path)
    return params.rows_of(old) if old else 0


def replacing(before: int, rows: int) -> str:
    """What a summary says of a file that counted more rows than the one which replaces it."""
    return f", replaces a fit of {before:,} row{'' if before == 1 else 's'}" if before > rows else ""
