"""Writing Arrow files."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from normcli.columns import Frame, Schema
from normcli.formats import Outlet
from normcli.formats._binary import arrows_writer, dictionaries, schemas, seal
from normcli.formats._binary.faults import writing

if TYPE_CHECKING:
    import pyarrow as pa

MAGIC = b"ARROW1"
WHAT = "Arrow file"


class Writer(arrows_writer.Writer, frozen=True):
    """Record batches and a footer."""

    what: ClassVar[str] = WHAT

    @classmethod
    def refused(cls, blank: Frame) -> Schema:
        """Columns of dictionaries that can't grow from batch to batch."""
        import pyarrow.types as t

        def fixed(kind: pa.DataType) -> bool:
            views = t.is_string_view(kind) or t.is_binary_view(kind)
            return bool(views or t.is_nested(kind) or t.is_float16(kind) or t.is_null(kind))

        return schemas.refused(blank, lambda kind: any(fixed(d.value_type) for d in dictionaries.within(kind)))

    def open(self, file: Outlet) -> Sink:
        import pyarrow as pa

        with writing(WHAT):
            sealed = seal.SealedOutlet(file, MAGIC)
            writer = pa.ipc.new_file(sealed, self.schema, options=arrows_writer.ipc_options(self.compression))
        return Sink(writer, WHAT, sealed, self.schema, schemas.no_rows(self.schema))


class Sink(seal.Sink):
    """A file has one dictionary to a column: it may grow from batch to batch, but not be replaced."""

    schema: pa.Schema
    known: pa.RecordBatch

    def write(self, piece: pa.RecordBatch) -> None:
        for batch in dictionaries.expanded(piece, self.schema):
            self._write(dictionaries.encoded(batch, self.schema))

    def _write(self, piece: pa.RecordBatch) -> None:
        import pyarrow as pa

        if any(any(dictionaries.within(t)) for t in piece.schema.types):
            with writing(WHAT):
                both = pa.Table.from_batches([self.known, piece]).unify_dictionaries()
            piece = both.to_batches()[-1]
            self.known = piece.slice(0, 0)
        super().write(piece)
        self.sealed.end_batch()
