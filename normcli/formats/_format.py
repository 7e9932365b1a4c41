"""What a file of this folder says of its format: one record, called FORMAT."""

from __future__ import annotations

from dataclasses import Field, dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from normcli import registry

if TYPE_CHECKING:
    from normcli.formats import WriterClass


@dataclass(frozen=True, kw_only=True)
class Signature:
    """How files of a format are recognized. In the record these are literals, so that detecting a format imports
    none."""

    suffixes: tuple[str, ...]  # of its files, the usual one first
    binary: bool = False  # not text: with a place for types and digests, compressed by itself, nothing for a terminal
    magic: bytes = b""  # how each file of a binary format begins
    opening: bytes = b""  # how a text may begin that is in no other format
    on_pipe: str = ""  # the format that a pipe gets in its place; empty: the same


class Options(Protocol):
    """How text is to be read, or output to be packed: a frozen dataclass whose fields become flags."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def check(self) -> None:
        """Raises UsageError where they contradict each other."""


@dataclass(frozen=True, kw_only=True)
class Format(Signature):
    """A format: its signature, and the classes that read and write it."""

    options: type[Options]
    reader: type[Any]
    writer: WriterClass


@cache
def signature(name: str) -> Signature:
    """That of the format called `name`, without importing its file."""
    known = {f.name for f in fields(Signature)}
    return Signature(**{n: v for n, v in registry.literals("formats", name, "FORMAT").items() if n in known})


def record(name: str) -> Format:
    """The format called `name`, whose file is imported. Raises KeyError where there is none."""
    found: Format = registry.load("formats", name).FORMAT
    return found
