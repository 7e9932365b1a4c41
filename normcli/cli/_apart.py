"""Each output of a run goes to a file or a stream of its own."""

from __future__ import annotations

import os
import stat
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


def check_streams(values: dict[str, Any], command: str) -> None:
    """Raises UsageError where two outputs go to one stream, standard output or another, however it is called: what is
    there could not be read as either of them."""
    from normcli.outputs import STDOUT_FD, descriptor

    streams: dict[tuple[int, int], str] = {}
    for flag, path in _outputs(values, command):
        stream = _stream(path)
        first = streams.setdefault(stream, flag) if stream else flag
        if first != flag:
            name = "standard output" if descriptor(path) == STDOUT_FD else printable(path)
            raise click.UsageError(f"{first} and {flag} are both {name}")


def _outputs(values: dict[str, Any], command: str) -> Iterator[tuple[str, str]]:
    """What a command line writes, and where, standard output by default: flags with names."""
    output = values.get("output")
    if values.get("dry_run"):
        yield "--dry-run", "-"
    else:
        if command == "fit" and (values["params"] or not output):
            yield "-p", values["params"] or "-"
        if output or command in ("apply", "merge"):
            yield "-o", output or "-"
        if command == "check" and (values["as_json"] or values["quiet"] < 2):
            yield "--json" if values["as_json"] else "the table", "-"
        if values.get("rejects"):
            yield "--rejects", values["rejects"]
    if values.get("report"):
        yield "--report", values["report"]


def _stream(path: str) -> tuple[int, int] | None:
    """What all names of a stream, or of a file that there is, have in common; None for objects, and for devices such as
    /dev/null, which take whatever comes."""
    from normcli.outputs import descriptor

    number = descriptor(path)
    try:
        status = os.stat(path) if number is None else os.fstat(number)
    except (OSError, ValueError):
        return None
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
