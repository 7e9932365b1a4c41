"""Frames held by polars: rows of text formats."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from normcli.blocks.record import Array, Codes
from normcli.columns import polars_columns
from normcli.columns.back import NUMERIC_WORD, narrowed
from normcli.columns.frame import MOMENT, Frame, Numbers
from normcli.columns.polars_columns import all_series, as_table, series, text_frame, with_hidden, without_words
from normcli.columns.schema import Field, Schema, arrow_name
from normcli.columns.stacking import joined
from normcli.errors import BadRowError, printable

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from normcli.columns.fixed import Fixed
    from normcli.columns.words import Words


class PolarsFrame(Struct, frozen=True, eq=False):
    """Columns of text, those that were read as numbers being numeric, or lists. Any text may be the name of a column,
    so that hidden ones are known by their types, which no column of text has: `rest` is bytes, originals are structs.
    """

    typed: ClassVar[bool] = False
    is_parsed: ClassVar[bool] = False
    data: pl.DataFrame

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.data.columns)

    @property
    def rows(self) -> int:
        return self.data.height

    # -- rows and columns
    def contiguous(self) -> Self:
        return type(self)(self.data.rechunk())

    def slice(self, start: int, stop: int | None = None) -> Self:
        return type(self)(self.data.slice(start, None if stop is None else stop - start))

    def filter(self, mask: NDArray[np.bool_]) -> Self:
        import polars as pl

        return self if mask.all() else type(self)(self.data.filter(pl.Series(mask)))

    def take(self, wanted: Sequence[str], rows: Codes) -> Self:
        return self.of({n: series(self.data, n).gather(rows) for n in wanted})

    def select(self, wanted: Sequence[str]) -> Self:
        return self.of({n: self.data[n] for n in wanted})

    def gather(self, wanted: Mapping[str, tuple[Self, str]]) -> Self:
        return self.of({n: of.data[was] for n, (of, was) in wanted.items()})

    def with_texts(self, texts: Mapping[str, str | None]) -> Self:
        import polars as pl

        new = {n: pl.repeat(text, self.rows, dtype=pl.String, eager=True) for n, text in texts.items()}
        return self.of({s.name: s for s in self.data if s.name not in new} | new)

    def of(self, columns: Mapping[str, pl.Series]) -> Self:
        return type(self)(text_frame(columns))

    # -- contents of columns
    def types(self, wanted: Sequence[str]) -> dict[str, str]:
        return {n: self._type(series(self.data, n)) for n in wanted}

    def _type(self, column: pl.Series) -> str:
        if not column.dtype.is_nested():
            return "int64" if polars_columns.are_integers(column) else "float64"
        import pyarrow as pa

        return arrow_name(pa.field("", column.clear().to_arrow().type))

    def numbers(self, name: str) -> Numbers:
        import polars as pl

        column = series(self.data, name)
        if column.dtype.is_nested():
            if column.null_count() < len(column):
                row = int(column.is_not_null().arg_max() or 0)
                raise BadRowError(row, f"a list in column '{printable(name)}' is not a number")
            return np.full(len(column), np.nan)
        if column.dtype == pl.String:
            column = polars_columns.read(column)
        return np.asarray(column.to_numpy())

    def ends(self, name: str) -> tuple[Any, ...]:
        import polars as pl

        column = series(self.data, name)
        if column.dtype == pl.String:
            return polars_columns.ends_of_text(column)
        return (column.min(), column.max()) if column.dtype in (pl.Int64, pl.UInt64) else ()

    def texts(self, name: str) -> tuple[Codes, list[str | None]]:
        from normcli.columns.arrow_columns import coded

        return coded(series(self.data, name).to_arrow(), name)

    def words(self, name: str, *, numbers: bool) -> Words | None:
        import polars as pl

        from normcli.columns import words

        column = series(self.data, name)
        if column.dtype.is_nested():
            return words.Words(len(column) - column.null_count())
        if column.dtype != pl.String:
            return None
        if numbers:
            column = column.filter(polars_columns.parsed(column).is_null()).str.strip_prefix(NUMERIC_WORD)
        return words.of_series(column) if column.null_count() < len(column) or not numbers else None

    def lists(self, name: str) -> pa.Array | None:
        column = series(self.data, name)
        return column.to_arrow() if column.dtype.is_nested() else None

    def numbered(self, wanted: Sequence[str]) -> Self:
        import polars as pl

        columns = all_series(self.data)
        columns |= {n: polars_columns.parsed(columns[n]) for n in wanted if columns[n].dtype == pl.String}
        return self.of(columns)

    # -- new columns
    def put(self, values: Mapping[str, Array | Fixed], kinds: Mapping[str, str], names: Sequence[str]) -> Self:
        columns = all_series(self.data)
        for n, y in values.items():
            if isinstance(y, np.ndarray):
                columns[n] = polars_columns.of_floats(columns.get(n), *narrowed(y, kinds[n], n))
            else:
                columns[n] = polars_columns.of_fixed(columns.get(n), y)
        return self.of({n: columns[n] for n in names})

    def put_lists(self, name: str, lists: pa.Array) -> Self:
        import polars as pl

        return self.of({s.name: s if s.name != name else pl.Series(pl.from_arrow(lists)) for s in self.data})

    # -- hidden columns
    @property
    def hidden(self) -> tuple[str, ...]:
        import polars as pl

        return tuple(n for n, t in self.data.schema.items() if t == pl.Binary or isinstance(t, pl.Struct))

    @property
    def rest(self) -> pl.Series | None:
        import polars as pl

        return next((self.data[n] for n, t in self.data.schema.items() if t == pl.Binary), None)

    def originals(self) -> Self | None:
        column = next((self.data[n] for n in self._structs), None)
        return None if column is None else type(self)(column.struct.unnest())

    def with_originals(self, texts: Self, wanted: Sequence[str]) -> Self:
        return type(self)(with_hidden(self.data, texts.select(wanted).data.to_struct()))

    def without_originals(self) -> Self:
        structs = self._structs
        return self.select([n for n in self.names if n not in structs]) if structs else self

    @property
    def _structs(self) -> list[str]:
        import polars as pl

        return [n for n, t in self.data.schema.items() if isinstance(t, pl.Struct)]

    # -- export
    def to_arrow(self, schema: pa.Schema | None = None) -> pa.RecordBatch:
        import polars as pl
        import pyarrow as pa

        schema = self._schema() if schema is None else schema
        floats = {
            f.name: pl.Float32 if pa.types.is_float32(f.type) else pl.Float64
            for f in schema
            if pa.types.is_floating(f.type)
        }
        columns = all_series(self.data)
        casts = {n: columns[n].cast(t, strict=False) for n, t in floats.items() if not columns[n].dtype.is_float()}
        exact = (f.name for f in schema if pa.types.is_integer(f.type) or pa.types.is_decimal(f.type))
        casts |= {n: without_words(columns[n]) for n in exact if columns[n].dtype == pl.String}
        table = as_table(text_frame(columns | casts)).cast(schema).combine_chunks()
        return table.to_batches()[0] if table.num_rows else pa.RecordBatch.from_pylist([], schema=schema)

    def _schema(self) -> pa.Schema:
        """The Arrow schema of the columns; text is string."""
        import polars as pl
        import pyarrow as pa

        text = [pa.field(n, pa.string()) if t == pl.String else None for n, t in self.data.schema.items()]
        plain = as_table(self.data.head(0)).schema
        return pa.schema([t or f for t, f in zip(text, plain, strict=True)])

    def to_polars(self, moment: str = MOMENT) -> pl.DataFrame:
        return self.data

    def textless(self, *, nested: bool) -> Schema:
        hidden = set(self.hidden)
        lists = ((n, t) for n, t in self.data.schema.items() if t.is_nested() and n not in hidden)
        return () if nested else tuple(Field(n, str(t)) for n, t in lists)

    def stacked(self, below: Sequence[Frame], wanted: Sequence[str]) -> Frame:
        return joined([frame.select(wanted) for frame in (self, *below)])

    def pack(self, buffer: io.BytesIO) -> tuple[_Packed, list[memoryview]]:
        import polars as pl

        floats = [s for s in self.data if s.dtype == pl.Float64 and not s.null_count()]
        layout = _Packed(self.names, tuple(s.name for s in floats), self.rows)
        arrow_names = [n for n in layout.names if n not in set(layout.floats)]
        if arrow_names:
            self.select(arrow_names).data.write_ipc(buffer, compression="uncompressed")
        return layout, [np.ascontiguousarray(s.to_numpy()).view(np.uint8).data for s in floats]


class _Packed(Struct, frozen=True):
    """A packed frame: the memory of the float columns without null, one after the other, then all other columns as
    uncompressed Arrow."""

    copies: ClassVar[bool] = True
    names: tuple[str, ...]
    floats: tuple[str, ...]
    rows: int

    def unpack(self, data: bytes) -> PolarsFrame:
        import polars as pl

        size, columns = 8 * self.rows, {}
        for i, name in enumerate(self.floats):
            columns[name] = pl.Series(np.frombuffer(data, np.float64, self.rows, i * size))
        if len(self.floats) < len(self.names):
            arrow_columns = pl.read_ipc(memoryview(data)[len(self.floats) * size :].tobytes())
            columns |= dict(zip((n for n in self.names if n not in columns), arrow_columns, strict=True))
        return PolarsFrame(text_frame({n: columns[n] for n in self.names}))
