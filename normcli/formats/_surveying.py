"""Columns to be looked at: numbers where there are any, and other values as what they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from normcli.columns import Field, Frame
from normcli.columns.words import Words
from normcli.formats._text.inferring import TIMES, Type, as_type

if TYPE_CHECKING:
    import polars as pl

    from normcli.columns.frame import Numbers

SPELLED: tuple[Type, ...] = ("bool", "date", "timestamp", "timestamp with zone")  # as the text of a column may be
SOME = 100  # values that tell which type all may be of


@dataclass(frozen=True)
class Surveyed:
    """A column of some rows: the type of its values, null where there is none; its numbers (rows,), NaN where there is
    none; and its other values. A column may have both."""

    name: str
    type: str
    numbers: Numbers | None
    words: Words | None


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
            yield Surveyed(field.name, kind, numbers if some else None, words)
        elif frame.typed or words is None or field.type not in ("string", "null", "bool"):
            yield Surveyed(field.name, field.type, None, words)
        else:
            yield Surveyed(field.name, *_typed(words, SPELLED[1:] if strings else SPELLED, field.type))


def _typed(words: Words, types: Collection[Type], known: str) -> tuple[str, None, Words]:
    """Text, and the one of some types that all of it is of."""
    if known == "bool" or not words.total:
        return known if words.total else "null", None, words
    texts = words.values.str.strip_chars(" \t")
    kind: Type = next((t for t in types if _are(texts[:SOME], t) and _are(texts, t)), "string")
    if kind not in TIMES:
        return kind, None, words
    return kind, None, replace(words, order=as_type(texts, kind).to_physical().to_numpy().astype(np.int64))


def _are(texts: pl.Series, kind: Type) -> bool:
    return as_type(texts, kind).null_count() == 0
