"""Description of an input of delimited text."""

from __future__ import annotations

from msgspec.structs import replace

from normcli import columns
from normcli.columns import Frame
from normcli.columns.polars_frame import PolarsFrame
from normcli.formats._delimited import native
from normcli.formats._delimited.layout import Layout
from normcli.formats._delimited.options import DelimitedOptions
from normcli.formats._text import inferring, ranges
from normcli.formats._text.description import TextDescription


class DelimitedDescription(TextDescription, frozen=True, kw_only=True):
    """An input of delimited text, its options, and what its chunks share."""

    options: DelimitedOptions
    layout: Layout

    @property
    def delimiter(self) -> str:
        return self.layout.separator

    @property
    def escape(self) -> bytes:
        return (self.layout.dialect.escape or "").encode()

    def scan(self, start: int, text: bytes, *, escaped: bool) -> ranges.Scan:
        dialect = self.layout.dialect
        if dialect.is_plain:
            return ranges.scan(start, text, quotes=True)
        lines, begun = dialect.swapped(text), self.escape if escaped else b""
        respelled = dialect.coded(dialect.swapped(begun) + lines)[len(begun) :]
        if len(respelled) == len(lines):
            return ranges.scan(start, respelled, quotes=True, lines=lines)
        return replace(ranges.scan(start, lines, quotes=True), keeps_length=False)

    def blank(self, wanted: frozenset[str]) -> Frame:
        if wanted and not self.inferred and native.is_native(self.layout, texts=True):
            return native.blank(self.layout, wanted, lambda: self._blank(wanted))
        return self._blank(wanted)

    def _blank(self, wanted: frozenset[str]) -> PolarsFrame:
        import polars as pl

        names = self.layout.names
        frame = columns.text_frame({n: pl.Series(dtype=pl.Float64 if n in wanted else pl.String) for n in names})
        return PolarsFrame(inferring.typed(frame, self.inferred))
