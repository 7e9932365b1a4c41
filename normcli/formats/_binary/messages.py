"""Messages of an Arrow stream, sealed: each has the digests of its bytes behind its metadata.

A stream has no checksum of anything. Its messages are a prefix, metadata of the size that the prefix gives, and a body.
Readers leave unread what stands in the metadata behind their content; there lies the seal:

    prefix │ metadata, seal: mark, digest of the body, digest of all before it and of the last seal, mark │ body

It is no part of the content: whoever writes the batches anew does not carry it along. A stream whose first message has
none is read as ever. The mark is there twice, so that damage to one of them does not make the stream one of others.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct, field

from normcli.formats import Outlet
from normcli.formats._binary.flatbuffers import body_size, decoded_size
from normcli.formats._binary.seal import MARK, digest, is_marked

SEAL = struct.Struct("<16s16s16s16s")  # mark, digests of the body and the metadata, mark: a multiple of 64 bytes
PREFIX = struct.Struct("<4si")
CONTINUES = b"\xff\xff\xff\xff"


class Message(Struct):
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
            begun, size = PREFIX.unpack(self.prefix)
            if begun != CONTINUES:  # as streams of old begin a message: with its size alone
                size = int.from_bytes(begun, "little", signed=True) - len(begun)
                self._held = [memoryview(self.prefix)[len(begun) :]]
            self._left = max(0, size)
            self.part = "metadata" if self._left else "nothing"  # the end mark
        elif self.part == "metadata":
            self.metadata, self.part = b"".join(held), "size"
        else:
            self.body, self.part = held, "nothing"

    def expect_body(self) -> int:
        """The metadata are there: how many bytes the body will have. Raises ValueError where they are none."""
        self._left = max(0, body_size(self.metadata))
        self.part = "body" if self._left else "nothing"
        return self._left

    def decoded_size(self) -> int:
        """Bytes that the body takes once it is decoded. Raises ValueError where the metadata are none."""
        return decoded_size(self.metadata, self._body_at)

    def _body_at(self, start: int, length: int) -> bytes:
        data = b""
        for part in self.body if start >= 0 else []:
            data += part[start : start + length - len(data)]
            start = max(0, start - len(part))
            if len(data) == length:
                break
        return data

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
        computed = digest(self.before, self.prefix, self.metadata[: -SEAL.size], of_body)
        return (begun, computed, ended) == (MARK, of_all, MARK)


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
    """Checks a stream's bytes before its reader gets them. If the first message is sealed, all have to be. `check_size`
    is called with the bytes that each message takes, and may raise."""

    def __init__(self, check_size: Callable[[int], None]) -> None:
        self._check_size = check_size
        self._message = Message()
        self._sealed: bool | None = None

    def see(self, data: bytes) -> None:
        """The next bytes. Raises ValueError where they are not what was written."""
        view = memoryview(data)
        while len(view):
            message = self._message
            view = message.add(view)
            if message.part == "size":
                self._sealed = message.has_seal if self._sealed is None else self._sealed
                self._check_seal(message)
                self._check_size(message.expect_body())
            if message.part == "nothing":
                self._check_seal(message)
                self._message = Message(message.seal)
                if message.body:
                    self._check_size(message.decoded_size())

    def _check_seal(self, message: Message) -> None:
        sound = not message.metadata or (message.has_seal and message.is_as_written())
        if self._sealed and not (sound and message.prefix.startswith(CONTINUES)):
            raise ValueError("a message is not what was written")
