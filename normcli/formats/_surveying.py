"""Columns to be looked at: numbers where there are any, and other values as what they are."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from normcli.columns import Field, Frame
from normcli.columns.numbers import EXACT
from normcli.columns.schema import general_name
from normcli.columns.words import Words
from normcli.formats._text.inferring import SPELLED, TIMES, Type, as_type

if TYPE_CHECKING:
    from normcli.columns.frame import Numbers

TYPES: tuple[Type, ...] = ("bool", "date", "timestamp", "timestamp with zone")  # that the text of a column may show
DAY = 86_400_000_000_000  # nanoseconds


class Surveyed(Struct, frozen=True):
    """A column of some rows: the type of its values, null where there is none; its numbers (rows,), NaN where there is
    none; and its other values. A column may have both. `ends` are the least and the greatest of whole numbers that a
    float may round; None where there are none such."""

    name: str
    type: str
    numbers: Numbers | None
    words: Words | None
    ends: tuple[int, int] | None = None


def surveyed(frame: Frame, fields: Collection[Field], wanted: Collection[str], *, strings: bool) -> Iterator[Surveyed]:
    """Each column of a frame as of `Chunk.survey`, the wanted ones as numbers. `fields` say what they are by what is
    known of the input. Text is of the type that all of its values show, unless it comes from `strings`, as JSON has
    them: then it may be of days and moments."""
    for field in fields:
        number = field.name in wanted
        words = frame.words(field.name, numbers=number)
        if number and (words is None or words.values is not None):  # and no lists
            numbers = frame.numbers(field.name)
            some = bool(np.count_nonzero(numbers == numbers))
            kind = "string" if words else frame.types([field.name])[field.name] if some else "null"
            ends = None if words else _ends(frame, field.name)
            yield Surveyed(field.name, kind, numbers if some else None, words, ends)
        elif words is not None and general_name(field.type).startswith("list<"):
            yield Surveyed(field.name, _of_lists(words, field.type), None, Words(words.total))
        elif frame.typed or words is None or field.type not in ("string", "null", "bool"):
            yield Surveyed(field.name, general_name(field.type), None, words)
        else:
            yield Surveyed(field.name, *_typed(words, TYPES[1:] if strings else TYPES, field.type))


def _ends(frame: Frame, name: str) -> tuple[int, int] | None:
    """`Surveyed.ends` of a column."""
    ends = [end for end in frame.ends(name) if end is not None]
    if not ends or not all(isinstance(end, int) for end in ends) or max(map(abs, ends)) < EXACT:
        return None
    return min(ends), max(ends)


def _of_lists(words: Words, known: str) -> str:
    """The type of values that go by the first rows as lists: json if some, as text, are others."""
    is_json = words.values is not None and not words.values.str.starts_with("[").all()
    return "json" if is_json else general_name(known)


def _typed(words: Words, types: Sequence[Type], known: str) -> tuple[str, None, Words]:
    """Text, and the one of some types that all of it is of."""
    if known == "bool" or not words.total:
        return known if words.total else "null", None, words
    first = words.values[0].strip(" \t")
    likely = next((t for t in types if re.fullmatch(SPELLED[t], first)), None)
    if likely is None:  # as of most columns, of which there may be thousands
        return "string", None, words
    texts = words.values.str.strip_chars(" \t")
    kind: Type = likely if as_type(texts, likely).null_count() == 0 else "string"
    if kind not in TIMES:
        return kind, None, words
    order = as_type(texts, kind).to_physical().to_numpy().astype(np.int64)
    return kind, None, replace(words, order=order, unit=DAY if kind == "date" else 1000)
