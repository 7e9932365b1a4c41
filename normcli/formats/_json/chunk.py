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
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from normcli import columns
from normcli.columns import NUMERIC_WORD, Infinite
from normcli.columns.polars_frame import PolarsFrame
from normcli.errors import BadPlaceError, printable
from normcli.formats import Decoded, LateColumn, load
from normcli.formats._json.vectors import lists
from normcli.formats._text import cutting as text
from normcli.formats._text.inferring import TIMES
from normcli.formats._text.skipping import Judged, has_infinite, places, split, with_rejects

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["integer", "float", "empty", "string", "bool", "list", "json"]
Positions = NDArray[np.intp]

SPACE = b" \t\r\n"
HALF = re.compile(r"\\u[dD][89a-fA-F]..")  # of a pair of surrogates, or both
INTEGER = re.compile(r"-?\d+")
COLON, COMMA, OPEN, CLOSE, BACKSLASH = b":,{}\\"
STEP = np.zeros(256, np.int8)  # into and out of brackets
STEP[[OPEN, ord("[")]], STEP[[CLOSE, ord("]")]] = 1, -1
MARKS = bytes(c in b'":,{}[]' for c in range(256))  # what is looked at, by bytes.translate
NUMERIC = np.zeros(256, np.bool_)  # how a number begins
NUMERIC[list(b"-0123456789")] = True
BLANK = np.zeros(256, np.bool_)
BLANK[list(SPACE)] = True


@dataclass(frozen=True)
class Layout:
    """What all chunks of one input share: its keys and what they hold, going by the first rows."""

    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    sizes: dict[str, int] = field(default_factory=dict)  # of the lists of numbers, going by the first
    expected: frozenset[str] = frozenset()  # keys that the first rows do not have

    @cached_property
    def kind(self) -> dict[str, Kind]:
        return dict(zip(self.names, self.kinds, strict=True))

    @cached_property
    def positions(self) -> dict[str, int]:
        return {n: j for j, n in enumerate(self.names)}


# -- one line, slowly --------------------------------------------------------------------------------------------
class LineError(Exception):
    """What is wrong with a line."""


def line_hint(what: str, line: bytes) -> str:
    """What to do about a line with something wrong."""
    return text.encoding_hint(line) if what.startswith("not UTF-8") else text.SKIP


def members(line: bytes) -> list[tuple[str, Any]]:
    """The keys and values of a line that is an object; numbers stay text, marked as such. Raises LineError."""
    try:
        given = line.decode("utf-8").strip(SPACE.decode())
        found = json.loads(given, object_pairs_hook=_pairs, parse_float=Number, parse_int=Number, parse_constant=_word)
    except UnicodeDecodeError as e:
        raise LineError(f"not UTF-8: byte 0x{line[e.start]:02x}") from None
    except json.JSONDecodeError as e:
        raise LineError(f"not JSON at character {e.pos + 1}") from None
    except RecursionError:
        raise LineError("nested too deeply") from None
    if not isinstance(found, Members):
        raise LineError('not an object: each line is one, like {"a": 1}')
    if BACKSLASH in line and HALF.search(given):
        try:
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise LineError("an unpaired surrogate in a string") from None
    return found


class Number(str):
    """A number as it is written."""


class Members(list[tuple[str, Any]]):
    """An object's keys and values."""


def _pairs(pairs: list[tuple[str, Any]]) -> Members:
    return Members(pairs)


def _word(word: str) -> None:
    raise LineError(f"{word} is not JSON: null is a missing value")


@dataclass(frozen=True)
class LineCheck:
    """What every line must be like."""

    wanted: frozenset[str]
    finite: bool  # whether an infinite number is wrong
    lists: Mapping[str, int | None] = field(default_factory=dict)  # how long those are that a wanted column must hold

    def fault(self, line: bytes) -> str | None:
        """What is wrong with a line; nothing is with a blank one."""
        if not line.strip(SPACE):
            return None
        try:
            found = members(line)
        except LineError as e:
            return str(e)
        names = [n for n, _ in found]
        twice = text.first_twice(names)
        if twice is not None:
            return f"key '{printable(twice)}' is there twice"
        for name, value in found:
            if name not in self.wanted or value is None:
                continue
            what = self._fault(name, value)
            if what:
                return what
        return None

    def _fault(self, name: str, value: Any) -> str | None:
        """What is wrong with a value that is not null: it should be a number, or a list of them."""
        where, numbers = f"in column '{printable(name)}'", [value]
        if name in self.lists:
            if type(value) is not list:
                return f"{shown(value)} {where} is not a list of numbers"
            where_within, numbers = f"in a list {where}", [v for v in value if v is not None]
        else:
            where_within = where
        other = next((v for v in numbers if not isinstance(v, Number)), None)
        if other is not None:
            return f"{shown(other)} {where_within} is not a number"
        size = self.lists.get(name)
        if size is not None and len(value) != size:
            return f"a list of {len(value)} {where}, the others have {size}"
        infinite = self.finite and any(math.isinf(float(v)) for v in numbers)
        return f"infinite value {where}" if infinite else None


def shown(value: Any) -> str:
    """A value for a message."""
    if isinstance(value, Members):
        return "an object"
    if isinstance(value, Number):
        return printable(value[:80])
    return "a list" if isinstance(value, list) else printable(json.dumps(value, ensure_ascii=False)[:80])


def kind(values: list[Any], *, skip: bool = False) -> Kind:
    """What a key's values (not null) are; with `skip`, numbers where half of them are."""
    numbers = [v for v in values if isinstance(v, Number)]
    if skip and 2 * len(numbers) >= len(values):
        values = numbers
    if all(isinstance(v, Number) for v in values):
        whole = all(INTEGER.fullmatch(v) for v in values)
        return ("integer" if whole else "float") if values else "empty"
    if all(isinstance(v, bool) for v in values):
        return "bool"
    filled = [v for v in values if v != []]
    vectors = sum(type(v) is list and all(x is None or isinstance(x, Number) for x in v) for v in filled)
    if vectors > len(numbers) and 2 * vectors >= len(filled):
        return "list"  # a value that is none will be told with its line
    return "string" if all(type(v) is str for v in values) else "json"


# -- many lines, fast --------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Fields:
    """Where the keys and values of whole lines are: (fields,) each, in order."""

    rows: int
    row: Positions
    key: Positions  # just after the opening quote
    key_end: Positions
    value: Positions
    value_end: Positions
    places: int

    @classmethod
    def of(cls, data: bytes) -> Fields | None:
        """Of lines that are one object each, or blank; None where something is wrong."""
        import msgspec

        try:
            rows = len(msgspec.json.Decoder(type=_object()).decode_lines(data))
            data.decode("utf-8")  # msgspec does not look into what it passes over
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        view, ends = text.octets(data), text.row_ends(data, quoted=False)
        at = np.flatnonzero(text.octets(data.translate(MARKS)).view(np.bool_))
        if b"\\" in data:
            at = np.delete(at, _escaped(view, at))
        what = view.take(at)
        quote = what == text.QUOTE
        number = np.cumsum(quote, dtype=np.int32)  # of the last quote, from 1: odd within text
        outside, quotes = np.flatnonzero(~quote & (number & 1 == 0)), at.take(np.flatnonzero(quote))
        at, what, number = at.take(outside), what.take(outside), number.take(outside)
        depth = np.cumsum(STEP.take(what), dtype=np.int32)
        opens, closes = at[(what == OPEN) & (depth == 1)], (what == CLOSE) & (depth == 0)
        first, last = np.searchsorted(ends, opens, "right"), np.searchsorted(ends, at[closes], "right")
        if (first != last).any() or (np.diff(first) == 0).any():  # over two lines, or two in one
            return None
        colon, comma = (what == COLON) & (depth == 1), (what == COMMA) & (depth == 1)
        colons, close = at[colon], number[colon] - 1
        counts = np.diff(np.searchsorted(colons, at[closes]), prepend=0)
        comma[np.flatnonzero(closes)[counts > 0]] = True  # which end the last value
        value, value_end = _stripped(view, colons + 1, at[comma])
        return cls(
            rows,
            np.repeat(np.arange(rows), counts),
            quotes[close - 1] + 1,
            quotes[close],
            value,
            value_end,
            len(ends),
        )

    def series(self, data: bytes) -> tuple[pl.Series, pl.Series]:
        """The text of all keys, and of all values, where they lie."""
        import polars as pl
        import pyarrow as pa

        cuts = np.column_stack([self.key, self.key_end, self.value, self.value_end]).ravel()
        offsets = np.concatenate([[0], cuts, [len(data)]]).astype(np.int64)
        every = pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data))
        pieces = pl.Series(every)
        return pieces.gather_every(4, 1)[: len(self.row)], pieces.gather_every(4, 3)


@cache
def _object() -> type:
    """An object of whatever keys: msgspec checks what it passes over."""
    import msgspec

    return msgspec.defstruct("Object", [])


def _escaped(view: NDArray[np.uint8], at: Positions) -> Positions:
    """Which of the positions are of quotes after an odd number of backslashes."""
    slashes, quotes = np.flatnonzero(view == BACKSLASH), np.flatnonzero(view[at] == text.QUOTE)
    before = np.searchsorted(slashes, at[quotes]) - 1  # the last one before each quote
    number = np.arange(len(slashes))
    begins = np.concatenate([[True], np.diff(slashes) > 1])
    run = number - np.maximum.accumulate(np.where(begins, number, 0)) + 1  # how many in a row up to each
    escaped: Positions = quotes[(before >= 0) & (slashes[before] == at[quotes] - 1) & (run[before] % 2 == 1)]
    return escaped


def _stripped(view: NDArray[np.uint8], start: Positions, end: Positions) -> tuple[Positions, Positions]:
    """Without white space around."""
    for ends, step, offset in ((start, 1, 0), (end, -1, -1)):
        left = np.flatnonzero(BLANK[view[ends + offset]])
        while len(left):
            ends[left] += step
            left = left[BLANK[view[ends[left] + offset]]]
    return start, end


@dataclass(frozen=True)
class Chunk:
    """Whole lines."""

    can_end_segment: ClassVar[bool] = True
    layout: Layout
    data: bytes

    @property
    def weight(self) -> int:
        return len(self.data)

    @property
    def load(self) -> int:
        """Of each value, a parser in steps of numpy's holds places and lengths."""
        return load(len(self.data), 4 * text.occurrences(self.data, text.NEWLINE) * len(self.layout.names))

    @property
    def content(self) -> bytes:
        return self.data

    def decode(self, wanted: frozenset[str], infinite: Infinite = "error", *, skip: bool = False) -> Decoded:
        return self._decoded_or_refused(wanted, infinite, skip=skip)

    def survey(self, wanted: frozenset[str], *, skip: bool = False) -> Decoded:
        decoded = self._decoded_or_refused(wanted, "missing", skip=skip, lenient=True)
        frame, hidden = decoded.frame, decoded.frame.hidden
        given = columns.all_series(frame.select([n for n in frame.names if n not in hidden]).to_polars())
        made = {n: _no_number(s) if n in wanted else unquoted(s) for n, s in given.items()}
        return replace(decoded, frame=PolarsFrame(columns.text_frame(made)))

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
        unknown, found = {n for n, k in kinds.items() if k == "empty"}, []
        for line in self._lines() if unknown else ():
            with suppress(LineError):
                first = {n: v for n, v in members(line) if n in unknown and v is not None} if line.strip(SPACE) else {}
                found += [n for n, v in first.items() if type(v) is list]
                unknown -= first.keys()
        known = (n for n, k in kinds.items() if k == "list")
        return LineCheck(wanted, infinite == "error", {n: self.layout.sizes.get(n) for n in (*known, *found)})

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
        for end in text.row_ends(self.data, quoted=False).tolist():
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
        initial = text.octets(self.data)[fields.value]
        made: dict[str, pl.Series] = {}
        incomplete = np.empty(0, np.intp)  # rows without a key that is, or may be, one of lists
        for j, name in enumerate(self.layout.names):
            own = order[edges[j] : edges[j + 1]]
            taken, there = values.gather(pl.Series(own)), len(own) == fields.rows
            if not there:
                taken = pl.repeat(None, fields.rows, dtype=pl.String, eager=True).scatter(fields.row[own], taken)
            read = self._read(name, taken, initial[own], there=there) if name in wanted else taken
            if read is None and not lenient:
                return None
            made[name] = taken if read is None else read
            if name in wanted and not there and self.layout.kinds[j] in ("list", "empty"):
                lacking = np.delete(np.arange(fields.rows), fields.row[own])
                incomplete = np.union1d(incomplete, lacking)
        rest = self._rest(fields, names, codes, values, incomplete)
        if rest is None:
            return None
        frame = columns.with_hidden(columns.text_frame(made), rest)
        late = tuple(self._late(fields, names, codes))
        return Decoded(PolarsFrame(frame), fields.places, fields.places - fields.rows, late=late)

    def _late(self, fields: Fields, names: list[str], codes: Positions) -> Iterator[LateColumn]:
        """Keys that the first rows do not have."""
        late = [i for i, n in enumerate(names) if n not in self.layout.positions or n in self.layout.expected]
        for i in late:
            own = np.flatnonzero(codes == i)
            initial = text.octets(self.data)[fields.value[own]]
            there = own[initial != ord("n")]
            number = bool(NUMERIC[text.octets(self.data)[fields.value[there[0]]]]) if len(there) else None
            yield LateColumn(names[i], int(fields.row[there[0] if len(there) else own[0]]), number)

    def _read(self, name: str, taken: pl.Series, initial: NDArray[np.uint8], *, there: bool) -> pl.Series | None:
        """A selected column's text as numbers, or as lists of them; None where it is neither. `initial` is how the
        values that are there begin."""
        null, bracket = initial == ord("n"), initial == ord("[")
        kind = self.layout.kind[name]
        if kind == "list" or (kind == "empty" and bracket[~null][:1].any()):
            return lists(taken, self.layout.sizes.get(name)) if (bracket | null).all() else None
        return _numbers(taken, kind, there=there) if (NUMERIC[initial] | null).all() else None

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
            found = {names[codes[f]]: None if place[f] >= 0 else values[f] for f in range(int(a), int(b))}
            if len(found) < b - a:
                return None
            texts[row] = json.dumps(found).encode()
        rest = pl.Series([None], dtype=pl.Binary).new_from_index(0, fields.rows)
        return rest.scatter(list(texts), list(texts.values())) if texts else rest

    def _refused(self, wanted: frozenset[str], infinite: Infinite) -> BadPlaceError:
        """What is wrong, and on which line: the slow way, line by line, the first in the file."""
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


def _numbers(taken: pl.Series, kind: Kind, *, there: bool) -> pl.Series:
    """Of a selected column's text, numbers; or, where a key is not there, text with "" in its place."""
    import polars as pl

    if not there:
        filled = taken.fill_null("")
        return filled.set(filled == "null", None)
    if kind in ("integer", "empty"):
        whole = taken.cast(pl.Int64, strict=False)
        if whole.null_count() == (taken == "null").sum():
            return whole
        if len(columns.beyond_integers(taken, whole)):  # which are told by their text alone
            return taken.set(taken == "null", None)
    return taken.cast(pl.Float64, strict=False)


def _no_number(series: pl.Series) -> pl.Series:
    """Plain text as of `unquoted`, marked where it is a string: that is no number, though it may look like one."""
    import polars as pl

    plain = unquoted(series)
    if series.dtype != pl.String:
        return plain
    return (NUMERIC_WORD + plain).zip_with(series.str.starts_with('"').fill_null(value=False), plain)


def unquoted(series: pl.Series) -> pl.Series:
    """JSON as plain text: without quotes; null for null, and where the key is not there."""
    import polars as pl

    if series.dtype != pl.String:
        return series
    words = series.set(series.is_in(["", "null"]).fill_null(value=False), None)
    quoted = words.str.starts_with('"').fill_null(value=False)
    if not quoted.any():
        return words
    words = words.str.strip_prefix('"').str.strip_suffix('"').zip_with(quoted, words)
    escaped = (quoted & words.str.contains("\\", literal=True)).arg_true()
    return words.scatter(escaped, [json.loads(v) for v in series.gather(escaped)]) if len(escaped) else words
