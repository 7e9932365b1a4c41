"""Table: what all kinds of tables in memory have in common, and which kind a value is. Each kind is a file here."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from normcli.columns.schema import OPAQUE
from normcli.errors import BadDataError, printable

if TYPE_CHECKING:
    import pyarrow as pa

FAULT = b"normcli:fault"  # in the metadata of a field: why its column can't be read
NAME = "<memory>"  # what messages call data in memory
GROUP = 1 << 20  # rows after which a segment may end, as after the row groups that pyarrow writes
COLLECT = "collect() makes a DataFrame of it, collect_batches() several that follow each other"  # of a query of polars
MODULES = ("pandas", "polars", "numpy", "pyarrow")  # of which tables are known; no other way would load one


class Output(Protocol):
    """A table that is put together."""

    def add(self, batch: pa.RecordBatch) -> None:
        """The next rows of its normalized columns."""

    def end(self) -> Any:
        """The table, of the kind that it was normalized from."""


class Table(Protocol):
    """Named columns in memory, nothing of which is copied before it is needed."""

    @property
    def rows(self) -> int:
        """How many there are."""

    @property
    def schema(self) -> pa.Schema:
        """Its columns as Arrow has them, and what it remembers."""

    def column(self, name: str, start: int, stop: int) -> pa.Array:
        """Rows of a column, of the type in the schema. Thread-safe. Raises BadDataError."""

    def arrays(self, names: Sequence[str], start: int, stop: int) -> list[pa.Array]:
        """The same of several columns."""

    def output(self, names: Sequence[str], normalized: pa.Schema) -> Output:
        """What makes a table of the same kind: of these columns, those that are `normalized` from what is added and the
        others from this one. The metadata of `normalized` are those of the new table."""

    def stable(self) -> Table:
        """The same values, whatever becomes of the memory that they were in."""


class MemoryTable(Struct, frozen=True):
    """A table of one of the kinds that are here."""

    def column(self, name: str, start: int, stop: int) -> pa.Array:
        raise NotImplementedError

    def arrays(self, names: Sequence[str], start: int, stop: int) -> list[pa.Array]:
        return [self.column(name, start, stop) for name in names]


def batch(table: Table, names: Sequence[str], start: int, stop: int) -> pa.RecordBatch:
    """Rows of some columns. Raises BadDataError."""
    import pyarrow as pa

    fields = [table.schema.field(name) for name in names]
    for name, why in faults_of(pa.schema(fields)).items():
        raise unreadable(name, why)
    arrays = table.arrays(names, start, stop)
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields, table.schema.metadata))


def kind_of(data: Any) -> str | None:
    """The library whose table this is, "pyarrow" for all that only exports Arrow; "" for a table of these files; None
    for what is no table."""
    if isinstance(data, MemoryTable):
        return ""
    for library in MODULES[:2]:
        module = sys.modules.get(library)
        if module is not None and isinstance(data, (getattr(module, "DataFrame", ()), getattr(module, "Series", ()))):
            return library
    if isinstance(data, sys.modules["numpy"].ndarray):
        return "numpy"
    exports = hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__")
    return "pyarrow" if exports and not isinstance(data, type) else None


def is_lazy(data: Any) -> bool:
    """Whether it is a query of polars, of which there are no rows yet."""
    return isinstance(data, getattr(sys.modules.get("polars"), "LazyFrame", ()))


def is_stream(data: Any) -> bool:
    """Whether it can be read in pieces alone: what exports a stream, of a library that is not known."""
    import pyarrow as pa

    return kind_of(data) == "pyarrow" and not isinstance(data, pa.Table | pa.RecordBatch)


def table_of(data: Any) -> Table:
    """A value as a table. Raises BadDataError for one that is none."""
    from importlib import import_module

    kind = kind_of(data)
    if isinstance(data, MemoryTable):
        known: Any = data
        return known  # type: ignore[no-any-return]
    if kind is None:
        what = f"{NAME}: {printable(type(data).__name__)} is no table"
        raise BadDataError(what, "those of pandas, polars, numpy and all that export Arrow streams are")
    if type(data).__name__ == "Series":
        raise BadDataError(f"{NAME}: a Series is a column, and no table", "to_frame() makes one of it")
    table: Table = import_module(f"normcli.formats._memory.of_{kind}").table(data)
    return table


def boundary(place: int, rows: int) -> int:
    """Where the block ends that begins at a row of a table: blocks have so many `rows`, and none is of two groups."""
    group = place - place % GROUP
    return min(place + rows - (place - group) % rows, group + GROUP)


def cuts(total: int, rows: int) -> Iterator[tuple[int, int]]:
    """Where the blocks of a table of `total` rows begin and end."""
    start = 0
    while start < total:
        stop = min(boundary(start, rows), total)
        yield start, stop
        start = stop


def opaque(name: str, kind: Any, why: str) -> pa.Field:
    """The field of a column that Arrow can't hold: its type is a `kind` of its library, and `why` the reason."""
    import pyarrow as pa

    about = {OPAQUE: printable(str(kind)), FAULT: printable(why.splitlines()[0])}
    return pa.field(name, pa.null(), metadata=about)


def faults_of(schema: pa.Schema) -> dict[str, str]:
    """Why Arrow can't hold columns, by their names."""
    return {f.name: f.metadata[FAULT].decode() for f in schema if f.metadata and FAULT in f.metadata}


def unreadable(name: str, why: Exception | str) -> BadDataError:
    """The error for a column whose values are needed, and that can't be read."""
    return BadDataError(f"{NAME}: {unread(name, str(why))}", "leave it out, or convert it to a type of Arrow")


def unread(name: str, why: str) -> str:
    """What is wrong with a column."""
    return f"column '{printable(name)}' can't be read: {printable(why.splitlines()[0])}"
