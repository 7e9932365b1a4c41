"""Checks of the values in a well-formed row of delimited text."""

import math

from msgspec import Struct

from normcli.errors import infinite_value, printable
from normcli.formats._delimited.dialect import Dialect
from normcli.formats._delimited.faults import NO_TRAILING, header_hint
from normcli.formats._delimited.fields import split_row
from normcli.formats._delimited.notation import PLAIN, Notation
from normcli.formats._delimited.remedies import remedy
from normcli.formats._text.cutting import SKIP


class RowCheck(Struct, frozen=True):
    """What every row must be like."""

    delimiter: str
    width: int
    numbers: dict[int, str]  # names of the columns that must hold one, by position
    missing: frozenset[str]
    finite: bool  # whether an infinite number is wrong
    dialect: Dialect = Dialect()
    notation: Notation = PLAIN

    def fault(self, row: bytes, original: bytes | None = None) -> str | None:
        """What is wrong with a row that is otherwise well-formed, or None, as for a blank row. `original` is its text
        in the input where that differs."""
        if not row.strip(b"\r\n"):
            return None
        try:
            fields = split_row(row, self.delimiter)
        except UnicodeDecodeError as e:
            return f"not UTF-8: byte 0x{row[e.start]:02x}"
        if self.dialect.trailing and not (original or row).rstrip(b"\r\n").endswith(self.delimiter.encode()):
            return NO_TRAILING
        if len(fields) != self.width:
            return f"{len(fields)} field{'s' * (len(fields) != 1)} where the first row has {self.width}"
        doubt = next(filter(None, (self.dialect.doubtful(f, self.missing) for f in fields)), None)
        if doubt:
            return doubt
        fields = fields if self.dialect.is_plain else [self.dialect.meant(f) for f in fields]
        for j, name in self.numbers.items():
            word = fields[j].strip(" \t")
            if not word or word in self.missing:
                continue
            if not self.notation.matches(word):
                return f"'{printable(fields[j][:80])}' in column '{printable(name)}' is not a number"
            if self.finite and math.isinf(float(self.notation.plain(word))):
                return infinite_value(name, fields[j])
        return None

    def hint(self, row: bytes) -> str:
        """What takes the first field of a row that should be a number, and is none; empty where nothing is known."""
        fields = split_row(row, self.delimiter)
        words = ((self.dialect.meant(fields[j]).strip(" \t"), name) for j, name in self.numbers.items())
        other, name = next(w for w in words if w[0] and w[0] not in self.missing and not self.notation.matches(w[0]))
        likely = header_hint(other, name) or remedy(other, (), self.missing, self.notation, self.delimiter)
        return likely or SKIP
