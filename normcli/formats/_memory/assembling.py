"""Tables put together again from the pieces of their rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from normcli.formats._memory.tables import Output, Table


def assembled(
    waiting: deque[Table], pieces: Iterable[pa.RecordBatch], names: Sequence[str], normalized: pa.Schema
) -> Iterator[Any]:
    """For each of the tables that are `waiting`, one of the same kind, as soon as its last row is there. `pieces` are
    the normalized columns of their rows, in order: a piece may be of several tables, and a table waits before any piece
    of it comes."""
    output: Output | None = None
    missing = 0  # rows of the table that is put together

    def ended() -> Iterator[Any]:
        """Those that are complete, from the first on; and the next one is begun."""
        nonlocal output, missing
        while not missing:
            if output is not None:
                yield output.end()
                output = None
            if not waiting:
                return
            table = waiting.popleft()
            output, missing = table.output(names, normalized), table.rows

    for piece in pieces:
        start = 0
        while start < piece.num_rows:
            yield from ended()
            assert output is not None
            count = min(missing, piece.num_rows - start)
            output.add(piece.slice(start, count))
            start, missing = start + count, missing - count
        if not missing and output is not None:
            yield output.end()
            output = None
    yield from ended()
