"""Chunks of delimited text: parsed fast, and after an error row by row to locate it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct, field
from msgspec.structs import replace

from normcli.caching import cached_property
from normcli.columns import Infinite
from normcli.columns.polars_frame import PolarsFrame
from normcli.errors import BadPlaceError
from normcli.formats import PART, Decoded, load
from normcli.formats._delimited import native
from normcli.formats._delimited.faults import fault, hint_at
from normcli.formats._delimited.layout import Layout, without_missing
from normcli.formats._delimited.numbers import with_numbers
from normcli.formats._delimited.parsing import blank_rows, occurrences_within, parsed, row_bounds, without_blank_rows
from normcli.formats._delimited.row_check import RowCheck
from normcli.formats._delimited.straight import straight
from normcli.formats._text.cutting import Rows, parts
from normcli.formats._text.octets import NEWLINE, occurrences, row_ends
from normcli.formats._text.skipping import Judged, has_infinite, split, with_rejects

if TYPE_CHECKING:
    import polars as pl


class Chunk(Struct, frozen=True, dict=True):
    """Whole rows of text; `original_rows` is their text in the input where that differs."""

    can_end_segment: ClassVar[bool] = True
    layout: Layout
    rows: Rows
    original_rows: Rows | None = None
    doubts: native.Doubts = field(default_factory=native.Doubts)  # of the whole input

    @property
    def weight(self) -> int:
        return len(self.rows.data)

    @property
    def load(self) -> int:
        return load(len(self.rows.data), self._values)

    @cached_property
    def _lines(self) -> int:
        """How many end."""
        return occurrences(self.rows.data, NEWLINE) if self.rows.lines is None else self.rows.lines

    @property
    def _values(self) -> int:
        """How many there are, about."""
        return self._lines * len(self.layout.names)

    def parts(self, delimiter: str | None = None) -> Iterator[Chunk]:
        if delimiter == self.layout.separator and self._is_native(texts=True):
            count = len(self.rows.data) // native.PIECE  # which has no more than 2 * PART values: no need to count them
        else:
            count = 1 + self._values // PART if self._values >= 2 * PART else 1  # one of ordinary rows
        if count <= 1:
            yield self
            return
        for data in parts(self.rows.data, self.rows.quoted, count):
            yield Chunk(self.layout, Rows(data, self.rows.quoted and b'"' in data), doubts=self.doubts)

    @property
    def content(self) -> bytes:
        return self.rows.data

    @property
    def straight(self) -> Chunk:
        """The same rows as RFC 4180 has them."""
        if self.original_rows or self.layout.is_straight:
            return self
        data = straight(self.rows.data, self.layout.dialect, len(self.layout.names))
        return Chunk(self.layout, Rows(data, b'"' in data), self.rows)

    def decode(self, wanted: frozenset[str], infinite: Infinite = "error", *, skip: bool = False) -> Decoded:
        return self.straight._decoded(wanted, infinite, skip=skip)

    def with_content(self, content: bytes) -> Chunk:
        return Chunk(self.layout, Rows(content, self.rows.quoted), doubts=self.doubts)

    def compact(self, wanted: frozenset[str], infinite: Infinite, delimiter: str | None = None) -> Decoded | None:
        texts = delimiter is not None
        if (texts and delimiter != self.layout.separator) or not (wanted and self.rows.data):
            return None
        if not self._is_native(texts=texts):
            return None
        plain = _Plain(self.layout, wanted, infinite)
        return native.decoded(self.rows, self._lines, self.layout, wanted, self.doubts, plain, texts=texts)

    def _is_native(self, *, texts: bool) -> bool:
        """Whether the native kernel may parse it."""
        return self.original_rows is None and native.is_native(self.layout, texts=texts)

    def survey(self, wanted: frozenset[str], *, skip: bool = False) -> Decoded:
        decoded = self.straight._decoded(wanted, "missing", skip=skip, lenient=True)
        rows = decoded.frame.to_polars()
        texts = [name for name in rows.columns if name not in wanted]
        return replace(decoded, frame=PolarsFrame(without_missing(rows, texts, self.layout.missing)))

    def _decoded(
        self, wanted: frozenset[str], infinite: Infinite, *, skip: bool = False, lenient: bool = False
    ) -> Decoded:
        """A wanted column that holds what is no number is an error, or if `lenient` it is text, null where missing."""
        blank = 0
        frame = parsed(self.rows, self.layout, wanted)
        if frame is None:
            filled, blank = without_blank_rows(self.rows)
            frame = parsed(filled, self.layout, wanted) if blank else None
        numeric = None if frame is None else with_numbers(frame, self.layout, wanted, lenient=lenient)
        if skip and infinite == "error" and numeric is not None and has_infinite(numeric, wanted):
            numeric = None
        if frame is None or numeric is None:
            judged = frozenset[str]() if lenient else wanted
            if not skip:
                raise self._refused(judged, infinite)
            return self._skipped(wanted, infinite, judged, lenient=lenient)
        if not self.layout.dialect.is_plain:
            return Decoded(PolarsFrame(numeric), self.layout.places(self.rows.data), blank)
        within = sum(occurrences_within(s, "\n") for s in frame) if self.rows.quoted else 0
        return Decoded(PolarsFrame(numeric), numeric.height + blank + within, blank)

    def locate(self, row: int) -> int:
        if (other := self.straight) is not self:
            return other.locate(row)
        starts, _ = row_bounds(self.rows)
        return self._line(int(starts[~blank_rows(self.rows)][row]))

    # -- for columns of other types
    def before(self, place: int) -> Chunk:
        at = done = 0
        for start, row in self._rows():
            done += self.layout.places(row)
            if done > place:
                break
            at = start + len(row)
        part = self.rows.data[:at]
        return Chunk(self.layout, Rows(part, b'"' in part))

    def numbered(self) -> Iterator[tuple[int, bytes]]:
        place = 0
        for (_, row), original in zip(self.straight._rows(), self._original_rows(), strict=True):
            if row.strip(b"\r\n"):
                yield place, original
            place += self.layout.places(row)

    def words(self, series: pl.Series, kind: str) -> pl.Series:
        return self.layout.words(series, numbers=kind in ("int64", "float64"))

    # -- one row after the other, slowly
    def _rows(self) -> Iterator[tuple[int, bytes]]:
        """Where each row starts, and its text."""
        start = 0
        for end in row_ends(self.rows.data, self.rows.quoted).tolist():
            yield start, self.rows.data[start:end]
            start = end

    def _original_rows(self) -> Iterator[bytes]:
        """Each row as it stands in the input."""
        rows = Chunk(self.layout, self.original_rows or self.rows)._rows()
        return (self.layout.dialect.spelled(row) for _, row in rows)

    def _check(self, wanted: frozenset[str], infinite: Infinite) -> RowCheck:
        layout = self.layout
        numbers = {j: n for j, n in enumerate(layout.names) if n in wanted}
        finite = infinite == "error"
        return RowCheck(
            layout.separator, len(layout.names), numbers, layout.missing, finite, layout.dialect, layout.notation
        )

    def _refused(self, wanted: frozenset[str], infinite: Infinite) -> BadPlaceError:
        """The first error of the chunk, with its line, found row by row."""
        check = self._check(wanted, infinite)
        broken = fault(self.rows.data, self.layout.separator, self.rows.quoted)
        for (start, row), original in zip(self._rows(), self._original_rows(), strict=True):
            if broken and broken[0] < start + len(row):
                return self._at(*broken)
            what = check.fault(row, original)
            if what:
                return self._at(start, what, check.hint(row) if what.endswith("is not a number") else "")
        return self._at(0, f"the {self._line(len(self.rows.data))} lines from here can't be parsed")

    def _skipped(self, wanted: frozenset[str], infinite: Infinite, judged: frozenset[str], *, lenient: bool) -> Decoded:
        """Without the bad rows, among them those with what is no number in a column that is `judged`. Raises
        BadPlaceError for a broken quote: where that row ends is unknown."""
        good, rejects = split(self._judged(self._check(judged, infinite)))
        if not rejects:
            raise self._refused(judged, infinite)
        rows = Rows(good, b'"' in good)
        decoded = Chunk(self.layout, rows, rows)._decoded(wanted, infinite, lenient=lenient)
        return with_rejects(decoded, rejects, self.layout.places(self.rows.data))

    def _judged(self, check: RowCheck) -> Iterator[Judged]:
        place = 0
        for (_, row), original in zip(self._rows(), self._original_rows(), strict=True):
            wrong, lines = fault(row, check.delimiter, b'"' in row), row.replace(b"\r", b"")
            broken = fault(lines, check.delimiter, b'"' in row) if wrong else None
            if broken:
                within = self.layout.dialect.lines(lines, broken[0])
                hint = "a broken quote can't be skipped; --quote none takes quotes for text"
                raise BadPlaceError(place + within, broken[1], hint)
            what = self.layout.wording(wrong[1]) if wrong else check.fault(row, original)
            yield Judged(place, row, not row.strip(b"\r\n"), what, original)
            place += self.layout.places(row)

    def _at(self, position: int, what: str, hint: str = "") -> BadPlaceError:
        hint = hint or hint_at(what, self.rows.data, position, self.layout.separator)
        return BadPlaceError(self._line(position), self.layout.wording(what), hint)

    def _line(self, position: int) -> int:
        """The physical line, from 0, that a byte of the data stands on."""
        return self.layout.dialect.lines(self.rows.data, position)


class _Plain(Struct, frozen=True):
    """Decodes any rows of a layout without the kernel."""

    layout: Layout
    wanted: frozenset[str]
    infinite: Infinite

    def __call__(self, rows: Rows) -> Decoded:
        return Chunk(self.layout, rows)._decoded(self.wanted, self.infinite)
