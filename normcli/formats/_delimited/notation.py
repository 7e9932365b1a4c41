"""How numbers are spelled in delimited text: what stands for the point, and between groups of three digits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from normcli.caching import cached_property

if TYPE_CHECKING:
    import polars as pl

SPACES = "\u00a0\u202f"  # that break no line
NAMED = r"[+-]?(?i:nan|inf|infinity)"


class Notation(Struct, frozen=True, dict=True):
    """1234.5 is plain; `decimal` is the point or a comma, `thousands` one character, or nothing. Groups are of three
    digits, and the first is of no more and begins with no zero; a number may do without groups."""

    decimal: str = "."
    thousands: str = ""

    @property
    def is_plain(self) -> bool:
        return self == PLAIN

    def fault(self) -> str | None:
        """What is wrong with the characters."""
        between = self.thousands
        if len(between) != 1:
            return "must be one character"
        if between == self.decimal:
            return "is what stands for the point, too" + (" (--decimal , ?)" if between == "." else "")
        if between.isalnum() or between in '+-"' or not (between.isprintable() or between in SPACES):
            return "a character that numbers, or fields, are made of"
        return None

    @cached_property
    def number(self) -> str:
        """A pattern for re and polars alike: a number without spaces around."""
        point, between = re.escape(self.decimal), re.escape(self.thousands)
        integer = f"[1-9][0-9]{{0,2}}(?:{between}[0-9]{{3}})+|[0-9]+" if between else "[0-9]+"
        return f"[+-]?(?:(?:{integer})(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?|{NAMED}"

    @cached_property
    def _number(self) -> re.Pattern[str]:
        return re.compile(self.number)

    def matches(self, word: str) -> bool:
        """Whether a word without spaces around is a number."""
        return self._number.fullmatch(word) is not None

    def plain(self, number: str) -> str:
        return number.replace(self.thousands, "").replace(self.decimal, ".")

    def all_plain(self, words: pl.Series) -> pl.Series:
        """Text without spaces around, its numbers plain and null where there is none; what is plain, as it is."""
        if self.is_plain:
            return words
        other = ~words.str.contains(f"^(?:{self.number})$").fill_null(value=False)
        joined = words.str.replace_all(self.thousands, "", literal=True) if self.thousands else words
        return joined.str.replace(self.decimal, ".", literal=True).set(other, None)

    def spelled(self, numbers: pl.Series) -> pl.Series:
        """Numbers, or their plain text, as text without groups."""
        import polars as pl

        return numbers.cast(pl.String).str.replace(".", self.decimal, literal=True)


PLAIN = Notation()
