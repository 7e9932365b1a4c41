"""Writing NDJSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from msgspec import Struct
from msgspec.structs import replace

from normcli import columns
from normcli.columns import Frame, Schema
from normcli.errors import BadRowError, printable
from normcli.formats import Description, Outlet
from normcli.formats._json.description import JsonDescription
from normcli.formats._json.values import as_json, quoted
from normcli.formats._text.pieces import Pieces, Sink
from normcli.formats._text.spelling import check_polars

if TYPE_CHECKING:
    import polars as pl

    from normcli.formats import Options

STRIP = 1 << 16  # values that are written in one piece


class JsonWriter(Struct, frozen=True):
    """An object a row, its keys in the order of the row that it comes from. Rows of other formats have every key."""

    in_parts: ClassVar[bool] = True
    delimiter: ClassVar[None] = None
    grouping: ClassVar[None] = None
    columns: tuple[str, ...]
    numbers: frozenset[str]  # columns that hold numbers, or words that mean missing
    json_columns: frozenset[str]  # columns whose text is JSON already
    lists: frozenset[str] = frozenset()  # columns of lists, of which the hidden one tells where they are
    spelled: frozenset[str] = frozenset()  # columns of numbers that come as text

    @classmethod
    def for_input(
        cls, description: Description, blank: Frame, options: Options | None, digests: tuple[str, ...]
    ) -> Self:
        """For output of the columns of `blank`. Text has no place for digests. Raises UsageError where polars spells
        numbers in another way than text is to have them."""
        check_polars()
        schema = blank.to_polars().schema
        numbers = frozenset(n for n, t in schema.items() if t.is_numeric())
        in_json = frozenset(description.layout.names if isinstance(description, JsonDescription) else ())
        lists = frozenset(n for n, t in schema.items() if t.is_nested() and n in in_json)
        spelled = columns.long_decimals(blank)
        hidden = blank.hidden
        return cls(tuple(n for n in schema if n not in hidden), numbers, in_json, lists, spelled)

    @classmethod
    def refused(cls, blank: Frame) -> Schema:
        return blank.textless(nested=True)

    def following(self, description: Description, blank: Frame) -> Self:
        return replace(self.for_input(description, blank, None, ()), columns=self.columns)

    def encode(self, frame: Frame) -> list[bytes]:
        """In strips of some values each, for each value takes several texts on its way; those of dictionaries are
        converted once, however many rows have them."""
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
            numbers = series.set(number.is_null(), None).str.strip_chars(" \t").fill_null("null")
            return numbers.set((series == "").fill_null(value=False), None) if name in self.json_columns else numbers
        return series if name in self.json_columns and series.dtype == pl.String else as_json(series, name)

    def _lines(self, texts: list[pl.Series]) -> pl.Series:
        """Rows whose keys stand in the order of the columns."""
        import polars as pl

        members = [pl.lit(f"{quoted(n)}:") + pl.lit(t) for n, t in zip(self.columns, texts, strict=True)]
        body = pl.concat_str(members, separator=",", ignore_nulls=True)
        return pl.select(pl.concat_str([pl.lit("{"), body, pl.lit("}")])).to_series()

    def _with_odd(self, lines: pl.Series, texts: list[pl.Series], rest: pl.Series, start: int) -> pl.Series:
        """The lines of rows from `start` on, of which some have a `rest`."""
        odd = rest.is_not_null().arg_true()
        odd_lines = [self._odd(start + i, rest[i], [t[i] for t in texts]) for i in odd]
        return lines.scatter(odd, odd_lines) if odd_lines else lines

    def _odd(self, row: int, rest: bytes, texts: list[str | None]) -> str:
        """A row with keys in its own order, or with unknown ones. Raises BadRowError."""
        left = {n: t for n, t in zip(self.columns, texts, strict=True) if t is not None}
        members: dict[str, str | None] = {}
        for name, raw in json.loads(rest).items():
            if raw is not None and name in self.columns:
                raise BadRowError(row, f"key '{printable(name)}' is what a column of the output is called")
            members[name] = left.pop(name, None) if raw is None else raw
        left = {n: t for n, t in left.items() if n not in self.lists}
        return "{" + ",".join(f"{quoted(n)}:{t}" for n, t in (members | left).items() if t is not None) + "}"

    def open(self, file: Outlet) -> Sink:
        return Sink(file)
