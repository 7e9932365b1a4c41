"""Writing delimited text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from msgspec import Struct
from msgspec.structs import replace

from normcli import columns
from normcli.columns import NUMERIC_WORD, Frame, Schema
from normcli.columns.native_frame import NativeFrame
from normcli.columns.polars_frame import PolarsFrame
from normcli.errors import BadDataError, BadRowError
from normcli.formats import Description, Outlet
from normcli.formats._delimited.description import DelimitedDescription
from normcli.formats._delimited.dialect import Dialect
from normcli.formats._delimited.fields import quoted_field
from normcli.formats._delimited.notation import PLAIN, Notation
from normcli.formats._delimited.options import DelimitedOptions
from normcli.formats._text.pieces import Pieces, Sink
from normcli.formats._text.spelling import check_polars

if TYPE_CHECKING:
    import polars as pl

MOMENT = "%Y-%m-%dT%H:%M:%S%f%z"  # as polars writes them
STRIP = 1 << 16  # values that are written into one piece of memory


def in_strips(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows in chunks of some values each: polars writes each apart, into memory that is used again; larger
    pieces would be of memory fresh from the system, which takes longer than what is written into it."""
    import polars as pl

    size = max(1, STRIP // max(1, rows.width))
    if rows.height <= size or rows.n_chunks() > 1:
        return rows
    return pl.concat([rows.slice(start, size) for start in range(0, rows.height, size)], rechunk=False)


def _numeric(blank: Frame) -> frozenset[str]:
    """The columns of numbers. Raises UsageError where polars is to write these, and spells them in another way."""
    if isinstance(blank, NativeFrame):
        return blank.numeric
    check_polars()
    return frozenset(n for n, t in blank.to_polars().schema.items() if t.is_numeric())


class DelimitedWriter(Struct, frozen=True):
    """Rows as minimally quoted text (RFC 4180), with the delimiter and the line ends of an input of its format."""

    in_parts: ClassVar[bool] = True
    grouping: ClassVar[None] = None
    kind: ClassVar[type[DelimitedOptions]]  # the options of the format
    columns: tuple[str, ...]
    options: DelimitedOptions
    crlf: bool = False
    dialect: Dialect = Dialect()
    titles: bytes = b""
    numbers: frozenset[str] = frozenset()  # columns that are text only where words that mean missing are in them

    @classmethod
    def for_input(
        cls, description: Description, blank: Frame, options: DelimitedOptions | None, digests: tuple[str, ...]
    ) -> Self:
        """For output of the columns of `blank`, in the manner of the input where that is delimited text too. Text has
        no place for digests."""
        numbers = _numeric(blank)
        if not isinstance(description, DelimitedDescription):
            new = options or cls.kind()
            return cls(blank.names, new, dialect=new.dialect, numbers=numbers)
        theirs, layout = description.options, description.layout
        if isinstance(theirs, cls.kind):
            return cls(blank.names, theirs, layout.crlf, layout.dialect, layout.titles, numbers)
        new = options or cls.kind(header=theirs.header, decimal=theirs.decimal)
        return cls(blank.names, new, layout.crlf, new.dialect, numbers=numbers)

    def following(self, description: Description, blank: Frame) -> Self:
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

    @property
    def delimiter(self) -> str | None:
        is_plain = self._is_plain and Notation(self.options.decimal).is_plain
        return self.dialect.separator if is_plain else None

    def encode(self, frame: Frame) -> list[bytes]:
        if isinstance(frame, NativeFrame) and self.delimiter:
            formatted = frame.formatted(self.delimiter, crlf=self.crlf)
            if formatted is not None:
                return formatted
        import polars as pl

        check_polars()  # here, too: a frame of the kernel is left to polars at a doubt
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
        if self._is_plain:
            names = (quoted_field(n, self.dialect.separator, alone=len(self.columns) == 1) for n in self.columns)
            return (self.dialect.separator.join(names) + self._line_end).encode()
        import polars as pl

        try:
            row = columns.text_frame({str(j): pl.Series([n or None]) for j, n in enumerate(self.columns)})
            return b"".join(replace(self, numbers=frozenset()).encode(PolarsFrame(row)))  # names are no numbers
        except BadRowError as e:
            raise BadDataError(f"a name of a column: {e.what}", e.hint) from None
