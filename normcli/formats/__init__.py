"""Formats: one file each, with a record of what it is; what their readers, chunks and writers have in common; and which
format an input or an output is in."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from normcli import registry
from normcli.columns import Frame, Infinite, Schema
from normcli.errors import BadDataError, UsageError
from normcli.formats import _foreign, _keeping
from normcli.formats._format import Format as Format
from normcli.formats._format import Signature as Signature
from normcli.formats._format import record as record
from normcli.formats._format import signature as signature
from normcli.io import compression
from normcli.io.sources import Source

OF_BYTE, OF_VALUE = 8, 64  # bytes of memory for each byte of a chunk, and each value in it: measured, as the most
TEXT = "csv"  # what bytes are that no format's magic claims

Dialect = _keeping.Kept
dialect, options = _keeping.kept, _keeping.options


@dataclass(frozen=True)
class Reject:
    """A bad row that was skipped: which of the chunk's rows (from 0), at what place in it, why, and its text."""

    row: int
    place: int
    reason: str
    raw: str


@dataclass(frozen=True)
class LateColumn:
    """A column that the first rows do not have: the first of some rows that has it, and whether it holds numbers there,
    which null does not tell."""

    name: str
    row: int
    number: bool | None


@dataclass(frozen=True)
class Decoded:
    """A chunk's rows, how many places (lines of text, rows of binary data) it spans, how many blank lines were
    skipped on the way, and the bad rows that were, in order; and columns that the first rows do not have."""

    frame: Frame
    places: int
    blank_lines: int = 0
    rejects: tuple[Reject, ...] = ()
    late: tuple[LateColumn, ...] = ()

    def row(self, row: int) -> int:
        """Which of the chunk's rows the frame's row `row` is."""
        return row_among(self.rejects, row)


def row_among(rejects: Sequence[Reject], row: int) -> int:
    """Which of a chunk's rows the row `row` of those that were not rejected is."""
    for reject in rejects:
        row += reject.row <= row
    return row


def load(size: int, values: int) -> int:
    """Bytes of memory that a chunk takes, about, from when it is read until what became of it is written."""
    return OF_BYTE * size + OF_VALUE * values


class Chunk(Protocol):
    """A piece of the input not yet normalized: self-contained, of bounded size, cut by the data alone."""

    @property
    def weight(self) -> int:
        """Its share of the reader's `size`."""

    @property
    def load(self) -> int:
        """Bytes of memory that it takes, about, until what became of it is written."""

    @property
    def content(self) -> bytes | None:
        """The text that it is, None where it is none."""

    @property
    def can_end_segment(self) -> bool:
        """Whether what follows may be measured apart from it: of text always, else where a row group or batch ends."""

    def decode(self, wanted: frozenset[str], infinite: Infinite, *, skip: bool = False) -> Decoded:
        """Its rows, the wanted columns as numbers. Raises BadRowError or BadPlaceError, for the first bad row; where
        the format has to look for it, it may say of an infinite value that it is one. With `skip`, bad rows of text
        are left out, those with an infinite value that is an error among them."""

    def survey(self, wanted: frozenset[str], *, skip: bool = False) -> Decoded:
        """Its rows, to be looked at and not to be written again: the wanted columns are numbers, or text where they
        hold anything else, too; all other text is what it means; what is missing is null. Raises as `decode`, but for
        no value of any column."""

    def locate(self, row: int) -> int:
        """The place in the chunk, from 0, of its row `row` (from 0; `Decoded.row` of one of the frame's)."""


class Reader(Protocol):
    """One input. `schema` is what can be known before all of it was read."""

    source: Source
    schema: Schema
    typed: bool  # whether the types are certain, or told from a sample
    size: int | None  # all chunks' weights together, where that is known
    unit: str  # of the weights: B or rows
    doubt: str  # what may be a mistake in how all of it is read; empty where nothing is
    hint: str  # at what may be wrong with how all of it is read, should its columns not be those that are wanted
    doubts: dict[str, str]  # columns that would be left out, and why that may be a mistake
    nearly: dict[str, str]  # columns whose values are numbers spelled in another way, and that they are left out
    notices: tuple[str, ...]  # what should be known of it even if nothing is wrong
    comments: int  # lines of text that are no rows but comments, so far
    early: int  # of those, and blank ones, how many were read before the first chunk
    indexes: frozenset[str]  # columns that are an index of the rows, which only their names select
    identifiers: frozenset[str]  # columns of text that are numbers, some with a zero before, which only -c takes
    others: dict[str, str]  # columns of text that are no numbers, and where the first value is that is none
    digests: tuple[str, ...]  # of the parameters that the data say they were normalized by, in order
    expected: frozenset[str]  # columns that have been expected, and may never come
    inferred: dict[str, Any]  # types of columns of text that are not normalized, going by a sample, where asked for
    start: int  # the place, from 0, where the first chunk begins

    def name(self, place: int) -> str:
        """What people call a place of the input."""

    def blank(self, wanted: frozenset[str]) -> Frame:
        """A frame of no rows, as chunks will give them."""

    def list_size(self, name: str) -> int:
        """How long the lists in a column are, going by the first. Raises BadDataError where there is none. Asked only
        of columns of lists."""

    def expect(self, names: Sequence[str]) -> None:
        """Has columns that the first rows do not have be there, as empty ones, where they may still come."""

    def chunks(self, needed: Sequence[str] | None = None) -> Iterator[Chunk]:
        """All of it, in order; once only, where the source can be read only once. A format that can leaves out
        columns that are not needed."""

    def close(self) -> None:
        """All chunks were had."""


class Outlet(Protocol):
    """Where bytes go; what file objects and `outputs.Target` have in common."""

    def write(self, data: bytes | memoryview, /) -> int: ...


class Sink(Protocol):
    """An output being written, in order. `close` completes it, and is called only when all went well: a writer that
    failed must not be closed, for that would publish a valid, short file."""

    def write(self, piece: Any) -> None: ...
    def close(self) -> None: ...


class Writer(Protocol):
    """One output: pieces are encoded in the workers, and written by a sink where it was opened."""

    def following(self, reader: Reader, blank: Frame) -> "Writer":
        """What encodes rows of another input, like `blank`, into the same output; its columns are in the same order.
        Raises BadDataError where a column is of a type that can't be there."""

    def encode(self, frame: Frame) -> Any: ...
    def open(self, file: Outlet) -> Sink: ...


class WriterClass(Protocol):
    """A format's `Writer`."""

    def for_input(self, reader: Reader, blank: Frame, options: Any, digests: tuple[str, ...]) -> Writer:
        """For output of the columns of `blank`, of data from `reader`; with `options`, or else in its manner.
        `digests` are those of the parameters by which the output will have been normalized."""

    def refused(self, blank: Frame) -> Schema:
        """The columns of `blank` that the format has no place for, going by their types."""


# -- which -------------------------------------------------------------------------------------------------------
def bare(name: str) -> str:
    """The format that a name like csv or csv.gz means, or would mean if there was such a format."""
    codec = compression.by_suffix(name)
    return name[: -len(codec.suffix)] if codec else name


def by_suffix(path: str | os.PathLike[str] | None) -> str | None:
    """The format whose suffix `path` has, before that of a compression."""
    name = bare(os.fsdecode(path).lower()) if path is not None else ""
    for format in registry.names("formats"):
        if name.endswith(signature(format).suffixes):
            return format
    return None


def of_source(source: Source, asked: str | None = None) -> str:
    """The format of an input: what is `asked` for, else its suffix's, else by its first bytes, which also tell binary
    ones from each other. Raises UsageError for a binary one that is compressed, BadDataError for what is of no
    format."""
    said, found = bare(asked) if asked else by_suffix(source.name), _by_magic(source)
    binary = found is not None and signature(found).binary
    if found and binary and said and not signature(said).binary:
        raise _other(source, asked, found, said, found)
    format = (found if binary else said or found) or TEXT
    if not binary:
        _foreign.check_input(source)
        magic, head = signature(format).magic, source.peek(_foreign.HEAD)
        if magic and head and not head.startswith(magic) and _foreign.is_text(head):
            raise _other(source, asked, "text", format, found or TEXT)
    if source.compression:
        _check_compressible(format, source.compression, source.name)
    return format


def _other(source: Source, asked: str | None, what: str, said: str, reading: str) -> BadDataError:
    where = "--from" if asked else "its name"
    return BadDataError(f"{source.name}: is {what}, and {where} says {said}", f"--from {reading} reads it")


def _by_magic(source: Source) -> str | None:
    head = source.peek(_foreign.HEAD)
    for format in registry.names("formats"):
        magic, opening = signature(format).magic, signature(format).opening
        if magic and head.startswith(magic) and (head == magic or _foreign.CONTROL.search(head)):
            return format  # and not text whose first column is called PAR1
        if opening and head.startswith(opening):
            return format
    return None


def check_output(asked: str | None, path: str | os.PathLike[str] | None) -> None:
    """Raises UsageError where nothing but the suffix says what an output is to be, and that means what is not
    written."""
    if asked is None and path is not None:
        there = [s for n in registry.names("formats") for s in signature(n).suffixes]
        _foreign.check_output(path, bare(os.fsdecode(path).lower()), there)


def of_output(asked: str | None, path: str | os.PathLike[str] | None, given: str) -> str:
    """The name, like csv or csv.gz, of what an output is: what was asked for, else its suffix's, else the format
    `given`; compressed where one of the first two is. Raises UsageError where a binary one would be."""
    name = os.fsdecode(path) if path is not None else ""
    format = bare(asked) if asked else by_suffix(path) or given
    codec = compression.by_suffix(asked or "") or compression.by_suffix(name)
    if codec:
        _check_compressible(format, codec.name, name or "--to")
    return format + (codec.suffix if codec else "")


def is_text(name: str) -> bool:
    """Whether csv, csv.gz or the like is text, which has no place for digests and types."""
    return not signature(bare(name)).binary


def is_binary(name: str) -> bool:
    """Whether csv, csv.gz or the like is nothing for a terminal."""
    return signature(bare(name)).binary or compression.by_suffix(name) is not None


def suffix_of(name: str) -> str:
    """How files of csv, csv.gz or the like are called."""
    codec = compression.by_suffix(name)
    return signature(bare(name)).suffixes[0] + (codec.suffix if codec else "")


def suffixes() -> list[str]:
    """All that files may have, those of compressed ones, too."""
    plain = [s for n in registry.names("formats") for s in signature(n).suffixes]
    return plain + [
        s + c.suffix
        for n in registry.names("formats")
        if not signature(n).binary
        for s in signature(n).suffixes
        for c in compression.CODECS
    ]


def _check_compressible(format: str, by: str, where: str) -> None:
    if signature(format).binary:
        what = f"{where}: {format} in {by}: only text is compressed as a whole"
        raise UsageError(what, f"--compression compresses within; {by} -dc makes an INPUT plain")


def writer(
    name: str, reader: Reader, blank: Frame, options: Any, digests: tuple[str, ...], *, first: Writer | None = None
) -> Writer:
    """For output that is csv, csv.gz or the like; the rest is as of `like`. With the writer of the `first` input, one
    that follows it in the same output."""
    format, codec = bare(name), compression.by_suffix(name)
    if reader.inferred and is_text(format):
        raise UsageError(f"types are inferred for Parquet or Arrow output, and this is {format}")
    plain = _translation(format, reader)
    blank = plain(blank) if plain else blank
    kind = record(format).writer
    made = first.following(reader, blank) if first else kind.for_input(reader, blank, options, digests)
    bounded = is_text(format) and blank.typed
    if plain or codec or bounded:
        from normcli.formats import _layers as layers

        made = layers.Translated(made, plain) if plain else made
        made = layers.Bounded(made, reader.source) if bounded else made
        made = layers.Compressed(made, codec) if codec else made
    return made


def refused(name: str, reader: Reader, blank: Frame) -> Schema:
    """The columns of `blank`, of data from `reader`, that csv, csv.gz or the like has no place for."""
    plain = _translation(bare(name), reader)
    return record(bare(name)).writer.refused(plain(blank) if plain else blank)


def _translation(format: str, reader: Reader) -> Callable[[Frame], Frame] | None:
    """What makes frames of a reader plain, where a format needs that."""
    return getattr(reader, "plain", None) if format != registry.name_of(reader) else None
