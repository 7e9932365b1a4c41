"""Chunks of NDJSON: lines checked by msgspec, split where their keys and values are by numpy, and slowly again to say
what is wrong.

Values of columns that are not selected stay the text that they were. In a frame, a selected column is null where the
value is, and text with "" where the key is not there, or if it is one of lists, null in either case; any other is
text, null where the key is not there. One more column, a hidden one, is null but for rows that have keys in another
order, or keys that the first rows do not have, or that lack one of lists: it holds the row's keys as they come, as JSON
with the values of unknown ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from normcli import columns
from normcli.caching import cached_property
from normcli.columns import Infinite
from normcli.columns.polars_frame import PolarsFrame
from normcli.errors import BadPlaceError
from normcli.formats import PART, Decoded, LateColumn, load
from normcli.formats._json.fields import Fields, Positions
from normcli.formats._json.layout import Kind, Layout
from normcli.formats._json.members import SPACE, LineCheck, LineError, line_hint, members
from normcli.formats._json.values import marked, unquoted
from normcli.formats._json.vectors import lists
from normcli.formats._text.cutting import parts
from normcli.formats._text.inferring import TIMES
from normcli.formats._text.octets import NEWLINE, occurrences, octets, row_ends
from normcli.formats._text.skipping import Judged, has_infinite, places, split, with_rejects

if TYPE_CHECKING:
    import polars as pl

NUMERIC = np.zeros(256, np.bool_)  # how a number begins
NUMERIC[list(b"-0123456789")] = True


class Chunk(Struct, frozen=True, dict=True):
    """Whole lines."""

    can_end_segment: ClassVar[bool] = True
    layout: Layout
    data: bytes

    @property
    def weight(self) -> int:
        return len(self.data)

    @property
    def load(self) -> int:
        return load(len(self.data), self._values)

    @cached_property
    def _values(self) -> int:
        """How many there are, about, four times: a parser in steps of numpy's holds places and lengths of each."""
        return 4 * occurrences(self.data, NEWLINE) * len(self.layout.names)

    def parts(self, delimiter: str | None = None) -> Iterator[Chunk]:
        if self._values < 2 * PART:  # as of ordinary rows
            yield self
            return
        for data in parts(self.data, quoted=False, count=1 + self._values // PART):
            yield Chunk(self.layout, data)

    @property
    def content(self) -> bytes:
        return self.data

    def decode(self, wanted: frozenset[str], infinite: Infinite = "error", *, skip: bool = False) -> Decoded:
        return self._decoded_or_refused(wanted, infinite, skip=skip)

    def with_content(self, content: bytes) -> Chunk:
        return Chunk(self.layout, content)

    def compact(self, wanted: frozenset[str], infinite: Infinite, delimiter: str | None = None) -> None:
        return None

    def survey(self, wanted: frozenset[str], *, skip: bool = False) -> Decoded:
        decoded = self._decoded_or_refused(wanted, "missing", skip=skip, lenient=True)
        frame, hidden = decoded.frame, decoded.frame.hidden
        series = columns.all_series(frame.select([n for n in frame.names if n not in hidden]).to_polars())
        plain = {n: marked(s) if n in wanted else unquoted(s) for n, s in series.items()}
        return replace(decoded, frame=PolarsFrame(columns.text_frame(plain)))

    def _decoded_or_refused(
        self, wanted: frozenset[str], infinite: Infinite, *, skip: bool, lenient: bool = False
    ) -> Decoded:
        """As `decode`; a wanted column that holds what is no number is an error, or if `lenient` text."""
        fields = Fields.of(self.data)
        decoded = None if fields is None else self._decoded(fields, wanted, lenient=lenient)
        if skip and infinite == "error" and decoded is not None and has_infinite(decoded.frame.to_polars(), wanted):
            decoded = None
        if decoded is not None:
            return decoded
        judged = frozenset[str]() if lenient else wanted
        good, rejects = split(self._judged(self._check(judged, infinite))) if skip else (b"", ())
        if not rejects:
            raise self._refused(judged, infinite)
        rows = Chunk(self.layout, good)._decoded_or_refused(wanted, infinite, skip=False, lenient=lenient)
        return with_rejects(rows, rejects, places(self.data))

    def _check(self, wanted: frozenset[str], infinite: Infinite) -> LineCheck:
        """What every line must be like. Where the first rows did not tell, a column's first value here does."""
        kinds = {n: self.layout.kind.get(n, "empty") for n in wanted}
        unknown, lists = {n for n, k in kinds.items() if k == "empty"}, []
        for line in self._lines() if unknown else ():
            with suppress(LineError):
                first = {n: v for n, v in members(line) if n in unknown and v is not None} if line.strip(SPACE) else {}
                lists += [n for n, v in first.items() if type(v) is list]
                unknown -= first.keys()
        known = (n for n, k in kinds.items() if k == "list")
        return LineCheck(wanted, infinite == "error", {n: self.layout.sizes.get(n) for n in (*known, *lists)})

    def _judged(self, check: LineCheck) -> Iterator[Judged]:
        for place, line in enumerate(self._lines()):
            yield Judged(place, line, not line.strip(SPACE), check.fault(line))

    def locate(self, row: int) -> int:
        filled = (place for place, line in enumerate(self._lines()) if line.strip(SPACE))
        return next(place for number, place in enumerate(filled) if number == row)

    def before(self, place: int) -> Chunk:
        return Chunk(self.layout, b"".join(islice(self._lines(), place)))

    def numbered(self) -> Iterator[tuple[int, bytes]]:
        return ((place, line) for place, line in enumerate(self._lines()) if line.strip(SPACE))

    def words(self, series: pl.Series, kind: str) -> pl.Series:
        words = series.set((series == "null").fill_null(value=False), None)
        return words.str.replace('^"(.*)"$', "$1") if kind in TIMES else words

    def _lines(self) -> Iterator[bytes]:
        start = 0
        for end in row_ends(self.data, quoted=False).tolist():
            yield self.data[start:end]
            start = end

    def _decoded(self, fields: Fields, wanted: frozenset[str], *, lenient: bool) -> Decoded | None:
        """With a column for each key of the layout; None where a selected one holds what is no number; if `lenient`,
        that is text."""
        import polars as pl

        keys, values = fields.series(self.data)
        names, codes = _coded(keys, self.layout.positions)
        known = np.array([self.layout.positions.get(n, len(self.layout.names)) for n in names], np.intp)
        column = known[codes]
        order = np.argsort(column.astype(np.uint16) if len(self.layout.names) < 1 << 16 else column, kind="stable")
        edges = np.searchsorted(column[order], np.arange(len(self.layout.names) + 1))
        initial = octets(self.data)[fields.value]
        columns_read: dict[str, pl.Series] = {}
        incomplete = np.empty(0, np.intp)  # rows without a key that is, or may be, one of lists
        for j, name in enumerate(self.layout.names):
            of_name = order[edges[j] : edges[j + 1]]
            taken, complete = values.gather(pl.Series(of_name)), len(of_name) == fields.rows
            if not complete:
                taken = pl.repeat(None, fields.rows, dtype=pl.String, eager=True).scatter(fields.row[of_name], taken)
            read = self._read(name, taken, initial[of_name], complete=complete) if name in wanted else taken
            if read is None and not lenient:
                return None
            columns_read[name] = taken if read is None else read
            if name in wanted and not complete and self.layout.kinds[j] in ("list", "empty"):
                lacking = np.delete(np.arange(fields.rows), fields.row[of_name])
                incomplete = np.union1d(incomplete, lacking)
        rest = self._rest(fields, names, codes, values, incomplete)
        if rest is None:
            return None
        frame = columns.with_hidden(columns.text_frame(columns_read), rest)
        late = tuple(self._late(fields, names, codes))
        return Decoded(PolarsFrame(frame), fields.places, fields.places - fields.rows, late=late)

    def _late(self, fields: Fields, names: list[str], codes: Positions) -> Iterator[LateColumn]:
        """Keys that the first rows do not have."""
        late = [i for i, n in enumerate(names) if n not in self.layout.positions or n in self.layout.expected]
        for i in late:
            of_key = np.flatnonzero(codes == i)
            initial = octets(self.data)[fields.value[of_key]]
            filled = of_key[initial != ord("n")]
            number = bool(NUMERIC[octets(self.data)[fields.value[filled[0]]]]) if len(filled) else None
            yield LateColumn(names[i], int(fields.row[filled[0] if len(filled) else of_key[0]]), number)

    def _read(self, name: str, taken: pl.Series, initial: NDArray[np.uint8], *, complete: bool) -> pl.Series | None:
        """A selected column's text as numbers, or as lists of them; None where it is neither. `initial` is how the
        values that are there begin."""
        null, bracket = initial == ord("n"), initial == ord("[")
        kind = self.layout.kind[name]
        if kind == "list" or (kind == "empty" and bracket[~null][:1].any()):
            return lists(taken, self.layout.sizes.get(name)) if (bracket | null).all() else None
        return _numbers(taken, kind, complete=complete) if (NUMERIC[initial] | null).all() else None

    def _rest(
        self, fields: Fields, names: list[str], codes: Positions, values: pl.Series, incomplete: Positions
    ) -> pl.Series | None:
        """The hidden column, of `incomplete` rows, too; None where a key is twice in a row."""
        import polars as pl

        place = np.array([self.layout.positions.get(n, -1) for n in names], np.intp)[codes]
        same = np.diff(fields.row, prepend=-1) == 0
        odd = (place < 0) | (same & (np.diff(place, prepend=-1) <= 0))
        texts: dict[int, bytes] = {}
        for row in np.union1d(fields.row[odd], incomplete).tolist():
            a, b = np.searchsorted(fields.row, [row, row + 1])
            keys = {names[codes[f]]: None if place[f] >= 0 else values[f] for f in range(int(a), int(b))}
            if len(keys) < b - a:
                return None
            texts[row] = json.dumps(keys).encode()
        rest = pl.Series([None], dtype=pl.Binary).new_from_index(0, fields.rows)
        return rest.scatter(list(texts), list(texts.values())) if texts else rest

    def _refused(self, wanted: frozenset[str], infinite: Infinite) -> BadPlaceError:
        """The first error of the chunk, with its line, found line by line."""
        check = self._check(wanted, infinite)
        for place, line in enumerate(self._lines()):
            what = check.fault(line)
            if what:
                return BadPlaceError(place, what, line_hint(what, line))
        return BadPlaceError(0, "the lines from here can't be parsed")


def _coded(keys: pl.Series, positions: dict[str, int]) -> tuple[list[str], Positions]:
    """The names that there are, and for each field which one it has."""
    import polars as pl

    spelled = keys.unique(maintain_order=True)
    which = np.asarray(keys.cast(pl.Enum(spelled)).to_physical().to_numpy(), np.intp)
    read = [json.loads(f'"{s}"') if "\\" in s else s for s in spelled.to_list()]
    codes = {n: j for j, n in enumerate(dict.fromkeys(read))}
    return list(codes), np.array([codes[n] for n in read], np.intp)[which]


def _numbers(taken: pl.Series, kind: Kind, *, complete: bool) -> pl.Series:
    """Of a selected column's text, numbers; or, where a key is not there, text with "" in its place."""
    import polars as pl

    if not complete:
        filled = taken.fill_null("")
        return filled.set(filled == "null", None)
    if kind in ("integer", "empty"):
        integers = taken.cast(pl.Int64, strict=False)
        if integers.null_count() == (taken == "null").sum():
            return integers
        if len(columns.beyond_integers(taken, integers)):  # which only their text tells apart
            return taken.set(taken == "null", None)
    return taken.cast(pl.Float64, strict=False)
