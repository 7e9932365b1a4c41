"""The header of a NumPy array (.npy): read strictly, within bounds, and never unpickled."""

from __future__ import annotations

import ast
import struct
from math import prod
from typing import Any

import numpy as np
from msgspec import Struct

from normcli.errors import BadDataError
from normcli.formats._arrays.values import KINDS
from normcli.formats._binary.description import BatchDescription
from normcli.io.sources import Source

MAGIC = b"\x93NUMPY"
LONGEST = 10_000  # bytes of a header, as numpy has it: one of numbers takes less than 128
MOST_COLUMNS = 1 << 20
ALIGNED = 64  # bytes: where data begin
ROOM = 20  # digits of a number of rows, that may be written later
KEYS = {"descr", "fortran_order", "shape"}


class Header(Struct, frozen=True):
    """The type of an array's values, how many rows and columns there are, whether it stands column by column, where
    its data begin, and of how many dimensions it is."""

    kind: Any  # numpy.dtype
    rows: int
    columns: int
    by_column: bool = False
    start: int = 0
    dimensions: int = 2

    @property
    def row_size(self) -> int:
        """Bytes of a row."""
        return int(self.columns * self.kind.itemsize)

    @property
    def size(self) -> int:
        """Bytes of the data."""
        return self.rows * self.row_size


class ArrayDescription(BatchDescription, frozen=True, kw_only=True):
    """An array as an input."""

    dimensions: int


def read(source: Source) -> Header:
    """That of a source at its beginning, which it is read from. Raises BadDataError."""
    begun = source.read(len(MAGIC) + 2)
    version = begun[len(MAGIC) :]
    if not begun.startswith(MAGIC) or version not in (b"\x01\0", b"\x02\0", b"\x03\0"):
        raise _unsound(source, "it does not begin as one")
    layout = "<H" if version == b"\x01\0" else "<I"
    field = source.read(struct.calcsize(layout))
    length = struct.unpack(layout, field)[0] if len(field) == struct.calcsize(layout) else 0
    if not 0 < length <= LONGEST:
        raise _unsound(source, f"its header has {length:,} bytes")
    text = source.read(length)
    if len(text) < length:
        raise _unsound(source, "its header is truncated")
    return _parsed(source, text, len(begun) + len(field) + length)


def _parsed(source: Source, text: bytes, start: int) -> Header:
    try:
        about = ast.literal_eval(text.decode("latin-1").strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise _unsound(source, "its header can't be parsed") from None
    if not isinstance(about, dict) or set(about) != KEYS or not isinstance(about["fortran_order"], bool):
        raise _unsound(source, "its header does not say what it should")
    shape = about["shape"]
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise _unsound(source, "its header has no shape")
    kind = _kind(source, about["descr"])
    if len(shape) not in (1, 2):
        what = f"{source.name}: an array of {len(shape)} dimensions {shape}, not of rows, or of rows and columns"
        raise BadDataError(what, "numpy.reshape makes it (rows, columns)")
    columns = shape[1] if len(shape) == 2 else 1
    if not 0 < columns <= MOST_COLUMNS:
        raise BadDataError(f"{source.name}: an array of {columns:,} columns", f"1 to {MOST_COLUMNS:,} are read")
    return Header(kind, shape[0], columns, about["fortran_order"] and len(shape) == 2, start, len(shape))


def _kind(source: Source, descr: Any) -> np.dtype[Any]:
    """The type of values. Raises BadDataError for one that is not read: of Python objects, which may run any code when
    they are unpickled, too."""
    if not isinstance(descr, str):
        raise BadDataError(f"{source.name}: a structured array, which is not read", "numpy.savetxt writes CSV")
    if descr.lstrip("<>|=").startswith("O"):
        what = f"{source.name}: an array of Python objects, which are never unpickled"
        raise BadDataError(what, "numpy.save(path, array.astype(float)) writes numbers")
    try:
        kind = np.dtype(descr)
    except (TypeError, ValueError):
        raise _unsound(source, "its type is none") from None
    if kind.kind not in KINDS or kind.itemsize > 8 or kind.subdtype is not None:
        raise BadDataError(f"{source.name}: an array of {kind}, which is not read", "numbers and booleans are")
    return kind


def written(header: Header) -> bytes:
    """The bytes of a header, of version 1.0, which are as many for any number of rows. As numpy.save writes it, but for
    spaces at its end."""
    descr = np.dtype(header.kind).newbyteorder("<").str
    shape = (header.rows, header.columns)[: header.dimensions]
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    longest = len(text) + ROOM - len(str(header.rows))
    begun = len(MAGIC) + 4
    length = -(-(begun + longest + 1) // ALIGNED) * ALIGNED - begun
    return MAGIC + b"\x01\0" + struct.pack("<H", length) + text.ljust(length - 1).encode() + b"\n"


def check_length(source: Source, header: Header, length: int) -> None:
    """Raises BadDataError where a file does not hold what its header says."""
    end = header.start + header.size
    if length < end:
        what = f"truncated: {length:,} bytes, and {prod((header.rows, header.columns)):,} values take {end:,}"
        raise BadDataError(f"{source.name}: {what}", "was it copied whole?")
    if length > end:
        raise BadDataError(f"{source.name}: there is more after the array", "was something appended?")


def _unsound(source: Source, why: str) -> BadDataError:
    return BadDataError(f"{source.name}: not a sound NumPy array: {why}", "was it copied whole?")
