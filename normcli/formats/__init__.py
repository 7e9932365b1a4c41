"""Format: what every file here offers, and which one an input is in.

A format's module has `suffixes`, `magic` (how its files begin; empty for text), `Options` (a frozen dataclass whose
fields become flags), a `Reader` and a `Writer`.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from normcli import registry
from normcli.columns import Frame, Infinite, Schema
from normcli.sources import Source

TEXT = "csv"  # what bytes are that no format's magic claims


@dataclass(frozen=True)
class Decoded:
    """A chunk's rows, how many places (lines of text, rows of binary data) it spans, and how many blank lines were
    skipped on the way."""

    frame: Frame
    places: int
    blank_lines: int = 0


class Chunk(Protocol):
    """A piece of the input not yet normalized: self-contained, of bounded size, cut by the data alone."""

    @property
    def weight(self) -> int:
        """Its share of the reader's `size`."""

    def decode(self, wanted: frozenset[str], infinite: Infinite) -> Decoded:
        """Its rows, the wanted columns as numbers. Raises BadRowError or BadPlaceError, for the first bad row; where
        the format has to look for it, it may say of an infinite value that it is one."""

    def locate(self, row: int) -> int:
        """The place in the chunk, from 0, of row `row` (from 0) of the decoded frame."""


class Reader(Protocol):
    """One input. `schema` is what can be known before all of it was read."""

    source: Source
    schema: Schema
    typed: bool  # whether the types are certain, or told from a sample
    size: int | None  # all chunks' weights together, where that is known
    unit: str  # of the weights: B or rows
    doubts: dict[str, str]  # columns that would be left out, and why that may be a mistake
    digests: tuple[str, ...]  # of the parameters that the data say they were normalized by, in order
    start: int  # the place, from 0, where the first chunk begins

    def name(self, place: int) -> str:
        """What people call a place of the input."""

    def blank(self, wanted: frozenset[str]) -> Frame:
        """A frame of no rows, as chunks will give them."""

    def list_size(self, name: str) -> int:
        """How long the lists in a column are, going by the first. Raises BadDataError where there is none. Asked only
        of columns of lists."""

    def chunks(self, needed: Sequence[str] | None = None) -> Iterator[Chunk]:
        """All of it, in order; once only, where the source can be read only once. A format that can leaves out
        columns that are not needed."""

    def close(self) -> None:
        """All chunks were had."""


class Outlet(Protocol):
    """Where bytes go; what file objects and `outputs.Target` have in common."""

    def write(self, data: bytes, /) -> int: ...


class Sink(Protocol):
    """An output being written, in order. `close` completes it, and is called only when all went well: a writer that
    failed must not be closed, for that would publish a valid, short file."""

    def write(self, piece: Any) -> None: ...
    def close(self) -> None: ...


class Writer(Protocol):
    """One output: pieces are encoded in the workers, and written by a sink where it was opened."""

    @classmethod
    def like(cls, reader: Reader, blank: Frame, options: Any, digests: tuple[str, ...]) -> "Writer":
        """For output of the columns of `blank`, of data from `reader`; with `options`, or else in its manner.
        `digests` are those of the parameters by which the output will have been normalized."""

    def encode(self, frame: Frame) -> Any: ...
    def open(self, file: Outlet) -> Sink: ...


def by_suffix(path: str | os.PathLike[str] | None) -> str | None:
    """The format whose suffix `path` has."""
    name = os.fsdecode(path).lower() if path is not None else ""
    for format in registry.names("formats"):
        if name.endswith(registry.load("formats", format).suffixes):
            return format
    return None


def of_source(source: Source) -> str:
    """The format of an input, by its suffix, else by its first bytes."""
    named = by_suffix(source.name)
    if named:
        return named
    for format in registry.names("formats"):
        magic: bytes = registry.load("formats", format).magic
        if magic and source.peek(len(magic)) == magic:
            return format
    return TEXT


def module(format: str) -> ModuleType:
    return registry.load("formats", format)
