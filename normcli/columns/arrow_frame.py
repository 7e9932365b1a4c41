"""Frames held by Arrow: rows of binary formats."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from normcli.blocks.record import Array, Codes
from normcli.columns import arrow_columns, text_types, texts
from normcli.columns.arrow_columns import replaced
from normcli.columns.back import narrowed
from normcli.columns.buffers import as_arrow
from normcli.columns.frame import MOMENT, Frame, Numbers
from normcli.columns.schema import Schema, arrow_fields, arrow_name
from normcli.columns.stacking import joined

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from normcli.columns.fixed import Fixed
    from normcli.columns.words import Words


class ArrowFrame(Struct, frozen=True, eq=False):
    """Columns of any type. A text column may be dictionary-encoded, whether or not the reader's schema says so."""

    typed: ClassVar[bool] = True
    is_parsed: ClassVar[bool] = False
    hidden: ClassVar[tuple[str, ...]] = ()
    rest: ClassVar[None] = None
    batch: pa.RecordBatch

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.batch.schema.names)

    @property
    def rows(self) -> int:
        return int(self.batch.num_rows)

    # -- rows and columns
    def contiguous(self) -> Self:
        return self

    def slice(self, start: int, stop: int | None = None) -> Self:
        return type(self)(self.batch.slice(start, None if stop is None else stop - start))

    def filter(self, mask: NDArray[np.bool_]) -> Self:
        return self if mask.all() else type(self)(self.batch.filter(as_arrow(mask)))

    def take(self, wanted: Sequence[str], rows: Codes) -> Self:
        return type(self)(self.batch.select(list(wanted)).take(rows))

    def select(self, wanted: Sequence[str]) -> Self:
        return type(self)(self.batch.select(list(wanted)))

    def gather(self, wanted: Mapping[str, tuple[Self, str]]) -> Self:
        fields = [of.batch.schema.field(was).with_name(n) for n, (of, was) in wanted.items()]
        return self._of([of.batch.column(was) for of, was in wanted.values()], fields)

    def of(self, columns: Mapping[str, pl.Series]) -> Self:
        import pyarrow as pa

        arrays = [column.to_arrow() for column in columns.values()]
        return self._of(arrays, [pa.field(n, a.type) for n, a in zip(columns, arrays, strict=True)])

    def with_texts(self, texts: Mapping[str, str | None]) -> Self:
        import pyarrow as pa

        stay = [(c, f) for c, f in zip(self.batch.columns, self.batch.schema, strict=True) if f.name not in texts]
        new = [pa.repeat(pa.scalar(text, pa.string()), self.rows) for text in texts.values()]
        fields = [*(f for _, f in stay), *(pa.field(n, pa.string()) for n in texts)]
        return self._of([*(c for c, _ in stay), *new], fields)

    def _of(self, columns: Sequence[pa.Array], fields: Sequence[pa.Field]) -> Self:
        """A frame with the same schema metadata."""
        import pyarrow as pa

        schema = pa.schema(fields, self.batch.schema.metadata)
        return type(self)(pa.RecordBatch.from_arrays(list(columns), schema=schema))

    # -- what columns hold
    def types(self, wanted: Sequence[str]) -> dict[str, str]:
        return {n: arrow_name(self.batch.schema.field(n)) for n in wanted}

    def numbers(self, name: str) -> Numbers:
        return arrow_columns.as_numbers(self.batch.column(name))

    def ends(self, name: str) -> tuple[Any, ...]:
        return arrow_columns.ends(self.batch.column(name))

    def texts(self, name: str) -> tuple[Codes, list[str | None]]:
        return arrow_columns.coded(self.batch.column(name), name)

    def words(self, name: str, *, numbers: bool) -> Words | None:
        from normcli.columns import words

        return None if numbers else words.of_array(self.batch.column(name))

    def lists(self, name: str) -> pa.Array | None:
        import pyarrow as pa

        column = self.batch.column(name)
        return column if pa.types.is_nested(column.type) else None

    def numbered(self, wanted: Sequence[str]) -> Self:
        return self

    # -- new columns
    def put(self, values: Mapping[str, Array | Fixed], kinds: Mapping[str, str], names: Sequence[str]) -> Self:
        fields = {f.name: f for f in self.batch.schema}
        columns = dict(zip(self.names, self.batch.columns, strict=True))
        for n, y in values.items():
            if isinstance(y, np.ndarray):
                columns[n] = arrow_columns.of_floats(columns.get(n), *narrowed(y, kinds[n], n))
            else:
                columns[n] = arrow_columns.of_fixed(y)
            fields[n] = replaced(fields.get(n), n, columns[n].type)
        return self._of([columns[n] for n in names], [fields[n] for n in names])

    def put_lists(self, name: str, lists: pa.Array) -> Self:
        at = self.batch.schema.get_field_index(name)
        return type(self)(self.batch.set_column(at, replaced(self.batch.schema.field(at), name, lists.type), lists))

    # -- hidden columns, of which there are none: typed values need no originals
    def originals(self) -> None:
        return None

    def with_originals(self, texts: Self, wanted: Sequence[str]) -> Self:
        return self

    def without_originals(self) -> Self:
        return self

    # -- on the way out
    def to_arrow(self, schema: pa.Schema | None = None) -> pa.RecordBatch:
        return self.batch

    def to_polars(self, moment: str = MOMENT) -> pl.DataFrame:
        return texts.to_polars(self.batch, moment)

    def textless(self, *, nested: bool) -> Schema:
        fields = zip(arrow_fields(self.batch.schema), self.batch.schema.types, strict=True)
        return tuple(f for f, t in fields if not text_types.has_text(t, nested=nested))

    def stacked(self, below: Sequence[Frame], wanted: Sequence[str]) -> Frame:
        return joined([frame.select(wanted) for frame in (self, *below)])

    def pack(self, buffer: io.BytesIO) -> tuple[_Packed, list[memoryview]]:
        import pyarrow as pa

        writer = pa.ipc.new_stream(buffer, self.batch.schema)
        writer.write_batch(self.batch)
        writer.close()  # never after a failure, which it would hide
        return _Packed(self.rows), []


class _Packed(Struct, frozen=True):
    """A packed frame: an Arrow IPC stream."""

    copies: ClassVar[bool] = False
    rows: int

    def unpack(self, data: bytes) -> ArrowFrame:
        import pyarrow as pa

        return ArrowFrame(next(iter(pa.ipc.open_stream(data))))
