"""Messages of an Arrow stream, sealed: each tells, behind its metadata, what its bytes were.

A stream has no checksum of anything. Its messages are a prefix, metadata of the size that the prefix gives, and a body.
Readers leave unread what stands in the metadata behind their content; there lies the seal:

    prefix │ metadata, seal: mark, digest of the body, digest of all before it and of the last seal, mark │ body

It is no part of the content: whoever writes the batches anew does not carry it along. A stream whose first message has
none is read as ever. The mark is there twice, so that damage to one of them does not make the stream one of others.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, Literal

from normcli.formats import Outlet
from normcli.formats._seal import MARK, digest, is_marked

SEAL = struct.Struct("<16s16s16s16s")  # mark, digests of the body and the metadata, mark: a multiple of 64 bytes
PREFIX = struct.Struct("<4si")
CONTINUES = b"\xff\xff\xff\xff"


def body_size(metadata: bytes) -> int:
    """How long the body of a message is: the fourth field of its flatbuffer, 0 where it is left out."""
    (root,) = struct.unpack_from("<I", metadata)
    fields = root - struct.unpack_from("<i", metadata, root)[0]
    (size,) = struct.unpack_from("<H", metadata, fields)
    (at,) = struct.unpack_from("<H", metadata, fields + 10) if size > 10 else (0,)
    return int(struct.unpack_from("<q", metadata, root + at)[0]) if at else 0


@dataclass
class Message:
    """A message whose bytes come as they may. `part` is what is being waited for; `size` that of the body, which is
    in the metadata, once they can be trusted."""

    before: bytes = b""  # the seal of the last message
    part: Literal["prefix", "metadata", "size", "body", "nothing"] = "prefix"
    prefix: bytes = b""
    metadata: bytes = b""
    body: list[memoryview] = field(default_factory=list)
    _held: list[memoryview] = field(default_factory=list)
    _left: int = PREFIX.size

    def add(self, view: memoryview) -> memoryview:
        """Takes what belongs to the part that is waited for; the bytes that do not."""
        taken = view[: self._left]
        self._held.append(taken)
        self._left -= len(taken)
        if not self._left:
            self._end_part()
        return view[len(taken) :]

    def _end_part(self) -> None:
        held, self._held = self._held, []
        if self.part == "prefix":
            self.prefix = b"".join(held)
            self._left = max(0, PREFIX.unpack(self.prefix)[1])
            self.part = "metadata" if self._left else "nothing"  # the end mark
        elif self.part == "metadata":
            self.metadata, self.part = b"".join(held), "size"
        else:
            self.body, self.part = held, "nothing"

    def expect_body(self) -> None:
        """The metadata can be trusted."""
        self._left = body_size(self.metadata)
        self.part = "body" if self._left else "nothing"

    def sealed(self) -> tuple[bytes, bytes]:
        """The prefix and the metadata with a seal behind them."""
        prefix = PREFIX.pack(CONTINUES, len(self.metadata) + SEAL.size)
        of_body = digest(*self.body)
        of_all = digest(self.before, prefix, self.metadata, of_body)
        return prefix, self.metadata + SEAL.pack(MARK, of_body, of_all, MARK)

    @property
    def seal(self) -> bytes:
        """What stands where a seal does."""
        return self.metadata[-SEAL.size :]

    @property
    def has_seal(self) -> bool:
        return len(self.seal) == SEAL.size and is_marked(self.seal)

    def is_as_written(self) -> bool:
        """Whether all before the body is what its seal says, or the body where that is there."""
        begun, of_body, of_all, ended = SEAL.unpack(self.seal)
        if self.part == "nothing":
            return not self.body or digest(*self.body) == of_body
        made = digest(self.before, self.prefix, self.metadata[: -SEAL.size], of_body)
        return (begun, made, ended) == (MARK, of_all, MARK)


class SealedOutlet:
    """An outlet for a stream, which holds each message back until it is whole."""

    closed = False

    def __init__(self, file: Outlet) -> None:
        self._file, self._message = file, Message()

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        size = len(view)
        while len(view):
            view = self._message.add(view)
            if self._message.part == "size":
                self._message.expect_body()
            if self._message.part == "nothing":
                self._send()
        return size

    def _send(self) -> None:
        message, before = self._message, b""
        if message.metadata:
            message.prefix, message.metadata = message.sealed()
            before = message.seal
        self._message = Message(before)
        self._file.write(message.prefix + message.metadata)
        for part in message.body:
            if len(part):
                self._file.write(part)

    def flush(self) -> None:
        """What is held back can't go yet."""


class Check:
    """Sees a stream's bytes before its reader does. Once a message turned out to be sealed, all have to be."""

    def __init__(self) -> None:
        self._message: Message | None = Message()  # None: of a stream without seals
        self._sealed = False

    def see(self, data: bytes) -> None:
        """The next bytes. Raises ValueError where they are not what was written."""
        view = memoryview(data)
        while len(view) and self._message is not None:
            message = self._message
            view = message.add(view)
            self._sealed |= message.part == "size" and message.has_seal
            if not self._is_sound(message):
                if self._sealed:
                    raise ValueError("a message is not what was written")
                self._message = None
            elif message.part == "nothing":
                self._message = Message(message.seal)

    def _is_sound(self, message: Message) -> bool:
        """Whether what is there of a message is sealed, and as it was written."""
        if message.part == "prefix":
            return True
        if not message.prefix.startswith(CONTINUES):
            return False
        if message.part == "size":
            if not message.has_seal or not message.is_as_written():
                return False
            message.expect_body()
        return message.part != "nothing" or not message.metadata or message.is_as_written()
