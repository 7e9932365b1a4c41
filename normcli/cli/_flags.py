"""A dataclass of options becomes flags of the command line: its annotations say what is taken, msgspec checks it."""

import dataclasses
import math
import os
import types
import typing
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import click
import msgspec
from click.shell_completion import CompletionItem

from normcli.errors import BadDataError, NoInputError, printable


class Typed(click.ParamType[Any]):
    """Text of the command line as an annotated type; numbers are finite and within its bounds."""

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation
        self.name = shown(annotation)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        found = next(readings(self.annotation, value), ...)
        if found is ... and listing(self.annotation):
            found = numbers_in(value) if os.path.exists(value) else ...
        if found is ...:
            self.fail(f"{value!r} is not {self.name}", param, ctx)
        try:
            return msgspec.convert(found, self.annotation)
        except msgspec.ValidationError as e:
            self.fail(f"{value!r}: {str(e).replace('`', '').lower()}", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        words = [w for w in self.name.split("|") if w.islower() and w.startswith(incomplete)]
        return [CompletionItem(w) for w in words]


def bare(annotation: Any) -> Any:
    return bare(get_args(annotation)[0]) if get_origin(annotation) is Annotated else annotation


def readings(annotation: Any, text: str) -> typing.Iterator[Any]:
    """What `text` may mean as an annotation, the most particular first."""
    kind = bare(annotation)
    if get_origin(kind) in (types.UnionType, typing.Union):
        for member in get_args(kind):
            yield from readings(member, text)
    elif get_origin(kind) is Literal:
        if text in get_args(kind):
            yield text
    elif kind is types.NoneType:
        if text == "none":
            yield None
    elif kind in (int, float):
        try:
            number = kind(text)
            if math.isfinite(number) and "_" not in text and (kind is float or abs(number) < 2**63):
                yield number
        except (ValueError, OverflowError):
            return
    elif kind is str:
        yield text


def listing(annotation: Any) -> bool:
    """Whether an annotation takes any number of numbers: on the command line, a file of them."""
    kind = bare(annotation)
    if get_origin(kind) in (types.UnionType, typing.Union):
        return any(map(listing, get_args(kind)))
    return get_origin(kind) is tuple and get_args(kind)[1:] == (...,)


def numbers_in(path: str) -> list[float]:
    """What a file holds: a JSON list of numbers. Raises NoInputError or BadDataError."""
    try:
        text = Path(path).read_bytes()
    except OSError as e:
        raise NoInputError(f"{printable(path)}: {e.strerror}") from None
    try:
        numbers = msgspec.json.decode(text, type=list[float])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise BadDataError(f"{printable(path)}: not a JSON list of numbers") from None
    if not numbers or not all(map(math.isfinite, numbers)):
        raise BadDataError(f"{printable(path)}: {'a number is beyond a float' if numbers else 'there is no number'}")
    return numbers


def shown(annotation: Any) -> str:
    """An annotation for `--help`."""
    kind = bare(annotation)
    if get_origin(kind) is Literal:
        return "|".join(map(str, get_args(kind)))
    if get_origin(kind) in (types.UnionType, typing.Union):
        return "|".join(shown(m) for m in get_args(kind) if m is not types.NoneType)
    if listing(kind):
        return "FILE"
    return {int: "INT", float: "NUMBER", str: "TEXT"}[kind]


def flags(options: type, prefix: str) -> list[click.Option]:
    """One flag per field, under the parameter name prefix + field. What is not given is not passed on."""
    hints = typing.get_type_hints(options, include_extras=True)
    made = []
    for field in dataclasses.fields(options):
        annotation, name = hints[field.name], "--" + field.name.replace("_", "-")
        metas = [m for m in get_args(annotation)[1:] if isinstance(m, msgspec.Meta)]
        default = field.default
        needed = default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        about = next((m.description for m in metas if m.description), "") + _default(default)
        kind = bare(annotation)
        target = f"{prefix}{field.name}"
        if kind is bool:
            spelled = f"{name}/--no-{name[2:]}" if default else name
            made.append(click.Option([spelled, target], is_flag=True, default=None, help=about))
        elif get_origin(kind) is tuple and not listing(kind):
            members = tuple(Typed(m) for m in get_args(kind))
            words = " ".join(m.name for m in members)
            made.append(click.Option([name, target], type=members, metavar=words, default=None, help=about))
        else:
            kind = Typed(annotation)
            unless: Any = {"required": True} if needed else {"default": None}
            made.append(click.Option([name, target], type=kind, metavar=kind.name, help=about, **unless))
    return made


def _default(value: Any) -> str:
    if value is None or isinstance(value, bool) or value is dataclasses.MISSING:
        return ""
    shown = " ".join(f"{v:g}" for v in value) if isinstance(value, tuple) else value
    return f"  [default: {shown}]"
