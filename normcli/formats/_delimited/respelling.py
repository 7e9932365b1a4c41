"""The bytes of a stream in a dialect as RFC 4180 has them, as they come."""

from __future__ import annotations

import re

from normcli.formats._delimited.dialect import Dialect
from normcli.io.sources import Inlet

PIECE = 1 << 20  # bytes that are read in one piece


class Respelled:
    """A raw stream of `begun` and what follows it in another. A line of comment becomes a blank one."""

    def __init__(self, dialect: Dialect, begun: bytes, stream: Inlet) -> None:
        self._dialect, self._begun, self._stream = dialect, begun, stream
        self._ready, self._ended = memoryview(b""), False
        self._held = b""  # may be the beginning of a sequence
        self._comments = _Comments(dialect) if dialect.comment else None

    @property
    def comments(self) -> int:
        """Lines of comment so far."""
        return self._comments.count if self._comments else 0

    def readinto(self, view: memoryview) -> int | None:
        """How many bytes, 0 at the end; None where a pipe that does not block has none yet."""
        while not self._ready and not self._ended:
            data = self._begun or self._next(min(len(view), PIECE))
            if data is None:
                return None
            self._begun = b""
            self._ended = not data
            self._ready = memoryview(self._respell(data))
        count = min(len(view), len(self._ready))
        view[:count], self._ready = self._ready[:count], self._ready[count:]
        return count

    def _next(self, size: int) -> bytes | None:
        buffer = bytearray(size)
        got = self._stream.readinto(memoryview(buffer))
        return None if got is None else bytes(buffer[:got])

    def _respell(self, data: bytes) -> bytes:
        """The respelling of the next bytes, none at the end, as far as it is certain."""
        data, self._held = self._held + data, b""
        escape = (self._dialect.escape or "").encode()
        if escape and not self._ended and (len(data) - len(data.rstrip(escape))) % 2:
            data, self._held = data[:-1], data[-1:]
        data = self._dialect.swapped(data)
        data = self._comments.blanked(data, ended=self._ended) if self._comments else data
        return self._dialect.coded(data)


class _Comments:
    """Lines that begin with a prefix, outside quotes and not after a line end that is escaped, become blank."""

    def __init__(self, dialect: Dialect) -> None:
        self.count = 0
        self._prefix = dialect.comment.encode()
        self._escape = (dialect.escape or "").encode()
        self._escaped = re.compile(re.escape(self._escape) + b".", re.DOTALL)
        self._quotes = dialect.quote is not None
        self._fresh = True  # a line begins
        self._within = False  # a comment goes on
        self._open = False  # so do quotes
        self._held = b""  # may be the beginning of the prefix

    def blanked(self, data: bytes, *, ended: bool) -> bytes:
        """The next bytes, which the stream may have `ended` with, and in which no sequence is cut."""
        data, self._held = self._held + data, b""
        if self._within:
            end = data.find(b"\n")
            if end < 0:
                return b""
            data, self._within, self._fresh = data[end:], False, False
        pieces, copied, counted = [], 0, 0
        start = 0 if data.startswith(self._prefix) else self._next(data, 0)
        while start >= 0:
            self._open ^= self._is_odd(data[counted:start])
            counted = start
            if not self._open and self._begins(data, start, copied):
                pieces.append(data[copied:start])
                end = data.find(b"\n", start)
                self._within = end < 0 and not ended
                copied = counted = end if end >= 0 else len(data)
                self.count += 1
            start = self._next(data, counted)
        data = data if ended or self._within else self._hold(data)
        self._open ^= self._is_odd(data[counted:])
        self._fresh = self._begins(data, len(data), copied)
        return b"".join([*pieces, data[copied:]])

    def _next(self, data: bytes, at: int) -> int:
        """Where a prefix follows the next line end that it follows, -1 if none does."""
        return data.find(b"\n" + self._prefix, at) + 1 or -1

    def _is_odd(self, data: bytes) -> bool:
        """Whether quotes have opened or closed."""
        if self._escape and self._escape in data:
            data = self._escaped.sub(b"", data)
        return self._quotes and data.count(b'"') % 2 == 1

    def _begins(self, data: bytes, at: int, copied: int) -> bool:
        """Whether a line begins at a place, as far as quotes allow; what stands before `copied` escapes nothing."""
        if not at:
            return self._fresh
        run = at - 1  # escapes before the line end
        while self._escape and run > copied and data[run - 1 : run] == self._escape:
            run -= 1
        return data[at - 1 : at] == b"\n" and (at - 1 - run) % 2 == 0

    def _hold(self, data: bytes) -> bytes:
        """Without the beginning of a last line that may become a comment."""
        start = data.rfind(b"\n") + 1
        last = data[start:]
        if last and len(last) < len(self._prefix) and self._prefix.startswith(last):
            self._held = last
            return data[:start]
        return data
