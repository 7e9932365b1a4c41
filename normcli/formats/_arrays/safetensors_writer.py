"""Writing safetensors files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from msgspec import Struct

from normcli.columns import Frame, Schema
from normcli.errors import BadDataError
from normcli.formats import Description, Outlet
from normcli.formats import Writer as AnyWriter
from normcli.formats._arrays.safetensors_header import LONGEST, METADATA, NAMES, Tensor, written
from normcli.formats._arrays.spool import PIECE, Spool
from normcli.formats._arrays.values import Values, is_vector, numpy_type, of_column
from normcli.formats._binary import schemas

if TYPE_CHECKING:
    import pyarrow as pa

WHAT = "safetensors file"


class Writer(Struct, frozen=True):
    """A tensor to each column: of one dimension, or of two where it holds lists of one length."""

    in_parts: ClassVar[bool] = False
    delimiter: ClassVar[None] = None
    grouping: ClassVar[None] = None
    schema: pa.Schema

    @classmethod
    def for_input(cls, description: Description, blank: Frame, options: Any, digests: tuple[str, ...]) -> Writer:
        """For output of the columns of `blank`. Raises BadDataError where one is called as no tensor can be."""
        schema = schemas.output_schema(blank, digests)
        if METADATA in schema.names:
            raise BadDataError(f"{description.name}: no tensor can be called {METADATA}", "rename the column")
        return cls(schema)

    def following(self, description: Description, blank: Frame) -> AnyWriter:
        return schemas.following(self, self.schema, description, blank)

    @classmethod
    def refused(cls, blank: Frame) -> Schema:
        return schemas.refused(blank, lambda kind: numpy_type(kind) is None and not is_vector(kind))

    @property
    def _kinds(self) -> list[np.dtype[Any]]:
        """The type of each column."""
        kinds = (numpy_type(t.value_type if is_vector(t) else t) for t in self.schema.types)
        return [kind for kind in kinds if kind is not None]

    def encode(self, frame: Frame) -> list[Values]:
        """The values of each column. Raises BadRowError."""
        batch = frame.to_arrow(self.schema)
        columns = zip(batch.columns, self._kinds, batch.schema.names, strict=True)
        return [np.ascontiguousarray(of_column(c, kind, n)) for c, kind, n in columns]

    def open(self, file: Outlet) -> Sink:
        metadata = {}
        for key, value in (self.schema.metadata or {}).items():
            try:
                metadata[key.decode()] = value.decode()
            except UnicodeDecodeError:  # of another format
                continue
        sizes = [(t.list_size,) if is_vector(t) else () for t in self.schema.types]
        return Sink(file, self.schema.names, self._kinds, sizes, metadata)


class Sink:
    """Tensors that are complete only with the last row, and wait until then, piece by piece. Those of the largest
    values come first, so that all are aligned."""

    def __init__(
        self,
        file: Outlet,
        names: list[str],
        kinds: list[np.dtype[Any]],
        sizes: Sequence[tuple[int, ...]],
        metadata: dict[str, str],
    ) -> None:
        self._file, self._names, self._kinds, self._sizes, self._metadata = file, names, kinds, sizes, metadata
        self._spool, self._rows = Spool(), 0
        self._pieces: list[tuple[int, int]] = []  # where each begins, and its rows

    def write(self, piece: list[Values]) -> None:
        rows = len(piece[0]) if piece else 0
        if not rows:
            return
        self._pieces.append((self._spool.size, rows))
        self._rows += rows
        for j in self._order:
            self._spool.write(piece[j].reshape(-1).view(np.uint8).data)

    @property
    def _order(self) -> list[int]:
        """Which column comes when."""
        return sorted(range(len(self._names)), key=lambda j: -self._kinds[j].itemsize)

    def _row_size(self, j: int) -> int:
        return int(np.prod(self._sizes[j], dtype=np.int64)) * self._kinds[j].itemsize

    def close(self) -> None:
        starts, end = dict[int, int](), 0
        for j in self._order:
            starts[j] = end
            end += self._rows * self._row_size(j)
        tensors = [
            Tensor(name, NAMES[self._kinds[j].newbyteorder("<")], (self._rows, *self._sizes[j]), starts[j])
            for j, name in enumerate(self._names)
        ]
        header = written(tensors, self._metadata)
        if len(header) > LONGEST:
            raise BadDataError(f"the header of a {WHAT} takes {len(header):,} bytes", "fewer columns, or --to parquet")
        self._file.write(header)
        before = 0
        for j in self._order:
            for start, rows in self._pieces:
                at, size = start + rows * before, rows * self._row_size(j)
                for part in range(at, at + size, PIECE):
                    self._file.write(self._spool.read(part, min(PIECE, at + size - part)))
            before += self._row_size(j)
