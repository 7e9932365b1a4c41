"""What columns of plain delimited text hold, as in sampling.py, without polars: most of the time of a small run would
go into loading it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from normcli.caching import cached_property
from normcli.formats._delimited.fields import NUMBER
from normcli.formats._delimited.layout import Layout
from normcli.formats._delimited.native import is_native
from normcli.formats._delimited.remedies import PLACEHOLDERS, is_nearly_a_number
from normcli.formats._delimited.sampling import ZEROS, Sampled
from normcli.formats._text.octets import NEWLINE, occurrences
from normcli.kernel import text as kernel

MOST_TEXTS = 1 << 15  # fields; of more, polars takes less time
MOST_COLUMNS = 1000  # each is looked at by itself
MOST_RESTARTS = 1 << 15  # columns of text, each of which is found by beginning again, times all columns
NAMED = re.compile(ZEROS)

Texts = Mapping[str, Sequence[str]]  # the fields of columns of text, as they stand, by name


def sampled(data: bytes, layout: Layout) -> tuple[list[Sampled], Texts] | None:
    """What each column holds, and the fields of those that hold text; None where the kernel can't tell."""
    if not data or len(layout.names) > MOST_COLUMNS or not is_native(layout, texts=True):
        return None
    numbers = _numbers(data, layout)
    if numbers is None or (numbers.traits & kernel.WIDE).any():  # integers beyond floats
        return None
    sample = _Sample.of(data, layout, numbers.rows)
    if sample is None:
        return None
    about, texts = dict[int, Sampled | None](), dict[str, Sequence[str]]()
    places = np.flatnonzero(numbers.is_number)
    about |= zip(places.tolist(), sample.of_numbers(places, numbers), strict=True)
    for j, name in enumerate(layout.names):
        if j not in about:
            about[j] = of_texts(sample.fields(j), layout.missing)
        kind = about[j]
        if kind is None:
            return None
        if kind.kind == "text":
            texts[name] = sample.fields(j)
    return [kind for j in range(len(layout.names)) if (kind := about[j])], texts


def _parser(data: bytes, layout: Layout, is_number: Sequence[bool]) -> kernel.Parser | None:
    rows = kernel.most_rows(len(data), occurrences(data, NEWLINE) + (not data.endswith(b"\n")), len(is_number))
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


class _Sample(Struct, frozen=True, dict=True):
    """Some rows, and where their fields stand: (columns, rows) places in the text, and bytes."""

    data: bytes
    starts: NDArray[np.intp]
    lengths: NDArray[np.intp]

    @classmethod
    def of(cls, data: bytes, layout: Layout, rows: int) -> Self | None:
        """Of rows that were parsed as numbers and text without a doubt; None where there are too many fields."""
        if b'"' not in data and b"\r" not in data:  # each delimiter and each newline ends a field
            octets = np.frombuffer(data, np.uint8)
            ends = np.flatnonzero((octets == ord(layout.separator)) | (octets == NEWLINE))
            ends = ends if data.endswith(b"\n") else np.append(ends, len(data))
            starts = np.append(0, ends[:-1] + 1)
            return cls(data, *(x.reshape(rows, -1).T for x in (starts, ends - starts)))
        spans = _parser(data, layout, [False] * len(layout.names))
        if spans is None or spans.parse(data, spans.room) != kernel.DONE:
            return None
        return cls(data, *(x[:, :rows].astype(np.intp) for x in (spans.starts, spans.lengths)))

    @cached_property
    def _text(self) -> kernel.Octets:
        return kernel.padded(self.data)

    def fields(self, j: int) -> list[str]:
        """The fields of a column."""
        starts, ends = self.starts[j], self.starts[j] + self.lengths[j]
        return [_field(self.data[a:b].decode("utf-8")) for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]

    def of_numbers(self, places: NDArray[np.intp], numbers: kernel.Parser) -> Iterator[Sampled]:
        """What columns of numbers hold, which are at these places."""
        starts, lengths = self.starts[places], self.lengths[places]
        spaced, named = self._is_spaced(starts, lengths), self._is_named(starts, lengths)
        for k, (j, traits) in enumerate(zip(places.tolist(), numbers.traits.tolist(), strict=True)):
            missing = np.isnan(numbers.values[k, : numbers.rows]) if traits & kernel.MISSING else np.zeros(1, np.bool_)
            if missing.all():
                yield Sampled("empty")
                continue
            respelled, zeros = spaced[k] or bool(lengths[k, missing.nonzero()].any()), named[k]
            if respelled:
                zeros = np.array([NAMED.match(word.strip(" \t")) is not None for word in self.fields(j)])
            if zeros.any():
                yield Sampled("text", int(zeros.argmax()), identifier=True)
            else:
                yield Sampled("word" if respelled else "float" if traits & kernel.FRACTION else "integer")

    def _is_spaced(self, starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> NDArray[np.bool_]:
        """(columns,) whether a field has spaces or tabs around."""
        if b" " not in self.data and b"\t" not in self.data:
            return np.zeros(len(starts), np.bool_)
        first, last = self._text[starts], self._text[starts + np.maximum(lengths, 1) - 1]
        edges = (first == 32) | (first == 9) | (last == 32) | (last == 9)
        spaced: NDArray[np.bool_] = (edges & (lengths > 0)).any(axis=1)
        return spaced

    def _is_named(self, starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> NDArray[np.bool_]:
        """(columns, rows) which numbers begin with a zero, and another digit: most begin with neither zero nor sign."""
        first = self._text[starts]
        some = ((first == 48) | (first == 43) | (first == 45)).nonzero()
        signed = first[some] != 48
        at = starts[some] + signed
        named = np.zeros(starts.shape, np.bool_)
        named[some] = (self._text[at] == 48) & _is_digit(self._text[at + 1]) & (lengths[some] > 1 + signed)
        return named


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
