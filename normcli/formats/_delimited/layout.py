"""What all chunks of one input of delimited text share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from normcli import columns
from normcli.caching import cached_property
from normcli.columns import NUMERIC_WORD, Field, Schema
from normcli.formats._delimited import remedies
from normcli.formats._delimited.dialect import Dialect
from normcli.formats._delimited.faults import STRAY_NEWLINE, STRAY_RETURN
from normcli.formats._delimited.fields import NUMBER
from normcli.formats._delimited.notation import PLAIN, Notation
from normcli.formats._delimited.straight import without_spaces

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["integer", "float", "word", "text", "empty"]

TYPES: dict[Kind, str] = {"integer": "int64", "float": "float64", "word": "float64", "text": "string", "empty": "null"}


class Layout(Struct, frozen=True, dict=True):
    """What all chunks of one input share."""

    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    separator: str
    missing: frozenset[str]  # words
    crlf: bool = False
    dialect: Dialect = Dialect()
    notation: Notation = PLAIN
    titles: bytes = b""  # lines before the header, as they stand in the input

    @property
    def schema(self) -> Schema:
        return tuple(Field(n, TYPES[k]) for n, k in zip(self.names, self.kinds, strict=True))

    @property
    def is_straight(self) -> bool:
        """Whether rows are as RFC 4180 has them, once they are respelled."""
        return not (self.dialect.spaced or self.dialect.trailing or self.dialect.padded)

    def without_spaces(self, data: bytes) -> bytes:
        """Some rows without the spaces that are none of their fields."""
        return without_spaces(data, self.dialect) if self.dialect.spaced else data

    def places(self, data: bytes) -> int:
        """How many lines there are; the last may do without a line end."""
        return self.dialect.lines(data) + (not data.endswith(b"\n") and bool(data))

    def wording(self, what: str) -> str:
        """A fault in the words of the dialect."""
        return STRAY_NEWLINE if what == STRAY_RETURN and self.dialect.returns else what

    def types(self, wanted: frozenset[str], *, words: bool) -> list[Any]:
        """polars' types; with `words`, wanted columns are text, too, because something in them is no number."""
        import polars as pl

        number: dict[Kind, Any] = {"integer": pl.Int64, "float": pl.Float64, "empty": pl.Float64}
        both = zip(self.names, self.kinds, strict=True)
        return [number.get(k, pl.String) if n in wanted and not words else pl.String for n, k in both]

    @cached_property
    def numeric_words(self) -> list[str]:
        """Words that mean missing and look like a number: no parser of numbers may get them."""
        looks = (w for w in self.missing if NUMBER.fullmatch(w) or self.notation.matches(w))
        return [w for w in looks if w.lower().strip("+-") != "nan"]

    def as_numbers(self, words: pl.Series) -> pl.Series:
        """Text that is present as plain numbers; what is none, as what is none in any notation."""
        return words if self.notation.is_plain else self.notation.all_plain(words).fill_null(NUMERIC_WORD + words)

    def words(self, series: pl.Series, *, numbers: bool) -> pl.Series:
        """A column of text that is present, as plain `numbers` where it is to be some."""
        words = present(series, self.missing)
        return self.as_numbers(words) if numbers else words

    def remedy(self, word: str, more: Iterable[str]) -> str:
        """What takes a word of a column with `more` words that is no number, if something is known."""
        return remedies.remedy(word, more, self.missing, self.notation, self.separator)


def present(series: pl.Series, missing: frozenset[str]) -> pl.Series:
    """Text without spaces around, null where it is missing."""
    words = series.str.strip_chars(" \t")
    return words.set((words == "") | words.is_in(list(missing)), None)


def without_missing(rows: pl.DataFrame, wanted: Iterable[str], missing: frozenset[str]) -> pl.DataFrame:
    """Text as it stands, null where it is missing in the wanted columns: in one query, for there may be thousands."""
    import polars as pl

    places, numbered = {n: j for j, n in enumerate(rows.columns)}, columns.numbered_columns(rows)
    texts = [pl.col(str(places[name])) for name in wanted]
    words = [text.str.strip_chars(" \t") for text in texts]
    nulls = ((word == "") | word.is_in(list(missing)) for word in words)
    result: pl.DataFrame = numbered.with_columns(
        pl.when(~none).then(text) for text, none in zip(texts, nulls, strict=True)
    )
    result.columns = rows.columns
    return result
