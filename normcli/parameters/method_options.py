"""Methods from a name and options by name, as in plans and calls from Python."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from normcli import registry, suggestions
from normcli.errors import BadParametersError, UsageError, printable, short
from normcli.methods import Method
from normcli.parameters import file as params


def method_of(name: str, options: Mapping[str, Any]) -> Method:
    """The method of that name, with options by name. Raises UsageError that lists the methods, or those that have the
    option."""
    if name not in registry.names("methods"):
        raise UsageError(f"{name}: no such method", suggestions.of_room(name, "methods"))
    return method_of_class(registry.only("methods", name), options)


def method_of_class(kind: type, options: Mapping[str, Any]) -> Method:
    """A method of a class, with options by name. Raises UsageError."""
    return method_with(kind, dict(options), kind.__module__.rsplit(".", 1)[-1].replace("_", "-"))


def method_with(kind: type[Method], raw: Any, at: str) -> Method:
    """A method whose options have the names of the parameter file or of flags. Raises UsageError."""
    if not isinstance(raw, dict):
        raise UsageError(f"{at}.options: must be a table, as {{ ddof = 1 }}")
    fields = {name.rstrip("_"): name for name in kind.__struct_fields__}
    options: dict[str, Any] = {}
    for key, value in raw.items():
        name = fields.get(key.replace("-", "_").rstrip("_"))
        here = f"{at}.options.{printable(key)}"
        if name is None:
            raise UsageError(f"{here}: the method has no such option{_whose(key)}")
        if name in options:
            raise UsageError(f"{here}: is there twice")
        options[name] = None if value == "none" and _may_be_none(kind, name) else value
        _check_word(kind, name, options[name], here)
    try:
        method: Method = params.typed(kind, options, f"{at}.options")
        method.check(options)
    except BadParametersError as e:
        raise UsageError(e.message, e.hint) from None
    except UsageError as e:
        raise UsageError(f"{at}.options: {e.message}", e.hint) from None
    return method


def _may_be_none(kind: type[Method], name: str) -> bool:
    """Whether an option can be None, which TOML cannot express, and the string "none" has no other meaning for it."""
    annotation = typing.get_type_hints(kind, include_extras=True)[name]

    def takes(value: Any) -> bool:
        try:
            msgspec.convert(value, annotation)
        except msgspec.ValidationError:
            return False
        return True

    return takes(None) and not takes("none")


def _check_word(kind: type[Method], name: str, value: Any, at: str) -> None:
    """Raises UsageError for a value that is none of the words that an option takes."""
    annotation = typing.get_type_hints(kind)[name]
    words = [*_words(annotation)]
    try:
        msgspec.convert(value, annotation)
    except msgspec.ValidationError:
        if words:
            shown = f"'{short(value)}'" if isinstance(value, str) else short(repr(value))
            raise UsageError(f"{at}: {shown} is none of {', '.join(words)}") from None


def _words(annotation: Any) -> Iterator[str]:
    """The words that a type takes, and what else, where it takes any."""
    parts = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Literal:
        yield from map(str, parts)
    elif any(typing.get_origin(part) is typing.Literal for part in parts):
        for part in parts:
            yield from ("a number",) if part is float else _words(part)


def _whose(key: str) -> str:
    """Which methods have an option, for a message; empty if none does."""
    name = key.replace("-", "_").rstrip("_")
    every: Iterator[tuple[str, type[Method]]] = ((n, registry.only("methods", n)) for n in registry.names("methods"))
    having = [n for n, kind in every if name in {option.rstrip("_") for option in kind.__struct_fields__}]
    return f"; it is of {', '.join(having)}" if having else ""
