"""Each output of a run goes to a file or a stream of its own."""

from __future__ import annotations

import os
import stat
from collections.abc import Hashable, Iterable, Iterator
from typing import Any

import click

from normcli.cli._report import current
from normcli.errors import printable

BESIDE = ("report", "rejects")
READ = ("input", "inputs", "files_from", "params", "plan", "relearn")


def check_apart(values: dict[str, Any], others: Iterable[str] = ()) -> None:
    """Raises UsageError where what is written beside the output is one of `others`, or of the files that the command
    line names to be read."""
    asked = {flag: path for flag in BESIDE if (path := values.get(flag)) not in (None, "-") and _is_file(path)}
    if not asked:
        return
    named = (name for key in READ for name in _names(values.get(key)))
    found = {_identity(path) for path in (*others, *named)}
    for flag, path in asked.items():
        if _identity(path) in found:
            current.path = None  # nothing is put there
            raise click.UsageError(f"--{flag} {printable(path)} is another file of this run, too")


def check_outputs(values: dict[str, Any], command: str) -> None:
    """Raises UsageError where two outputs go to one file or stream, standard output or another, however it is called:
    what is there could not be read as either of them."""
    from normcli.outputs import STDOUT_FD, descriptor

    outputs: dict[Hashable, str] = {}
    for flag, path in _outputs(values, command):
        identity = _identity(path)
        first = outputs.setdefault(identity, flag) if identity else flag
        if first != flag:
            name = "standard output" if descriptor(path) == STDOUT_FD else printable(path)
            raise click.UsageError(f"{first} and {flag} are both {name}")


def _outputs(values: dict[str, Any], command: str) -> Iterator[tuple[str, str]]:
    """What a command line writes, and where, standard output by default: flags with names. A dry run has standard
    output for itself, and refuses what a run would."""
    from normcli.outputs import descriptor

    dry = bool(values.get("dry_run"))
    if dry:
        yield "--dry-run", "-"
    for flag, path in _data(values, command):
        if not (dry and descriptor(path) is not None):
            yield flag, path
    if values.get("report"):
        yield "--report", values["report"]


def _data(values: dict[str, Any], command: str) -> Iterator[tuple[str, str]]:
    """What there is of these but for the report."""
    output = values.get("output")
    if command == "fit" and (values["params"] or not output):
        yield "-p", values["params"] or "-"
    if output or command in ("apply", "merge"):
        yield "-o", output or "-"
    if command == "check" and (values["as_json"] or values["quiet"] < 2):
        yield "--json" if values["as_json"] else "the table", "-"
    if values.get("rejects"):
        yield "--rejects", values["rejects"]


def _identity(path: str) -> Hashable:
    """What all names of a file, an object or a stream have in common, whether it is there yet or not; None for devices
    such as /dev/null, which take whatever comes."""
    from normcli import stores
    from normcli.outputs import descriptor

    number = descriptor(path)
    try:
        status = os.stat(path) if number is None else os.fstat(number)
    except (OSError, ValueError):
        return stores.resolved(path) if number is None else (-1, number)
    if stat.S_ISCHR(status.st_mode):
        return None if number is None else (-1, number)
    return status.st_dev, status.st_ino


def _is_file(path: str) -> bool:
    """Whether a rename would put another in its place; a pipe or a device serves several."""
    return os.path.isfile(path) or not os.path.exists(path)


def _names(value: Any) -> Iterator[str]:
    for name in value if isinstance(value, tuple | list) else [value]:
        if isinstance(name, str) and name != "-":
            yield name
