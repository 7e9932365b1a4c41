"""Limits of drift in a TOML file: of all columns, and of single ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from normcli import suggestions
from normcli.errors import UsageError, printable, short
from normcli.jobs.requests._watching import check_column, limit_check
from normcli.limits import NAMES
from normcli.parameters import toml_file

EXAMPLE = "normcli check today.csv -p data.json --limits limits.toml"


def read(path: str, names: Mapping[str, object]) -> dict[str, dict[str | None, float]]:
    """The limits in a file, by name, like max_psi, and by column, which is one of `names`; None is all others. Raises
    NoInputError, UsageError with the position."""
    data, name = toml_file.read(path, example=EXAMPLE)
    try:
        document = toml_file.parsed(data)
        columns = document.pop("columns", {})
        if not isinstance(columns, dict) or not all(isinstance(table, dict) for table in columns.values()):
            raise UsageError(": columns: must be tables, as [columns.price]")
        limits: dict[str, dict[str | None, float]] = {}
        for column, table in [(None, document), *columns.items()]:
            if column is not None:
                check_column(f": columns.{short(column)}", column, names)
            at = ": " if column is None else f": columns.{printable(column)}."
            for key, value in table.items():
                limits.setdefault(key, {})[column] = _valid(key, value, at)
    except UsageError as e:
        raise UsageError(f"{name}{e.message}", e.hint) from None
    return limits


def _valid(key: str, value: Any, at: str) -> float:
    if key not in NAMES:
        what = f"{at}{printable(key)}: unknown" + ("; [columns.NAME] are limits of a column" if at == ": " else "")
        raise UsageError(what, suggestions.hint(key, NAMES))
    wrong = limit_check(key)(value)
    if wrong:
        raise UsageError(f"{at}{key} = {value!r}: {wrong}")
    return float(value)
