"""Validation of JSON values. All functions raise BadParametersError with the path `at` of a fault."""

from collections.abc import Sequence
from typing import Any, NoReturn

import msgspec
import numpy as np
from msgspec import structs

from normcli import registry
from normcli.errors import BadParametersError, mismatch, short

LONGEST = 1000  # characters of a place or of what is wrong there
INT64_END = 1 << 63  # whole numbers are below, as 64 bits have them


def fail(at: str, what: str) -> NoReturn:
    """Raises BadParametersError."""
    raise BadParametersError(f"{short(at, LONGEST)}: {short(what, LONGEST)}")


def of_kind(kind: type, raw: Any, at: str) -> Any:
    """`raw`, if it is of exactly this type."""
    if type(raw) is not kind:
        words = {dict: "an object", list: "a list", str: "text", int: "a whole number"}
        fail(at, f"must be {words[kind]}")
    return raw


def count(raw: Any, at: str) -> int:
    """`raw`, if it is an integer from 0 to 2⁶³ − 1."""
    if of_kind(int, raw, at) < 0:
        fail(at, "must not be negative")
    check_finite(raw, at)
    return int(raw)


def check_finite(value: Any, at: str) -> None:
    """Checks that a number, or each in a tuple, is a finite float or an integer of 64 bits."""
    for x in value if isinstance(value, tuple) else (value,):
        if isinstance(x, float) and not np.isfinite(x):
            fail(at, "must be finite")
        if isinstance(x, int) and not -INT64_END <= x < INT64_END:
            fail(at, "is beyond 64 bits")


def check_keys(raw: dict[str, Any], wanted: Sequence[str], at: str, optional: Sequence[str] = ()) -> None:
    """Checks that an object has all `wanted` keys, and no other but `optional` ones."""
    for name in wanted:
        if name not in raw:
            fail(f"{at}.{name}", "missing")
    for name in raw:
        if name not in wanted and name not in optional:
            fail(f"{at}.{name}", "unknown")


def typed(kind: Any, raw: Any, at: str) -> Any:
    """`raw` as a record of this kind: no unknown or missing field, all numbers finite."""
    fields = {f.name: f for f in structs.fields(kind)}
    required = [n for n, f in fields.items() if f.required]
    check_keys(of_kind(dict, raw, at), required, at, optional=tuple(fields))
    try:
        value = msgspec.convert(raw, kind)
    except msgspec.ValidationError as e:
        where = str(e).partition(" - at `$")[2]
        fail(at + where.rstrip("`"), mismatch(e))
    for name in fields:
        check_finite(getattr(value, name), f"{at}.{name}")
    return value


def named(room: str, raw: Any, at: str) -> Any:
    """The class registered in a room by this name."""
    name = of_kind(str, raw, at)
    if name not in registry.names(room):
        fail(at, f"'{short(name)}' is none of {', '.join(registry.names(room))}")
    return registry.only(room, name)
