"""Chunks of record batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from normcli.columns import Infinite
from normcli.columns.arrow_frame import ArrowFrame
from normcli.errors import BadPlaceError, raise_shortage
from normcli.formats import Decoded, load
from normcli.formats._binary.faults import DAMAGED
from normcli.formats._binary.sizes import expanded

if TYPE_CHECKING:
    import pyarrow as pa


class Chunk(Struct, frozen=True):
    """Rows of one row group or batch, perhaps its last."""

    batch: pa.RecordBatch
    can_end_segment: bool
    content: ClassVar[bytes | None] = None

    @property
    def weight(self) -> int:
        return int(self.batch.num_rows)

    @property
    def load(self) -> int:
        import pyarrow as pa

        try:
            count = expanded(self.batch)
        except pa.ArrowException as e:  # which decoding reports
            raise_shortage(e)
            count = int(self.batch.nbytes)
        return load(count, self.batch.num_rows * self.batch.num_columns)

    def parts(self, delimiter: str | None = None) -> Iterator[Chunk]:
        yield self

    def decode(self, wanted: frozenset[str], infinite: Infinite, *, skip: bool = False) -> Decoded:
        import pyarrow as pa

        try:
            self.batch.validate(full=True)  # an offset, an index or a text that is none could end us all
        except pa.ArrowException as e:
            raise_shortage(e)
            raise BadPlaceError(0, "the rows from here are damaged", DAMAGED) from None
        return Decoded(ArrowFrame(self.batch), self.batch.num_rows)

    def with_content(self, content: bytes) -> Chunk:
        return self

    def compact(self, wanted: frozenset[str], infinite: Infinite, delimiter: str | None = None) -> None:
        return None

    def survey(self, wanted: frozenset[str], *, skip: bool = False) -> Decoded:
        return self.decode(wanted, "missing")

    def locate(self, row: int) -> int:
        return row
