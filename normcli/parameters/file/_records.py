"""Records to and from JSON: settings and arrays, by column where all arrays have one entry per feature."""

import typing
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import structs

from normcli.blocks.record import Array, Record
from normcli.errors import mismatch
from normcli.parameters.file._arrays import Place, decode, encode
from normcli.parameters.file._values import check_finite, check_keys, fail, of_kind


# -- writing -----------------------------------------------------------------------------------------------------
def encode_record(record: Record, names: Sequence[str]) -> dict[str, Any]:
    """The settings and arrays of a record of one group, as JSON values."""
    out = builtins(record.settings())
    arrays = {n: (a, getattr(record, n)[0]) for n, a in record.axes().items()}
    if arrays and record.is_column_wise():
        columns = {n: encode(values, a) for n, (a, values) in arrays.items()}
        return out | {"columns": {name: {n: v[j] for n, v in columns.items()} for j, name in enumerate(names)}}
    return out | {n: encode(values, a) for n, (a, values) in arrays.items()}


def builtins(value: Any) -> dict[str, Any]:
    """Options or settings as JSON values: lists in place of tuples."""
    plain: dict[str, Any] = msgspec.to_builtins(value)
    return {k: list(v) if isinstance(v, tuple) else v for k, v in plain.items()}


# -- reading -----------------------------------------------------------------------------------------------------
def decode_record(kind: type[Record], raw: Any, at: str, names: Sequence[str]) -> Any:
    """A record of one group, whose features have these names. Raises BadParametersError."""
    axes = kind.axes()
    settings = [name for name in kind.__struct_fields__ if name not in axes]
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
            spell = partial(_spell_entry, f"{at}.columns", names, n)
            arrays[n] = decode([[row[n] for row in rows.values()]], a, {"feature": len(names)}, spell)
    else:
        sizes = {"feature": len(names)}
        for n, a in axes.items():
            arrays[n] = decode([raw[n]], a, sizes, partial(spell_place, f"{at}.{n}"))
    record = structs.replace(_typed_settings(kind, {n: raw[n] for n in settings}, at), **arrays)
    fault = record.fault()
    if fault:
        fail(f"{at}.{fault[0]}", fault[1])
    return record


def spell_place(at: str, place: Place) -> str:
    """The path of an entry in the array at `at`, for messages."""
    return at + "".join(f"[{i}]" for i in place[1:])


def _spell_entry(at: str, names: Sequence[str], field: str, place: Place) -> str:
    """The path of an entry in an array that is stored by column, for messages."""
    return f"{at}.{names[place[1]]}.{field}" if len(place) > 1 else at


def _typed_settings(kind: type[Record], raw: dict[str, Any], at: str) -> Any:
    """A blank record with these settings, validated by their annotations. Raises BadParametersError."""
    hints = typing.get_type_hints(kind, include_extras=True)
    values = {}
    for n, x in raw.items():
        try:
            values[n] = msgspec.convert(x, hints[n])
        except msgspec.ValidationError as e:
            fail(f"{at}.{n}", mismatch(e))
        check_finite(values[n], f"{at}.{n}")
    return kind(**values)
