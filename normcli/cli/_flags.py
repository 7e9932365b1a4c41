"""A dataclass of options becomes flags of the command line: its annotations say what is taken, msgspec checks it."""

from __future__ import annotations

import dataclasses
import math
import os
import types
import typing
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import click
import msgspec

from normcli import registry, suggestions
from normcli.errors import BadDataError, NoInputError, mismatch, open_error, printable

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

WIDE = 12  # characters of the words that an option takes, of which help has no more beside its name
LARGEST = 1 << 26  # bytes of a file of numbers


class Typed(click.ParamType[Any]):
    """Text of the command line as an annotated type; numbers are finite and within its bounds."""

    def __init__(self, annotation: Any, *, default: Any = None) -> None:
        """What there is by `default` may be done without: by the word none."""
        self.annotation = annotation
        self.name = shown(annotation) + ("|none" if default is not None and is_optional(annotation) else "")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        reading = next(readings(self.annotation, value), ...)
        if reading is ...:
            asked = suggestions.question(value, filter(str.islower, self.name.split("|")))
            self.fail(f"'{value}' is not {self.name}{f'; {asked}' if asked else ''}", param, ctx)
        try:
            return msgspec.convert(reading, self.annotation)
        except msgspec.ValidationError as e:
            self.fail(f"'{value}': {mismatch(e)}", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        words = self.name.split("|")
        files = [CompletionItem(incomplete, type="file")] if "FILE" in words else []
        return [CompletionItem(w) for w in words if w.islower() and w.startswith(incomplete)] + files


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
    elif is_list(kind):
        if os.path.exists(text):
            yield numbers_in(text)
    elif kind is str:
        yield text


def is_optional(annotation: Any) -> bool:
    """Whether it may be none."""
    return types.NoneType in get_args(bare(annotation))


def is_list(kind: Any) -> bool:
    """Whether of any length: numbers, then, from a file."""
    return get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis


def numbers_in(path: str) -> list[float]:
    """The numbers that a JSON file lists. Raises NoInputError and BadDataError."""
    try:
        with open(path, "rb") as file:
            text = file.read(LARGEST + 1)
    except OSError as e:
        raise open_error(NoInputError, printable(path), e) from None
    try:
        if len(text) > LARGEST:
            raise ValueError(f"more than {LARGEST >> 20} MB")
        return msgspec.json.decode(text, type=list[float])
    except (msgspec.MsgspecError, ValueError):
        raise BadDataError(f"{printable(path)}: not a JSON list of numbers", "[1, 2.5, 3] is one") from None


def shown(annotation: Any) -> str:
    """An annotation for `--help`."""
    kind = bare(annotation)
    if get_origin(kind) is Literal:
        return "|".join(map(str, get_args(kind)))
    if get_origin(kind) in (types.UnionType, typing.Union):
        return "|".join(shown(m) for m in get_args(kind) if m is not types.NoneType)
    if is_list(kind):
        return "FILE"
    return {int: "INT", float: "NUMBER", str: "TEXT"}[kind]


@cache
def flags(options: type, prefix: str) -> list[click.Option]:
    """One flag per field, under the parameter name prefix + field. What is not given is not passed on."""
    hints = registry.annotations(options)
    flag_list: list[click.Option] = []
    for field in dataclasses.fields(options):
        annotation, name = hints[field.name], "--" + field.name.rstrip("_").replace("_", "-")
        metas = [m for m in get_args(annotation)[1:] if isinstance(m, msgspec.Meta)]
        default = field.default
        needed = default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        about = next((m.description for m in metas if m.description), "")
        kind = bare(annotation)
        target = f"{prefix}{field.name}"
        if bool in (kind, *get_args(kind)):
            spelled = name if default is False else f"{name}/--no-{name[2:]}"
            flag_list.append(click.Option([spelled, target], is_flag=True, default=None, help=about))
        elif get_origin(kind) is tuple and not is_list(kind):
            members = tuple(Typed(m) for m in get_args(kind))
            words, about = " ".join(m.name for m in members), about + _default(default)
            flag_list.append(click.Option([name, target], type=members, metavar=words, default=None, help=about))
        else:
            kind = Typed(annotation, default=None if needed else default)
            unless: Any = {"required": True} if needed else {"default": None}
            words = kind.name
            if len(words) > WIDE:
                words, about = "WORD", f"{about}: {words.replace('|', ', ')}"
            about += _default(default)
            flag_list.append(click.Option([name, target], type=kind, metavar=words, help=about, **unless))
    return flag_list


def _default(value: Any) -> str:
    if value is None or isinstance(value, bool) or value is dataclasses.MISSING:
        return ""
    shown = " ".join(f"{v:g}" for v in value) if isinstance(value, tuple) else value
    return f"  [default: {shown}]"
