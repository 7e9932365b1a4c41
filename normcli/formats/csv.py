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
from normcli.columns.polars_frame import PolarsFrame
from normcli.errors import BadDataError, BadPlaceError, BadRowError, EmptyInputError, UsageError, printable, short
from normcli.formats import Chunk as AnyChunk
from normcli.formats import Format, Outlet
from normcli.formats._delimited import chunk as parsing
from normcli.formats._delimited import remedies
from normcli.formats._delimited.chunk import Chunk, Kind, Layout
from normcli.formats._delimited.dialect import MARK, Dialect
from normcli.formats._delimited.notation import PLAIN, Notation
from normcli.formats._delimited.opening import Opened, opened
from normcli.formats._delimited.sampling import Sampled, distinct, sampled
from normcli.formats._text import cutting as text
from normcli.formats._text import inferring
from normcli.formats._text.pieces import Pieces, Sink
from normcli.io.sources import Source

if TYPE_CHECKING:
    import polars as pl

SAMPLE = 1 << 20, 1000  # types are told from so many bytes of whole rows, and no more rows than this
YEAR = re.compile("[12][0-9]{3}")
MOMENT = "%Y-%m-%dT%H:%M:%S%f%z"  # as polars writes them
STRIP = 1 << 16  # values that are written into one piece of memory

NONE = "none"
DIALECT = {"kept": "dialect"}  # of an option that a parameter file keeps
ANSWER = {"kept": "answer"}  # of one that is kept if given, no as well as yes
READ = {"on": "reading"}
RARE = {"topic": "formats"}  # of one that help lists by its name only

TYPES: dict[Kind, str] = {"integer": "int64", "float": "float64", "word": "float64", "text": "string", "empty": "null"}


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How delimited text is to be read, whatever its delimiter."""

    na_values: Annotated[
        str,
        Meta(
            description="mark missing",
            extra=DIALECT | READ,
        ),
    ] = ",".join(remedies.MISSING)
    decimal: Annotated[
        Literal[".", ","],
        Meta(
            description="what stands for the decimal point",
            extra=DIALECT,
        ),
    ] = "."
    thousands: Annotated[
        str,
        Meta(
            description="what may stand between thousands",
            extra=DIALECT | READ | RARE,
        ),
    ] = NONE
    infer_types: inferring.Asked = False
    header: Annotated[bool | None, Meta(description="the first row names the columns", extra=ANSWER)] = (
        None  # it does, with a doubt where all names are numbers
    )

    quote: Annotated[str, Meta(description="what stands around fields, or none", extra=DIALECT | RARE)] = '"'
    escape: Annotated[str, Meta(description="what makes text of a quote, as \\", extra=DIALECT | RARE)] = NONE
    comment: Annotated[str, Meta(description="what begins lines to leave out, as #", extra=DIALECT | READ | RARE)] = (
        NONE
    )
    skip_lines: Annotated[int, Meta(ge=0, description="lines before the header", extra=DIALECT | READ | RARE)] = 0
    skip_initial_space: Annotated[
        bool | None, Meta(description="spaces before a field are none of it", extra=DIALECT | READ | RARE)
    ] = None
    pad_rows: Annotated[
        bool | None, Meta(description="what a short row lacks is missing", extra=DIALECT | READ | RARE)
    ] = None
    trailing_delimiter: Annotated[
        bool | None, Meta(description="each row ends in a delimiter", extra=DIALECT | RARE)
    ] = None
    duplicate_names: Annotated[
        Literal["refuse", "number"],
        Meta(description="of columns; number: a, a_2", extra=DIALECT | READ | RARE),
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
        return frozenset(remedies.words(self.na_values))

    @property
    def notation(self) -> Notation:
        return Notation(self.decimal, "" if self.thousands == NONE else self.thousands)

    def check(self) -> None:
        """Raises UsageError for what contradicts itself."""
        if '"' in self.na_values and any(c in self.na_values for c in "\r\n"):
            raise UsageError("--na-values: a line end among words in quotes")
        if self.thousands != NONE and (fault := self.notation.fault()):
            raise UsageError(f"--thousands '{printable(self.thousands)}': {fault}")
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
        if self.skip_initial_space and self.separator == " ":
            raise UsageError("--skip-initial-space: the --delimiter is a space")
        first = self.comment[:1]
        if self.comment != NONE:
            if not first.isascii() or not first.isprintable() or first.isalnum() or first in "+-. ":
                what = "must begin with a character of ASCII that begins no number and no name"
                raise UsageError(
                    f"--comment '{printable(self.comment)}': {what}", "--comment none takes no line for one"
                )
            wrong = next((c for c in self.comment if c in taken or c in f"\r\n{MARK}"), None)
            if wrong is not None:
                of = f"is {taken[wrong]}, too" if wrong in taken else "is in no comment"
                raise UsageError(f"--comment '{printable(self.comment)}': '{printable(wrong)}' {of}")


@dataclass(frozen=True, kw_only=True)
class Options(Manner):
    """How the text is to be read."""

    delimiter: Annotated[str, Meta(description="what separates fields, or tab", extra=DIALECT)] = ","

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
        self.nearly: dict[str, str] = {}
        self.others: dict[str, str] = {}
        self.identifiers = frozenset[str]()
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
        return PolarsFrame(inferring.typed(made, self.inferred))

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
        layout = Layout(
            (),
            (),
            dialect.separator,
            options.missing,
            first.endswith(b"\r\n"),
            dialect,
            options.notation,
            beginning.titles,
        )
        first = layout.without_spaces(first)
        fault = text.fault(first, dialect.separator, b'"' in first)
        if fault:
            at = place + dialect.lines(first, fault[0])
            hint = text.hint(fault[1], first, fault[0], dialect.separator)
            raise BadDataError(f"{self.name(at)}: {layout.said(fault[1])}", hint)
        try:
            names = text.split_row(first, dialect.separator)
        except UnicodeDecodeError as e:
            what = f"{where}: not UTF-8: byte 0x{first[e.start]:02x}"
            raise BadDataError(what, text.encoding_hint(first, e.start)) from None
        doubt = next(filter(None, (dialect.doubtful(n, options.missing) for n in names)), None)
        if doubt:
            raise BadDataError(f"{where}: {doubt}", text.hint(doubt, first, 0, dialect.separator))
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
            title = f"--skip-lines {place + 1} if it is a title; " if not twice and len(set(names[1:])) == 1 else ""
            raise BadDataError(what, self._likely or f"{title}--duplicate-names number makes them differ")
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
            frame = sample.decode(frozenset(), skip=self._skip).frame.to_polars()
        except BadPlaceError as e:
            hint = self._likely or self._titled(e) or e.hint
            raise BadDataError(f"{self.name(self.start + e.place)}: {e.what}", hint) from None
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

    def _titled(self, error: BadPlaceError) -> str:
        """What to do where one of the first rows has fields, and the one that was taken for the header is a field
        alone: that may be a title, or a comment."""
        found, said = text.WIDTHS.match(error.what), self.layout.separator != self.options.separator
        if not found or found[2] != "1" or said:  # Excel says the delimiter after titles
            return ""
        name, line = self.layout.names[0] if self.options.headed else "", self.start + error.place
        if name[:1] in ("#", "%") and self.options.comment == NONE:
            return f"--comment '{name[:1]}' leaves out lines that begin so"
        return f"--skip-lines {line} if line {line + 1} is the header"

    def _doubt(self, sampled: dict[str, Sampled], given: dict[str, pl.Series], locate: Callable[[int], int]) -> None:
        """Says of each column that is left out whether that may be a mistake; of text, why it is no number, and what
        would take it."""
        missing, doubtful = self.layout.missing, (found for found in sampled.values() if found.doubtful)
        words = list(dict.fromkeys(word for found in doubtful for word in found.like_missing))
        for name, found in sampled.items():
            series, column = given[name], f"column '{printable(name)}'"
            if found.kind == "empty":
                self.doubts[name] = (
                    f"{self.source.name}: {column} is left out: it is empty in the first rows (-c takes it)"
                )
            if found.kind != "text":
                continue
            word = series[found.other]
            where = f"{self.name(self.start + locate(found.other))}: "
            shown, bare = f"'{printable(word[:80])}'", word.strip(" \t")
            what = "begins with a zero, as names do" if found.identifier else "is not a number"
            others = chain(words, distinct(series, missing))
            hint = "" if found.identifier else text.header_hint(bare, name) or self.layout.remedy(bare, others)
            if not hint and not self.options.headed and found.other == 0:
                hint = text.HEADER
            hint = f" ({hint})" if hint else ""
            self.others[name] = f"{where}{shown} in {column} {what}{hint}"
            if found.doubtful:
                doubts = self.doubts if found.half else self.nearly
                hint = hint or f" (-x {printable(name)} if that is right)"
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
    return frozenset(n for n, t in blank.to_polars().schema.items() if t.is_numeric())


@dataclass(frozen=True)
class Writer:
    """Rows as minimally quoted text (RFC 4180), with the delimiter and the line ends of an input of its format."""

    kind: ClassVar[type[Manner]] = Options
    columns: tuple[str, ...]
    options: Manner
    crlf: bool = False
    dialect: Dialect = Dialect()
    titles: bytes = b""
    numbers: frozenset[str] = frozenset()  # columns that are text only where words that mean missing are in them

    @classmethod
    def for_input(cls, reader: Any, blank: Frame, options: Manner | None, digests: tuple[str, ...]) -> Self:
        """For output of the columns of `blank`, in the manner of the input where that is delimited text too. Text has
        no place for digests."""
        theirs, crlf = getattr(reader, "options", None), getattr(getattr(reader, "layout", None), "crlf", False)
        if isinstance(theirs, cls.kind):
            return cls(blank.names, theirs, crlf, reader.layout.dialect, reader.layout.titles, _numeric(blank))
        said = {n: getattr(theirs, n) for n in ("header", "decimal") if hasattr(theirs, n)}
        own = options or cls.kind(**said)
        return cls(blank.names, own, crlf, own.dialect, numbers=_numeric(blank))

    def following(self, reader: Any, blank: Frame) -> Self:
        return self

    @classmethod
    def refused(cls, blank: Frame) -> Schema:
        return blank.textless(nested=False)

    @property
    def _line_end(self) -> str:
        return "\r\n" if self.crlf else "\n"

    @property
    def _is_plain(self) -> bool:
        return self.dialect.is_plain and not self.dialect.trailing

    def encode(self, frame: Frame) -> list[bytes]:
        import polars as pl

        rows = self._spelled(frame.to_polars(MOMENT))
        if not self._is_plain:
            rows = self.dialect.encodable(rows, self.options.missing)
        elif rows.width == 1 and rows[:, 0].null_count():  # an empty line would be no row
            rows = columns.text_frame({rows.columns[0]: rows[:, 0].alias("").cast(pl.String).fill_null("")})
        out = Pieces()
        in_strips(rows).write_csv(
            cast(Any, out), include_header=False, separator=self.dialect.separator, line_terminator=self._line_end
        )
        return out.written if self.dialect.is_plain else [self.dialect.spelled(b"".join(out.written))]

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
            return b"".join(replace(self, numbers=frozenset()).encode(PolarsFrame(row)))  # names are no numbers
        except BadRowError as e:
            raise BadDataError(f"a name of a column: {e.what}", e.hint) from None


FORMAT = Format(suffixes=(".csv",), options=Options, reader=Reader, writer=Writer)
