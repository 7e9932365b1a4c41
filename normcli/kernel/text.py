"""Delimited text to columns of numbers and back, by the native kernel: structures and calls of kernel.h."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import Structure, byref, c_char, c_char_p, c_uint8, c_uint32, c_uint64, c_void_p
from math import prod
from threading import local
from typing import Any
from weakref import finalize

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from normcli.kernel import library

DONE, FULL, DOUBT, INFINITE, UNFIT = range(5)  # nk_status
NO_NUMBER = 1  # of nk_reason
TEXT, NUMBER, SKIP = range(3)  # nk_kind
FRACTION, WIDE, MISSING = 1, 2, 4  # nk_trait
PADDING, ROOM = 16, 40  # NK_PADDING, NK_ROOM
LONGEST = 0x7FFFFFEF  # NK_LONGEST_TEXT
BAD_DELIMITERS = '"\r\n+-.'
LINE_OF_CACHE = 8  # doubles
PAGE = 512  # doubles: columns so far apart, or a multiple of it, fall into the same lines of a cache
TAIL = 1 << 16  # bytes; what may be copied for the sake of padding
HOT = 1 << 18  # bytes that stay in the cache
SLACK = 16  # share of a block by which the next one may be larger
WORD = np.dtype([("row", np.uint32), ("column", np.uint32), ("start", np.uint32), ("length", np.uint32)])  # nk_word

Offsets = NDArray[np.uint32]
Words = NDArray[Any]  # of WORD
Octets = NDArray[np.uint8]


class _Layout(Structure):
    _fields_ = (
        ("kinds", c_void_p), ("words", c_void_p), ("words_size", c_uint32), ("fields", c_uint32), ("delimiter", c_char),
        ("unused", c_uint8 * 7),
    )  # fmt: skip


class _Block(Structure):
    _fields_ = (
        *((name, c_void_p) for name in ("values", "starts", "lengths", "words", "traits")),
        *((name, c_uint64) for name in ("stride", "capacity", "word_capacity", "rows", "word_count", "position")),
        ("doubt", c_uint64), ("doubt_field", c_uint32), ("reason", c_uint32),
    )  # fmt: skip


class _Column(Structure):
    _fields_ = (
        ("values", c_void_p), ("starts", c_void_p), ("lengths", c_void_p), ("word_column", c_uint32),
        ("unused", c_uint32),
    )  # fmt: skip


class _Table(Structure):
    _fields_ = (
        ("columns", c_void_p), ("text", c_void_p), ("text_size", c_uint64), ("words", c_void_p),
        ("word_count", c_uint64), ("rows", c_uint64), ("first_row", c_uint64), ("fields", c_uint32),
        ("delimiter", c_char), ("crlf", c_uint8), ("unused", c_uint8 * 2),
    )  # fmt: skip


class _Output(Structure):
    _fields_ = (
        ("text", c_void_p), ("capacity", c_uint64), ("size", c_uint64), ("row", c_uint64), ("word", c_uint64)
    )  # fmt: skip


def is_fit(delimiter: str, words: Sequence[str]) -> bool:
    """Whether text between these delimiters, with these words for missing values, can be parsed at all."""
    return (
        library() is not None
        and len(delimiter) == 1
        and delimiter.isascii()
        and not delimiter.isalnum()
        and delimiter not in BAD_DELIMITERS
        and not any("\n" in word or "\r" in word or '"' in word or word != word.strip(" \t") for word in words)
    )


def _address(text: bytes) -> int:
    return ctypes.cast(c_char_p(text), c_void_p).value or 0


def counts(text: bytes | memoryview, octets: bytes) -> tuple[int, int] | None:
    """How often each of two bytes is in a text; None without the kernel."""
    kernel = library()
    if kernel is None:
        return None
    address, _ = np.frombuffer(text, np.uint8).__array_interface__["data"]
    both = (c_uint64 * 2)()
    kernel.nk_count(address, len(text), octets, both)
    return both[0], both[1]


def padded(text: bytes) -> Octets:
    """A copy that can be read beyond its end."""
    copy = np.empty(len(text) + PADDING, np.uint8)
    copy[: len(text)] = np.frombuffer(text, np.uint8)
    return copy


def most_rows(size: int, lines: int, fields: int) -> int:
    """How many rows of so many fields may be in so many bytes and lines: lines may be blank, or stand within fields,
    and each field takes a byte, but for the last of all."""
    return min(lines, size // fields + 1)


class Parser:
    """Rows in columns, as far as they are parsed, with room for `rows` of them. `is_number` says of each field whether
    it becomes a double or stays where it stands, unless nobody asks for text."""

    def __init__(
        self, is_number: Sequence[bool], delimiter: str, words: Sequence[str], rows: int, *, texts: bool = True
    ) -> None:
        numbers = sum(is_number)
        stride = -(-(rows or 1) // LINE_OF_CACHE) * LINE_OF_CACHE
        stride += LINE_OF_CACHE if stride % PAGE == 0 else 0
        self.room, self.is_number = rows, tuple(is_number)
        self.values = _doubles((numbers, stride))  # NaN where missing
        self.starts, self.lengths = np.empty((2, (len(is_number) - numbers) * texts, stride), np.uint32)
        self.traits = np.zeros(numbers, np.uint8)
        self._words = np.empty(0, WORD)
        self._kinds = np.where(is_number, NUMBER, TEXT if texts else SKIP).astype(np.uint8)
        self._missing = "".join(word + "\n" for word in words if word).encode()
        self._layout = _Layout(
            self._kinds.ctypes.data, _address(self._missing), len(self._missing), len(is_number),
            delimiter.encode(),
        )  # fmt: skip
        self._block = _Block(
            self.values.ctypes.data, self.starts.ctypes.data, self.lengths.ctypes.data, self._words.ctypes.data,
            self.traits.ctypes.data, stride,
        )  # fmt: skip

    @property
    def rows(self) -> int:
        """How many there are."""
        return int(self._block.rows)

    @property
    def position(self) -> int:
        """Where the next row begins in the text."""
        return int(self._block.position)

    @property
    def words(self) -> Words:
        """Where a missing value is not an empty field, by rows, then columns of numbers."""
        return self._words[: self._block.word_count]

    @property
    def doubt_field(self) -> int:
        """After a doubt: which field of the next row it is about."""
        return int(self._block.doubt_field)

    @property
    def reason(self) -> int:
        """After a doubt: why."""
        return int(self._block.reason)

    def skip(self, values: Sequence[NDArray[Any]], position: int) -> None:
        """Appends rows that were parsed otherwise, as (rows,) for each column of numbers; the next row begins at a
        position."""
        start = self.rows
        for to, x in zip(self.values, values, strict=True):
            to[start : start + len(x)] = x
        self._block.rows += len(values[0])
        self._block.position = position

    def parse(self, text: bytes, rows: int) -> int:
        """Appends at most so many rows of a text; DONE at its end, FULL before it, or DOUBT about the next row. The
        last row may do without a line end."""
        self._block.capacity = min(self.rows + rows, self.room)
        status = self._parse(_address(text), len(text) - PADDING)
        if status != FULL and len(text) - TAIL <= self.position < len(text):
            status = self._parse_tail(text)
        return status

    def _parse_tail(self, text: bytes) -> int:
        """What is left of a text, from a copy with padding."""
        start, rows, words = self.position, self.rows, len(self.words)
        tail = text[start:]
        copy = padded(tail if tail.endswith((b"\n", b"\r")) else tail + b"\n")  # a return alone ends no row
        self._block.position = 0
        status = self._parse(copy.ctypes.data, len(copy) - PADDING)
        self._block.position = min(start + self.position, len(text))
        self.starts[:, rows : self.rows] += np.uint32(start)
        self.words["start"][words:] += np.uint32(start)
        return status

    def _parse(self, address: int, size: int) -> int:
        """Up to a size of a text at an address; where that is within a row, the row is in doubt."""
        kernel = library()
        assert kernel is not None
        while self.position < size:
            status = int(kernel.nk_parse(byref(self._layout), address, size, byref(self._block)))
            if status != FULL or self._block.rows == self._block.capacity:
                return DOUBT if status == UNFIT else status
            self._words = np.concatenate([self.words, np.empty(max(1024, len(self.words)), WORD)])
            self._block.words, self._block.word_capacity = self._words.ctypes.data, len(self._words)
        return DONE


class Numbers(Struct, frozen=True):
    """A column of numbers: (rows,) contiguous doubles, and which column of numbers its missing values were in."""

    values: NDArray[np.float64]
    place: int


class Fields(Struct, frozen=True):
    """A column of fields: (rows,) contiguous, where each begins in a text, and how long it is."""

    starts: Offsets
    lengths: Offsets


class Table(Struct, frozen=True):
    """Rows of columns, some of which stand in a text; and the words for missing values of a run of rows with them."""

    columns: Sequence[Numbers | Fields]
    rows: int
    text: bytes
    words: Words
    first_row: int  # what the first row is called in the words

    def formatted(self, delimiter: str, *, crlf: bool) -> list[bytes] | None:
        """The rows as text; None where a number is infinite."""
        kernel = library()
        assert kernel is not None
        columns = (_Column * len(self.columns))(*map(_column, self.columns))
        table = _Table(
            ctypes.addressof(columns), _address(self.text), len(self.text), self.words.ctypes.data, len(self.words),
            self.rows, self.first_row, len(columns), delimiter.encode(), crlf,
        )  # fmt: skip
        buffer, output, pieces = _of_thread.hot, _Output(), list[bytes]()
        output.text, output.capacity = buffer.ctypes.data, len(buffer)
        while (status := kernel.nk_format(byref(table), byref(output))) == FULL:
            if not output.size:  # a row takes more
                buffer = np.empty(2 * len(buffer), np.uint8)
                output.text, output.capacity = buffer.ctypes.data, len(buffer)
            pieces.append(buffer[: output.size].tobytes())
            output.size = 0
        pieces.append(buffer[: output.size].tobytes())
        return pieces if status == DONE else None


def _column(column: Numbers | Fields) -> _Column:
    if isinstance(column, Numbers):
        return _Column(column.values.ctypes.data, None, None, column.place)
    return _Column(None, column.starts.ctypes.data, column.lengths.ctypes.data)


class _OfThread(local):
    """Memory that each thread uses again: fresh memory costs the system more than what is written into it."""

    def __init__(self) -> None:
        self.hot = np.empty(HOT, np.uint8)
        self.spare: list[NDArray[np.float64]] = []  # of blocks that nobody has any more


_of_thread = _OfThread()


def _doubles(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Memory for doubles, of any values. When the array and all that are parts of it are gone, it is used again."""
    size, spare = prod(shape), _of_thread.spare
    memory = spare.pop() if spare else np.empty(0)
    if len(memory) < size:
        memory = np.empty(size + size // SLACK)
    array = np.frombuffer(memory.data, np.float64)  # of which parts of parts are parts, too, and not of `memory`
    finalize(array, spare.append, memory).atexit = False
    return array[:size].reshape(shape)
