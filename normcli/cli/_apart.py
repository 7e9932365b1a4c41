"""What a run tells beside its results (--report, --rejects) goes to files of its own: it replaces no other of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

import click

from normcli.cli._report import current
from normcli.errors import printable

BESIDE = ("report", "rejects")
OTHERS = ("input", "inputs", "files_from", "params", "relearn", "output", *BESIDE)


def check_apart(values: dict[str, Any], others: Iterable[str] = ()) -> None:
    """Raises UsageError where one of them is one of `others`, or of the files that the command line names."""
    from normcli import stores

    asked = {flag: path for flag in BESIDE if (path := values.get(flag)) not in (None, "-") and _is_file(path)}
    if not asked:
        return
    found = {stores.resolved(path) for path in others}
    for flag, path in asked.items():
        named = {stores.resolved(name) for key in OTHERS if key != flag for name in _names(values.get(key))}
        if stores.resolved(path) in found | named:
            current.path = None  # nothing is put there
            raise click.UsageError(f"--{flag} {printable(path)} is another file of this run, too")


def _is_file(path: str) -> bool:
    """Whether a rename would put another in its place; a pipe or a device serves several."""
    return os.path.isfile(path) or not os.path.exists(path)


def _names(value: Any) -> Iterator[str]:
    for name in value if isinstance(value, tuple | list) else [value]:
        if isinstance(name, str) and name != "-":
            yield name
