"""What is known of the columns of some rows: a profile of each chunk, merged in order into that of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

import numpy as np
from msgspec import Struct, field
from xxhash import xxh3_64_intdigest

from normcli.blocks.block import Block
from normcli.columns import Field
from normcli.columns.words import End, Words
from normcli.formats._surveying import Surveyed
from normcli.stats import Statistic
from normcli.stats.extrema import Extrema
from normcli.stats.frequencies import Frequencies, common
from normcli.stats.moments import Moments
from normcli.stats.quantiles import Quantiles

BLANKS: tuple[Statistic, ...] = (Moments(), Extrema(), Quantiles(), Frequencies())  # of numbers
OF_ORDERED = (Quantiles, Frequencies)  # for which the order of values makes no difference, but that of time
LONGEST = 200  # characters of a text that are shown
OF_TEXTS = 100_000  # bytes of what is kept of a column of texts, about


class Texts(Struct, frozen=True):
    """What is known of the values of a column that are no numbers: how many there are; how often the most common ones
    are there, by numbers that hash them, None where they are not told apart; how these are spelled; and the least and
    the greatest, of values that have an order."""

    count: int
    frequencies: Frequencies | None
    spelled: Mapping[float, str]
    ends: tuple[End, End] | None = None

    @classmethod
    def of(cls, words: Words) -> Self:
        if words.values is None:
            return cls(words.total, None, {})
        places, lost = common(words.counts, Frequencies().k)
        texts = words.texts(places)
        hashes = [_hash(text) for text in texts]
        spelled = {
            h: text if len(text) <= LONGEST else f"{text[:LONGEST]}…" for h, text in zip(hashes, texts, strict=True)
        }
        counts = dict.fromkeys(spelled, 0.0)
        for h, count in zip(hashes, (words.counts[places] - lost).tolist(), strict=True):
            counts[h] += count  # values of other types may have the same text
        frequencies = Frequencies().of_counts(np.array(list(counts)), np.array(list(counts.values())), lost)
        return cls(words.total, frequencies, spelled, words.ends())

    def merge(self, other: Texts, *, ordered: bool) -> Texts:
        """With those of the next rows; `ordered` where both are of one type, so that their ends go together."""
        if not (self.count and other.count):
            return self if self.count else other
        count = self.count + other.count
        if self.frequencies is None or other.frequencies is None:
            return Texts(count, None, {})
        frequencies = self.frequencies.merge(other.frequencies)
        spelled = {h: self.spelled.get(h) or other.spelled[h] for h in frequencies.values[0, 0].tolist()}
        ends = [*(self.ends or ()), *(other.ends or ())] if ordered and self.ends and other.ends else ()
        return Texts(count, frequencies, spelled, (min(ends), max(ends)) if ends else None)


def _hash(text: str) -> float:
    """A whole number below 2^53, which a float can hold: of a million texts, two have the same once in 18,000 times."""
    return float(xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) >> 11)


class ProfileState(Struct, frozen=True):
    """Of the columns of some rows, by name: their types; states of their numbers, of those columns together that may
    hold some; how many of these are −∞ and +∞; the least and the greatest whole number of those with some beyond
    floats; and what else is in them. What is in none of these is missing."""

    rows: int = 0
    types: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[tuple[str, ...], tuple[Statistic, ...]] = field(default_factory=dict)
    infinite: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    ends: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    texts: Mapping[str, Texts] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: int, columns: Iterable[Surveyed], wanted: Sequence[str]) -> Self:
        """From columns and their number of rows; the `wanted` ones may hold numbers."""
        columns = list(columns)
        numbers = {c.name: c.numbers for c in columns}
        nothing, infinite, block = np.full(rows, np.nan), dict[str, tuple[int, int]](), []
        for name in wanted:
            x = numbers.get(name)
            values = nothing if x is None else np.asarray(x, np.float64)
            infinities = np.isinf(values)
            if infinities.any():
                infinite[name] = int((values == -np.inf).sum()), int((values == np.inf).sum())
                values = np.where(infinities, np.nan, values)
            block.append(values)
        raw, ordered = Block(tuple(block)), Block(tuple(map(np.sort, block)))  # sorted once for two of them
        states = tuple(blank.of(ordered if isinstance(blank, OF_ORDERED) else raw) for blank in BLANKS)
        return cls(
            rows,
            {c.name: c.type for c in columns},
            {tuple(wanted): states} if wanted else {},
            infinite,
            {c.name: c.ends for c in columns if c.ends is not None},
            {c.name: Texts.of(c.words) for c in columns if c.words is not None},
        )

    def merge(self, other: ProfileState) -> ProfileState:
        """With that of the next rows."""
        numbers = dict(self.numbers)
        for names, states in other.numbers.items():
            before = numbers.get(names)
            numbers[names] = (
                states if before is None else tuple(a.merge(b) for a, b in zip(before, states, strict=True))
            )
        texts = dict(self.texts)
        for name, more in other.texts.items():
            same = self.types.get(name, other.types[name]) == other.types[name]
            texts[name] = texts[name].merge(more, ordered=same) if name in texts else more
        types = dict(self.types)
        for name, kind in other.types.items():
            types[name] = wider(types.get(name, "null"), kind)
        infinite = dict(self.infinite)
        for name, (below, above) in other.infinite.items():
            before_below, before_above = infinite.get(name, (0, 0))
            infinite[name] = before_below + below, before_above + above
        ends = dict(self.ends)
        for name, (least, greatest) in other.ends.items():
            before_least, before_greatest = ends.get(name, (least, greatest))
            ends[name] = min(before_least, least), max(before_greatest, greatest)
        return ProfileState(self.rows + other.rows, types, numbers, infinite, ends, texts)

    def numbers_of(self, name: str) -> tuple[Statistic, ...] | None:
        """The states of one column's numbers; None where it has none."""
        states: tuple[Statistic, ...] | None = None
        for names, all_states in self.numbers.items():
            if name in names:
                of_part = tuple(state.reorder([names.index(name)]) for state in all_states)
                states = of_part if states is None else tuple(a.merge(b) for a, b in zip(states, of_part, strict=True))
        return states


def quantiles_of(states: tuple[Statistic, ...]) -> Quantiles:
    """The sketch among the states of numbers."""
    return next(state for state in states if isinstance(state, Quantiles))


def wider(a: str, b: str) -> str:
    """The type of a column some values of which are of one type, and some of another."""
    if a == b or "null" in (a, b):
        return b if a == "null" else a
    if "json" in (a, b) and (a.startswith("list<") or b.startswith("list<")):
        return "json"
    return "float64" if Field("", a).is_number and Field("", b).is_number else "string"


def bytes_of(numbers: int, texts: int) -> int:
    """What is kept of so many columns of each kind, about."""
    return sum(blank.bytes_of(numbers) for blank in BLANKS) + texts * OF_TEXTS
