"""Seal: checksums of every byte of a Parquet or Arrow file that we wrote, where no other reader looks.

Neither format has a checksum of its footer, nor of what stands before pages, nor Arrow of anything at all. Both find
the footer from the end of the file, and all else by its place, so that a seal can lie between the data and the footer:

    data │ digests of its blocks │ where batches end │ mark, sizes, digests of footer and seal, mark │ footer

It is no part of the metadata: whoever writes the data anew, metadata and all, does not carry it along, and a file
without one is read as ever. The mark is there twice: damage to one of them does not make the file one of others.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from xxhash import xxh3_64, xxh3_128

from normcli.formats import Outlet
from normcli.formats._binary import sink
from normcli.io.sources import Source

BLOCK = 1 << 18  # bytes of data to a digest
DIGEST = 8  # bytes of each
MARK = b"normcli seal 1\0\0"
FIXED = struct.Struct("<16sQQ16s16s16s")  # mark, bytes of data, how many batches, digests of footer and seal, mark


def is_marked(seal: bytes) -> bool:
    """Whether this is a seal, damaged or not."""
    return seal.startswith(MARK) or seal.endswith(MARK)


def digest(*parts: Any) -> bytes:
    """XXH3 of bytes, one part after the other: 16 bytes."""
    hasher = xxh3_128()
    for part in parts:
        hasher.update(part)
    return hasher.digest()


@dataclass
class SealedOutlet:
    """An outlet for a file that ends in its footer, the footer's size in four bytes and `magic`."""

    file: Outlet
    magic: bytes
    size: int = 0  # bytes of data so far
    closed: bool = False
    _digests: list[bytes] = field(default_factory=list)
    _ends: list[int] = field(default_factory=list)
    _footer: list[bytes] | None = None  # what is held back, once the last batch is written

    def __post_init__(self) -> None:
        self._hasher = xxh3_64()

    def write(self, data: Any) -> int:
        if self._footer is None:
            return self._pass(memoryview(data).cast("B"))
        self._footer.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back that could go."""

    def end_batch(self) -> None:
        """What was written so far can be checked before all of it is there."""
        self._ends.append(self.size)

    def hold(self) -> None:
        """What is written from now on ends in the footer."""
        self._footer = []

    def finish(self) -> None:
        """Writes the seal, and the footer after it."""
        held = b"".join(self._footer or [])
        begin = len(held) - _tail_size(held, self.magic)
        self._pass(memoryview(held)[:begin])
        if self.size % BLOCK:
            self._digests.append(self._hasher.digest())
        seal = b"".join(self._digests) + np.array(self._ends, "<u8").tobytes()
        about = MARK, self.size, len(self._ends), digest(held[begin:])
        seal += FIXED.pack(*about, digest(seal, FIXED.pack(*about, b"", MARK)), MARK)
        self.file.write(seal)
        self.file.write(held[begin:])

    def _pass(self, view: memoryview) -> int:
        at = 0
        while at < len(view):
            part = view[at : at + BLOCK - self.size % BLOCK]
            self._hasher.update(part)
            at, self.size = at + len(part), self.size + len(part)
            if self.size % BLOCK == 0:
                self._digests.append(self._hasher.digest())
                self._hasher = xxh3_64()
        self.file.write(view)
        return len(view)


class Sink(sink.Sink):
    """Of a file that is sealed."""

    sealed: SealedOutlet

    def close(self) -> None:
        self.sealed.hold()
        super().close()
        self.sealed.finish()


def _tail_size(end: bytes, magic: bytes) -> int:
    """How long the footer is, with its size and the magic; by the end of a file."""
    before = len(end) - len(magic) - 4
    return int.from_bytes(end[before : before + 4], "little") + len(magic) + 4


class Seal:
    """The seal of a file. Its footer is what was written; the rest is checked on demand."""

    def __init__(self, source: Source, digests: bytes, ends: list[int], size: int) -> None:
        self._source, self._digests, self.ends, self._size = source, digests, ends, size
        self._checked = bytearray(len(digests) // DIGEST)  # which blocks were

    def check(self, start: int, end: int) -> None:
        """Raises ValueError where the data between two places in the file, by blocks, are not what was written. Not of
        what lies far away, where it would be fetched twice: there are checksums of pages, and the store's own."""
        if self._source.is_far:
            return
        for j in range(start // BLOCK, -(-min(end, self._size) // BLOCK)):
            if not self._checked[j]:
                block = self._source.read_at(j * BLOCK, min(BLOCK, self._size - j * BLOCK))
                if xxh3_64(block).digest() != self._digests[j * DIGEST : (j + 1) * DIGEST]:
                    raise ValueError(f"bytes {j * BLOCK:,} to {j * BLOCK + len(block):,} are not what was written")
                self._checked[j] = True


def seal_of(source: Source, magic: bytes) -> Seal | None:
    """The seal of a file that can be read in place, None where it has none. Raises ValueError where the seal or the
    footer is not what was written."""
    size = source.count
    last = source.read_at(max(0, size - len(magic) - 4), len(magic) + 4)
    if not last.endswith(magic) or len(last) < len(magic) + 4:
        return None
    begin = size - _tail_size(last, magic)
    fixed = source.read_at(begin - FIXED.size, FIXED.size) if begin >= FIXED.size else b""
    if not is_marked(fixed):
        return None
    begun, data, batches, of_footer, of_seal, ended = FIXED.unpack(fixed)
    digests, ends = DIGEST * -(-data // BLOCK), 8 * batches
    if data + digests + ends + FIXED.size != begin:
        raise ValueError("its seal is damaged")
    seal = source.read_at(data, digests + ends)
    if digest(seal, FIXED.pack(begun, data, batches, of_footer, b"", ended)) != of_seal:
        raise ValueError("its seal is damaged")
    if digest(source.read_at(begin, size - begin)) != of_footer:
        raise ValueError("its footer is not what was written")
    return Seal(source, seal[:digests], np.frombuffer(seal[digests:], "<u8").tolist(), data)
