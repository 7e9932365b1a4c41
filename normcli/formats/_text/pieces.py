"""How text gets out: pieces are lists of bytes as polars gave them, written one after the other."""

from msgspec import Struct, field

from normcli.formats import Outlet


class Pieces(Struct):
    """A file for polars to write to: what it writes, as it comes."""

    written: list[bytes] = field(default_factory=list)

    def write(self, data: bytes) -> int:
        self.written.append(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""


class Sink(Struct, frozen=True):
    """Writes pieces as they come."""

    file: Outlet

    def write(self, piece: list[bytes]) -> None:
        for part in piece:
            self.file.write(part)

    def close(self) -> None:
        """Text needs no end mark."""
