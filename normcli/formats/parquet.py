"""Parquet: row groups streamed as blocks of rows, decoded by the workers; page checksums written and verified.

One flipped bit in a Parquet file without checksums is a wrong value in silence (384 of 400 trials); with checksums of
pages written and verified, never. They do not cover the footer, nor the headers of pages: of what we write,
a seal does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from normcli.errors import BadDataError, printable
from normcli.formats import Format
from normcli.formats._binary.chunk import Chunk
from normcli.formats._binary.description import BatchDescription
from normcli.formats._binary.faults import WITHOUT, reading
from normcli.formats._binary.options import Options
from normcli.formats._binary.parquet_writer import COMPRESSIONS, MAGIC, WHAT, Writer
from normcli.formats._binary.reader import FEW, BatchReader
from normcli.formats._binary.row_group_reader import RowGroups
from normcli.io.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FORMAT", "Options", "Reader", "Writer"]


class Reader(BatchReader):
    """A Parquet file. Only the columns that are needed are read."""

    what = WHAT

    def __init__(self, source: Source, options: Options, *, block_size: int | None = None) -> None:
        super().__init__(source, block_size)
        with reading(source, WHAT):
            groups = self._groups = RowGroups(source, MAGIC)
            without = [printable(f.name) for f in groups.arrow if _is_empty(f.type)]
            what = "a group without fields, of which a Parquet file holds nothing"
            self.description = BatchDescription.of(
                _with_values(groups.arrow),
                size=groups.rows,
                notices=tuple(f"{source.name}: column '{name}' is left out: {what}" for name in without),
                codec=self._codec(),
                **self._known(),
            )
        self._unread = [f.name for f in groups.arrow if not _is_empty(f.type) and _has_empty(f.type)]

    def chunks(self, needed: Sequence[str] | None = None) -> Iterator[Chunk]:
        for name in self._unread:
            if needed is None or name in needed:
                what = f"column '{printable(name)}' has a group without fields in it"
                raise BadDataError(f"{self.source.name}: {what}, and can't be read", WITHOUT)
        for group in self._numbers(self._groups.count):
            with reading(self.source, WHAT):
                yield from self._groups.blocks(self._rows, group, needed)

    def _row_counts(self, start: int = 0, end: int | None = None) -> Iterator[int]:
        return map(self._groups.rows_in, range(self._groups.count)[start:end])

    def _samples(self, name: str) -> Iterator[pa.Array]:
        with reading(self.source, WHAT):
            for group in range(self._groups.count):
                for batch in self._groups.batches(FEW, group, [name]):
                    yield batch.column(name)

    def _codec(self) -> str | None:
        """The compression of the first row group, where all its columns have the same."""
        first = self._groups.footer.group(0) if self._groups.count else []
        used = {chunk.codec for chunk in first if chunk}
        return used.pop() if len(used) == 1 and used <= set(COMPRESSIONS) else None


def _is_empty(kind: pa.DataType) -> bool:
    """Whether it is a group without fields. Nothing is stored of one, not even which rows are null; pyarrow leaves it
    out where it is a column, and reads no column that it is a part of."""
    import pyarrow as pa

    return bool(pa.types.is_struct(kind)) and not kind.num_fields


def _has_empty(kind: pa.DataType) -> bool:
    return _is_empty(kind) or any(_has_empty(kind.field(j).type) for j in range(kind.num_fields))


def _with_values(schema: pa.Schema) -> pa.Schema:
    """A schema of the columns of which the file holds something."""
    import pyarrow as pa

    return pa.schema([f for f in schema if not _is_empty(f.type)], schema.metadata)


FORMAT = Format(
    suffixes=(".parquet", ".pq"),
    binary=True,
    magic=b"PAR1",
    keeps_marks=True,
    on_pipe="arrows",  # for a pipe has no footer to wait for
    options=Options,
    reader=Reader,
    writer=Writer,
)
