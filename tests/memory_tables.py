"""The kinds of tables in memory that tests go through, made from one Arrow table, and as Arrow again."""

from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa


def chunked(table: pa.Table) -> pa.Table:
    """In chunks that no block respects."""
    third = max(1, table.num_rows // 3)
    return pa.concat_tables([table.slice(at, third) for at in range(0, max(1, table.num_rows), third)])


class Exporter:
    """An object that exports an Arrow stream, and can do nothing else."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


def nullable(data: pd.DataFrame) -> pd.DataFrame:
    """With columns of floats whose missing values are pandas.NA."""
    return data.astype({name: "Float64" for name, kind in data.dtypes.items() if kind == np.float64})


def relation(table: pa.Table) -> Any:
    """A relation of DuckDB."""
    return duckdb.from_arrow(table)


KINDS: dict[str, Callable[[pa.Table], Any]] = {
    "pyarrow": lambda table: table,
    "pyarrow-chunks": chunked,
    "pyarrow-batch": lambda table: pa.RecordBatch.from_pylist(table.to_pylist(), table.schema),
    "polars": pl.from_arrow,
    "polars-chunks": lambda table: pl.from_arrow(chunked(table), rechunk=False),
    "pandas": pa.Table.to_pandas,
    "pandas-nullable": lambda table: nullable(table.to_pandas()),
    "pandas-arrow": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "duckdb": relation,
    "exporter": Exporter,
}
LIBRARY = {"polars": pl.DataFrame, "pandas": pd.DataFrame, "numpy": np.ndarray}


def arrow(data: Any) -> pa.Table:
    """Any of these as an Arrow table."""
    if isinstance(data, pd.DataFrame):
        return pa.Table.from_pandas(data, preserve_index=False)
    return pa.Table.from_batches([data]) if isinstance(data, pa.RecordBatch) else pa.table(data)


def numbers(data: Any, names: list[str]) -> np.ndarray[Any, Any]:
    """(rows, columns) of some columns."""
    table = arrow(data)
    return np.column_stack([table.column(n).to_numpy(zero_copy_only=False).astype(float) for n in names])


def slices(table: pa.Table, rows: int) -> Iterator[pa.Table]:
    """The table in tables of so many rows."""
    return (table.slice(at, rows) for at in range(0, table.num_rows, rows))
