"""NumPy arrays (.npy): of one or two dimensions, rows by columns, which are called x0, x1 …"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from normcli.errors import BadDataError, BadPlaceError
from normcli.formats import Format, load
from normcli.formats._arrays import npy_header
from normcli.formats._arrays.npy_writer import WHAT, Writer
from normcli.formats._arrays.values import Values, arrow_type, as_columns
from normcli.formats._binary.chunk import Chunk
from normcli.formats._binary.reader import BatchReader
from normcli.io.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FORMAT", "Options", "Reader", "Writer"]


class Options(Struct, frozen=True, kw_only=True):
    """There are none."""

    def check(self) -> None:
        """Nothing to contradict."""


class Reader(BatchReader):
    """An array, in blocks of rows, which the workers read. From a pipe it comes as it is; one that stands column by
    column is kept until all of it is there."""

    what = WHAT

    def __init__(self, source: Source, options: Options, *, block_size: int | None = None) -> None:
        import pyarrow as pa

        super().__init__(source, block_size)
        header = self._header = npy_header.read(source)
        self._streams = not source.regular and not header.by_column
        if not self._streams:
            self._begin = 0 if source.regular else header.start  # of the place that is read at, in the array's file
            source.in_place()
            npy_header.check_length(source, header, source.count + self._begin)
        schema = pa.schema([(f"x{j}", arrow_type(header.kind)) for j in range(header.columns)])
        known = {"size": header.rows, "dimensions": header.dimensions}
        self.description = npy_header.ArrayDescription.of(schema, **known, **self._known())

    def chunks(self, needed: Sequence[str] | None = None) -> Iterator[Chunk]:
        header, names = self._header, [f.name for f in self.description.schema]
        wanted = None if needed is None else [j for j, n in enumerate(names) if n in set(needed)]
        for at in range(0, header.rows, self._rows):
            count = min(self._rows, header.rows - at)
            self._limit.check_block(2.0 * count * header.row_size)
            values = self._next(count) if self._streams else None
            read = partial(self._batch, at, count, wanted, values)
            needs = load(count * header.row_size, count * header.columns)
            yield Chunk(count, at + count == header.rows, read, needs)
        if self._streams and self.source.read(1):
            raise BadDataError(f"{self.source.name}: there is more after the array", "was something appended?")

    def _next(self, count: int) -> bytes:
        """The next rows of a pipe."""
        data = self.source.read(count * self._header.row_size)
        if len(data) < count * self._header.row_size:
            raise BadDataError(f"{self.source.name}: truncated: the array ends early", "was it copied whole?")
        return data

    def _batch(self, at: int, count: int, wanted: Sequence[int] | None, data: bytes | None) -> pa.RecordBatch:
        """Rows from `at` on, of some or all columns; what is in them, where that is read already."""
        import pyarrow as pa

        names = self.description.schema
        columns = range(self._header.columns) if wanted is None else wanted
        matrix = self._matrix(at, count, columns, data)
        kind = matrix.dtype.newbyteorder("=")
        arrays = as_columns(matrix.astype(kind, copy=False))
        return pa.RecordBatch.from_arrays(arrays, [names[j].name for j in columns])

    def _matrix(self, at: int, count: int, columns: Sequence[int], data: bytes | None) -> Values:
        """(count, columns) the values of rows."""
        header = self._header
        if header.by_column:
            size = header.kind.itemsize
            parts = (self._read((j * header.rows + at) * size, count * size) for j in columns)
            return np.stack([np.frombuffer(part, header.kind) for part in parts], axis=1)
        data = self._read(at * header.row_size, count * header.row_size) if data is None else data
        matrix = np.frombuffer(data, header.kind).reshape(count, header.columns)
        return matrix if len(columns) == header.columns else matrix[:, list(columns)]

    def _read(self, start: int, size: int) -> bytes:
        """Bytes of the data, from anywhere. Raises BadPlaceError, OutputError."""
        try:
            data = self.source.read_at(self._header.start - self._begin + start, size)
        except OSError as e:
            raise self.source.failed(e) from None
        if len(data) < size:
            raise BadPlaceError(0, "the rows from here are gone", "was it changed meanwhile?")
        return data

    def _samples(self, name: str) -> Iterator[pa.Array]:
        yield from ()


FORMAT = Format(
    suffixes=(".npy",),
    binary=True,
    magic=b"\x93NUMPY",
    on_pipe="arrows",  # whose header need not say how many rows will come
    options=Options,
    reader=Reader,
    writer=Writer,
)
