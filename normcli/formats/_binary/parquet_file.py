"""A Parquet file that is read through pyarrow's own reader.

`pyarrow.parquet` wraps the same reader, and imports file systems, with TLS and more, for paths that are never handed to
it here: a tenth of the time in which a small fit starts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


class ParquetFile:
    """The schema, and row groups as batches. All methods raise ArrowException, OSError."""

    def __init__(self, place: Any, *, metadata: Any = None, coded: Collection[str] = (), **settings: Any) -> None:
        """Of an open file of pyarrow; its `metadata`, where they are known; columns of text that are read as
        dictionaries; and how it is read, in pyarrow's words."""
        from pyarrow._parquet import ParquetReader

        self._reader = ParquetReader()
        settings |= {"read_dictionary": sorted(coded), "arrow_extensions_enabled": True}
        self._reader.open(place, metadata=metadata, **settings)
        self.metadata = self._reader.metadata
        self._places = defaultdict[str, list[int]](list)  # of the stored columns that are a column, or a part of one
        for place, path in enumerate(self._reader.column_paths):
            for name in accumulate(path, "{}.{}".format):
                self._places[name].append(place)

    @property
    def schema(self) -> Any:
        """Of the columns that are stored."""
        return self.metadata.schema

    @property
    def arrow(self) -> pa.Schema:
        """Of the columns as they are read."""
        return self._reader.schema_arrow

    def batches(self, rows: int, group: int, needed: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        """A row group, so many rows at a time, of the columns that are needed; all for None."""
        places = None if needed is None else [place for name in needed for place in self._places.get(name, ())]
        batches: Iterator[pa.RecordBatch]
        batches = self._reader.iter_batches(rows, row_groups=[group], column_indices=places, use_threads=False)
        return batches
