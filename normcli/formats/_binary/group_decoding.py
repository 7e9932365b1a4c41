"""A row group decoded by several workers at once: each needs a block of rows, and columns are decoded side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

from normcli.errors import BadDataError
from normcli.formats._binary.faults import reading
from normcli.formats._binary.row_groups import WHAT
from normcli.io.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa


class ColumnBlocks:
    """Some columns of a row group: blocks of their rows, which can only be decoded from the first on.

    Who needs a block decodes those before it, too, where nobody has yet, and leaves them to the others: so nobody
    waits for a worker that may have been called off.
    """

    def __init__(self, batches: Callable[[], Iterator[pa.RecordBatch]]) -> None:
        self._open, self._batches = batches, iter(())
        self._lock, self._next, self._ready = Lock(), 0, dict[int, Any]()
        self._error: Exception | None = None

    def take(self, number: int, rows: Sequence[int]) -> pa.RecordBatch:
        """A block, once; the blocks have so many `rows` each. Raises ArrowException, ValueError."""
        with self._lock:
            while self._next <= number:
                if self._error is not None:
                    raise self._error
                try:
                    self._ready[self._next] = self._read(rows[self._next])
                except Exception as e:
                    self._error = e
                    raise
                self._next += 1
            if self._next == len(rows):
                self._batches = iter(())  # which frees its pages
            return self._ready.pop(number)

    def _read(self, rows: int) -> pa.RecordBatch:
        if not self._next:
            self._batches = self._open()
        batches, left = list[Any](), rows
        while left > 0:
            batch = next(self._batches, None)
            if batch is None:  # checksums do not cover the headers of pages
                raise ValueError(f"{left} rows too few in a row group")
            batches.append(batch)
            left -= batch.num_rows
        if left:
            raise ValueError(f"{-left} rows too many in a row group")
        return batches[0] if len(batches) == 1 else _joined(batches)


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Batches in one: a column may come in parts where its dictionary changes."""
    import pyarrow as pa

    (batch,) = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks().to_batches()
    return batch


class GroupDecoding:
    """A row group, or its needed columns, as blocks of so many `rows` each."""

    def __init__(self, source: Source, rows: Sequence[int], shares: Sequence[ColumnBlocks]) -> None:
        self._source, self._rows, self._shares = source, rows, shares
        self._schema: pa.Schema | None = None

    def block(self, number: int) -> pa.RecordBatch:
        """A block, once. Raises BadDataError, OutputError."""
        try:
            with reading(self._source, WHAT):
                return self._together(self._taken(number))
        except BadDataError:
            self._source.check_unchanged()  # what is wrong may be that there are two versions
            raise

    def _taken(self, number: int) -> list[pa.RecordBatch]:
        """A block's part of each share, in order. Each block begins with another share, so that workers do not wait for
        each other."""
        count = len(self._shares)
        first = number * count // len(self._rows)
        taken = {j % count: self._shares[j % count].take(number, self._rows) for j in range(first, first + count)}
        return [taken[j] for j in range(count)]

    def _together(self, shares: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
        import pyarrow as pa

        if len(shares) == 1:
            return shares[0]
        if self._schema is None:
            fields = [f for share in shares for f in share.schema]
            self._schema = pa.schema(fields, shares[0].schema.metadata)
        return pa.RecordBatch.from_arrays([c for share in shares for c in share.columns], schema=self._schema)
