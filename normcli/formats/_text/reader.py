"""Readers of text: cut into chunks where rows end, types inferred from the first rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

from msgspec.structs import replace

from normcli.errors import EmptyInputError, printable
from normcli.formats import Address, Chunk, Description, Reader
from normcli.formats._text import cutting, inferring
from normcli.formats._text.cutting import Rows
from normcli.formats._text.description import TextDescription
from normcli.io.sources import Source

SAMPLE = 1 << 20, 1000  # types are inferred from so many bytes of whole rows, and no more rows than this


class TextReader(Reader):
    """An input of text. Its places are lines."""

    description: TextDescription

    def __init__(self, source: Source, *, block_size: int | None, skip: bool) -> None:
        """With `skip`, bad rows are no obstacle, and a column of which half is numbers is to hold some."""
        super().__init__(source, block_size)
        self._skip = skip

    @classmethod
    def at(cls, source: Source, description: Description, address: Address) -> Self:
        reader = cls.__new__(cls)  # without a sample: the description has what it shows
        TextReader.__init__(reader, source.range(address.start, address.end), block_size=None, skip=False)
        assert isinstance(description, TextDescription)
        size = address.end - address.start
        reader.description = replace(description, start=address.place, size=size, early=0, notices=(), first_byte=None)
        return reader

    def chunks(self, needed: Sequence[str] | None = None) -> Iterator[Chunk]:
        for rows in self._cut():
            yield inferring.chunk(self._chunk(rows), self.description.inferred)
            del rows  # whose memory is wanted again

    @abstractmethod
    def _cut(self) -> Iterator[Rows]:
        """Runs of whole rows, each up to a block's mark."""

    @abstractmethod
    def _chunk(self, rows: Rows) -> inferring.TextChunk:
        """A run of rows as a chunk of the description."""

    def _known(self) -> dict[str, Any]:
        return super()._known() | {"by_line": True, "size": self.source.size}

    def _first_byte(self, skipped: int = 0) -> int | None:
        """Of the rows, after those bytes that are `skipped`; None for what can only be read from the start."""
        return None if self.source.size is None else self.source.count + skipped

    def _place(self, place: int) -> str:
        """What people call a line, counted from 0."""
        return f"{self.source.name}:{place + 1}"

    def _head(self, line_ends: Callable[[bytes], int], least: int, space: bytes, *, what: str) -> bytes:
        """The first bytes, still to be read, with as many line ends as a sample takes at `least`. Raises
        EmptyInputError where there is nothing but space."""
        head = cutting.head(self.source, SAMPLE[0], line_ends, least)
        if not head.strip(space):
            raise EmptyInputError(f"{self.source.name}: {what}", "did the command that made it fail?")
        return head

    def _is_empty(self, name: str) -> str:
        """That a column is left out which has no value in the sample."""
        column = f"column '{printable(name)}'"
        return f"{self.source.name}: {column} is left out: it is empty in the first rows (-c takes it)"
