"""Writing NumPy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from normcli.columns import Frame, Schema
from normcli.formats import Description, Outlet
from normcli.formats import Writer as AnyWriter
from normcli.formats._arrays import npy_header
from normcli.formats._arrays.npy_header import ArrayDescription, Header
from normcli.formats._arrays.spool import Spool
from normcli.formats._arrays.values import Values, is_vector, numpy_type, of_column
from normcli.formats._binary import schemas

if TYPE_CHECKING:
    import pyarrow as pa

WHAT = "NumPy array"
STRIP = 1 << 15  # values that are put in order at once
FEW = 64  # columns


class Writer(Struct, frozen=True):
    """An array (rows, columns) of the type that holds all columns. There is no place for names and digests."""

    in_parts: ClassVar[bool] = False
    delimiter: ClassVar[None] = None
    grouping: ClassVar[None] = None
    schema: pa.Schema
    is_flat: bool = False  # of one dimension

    @classmethod
    def for_input(cls, description: Description, blank: Frame, options: Any, digests: tuple[str, ...]) -> Writer:
        """For output of the columns of `blank`: of one dimension where it is of one column, as the input."""
        schema = schemas.output_schema(blank, ())
        is_flat = isinstance(description, ArrayDescription) and description.dimensions == 1
        return cls(schema, is_flat and len(schema) == 1)

    def following(self, description: Description, blank: Frame) -> AnyWriter:
        return schemas.following(self, self.schema, description, blank)

    @classmethod
    def refused(cls, blank: Frame) -> Schema:
        """Columns of no numbers; and all but one, where that is of lists."""
        alone = len(blank.names) == 1
        return schemas.refused(blank, lambda kind: numpy_type(kind) is None and not (alone and is_vector(kind)))

    @property
    def _kind(self) -> np.dtype[Any]:
        (types, *rest) = [numpy_type(t.value_type if is_vector(t) else t) for t in self.schema.types] or [
            np.dtype("f8")
        ]
        return np.result_type(types, *rest)

    @property
    def _columns(self) -> int:
        return sum(t.list_size if is_vector(t) else 1 for t in self.schema.types)

    def encode(self, frame: Frame) -> Values:
        """(rows, columns) in the order of the file. Raises BadRowError."""
        batch, kind = frame.to_arrow(self.schema), self._kind
        columns = [of_column(c, kind, n) for c, n in zip(batch.columns, batch.schema.names, strict=True)]
        if len(columns) == 1:
            return np.ascontiguousarray(columns[0].reshape(batch.num_rows, -1), kind.newbyteorder("<"))
        return _by_row(columns, np.empty((batch.num_rows, len(columns)), kind.newbyteorder("<")))

    def open(self, file: Outlet) -> Sink:
        return Sink(file, Header(self._kind, 0, self._columns, dimensions=1 if self.is_flat else 2))


def _by_row(columns: Sequence[Values], out: Values) -> Values:
    """Columns (rows,) in an array (rows, columns): of a few, some rows at once, which fit a cache; of many, some
    columns, for fewer calls."""
    if len(columns) > FEW:
        for j in range(0, len(columns), FEW):
            out[:, j : j + FEW] = np.stack(columns[j : j + FEW]).T
        return out
    rows = max(1, STRIP // len(columns))
    for at in range(0, len(out), rows):
        for j, column in enumerate(columns):
            out[at : at + rows, j] = column[at : at + rows]
    return out


class Sink:
    """Rows behind a header, which says how many there are: it is written anew at the end where the output can be
    changed, else rows are kept until then."""

    def __init__(self, file: Outlet, header: Header) -> None:
        self._file, self._header = file, header
        self._patch = getattr(file, "patch", None) if getattr(file, "can_patch", False) else None
        self._spool = None if self._patch else Spool()
        if self._patch:
            file.write(npy_header.written(self._header))

    def write(self, piece: Values) -> None:
        self._header = replace(self._header, rows=self._header.rows + len(piece))
        if len(piece):
            (self._spool or self._file).write(piece.reshape(-1).view(np.uint8).data)

    def close(self) -> None:
        header = npy_header.written(self._header)
        if self._patch:
            self._patch(0, header)
            return
        assert self._spool is not None
        self._file.write(header)
        self._spool.copy_to(self._file)
