"""Data in memory, where a source of bytes is expected."""

from __future__ import annotations

from normcli.errors import NormcliError
from normcli.io.sources import Source


class MemorySource(Source):
    """A source without bytes: of tables in memory, which nobody has to open or close."""

    def __init__(self, name: str, *, room: int | None = None) -> None:
        self.name, self.keys, self.room = name, (), room
        self.pushed, self.count, self.start, self.length, self.handles = b"", 0, 0, None, []
        self.regular, self.identity = True, ()
        self._closed = False

    @property
    def version(self) -> tuple[object, ...]:
        return ()

    @property
    def compression(self) -> str | None:
        return None

    @property
    def position(self) -> int:
        return 0

    @property
    def is_far(self) -> bool:
        return False

    def is_file(self, path: str | None) -> bool:
        return False

    def check_unchanged(self) -> None:
        """Nothing is known of whoever may change it."""

    def fault(self, error: Exception) -> NormcliError | None:
        return None

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        self._closed = True

    def drain(self) -> None:
        """Nobody waits for it."""
