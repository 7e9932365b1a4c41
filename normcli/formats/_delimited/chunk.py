"""Chunks of delimited text: parsed by polars as strictly as RFC 4180, and slowly again to say what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from normcli import columns
from normcli.columns import NUMERIC_WORD, Infinite
from normcli.columns.polars_frame import PolarsFrame
from normcli.errors import BadPlaceError
from normcli.formats import Decoded, load
from normcli.formats._delimited import remedies
from normcli.formats._delimited.dialect import Dialect
from normcli.formats._delimited.notation import PLAIN, Notation
from normcli.formats._delimited.straight import straight, without_spaces
from normcli.formats._text import cutting as text
from normcli.formats._text.skipping import Judged, has_infinite, split, with_rejects

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["integer", "float", "word", "text", "empty"]


@dataclass(frozen=True)
class Layout:
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
    def is_straight(self) -> bool:
        """Whether rows are as RFC 4180 has them, once they are respelled."""
        return not (self.dialect.spaced or self.dialect.trailing or self.dialect.padded)

    def without_spaces(self, data: bytes) -> bytes:
        """Some rows without the spaces that are none of their fields."""
        return without_spaces(data, self.dialect) if self.dialect.spaced else data

    def places(self, data: bytes) -> int:
        """How many lines there are; the last may do without a line end."""
        return self.dialect.lines(data) + (not data.endswith(b"\n") and bool(data))

    def said(self, what: str) -> str:
        """A fault in the words of the dialect."""
        return text.STRAY_NEWLINE if what == text.STRAY_RETURN and self.dialect.returns else what

    def types(self, wanted: frozenset[str], *, words: bool) -> list[Any]:
        """polars' types; with `words`, wanted columns are text, too, because something in them is no number."""
        import polars as pl

        number: dict[Kind, Any] = {"integer": pl.Int64, "float": pl.Float64, "empty": pl.Float64}
        both = zip(self.names, self.kinds, strict=True)
        return [number.get(k, pl.String) if n in wanted and not words else pl.String for n, k in both]

    @cached_property
    def numeric_words(self) -> list[str]:
        """Words that mean missing and look like a number: no parser of numbers may see them."""
        looks = (w for w in self.missing if text.NUMBER.fullmatch(w) or self.notation.matches(w))
        return [w for w in looks if w.lower().strip("+-") != "nan"]

    def as_numbers(self, words: pl.Series) -> pl.Series:
        """Text that is present as plain numbers; what is none, as what is none in any notation."""
        return words if self.notation.is_plain else self.notation.all_plain(words).fill_null(NUMERIC_WORD + words)

    def remedy(self, word: str, others: Iterable[str]) -> str:
        """What takes a word of a column with `others` that is no number, if something is known."""
        return remedies.remedy(word, others, self.missing, self.notation, self.separator)


@dataclass(frozen=True)
class Chunk:
    """Whole rows of text; they may have been `given` in another form."""

    can_end_segment: ClassVar[bool] = True
    layout: Layout
    rows: text.Rows
    given: text.Rows | None = None

    @property
    def weight(self) -> int:
        return len(self.rows.data)

    @property
    def load(self) -> int:
        return load(len(self.rows.data), text.occurrences(self.rows.data, text.NEWLINE) * len(self.layout.names))

    @property
    def content(self) -> bytes:
        return self.rows.data

    @property
    def straight(self) -> Chunk:
        """The same rows as RFC 4180 has them."""
        if self.given or self.layout.is_straight:
            return self
        data = straight(self.rows.data, self.layout.dialect, len(self.layout.names))
        return Chunk(self.layout, text.Rows(data, b'"' in data), self.rows)

    def decode(self, wanted: frozenset[str], infinite: Infinite = "error", *, skip: bool = False) -> Decoded:
        return self.straight._decoded(wanted, infinite, skip=skip)

    def survey(self, wanted: frozenset[str], *, skip: bool = False) -> Decoded:
        decoded = self.straight._decoded(wanted, "missing", skip=skip, lenient=True)
        rows = decoded.frame.to_polars()
        texts = [name for name in rows.columns if name not in wanted]
        return replace(decoded, frame=PolarsFrame(without_missing(rows, texts, self.layout.missing)))

    def _decoded(
        self, wanted: frozenset[str], infinite: Infinite, *, skip: bool = False, lenient: bool = False
    ) -> Decoded:
        """A wanted column that holds what is no number is an error, or if `lenient` it is text, null where missing."""
        data, blank = self.rows.data, 0
        frame = self._parsed(data, wanted)
        if frame is None:
            data, blank = self._without_blank_lines()
            frame = self._parsed(data, wanted) if blank else None
        checked = None if frame is None else self._checked(frame, wanted, lenient=lenient)
        if skip and infinite == "error" and checked is not None and has_infinite(checked, wanted):
            checked = None
        if frame is None or checked is None:
            judged = frozenset[str]() if lenient else wanted
            if not skip:
                raise self._refused(judged, infinite)
            return self._skipped(wanted, infinite, judged, lenient=lenient)
        if not self.layout.dialect.is_plain:
            return Decoded(PolarsFrame(checked), self.layout.places(self.rows.data), blank)
        within = sum(_occurrences(s, "\n") for s in frame) if self.rows.quoted else 0
        return Decoded(PolarsFrame(checked), checked.height + blank + within, blank)

    def locate(self, row: int) -> int:
        if (other := self.straight) is not self:
            return other.locate(row)
        ends = text.row_ends(self.rows.data, self.rows.quoted)
        starts = np.concatenate([[0], ends[:-1]])
        return self._line(int(starts[~self._blank(starts, ends)][row]))

    # -- for columns of other types
    def before(self, place: int) -> Chunk:
        at = done = 0
        for start, row in self._rows():
            done += self.layout.places(row)
            if done > place:
                break
            at = start + len(row)
        part = self.rows.data[:at]
        return Chunk(self.layout, text.Rows(part, b'"' in part))

    def numbered(self) -> Iterator[tuple[int, bytes]]:
        place = 0
        for (_, row), given in zip(self.straight._rows(), self._as_given(), strict=True):
            if row.strip(b"\r\n"):
                yield place, given
            place += self.layout.places(row)

    def words(self, series: pl.Series, kind: str) -> pl.Series:
        words = present(series, self.layout.missing)
        return self.layout.as_numbers(words) if kind in ("int64", "float64") else words

    # -- parsing
    def _parsed(self, data: bytes, wanted: frozenset[str]) -> pl.DataFrame | None:
        """The rows, one for one, or None where something is wrong."""
        import polars as pl

        if text.fault(data, self.layout.separator, self.rows.quoted):
            return None
        numbers = wanted and self.layout.notation.is_plain and not self.layout.numeric_words
        for words in (False, True) if numbers else (True,):
            types = {str(j): t for j, t in enumerate(self.layout.types(wanted, words=words))}
            if not data:
                frame = pl.DataFrame(schema=types)
            else:
                try:
                    frame = pl.read_csv(
                        text.BOM + data if data.startswith(text.BOM) else data,  # polars drops one, here it is data
                        has_header=False,
                        schema=types,
                        separator=self.layout.separator,
                        quote_char='"' if self.rows.quoted else None,
                    )
                except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
                    continue
            if not words and (any(_has_nan(s) for s in frame) or self._has_spaces(frame, data)):
                continue  # how it was spelled is to be kept
            frame.columns = list(self.layout.names)  # names are data, and polars takes some for patterns
            return None if self._has_short(frame, data) or self._ends_long(data) else self._meant(frame, data)
        return None

    def _has_spaces(self, frame: pl.DataFrame, data: bytes) -> bool:
        """Whether a field may be spaces alone, which are null among numbers."""
        if not any(s.null_count() for s in frame if s.dtype.is_numeric()):
            return False
        before = (ord(self.layout.separator), text.NEWLINE, text.QUOTE)
        first = data[:1] in (b" ", b"\t") or any(text.is_behind(data, octet, before) for octet in b" \t")
        return first and _spaces(self.layout.separator).search(data) is not None  # which takes longer

    def _meant(self, frame: pl.DataFrame, data: bytes) -> pl.DataFrame | None:
        """What the columns mean, None where that is in doubt."""
        dialect = self.layout.dialect
        if dialect.is_plain:
            return frame
        return None if dialect.any_doubtful(frame, data, self.layout.missing) else dialect.all_meant(frame, data)

    def _has_short(self, frame: pl.DataFrame, data: bytes) -> bool:
        """Whether a row is blank or short. Its last field is null then; and as none is long, there are just enough
        delimiters if and only if no row has too few."""
        if not frame[:, -1].null_count():
            return False
        if frame.width == 1:
            ends = text.row_ends(data, self.rows.quoted)
            return bool(self._blank(np.concatenate([[0], ends[:-1]]), ends, data).any())
        found = text.occurrences(data, ord(self.layout.separator))
        if self.rows.quoted:
            found -= sum(_occurrences(s, self.layout.separator) for s in frame)
        return found != frame.height * (frame.width - 1)

    def _ends_long(self, data: bytes) -> bool:
        """Whether the last row is long: of all others polars says so."""
        start = data.rfind(b"\n", 0, max(len(data) - 1, 0)) + 1
        if self.rows.quoted and data.count(b'"', start) % 2:
            ends = text.row_ends(data, quoted=True)
            start = int(ends[-2]) if len(ends) > 1 else 0
        row = data[start:]
        return bool(row.strip(b"\r\n")) and len(text.split_row(row, self.layout.separator)) > len(self.layout.names)

    def _without_blank_lines(self) -> tuple[bytes, int]:
        data = self.rows.data
        ends = text.row_ends(data, self.rows.quoted)
        starts = np.concatenate([[0], ends[:-1]])
        blank = np.flatnonzero(self._blank(starts, ends))
        edges = [0, *(int(e) for b in blank for e in (starts[b], ends[b])), len(data)]
        return b"".join(data[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)), len(blank)

    def _blank(self, starts: Any, ends: Any, data: bytes | None = None) -> Any:
        """(rows,) which rows are nothing but a line end."""
        view = text.octets(self.rows.data if data is None else data)
        first, second = view[starts], view[np.minimum(starts + 1, len(view) - 1)]
        alone = (first == text.NEWLINE) | ((first == text.RETURN) & ((ends - starts == 1) | (second == text.NEWLINE)))
        return alone & (ends - starts <= 2)

    # -- checking
    def _checked(self, frame: pl.DataFrame, wanted: frozenset[str], *, lenient: bool) -> pl.DataFrame | None:
        """Wanted columns that were read as text become numbers, or stay text where they hold words that mean
        missing; None where they hold others, unless `lenient`: then these stay, and what is missing is null."""
        import polars as pl

        checked = columns.all_series(frame)
        for n in (n for n, t in frame.schema.items() if n in wanted and t == pl.String):
            numbers = self._numbers(checked[n])
            if numbers is None and not lenient:
                return None
            if numbers is None:
                numbers = self.words(checked[n], "float64")
            elif lenient and numbers.dtype == pl.String:
                numbers = columns.without_words(numbers)
            checked[n] = numbers
        return columns.text_frame(checked)

    def _numbers(self, raw: pl.Series) -> pl.Series | None:
        """A wanted column of text as `_checked` gives it; text that stays has its numbers plain."""
        import polars as pl

        stripped, layout = raw.str.strip_chars(" \t"), self.layout
        plain = layout.notation.all_plain(stripped)
        number = plain.cast(pl.Float64, strict=False)
        word = (number.is_null() | number.is_nan()) & raw.is_not_null() & (raw != "")
        if not word.any() and not layout.numeric_words:
            whole = plain.cast(pl.Int64, strict=False)
            if whole.null_count() == number.null_count():
                return whole
            if not len(columns.beyond_integers(plain, whole)):  # which are told by their text alone
                return number
            return raw if layout.notation.is_plain else plain
        missing = stripped.is_in(list(layout.missing)) | (stripped == "")
        if (number.is_null() & word & ~missing).any():
            return None
        text = raw if layout.notation.is_plain else raw.zip_with(missing | plain.is_null(), plain)
        if layout.numeric_words:
            looks = number if layout.notation.is_plain else stripped.cast(pl.Float64, strict=False)
            text = (NUMERIC_WORD + raw).zip_with(missing & looks.is_not_null() & looks.is_not_nan(), text)
        return text

    def _rows(self) -> Iterator[tuple[int, bytes]]:
        """Where each row starts, and its text."""
        start = 0
        for end in text.row_ends(self.rows.data, self.rows.quoted).tolist():
            yield start, self.rows.data[start:end]
            start = end

    def _as_given(self) -> Iterator[bytes]:
        """Each row as it stands in the input."""
        rows = Chunk(self.layout, self.given or self.rows)._rows()
        return (self.layout.dialect.spelled(row) for _, row in rows)

    def _check(self, wanted: frozenset[str], infinite: Infinite) -> text.RowCheck:
        layout = self.layout
        numbers = {j: n for j, n in enumerate(layout.names) if n in wanted}
        finite = infinite == "error"
        return text.RowCheck(
            layout.separator, len(layout.names), numbers, layout.missing, finite, layout.dialect, layout.notation
        )

    def _refused(self, wanted: frozenset[str], infinite: Infinite) -> BadPlaceError:
        """What is wrong, and on which line: the slow way, row by row, the first in the file."""
        check = self._check(wanted, infinite)
        fault = text.fault(self.rows.data, self.layout.separator, self.rows.quoted)
        for (start, row), given in zip(self._rows(), self._as_given(), strict=True):
            if fault and fault[0] < start + len(row):
                return self._at(*fault)
            what = check.fault(row, given)
            if what:
                return self._at(start, what, check.hint(row) if what.endswith("is not a number") else "")
        return self._at(0, f"the {self._line(len(self.rows.data))} lines from here can't be parsed")

    def _skipped(self, wanted: frozenset[str], infinite: Infinite, judged: frozenset[str], *, lenient: bool) -> Decoded:
        """Without the bad rows, among them those with what is no number in a column that is `judged`. Raises
        BadPlaceError for a broken quote: nobody knows where that row ends."""
        good, rejects = split(self._judged(self._check(judged, infinite)))
        if not rejects:
            raise self._refused(judged, infinite)
        rows = text.Rows(good, b'"' in good)
        whole = Chunk(self.layout, rows, rows)._decoded(wanted, infinite, lenient=lenient)
        return with_rejects(whole, rejects, self.layout.places(self.rows.data))

    def _judged(self, check: text.RowCheck) -> Iterator[Judged]:
        place = 0
        for (_, row), given in zip(self._rows(), self._as_given(), strict=True):
            fault, lines = text.fault(row, check.delimiter, b'"' in row), row.replace(b"\r", b"")
            broken = text.fault(lines, check.delimiter, b'"' in row) if fault else None
            if broken:
                within = self.layout.dialect.lines(lines, broken[0])
                hint = "a broken quote can't be skipped; --quote none takes quotes for text"
                raise BadPlaceError(place + within, broken[1], hint)
            what = self.layout.said(fault[1]) if fault else check.fault(row, given)
            yield Judged(place, row, not row.strip(b"\r\n"), what, given)
            place += self.layout.places(row)

    def _at(self, position: int, what: str, hint: str = "") -> BadPlaceError:
        hint = hint or text.hint(what, self.rows.data, position, self.layout.separator)
        return BadPlaceError(self._line(position), self.layout.said(what), hint)

    def _line(self, position: int) -> int:
        """The physical line, from 0, that a byte of the data stands on."""
        return self.layout.dialect.lines(self.rows.data, position)


def present(series: pl.Series, missing: frozenset[str]) -> pl.Series:
    """Text without spaces around, null where it is missing."""
    words = series.str.strip_chars(" \t")
    return words.set((words == "") | words.is_in(list(missing)), None)


def without_missing(rows: pl.DataFrame, wanted: Iterable[str], missing: frozenset[str]) -> pl.DataFrame:
    """Text as it stands, null where it is missing in the wanted columns: in one query, for there may be thousands."""
    import polars as pl

    places, plain = {n: j for j, n in enumerate(rows.columns)}, columns.numbered_columns(rows)
    texts = [pl.col(str(places[name])) for name in wanted]
    words = [text.str.strip_chars(" \t") for text in texts]
    gone = ((word == "") | word.is_in(list(missing)) for word in words)
    made = plain.with_columns(pl.when(~none).then(text) for text, none in zip(texts, gone, strict=True))
    made.columns = rows.columns
    return made


def _occurrences(series: pl.Series, separator: str) -> int:
    import polars as pl

    words = series.alias("")
    return int(words.str.count_matches(separator, literal=True).sum() or 0) if words.dtype == pl.String else 0


@cache
def _spaces(separator: str) -> re.Pattern[bytes]:
    """What may be a field of spaces alone: in quotes, or between separators or line ends."""
    plain = " \t".replace(separator, "")
    edge = re.escape(separator)
    return re.compile(f'"[ \t]+"|(?:^|[{edge}\n])[{plain}]+(?:[{edge}\r\n]|$)'.encode())


def _has_nan(series: pl.Series) -> bool:
    total = series.sum() if series.dtype.is_float() else 0.0
    return bool(total != total and series.is_nan().any())
