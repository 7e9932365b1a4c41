"""Layers around the writer of any format: what comes to it is translated, what a text one encodes is compressed."""

from collections.abc import Callable
from typing import Any, ClassVar

from msgspec import Struct

from normcli.columns import Frame
from normcli.formats import Description, Grouping, Outlet, Sink, Writer
from normcli.formats._binary.sizes import Limit, longest_entry
from normcli.io.compression import Codec


class Translated(Struct, frozen=True):
    """Frames of another format are made plain first."""

    delimiter: ClassVar[None] = None
    writer: Writer
    plain: Callable[[Frame], Frame]

    @property
    def grouping(self) -> Grouping | None:
        return self.writer.grouping

    @property
    def in_parts(self) -> bool:
        return self.writer.in_parts

    def following(self, description: Description, blank: Frame) -> Writer:
        return self.writer.following(description, blank)

    def encode(self, frame: Frame) -> Any:
        return self.writer.encode(self.plain(frame))

    def open(self, file: Outlet) -> Sink:
        return self.writer.open(file)


class Bounded(Struct, frozen=True):
    """Text of record batches, each row of a dictionary with one of its own, unless that takes too much memory."""

    delimiter: ClassVar[None] = None
    grouping: ClassVar[None] = None
    writer: Writer
    limit: Limit

    @property
    def in_parts(self) -> bool:
        return self.writer.in_parts

    def following(self, description: Description, blank: Frame) -> Writer:
        return self.writer.following(description, blank)

    def encode(self, frame: Frame) -> Any:
        """Raises BadDataError."""
        batch = frame.to_arrow()
        longest = max(map(longest_entry, batch.columns), default=0)
        self.limit.check_expanded(batch, longest)
        return self.writer.encode(frame)

    def open(self, file: Outlet) -> Sink:
        return self.writer.open(file)


class Compressed(Struct, frozen=True):
    """Pieces are packed in the workers; each is packed alone, so that who packs which makes no difference."""

    in_parts: ClassVar[bool] = False
    grouping: ClassVar[None] = None
    writer: Writer
    codec: Codec

    @property
    def delimiter(self) -> str | None:
        return self.writer.delimiter

    def following(self, description: Description, blank: Frame) -> Writer:
        return self.writer.following(description, blank)

    def encode(self, frame: Frame) -> Any:
        return self.codec.pack(b"".join(self.writer.encode(frame)))

    def open(self, file: Outlet) -> Sink:
        sink: Sink = self.codec.sink(file)
        self.writer.open(_Packing(sink, self.codec))
        return sink


class _Packing(Struct, frozen=True):
    """Takes what a text writer begins a file with; text has no end of its own."""

    sink: Sink
    codec: Codec

    def write(self, data: bytes | memoryview, /) -> int:
        self.sink.write(self.codec.pack(bytes(data)))
        return len(data)
