"""What the pages of a Parquet file will take, by their headers: known before any of them is decoded.

The footer has the sizes of column chunks only, and says nothing of how far a dictionary or a shared prefix expands:
some kilobytes can stand for as many gigabytes as there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import Any

from msgspec import Struct

from normcli.formats._binary import thrift
from normcli.io.sources import Source

ROW_GROUPS = 4  # number of a field in the footer
TAIL = 1 << 16  # bytes that are read to find the footer in
HEADER = 256  # bytes to look for a header in; more where that was not all of it
LONGEST = 16 << 20  # bytes of a header, with the statistics in it: no reader takes more
DICTIONARY, SECOND = 2, 3  # kinds of pages: of a dictionary, of data by version 2
SIZES = {0: 1, 1: 4, 2: 8, 3: 12, 4: 4, 5: 8}  # bytes of a decoded value by its physical type: boolean to double
FIXED = 7  # the type of bytes as many as the schema says
LEVELS = 4  # bytes of how deep a value is, and whether it repeats
OF_PREFIXES = 7  # the encoding that tells a value by how much of the one before it begins with
IN_DICTIONARY = frozenset((2, 8))  # the encodings of values by their places in the dictionary
OF_LEVELS = frozenset((3, 4))  # those of levels
OF_LENGTH = 4  # bytes before a plain text, which say how long it is
OF_ENTRY = 16  # bytes that a text takes beside what it says
OF_PLACE = 4  # bytes of a place in a dictionary, once it is decoded
CODECS = ("none", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4")


class ColumnChunk(Struct, frozen=True):
    """A column's part of a row group, by the footer."""

    path: str
    type: int
    encodings: tuple[int, ...]
    codec: str
    start: int  # places in the file
    end: int
    values: int
    dictionary: float  # bytes, about, of the one that the values are in; inf where some may not be


Chunks = list[ColumnChunk | None]  # None for one that is encrypted


class Page(Struct, frozen=True):
    """By its header: what kind it is, its bytes before and after compression, and how many values it has."""

    kind: int
    size: int
    packed: int
    values: int


class Load(Struct, frozen=True):
    """What reading a column chunk takes: bytes that are held all the time, and at most those of one block of rows."""

    held: float
    block: float


class Footer:
    """The row groups that a footer describes, parsed on demand: in order, each once, or from the start."""

    def __init__(self, source: Source) -> None:
        """Of a file that ends in a footer, its size and a mark: which pyarrow has checked."""
        begin = max(0, source.count - TAIL)
        tail = source.read_at(begin, source.count - begin)
        size = int.from_bytes(tail[-8:-4], "little")
        self._data = tail[:-8] if size + 8 <= len(tail) else source.read_at(source.count - size - 8, size)
        self._data = self._data[-size:] if size else b""
        self._groups = self.row_groups()
        self._last: tuple[int, Chunks] = -1, []

    def group(self, number: int) -> Chunks:
        """The column chunks of a row group. Raises ValueError where the footer does not have them."""
        if number < self._last[0]:
            self._groups, self._last = self.row_groups(), (-1, [])
        while self._last[0] < number:
            group = next(self._groups, None)
            if group is None:
                raise ValueError(f"the footer does not describe row group {number + 1}")
            self._last = self._last[0] + 1, group
        return self._last[1]

    def row_groups(self) -> Iterator[Chunks]:
        """All of them."""
        try:
            at = number = 0
            while head := self._data[at]:
                number += head >> 4
                if number == ROW_GROUPS:
                    _, count, at = thrift.list_head(self._data, at + 1)
                    for _ in range(count):
                        group, at = thrift.struct(self._data, at)
                        yield [_chunk(c.get(3)) for c in group[1]]
                    return
                _, at = thrift.field(self._data, at + 1, head & 15)
        except (IndexError, KeyError, TypeError, AttributeError):
            raise ValueError("the footer does not describe its row groups") from None


def _chunk(about: dict[int, Any] | None) -> ColumnChunk | None:
    if about is None:
        return None
    kind, codec, size, data, dictionary = (thrift.integer(about, n, 0) for n in (1, 4, 7, 9, 11))
    start = min(dictionary or data, data)
    path = b".".join(about[3]).decode("utf-8", "replace")
    name = CODECS[codec] if 0 <= codec < len(CODECS) else ""
    values = thrift.integer(about, 5, 0)
    in_dictionary = _dictionary(about, values, data - dictionary if dictionary else 0)
    return ColumnChunk(path, kind, tuple(about[2]), name, start, start + size, values, in_dictionary)


def _dictionary(about: dict[int, Any], values: int, packed: int) -> float:
    """Bytes of the dictionary of a column chunk, which has so many compressed ones, going by how well all of it was
    compressed; inf where values, or more than a few of them, may stand outside of it."""
    stats, size, all_packed = about.get(13), thrift.integer(about, 6, 0), thrift.integer(about, 7, 0)
    used = {s.get(2) for s in stats if s.get(1) != DICTIONARY} if stats else {*about[2]}.difference(OF_LEVELS)
    small = not stats and size <= OF_LENGTH * values  # where the dictionary itself may be what is plain
    if packed <= 0 or not (small or used <= IN_DICTIONARY):
        return inf
    return min(size, packed * size / max(all_packed, 1))


def pages(read_at: Callable[[int, int], bytes], start: int, end: int) -> Iterator[Page]:
    """Those that lie between two places of a file. Ends where there is none: what is wrong there, the library that
    reads the same bytes will say."""
    while start < end:
        header = _header(read_at, start, end)
        if header is None:
            return
        fields, length = header
        kind, size, packed = (thrift.integer(fields, n) for n in (1, 2, 3))
        about = fields.get({DICTIONARY: 7, SECOND: 8}.get(kind, 5))
        values = thrift.integer(about, 1, 0) if isinstance(about, dict) else 0
        if min(kind, size, packed, values) < 0:
            return
        yield Page(kind, size, packed, values)
        start += length + packed


def _header(read_at: Callable[[int, int], bytes], start: int, end: int) -> tuple[dict[int, Any], int] | None:
    """The fields of the header that begins there, and its length."""
    wanted = HEADER
    while True:
        data = read_at(start, min(wanted, end - start))
        try:
            fields, length = thrift.struct(data, 0)
        except ValueError:
            return None
        except IndexError:
            if len(data) < wanted or wanted > LONGEST:
                return None
            wanted *= 8
            continue
        return fields, length


def is_coded(chunk: ColumnChunk, rows: int) -> bool:
    """Whether a column chunk of text, read in blocks of so many rows, takes less as places in its dictionary: each
    block has all of that."""
    return chunk.dictionary <= OF_ENTRY * min(rows, chunk.values)


def load(
    chunk: ColumnChunk,
    column: Any,
    pages: Sequence[Page],
    rows: int,
    enough: float,
    longest: Callable[[], float] | None,
) -> Load:
    """Of a column chunk and what pyarrow says of its column, read in blocks of so many rows. How long the longest text
    of its dictionary is, is measured only where the dictionary's size does not say that a block takes `enough` at most;
    None: what is read are places in the dictionary."""
    data, dictionaries = [p for p in pages if p.kind != DICTIONARY], [p for p in pages if p.kind == DICTIONARY]
    largest, dictionary = max((p.size for p in data), default=0), sum(p.size for p in dictionaries)
    held = (
        max((p.size + p.packed for p in data), default=0) + dictionary + OF_ENTRY * sum(p.values for p in dictionaries)
    )
    values = sum(p.values for p in data)
    if not column.max_repetition_level:
        values = min(values, rows)
    if longest is None:
        entries = dictionary + OF_ENTRY * sum(p.values for p in dictionaries)
        return Load(held + entries, values * (LEVELS + OF_PLACE) + entries)
    width = column.length if chunk.type == FIXED else SIZES.get(chunk.type)
    block: float = values * (LEVELS + (OF_ENTRY if width is None else width))
    if width is None:
        block += sum(p.size for p in data)
        if OF_PREFIXES in chunk.encodings:
            block += values * largest
        if dictionary:
            block += values * (dictionary if values * dictionary <= enough else min(dictionary, longest()))
    return Load(held, block)
