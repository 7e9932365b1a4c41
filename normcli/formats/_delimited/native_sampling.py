"""What columns of plain delimited text hold, as in sampling.py, without polars: most of the time of a small run would
go into loading it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from normcli.formats._delimited.fields import NUMBER
from normcli.formats._delimited.layout import Layout
from normcli.formats._delimited.native import is_native
from normcli.formats._delimited.remedies import PLACEHOLDERS, is_nearly_a_number
from normcli.formats._delimited.sampling import ZEROS, Sampled
from normcli.kernel import text as kernel

MOST_TEXTS = 1 << 15  # fields; of more, polars takes less time
MOST_COLUMNS = 1000  # each is looked at by itself
MOST_RESTARTS = 1 << 15  # columns of text, each of which is found by beginning again, times all columns
NAMED = re.compile(ZEROS)

Texts = Mapping[str, Sequence[str]]  # the fields of columns of text, as they stand, by name


def sampled(data: bytes, layout: Layout) -> tuple[list[Sampled], Texts] | None:
    """What each column holds, and the fields of those that hold text; None where the kernel can't tell."""
    if not data or len(layout.names) > MOST_COLUMNS or not is_native(layout):
        return None
    spans = _parser(data, layout, [False] * len(layout.names))
    if spans is None or spans.parse(data, spans.room) != kernel.DONE:
        return None
    numbers = _numbers(data, layout)
    if numbers is None:
        return None
    sample, places = _Sample(data, layout, spans), np.cumsum(numbers.is_number) - 1
    result, texts = list[Sampled](), dict[str, Sequence[str]]()
    for j, name in enumerate(layout.names):
        if numbers.is_number[j]:
            place = int(places[j])
            about = sample.of_numbers(j, numbers.values[place, : numbers.rows], int(numbers.traits[place]))
        else:
            texts[name] = sample.fields(j)
            about = of_texts(texts[name], layout.missing)
        if about is None:
            return None
        if about.kind == "text" and name not in texts:
            texts[name] = sample.fields(j)
        result.append(about)
    return result, texts


def _parser(data: bytes, layout: Layout, is_number: Sequence[bool]) -> kernel.Parser | None:
    rows = kernel.most_rows(len(data), data.count(b"\n") + (not data.endswith(b"\n")), len(is_number))
    if is_number.count(False) * rows > MOST_TEXTS and any(is_number):
        return None
    return kernel.Parser(is_number, layout.separator, sorted(layout.missing), rows)


def _numbers(data: bytes, layout: Layout) -> kernel.Parser | None:
    """The sample with all columns as numbers that hold nothing else; None for a doubt about other things."""
    is_number = [True] * len(layout.names)
    while is_number.count(False) * len(is_number) <= MOST_RESTARTS:
        parser = _parser(data, layout, is_number)
        if parser is None:
            return None
        status = parser.parse(data, parser.room)
        if status == kernel.DONE:
            return parser
        if status != kernel.DOUBT or parser.reason != kernel.NO_NUMBER or not is_number[parser.doubt_field]:
            return None
        is_number[parser.doubt_field] = False
    return None


class _Sample:
    """Some rows, and where their fields stand."""

    def __init__(self, data: bytes, layout: Layout, spans: kernel.Parser) -> None:
        self._data, self._layout, self._spans = data, layout, spans
        self._text = kernel.padded(data)

    def fields(self, j: int) -> list[str]:
        """The fields of a column."""
        starts = self._spans.starts[j, : self._spans.rows]
        ends = starts + self._spans.lengths[j, : self._spans.rows]
        return [_field(self._data[a:b].decode("utf-8")) for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]

    def of_numbers(self, j: int, values: NDArray[np.float64], traits: int) -> Sampled | None:
        """What a column of numbers holds; None where it has integers beyond floats."""
        if traits & kernel.WIDE:
            return None
        if np.isnan(values).all():
            return Sampled("empty")
        starts, lengths = self._spans.starts[j, : len(values)], self._spans.lengths[j, : len(values)]
        first, last = self._text[starts], self._text[starts + np.maximum(lengths, 1) - 1]
        edges = (first == 32) | (first == 9) | (last == 32) | (last == 9)
        spaced = (edges & (lengths > 0)).any()
        if spaced or (lengths[np.isnan(values)] > 0).any():
            named = [NAMED.match(word.strip(" \t")) is not None for word in self.fields(j)]
            respelled = True
        else:
            signed = (first == 43) | (first == 45)
            digits = starts + signed
            named = ((self._text[digits] == 48) & _is_digit(self._text[digits + 1]) & (lengths > 1 + signed)).tolist()
            respelled = False
        if any(named):
            return Sampled("text", named.index(True), identifier=True)
        return Sampled("word" if respelled else "float" if traits & kernel.FRACTION else "integer")


def _is_digit(octets: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return (octets >= 48) & (octets <= 57)


def _field(text: str) -> str:
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def of_texts(fields: Sequence[str], missing: frozenset[str]) -> Sampled | None:
    """What a column holds in which something is no number for the kernel; None where all is for polars."""
    filled = numbers = nothing = nearly = 0
    other, named, placeholders = -1, False, dict[str, None]()
    about = dict[str, tuple[bool, bool, bool, bool]]()  # by distinct values
    for row, word in _present(fields, missing):
        if word not in about:
            is_number = NUMBER.fullmatch(word) is not None
            odd = not is_number
            is_nothing = odd and word.lower() in PLACEHOLDERS
            about[word] = is_number, NAMED.match(word) is not None, is_nothing, odd and is_nearly_a_number(word)
        is_number, is_named, is_nothing, is_nearly = about[word]
        filled, numbers, nothing, nearly = (
            filled + 1, numbers + is_number, nothing + is_nothing, nearly + is_nearly
        )  # fmt: skip
        named |= is_named
        other = row if other < 0 and not is_number else other
        if is_nothing:
            placeholders[word] = None
    if other < 0:
        return None
    likely = numbers + nearly
    half, is_likely = 2 * numbers >= filled, likely > 0 and 2 * likely >= filled - nothing
    return Sampled(
        "text", other, half and not named, (half or is_likely) and not named, placeholders=tuple(placeholders)
    )


def _present(fields: Sequence[str], missing: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Fields without spaces around, with their rows, but for those that are missing."""
    for row, field in enumerate(fields):
        word = field.strip(" \t")
        if word and word not in missing:
            yield row, word
