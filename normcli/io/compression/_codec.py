"""Codec: the interface of every compression format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct


class Outlet(Protocol):
    """A stream that accepts bytes."""

    def write(self, data: bytes, /) -> int: ...


class MemoryNeededError(Exception):
    """A member needs more memory than the limit, or than its format allows: `what` of it does, and a `hint` how to
    write one that does not."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what, hint)
        self.what, self.hint = what, hint


class Codec(Struct, frozen=True):
    """A compression format. `begins` says whether the first bytes are those of a member of this format. Libraries that
    not every run needs are imported inside the functions."""

    name: str
    suffix: str
    magic: bytes
    begins: Callable[[bytes], bool]
    member: Callable[
        [bytes, int], Any
    ]  # from its first bytes, and the bytes of memory it may take, or MemoryNeededError:
    # has decompress(data, limit), needs_input, eof and unused_data
    faults: Callable[[], tuple[type[Exception], ...]]  # what a damaged member raises
    sink: Callable[[Any], Any]  # of an open file: write(packed), close()
    pack: Callable[[bytes], Any]  # a piece of text, in a worker, for its sink
    padding: int = 0  # zero bytes may follow a member in multiples of so many; 0: none may
