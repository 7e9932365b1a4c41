"""Tables and record batches of pyarrow, and whatever exports an Arrow stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from normcli.errors import BadDataError, raise_shortage
from normcli.formats._memory.tables import NAME, MemoryTable

if TYPE_CHECKING:
    import pyarrow as pa


class ArrowTable(MemoryTable, frozen=True):
    """A table in chunks, of which no row is copied but those of a block that lies in several."""

    data: pa.Table
    is_batch: bool = False  # whether it was handed over as a record batch

    @property
    def rows(self) -> int:
        return int(self.data.num_rows)

    @property
    def schema(self) -> pa.Schema:
        return self.data.schema

    def column(self, name: str, start: int, stop: int) -> pa.Array:
        return joined(self.data.column(name).slice(start, stop - start))

    def output(self, names: Sequence[str], normalized: pa.Schema) -> ArrowOutput:
        return ArrowOutput(self, names, normalized)

    def stable(self) -> ArrowTable:
        return self  # Arrow's arrays never change


class ArrowOutput(Struct, frozen=True):
    """Columns of batches as they come, beside columns of the table."""

    table: ArrowTable
    names: Sequence[str]
    normalized: pa.Schema
    batches: list[pa.RecordBatch] = field(default_factory=list)

    def add(self, batch: pa.RecordBatch) -> None:
        self.batches.append(batch)

    def end(self) -> pa.Table | pa.RecordBatch:
        import pyarrow as pa

        new, old = pa.Table.from_batches(self.batches, self.normalized), self.table.data
        sources = [new if name in new.column_names else old for name in self.names]
        pairs = list(zip(self.names, sources, strict=True))
        fields = [source.schema.field(name) for name, source in pairs]
        schema = pa.schema(fields, self.normalized.metadata)
        table = pa.Table.from_arrays([source.column(name) for name, source in pairs], schema=schema)
        return one_batch(table) if self.table.is_batch else table


def table(data: Any) -> ArrowTable:
    """Of all that a value exports. Raises BadDataError."""
    import pyarrow as pa

    if isinstance(data, pa.Table):
        return ArrowTable(data)
    if isinstance(data, pa.RecordBatch):
        return ArrowTable(pa.Table.from_batches([data]), is_batch=True)
    with exporting(data):
        return ArrowTable(pa.table(data))


@contextmanager
def exporting(data: Any) -> Iterator[None]:
    """Raises BadDataError where a value exports no table, but a single column."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, ValueError, TypeError) as e:
        raise_shortage(e)
        what = f"{NAME}: {type(data).__name__} exports no table: {str(e).splitlines()[0]}"
        raise BadDataError(what, "a column is put into a table first") from None


def joined(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece: copied only where it has several."""
    import pyarrow as pa

    if column.num_chunks == 1:
        return column.chunk(0)
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # text beyond what offsets reach, which a block never has
        return pa.concat_arrays(array.chunks)
    return array


def one_batch(data: pa.Table) -> pa.RecordBatch:
    """A table as one batch."""
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([joined(column) for column in data.columns], schema=data.schema)
