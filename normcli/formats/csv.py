"""CSV: cut where rows end, parsed and written by polars in the workers.

Every column is parsed, always: asked for some of them only, polars lets a long row pass and loses rows behind a
stray quote. Columns not selected are parsed as text, so that they come out character for character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, cast

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from normcli import columns
from normcli.columns import NUMERIC_WORD, Field, Frame, Schema
from normcli.errors import BadDataError, BadPlaceError, EmptyInputError, UsageError, printable, short
from normcli.formats import Chunk as AnyChunk
from normcli.formats import Outlet
from normcli.formats import _inferring as inferring
from normcli.formats import _parsing as parsing
from normcli.formats import _text as text
from normcli.formats._parsing import Chunk, Kind, Layout
from normcli.formats._writing import Pieces, Sink
from normcli.sources import Source

if TYPE_CHECKING:
    import polars as pl

suffixes = (".csv",)
magic = b""

SAMPLE = 1 << 20, 1000  # types are told from so many bytes of whole rows, and no more rows than this
ZEROS = re.compile("^[+-]?0[0-9]")  # 007 is a name
YEAR = re.compile("[12][0-9]{3}")
MOMENT = "%Y-%m-%dT%H:%M:%S%f%z"  # as polars writes them
STRIP = 1 << 16  # values that are written into one piece of memory
MISSING = ("NA", "N/A", "NaN", "nan", "null", "NULL")

TYPES: dict[Kind, str] = {"integer": "int64", "float": "float64", "word": "float64", "text": "string", "empty": "null"}


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How delimited text is to be read, whatever its delimiter."""

    na_values: Annotated[
        str,
        Meta(
            description="words that mean missing, between commas, instead of these; an empty field always does",
            extra={"on": "reading"},
        ),
    ] = ",".join(MISSING)
    infer_types: inferring.Asked = False
    header: Annotated[
        bool | None, Meta(description="the first row names the columns; without it they are column_1 …")
    ] = None  # it does, with a doubt where all names are numbers

    @property
    def headed(self) -> bool:
        return self.header is not False

    @property
    def separator(self) -> str:
        return "\t"

    @property
    def missing(self) -> frozenset[str]:
        return frozenset(self.na_values.split(","))

    def check(self) -> None:
        """Nothing to contradict."""


@dataclass(frozen=True, kw_only=True)
class Options(Manner):
    """How the text is to be read."""

    delimiter: Annotated[str, Meta(description="what separates fields: one character, or tab")] = ","

    @property
    def separator(self) -> str:
        return {"tab": "\t", "\\t": "\t"}.get(self.delimiter, self.delimiter)

    def check(self) -> None:
        if self.separator.isalnum() or self.separator in ("+", "-", "."):
            raise UsageError(f"--delimiter '{printable(self.delimiter)}': a character that numbers are made of")
        if len(self.separator) != 1 or not self.separator.isascii() or self.separator in '"\r\n\0':
            raise UsageError(f"--delimiter '{printable(self.delimiter)}': one ASCII character, no quote or line end")


class Reader:
    """A CSV input, cut into chunks; the types of its columns come from a sample of its first rows."""

    typed = False
    unit = "B"
    expected = frozenset[str]()
    indexes = frozenset[str]()
    notices: tuple[str, ...] = ()

    def __init__(self, source: Source, options: Manner, *, block_size: int | None = None, skip: bool = False) -> None:
        """With `skip`, bad rows are no obstacle, and a column of which half is numbers is to hold some."""
        self.source = source
        self._skip = skip
        self.options = options
        self.digests: tuple[str, ...] = ()
        self.doubts: dict[str, str] = {}
        self.others: dict[str, str] = {}
        self.doubt = ""
        self.inferred: dict[str, inferring.Type] = {}
        self._block = block_size or text.BLOCK
        head = self._head()
        self.size = source.size
        start = len(head) - len(head.lstrip(b"\r\n"))  # blank lines
        if start and options.headed:
            raise BadDataError(f"{source.name}:1: the header is a blank line")
        first = head[start : start + (text.first_row_end(head[start:]) or len(head))]
        self.layout = self._layout(first, head.count(b"\n", 0, start), options)
        before = start + len(first) if options.headed else 0  # bytes that are no rows
        self.start = head.count(b"\n", 0, before)
        sample = _sample(head[before:], ended=len(head) < SAMPLE[0])
        kinds = self._kinds(Chunk(self.layout, text.Rows(sample, b'"' in sample)))
        self.layout = replace(self.layout, kinds=kinds)
        source.read(before)

    def name(self, place: int) -> str:
        return f"{self.source.name}:{place + 1}"

    @property
    def schema(self) -> Schema:
        return tuple(Field(n, TYPES[k]) for n, k in zip(self.layout.names, self.layout.kinds, strict=True))

    def blank(self, wanted: frozenset[str]) -> Frame:
        import polars as pl

        names = self.layout.names
        made = columns.text_frame({n: pl.Series(dtype=pl.Float64 if n in wanted else pl.String) for n in names})
        return inferring.typed(made, self.inferred)

    def expect(self, names: Sequence[str]) -> None:
        """The header has them all."""

    def chunks(self, needed: Sequence[str] | None = None) -> Iterator[AnyChunk]:
        for rows in text.cut(self.source, delimiter=self.layout.separator, size=self._block):
            yield inferring.chunk(Chunk(self.layout, rows), self.inferred)
            del rows  # whose memory is wanted again

    def close(self) -> None:
        self.source.close()

    def _head(self) -> bytes:
        """The first bytes, with a whole row in them."""
        head = text.head(self.source, SAMPLE[0], lambda data: len(_line_ends(data)), 2)
        if not head.strip(b"\r\n"):
            what = f"{self.source.name}: is empty, not even a header"
            raise EmptyInputError(what, "did the command that made it fail?")
        return head

    def _layout(self, first: bytes, place: int, options: Manner) -> Layout:
        """Names and delimiter, by the first row, and the place where that begins."""
        where = self.name(place)
        if b"\r" in first.rstrip(b"\r\n") and b'"' not in first:
            raise BadDataError(f"{where}: lines end in CR alone", "convert it first: tr '\\r' '\\n'")
        fault = text.fault(first, options.separator, b'"' in first)
        if fault:
            at = place + first.count(b"\n", 0, fault[0])
            raise BadDataError(f"{self.name(at)}: {fault[1]}")
        try:
            names = text.split_row(first, options.separator)
        except UnicodeDecodeError as e:
            raise BadDataError(f"{where}: not UTF-8: byte 0x{first[e.start]:02x}", text.LATIN) from None
        if not options.headed:
            names = [f"column_{j + 1}" for j in range(len(names))]
        twice = text.first_twice(names)
        if twice is not None:
            raise BadDataError(f"{where}: two columns are called '{short(twice)}'")
        if options.header is None and is_row_of_numbers(names):
            what = "the names of all columns are numbers: the first row is taken for the header, not for data"
            self.doubt = f"{where}: {what} (--no-header if it is data, --header if it is not)"
        kinds: tuple[Kind, ...] = tuple("text" for _ in names)
        crlf = first.endswith(b"\r\n")
        return Layout(tuple(names), kinds, options.separator, options.missing, crlf)

    def _kinds(self, sample: Chunk) -> tuple[Kind, ...]:
        """What each column holds, going by its first rows; and which of those left out leave a doubt."""
        try:
            frame: pl.DataFrame = sample.decode(frozenset(), skip=self._skip).frame
        except BadPlaceError as e:
            raise BadDataError(f"{self.name(self.start + e.place)}: {e.what}", e.hint) from None
        kinds: list[Kind] = []
        locate = cache(sample.locate)
        given = columns.all_series(frame).items()
        for (name, series), (kind, other, doubtful) in zip(given, _sampled(frame, self.layout.missing), strict=True):
            if self.options.infer_types:
                self.inferred[name] = inferring.inferred(parsing.present(series, self.layout.missing))
            if doubtful and self._skip:
                kind = "word"
            kinds.append(kind)
            column = f"column '{printable(name)}'"
            if kind == "empty":
                self.doubts[name] = f"{self.source.name}: {column} is left out: it is empty in the first rows"
            elif kind == "text":
                place, word = self.name(self.start + locate(other)), printable(series[other][:80])
                what = "begins with a zero, as names do" if ZEROS.match(word.strip()) else "is not a number"
                self.others[name] = f"{place}: '{word}' in {column} {what}"
                if doubtful:
                    self.doubts[name] = f"{place}: {column} is left out: '{word}' in it is not a number"
        return tuple(kinds)


def is_row_of_numbers(names: Sequence[str]) -> bool:
    """Whether a header may be a row of data: all of it is numbers, but neither 0, 1, … as pandas calls columns that
    have no names, nor years that rise."""
    if not all(text.NUMBER.fullmatch(n.strip()) for n in names):
        return False
    rising = len(names) > 1 and all(a < b for a, b in pairwise(names))
    years = rising and all(YEAR.fullmatch(n) for n in names)
    return not years and list(names) != [str(j) for j in range(len(names))]


def _line_ends(data: bytes) -> NDArray[np.intp]:
    return text.line_ends(data, b'"' in data)


def _sample(data: bytes, *, ended: bool) -> bytes:
    """The first rows; at least one, however long. The last may do without a line end where the input has ended."""
    quoted = b'"' in data
    ends = (text.row_ends if ended else text.line_ends)(data, quoted)[: SAMPLE[1]]
    return data[: ends[-1]] if len(ends) else data


def _sampled(frame: pl.DataFrame, missing: frozenset[str]) -> list[tuple[Kind, int, bool]]:
    """What each sampled column of text holds; the row of the first value that is no number; and whether half are, so
    that it may be a mistake. All columns are looked at as one: there may be a hundred thousand."""
    import polars as pl

    def of_each(found: pl.Series) -> Any:  # (columns, rows)
        return found.fill_null(value=False).to_numpy().reshape(frame.width, frame.height)

    raw = columns.numbered_columns(frame).unpivot().to_series(1)
    present = parsing.present(raw, missing)
    number = present.cast(pl.Float64, strict=False)
    there, other = of_each(present.is_not_null()), of_each(present.is_not_null() & number.is_null())
    named = of_each(present.str.contains(ZEROS.pattern))
    whole = present.cast(pl.Int64, strict=False)
    beyond = present.is_in(columns.beyond_integers(present, whole).implode())
    respelled = of_each(raw.ne_missing(present) | beyond).any(axis=1)  # what is to be read as text
    fraction = of_each(number.is_not_null() & whole.is_null()).any(axis=1)
    half = 2 * other.sum(1) <= there.sum(1)
    found: list[tuple[Kind, int, bool]] = []
    for j in range(frame.width):
        text = other[j] | named[j]
        if not there[j].any():
            found.append(("empty", 0, False))
        elif text.any():
            found.append(("text", int(text.argmax()), bool(half[j] and not named[j].any())))
        else:
            found.append(("word" if respelled[j] else "float" if fraction[j] else "integer", 0, False))
    return found


def in_strips(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows in chunks of some values each: polars writes each apart, into memory that is used again; larger
    pieces would be of memory fresh from the system, which takes longer than what is written into it."""
    import polars as pl

    size = max(1, STRIP // max(1, rows.width))
    if rows.height <= size or rows.n_chunks() > 1:
        return rows
    return pl.concat([rows.slice(start, size) for start in range(0, rows.height, size)], rechunk=False)


def _numeric(blank: Frame) -> frozenset[str]:
    """The columns of numbers."""
    return frozenset(n for n, t in columns.to_polars(blank).schema.items() if t.is_numeric())


@dataclass(frozen=True)
class Writer:
    """Rows as minimally quoted text (RFC 4180), with the delimiter and the line ends of an input of its format."""

    kind: ClassVar[type[Manner]] = Options
    columns: tuple[str, ...]
    options: Manner
    crlf: bool = False
    numbers: frozenset[str] = frozenset()  # columns that are text only where words that mean missing are in them

    @classmethod
    def like(cls, reader: Any, blank: Frame, options: Manner | None, digests: tuple[str, ...]) -> Self:
        """For output of the columns of `blank`, in the manner of the input where that is delimited text too. Text has
        no place for digests."""
        theirs, crlf = getattr(reader, "options", None), getattr(getattr(reader, "layout", None), "crlf", False)
        same = theirs if isinstance(theirs, cls.kind) else cls.kind(header=getattr(theirs, "header", None))
        return cls(columns.names(blank), options or same, crlf, _numeric(blank))

    def following(self, reader: Any, blank: Frame) -> Self:
        return self

    @classmethod
    def refused(cls, blank: Frame) -> Schema:
        return columns.textless(blank, nested=False)

    @property
    def _line_end(self) -> str:
        return "\r\n" if self.crlf else "\n"

    def encode(self, frame: Frame) -> list[bytes]:
        import polars as pl

        rows = self._spelled(columns.to_polars(frame, MOMENT))
        if rows.width == 1 and rows[:, 0].null_count():  # an empty line would be no row
            rows = columns.text_frame({rows.columns[0]: rows[:, 0].alias("").cast(pl.String).fill_null("")})
        out = Pieces()
        in_strips(rows).write_csv(
            cast(Any, out), include_header=False, separator=self.options.separator, line_terminator=self._line_end
        )
        return out.written

    def _spelled(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with the words that mean missing as they stood."""
        import polars as pl

        words = [n for n, t in rows.schema.items() if t == pl.String and n in self.numbers]
        if not words:
            return rows
        return columns.text_frame(
            {n: s.str.strip_prefix(NUMERIC_WORD) if n in words else s for n, s in columns.all_series(rows).items()}
        )

    def open(self, file: Outlet) -> Sink:
        if self.options.headed:
            names = (text.quoted_field(n, self.options.separator, alone=len(self.columns) == 1) for n in self.columns)
            file.write((self.options.separator.join(names) + self._line_end).encode())
        return Sink(file)
