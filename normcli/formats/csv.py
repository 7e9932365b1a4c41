"""CSV: cut where rows end, parsed and written by polars in the workers.

Every column is parsed, always: asked for some of them only, polars lets a long row pass and loses rows behind a
stray quote. Columns not selected are parsed as text, so that they come out character for character.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from msgspec import Meta

from normcli import columns
from normcli.columns import Field, Frame, Schema
from normcli.errors import BadDataError, BadRowError, UsageError, printable
from normcli.formats import Decoded, Outlet
from normcli.formats import _text as text
from normcli.sources import Source

if TYPE_CHECKING:
    import polars as pl

suffixes = (".csv",)
magic = b""

SAMPLE = 1 << 20, 1000  # types are told from so many bytes of whole rows, and no more rows than this
MISSING = ("NA", "N/A", "NaN", "nan", "null", "NULL")

Kind = Literal["integer", "float", "word", "text", "empty"]
_TEXT: Kind = "text"
TYPES: dict[Kind, str] = {"integer": "int64", "float": "float64", "word": "float64", "text": "string", "empty": "null"}


@dataclass(frozen=True, kw_only=True)
class Options:
    """How the text is to be read."""

    delimiter: Annotated[str, Meta(description="what separates fields: one character, or tab")] = ","
    na_values: Annotated[
        str, Meta(description="words that mean missing, between commas, instead of these; an empty field always does")
    ] = ",".join(MISSING)
    header: Annotated[bool, Meta(description="the first row names the columns; without it they are column_1 …")] = True

    @property
    def separator(self) -> str:
        return {"tab": "\t", "\\t": "\t"}.get(self.delimiter, self.delimiter)

    @property
    def missing(self) -> frozenset[str]:
        return frozenset(self.na_values.split(","))

    def check(self) -> None:
        if len(self.separator) != 1 or not self.separator.isascii() or self.separator in '"\r\n\0':
            raise UsageError(f"--delimiter {printable(self.delimiter)!r}: one ASCII character, no quote or line end")


@dataclass(frozen=True)
class Layout:
    """What all chunks of one input share."""

    source: str
    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    options: Options
    crlf: bool = False

    def types(self, wanted: frozenset[str], *, words: bool) -> dict[str, Any]:
        """polars' types; with `words`, wanted columns are text, too, because something in them is no number."""
        import polars as pl

        number: dict[Kind, Any] = {"integer": pl.Int64, "float": pl.Float64, "empty": pl.Float64}
        both = zip(self.names, self.kinds, strict=True)
        return {n: number.get(k, pl.String) if n in wanted and not words else pl.String for n, k in both}

    @cached_property
    def numeric_words(self) -> list[str]:
        """Words that mean missing and look like a number: no parser of numbers may see them."""
        return [w for w in self.options.missing if text.NUMBER.fullmatch(w) and w.lower().strip("+-") != "nan"]


@dataclass(frozen=True)
class Chunk:
    """Whole rows of text."""

    layout: Layout
    rows: text.Rows

    @property
    def weight(self) -> int:
        return len(self.rows.data)

    def decode(self, wanted: frozenset[str]) -> Decoded:
        data, blank = self.rows.data, 0
        frame = self._parse(data, wanted)
        if frame is None or self._has_short(frame, data):
            data, blank = self._without_blank_lines()
            frame = self._parse(data, wanted) if blank else frame
            if frame is None or self._has_short(frame, data):
                raise self._fault(wanted)
        return Decoded(self._checked(frame, wanted), blank)

    def locate(self, row: int) -> str:
        ends = text.row_ends(self.rows.data, self.rows.quoted)
        starts = np.concatenate([[0], ends[:-1]])
        start = int(starts[~self._blank(starts, ends)][row])
        return f"{self.layout.source}:{self._line(start)}"

    # -- parsing
    def _parse(self, data: bytes, wanted: frozenset[str]) -> pl.DataFrame | None:
        """The rows, or None where they can't be right."""
        import polars as pl

        if self.rows.quoted and text.quote_fault(data, self.layout.options.separator):
            return None
        for words in (False, True) if wanted and not self.layout.numeric_words else (True,):
            types = self.layout.types(wanted, words=words)
            if not data:
                return pl.DataFrame(schema=types)
            try:
                return pl.read_csv(
                    data,
                    has_header=False,
                    schema=types,
                    separator=self.layout.options.separator,
                    quote_char='"' if self.rows.quoted else None,
                )
            except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
                continue
        return None

    def _has_short(self, frame: pl.DataFrame, data: bytes) -> bool:
        """Whether a row is blank or short. Its last field is null then; and as none is long (polars refuses that),
        there are just enough delimiters if and only if no row has too few."""
        if not frame.width or not frame[:, -1].null_count():
            return False
        if frame.width == 1:
            return data.startswith((b"\n", b"\r\n")) or b"\n\n" in data or b"\n\r\n" in data
        separator = self.layout.options.separator
        found = text.occurrences(data, ord(separator))
        if self.rows.quoted:
            found -= sum(_occurrences(s, separator) for s in frame)
        return found != frame.height * (frame.width - 1)

    def _without_blank_lines(self) -> tuple[bytes, int]:
        data = self.rows.data
        ends = text.row_ends(data, self.rows.quoted)
        starts = np.concatenate([[0], ends[:-1]])
        blank = np.flatnonzero(self._blank(starts, ends))
        if not len(blank):
            return data, 0
        edges = [0, *(int(e) for b in blank for e in (starts[b], ends[b])), len(data)]
        return b"".join(data[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)), len(blank)

    def _blank(self, starts: Any, ends: Any) -> Any:
        """(rows,) which rows are nothing but a line end."""
        view = text.octets(self.rows.data)
        first, second = view[starts], view[np.minimum(starts + 1, len(view) - 1)]
        short = ends - starts <= 2
        return short & ((first == 10) | ((first == 13) & ((ends - starts == 1) | (second == 10))))

    # -- checking
    def _checked(self, frame: pl.DataFrame, wanted: frozenset[str]) -> pl.DataFrame:
        """Wanted columns that were read as text become numbers, or stay text where they hold words for missing."""
        import polars as pl

        for n in (n for n, t in frame.schema.items() if n in wanted and t == pl.String):
            raw = frame[n]
            stripped = raw.str.strip_chars(" \t")
            number = stripped.cast(pl.Float64, strict=False)
            word = number.is_null() & raw.is_not_null() & (stripped != "")
            if not word.any() and not self.layout.numeric_words:
                whole = stripped.cast(pl.Int64, strict=False)
                number = whole if whole.null_count() == number.null_count() else number
                frame = frame.with_columns(number.alias(n))
                continue
            missing = stripped.is_in(list(self.layout.options.missing))
            bad = (word & ~missing).arg_true()
            if len(bad):
                raise self._fault(wanted) or BadRowError(int(bad[0]), f"{printable(raw[bad[0]])!r} is not a number")
            if self.layout.numeric_words:
                frame = frame.with_columns(raw.set(missing & number.is_not_null() & number.is_not_nan(), None))
        return frame

    def _fault(self, wanted: frozenset[str]) -> BadDataError:
        """What is wrong, and on which line: the slow way, row by row, the first in the file."""
        layout, data = self.layout, self.rows.data
        numbers = {j: n for j, n in enumerate(layout.names) if n in wanted}
        quote = text.quote_fault(data, layout.options.separator) if self.rows.quoted else None
        start = 0
        for end in text.row_ends(data, self.rows.quoted):
            row = data[start:end]
            if quote and quote[0] < end:
                return self._at(quote[0], quote[1])
            if row.count(b'"') % 2:
                return self._at(start + row.rfind(b'"'), "a quote that is never closed")
            if row.strip(b"\r\n"):
                what = text.row_fault(row, layout.options.separator, len(layout.names), numbers, layout.options.missing)
                if what:
                    return self._at(start, what)
            start = int(end)
        return self._at(0, f"the rows from here to line {self._line(len(data))} can't be parsed")

    def _at(self, position: int, what: str) -> BadDataError:
        hint = "convert it first: iconv -f LATIN1 -t UTF-8" if what.startswith("not UTF-8") else ""
        return BadDataError(f"{self.layout.source}:{self._line(position)}: {what}", hint)

    def _line(self, position: int) -> int:
        """The physical line that a byte of the data stands on."""
        return self.rows.line + self.rows.data.count(b"\n", 0, position)


def _occurrences(series: pl.Series, separator: str) -> int:
    import polars as pl

    return int(series.str.count_matches(separator, literal=True).sum() or 0) if series.dtype == pl.String else 0


class Reader:
    """A CSV input, cut into chunks; the types of its columns come from a sample of its first rows."""

    typed = False
    unit = "B"

    def __init__(self, source: Source, options: Options, *, block_size: int | None = None) -> None:
        self.source = source
        self.size = source.size
        self.digests: tuple[str, ...] = ()
        self.doubts: dict[str, str] = {}
        self._block = block_size or text.BLOCK
        self._first, header = self._open(options)
        line = 1 + header.count(b"\n")
        sample = _sample(self._first.data)
        self.layout = self._layout(header, options)
        rough = Chunk(self.layout, text.Rows(sample, line, b'"' in sample))
        kinds = self._kinds(rough)
        self.layout = replace(self.layout, kinds=kinds)

    @property
    def schema(self) -> Schema:
        return tuple(Field(n, TYPES[k]) for n, k in zip(self.layout.names, self.layout.kinds, strict=True))

    def blank(self, wanted: frozenset[str]) -> Frame:
        import polars as pl

        return pl.DataFrame(schema={n: pl.Float64 if n in wanted else pl.String for n in self.layout.names})

    def chunks(self, needed: Sequence[str] | None = None) -> Iterator[Chunk]:
        if self._first.data:
            yield Chunk(self.layout, self._first)
        for rows in self._rest:
            yield Chunk(self.layout, rows)

    def _open(self, options: Options) -> tuple[text.Rows, bytes]:
        """The first rows and, apart, the header row (or without one, b"")."""
        name = self.source.name
        head = self.source.peek(3)
        if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise BadDataError(f"{name}:1: UTF-16", "convert it first: iconv -f UTF-16 -t UTF-8")
        if head == b"\xef\xbb\xbf":
            self.source.read(3)
        self._rest = text.cut(self.source, name=name, delimiter=options.separator, size=self._block)
        first = next(self._rest, None)
        if first is None:
            raise BadDataError(f"{name}: is empty, not even a header", "did the command that made it fail?")
        if not options.header:
            return first, b""
        end = text.first_row_end(first.data) or len(first.data)
        header = first.data[:end]
        if not header.strip(b"\r\n"):
            raise BadDataError(f"{name}:1: the header is a blank line")
        if b"\r" in header.rstrip(b"\r\n") and b'"' not in header:
            raise BadDataError(f"{name}:1: lines end in CR alone", "convert it first: tr '\\r' '\\n'")
        return text.Rows(first.data[end:], 1 + header.count(b"\n"), first.quoted), header

    def _layout(self, header: bytes, options: Options) -> Layout:
        name = self.source.name
        row = header or self._first.data[: text.first_row_end(self._first.data) or len(self._first.data)]
        fault = text.quote_fault(row, options.separator) if b'"' in row else None
        if fault or row.count(b'"') % 2:
            raise BadDataError(f"{name}:1: {fault[1] if fault else 'a quote that is never closed'}")
        try:
            names = text.split_row(row, options.separator)
        except UnicodeDecodeError as e:
            raise BadDataError(
                f"{name}:1: not UTF-8: byte 0x{row[e.start]:02x}", "convert it first: iconv -f LATIN1 -t UTF-8"
            ) from None
        if not header:
            names = [f"column_{j + 1}" for j in range(len(names))]
        if len(set(names)) < len(names):
            twice = next(n for j, n in enumerate(names) if n in names[:j])
            raise BadDataError(f"{name}:1: two columns are called {printable(twice)!r}")
        return Layout(name, tuple(names), tuple(_TEXT for _ in names), options, crlf=row.endswith(b"\r\n"))

    def _kinds(self, sample: Chunk) -> tuple[Kind, ...]:
        """What each column holds, going by its first rows; and which of those left out leave a doubt."""
        frame: pl.DataFrame = sample.decode(frozenset()).frame
        kinds: list[Kind] = []
        for series in frame:
            kind, cause = _kind(series, self.layout.options.missing)
            kinds.append(kind)
            left = f"column {printable(series.name)!r} is left out"
            if kind == "empty":
                self.doubts[series.name] = f"{self.source.name}: {left}: it is empty in the first rows"
            elif cause is not None:
                word = printable(series[cause][:80])
                self.doubts[series.name] = f"{sample.locate(cause)}: {left}: {word!r} in it is not a number"
        return tuple(kinds)


def _sample(data: bytes) -> bytes:
    """The first rows; at least one, however long."""
    most, rows = SAMPLE
    ends = text.line_ends(data[:most], b'"' in data[:most])
    return data[: ends[:rows][-1]] if len(ends) else data


def _kind(series: pl.Series, missing: frozenset[str]) -> tuple[Kind, int | None]:
    """What a sampled column of text holds; and for text of which half is numbers, the row of the first that is none."""
    import polars as pl

    present = series.str.strip_chars(" \t")
    present = present.set((present == "") | present.is_in(list(missing)), None)
    if present.null_count() == len(present):
        return "empty", None
    number = present.cast(pl.Float64, strict=False)
    if present.str.contains(r"^[+-]?0[0-9]").any():  # 007 is a name
        return "text", None
    if number.null_count() > present.null_count():
        half = 2 * number.count() >= present.count()
        return "text", int((present.is_not_null() & number.is_null()).arg_max() or 0) if half else None
    if not (series == present).fill_null(series.is_null()).all():
        return "word", None
    whole = present.cast(pl.Int64, strict=False)
    return ("integer" if whole.null_count() == number.null_count() else "float"), None


@dataclass(frozen=True)
class Writer:
    """Rows as minimally quoted CSV (RFC 4180), with the delimiter and the line ends of the input."""

    columns: tuple[str, ...]
    options: Options
    crlf: bool = False

    @classmethod
    def like(cls, reader: Any, blank: Frame, options: Options | None, digests: tuple[str, ...]) -> Writer:
        """For output of the columns of `blank`, in the manner of the input where that is CSV too. Text has no place
        for digests."""
        layout: Layout | None = getattr(reader, "layout", None)
        given = options or (layout.options if layout else Options())
        return cls(columns.names(blank), given, crlf=layout.crlf if layout else False)

    @property
    def _line_end(self) -> str:
        return "\r\n" if self.crlf else "\n"

    def encode(self, frame: Frame) -> list[bytes]:
        import polars as pl

        rows = columns.to_polars(frame)
        if rows.width == 1 and rows[:, 0].null_count():  # an empty line would be no row
            rows = rows.select(pl.all().cast(pl.String).fill_null(""))
        out: Any = _Pieces()
        try:
            rows.write_csv(out, include_header=False, separator=self.options.separator, line_terminator=self._line_end)
        except pl.exceptions.ComputeError as e:
            nested = [n for n, t in rows.schema.items() if t.is_nested() or t in (pl.Binary, pl.Object)]
            raise BadDataError(f"column {', '.join(map(printable, nested))} can't be written as CSV: {e}") from None
        written: list[bytes] = out.written
        return written

    def open(self, file: Outlet) -> Sink:
        if self.options.header:
            line = io.StringIO()
            csv.writer(line, delimiter=self.options.separator, lineterminator=self._line_end).writerow(self.columns)
            file.write(line.getvalue().encode())
        return Sink(file)


class _Pieces:
    """What polars writes, as it comes."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.written.append(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""


@dataclass(frozen=True)
class Sink:
    file: Outlet

    def write(self, piece: list[bytes]) -> None:
        for part in piece:
            self.file.write(part)

    def close(self) -> None:
        """Text needs no end mark."""
