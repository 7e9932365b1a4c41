"""What a small Parquet file says of itself, read before pyarrow reads it: its footer and the headers of its pages, in
Thrift's compact protocol. pyarrow takes sizes and counts at their word, and aborts the process over some of them."""

from __future__ import annotations

import struct
from typing import Any

from normcli.errors import BadDataError

ROW_GROUPS, NUM_ROWS = 4, 3  # fields of the file
COLUMNS = 1  # of a row group
META_DATA = 3  # of a column
NUM_VALUES, COMPRESSED, DATA, DICTIONARY = 5, 7, 9, 11  # of its metadata: a count, bytes, and places in the file
PAGE_SIZE, PAGE_COMPRESSED, PAGES = 2, 3, (5, 7, 8)  # of the header of a page; the last have counts of values
DEEPEST = 16


def check(data: bytes, footer: int, *, values: int, size: int) -> None:
    """Checks a file of one row whose footer has so many bytes: it has up to `values` values in each column and each
    page, and pages of up to `size` bytes together, uncompressed. Raises BadDataError, ValueError where it is
    damaged."""
    try:
        about, _ = _struct(data, len(data) - footer - 8)
        groups = about[ROW_GROUPS]
        if about[NUM_ROWS] != 1 or len(groups) != 1:
            raise BadDataError(f"its data are {about[NUM_ROWS]:,} rows, not one")
        for column in groups[0][COLUMNS]:
            column = column[META_DATA]
            _check_count(column[NUM_VALUES], values)
            at = min(column[DATA], column.get(DICTIONARY) or column[DATA])
            end = at + column[COMPRESSED]
            if at < 0:
                raise ValueError("a place before the file")
            while at < end:
                header, at = _struct(data, at)
                for kind in PAGES:
                    _check_count(header.get(kind, {}).get(1, 0), values)
                size -= header[PAGE_SIZE]
                if header[PAGE_SIZE] < 0 or header[PAGE_COMPRESSED] < 0:
                    raise ValueError("a page of less than nothing")
                if size < 0:
                    raise BadDataError("its data have more bytes than vectors of the most columns")
                at += header[PAGE_COMPRESSED]
    except (IndexError, KeyError, TypeError, AttributeError, struct.error):
        raise ValueError("damaged") from None


def _check_count(count: int, most: int) -> None:
    if not 0 <= count <= most:
        raise BadDataError(f"its data have {count:,} values, and up to {most:,} are read")


def _struct(data: bytes, at: int, depth: int = 0) -> tuple[dict[int, Any], int]:
    """The fields of a struct by their numbers, and where it ends. Raises ValueError, IndexError."""
    fields: dict[int, Any] = {}
    number = 0
    while True:
        head = data[at]
        at += 1
        if not head:
            return fields, at
        kind, step = head & 15, head >> 4
        if not step:
            number, at = _zigzag(data, at)
        number += step
        if kind in (1, 2):
            fields[number] = kind == 1
        else:
            fields[number], at = _value(data, at, kind, depth + 1)


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    """A value of a kind, and where it ends: a byte, an integer, a float, bytes, a list or a struct."""
    if depth > DEEPEST:
        raise ValueError("too deep")
    if kind in (1, 2, 3):
        return data[at], at + 1
    if kind in (4, 5, 6):
        return _zigzag(data, at)
    if kind == 7:
        return None, at + 8
    if kind == 8:
        length, at = _unsigned(data, at)
        return None, at + length
    if kind in (9, 10):
        head, at = data[at], at + 1
        count = head >> 4
        if count == 15:
            count, at = _unsigned(data, at)
        values = []
        for _ in range(count):
            value, at = _value(data, at, head & 15, depth + 1)
            values.append(value)
        return values, at
    if kind == 12:
        return _struct(data, at, depth)
    raise ValueError("a map, or nothing that is known")


def _unsigned(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("no end of an integer")


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    value, at = _unsigned(data, at)
    return (value >> 1) ^ -(value & 1), at
