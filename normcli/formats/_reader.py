"""An input that is open."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Self

from normcli import registry

if TYPE_CHECKING:
    from normcli.formats._address import Address
    from normcli.formats._chunk import Chunk
    from normcli.formats._description import Description
    from normcli.io.sources import Source


class Reader(ABC):
    """An open input with its description."""

    source: Source
    description: Description

    def __init__(self, source: Source, block_size: int | None = None) -> None:
        self.source = source
        self._block_size = block_size

    @classmethod
    def at(cls, source: Source, description: Description, address: Address) -> Self:
        """The rows at an address of an input that was described before: no other ones are looked at, where the format
        has no need to. Raises BadDataError."""
        raise NotImplementedError  # where there are no addresses

    @property
    def count(self) -> int:
        """Bytes that were read so far."""
        return self.source.count

    @property
    def length(self) -> int:
        """Bytes of the input, compressed where they are; 0 where that is unknown."""
        return self.source.length or 0

    @property
    def position(self) -> int | None:
        """Of these, how many were read so far; None where others read it."""
        return self.source.position

    @property
    def comments(self) -> int:
        """Lines that are no rows but comments, so far."""
        return 0

    @abstractmethod
    def chunks(self, needed: Sequence[str] | None = None) -> Iterator[Chunk]:
        """All of it, in order, as it is described; once only, where the source can be read only once. A format that
        can leaves out columns that are not needed."""

    def runs(self) -> Iterator[tuple[Address, int]]:
        """Of each row group or batch, where it is, and how many chunks its rows make; nothing where all of the input
        can only be read together, or where its text has to be scanned."""
        yield from ()

    def list_size(self, name: str) -> int:
        """How long the lists in a column are, going by the first. Raises BadDataError where there is none. Only for
        columns of lists."""
        raise NotImplementedError

    def check_unchanged(self) -> None:
        """After the last chunk. Raises BadDataError if the input was changed while it was read."""
        self.source.check_unchanged()

    def close(self) -> None:
        """Nothing more is read."""
        self.source.close()

    def described_as(self, description: Description) -> Self:
        """The same open input, whose chunks follow another description."""
        reader = copy(self)
        reader.description = description
        return reader

    def _known(self) -> dict[str, Any]:
        """The fields of a description that come from the source, in all formats."""
        return {
            "format": registry.name_of(self),
            "name": self.source.name,
            "keys": self.source.keys,
            "room": self.source.room,
            "block_size": self._block_size,
        }
