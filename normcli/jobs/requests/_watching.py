"""The limits of drift: what is common to the requests that compare data with those that were fitted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from normcli import suggestions
from normcli.errors import UsageError, short
from normcli.jobs.facts import (
    CHECK,
    LEARNS,
)
from normcli.jobs.requests import Place, Request, option
from normcli.jobs.values import Check, between
from normcli.limits import GREATEST, LEAST, NAMES, OFF, Limits

Limit = float | Mapping[str | None, float] | None  # of all columns, or by column: None of all others


def limit_check(name: str) -> Check:
    """Of a limit of drift by its name: a number within its bounds, or infinity."""
    of_number = between(LEAST.get(name, 0), GREATEST.get(name, math.inf), integer=False)
    return lambda value: "" if value == OFF else of_number(value)


def check_column(place: str, column: str, names: Mapping[str, object]) -> None:
    """Raises UsageError, naming the `place` of a limit, for a column that is none of `names`."""
    if column not in names:
        raise UsageError(f"{place}: no column that is compared has this name", suggestions.hint(column, names))


def _limit(name: str) -> Check:
    """The check of a limit, of all columns or by column."""
    of_one = limit_check(name)

    def check(value: Any) -> str:
        by_column = value if isinstance(value, Mapping) else {None: value}
        if not all(isinstance(column, str | None) for column in by_column):
            return "is not by the names of columns"
        return next(filter(None, map(of_one, by_column.values())), "")

    return check


def _max(name: str) -> Any:
    return option(None, group="drift", needs=(CHECK, LEARNS), check=_limit(name))


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Watches(Request):
    """When data have drifted, beyond which of these limits; None: as they are by default, or in the file `limits`."""

    max_shift: Limit = _max("max_shift")
    max_scale_ratio: Limit = _max("max_scale_ratio")
    max_outside: Limit = _max("max_outside")
    max_missing: Limit = _max("max_missing")
    max_ks: Limit = _max("max_ks")
    max_wasserstein: Limit = _max("max_wasserstein")
    max_psi: Limit = _max("max_psi")
    max_category: Limit = _max("max_category")
    limits: str | None = option(None, group="drift", needs=(CHECK, LEARNS))  # a TOML file of them

    def reads(self) -> Iterator[Place]:
        yield from super().reads()
        if self.limits is not None:
            yield Place("--limits", self.limits)

    def limits_of(self, min_rows: int, names: Mapping[str, object]) -> Limits:
        """Those that were given, those in the file, and for the others what there is by default. Raises NoInputError,
        UsageError for a column that is none of `names`."""
        from normcli.jobs import limits_file

        limits: dict[str, dict[str | None, float]] = {name: {} for name in NAMES}
        if self.limits is not None:
            limits |= limits_file.read(self.limits, names)
        for name in NAMES:
            value = getattr(self, name)
            if value is not None:
                by_option: Mapping[str | None, float] = value if isinstance(value, Mapping) else {None: value}
                for column, limit in by_option.items():
                    if column is not None:
                        check_column(f"--{name.replace('_', '-')} {short(column)}={limit:g}", column, names)
                limits[name] |= by_option
        general = {name: by_column[None] for name, by_column in limits.items() if None in by_column}
        columns: dict[str, dict[str, float]] = {}
        for name, by_column in limits.items():
            for column, limit in by_column.items():
                if column is not None:
                    columns.setdefault(column, {})[name] = float(limit)
        return Limits(**general, min_rows=min_rows, columns=columns, given=frozenset(general))
