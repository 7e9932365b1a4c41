"""Thrift's compact protocol, as far as Parquet's footer and the headers of its pages need it.

pyarrow shows neither: of pages nothing at all, and asked for a column chunk whose statistics are damaged, or that is
encrypted, it ends the interpreter. (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md)
"""

from __future__ import annotations

from typing import Any

TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
INTEGERS = frozenset((4, 5, 6))
DEEPEST = 12  # structs and lists in each other
LIST_HEAD = 15  # a size from here on has bytes of its own


def natural(data: bytes, at: int) -> tuple[int, int]:
    """A number without sign, and the place behind it. Raises IndexError where the data end before it does, ValueError
    where it has more than 64 bits."""
    byte = data[at]
    at += 1
    if byte < 128:
        return byte, at
    value, shift = byte & 127, 7
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def struct(data: bytes, at: int, depth: int = 0) -> tuple[dict[int, Any], int]:
    """A struct's fields by their number, and the place behind it. Raises as `natural` does."""
    fields: dict[int, Any] = {}
    number = 0
    while head := data[at]:
        at += 1
        if head > 15:
            number += head >> 4
        else:
            step, at = natural(data, at)
            number = step >> 1 ^ -(step & 1)
        kind = head & 15
        if kind in INTEGERS:
            value, at = natural(data, at)
            fields[number] = value >> 1 ^ -(value & 1)
        elif kind <= FALSE:
            fields[number] = kind == TRUE
        else:
            fields[number], at = field(data, at, kind, depth)
    return fields, at + 1


def integer(fields: dict[int, Any], number: int, default: int = -1) -> int:
    """A field of whole numbers; `default` where it is left out, or is of another kind, which readers pass over."""
    value = fields.get(number)
    return value if type(value) is int else default


def list_head(data: bytes, at: int) -> tuple[int, int, int]:
    """The kind and the number of a list's entries, and the place of the first."""
    head = data[at]
    count, at = (head >> 4, at + 1) if head >> 4 < LIST_HEAD else natural(data, at + 1)
    return head & 15, count, at


def field(data: bytes, at: int, kind: int, depth: int = 0) -> tuple[Any, int]:
    """A field's value, or a list's entry."""
    if kind == BINARY:
        size, at = natural(data, at)
        return data[at : at + size], at + size
    if kind in INTEGERS:
        value, at = natural(data, at)
        return value >> 1 ^ -(value & 1), at
    if kind <= BYTE:  # in a list, a truth value has a byte of its own
        return data[at], at + 1
    if kind == DOUBLE:
        return None, at + 8
    if depth < DEEPEST and kind == STRUCT:
        return struct(data, at, depth + 1)
    if depth < DEEPEST and kind in (LIST, SET):
        inner, count, at = list_head(data, at)
        entries = []
        for _ in range(count):
            entry, at = field(data, at, inner, depth + 1)
            entries.append(entry)
        return entries, at
    raise ValueError("a field of no known kind")


# -- in place ------------------------------------------------------------------------------------------------------
Shape = dict[int, Any]  # of a struct: which fields to find, by what they are called, or the shape of structs in them
FieldPlace = tuple[str, int, int]  # what a field is called, and where its value is: start and end


def find(data: bytes, at: int, shape: Shape) -> tuple[list[FieldPlace], int]:
    """The fields of a struct that are in its shape, in order, and the place behind it. Raises as `natural` does."""
    places = list[FieldPlace]()
    return places, _find(data, at, shape, places)


def _find(data: bytes, at: int, shape: Shape, places: list[FieldPlace]) -> int:
    number = 0
    while head := data[at]:
        at += 1
        if head > 15:
            number += head >> 4
        else:
            step, at = natural(data, at)
            number = step >> 1 ^ -(step & 1)
        within = shape.get(number)
        if within is None:
            at = behind(data, at, head & 15)
        elif type(within) is str:
            start, at = at, behind(data, at, head & 15)
            places.append((within, start, at))
        else:
            count = 1
            if head & 15 != STRUCT:
                _, count, at = list_head(data, at)
            for _ in range(count):
                at = _find(data, at, within, places)
    return at + 1


def behind(data: bytes, at: int, kind: int) -> int:
    """The place behind a field's value, or a list's entry. Raises as `natural` does."""
    if 4 <= kind <= 6:
        while data[at] > 127:
            at += 1
        return at + 1
    if kind == BINARY:
        size, at = natural(data, at)
        return at + size
    if kind == STRUCT:
        while head := data[at]:
            at = at + 1 if head > 15 else natural(data, at + 1)[1]
            kind = head & 15
            if 4 <= kind <= 6:  # most are, and calls take time
                while data[at] > 127:
                    at += 1
                at += 1
            elif kind > FALSE:
                at = behind(data, at, kind)
        return at + 1
    if kind in (LIST, SET):
        inner, count, at = list_head(data, at)
        for _ in range(count):
            at = behind(data, at, max(inner, BYTE))
        return at
    return at + {DOUBLE: 8, BYTE: 1}.get(kind, 0)


def integer_at(data: bytes, at: int) -> int:
    """The number that is there."""
    value, _ = natural(data, at)
    return value >> 1 ^ -(value & 1)


def encoded(number: int) -> bytes:
    """A number of up to 64 bits, as it stands in a field."""
    value, octets = (number << 1 ^ number >> 63) & (1 << 64) - 1, bytearray()
    while value > 127:
        octets.append(value & 127 | 128)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def list_of_structs(count: int) -> bytes:
    """What stands before so many structs in a list."""
    if count < LIST_HEAD:
        return bytes([count << 4 | STRUCT])
    octets = bytearray([LIST_HEAD << 4 | STRUCT])
    while count > 127:
        octets.append(count & 127 | 128)
        count >>= 7
    return bytes([*octets, count])
