"""Values and records out of JSON, each checked, with the path inside the file where one is off."""

import dataclasses
import typing
from collections.abc import Sequence
from typing import Any, NoReturn

import msgspec
import numpy as np

from normcli import registry
from normcli.blocks.record import Array, Axes, Record, symmetric
from normcli.errors import BadParametersError, short
from normcli.parameters.file._layout import PADDED

LONGEST = 1000  # characters of a place or of what is wrong there
WHOLE = 1 << 63  # whole numbers are below, as 64 bits have them


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
        if isinstance(x, int) and not -WHOLE <= x < WHOLE:
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
        what, _, where = str(e).partition(" - at `$")
        fail(at + where.rstrip("`"), what[:1].lower() + what[1:])
    for name in fields:
        check_finite(getattr(value, name), f"{at}.{name}")
    return value


def named(room: str, raw: Any, at: str) -> Any:
    name = of_kind(str, raw, at)
    if name not in registry.names(room):
        fail(at, f"'{short(name)}' is none of {', '.join(registry.names(room))}")
    return registry.only(room, name)


def read_record(kind: type[Record], raw: Any, at: str, names: Sequence[str]) -> Any:
    axes = kind.axes()
    settings = [f.name for f in dataclasses.fields(kind) if f.name not in axes]
    column_wise = bool(axes) and kind.is_column_wise()
    check_keys(of_kind(dict, raw, at), (*settings, *(["columns"] if column_wise else axes)), at)
    arrays: dict[str, Array] = {}
    if column_wise:
        rows = of_kind(dict, raw["columns"], f"{at}.columns")
        if tuple(rows) != tuple(names):
            fail(f"{at}.columns", "not the columns of the step, in order")
        for name, row in rows.items():
            check_keys(of_kind(dict, row, f"{at}.columns.{name}"), tuple(axes), f"{at}.columns.{name}")
        for n, a in axes.items():
            each = [_read_number(row[n], a, f"{at}.columns.{name}.{n}") for name, row in rows.items()]
            arrays[n] = np.array([each], np.float64)
    else:
        sizes = {"feature": len(names)}
        for n, a in axes.items():
            read = read_array(raw[n], a, a.dims, f"{at}.{n}", sizes)
            flat = np.array(filled(read, a, sizes, f"{at}.{n}") if a.ragged else read, np.float64)
            arrays[n] = flat.reshape(1, *(sizes.get(d, 0) for d in a.dims))
    record = dataclasses.replace(_typed_settings(kind, {n: raw[n] for n in settings}, at), **arrays)
    fault = record.fault()
    if fault:
        fail(f"{at}.{fault[0]}", fault[1])
    return record


def _typed_settings(kind: type[Record], raw: dict[str, Any], at: str) -> Any:
    """A blank record with these settings; each is checked by its annotation."""
    hints = typing.get_type_hints(kind, include_extras=True)
    values = {}
    for n, x in raw.items():
        try:
            values[n] = msgspec.convert(x, hints[n])
        except msgspec.ValidationError as e:
            fail(f"{at}.{n}", str(e).lower())
        check_finite(values[n], f"{at}.{n}")
    return kind(**values)


def read_array(raw: Any, axes: Axes, dims: tuple[str, ...], at: str, sizes: dict[str, int]) -> Any:
    """Nested lists of numbers; `sizes` are those of the axes that are known, and of all of them afterwards."""
    if not dims:
        return _read_number(raw, axes, at)
    size = sizes.setdefault(dims[0], len(of_kind(list, raw, at)))
    if axes.ragged and len(dims) == 1:
        sizes[dims[0]] = max(size, len(raw))
    elif len(raw) != size:
        fail(at, f"{len(raw)} entries, not {size}")
    if not axes.symmetric:
        return [read_array(x, axes, dims[1:], f"{at}[{i}]", sizes) for i, x in enumerate(raw)]
    whole = np.zeros((size, size))
    for i, row in enumerate(raw):
        if len(of_kind(list, row, f"{at}[{i}]")) != i + 1:
            fail(f"{at}[{i}]", f"{len(row)} entries, not {i + 1}")
        whole[i, : i + 1] = [_read_number(x, axes, f"{at}[{i}][{j}]") for j, x in enumerate(row)]
    return symmetric(whole)


def filled(read: list[Any], axes: Axes, sizes: dict[str, int], at: str) -> list[Any]:
    """Ragged lists, as long as the longest."""
    size = sizes.get(axes.dims[-1], 0)
    if 8 * size * len(read) > PADDED:
        fail(at, f"lists of up to {size:,} for {len(read):,} columns")
    return [row + [axes.empty] * (size - len(row)) for row in read]


def _read_number(raw: Any, axes: Axes, at: str) -> float:
    if raw is None and not np.isfinite(axes.empty):
        return axes.empty
    if type(raw) not in (int, float):
        fail(at, "must be a number")
    try:
        value = float(raw)
    except OverflowError:
        value = float("inf")
    if not np.isfinite(value):
        fail(at, "must be finite")
    if axes.holds == "positive" and not value > 0:
        fail(at, "must be positive")
    if axes.holds in ("not negative", "count") and value < 0:
        fail(at, "must not be negative")
    return value
