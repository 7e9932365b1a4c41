"""Where rows of an input are that can be read apart from the others."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Address:
    """A run of rows: from `start` to `end`, bytes of text, or row groups or batches of binary data, each counted from
    0. Its first row stands at `place`."""

    start: int
    end: int
    place: int
