"""NDJSON: an object on each line. Numbers of selected keys are normalized, all else stays what it was."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from normcli import columns
from normcli.columns import Field, Frame, Schema
from normcli.columns.polars_frame import PolarsFrame
from normcli.errors import BadDataError, BadRowError, EmptyInputError, printable
from normcli.formats import Chunk as AnyChunk
from normcli.formats import Format, Outlet
from normcli.formats._json import vectors
from normcli.formats._json.chunk import (
    SPACE,
    Chunk,
    Kind,
    Layout,
    LineCheck,
    Number,
    kind,
    line_hint,
    members,
    shown,
    unquoted,
)
from normcli.formats._text import cutting as text
from normcli.formats._text import inferring
from normcli.formats._text.pieces import Pieces, Sink
from normcli.io.sources import Source

if TYPE_CHECKING:
    import polars as pl

SAMPLE = 1 << 20, 1000  # keys and types are told from so many bytes of whole lines, and no more rows than this
STRIP = 1 << 16  # values that are written at once
TYPES: dict[Kind, str] = {"integer": "int64", "float": "float64", "empty": "null", "list": "large_list<float64>"}


@dataclass(frozen=True, kw_only=True)
class Options:
    """How the text is to be read."""

    infer_types: inferring.Asked = False

    def check(self) -> None:
        """Nothing to contradict."""


class Reader:
    """An NDJSON input, cut into chunks; its columns are the keys of its first rows."""

    typed = False
    unit = "B"
    start = comments = early = 0
    doubt = ""
    indexes = identifiers = frozenset[str]()
    hint = ""
    notices: tuple[str, ...] = ()

    def __init__(self, source: Source, options: Options, *, block_size: int | None = None, skip: bool = False) -> None:
        """With `skip`, bad rows are no obstacle, and a key of which half the values are numbers is to hold some."""
        self.source = source
        self._skip = skip
        self.digests: tuple[str, ...] = ()
        self.doubts: dict[str, str] = {}
        self.nearly: dict[str, str] = {}
        self.others: dict[str, str] = {}
        self.inferred: dict[str, inferring.Type] = {}
        self._infer = options.infer_types
        self._block = block_size or text.BLOCK
        self._complete = False  # whether the first rows are all
        self.layout = self._layout(self._sample())
        self.size = source.size

    def name(self, place: int) -> str:
        return f"{self.source.name}:{place + 1}"

    @property
    def schema(self) -> Schema:
        both = zip(self.layout.names, self.layout.kinds, strict=True)
        return tuple(Field(n, TYPES.get(k, k)) for n, k in both)

    def blank(self, wanted: frozenset[str]) -> Frame:
        import polars as pl

        number = {n: pl.List(pl.Float64) if k == "list" else pl.Float64 for n, k in self.layout.kind.items()}
        made = {n: pl.Series(dtype=number[n] if n in wanted else pl.String) for n in self.layout.names}
        typed = inferring.typed(columns.text_frame(made), self.inferred)
        return PolarsFrame(columns.with_hidden(typed, pl.Series(dtype=pl.Binary)))

    def list_size(self, name: str) -> int:
        size = self.layout.sizes[name]
        if not size:
            what = f"{self.source.name}: there is an empty list in column '{printable(name)}'"
            raise BadDataError(what, f"-x {printable(name)} leaves it out")
        return size

    @property
    def plain(self) -> Plain:
        return Plain(self.layout.names)

    @property
    def expected(self) -> frozenset[str]:
        return self.layout.expected

    def expect(self, names: Sequence[str]) -> None:
        more = () if self._complete else tuple(dict.fromkeys(n for n in names if n not in self.layout.kind))
        if more:
            layout, kinds = self.layout, tuple[Kind, ...]("empty" for _ in more)
            expected = layout.expected.union(more)
            self.layout = Layout((*layout.names, *more), (*layout.kinds, *kinds), layout.sizes, expected)

    def chunks(self, needed: Sequence[str] | None = None) -> Iterator[AnyChunk]:
        for rows in text.cut(self.source, delimiter=None, size=self._block):
            yield inferring.chunk(Chunk(self.layout, rows.data), self.inferred)
            del rows  # whose memory is wanted again

    def close(self) -> None:
        self.source.close()

    def _sample(self) -> list[bytes]:
        """The first lines."""
        text.begin(self.source)
        head = text.head(self.source, SAMPLE[0], lambda data: data.lstrip(SPACE).count(b"\n"), 1)
        if not head.strip(SPACE):
            raise EmptyInputError(f"{self.source.name}: is empty", "did the command that made it fail?")
        self._complete = len(head) < SAMPLE[0]
        whole = head if self._complete else head[: head.rfind(b"\n") + 1] or head
        return whole.split(b"\n")

    def _layout(self, lines: list[bytes]) -> Layout:
        """The keys, each after the one that it follows where it is first met, and what they hold."""
        check = LineCheck(frozenset(), finite=False)
        values: dict[str, list[tuple[int, Any]]] = {}
        order: list[str] = []
        rows = 0
        for place, line in enumerate(lines):
            what = check.fault(line)
            if what and not self._skip:
                raise BadDataError(f"{self.name(place)}: {what}", line_hint(what, line))
            if what or not line.strip(SPACE):
                continue
            before = None
            for name, value in members(line):
                if name not in values:
                    values[name] = []
                    if order and before == order[-1]:  # of a hundred thousand, there is no need to look for it
                        order.append(name)
                    else:
                        order.insert(0 if before is None else order.index(before) + 1, name)
                values[name] += [(place, value)] if value is not None else []
                before = name
            rows += 1
            if rows == SAMPLE[1]:
                self._complete = False
                break
        kinds = {n: kind([v for _, v in values[n]], skip=self._skip) for n in order}
        if self._infer:
            self.inferred = {n: _inferred(kinds[n], [v for _, v in values[n]]) for n in order}
        for name in order:
            self._doubt(name, kinds[name], values[name])
        sizes = {n: next(len(v) for _, v in values[n] if type(v) is list) for n in order if kinds[n] == "list"}
        return Layout(tuple(order), tuple(kinds[n] for n in order), sizes)

    def _doubt(self, name: str, found: Kind, values: list[tuple[int, Any]]) -> None:
        """What in a column is no number; and whether it may be a mistake that it is left out: it has no value yet, or
        half of them are numbers."""
        column = f"column '{printable(name)}'"
        others = [(p, v) for p, v in values if not isinstance(v, Number)]
        if found == "empty":
            self.doubts[name] = f"{self.source.name}: {column} is left out: it is empty in the first rows (-c takes it)"
        elif found not in TYPES:
            place, value = others[0]
            self.others[name] = f"{self.name(place)}: {shown(value)} in {column} is not a number"
            if found == "json" and 2 * len(others) <= len(values):
                what = f"{shown(value)} in it is not a number (-x {printable(name)} if that is right)"
                self.doubts[name] = f"{self.name(place)}: {column} is left out: {what}"


def _inferred(found: Kind, values: list[Any]) -> inferring.Type:
    """The type of values of a kind: only strings are days or moments, and nothing else."""
    import polars as pl

    if found not in ("integer", "float", "string"):
        return "bool" if found == "bool" else "string"
    made = inferring.inferred(pl.Series(list(map(str, values)), dtype=pl.String))
    return made if (made in inferring.TIMES) == (found == "string") else "string"


@dataclass(frozen=True)
class Writer:
    """An object a row, its keys in the order of the row that it comes from. Rows of other formats have every key."""

    columns: tuple[str, ...]
    numbers: frozenset[str]  # columns that hold numbers, or words that mean missing
    own: frozenset[str]  # columns whose text is JSON already
    lists: frozenset[str] = frozenset()  # columns of lists, of which the hidden one tells where they are
    spelled: frozenset[str] = frozenset()  # columns of numbers that come as text

    @classmethod
    def for_input(cls, reader: Any, blank: Frame, options: Options | None, digests: tuple[str, ...]) -> Writer:
        """For output of the columns of `blank`. Text has no place for digests."""
        schema = blank.to_polars().schema
        numbers = frozenset(n for n, t in schema.items() if t.is_numeric())
        own = frozenset(reader.layout.names if isinstance(reader, Reader) else ())
        lists = frozenset(n for n, t in schema.items() if t.is_nested() and n in own)
        spelled = columns.long_decimals(blank)
        hidden = blank.hidden
        return cls(tuple(n for n in schema if n not in hidden), numbers, own, lists, spelled)

    @classmethod
    def refused(cls, blank: Frame) -> Schema:
        return blank.textless(nested=True)

    def following(self, reader: Any, blank: Frame) -> Writer:
        return replace(self.for_input(reader, blank, None, ()), columns=self.columns)

    def encode(self, frame: Frame) -> list[bytes]:
        """In strips of some values each, for each value takes several texts on its way; those of dictionaries are
        looked at once, however many rows have them."""
        rows, rest, out = frame.to_polars(), frame.rest, Pieces()
        coded = {n: (as_json(texts, n), places) for n, (texts, places) in columns.text_codes(frame).items()}
        size = max(1, STRIP // max(1, len(self.columns)))
        for start in range(0, rows.height, size):
            here = {n: texts.gather(places.slice(start, size)) for n, (texts, places) in coded.items()}
            odd = None if rest is None else rest.slice(start, size)
            lines = self._strip(rows.slice(start, size), here, odd, start)
            lines.to_frame().write_csv(cast(Any, out), include_header=False, quote_style="never")
        return out.written

    def _strip(self, rows: pl.DataFrame, coded: dict[str, pl.Series], rest: pl.Series | None, start: int) -> pl.Series:
        """The lines of some rows, from `start` on; of those columns that are `coded` there is the JSON already."""
        import polars as pl

        texts = [
            coded[n].fill_null("null") if n in coded else self._text(columns.series(rows, n), n) for n in self.columns
        ]
        lines = self._lines(texts) if texts else pl.repeat("{}", rows.height, eager=True)
        return lines if rest is None else self._with_odd(lines, texts, rest, start)

    def _text(self, series: pl.Series, name: str) -> pl.Series:
        """Each value as JSON; null where the key is not to be there."""
        import polars as pl

        if name in self.spelled:
            return series.fill_null("null")
        if series.dtype == pl.String and name in self.numbers:
            number = series.str.strip_chars(" \t").cast(pl.Float64, strict=False).fill_nan(None)
            there = series.set(number.is_null(), None).str.strip_chars(" \t").fill_null("null")
            return there.set((series == "").fill_null(value=False), None) if name in self.own else there
        return series if name in self.own and series.dtype == pl.String else as_json(series, name)

    def _lines(self, texts: list[pl.Series]) -> pl.Series:
        """Rows whose keys stand in the order of the columns."""
        import polars as pl

        members = [pl.lit(f"{_quoted(n)}:") + pl.lit(t) for n, t in zip(self.columns, texts, strict=True)]
        body = pl.concat_str(members, separator=",", ignore_nulls=True)
        return pl.select(pl.concat_str([pl.lit("{"), body, pl.lit("}")])).to_series()

    def _with_odd(self, lines: pl.Series, texts: list[pl.Series], rest: pl.Series, start: int) -> pl.Series:
        """The lines of rows from `start` on, of which some have a `rest`."""
        odd = rest.is_not_null().arg_true()
        own = [self._odd(start + i, rest[i], [t[i] for t in texts]) for i in odd]
        return lines.scatter(odd, own) if own else lines

    def _odd(self, row: int, rest: bytes, texts: list[str | None]) -> str:
        """A row with keys in its own order, or with unknown ones. Raises BadRowError."""
        left = {n: t for n, t in zip(self.columns, texts, strict=True) if t is not None}
        found: dict[str, str | None] = {}
        for name, raw in json.loads(rest).items():
            if raw is not None and name in self.columns:
                raise BadRowError(row, f"key '{printable(name)}' is what a column of the output is called")
            found[name] = left.pop(name, None) if raw is None else raw
        left = {n: t for n, t in left.items() if n not in self.lists}
        return "{" + ",".join(f"{_quoted(n)}:{t}" for n, t in (found | left).items() if t is not None) + "}"

    def open(self, file: Outlet) -> Sink:
        return Sink(file)


# -- values of other formats -------------------------------------------------------------------------------------
def as_json(series: pl.Series, name: str) -> pl.Series:
    """The values of a column called `name` as JSON; NaN, which JSON does not have, is null as any missing value.
    Raises BadRowError."""
    import polars as pl

    kind = series.dtype
    if kind.is_float():
        series = series.fill_nan(None)
        if series.is_infinite().any():
            raise BadRowError(
                int(series.is_infinite().arg_max() or 0),
                f"infinite value in column '{printable(name)}', which JSON can't hold",
                "--to csv or parquet holds it",
            )
    if kind.is_numeric() or kind in (pl.Boolean, pl.Null):
        return series.cast(pl.String).fill_null("null")
    if isinstance(kind, pl.List | pl.Array) and kind.inner in (pl.Float32, pl.Float64):
        return vectors.as_json(series, name)
    if kind.is_nested():
        try:
            texts = [json.dumps(v, ensure_ascii=False) for v in series.to_list()]
        except TypeError:
            texts = list(map(_dumped, series.to_list()))
        return pl.Series(texts, dtype=pl.String)
    return _all_quoted(series.cast(pl.String))


def _dumped(value: Any) -> str:
    """As json.dumps, decimals as the numbers that they are."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(str(k))}: {_dumped(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_dumped, value)) + "]"
    return f"{value:f}" if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _all_quoted(series: pl.Series) -> pl.Series:
    """Text as JSON strings; null as null."""
    import polars as pl

    plain = pl.select(pl.lit('"') + pl.lit(series) + pl.lit('"')).to_series().fill_null("null")
    special = series.str.contains(r'["\\\x00-\x1f]').fill_null(value=False).arg_true()
    return plain.scatter(special, [_quoted(v) for v in series.gather(special)]) if len(special) else plain


# -- and for them ------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Plain:
    """Makes frames plain: text without quotes, missing keys and nulls alike, other values as they are spelled."""

    names: tuple[str, ...]

    def __call__(self, frame: Frame) -> Frame:
        """Raises BadRowError for a key that the first rows did not have: there is no column for it."""
        hidden, rest = frame.hidden, frame.rest
        if rest is not None and rest.null_count() < len(rest):
            for row in rest.is_not_null().arg_true():
                late = next((n for n, raw in json.loads(rest[row]).items() if raw is not None), None)
                if late is not None:
                    what = f"there is no column for key '{printable(late)}', which the first rows do not have"
                    raise BadRowError(row, what, "NDJSON can be written with it")
        given = columns.all_series(frame.to_polars()).items()
        plain = {n: unquoted(s) if n in self.names else s for n, s in given if n not in hidden}
        return PolarsFrame(columns.text_frame(plain))


FORMAT = Format(
    suffixes=(".ndjson", ".jsonl"),
    opening=b'{"',  # a quote is in no field of CSV that does not begin with one
    options=Options,
    reader=Reader,
    writer=Writer,
)
