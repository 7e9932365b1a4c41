"""Command-line flags from a struct of options: its annotations give the types, msgspec validates values."""

from __future__ import annotations

import math
import os
import types
import typing
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import click
import msgspec
from msgspec import structs

from normcli import registry, suggestions
from normcli.errors import BadDataError, NoInputError, mismatch, open_error, printable

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

WIDE = 12  # characters of an option's words up to which help shows them beside its name
LARGEST = 1 << 26  # limit in bytes of a file of numbers


class Typed(click.ParamType[Any]):
    """Converts text of the command line to an annotated type; numbers must be finite and within its bounds."""

    def __init__(self, annotation: Any, *, default: Any = None) -> None:
        """An optional type with a `default` also takes the word none."""
        self.annotation = annotation
        self.name = shown(annotation) + ("|none" if default is not None and is_optional(annotation) else "")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        reading = next(readings(self.annotation, value), ...)
        if reading is ... and param is not None and param.nargs == 2:
            self.fail(f"takes two numbers, LO HI, and '{value}' is none", param, ctx)
        if reading is ...:
            question = suggestions.question(value, filter(str.islower, self.name.split("|")))
            self.fail(f"'{value}' is not {self.name}{f'; {question}' if question else ''}", param, ctx)
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
    """The type of an annotation, without Annotated."""
    return bare(get_args(annotation)[0]) if get_origin(annotation) is Annotated else annotation


def readings(annotation: Any, text: str) -> typing.Iterator[Any]:
    """The values that `text` may have in an annotated type, the most specific first. Raises NoInputError and
    BadDataError for a file of numbers."""
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
    """Whether a type includes None."""
    return types.NoneType in get_args(bare(annotation))


def is_list(kind: Any) -> bool:
    """Whether a type is a tuple of any length: numbers, read from a file."""
    return get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis


def numbers_in(path: str) -> list[float]:
    """The numbers in a JSON file, which must be a list. Raises NoInputError and BadDataError."""
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
    """The text of an annotation in --help."""
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
    """One flag per field, with the parameter name prefix + field. A flag that is not given has no default here."""
    hints = registry.annotations(options)
    flag_list: list[click.Option] = []
    for field in structs.fields(options):
        annotation, name = hints[field.name], "--" + field.name.rstrip("_").replace("_", "-")
        metas = [m for m in get_args(annotation)[1:] if isinstance(m, msgspec.Meta)]
        default = field.default
        needed = field.required
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
    if value is None or isinstance(value, bool) or value is msgspec.NODEFAULT:
        return ""
    shown = " ".join(f"{v:g}" for v in value) if isinstance(value, tuple) else value
    return f"  [default: {shown}]"
