"""The header of a safetensors file: JSON, read strictly and within bounds. What it says of the data is checked before
any of them is read: tensors lie one behind the other, and fill the file."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from msgspec import Struct

from normcli.errors import BadDataError, printable, short

LENGTH = struct.Struct("<Q")  # of the header, before it
LONGEST = 8 << 20  # bytes of a header
METADATA = "__metadata__"
BFLOAT = "BF16"  # which numpy does not have: the upper half of an F32
TYPES = {
    **{f"F{8 * size}": f"<f{size}" for size in (2, 4, 8)}, **{f"I{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"U{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)}, "BOOL": "|b1",
}  # fmt: skip
NAMES = {np.dtype(kind): name for name, kind in TYPES.items()}
SIZES = {name: np.dtype(kind).itemsize for name, kind in TYPES.items()} | {BFLOAT: 2}
UNREAD_SIZES = {"F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "C64": 8}  # that are not read, but may be beside what is
KEYS = {"dtype", "shape", "data_offsets"}
MOST_DIMENSIONS = 8


class Tensor(Struct, frozen=True):
    """Its name, type and shape, and where its data begin, from the end of the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int

    @property
    def size(self) -> int:
        """Bytes of a value."""
        return SIZES.get(self.dtype) or UNREAD_SIZES[self.dtype]

    @property
    def end(self) -> int:
        """Where its data end."""
        return self.start + prod(self.shape) * self.size

    @property
    def row_size(self) -> int:
        """Bytes of a row."""
        return prod(self.shape[1:]) * self.size

    @property
    def described(self) -> str:
        """Its name and shape, for a message."""
        return f"{short(self.name)} ({self.dtype} {list(self.shape)})"


class Header(Struct, frozen=True):
    """The tensors in their order, texts by name, and bytes of the header with what stands before it."""

    tensors: tuple[Tensor, ...]
    metadata: Mapping[str, str]
    start: int


def length_of(source: str, begun: bytes) -> int:
    """Bytes of the header of a file that begins so. Raises BadDataError."""
    if len(begun) < LENGTH.size:
        raise _unsound(source, "it is too short for one")
    (length,) = LENGTH.unpack(begun)
    if not 2 <= length <= LONGEST:
        raise _unsound(source, f"its header has {length:,} bytes, and {LONGEST:,} are read")
    return int(length)


def parsed(source: str, text: bytes, size: int) -> Header:
    """A header of a file called `source`, with `size` bytes of data behind it. Raises BadDataError."""
    try:
        about = json.loads(text.decode(), object_pairs_hook=_unique, parse_constant=_unique, parse_float=_unique)
    except (ValueError, TypeError, RecursionError):
        raise _unsound(source, "its header can't be parsed") from None
    if not text.startswith(b"{") or not isinstance(about, dict):
        raise _unsound(source, "its header is no object")
    metadata = about.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _unsound(source, f"{METADATA} holds other things than texts")
    tensors = tuple(_tensor(source, name, of) for name, of in about.items())
    _check_places(source, tensors, size)
    return Header(tensors, metadata, LENGTH.size + len(text))


def _unique(pairs: Any) -> Any:
    """An object of JSON. Raises ValueError for a name that is there twice, and for what is no pair: a fraction."""
    if isinstance(pairs, str) or len(dict(pairs)) < len(pairs):
        raise ValueError
    return dict(pairs)


def _tensor(source: str, name: str, about: Any) -> Tensor:
    """Raises BadDataError."""
    shown = f"tensor '{short(name)}'"
    if not isinstance(about, dict) or set(about) != KEYS:
        raise _unsound(source, f"{shown} is not described by {', '.join(sorted(KEYS))}")
    dtype, shape, offsets = about["dtype"], about["shape"], about["data_offsets"]
    if not isinstance(dtype, str) or dtype not in {**SIZES, **UNREAD_SIZES}:
        raise BadDataError(
            f"{source}: {shown} is of an unknown type", f"known are {', '.join([*SIZES, *UNREAD_SIZES])}"
        )
    if not _are_counts(shape) or not _are_counts(offsets) or len(offsets) != 2 or len(shape) > MOST_DIMENSIONS:
        raise _unsound(source, f"{shown} has no shape, or no place")
    tensor = Tensor(name, dtype, tuple(shape), offsets[0])
    if tensor.end != offsets[1]:
        what = (
            f"{shown} lies at {offsets[0]:,} to {offsets[1]:,}, and its shape takes {tensor.end - offsets[0]:,} bytes"
        )
        raise _unsound(source, what)
    return tensor


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(n) is int and 0 <= n < 1 << 63 for n in values)


def _check_places(source: str, tensors: Sequence[Tensor], size: int) -> None:
    """Raises BadDataError where tensors overlap, leave a gap, or do not end where the file does."""
    end, before = 0, ""
    for tensor in sorted(tensors, key=lambda t: (t.start, t.end)):
        if tensor.start != end:
            where = f"tensor '{printable(tensor.name)}' begins at {tensor.start:,}"
            raise _unsound(source, f"{where}, and {before or 'data'} {'end' if not before else 'ends'} at {end:,}")
        end, before = tensor.end, f"tensor '{printable(tensor.name)}'"
    if end > size:
        raise BadDataError(f"{source}: truncated: tensors take {end:,} bytes, and there are {size:,}",
                           "was it copied whole?")  # fmt: skip
    if end < size:
        raise BadDataError(f"{source}: there is more after the last tensor", "was something appended?")


def written(tensors: Sequence[Tensor], metadata: Mapping[str, str]) -> bytes:
    """The bytes of a header and what stands before it, after which data are aligned."""
    about: dict[str, Any] = {METADATA: dict(metadata)} if metadata else {}
    about |= {
        t.name: {"dtype": t.dtype, "shape": list(t.shape), "data_offsets": [t.start, t.end]} for t in tensors
    }  # fmt: skip
    text = json.dumps(about, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % LENGTH.size)
    return LENGTH.pack(len(text)) + text


def _unsound(source: str, why: str) -> BadDataError:
    return BadDataError(f"{source}: not a sound safetensors file: {why}", "was it copied whole?")
