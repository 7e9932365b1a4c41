"""Lines in objects of a store, which nothing can be appended to.

Each run has objects of its own, numbered: a batch of lines is put in the newest one, together with those that it holds
already, until these are enough. So nobody else replaces one, and what arrives late from a dead run is of that run. The
first one has all lines of earlier runs, whose objects are removed once it is there; at the end, one has them all. Their
names are in the order of runs that followed each other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable

from normcli.errors import NoInputError, NormcliError, open_error, printable
from normcli.io import journal
from normcli.io.journal import Batches
from normcli.io.stores._filesystems import concurrently, listed
from normcli.io.stores.parts import remove
from normcli.io.stores.reading import read
from normcli.io.stores.writing import put, version

NAME = re.compile(r"(\d{4,})-[0-9a-f]{16}-\d{6,}\.jsonl")


class FarJournal(Batches):
    """Lines in the objects of a directory."""

    def __init__(self, directory: str) -> None:
        super().__init__()
        self._directory = directory
        self._turn, self._run, self._number = 0, os.urandom(8).hex(), 0
        self._newest: list[bytes] = []  # the lines of the newest object, with those that are not in it yet
        self._has_all = False  # its lines are those of all objects
        self._objects: list[str] = []  # all URIs that are there
        self._is_open = False

    @property
    def is_open(self) -> bool:
        return self._is_open

    def lines(self) -> list[bytes]:
        names = listed(self._directory, recursive=False, missing=True)
        turns = {name: int(match[1]) for name in names if (match := NAME.fullmatch(name))}
        objects = [f"{self._directory}/{name}" for name in sorted(turns, key=lambda name: (turns[name], name))]
        texts = list(concurrently(_content, objects))
        self._objects, self._turn = objects, max(turns.values(), default=-1) + 1
        return [line for text in texts for line in text.splitlines()]

    def begin(self, lines: Iterable[bytes]) -> None:
        with self._lock:
            self._newest, self._has_all, self._is_open = list(lines), True, True
            self._count += 1
            self._await()

    def finish(self, lines: Callable[[], Iterable[bytes]]) -> None:
        with self._lock:
            if self._count or len(self._objects) > 1:
                self.begin(lines())
            self.sync()

    def close(self) -> None:
        super().close()
        self._is_open = False

    def _write(self, line: bytes) -> None:
        self._newest.append(line)

    def _sync(self) -> None:
        if not self._count:
            return
        uri = f"{self._directory}/{self._turn:04}-{self._run}-{self._number:06}.jsonl"
        try:
            put(uri, b"".join(self._newest))
        except NormcliError as e:
            self._failure = e  # who asks next need not wait for it once more
            raise
        rest = [old for old in self._objects if old != uri]
        if self._has_all:
            list(concurrently(remove, rest))
            rest = []
        self._objects = [*rest, uri]
        if self._has_all or len(self._newest) >= journal.LINES:
            self._number, self._newest = self._number + 1, []
        self._count, self._has_all = 0, False


def _content(uri: str) -> bytes:
    """Of an object; nothing where another run has removed it meanwhile. Raises NoInputError."""
    try:
        return read(uri)
    except (NormcliError, OSError) as e:
        if version(uri) is None:
            return b""
        raise e if isinstance(e, NormcliError) else open_error(NoInputError, printable(uri), e) from None
