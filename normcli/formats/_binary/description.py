"""Description of an input of record batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from normcli import columns
from normcli.columns import Frame
from normcli.columns.arrow_frame import ArrowFrame
from normcli.columns.pandas_metadata import pandas_indexes
from normcli.errors import BadDataError, printable
from normcli.formats import Description
from normcli.formats._binary.schemas import DIGESTS, no_rows

if TYPE_CHECKING:
    import pyarrow as pa


class BatchDescription(Description, frozen=True, kw_only=True):
    """An input of record batches: its types are certain, and so is what its schema remembers."""

    arrow: pa.Schema
    codec: str | None = None  # the compression of all its columns, where that is one which can be written

    @classmethod
    def of(cls, arrow: pa.Schema, **known: Any) -> Self:
        """Of a schema, and what else is `known`. Raises BadDataError where two columns are called the same."""
        schema, source = columns.arrow_fields(arrow), known["name"]
        names, metadata = [f.name for f in schema], arrow.metadata or {}
        if len(set(names)) < len(names):
            twice = next(n for j, n in enumerate(names) if n in names[:j])
            raise BadDataError(f"{source}: two columns are called '{printable(twice)}'", "rename one")
        without = "is left out: it is of type null, without a value"
        return cls(
            arrow=arrow,
            schema=schema,
            typed=True,
            unit="rows",
            doubts={f.name: f"{source}: column '{printable(f.name)}' {without}" for f in schema if f.type == "null"},
            indexes=pandas_indexes(metadata).intersection(names),
            digests=tuple(metadata.get(DIGESTS, b"").decode("ascii", "replace").split()),
            **known,
        )

    def blank(self, wanted: frozenset[str]) -> Frame:
        return ArrowFrame(no_rows(self.arrow))
