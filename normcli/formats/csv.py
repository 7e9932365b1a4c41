"""CSV: fields between commas, or another delimiter, in quotes as RFC 4180 has them."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from normcli.errors import UsageError, printable
from normcli.formats import Format
from normcli.formats._delimited.dialect import MARK
from normcli.formats._delimited.options import DIALECT, DelimitedOptions
from normcli.formats._delimited.reader import DelimitedReader
from normcli.formats._delimited.writer import DelimitedWriter


class Options(DelimitedOptions, frozen=True, kw_only=True):
    """How the text is to be read."""

    delimiter: Annotated[str, Meta(description="what separates fields, or tab", extra=DIALECT)] = ","

    @property
    def separator(self) -> str:
        return {"tab": "\t", "\\t": "\t"}.get(self.delimiter, self.delimiter)

    def check(self) -> None:
        if self.separator.isalnum() or self.separator in ("+", "-", "."):
            raise UsageError(f"--delimiter '{printable(self.delimiter)}': a character that numbers are made of")
        if len(self.separator) != 1 or not self.separator.isascii() or self.separator in f'"\r\n\0{MARK}':
            raise UsageError(f"--delimiter '{printable(self.delimiter)}': one ASCII character, no quote or line end")
        super().check()


class Reader(DelimitedReader):
    """A CSV input."""


class Writer(DelimitedWriter, frozen=True):
    """Rows of fields between commas, or another delimiter."""

    kind: ClassVar[type[DelimitedOptions]] = Options


FORMAT = Format(suffixes=(".csv",), options=Options, reader=Reader, writer=Writer)
