"""Views of tables: with a column more, and such that a matrix comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from normcli.caching import cached_property
from normcli.columns.arrow_columns import as_numbers
from normcli.columns.buffers import as_arrow
from normcli.formats._memory.of_numpy import MatrixOutput
from normcli.formats._memory.tables import MemoryTable, Output, Table

if TYPE_CHECKING:
    import pyarrow as pa


class WithWeights(MemoryTable, frozen=True):
    """A table with a column of weights (rows,)."""

    table: Table
    name: str
    weights: NDArray[np.float64]

    @property
    def rows(self) -> int:
        return self.table.rows

    @property
    def schema(self) -> pa.Schema:
        import pyarrow as pa

        return self.table.schema.append(pa.field(self.name, pa.float64()))

    def column(self, name: str, start: int, stop: int) -> pa.Array:
        return as_arrow(self.weights[start:stop]) if name == self.name else self.table.column(name, start, stop)

    def output(self, names: Sequence[str], normalized: pa.Schema) -> Output:
        return self.table.output(names, normalized)

    def stable(self) -> Table:
        return self


class AsMatrix(MemoryTable, frozen=True, dict=True):
    """A table whose columns are called `names`, and of which a matrix is made: of all columns, or of `results`."""

    table: Table
    names: Sequence[str]
    results: Sequence[str] | None = None
    order: Literal["C", "F"] = "C"  # of the matrix

    @property
    def rows(self) -> int:
        return self.table.rows

    @cached_property
    def schema(self) -> pa.Schema:
        import pyarrow as pa

        return pa.schema([f.with_name(n) for f, n in zip(self.table.schema, self.names, strict=True)])

    def column(self, name: str, start: int, stop: int) -> pa.Array:
        return self.arrays([name], start, stop)[0]

    def arrays(self, names: Sequence[str], start: int, stop: int) -> list[pa.Array]:
        original = dict(zip(self.names, self.table.schema.names, strict=True))
        return self.table.arrays([original[name] for name in names], start, stop)

    def output(self, names: Sequence[str], normalized: pa.Schema) -> Output:
        names = self.results or names
        places = [j for j, name in enumerate(names) if name in normalized.names]
        passing = {j: as_numbers(self.column(n, 0, self.rows)) for j, n in enumerate(names) if j not in places}
        kinds = [normalized.field(names[j]).type.to_pandas_dtype() for j in places]
        kind = np.result_type(*kinds, *(x.dtype for x in passing.values()))
        data = np.empty((self.rows, len(names)), kind, order=self.order)
        for j, x in passing.items():
            data[:, j] = x
        return MatrixOutput(data, places, names)

    def stable(self) -> Table:
        return self


class Blank(MemoryTable, frozen=True):
    """A table without rows, of columns of numbers called `names`, of which the names of all columns are made."""

    names: Sequence[str]

    @property
    def rows(self) -> int:
        return 0

    @property
    def schema(self) -> pa.Schema:
        import pyarrow as pa

        return pa.schema([pa.field(name, pa.float64()) for name in self.names])

    def column(self, name: str, start: int, stop: int) -> pa.Array:
        return as_arrow(np.zeros(0))

    def output(self, names: Sequence[str], normalized: pa.Schema) -> Output:
        return _Names(names)

    def stable(self) -> Table:
        return self


class _Names(Struct, frozen=True):
    """The names of columns."""

    names: Sequence[str]

    def add(self, batch: pa.RecordBatch) -> None:
        """There are no rows."""

    def end(self) -> list[str]:
        return list(self.names)
