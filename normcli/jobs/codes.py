"""Columns of numbers whose names suggest codes, of which a mean has no meaning."""

from __future__ import annotations

import re
from collections.abc import Iterable

IDENTIFIERS = {"id", "uid", "uuid", "guid", "code", "zip", "zipcode", "postcode", "fips"}
CYCLES = {"month", "weekday", "hour", "quarter"}  # whose greatest value is beside the least
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def codes(names: Iterable[str]) -> tuple[str, ...]:
    """The names whose last word is that of a code: id, customer_id, zipCode, hour; not price_per_hour."""
    return tuple(name for name in names if _is_code(name))


def _is_code(name: str) -> bool:
    words = [word.lower() for word in WORD.findall(name)]
    if not words or "per" in words:
        return False
    return words[-1] in IDENTIFIERS | CYCLES
