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
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, cast

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from normcli import columns
from normcli.columns import Field, Frame, Schema
from normcli.errors import BadDataError, BadPlaceError, BadRowError, EmptyInputError, UsageError, printable, short
from normcli.formats import Chunk as AnyChunk
from normcli.formats import Outlet
from normcli.formats import _inferring as inferring
from normcli.formats import _parsing as parsing
from normcli.formats import _text as text
from normcli.formats._dialect import MARK, Dialect
from normcli.formats._opening import Opened, opened
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

NONE = "none"
DIALECT = {"kept": "dialect"}  # of an option that a parameter file keeps
READ = {"on": "reading"}

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

    quote: Annotated[
        str, Meta(description="what stands around fields: one character, or none: quotes are text", extra=DIALECT)
    ] = '"'
    escape: Annotated[
        str, Meta(description="what stands before a quote, delimiter or line end that is text: \\", extra=DIALECT)
    ] = NONE
    comment: Annotated[
        str, Meta(description="what begins lines that are no rows, and are not written: #", extra=DIALECT | READ)
    ] = NONE
    skip_lines: Annotated[
        int, Meta(ge=0, description="so many lines stand before the header, as a title does", extra=DIALECT | READ)
    ] = 0
    skip_initial_space: Annotated[
        bool | None, Meta(description='spaces before a field are none of it: a, "b"', extra=DIALECT | READ)
    ] = None
    pad_rows: Annotated[
        bool | None, Meta(description="what a short row lacks at its end is missing", extra=DIALECT | READ)
    ] = None
    trailing_delimiter: Annotated[
        bool | None, Meta(description="each row ends in a delimiter, after which there is no field", extra=DIALECT)
    ] = None
    duplicate_names: Annotated[
        Literal["refuse", "number"],
        Meta(description="of columns: a, a becomes a, a_2, and one without a name column_3", extra=DIALECT | READ),
    ] = "refuse"

    @property
    def headed(self) -> bool:
        return self.header is not False

    @property
    def dialect(self) -> Dialect:
        """How rows are spelled, where lines end as in RFC 4180."""
        return Dialect(
            self.separator,
            None if self.quote == NONE else self.quote,
            None if self.escape == NONE else self.escape,
            "" if self.comment == NONE else self.comment,
            bool(self.skip_initial_space),
            bool(self.pad_rows),
            bool(self.trailing_delimiter),
        )

    @property
    def separator(self) -> str:
        return "\t"

    @property
    def missing(self) -> frozenset[str]:
        return frozenset(self.na_values.split(","))

    def check(self) -> None:
        """Raises UsageError for what contradicts itself."""
        taken = {self.separator: "the --delimiter", '"': "of RFC 4180"}
        for flag, value in (("quote", self.quote), ("escape", self.escape)):
            if value == NONE or (flag == "quote" and value == '"'):
                continue
            if len(value) != 1 or not value.isascii() or not value.isprintable() or value.isalnum() or value in "+-.: ":
                raise UsageError(f"--{flag} '{printable(value)}': one ASCII character that is in no number, or none")
            if value in taken:
                hint = "a quote in a quoted field is doubled, without --escape" if value == '"' else ""
                raise UsageError(f"--{flag} '{value}': is {taken[value]}, too", hint)
            taken[value] = f"the --{flag}"
        first = self.comment[:1]
        if self.comment != NONE:
            if not first.isascii() or not first.isprintable() or first.isalnum() or first in "+-. ":
                what = "begins a line: at first a character of ASCII that begins no number and no name"
                raise UsageError(f"--comment '{printable(self.comment)}': {what}", "none is for none")
            wrong = next((c for c in self.comment if c in taken or c in f"\r\n{MARK}"), None)
            if wrong is not None:
                of = f"is {taken[wrong]}, too" if wrong in taken else "is in no comment"
                raise UsageError(f"--comment '{printable(self.comment)}': '{printable(wrong)}' {of}")


@dataclass(frozen=True, kw_only=True)
class Options(Manner):
    """How the text is to be read."""

    delimiter: Annotated[str, Meta(description="what separates fields: one character, or tab", extra=DIALECT)] = ","

    @property
    def separator(self) -> str:
        return {"tab": "\t", "\\t": "\t"}.get(self.delimiter, self.delimiter)

    def check(self) -> None:
        if self.separator.isalnum() or self.separator in ("+", "-", "."):
            raise UsageError(f"--delimiter '{printable(self.delimiter)}': a character that numbers are made of")
        if len(self.separator) != 1 or not self.separator.isascii() or self.separator in f'"\r\n\0{MARK}':
            raise UsageError(f"--delimiter '{printable(self.delimiter)}': one ASCII character, no quote or line end")
        super().check()


class Reader:
    """A CSV input, cut into chunks; the types of its columns come from a sample of its first rows."""

    typed = False
    unit = "B"
    expected = frozenset[str]()
    indexes = frozenset[str]()

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
        beginning = opened(source, options.dialect, options.skip_lines)
        self.notices: tuple[str, ...] = beginning.notices
        self._respelled = beginning.respelled
        head = self._head()
        self.size = source.size
        start = len(head) - len(head.lstrip(b"\r\n"))  # blank lines
        lines = head.count(b"\n", 0, start)
        self.early = lines if options.headed else 0
        if beginning.dialect.comment:
            self.notices += (f"{source.name}: lines that begin with '{options.comment}' are left out, as comments",)
        elif lines and options.headed:
            what = f"{lines} blank lines" if lines > 1 else "a blank line"
            self.notices += (f"{source.name}: skipped {what} before the header",)
        first = head[start : start + (text.first_row_end(head[start:]) or len(head))]
        self.layout = self._layout(first, beginning.lines + lines, beginning)
        before = start + len(first) if options.headed else 0  # bytes that are no rows
        self.start = beginning.lines + beginning.dialect.lines(head, before)
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
        separator, straight = self.layout.separator, self.layout.without_spaces
        for rows in text.cut(self.source, delimiter=separator, size=self._block, straight=straight):
            yield inferring.chunk(Chunk(self.layout, rows), self.inferred)
            del rows  # whose memory is wanted again

    def close(self) -> None:
        self.source.close()

    @property
    def comments(self) -> int:
        """Lines that were no rows but comments, so far."""
        return self._respelled.comments if self._respelled else 0

    def _head(self) -> bytes:
        """The first bytes, with a whole row in them."""
        head = text.head(self.source, SAMPLE[0], lambda data: len(_line_ends(data.lstrip(b"\r\n"))), 2)
        if not head.strip(b"\r\n"):
            what = f"{self.source.name}: is empty, not even a header"
            raise EmptyInputError(what, "did the command that made it fail?")
        return head

    def _layout(self, first: bytes, place: int, beginning: Opened) -> Layout:
        """Names and delimiter, by the first row, and the place where that begins."""
        options, dialect, where = self.options, beginning.dialect, self.name(place)
        layout = Layout((), (), dialect.separator, options.missing, first.endswith(b"\r\n"), dialect, beginning.titles)
        first = layout.without_spaces(first)
        fault = text.fault(first, dialect.separator, b'"' in first)
        if fault:
            at = place + dialect.lines(first, fault[0])
            hint = text.hint(fault[1], first, fault[0], dialect.separator)
            raise BadDataError(f"{self.name(at)}: {layout.said(fault[1])}", hint)
        try:
            names = text.split_row(first, dialect.separator)
        except UnicodeDecodeError as e:
            raise BadDataError(f"{where}: not UTF-8: byte 0x{first[e.start]:02x}", text.LATIN) from None
        doubt = next(filter(None, (dialect.doubtful(n, options.missing) for n in names)), None)
        if doubt:
            raise BadDataError(f"{where}: {doubt}")
        names = [dialect.meant(n) for n in names]
        if dialect.trailing and len(names) > 1 and not names[-1]:
            names.pop()
        self._likely = text.likely_delimiter(first, dialect.separator)
        self.hint = self._likely or ("is the delimiter right?" if len(names) == 1 else "")
        if not options.headed:
            names = [f"column_{j + 1}" for j in range(len(names))]
        elif options.duplicate_names == "number":
            names = self._numbered(names)
        twice = text.first_twice(names)
        if twice is not None:
            what = f"{where}: two columns are called '{short(twice)}'"
            raise BadDataError(what, self._likely or "--duplicate-names number tells them apart")
        if options.header is None and is_row_of_numbers(names):
            what = "the names of all columns are numbers: the first row is taken for the header, not for data"
            self.doubt = f"{where}: {what} (--no-header if it is data, --header if it is not)"
        kinds: tuple[Kind, ...] = tuple("text" for _ in names)
        return replace(layout, names=tuple(names), kinds=kinds)

    def _numbered(self, names: Sequence[str]) -> list[str]:
        """Names that differ; says which are others now."""
        made = text.numbered(names)
        changed = [f"'{short(n)}'" for n, was in zip(made, names, strict=True) if n != was]
        if changed:
            more = f" and {len(changed) - 20} more" if len(changed) > 20 else ""
            self.notices += (f"{self.source.name}: columns are called {', '.join(changed[:20])}{more} now",)
        return made

    def _kinds(self, sample: Chunk) -> tuple[Kind, ...]:
        """What each column holds, going by its first rows; and which of those left out leave a doubt."""
        try:
            frame: pl.DataFrame = sample.decode(frozenset(), skip=self._skip).frame
        except BadPlaceError as e:
            raise BadDataError(f"{self.name(self.start + e.place)}: {e.what}", self._likely or e.hint) from None
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


@dataclass(frozen=True)
class Writer:
    """Rows as minimally quoted text (RFC 4180), with the delimiter and the line ends of an input of its format."""

    kind: ClassVar[type[Manner]] = Options
    columns: tuple[str, ...]
    options: Manner
    crlf: bool = False
    dialect: Dialect = Dialect()
    titles: bytes = b""

    @classmethod
    def like(cls, reader: Any, blank: Frame, options: Manner | None, digests: tuple[str, ...]) -> Self:
        """For output of the columns of `blank`, in the manner of the input where that is delimited text too. Text has
        no place for digests."""
        theirs, crlf = getattr(reader, "options", None), getattr(getattr(reader, "layout", None), "crlf", False)
        if isinstance(theirs, cls.kind):
            return cls(columns.names(blank), theirs, crlf, reader.layout.dialect, reader.layout.titles)
        own = options or cls.kind(header=getattr(theirs, "header", None))
        return cls(columns.names(blank), own, crlf, own.dialect)

    def following(self, reader: Any, blank: Frame) -> Self:
        return self

    @classmethod
    def refused(cls, blank: Frame) -> Schema:
        return columns.textless(blank, nested=False)

    @property
    def _line_end(self) -> str:
        return "\r\n" if self.crlf else "\n"

    @property
    def _is_plain(self) -> bool:
        return self.dialect.is_plain and not self.dialect.trailing

    def encode(self, frame: Frame) -> list[bytes]:
        import polars as pl

        rows = columns.to_polars(frame, MOMENT)
        if not self._is_plain:
            rows = self.dialect.encodable(rows, self.options.missing)
        elif rows.width == 1 and rows[:, 0].null_count():  # an empty line would be no row
            rows = columns.text_frame({rows.columns[0]: rows[:, 0].alias("").cast(pl.String).fill_null("")})
        out = Pieces()
        in_strips(rows).write_csv(
            cast(Any, out), include_header=False, separator=self.dialect.separator, line_terminator=self._line_end
        )
        return out.written if self.dialect.is_plain else [self.dialect.spelled(b"".join(out.written))]

    def open(self, file: Outlet) -> Sink:
        if self.titles:
            file.write(self.titles)
        if self.options.headed:
            file.write(self._header())
        return Sink(file)

    def _header(self) -> bytes:
        import polars as pl

        if self._is_plain:
            names = (text.quoted_field(n, self.dialect.separator, alone=len(self.columns) == 1) for n in self.columns)
            return (self.dialect.separator.join(names) + self._line_end).encode()
        try:
            row = columns.text_frame({str(j): pl.Series([n or None]) for j, n in enumerate(self.columns)})
            return b"".join(self.encode(row))
        except BadRowError as e:
            raise BadDataError(f"a name of a column: {e.what}", e.hint) from None
