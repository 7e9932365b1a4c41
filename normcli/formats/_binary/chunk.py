"""Chunks of record batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct

from normcli.caching import cached_property
from normcli.columns import Infinite
from normcli.columns.arrow_frame import ArrowFrame
from normcli.errors import BadPlaceError, raise_shortage
from normcli.formats import Decoded, load
from normcli.formats._binary.faults import DAMAGED
from normcli.formats._binary.sizes import expanded

if TYPE_CHECKING:
    import pyarrow as pa


class Chunk(Struct, frozen=True, dict=True):
    """Rows of one row group or batch, perhaps its last: decoded, or to be decoded by whoever works on them."""

    weight: int
    can_end_segment: bool
    read: Callable[[], pa.RecordBatch]  # called once; raises BadDataError, OutputError
    size: int | None = None  # its `load`, if it is known before the rows are read
    content: ClassVar[bytes | None] = None

    @classmethod
    def of(cls, batch: pa.RecordBatch, *, can_end_segment: bool) -> Chunk:
        """Of rows that are decoded."""
        return cls(int(batch.num_rows), can_end_segment, lambda: batch)

    @property
    def load(self) -> int:
        import pyarrow as pa

        if self.size is not None:
            return self.size
        try:
            self.batch.validate()  # sizes follow from offsets, which may lead anywhere
            count = expanded(self.batch)
        except pa.ArrowException as e:  # which decoding reports
            raise_shortage(e)
            count = self.batch.get_total_buffer_size()
        return load(count, self.batch.num_rows * self.batch.num_columns)

    def __reduce__(self) -> Any:
        return partial(Chunk.of, can_end_segment=self.can_end_segment), (self.batch,)

    @cached_property
    def batch(self) -> pa.RecordBatch:
        """The rows. Raises as `read`."""
        return self.read()

    def parts(self, delimiter: str | None = None) -> Iterator[Chunk]:
        yield self

    def decode(self, wanted: frozenset[str], infinite: Infinite, *, skip: bool = False) -> Decoded:
        import pyarrow as pa

        batch = self.batch
        try:
            batch.validate(full=True)  # an offset, an index or a text that is none could end us all
        except pa.ArrowException as e:
            raise_shortage(e)
            raise BadPlaceError(0, "the rows from here are damaged", DAMAGED) from None
        return Decoded(ArrowFrame(batch), batch.num_rows)

    def with_content(self, content: bytes) -> Chunk:
        return self

    def compact(self, wanted: frozenset[str], infinite: Infinite, delimiter: str | None = None) -> None:
        return None

    def survey(self, wanted: frozenset[str], *, skip: bool = False) -> Decoded:
        return self.decode(wanted, "missing")

    def locate(self, row: int) -> int:
        return row
