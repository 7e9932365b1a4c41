"""Options of binary formats."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from normcli.errors import UsageError

Compression = Literal["none", "snappy", "gzip", "zstd", "lz4", "brotli"]


class Options(Struct, frozen=True, kw_only=True):
    """How the output is to be packed."""

    compression: Annotated[
        Compression | None,
        Meta(
            description="of pages",
            extra={
                "on": "writing",
                "topic": "formats",
                "hint": "text is compressed by its suffix: .csv.gz, or --to csv.gz",
            },
        ),
    ] = None

    def check(self) -> None:
        """Nothing to contradict: what a format can't write is refused when it is to."""

    def packing(self, format: str, possible: tuple[str, ...]) -> str | None:
        """The compression, if one is given. Raises UsageError where the format does not have it."""
        if self.compression is not None and self.compression not in possible:
            raise UsageError(f"--compression {self.compression}: {format} has {', '.join(possible)}")
        return self.compression
