"""The description of a format by a file of this folder: one record, called FORMAT."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from msgspec import Struct

from normcli import registry
from normcli.io import compression

if TYPE_CHECKING:
    from normcli.formats._address import Address
    from normcli.formats._description import Description
    from normcli.formats._reader import Reader
    from normcli.formats._writer import WriterClass
    from normcli.io.sources import Source


class Signature(Struct, frozen=True, kw_only=True):
    """How files of a format are recognized. In the record these are literals, so that detecting a format imports
    none."""

    suffixes: tuple[str, ...]  # of its files, the usual one first
    binary: bool = False  # not text: with a place for types and digests, compressed by itself, nothing for a terminal
    magic: bytes = b""  # how each file of a binary format begins, where a control character is in what follows, too
    pattern: bytes = b""  # a regular expression of how each begins, where that is no fixed bytes
    opening: bytes = b""  # how a text may begin that is in no other format
    keeps_marks: bool = False  # there is a place for the digests of parameters that data are normalized by
    on_pipe: str = ""  # the format that a pipe gets in its place; empty: the same


class Options(Protocol):
    """How text is to be read, or output to be packed: a frozen record whose fields become flags."""

    __struct_fields__: ClassVar[tuple[str, ...]]

    def check(self) -> None:
        """Raises UsageError where they contradict each other."""


class Format(Signature, frozen=True, kw_only=True):
    """A format: its signature, and the classes that read and write it."""

    options: type[Options]
    reader: type[Reader]
    writer: WriterClass

    def open(self, source: Source, options: Any = None, **more: Any) -> Reader:
        """The reader of an input; `more` are `block_size`, where chunks of other sizes are wanted, and of text `skip`,
        where bad rows are to be left out. Raises BadDataError."""
        make: Callable[..., Reader] = self.reader
        return make(source, options or self.options(), **more)


@cache
def signature(name: str) -> Signature:
    """That of the format called `name`, without importing its file."""
    literals = registry.literals("formats", name, "FORMAT").items()
    return Signature(**{n: v for n, v in literals if n in Signature.__struct_fields__})


def record(name: str) -> Format:
    """The format called `name`, whose file is imported. Raises KeyError where there is none."""
    format: Format = registry.load("formats", name).FORMAT
    return format


def open_at(source: Source, description: Description, address: Address) -> Reader:
    """The reader of the rows at an address of an input that was described before. Raises BadDataError."""
    return record(description.format).reader.at(source, description, address)


def bare(name: str) -> str:
    """The format that a name like csv or csv.gz means, or would mean if there was such a format."""
    codec = compression.by_suffix(name)
    return name[: -len(codec.suffix)] if codec else name
