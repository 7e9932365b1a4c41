"""Description of an input of delimited text."""

from __future__ import annotations

from dataclasses import dataclass

from normcli import columns
from normcli.columns import Frame
from normcli.columns.polars_frame import PolarsFrame
from normcli.formats import Description
from normcli.formats._delimited.layout import Layout
from normcli.formats._delimited.options import DelimitedOptions
from normcli.formats._text import inferring


@dataclass(frozen=True, kw_only=True)
class DelimitedDescription(Description):
    """An input of delimited text, its options, and what its chunks share."""

    options: DelimitedOptions
    layout: Layout

    def blank(self, wanted: frozenset[str]) -> Frame:
        import polars as pl

        names = self.layout.names
        frame = columns.text_frame({n: pl.Series(dtype=pl.Float64 if n in wanted else pl.String) for n in names})
        return PolarsFrame(inferring.typed(frame, self.inferred))
