"""Where rows of an input are that can be read apart from the others."""

from __future__ import annotations

from msgspec import Struct


class Address(Struct, frozen=True):
    """A run of rows: from `start` to `end`, bytes of text, or row groups or batches of binary data, each counted from
    0. Its first row stands at `place`."""

    start: int
    end: int
    place: int
