"""Reading tables in memory, one after the other, as row groups of one input."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, ClassVar

from normcli import columns
from normcli.errors import BadDataError, UsageError, printable, short
from normcli.formats import Reader, load
from normcli.formats._binary.chunk import Chunk
from normcli.formats._binary.description import BatchDescription
from normcli.formats._binary.faults import reading
from normcli.formats._binary.reader import FEW, BatchReader
from normcli.formats._memory import tables
from normcli.formats._memory.of_numpy import Matrix
from normcli.formats._memory.of_pyarrow import exporting, one_batch
from normcli.formats._memory.tables import GROUP, NAME, Table
from normcli.io.memory_source import MemorySource

if TYPE_CHECKING:
    import pyarrow as pa

FEW_VALUES = 1 << 15
FORMAT = "arrows"  # the format whose data are most like these


class Tables:
    """A table in memory, or an iterable of several that follow each other."""

    def __init__(self, data: Any, rest: Iterator[Any] | None = None, *, is_empty: bool = False) -> None:
        """`data` is a table; or an iterable, of which `rest` is an iterator over all, if it is not `is_empty`."""
        self.data, self._rest, self.is_empty = data, rest, is_empty
        self.is_one = rest is None
        self.is_lazy = not self.is_one and not isinstance(data, list | tuple)  # not all of them are in memory
        self.repeats = self.is_one or iter(data) is not data
        self.matrix_names: Sequence[str] = ()  # what columns of matrices are called, if not x0 and so on

    def __iter__(self) -> Iterator[Any]:
        """Those of an iterator once only."""
        if self.is_one:
            return iter((self.data,))
        rest, self._rest = self._rest, None
        return iter(self.data) if rest is None else rest

    def reader(self, *, room: int | None, block_size: int | None, keeps: bool) -> Reader:
        """Reads them, and `keeps` each until its rows are normalized, if that is wanted. Raises UsageError where there
        is none."""
        if self.is_empty:
            raise UsageError("no input is named", "'-' is standard input")
        if self.is_one and not keeps and tables.is_stream(self.data):
            return StreamReader(self.data, room, block_size)
        return TableReader(self, room, block_size, keeps=keeps)


class _MemoryReader(BatchReader):
    """What follows from a schema."""

    what: ClassVar[str] = "table"

    def _describe(self, schema: pa.Schema, room: int | None, block_size: int | None, size: int | None) -> None:
        Reader.__init__(self, MemorySource(NAME, room=room), block_size)
        faults = {name: f"{NAME}: {tables.unread(name, why)}" for name, why in tables.faults_of(schema).items()}
        known = self._known() | {"format": FORMAT, "not_numbers": faults}
        left_out = {name: f"{why}; it is left out" for name, why in faults.items()}
        self.description = BatchDescription.of(schema, size=size, unread_numbers=left_out, **known)

    def _names(self, needed: Sequence[str] | None) -> list[str]:
        """Of columns that are read: all that can be, by default, for others are refused where they are written."""
        return [f.name for f in self.description.schema if (not f.is_opaque if needed is None else f.name in needed)]


class TableReader(_MemoryReader):
    """One table after the other, in blocks of rows; none of which is of two tables."""

    def __init__(self, data: Tables, room: int | None, block_size: int | None, *, keeps: bool) -> None:
        """Raises BadDataError where the first is no table, or has columns that can't be read."""
        self.waiting: deque[Table] | None = deque() if keeps else None  # for their normalized rows
        values = iter(data)
        self._matrix_names = data.matrix_names
        self._stable = data.is_lazy  # whoever makes them one after the other may use the same memory again
        self._first = self._table(next(values))
        self._tables = chain((self._first,), map(self._table, values))
        self._describe(self._first.schema, room, block_size, self._first.rows if data.is_one else None)

    @property
    def is_small(self) -> bool:
        """Whether all of it is done sooner than threads begin."""
        return self.description.size is not None and self.description.size * len(self.description.schema) <= FEW_VALUES

    def chunks(self, needed: Sequence[str] | None = None) -> Iterator[Chunk]:
        names, rows = self._names(needed), self._rows
        numbers = all(f.is_number for f in self.description.schema if f.name in names)
        for number, table in enumerate(self._tables):
            self._check_names(table, number)
            if self.waiting is not None:
                self.waiting.append(table)
            for start, stop in tables.cuts(table.rows, rows):
                count = len(names) * (stop - start)
                read = partial(self._batch, table, names, start, stop, converts=needed is None)
                ends = stop == table.rows or stop % GROUP == 0
                yield Chunk(stop - start, ends, read, load(8 * count, count) if numbers else None)
            del table

    def _table(self, value: Any) -> Table:
        table = tables.table_of(value)
        table = table.called(self._matrix_names) if isinstance(table, Matrix) else table
        return table.stable() if self._stable else table

    def _batch(self, table: Table, names: list[str], start: int, stop: int, *, converts: bool) -> pa.RecordBatch:
        """Rows of a table, whose columns are of the types of the first one's; numbers may be of others, unless it
        `converts` those, too. Raises BadRowError, BadDataError."""
        import pyarrow as pa

        batch, first = tables.batch(table, names, start, stop), self._first.schema
        if table is self._first or batch.schema.types == [first.field(name).type for name in names]:
            return batch
        fields = []
        for f in batch.schema:
            old, new = columns.arrow_fields(pa.schema([first.field(f.name), f]))
            fields.append(f if old.is_number and new.is_number and not converts else first.field(f.name))
        return columns.conformed(batch, pa.schema(fields, first.metadata))

    def _check_names(self, table: Table, number: int) -> None:
        """Raises BadDataError for a table whose columns are not those of the first one; they may be in any order."""
        names, first = set(table.schema.names), set(self._first.schema.names)
        for wrong, verb in ((first - names, "lacks"), (names - first, "has")):
            if wrong:
                what = f"table {number + 1} {verb} column '{printable(min(wrong))}'"
                raise BadDataError(f"{NAME}: {what}, unlike the first", "all of them have the same columns")

    def _samples(self, name: str) -> Iterator[pa.Array]:
        yield self._first.column(name, 0, min(FEW, self._first.rows))


class StreamReader(_MemoryReader):
    """What exports a stream of batches, read once from the start to the end. Its blocks are those of one table with the
    same rows, whatever batches they come in."""

    def __init__(self, data: Any, room: int | None, block_size: int | None) -> None:
        import pyarrow as pa

        with exporting(data):
            self._batches = pa.RecordBatchReader.from_stream(data)
        self._describe(self._batches.schema, room, block_size, None)
        self._ahead: list[pa.RecordBatch] = []  # read to know how long lists are

    def chunks(self, needed: Sequence[str] | None = None) -> Iterator[Chunk]:
        import pyarrow as pa

        names, rows, place = self._names(needed), self._rows, 0
        rest = self._batches.schema.empty_table().select(names)
        while (batch := self._ahead.pop() if self._ahead else self._next()) is not None:
            rest = pa.concat_tables([rest, pa.Table.from_batches([batch.select(names)])])
            while rest.num_rows >= (count := tables.boundary(place, rows) - place):
                place += count
                yield Chunk.of(one_batch(rest.slice(0, count)), can_end_segment=place % GROUP == 0)
                rest = rest.slice(count)
        if rest.num_rows:
            yield Chunk.of(one_batch(rest), can_end_segment=True)

    def _next(self) -> pa.RecordBatch | None:
        with reading(self.source, self.what):
            return next(self._batches, None)

    def _samples(self, name: str) -> Iterator[pa.Array]:
        if not self._ahead:
            self._ahead += [b for b in [self._next()] if b is not None]
        yield from (b.column(name) for b in self._ahead)


def tables_in(data: Any) -> Tables | list[Any]:
    """Tables in memory, one or an iterable, which may be empty; or else what is in an iterable of other things. Raises
    UsageError for what is none of that."""
    if tables.kind_of(data) is not None and not hasattr(data, "__next__"):
        return Tables(data)
    if isinstance(data, Mapping) or tables.is_lazy(data):
        hint = tables.COLLECT if tables.is_lazy(data) else "pyarrow.table makes one of columns"
        raise UsageError(f"input: {type(data).__name__} is no table in memory", hint)
    try:
        values = iter(data)
    except TypeError:
        raise UsageError(f"input: {short(repr(data))} is neither a path nor a table, nor several of them") from None
    first = list(islice(values, 1))
    if not first or tables.kind_of(first[0]) is not None:
        return Tables(data, chain(first, values), is_empty=not first)
    return [*first, *values]
