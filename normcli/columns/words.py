"""Values that are not numbers: the distinct ones of some rows, and their counts."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from normcli.blocks.record import Array, Codes
from normcli.columns.arrow_columns import decoded, is_text
from normcli.columns.buffers import as_arrow, stored

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

End = tuple[int, str]  # a value in nanoseconds, and as text
POWERS = {"s": 9, "ms": 6, "us": 3, "ns": 0}  # of ten, of nanoseconds


class Words(Struct, frozen=True):
    """The values of a column that are not numbers, or are counted as text. `values` (n,) are distinct: a polars Series
    of text, or an Arrow array of any type; None for types whose values are not compared: lists, structs, maps."""

    total: int  # the number of values, including repeated ones
    values: Any = None  # (n,) distinct
    counts: Array = field(default_factory=lambda: np.empty(0))  # (n,) occurrences of each
    order: NDArray[np.int64] | None = None  # (n,) integers dates, times and durations
    unit: int = 1  # of `order`, in nanoseconds

    def texts(self, places: Codes) -> list[str]:
        """The values at some places, as text."""
        import pyarrow as pa

        if not isinstance(self.values, pa.Array):
            return [] if self.values is None else list(map(str, self.values.gather(places).to_list()))
        some = self.values.take(as_arrow(places))
        if _is_binary(some.type):
            return [value.as_py().hex() for value in some]
        if pa.types.is_duration(some.type):
            return [_seconds(n, POWERS[some.type.unit]) for n in some.view("int64").to_pylist()]
        try:
            return list(map(str, some.cast(pa.large_string()).to_pylist()))
        except pa.ArrowInvalid:  # unknown time zone: the integers are in UTC
            return [f"{text}Z" for text in some.view(pa.timestamp(some.type.unit)).cast(pa.string()).to_pylist()]

    def ends(self) -> tuple[End, End] | None:
        """The least and the greatest value; None if values have no order."""
        if self.order is None or not self.total:
            return None
        places = np.array([self.order.argmin(), self.order.argmax()])
        least, greatest = zip(self.order[places].tolist(), self.texts(places), strict=True)
        return (least[0] * self.unit, least[1]), (greatest[0] * self.unit, greatest[1])


def _seconds(count: int, power: int) -> str:
    """A duration of so many units of 10^`power` nanoseconds, as text."""
    return f"{Decimal(count).scaleb(power - 9).normalize():f} s"


def of_series(column: pl.Series) -> Words:
    """The distinct values of text, in which missing values are null."""
    import polars as pl

    counted = pl.DataFrame({"value": column.drop_nulls()}).get_column("value").value_counts(name="count")
    return Words(len(column) - column.null_count(), counted["value"], counted["count"].cast(pl.Float64).to_numpy())


def of_array(column: pa.Array) -> Words:
    """The distinct values of a column of any type but numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_run_end_encoded(column.type):
        column = pc.run_end_decode(column)
    if pa.types.is_dictionary(column.type):
        return _of_dictionary(column)
    kind, total = column.type, len(column) - column.null_count
    if pa.types.is_nested(kind) or pa.types.is_null(kind) or pa.types.is_interval(kind):
        return Words(total)
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        column = column.cast(pa.large_string() if is_text(kind) else pa.large_binary())
    counted = pc.value_counts(column.drop_null())
    values, counts = counted.flatten()
    order = stored(values.view(f"int{kind.bit_width}")) if pa.types.is_temporal(kind) else None
    return Words(total, values, stored(counts).astype(np.float64), order, 1 if order is None else _unit(kind))


def _unit(kind: pa.DataType) -> int:
    """The unit of a temporal type, in nanoseconds."""
    import pyarrow as pa

    if pa.types.is_date32(kind):
        return 86_400 * 10**9
    return int(10 ** POWERS["ms" if pa.types.is_date64(kind) else kind.unit])


def _of_dictionary(column: pa.DictionaryArray) -> Words:
    """If the texts of a dictionary are distinct and not null, only their codes are counted."""

    entries, used = column.dictionary, stored(column.indices.drop_null())
    if not is_text(entries.type) or entries.null_count or len(entries.unique()) < len(entries):
        return of_array(decoded(column))
    counts = np.bincount(used, minlength=len(entries)).astype(np.float64)
    present = np.flatnonzero(counts)
    return Words(len(used), entries.take(as_arrow(present)), counts[present])


def _is_binary(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))
