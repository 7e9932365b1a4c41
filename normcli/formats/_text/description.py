"""What is known of an input of text."""

from __future__ import annotations

from abc import abstractmethod

from normcli.formats import Address, Description
from normcli.formats._text.cutting import BLOCK
from normcli.formats._text.ranges import Scan


class TextDescription(Description, frozen=True, kw_only=True):
    """An input of text, of which ranges can be scanned before it is known where rows begin in them."""

    @property
    def mark(self) -> int:
        """How many bytes lie between marks, where the text is cut."""
        return self.block_size or BLOCK

    @property
    def rows(self) -> Address | None:
        """All rows, of text that can be read from any of them on; else None."""
        if self.first_byte is None or self.size is None:
            return None
        return Address(self.first_byte, self.size, self.start)

    @property
    def escape(self) -> bytes:
        """What stands before a byte of another meaning than it has alone; empty: nothing."""
        return b""

    @abstractmethod
    def scan(self, start: int, text: bytes, *, escaped: bool) -> Scan:
        """What a range of the text, which begins at a byte, says of where rows end. An escape may stand before it."""
