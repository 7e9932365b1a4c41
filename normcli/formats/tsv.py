"""TSV: CSV with a tab where that has its delimiter, quotes and all."""

from __future__ import annotations

from typing import ClassVar

from normcli.formats import Format
from normcli.formats._delimited.options import DelimitedOptions
from normcli.formats._delimited.reader import DelimitedReader
from normcli.formats._delimited.writer import DelimitedWriter


class Options(DelimitedOptions, frozen=True, kw_only=True):
    """How the text is to be read; the delimiter is a tab."""


class Reader(DelimitedReader):
    """A TSV input."""


class Writer(DelimitedWriter, frozen=True):
    """Rows of fields between tabs, in quotes where they hold a tab, a quote or a line end."""

    kind: ClassVar[type[DelimitedOptions]] = Options


FORMAT = Format(suffixes=(".tsv", ".tab"), options=Options, reader=Reader, writer=Writer)
