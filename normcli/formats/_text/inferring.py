"""Types of text that is not normalized: inferred from the first rows, and held to after them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Protocol, Self

import numpy as np
from msgspec import Meta, Struct
from msgspec.structs import replace

from normcli import columns
from normcli.columns import Infinite
from normcli.columns.polars_frame import PolarsFrame
from normcli.errors import BadPlaceError, BadRowError, printable
from normcli.formats import Chunk, Decoded, Reject
from normcli.formats._text.skipping import has_infinite, shown

if TYPE_CHECKING:
    import polars as pl

Type = Literal["int64", "float64", "bool", "date", "timestamp", "timestamp with zone", "string"]

InferTypes = Annotated[
    bool,
    Meta(
        description="give other text its types, in Parquet or Arrow",
        extra={"on": "reading", "for": "binary", "topic": "formats"},
    ),
]

DAY = r"\d{4}-\d{2}-\d{2}"
TIME = rf"{DAY}[T ]\d{{2}}:\d{{2}}(:[0-5]\d(\.\d{{1,6}})?)?"
SPELLED: dict[Type, str] = {  # how values of a type look, from the most particular on; 007 is a name
    "bool": r"true|false|True|False|TRUE|FALSE",
    "int64": r"[+-]?(0|[1-9]\d*)",
    "float64": r"[+-]?(0|[1-9]\d*|0?\.\d+|(0|[1-9]\d*)\.\d*)([eE][+-]?\d+)?|[+-]?(inf|Inf|Infinity|infinity|INF)",
    "date": DAY,
    "timestamp": TIME,
    "timestamp with zone": rf"{TIME}(Z|[+-]\d{{2}}:?\d{{2}})",
}
TIMES = ("date", "timestamp", "timestamp with zone")
HINT = "leave --infer-types out, and it is text"


def inferred(words: pl.Series, numbers: pl.Series | None = None) -> Type:
    """The type that all of a sample's values have: a series of text, null where missing; and of text that they are
    where they are to be `numbers`, if that is another. Whole numbers that do not fit are text: as floats they would not
    be what they were."""
    numbers = words if numbers is None else numbers
    if words.null_count() == len(words) or _digits_lost(numbers):
        return "string"
    texts = {t: numbers if t in ("int64", "float64") else words for t in SPELLED}
    return next((t for t in SPELLED if as_type(texts[t], t).null_count() == words.null_count()), "string")


def _digits_lost(words: pl.Series) -> bool:
    import polars as pl

    integers = words.filter(words.str.contains(f"^(?:{SPELLED['int64']})$").fill_null(value=False))
    return integers.cast(pl.Int64, strict=False).null_count() > 0


def as_type(words: pl.Series, kind: Type) -> pl.Series:
    """Text as values of a type; null where missing, and where it is no such value."""
    import polars as pl

    if kind == "string":
        return words
    words = words.set(~words.str.contains(f"^(?:{SPELLED[kind]})$").fill_null(value=True), None)
    if kind == "bool":
        return words.str.to_lowercase() == "true"
    if kind == "date":
        return words.str.to_date("%Y-%m-%d", strict=False)
    if kind in ("int64", "float64"):
        numbers = words.cast(pl.Int64 if kind == "int64" else pl.Float64, strict=False)
        return numbers.set(numbers.is_infinite() & words.str.contains(r"\d"), None) if kind == "float64" else numbers
    complete = words.str.replace(" ", "T").str.replace(r"(T\d{2}:\d{2})($|[Z+-])", "${1}:00$2")
    if kind == "timestamp":
        return complete.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
    zoned = complete.str.replace("Z$", "+00:00")
    return zoned.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%z", time_unit="us", time_zone="UTC", strict=False)


def typed(blank: pl.DataFrame, types: Mapping[str, Type]) -> pl.DataFrame:
    """A frame of no rows, its columns of text of the types."""
    import polars as pl

    series = columns.all_series(blank)
    kinds = {n: types.get(n, "string") if s.dtype == pl.String else "string" for n, s in series.items()}
    return columns.text_frame({n: as_type(s, kinds[n]) for n, s in series.items()})


def chunk(text: TextChunk, types: Mapping[str, Type]) -> Chunk:
    """A chunk, its columns that are not wanted of types, if there are any."""
    return TypedChunk(text, types) if types else text


class TextChunk(Chunk, Protocol):
    """What a chunk of text has to tell besides."""

    def parts(self, delimiter: str | None = None) -> Iterator[Self]:
        """As of `Chunk`."""

    def with_content(self, content: bytes) -> Self:
        """As of `Chunk`."""

    def before(self, place: int) -> Self:
        """The rows that end before a place."""

    def numbered(self) -> Iterator[tuple[int, bytes]]:
        """Of each row, its place and its text."""

    def words(self, series: pl.Series, kind: Type) -> pl.Series:
        """A column as it was decoded, without what values of a type are put in; null where they are missing."""


class TypedChunk(Struct, frozen=True):
    """A chunk of text whose columns that are not wanted are of types. What is not of its column's makes a bad row."""

    can_end_segment: ClassVar[bool] = True
    chunk: TextChunk
    types: Mapping[str, Type]

    @property
    def weight(self) -> int:
        return self.chunk.weight

    @property
    def load(self) -> int:
        return self.chunk.load

    @property
    def content(self) -> bytes | None:
        return self.chunk.content

    def parts(self, delimiter: str | None = None) -> Iterator[Chunk]:
        for part in self.chunk.parts(delimiter):
            yield TypedChunk(part, self.types)

    def locate(self, row: int) -> int:
        return self.chunk.locate(row)

    def with_content(self, content: bytes) -> TypedChunk:
        return TypedChunk(self.chunk.with_content(content), self.types)

    def compact(self, wanted: frozenset[str], infinite: Infinite, delimiter: str | None = None) -> None:
        return None

    def survey(self, wanted: frozenset[str], *, skip: bool = False) -> Decoded:
        return self.chunk.survey(wanted, skip=skip)

    def decode(self, wanted: frozenset[str], infinite: Infinite = "error", *, skip: bool = False) -> Decoded:
        typed = {n: t for n, t in self.types.items() if n not in wanted and t != "string"}
        try:
            decoded = self.chunk.decode(wanted, infinite, skip=skip)
        except BadPlaceError as e:
            if typed and not skip:  # the first in the file is reported
                self._typed(self.chunk.before(e.place).decode(wanted, infinite), typed, wanted, infinite)
            raise
        return self._without(decoded, typed) if skip else self._typed(decoded, typed, wanted, infinite)

    def _typed(
        self, decoded: Decoded, types: Mapping[str, Type], wanted: frozenset[str], infinite: Infinite
    ) -> Decoded:
        """Raises BadRowError for the first row of another value, or of an infinite one before it."""
        frame, wrong = self._converted(decoded.frame.to_polars(), types)
        if wrong:
            row = min(wrong)
            if infinite == "error" and has_infinite(decoded.frame.slice(0, row).to_polars(), wanted):
                return decoded  # which is reported when it comes to that
            raise BadRowError(row, wrong[row], HINT)
        return replace(decoded, frame=PolarsFrame(frame))

    def _without(self, decoded: Decoded, types: Mapping[str, Type]) -> Decoded:
        """Without rows that have another value."""
        frame, wrong = self._converted(decoded.frame.to_polars(), types)
        if not wrong:
            return replace(decoded, frame=PolarsFrame(frame))
        good = np.ones(frame.height, np.bool_)
        good[list(wrong)] = False
        rows, more = list(self.chunk.numbered()), []
        for row, what in wrong.items():
            place, raw = rows[decoded.row(row)]
            more.append(Reject(decoded.row(row), place, what, shown(raw)))
        rejects = tuple(sorted((*decoded.rejects, *more), key=lambda r: r.row))
        return replace(decoded, frame=PolarsFrame(frame).filter(good), rejects=rejects)

    def _converted(self, frame: pl.DataFrame, types: Mapping[str, Type]) -> tuple[pl.DataFrame, dict[int, str]]:
        """The frame with columns of types; and what is wrong with its rows that have another value."""
        typed: dict[str, pl.Series] = {}
        wrong: dict[int, str] = {}
        for name, kind in types.items():
            words = self.chunk.words(columns.series(frame, name), kind)
            typed[name] = as_type(words, kind)
            for row in (typed[name].is_null() & words.is_not_null()).arg_true():
                what = f"'{printable(frame[name][row][:80])}' in column '{printable(name)}' is no {kind}"
                wrong.setdefault(row, f"{what}, as the first rows have")
        return columns.text_frame({s.name: typed.get(s.name, s) for s in frame}), wrong
