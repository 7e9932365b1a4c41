"""DataFrames of pandas, of any version: numbers in numpy's arrays are shared, and the index comes back as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from normcli.columns.buffers import as_arrow, as_numpy
from normcli.errors import BadDataError, printable
from normcli.formats._memory.of_pyarrow import joined
from normcli.formats._memory.tables import NAME, MemoryTable, opaque, unreadable

if TYPE_CHECKING:
    import pyarrow as pa


class PandasTable(MemoryTable, frozen=True):
    """A DataFrame: its columns by their names as text, as numpy's numbers, or else converted as far as they are
    read."""

    data: Any
    schema: pa.Schema
    labels: Mapping[str, Any]  # of columns, by name
    columns: Mapping[str, Any]  # numbers of numpy; chunked arrays of columns that hold objects; Series
    series: Mapping[str, Any]  # all columns, as pandas has them

    @property
    def rows(self) -> int:
        return len(self.data)

    def column(self, name: str, start: int, stop: int) -> pa.Array:
        import pyarrow as pa

        column = self.columns[name]
        if isinstance(column, np.ndarray):
            return as_arrow(column[start:stop])
        if isinstance(column, pa.ChunkedArray):
            return joined(column.slice(start, stop - start))
        try:
            return joined(_converted(column.iloc[start:stop], self.schema.field(name).type))
        except (pa.ArrowException, TypeError, ValueError) as e:
            raise unreadable(name, e) from None

    def output(self, names: Sequence[str], normalized: pa.Schema) -> PandasOutput:
        return PandasOutput(self, names, normalized)

    def stable(self) -> PandasTable:
        return table(self.data.copy(deep=False))  # which pandas 3 copies once somebody writes to either


class PandasOutput(Struct):
    """Floats are written into arrays of numpy as they come, other columns are kept until the end."""

    table: PandasTable
    names: Sequence[str]
    normalized: pa.Schema
    floats: dict[str, NDArray[Any]] = field(default_factory=dict)  # (rows,)
    batches: list[pa.RecordBatch] = field(default_factory=list)
    rows: int = field(default=0)

    def __post_init__(self) -> None:
        import pyarrow as pa

        for f in self.normalized:
            if f.name in self.names and pa.types.is_floating(f.type):
                self.floats[f.name] = np.empty(self.table.rows, np.dtype(f.type.to_pandas_dtype()))

    def add(self, batch: pa.RecordBatch) -> None:
        stop = self.rows + int(batch.num_rows)
        for name, x in self.floats.items():
            x[self.rows : stop] = as_numpy(batch.column(name))
        rest = [name for name in batch.schema.names if name not in self.floats]
        self.batches += [batch.select(rest)] if rest else []
        self.rows = stop

    def end(self) -> Any:
        import pandas as pd
        import pyarrow as pa

        data = self.table.data
        rest = pa.schema([f for f in self.normalized if f.name not in self.floats])
        new = pa.Table.from_batches(self.batches, rest)
        columns = []
        for name in self.names:
            old = self.table.series.get(name)
            if name in self.normalized.names:
                values = self.floats[name] if name in self.floats else new.column(name)
                columns.append(_series(values, None if old is None else old.dtype, data.index))
            else:
                columns.append(old)
        result = pd.DataFrame(dict(enumerate(columns)), data.index, copy=False)
        labels = [self.table.labels.get(name, name) for name in self.names]
        result.columns = data.columns if labels == list(data.columns) else pd.Index(labels, name=data.columns.name)
        result.attrs = dict(data.attrs)
        return result


def _series(values: Any, kind: Any, index: Any) -> Any:
    """A column, or its array, of the family of types that the one it replaces is of: numpy's, nullable, or Arrow's."""
    import pandas as pd

    is_arrow, is_masked = isinstance(kind, pd.ArrowDtype), hasattr(kind, "_is_numeric") and kind.na_value is pd.NA
    if isinstance(values, np.ndarray):
        if not is_arrow and not is_masked:
            return values
        missing = np.isnan(values)
        if not is_arrow:
            return pd.Series(pd.arrays.FloatingArray(values, missing), index, copy=False)
        values = as_arrow(values, missing)
    if is_arrow:
        return pd.Series(pd.arrays.ArrowExtensionArray(values), index, copy=False)
    nullable = {k.lower(): getattr(pd, f"{k}Dtype")() for k in _NULLABLE} if is_masked or values.null_count else {}
    series = values.to_pandas(types_mapper=lambda t: nullable.get(str(t)))
    series.index = index
    return series


_NULLABLE = tuple(f"{sign}Int{size}" for sign in ("", "U") for size in (8, 16, 32, 64))  # types, without "Dtype"


def table(data: Any) -> PandasTable:
    """Of a DataFrame. Raises BadDataError where two columns are called the same."""
    import pyarrow as pa

    names = [label if isinstance(label, str) else str(label) for label in data.columns]
    if len(set(names)) < len(names):
        twice = next(n for j, n in enumerate(names) if n in names[:j])
        raise BadDataError(f"{NAME}: two columns are called '{printable(twice)}'", "rename one")
    fields, columns = [], dict[str, Any]()
    every = dict(zip(names, (series for _, series in data.items()), strict=True))
    for name, series in every.items():
        try:
            if isinstance(series.dtype, np.dtype) and series.dtype.kind in "iuf":
                columns[name] = series.to_numpy()
                kind = pa.from_numpy_dtype(columns[name].dtype)
            elif series.dtype == object:
                columns[name] = _converted(series)  # all of it, for its type follows from all of its values
                kind = columns[name].type
            else:
                columns[name] = series
                kind = _converted(series.iloc[:0]).type
            fields.append(pa.field(name, kind))
        except (pa.ArrowException, TypeError, ValueError) as e:
            fields.append(opaque(name, series.dtype, str(e)))
    return PandasTable(data, pa.schema(fields), dict(zip(names, data.columns, strict=True)), columns, every)


def _converted(series: Any, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    """Raises ArrowException, TypeError or ValueError where Arrow has no type for its values."""
    import pyarrow as pa

    array = pa.array(series, kind, from_pandas=True)
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
