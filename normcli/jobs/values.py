"""Checks of the values of options: each returns what is wrong with a value, empty if nothing is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from normcli import formats, registry, suggestions

Check = Callable[[Any], str]


def between(least: float, greatest: float = math.inf, *, integer: bool = True) -> Check:
    """Finite numbers within these bounds, inclusive; integers unless `integer` is false."""

    def check(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int if integer else int | float):
            return f"is no {'whole ' if integer else ''}number"
        if least <= value <= greatest and math.isfinite(value):
            return ""
        return f"is not {least:,} or more" if greatest == math.inf else f"is not from {least:,} to {greatest:,}"

    return check


def number(value: Any) -> str:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "is no number"
    return "" if math.isfinite(value) else "is not finite"


def interval(value: Any) -> str:
    """Two finite numbers, the first below the second."""
    if not isinstance(value, tuple | list) or len(value) != 2 or any(map(number, value)):
        return "is not two finite numbers"
    return "" if value[0] < value[1] else "must rise"


def one_of(*words: str) -> Check:
    """One of these words."""

    def check(value: Any) -> str:
        question = suggestions.question(str(value), words)
        return "" if value in words else f"is none of {', '.join(words)}{f'; {question}' if question else ''}"

    return check


def truth(value: Any) -> str:
    """True or False, as numpy's are, too."""
    return "" if value in (True, False) else "is neither True nor False"


def text(value: Any) -> str:
    """A string."""
    return "" if isinstance(value, str) else "is no text"


def format_name(value: Any) -> str:
    """The name of a format; csv.gz is csv."""
    names = registry.names("formats")
    return "" if formats.bare(str(value)) in names else f"is none of {', '.join(names)}"


def engine_name(value: Any) -> str:
    """The name of an engine, or a cluster."""
    names = registry.names("engines")
    is_one = value in names or (hasattr(value, "map_spans") and not isinstance(value, type))
    return "" if is_one else f"is none of {', '.join(names)}, and no normcli.Dask(client)"


def name_suffix(value: Any) -> str:
    """What makes another name of a column's name."""
    if value == "":
        return "must not be empty"
    return "" if str(value).encode("utf-8", "replace").decode() == value else "must be UTF-8"
