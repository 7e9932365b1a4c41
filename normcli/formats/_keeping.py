"""The format options that a parameter file keeps: those for the spelling of text and the meaning of its words, so
that new data are read like those that were fitted."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import structs

from normcli import registry
from normcli.errors import UsageError, mismatch
from normcli.formats._format import record

Dialect = tuple[tuple[str, Any], ...]  # names and values of options, in order


@cache
def fields() -> dict[str, Any]:
    """The annotations of the options that parameter files keep, by name, of all formats."""
    kinds = [record(name).options for name in registry.names("formats")]
    return {n: hint for kind in kinds for n, hint in registry.annotations(kind).items() if _manner(hint)}


def _manner(annotation: Any) -> str:
    """How an option is kept, empty for not at all."""
    metas = (m for m in typing.get_args(annotation) if isinstance(m, msgspec.Meta))
    return next((m.extra["kept"] for m in metas if m.extra and "kept" in m.extra), "")


def dialect(values: Mapping[str, Any]) -> Dialect:
    """The options, of the explicit ones, that a parameter file keeps: those that differ from their default, and each
    answer to a question without a default."""
    if not values:
        return ()  # without a format that is not in use
    defaults = {f.name: f.default for n in registry.names("formats") for f in structs.fields(_kind(n))}

    def differs(name: str) -> bool:
        value = values.get(name)
        no = value is False and _manner(fields()[name]) != "answer"
        return value is not None and value != defaults[name] and not no

    return tuple((n, values[n]) for n in fields() if differs(n))


def options(format: str, *option_sets: Iterable[tuple[str, Any]]) -> Any:
    """A format's options where some that it has are given, the later before the earlier; else None. Raises UsageError
    for what makes no sense."""
    known = _kind(format).__struct_fields__
    values = {name: value for pairs in option_sets for name, value in pairs if name in known}
    if not values:
        return None
    for name, value in values.items():
        if fault := _fault(value, registry.annotations(_kind(format))[name]):
            raise UsageError(f"--{name.replace('_', '-')}: {fault}")
    checked_options = _kind(format)(**values)
    checked_options.check()
    return checked_options


def checked(raw: Mapping[str, Any]) -> Dialect:
    """The dialect of a parameter file. Raises UsageError, with the name of the invalid option before a colon."""
    for name, value in raw.items():
        if name not in fields():
            raise UsageError(f".{name}: unknown")
        if fault := _fault(value, fields()[name]):
            raise UsageError(f".{name}: {fault}")
    for format in registry.names("formats") if raw else ():  # without it, those that are in use are loaded alone
        try:
            options(format, raw.items())
        except UsageError as e:
            raise UsageError(f": {e.message}", e.hint) from None
    return tuple(raw.items())


def _fault(value: Any, annotation: Any) -> str:
    """Why a value is none of an option, empty where it is one."""
    try:
        msgspec.convert(value, annotation)
    except msgspec.ValidationError as e:
        return mismatch(e)
    return ""


def _kind(format: str) -> Any:
    return record(format).options
