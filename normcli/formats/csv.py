"""CSV: cut where rows end, parsed and written by polars in the workers.

Every column is parsed, always: asked for some of them only, polars lets a long row pass and loses rows behind a
stray quote. Columns not selected are parsed as text, so that they come out character for character.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, cast

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
from normcli.formats import _remedies as remedies
from normcli.formats import _text as text
from normcli.formats._notation import PLAIN, Notation
from normcli.formats._parsing import Chunk, Kind, Layout
from normcli.formats._sampling import Sampled, distinct, sampled
from normcli.formats._writing import Pieces, Sink
from normcli.sources import Source

if TYPE_CHECKING:
    import polars as pl

suffixes = (".csv",)
magic = b""

SAMPLE = 1 << 20, 1000  # types are told from so many bytes of whole rows, and no more rows than this
YEAR = re.compile("[12][0-9]{3}")
MOMENT = "%Y-%m-%dT%H:%M:%S%f%z"  # as polars writes them
NONE = "none"
STRIP = 1 << 16  # values that are written into one piece of memory

TYPES: dict[Kind, str] = {"integer": "int64", "float": "float64", "word": "float64", "text": "string", "empty": "null"}


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How delimited text is to be read, whatever its delimiter."""

    na_values: Annotated[
        str,
        Meta(
            description="words that mean missing, between commas (in quotes where they hold one), instead of these; an "
            "empty field always does",
            extra={"on": "reading"},
        ),
    ] = ",".join(remedies.MISSING)
    decimal: Annotated[
        Literal[".", ","],
        Meta(
            description="what stands for the point in numbers, in output, too; columns of text stay as they are",
            extra={"kept": "dialect"},
        ),
    ] = "."
    thousands: Annotated[
        str,
        Meta(
            description="one character that may stand between groups of three digits, which is not written, or none",
            extra={"kept": "dialect", "on": "reading"},
        ),
    ] = NONE
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
        return frozenset(remedies.words(self.na_values))

    @property
    def notation(self) -> Notation:
        return Notation(self.decimal, "" if self.thousands == NONE else self.thousands)

    def check(self) -> None:
        """Raises UsageError for what can't be."""
        if '"' in self.na_values and any(c in self.na_values for c in "\r\n"):
            raise UsageError("--na-values: a line end among words in quotes")
        if self.thousands != NONE and (fault := self.notation.fault()):
            raise UsageError(f"--thousands '{printable(self.thousands)}': {fault}")


@dataclass(frozen=True, kw_only=True)
class Options(Manner):
    """How the text is to be read."""

    delimiter: Annotated[str, Meta(description="what separates fields: one character, or tab")] = ","

    @property
    def separator(self) -> str:
        return {"tab": "\t", "\\t": "\t"}.get(self.delimiter, self.delimiter)

    def check(self) -> None:
        super().check()
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
        self.nearly: dict[str, str] = {}
        self.others: dict[str, str] = {}
        self.identifiers = frozenset[str]()
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
        return Layout(tuple(names), kinds, options.separator, options.missing, crlf, options.notation)

    def _kinds(self, sample: Chunk) -> tuple[Kind, ...]:
        """What each column holds, going by its first rows; and which of those left out leave a doubt."""
        try:
            frame: pl.DataFrame = sample.decode(frozenset(), skip=self._skip).frame
        except BadPlaceError as e:
            raise BadDataError(f"{self.name(self.start + e.place)}: {e.what}", e.hint) from None
        given = columns.all_series(frame)
        found = dict(zip(given, sampled(frame, self.layout), strict=True))
        if self._skip:
            found = {n: replace(f, kind="word") if f.half else f for n, f in found.items()}
        if self.options.infer_types:
            words = {n: parsing.present(s, self.layout.missing) for n, s in given.items()}
            self.inferred = {n: inferring.inferred(w, self.layout.as_numbers(w)) for n, w in words.items()}
        self.identifiers = frozenset(n for n, f in found.items() if f.identifier)
        self._doubt(found, given, cache(sample.locate))
        return tuple(f.kind for f in found.values())

    def _doubt(self, sampled: dict[str, Sampled], given: dict[str, pl.Series], locate: Callable[[int], int]) -> None:
        """Says of each column that is left out whether that may be a mistake; of text, why it is no number, and what
        would take it."""
        missing, doubtful = self.layout.missing, (found for found in sampled.values() if found.doubtful)
        words = list(dict.fromkeys(word for found in doubtful for word in found.like_missing))
        for name, found in sampled.items():
            series, column = given[name], f"column '{printable(name)}'"
            if found.kind == "empty":
                self.doubts[name] = f"{self.source.name}: {column} is left out: it is empty in the first rows"
            if found.kind != "text":
                continue
            word = series[found.other]
            where = f"{self.name(self.start + locate(found.other))}: "
            shown, bare = f"'{printable(word[:80])}'", word.strip(" \t")
            what = "begins with a zero, as names do" if found.identifier else "is not a number"
            others = chain(words, distinct(series, missing))
            hint = "" if found.identifier else self.layout.remedy(bare, others)
            hint = f" ({hint})" if hint else ""
            self.others[name] = f"{where}{shown} in {column} {what}{hint}"
            if found.doubtful:
                doubts = self.doubts if found.half else self.nearly
                doubts[name] = f"{where}{column} is left out: {shown} in it is not a number{hint}"


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
        said = {n: getattr(theirs, n) for n in ("header", "decimal") if hasattr(theirs, n)}
        same = theirs if isinstance(theirs, cls.kind) else cls.kind(**said)
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
        """The rows with numbers in the notation of the options, and the words that mean missing as they stood."""
        import polars as pl

        notation = Notation(self.options.decimal)

        def spelled(name: str, series: pl.Series) -> pl.Series:
            if series.dtype == pl.String and name in self.numbers:
                if not notation.is_plain:
                    number = series.str.contains(f"^(?:{PLAIN.number})$").fill_null(value=False)
                    series = notation.spelled(series).zip_with(number, series)
                return series.str.strip_prefix(NUMERIC_WORD)
            return notation.spelled(series) if series.dtype.is_float() or series.dtype.is_decimal() else series

        if notation.is_plain and not any(n in self.numbers and t == pl.String for n, t in rows.schema.items()):
            return rows
        return columns.text_frame({n: spelled(n, s) for n, s in columns.all_series(rows).items()})

    def open(self, file: Outlet) -> Sink:
        if self.options.headed:
            names = (text.quoted_field(n, self.options.separator, alone=len(self.columns) == 1) for n in self.columns)
            file.write((self.options.separator.join(names) + self._line_end).encode())
        return Sink(file)
