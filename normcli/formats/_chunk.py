"""Pieces of an input, and the result of decoding them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from normcli.columns import Frame, Infinite

if TYPE_CHECKING:
    from xxhash import xxh3_128

OF_BYTE, OF_VALUE = 8, 64  # bytes of memory for each byte of a chunk, and each value in it: measured, as the most
PART = 1 << 18  # values that are decoded at once of a chunk of text, about, unless it has not twice as many


class Reject(Struct, frozen=True):
    """A bad row that was skipped: which of the chunk's rows (from 0), at what place in it, why, and its text."""

    row: int
    place: int
    reason: str
    raw: str


class LateColumn(Struct, frozen=True):
    """A column that the first rows do not have: the first of some rows that has it, and whether it holds numbers there,
    which null does not tell."""

    name: str
    row: int
    number: bool | None


class Decoded(Struct, frozen=True):
    """A chunk's rows, how many places (lines of text, rows of binary data) it spans, how many blank lines were
    skipped on the way, and the bad rows that were, in order; columns that the first rows do not have; and a hasher of
    the content, if it was hashed on the way."""

    frame: Frame
    places: int
    blank_lines: int = 0
    rejects: tuple[Reject, ...] = ()
    late: tuple[LateColumn, ...] = ()
    hasher: xxh3_128 | None = None

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

    def parts(self, delimiter: str | None = None) -> Iterator[Chunk]:
        """Its rows in chunks that take less memory at once: of text, of about PART values each, or fewer for `compact`
        with that delimiter; else itself."""

    def decode(self, wanted: frozenset[str], infinite: Infinite, *, skip: bool = False) -> Decoded:
        """Its rows, the wanted columns as numbers. Raises BadRowError or BadPlaceError, for the first bad row; where
        the format has to look for it, it may say of an infinite value that it is one. With `skip`, bad rows of text
        are left out, those with an infinite value that is an error among them."""

    def with_content(self, content: bytes) -> Chunk:
        """Such a chunk of other text; itself where it is none."""

    def compact(self, wanted: frozenset[str], infinite: Infinite, delimiter: str | None = None) -> Decoded | None:
        """As `decode`, in little more memory than the numbers take: to be measured, or with a delimiter, to be written
        between such ones. None where that can't be done, as where a row is bad."""

    def survey(self, wanted: frozenset[str], *, skip: bool = False) -> Decoded:
        """Its rows, to be looked at and not to be written again: the wanted columns are numbers, or text where they
        hold anything else, too; all other text is what it means; what is missing is null. Raises as `decode`, but for
        no value of any column."""

    def locate(self, row: int) -> int:
        """The place in the chunk, from 0, of its row `row` (from 0; `Decoded.row` of one of the frame's)."""
