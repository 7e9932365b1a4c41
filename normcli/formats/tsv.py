"""TSV: CSV with a tab where that has its delimiter, quotes and all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from normcli.formats import Format, csv


@dataclass(frozen=True, kw_only=True)
class Options(csv.Manner):
    """How the text is to be read; the delimiter is a tab."""


class Reader(csv.Reader):
    """A TSV input."""


@dataclass(frozen=True)
class Writer(csv.Writer):
    """Rows of fields between tabs, in quotes where they hold a tab, a quote or a line end."""

    kind: ClassVar[type[csv.Manner]] = Options


FORMAT = Format(suffixes=(".tsv", ".tab"), options=Options, reader=Reader, writer=Writer)
