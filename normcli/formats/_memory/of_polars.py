"""DataFrames of polars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from normcli.formats._memory.of_pyarrow import joined
from normcli.formats._memory.tables import MemoryTable, opaque

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


class PolarsTable(MemoryTable, frozen=True):
    """A DataFrame whose numbers are shared; other columns are converted as far as they are read."""

    data: pl.DataFrame
    schema: pa.Schema

    @property
    def rows(self) -> int:
        return self.data.height

    def column(self, name: str, start: int, stop: int) -> pa.Array:
        import pyarrow as pa

        series = self.data.get_column(name).slice(start, stop - start)
        if series.dtype.is_numeric() and series.n_chunks() > 1:
            return joined(pa.chunked_array(series))
        return series.to_arrow()

    def output(self, names: Sequence[str], normalized: pa.Schema) -> PolarsOutput:
        return PolarsOutput(self, names, normalized)

    def stable(self) -> PolarsTable:
        return self  # columns never change


class PolarsOutput(Struct, frozen=True):
    """Columns of batches as they come, beside columns of the DataFrame."""

    table: PolarsTable
    names: Sequence[str]
    normalized: pa.Schema
    batches: list[pa.RecordBatch] = field(default_factory=list)

    def add(self, batch: pa.RecordBatch) -> None:
        self.batches.append(batch)

    def end(self) -> pl.DataFrame:
        import polars as pl
        import pyarrow as pa

        new = pl.DataFrame(pl.from_arrow(pa.Table.from_batches(self.batches, self.normalized), rechunk=False))
        return pl.DataFrame([(new if n in new.columns else self.table.data).get_column(n) for n in self.names])


def table(data: Any) -> PolarsTable:
    """Of a DataFrame."""
    import pyarrow as pa

    fields = []
    for series in data.head(0).get_columns():
        if series.dtype.is_object():
            fields.append(opaque(series.name, series.dtype, "it holds objects of Python"))
            continue
        try:
            fields.append(pa.field(series.name, series.to_arrow().type))
        except pa.ArrowException:
            fields.append(opaque(series.name, series.dtype, f"Arrow has no type for {series.dtype}"))
    return PolarsTable(data, pa.schema(fields))
