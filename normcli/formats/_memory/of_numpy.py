"""Matrices of numpy: a row an observation, columns called x0, x1 and so on, as in scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from normcli.columns.buffers import as_arrow, as_numpy
from normcli.errors import BadDataError
from normcli.formats._memory.tables import NAME, MemoryTable

if TYPE_CHECKING:
    import pyarrow as pa

TILE = 2048  # rows
UNSTRUCTURED = "pandas.DataFrame(data) has its fields as columns"
UNMASK = "astype(float).filled(numpy.nan) has NaN for what is masked"


class Matrix(MemoryTable, frozen=True):
    """A matrix, of which the columns of a block are copied where they do not lie in one piece."""

    data: NDArray[Any]
    schema: pa.Schema

    @property
    def rows(self) -> int:
        return len(self.data)

    def column(self, name: str, start: int, stop: int) -> pa.Array:
        return as_arrow(self._column(name)[start:stop])

    def arrays(self, names: Sequence[str], start: int, stop: int) -> list[pa.Array]:
        if self.data.flags.f_contiguous or len(names) < self.data.shape[1]:
            return super().arrays(names, start, stop)
        block = np.empty((self.data.shape[1], stop - start), self.data.dtype)  # columns, rows
        for at in _tiles(start, stop):
            block[:, at.start - start : at.stop - start] = self.data[at].T
        return [as_arrow(block[self.schema.get_field_index(name)]) for name in names]

    def output(self, names: Sequence[str], normalized: pa.Schema) -> MatrixOutput:
        kinds = [
            np.dtype(normalized.field(n).type.to_pandas_dtype()) if n in normalized.names else self._column(n).dtype
            for n in names
        ]
        by_column = self.data.flags.f_contiguous and not self.data.flags.c_contiguous
        result = np.empty((self.rows, len(names)), np.result_type(*kinds), order="F" if by_column else "C")
        for name, x in zip(names, result.T, strict=True):
            if name not in normalized.names:
                x[:] = self._column(name)
        return MatrixOutput(result, [j for j, name in enumerate(names) if name in normalized.names], names)

    def called(self, names: Sequence[str]) -> Matrix:
        """The matrix with columns of these names, where there are as many, and it lacks one."""
        if len(names) != self.data.shape[1] or set(names) <= set(self.schema.names):
            return self
        return named(self.data, names)

    def stable(self) -> Matrix:
        return Matrix(np.array(self.data, order="F"), self.schema)

    def _column(self, name: str) -> NDArray[Any]:
        column: NDArray[Any] = self.data[:, self.schema.get_field_index(name)]
        return column


class MatrixOutput(Struct):
    """A matrix (rows, columns) that is filled from the top, in the columns at `places`."""

    data: NDArray[Any]
    places: Sequence[int]
    names: Sequence[str]
    rows: int = field(default=0)

    def add(self, batch: pa.RecordBatch) -> None:
        start, stop = self.rows, self.rows + int(batch.num_rows)
        columns = {j: as_numpy(batch.column(self.names[j])) for j in self.places}
        if self.data.dtype.kind != "f" and any(x.dtype.kind == "f" for x in columns.values()):
            self.data = self.data.astype(np.float64)  # whole numbers of which some are missing
        if self.data.flags.f_contiguous or len(columns) < len(self.names):
            for j, x in columns.items():
                self.data[start:stop, j] = x
        else:
            for at in _tiles(start, stop):
                self.data[at] = np.array([x[at.start - start : at.stop - start] for x in columns.values()]).T
        self.rows = stop

    def end(self) -> NDArray[Any]:
        return self.data


def _tiles(start: int, stop: int) -> Iterator[slice]:
    """Runs of rows that a cache holds while they change between rows and columns."""
    return (slice(at, min(at + TILE, stop)) for at in range(start, stop, TILE))


def table(data: Any) -> Matrix:
    """Of a matrix of numbers. Raises BadDataError for any other array."""
    if data.dtype.names:
        raise BadDataError(f"{NAME}: a structured array, and a matrix has no names", UNSTRUCTURED)
    if data.ndim != 2:
        hint = "reshape(-1, 1) makes one column of it" if data.ndim == 1 else ""
        raise BadDataError(f"{NAME}: an array of {data.ndim} dimensions, and a matrix has 2", hint)
    if data.dtype.kind not in "biuf" or data.dtype.itemsize > 8:
        raise BadDataError(f"{NAME}: an array of {data.dtype}, and a matrix is of numbers", "astype(float) converts it")
    if np.ma.is_masked(data):
        raise BadDataError(f"{NAME}: a masked array, and a matrix has no mask", UNMASK)
    return named(data, [f"x{j}" for j in range(data.shape[1])])


def named(data: NDArray[Any], names: Sequence[str]) -> Matrix:
    """A matrix of numbers (rows, columns), whose columns have names."""
    import pyarrow as pa

    data = np.asarray(data, data.dtype.newbyteorder("="))
    kind = pa.from_numpy_dtype(data.dtype)
    return Matrix(data, pa.schema([pa.field(name, kind) for name in names]))
