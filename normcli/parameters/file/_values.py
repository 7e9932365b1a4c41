"""Values out of JSON, each checked, with the path inside the file where one is off."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NoReturn

import msgspec
import numpy as np

from normcli import registry
from normcli.errors import BadParametersError, mismatch, short

LONGEST = 1000  # characters of a place or of what is wrong there
INT64_END = 1 << 63  # whole numbers are below, as 64 bits have them


def fail(at: str, what: str) -> NoReturn:
    raise BadParametersError(f"{short(at, LONGEST)}: {short(what, LONGEST)}")


def of_kind(kind: type, raw: Any, at: str) -> Any:
    if type(raw) is not kind:
        words = {dict: "an object", list: "a list", str: "text", int: "a whole number"}
        fail(at, f"must be {words[kind]}")
    return raw


def count(raw: Any, at: str) -> int:
    if of_kind(int, raw, at) < 0:
        fail(at, "must not be negative")
    check_finite(raw, at)
    return int(raw)


def check_finite(value: Any, at: str) -> None:
    """A number, or each of several, is one that others can compute with: no float is infinite, no int without end."""
    for x in value if isinstance(value, tuple) else (value,):
        if isinstance(x, float) and not np.isfinite(x):
            fail(at, "must be finite")
        if isinstance(x, int) and not -INT64_END <= x < INT64_END:
            fail(at, "is beyond 64 bits")


def check_keys(raw: dict[str, Any], wanted: Sequence[str], at: str, optional: Sequence[str] = ()) -> None:
    for name in wanted:
        if name not in raw:
            fail(f"{at}.{name}", "missing")
    for name in raw:
        if name not in wanted and name not in optional:
            fail(f"{at}.{name}", "unknown")


def typed(kind: Any, raw: Any, at: str) -> Any:
    """`raw` as a dataclass: no field unknown, one without a default there, every number
    finite."""
    fields = {f.name: f for f in dataclasses.fields(kind)}
    required = [n for n, f in fields.items() if f.default is dataclasses.MISSING]
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
    name = of_kind(str, raw, at)
    if name not in registry.names(room):
        fail(at, f"'{short(name)}' is none of {', '.join(registry.names(room))}")
    return registry.only(room, name)
