"""Frames of fields that stand in their text: rows of plain delimited text, parsed by the native kernel."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace
from numpy.typing import NDArray

from normcli.blocks.record import Array, Codes
from normcli.caching import cached_property
from normcli.columns import native_packing, stacking
from normcli.columns.back import check_finite
from normcli.columns.frame import MOMENT, Frame, Numbers, Packed
from normcli.columns.native_packing import PackedColumns
from normcli.kernel import text as kernel

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from normcli.columns.fixed import Fixed
    from normcli.columns.schema import Schema
    from normcli.columns.words import Words

WITHOUT = np.iinfo(np.uint32).max  # the place of a column that has no words for missing values
NO_WORDS = np.empty(0, kernel.WORD)
Column = kernel.Numbers | kernel.Fields | None  # None: polars has it


class NativeFrame(Struct, frozen=True, eq=False, dict=True):
    """Columns of numbers, NaN where missing, and fields of a text. What needs more than these is left to a frame of
    polars with the same rows, which is decoded when it is needed: that decides what the text means.

    `integral` are the columns of numbers that hold integers alone. Those that stand in the text, too, can't be written
    as they are: `outputs` are those that can. With `plain`, it can be packed without the rest of its text.
    """

    typed: ClassVar[bool] = False
    hidden: ClassVar[tuple[str, ...]] = ()
    rest: ClassVar[None] = None
    columns: Mapping[str, Column]
    rows: int
    text: bytes
    delimiter: str
    decode: Callable[[], Frame]
    plain: Callable[[bytes], Frame] | None = None  # decodes any text of such columns
    integral: frozenset[str] = frozenset()
    outputs: frozenset[str] = frozenset()
    missing: kernel.Words = field(default_factory=lambda: NO_WORDS)
    first_row: int = 0  # what the first row is called in `missing`

    @cached_property
    def polars(self) -> Frame:
        """The same frame, held by polars."""
        return self.decode()

    @property
    def data(self) -> pl.DataFrame:
        return self.polars.to_polars()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self.polars), (self.data,)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.columns)

    @property
    def is_parsed(self) -> bool:
        return self.plain is not None and all(self.columns.values())

    @property
    def numeric(self) -> frozenset[str]:
        """The columns of numbers."""
        return frozenset(n for n, column in self.columns.items() if isinstance(column, kernel.Numbers))

    # -- rows and columns
    def contiguous(self) -> NativeFrame:
        return self

    def slice(self, start: int, stop: int | None = None) -> NativeFrame:
        stop = self.rows if stop is None else min(stop, self.rows)
        start = min(start, stop)
        return replace(
            self,
            columns={n: _taken(column, slice(start, stop)) for n, column in self.columns.items()},
            rows=stop - start,
            decode=lambda: self.polars.slice(start, stop),
            first_row=self.first_row + start,
        )

    def filter(self, mask: NDArray[np.bool_]) -> NativeFrame:
        if mask.all():
            return self
        rows = np.flatnonzero(mask)
        at = self.missing["row"].astype(np.intp) - self.first_row
        stays = (at >= 0) & (at < self.rows)
        stays[stays] = mask[at[stays]]
        missing = self.missing[stays]
        missing["row"] = np.searchsorted(rows, at[stays])
        return replace(
            self,
            columns={n: _taken(column, rows) for n, column in self.columns.items()},
            rows=len(rows),
            decode=lambda: self.polars.filter(mask),
            missing=missing,
            first_row=0,
        )

    def take(self, wanted: Sequence[str], rows: Codes) -> Frame:
        return self.polars.take(wanted, rows)

    def select(self, wanted: Sequence[str]) -> NativeFrame:
        columns = {n: self.columns[n] for n in wanted}
        return replace(self, columns=columns, decode=lambda: self.polars.select(wanted), plain=None)

    def gather(self, wanted: Mapping[str, tuple[Frame, str]]) -> Frame:
        return self.polars.gather({n: (of, was) for n, (of, was) in wanted.items()})

    def of(self, columns: Mapping[str, pl.Series]) -> Frame:
        return self.polars.of(columns)

    def with_texts(self, texts: Mapping[str, str | None]) -> Frame:
        return self.polars.with_texts(texts)

    # -- contents of columns
    def types(self, wanted: Sequence[str]) -> dict[str, str]:
        if not all(isinstance(self.columns[n], kernel.Numbers) for n in wanted):
            return self.polars.types(wanted)
        return {n: "int64" if n in self.integral else "float64" for n in wanted}

    def numbers(self, name: str) -> Numbers:
        column = self.columns[name]
        return column.values if isinstance(column, kernel.Numbers) else self.polars.numbers(name)

    def ends(self, name: str) -> tuple[Any, ...]:
        column = self.columns[name]
        if not isinstance(column, kernel.Numbers):
            return self.polars.ends(name)
        if name not in self.integral:
            return ()
        least, greatest = np.fmin.reduce(column.values, initial=np.inf), np.fmax.reduce(column.values, initial=-np.inf)
        return (int(least), int(greatest)) if least <= greatest else (None, None)

    def texts(self, name: str) -> tuple[Codes, list[str | None]]:
        return self.polars.texts(name)

    def words(self, name: str, *, numbers: bool) -> Words | None:
        return self.polars.words(name, numbers=numbers)

    def lists(self, name: str) -> pa.Array | None:
        return None if self.columns[name] else self.polars.lists(name)

    def numbered(self, wanted: Sequence[str]) -> Frame:
        return self.polars.numbered(wanted)

    # -- new columns
    def put(self, values: Mapping[str, Array | Fixed], kinds: Mapping[str, str], names: Sequence[str]) -> Frame:
        if not all(isinstance(y, np.ndarray) and kinds[n] == "float64" for n, y in values.items()):
            return self.polars.put(values, kinds, names)
        columns = dict(self.columns)
        check_finite({n: np.asarray(y) for n, y in values.items()})
        for n, y in values.items():
            old = columns.get(n)
            if n in columns and not isinstance(old, kernel.Numbers):
                return self.polars.put(values, kinds, names)
            place = old.place if isinstance(old, kernel.Numbers) else WITHOUT
            columns[n] = kernel.Numbers(np.ascontiguousarray(y, np.float64), place)
        return replace(
            self,
            columns={n: columns[n] for n in names},
            decode=lambda: self.polars.put(values, kinds, names),
            plain=None,
            integral=self.integral.difference(values),
            outputs=self.outputs.union(values),
        )

    def put_lists(self, name: str, lists: pa.Array) -> Frame:
        return self.polars.put_lists(name, lists)

    # -- hidden columns, of which there are none
    def originals(self) -> None:
        return None

    def with_originals(self, texts: Frame, wanted: Sequence[str]) -> Frame:
        return self.polars.with_originals(texts, wanted)

    def without_originals(self) -> NativeFrame:
        return self

    # -- export
    def to_arrow(self, schema: pa.Schema | None = None) -> pa.RecordBatch:
        return self.polars.to_arrow(schema)

    def to_polars(self, moment: str = MOMENT) -> pl.DataFrame:
        return self.data

    def textless(self, *, nested: bool) -> Schema:
        return () if all(self.columns.values()) else self.polars.textless(nested=nested)

    def pack(self, buffer: io.BytesIO) -> tuple[Packed, list[memoryview]]:
        columns = {n: column for n, column in self.columns.items() if column is not None}
        if self.plain is None or len(columns) < len(self.columns):
            return self.polars.pack(buffer)
        packed, memory = native_packing.pack(columns, self.rows, self.text, self.missing, self.first_row)
        return _Packed(packed, self.delimiter, native_packing.shared(self.integral), self.plain), memory

    def stacked(self, below: Sequence[Frame], wanted: Sequence[str]) -> Frame:
        frames = (self, *below)
        values = (np.concatenate([np.asarray(frame.numbers(n), np.float64) for frame in frames]) for n in wanted)
        kinds = [frame.types(wanted) for frame in frames]
        return NativeFrame(
            {n: kernel.Numbers(x, place) for place, (n, x) in enumerate(zip(wanted, values, strict=True))},
            sum(frame.rows for frame in frames), b"", self.delimiter,
            lambda: stacking.joined([frame.select(wanted) for frame in frames]),
            integral=frozenset(n for n in wanted if all(kind[n] == "int64" for kind in kinds)),
        )  # fmt: skip

    def formatted(self, delimiter: str, *, crlf: bool) -> list[bytes] | None:
        """The rows as text; None where numbers of the text are among them, or places have changed."""
        columns = [c for c in self.columns.values() if c is not None]
        places = [c.place for c in columns if isinstance(c, kernel.Numbers) and c.place != WITHOUT]
        is_known = self.outputs >= self.numeric and len(columns) == len(self.columns) > 0
        if not is_known or delimiter != self.delimiter or (len(self.missing) and places != sorted(places)):
            return None
        table = kernel.Table(columns, self.rows, self.text, self.missing, self.first_row)
        return table.formatted(delimiter, crlf=crlf)


class _Packed(Struct, frozen=True):
    """The layout of a packed frame."""

    copies: ClassVar[bool] = False
    columns: PackedColumns
    delimiter: str
    integral: frozenset[str]
    plain: Callable[[bytes], Frame]

    @property
    def rows(self) -> int:
        return self.columns.rows

    def unpack(self, data: bytes) -> NativeFrame:
        columns, missing = self.columns.unpack(data)
        return NativeFrame(
            columns, self.rows, data, self.delimiter, lambda: self._decoded(data), self.plain, self.integral,
            missing=missing,
        )  # fmt: skip

    def _decoded(self, data: bytes) -> Frame:
        """The frame the plain way, from its text, in which the numbers are spelled anew."""
        frame = self.unpack(data)  # another one: one that held itself would stay in memory
        text = replace(frame, outputs=frame.numeric).formatted(self.delimiter, crlf=False)
        assert text is not None, "all numbers are finite"
        return self.plain(b"".join(text))


def _taken(column: Column, rows: slice | Codes) -> Column:
    if column is None:
        return None
    if isinstance(column, kernel.Numbers):
        return replace(column, values=column.values[rows])
    return replace(column, starts=column.starts[rows], lengths=column.lengths[rows])
