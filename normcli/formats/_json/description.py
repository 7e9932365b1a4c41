"""Description of an input of NDJSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from msgspec.structs import replace

from normcli import columns
from normcli.columns import Frame
from normcli.columns.polars_frame import PolarsFrame
from normcli.formats._json.layout import Layout
from normcli.formats._json.values import Plain
from normcli.formats._text import inferring, ranges
from normcli.formats._text.description import TextDescription


class JsonDescription(TextDescription, frozen=True, kw_only=True):
    """An input of NDJSON, and what its chunks share. Keys that its first rows do not have may come later, unless these
    are all."""

    layout: Layout
    complete: bool  # whether the first rows are all

    def blank(self, wanted: frozenset[str]) -> Frame:
        import polars as pl

        number = {n: pl.List(pl.Float64) if k == "list" else pl.Float64 for n, k in self.layout.kind.items()}
        frame = {n: pl.Series(dtype=number[n] if n in wanted else pl.String) for n in self.layout.names}
        typed = inferring.typed(columns.text_frame(frame), self.inferred)
        return PolarsFrame(columns.with_hidden(typed, pl.Series(dtype=pl.Binary)))

    def scan(self, start: int, text: bytes, *, escaped: bool) -> ranges.Scan:
        return ranges.scan(start, text, quotes=False)

    @property
    def to_plain(self) -> Plain:
        return Plain(self.layout.names)

    def expecting(self, names: Sequence[str]) -> Self:
        more = () if self.complete else tuple(dict.fromkeys(n for n in names if n not in self.layout.kind))
        if not more:
            return self
        layout = self.layout.expecting(more)
        return replace(self, layout=layout, schema=layout.schema, expected=layout.expected)
