"""Frame: decoded rows, in whatever holds them. There is a file here for each kind: `<name>_frame.py`."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from normcli.blocks.record import Array, Codes

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from normcli.columns.fixed import Fixed
    from normcli.columns.schema import Schema
    from normcli.columns.words import Words

Numbers = NDArray[Any]  # of any type that float64 can hold
MOMENT = "%Y-%m-%d %H:%M:%S%f%:z"  # %f: as many digits as the unit has


class Packed(Protocol):
    """What the bytes of a frame are, which it has been packed into."""

    copies: ClassVar[bool]  # whether an unpacked frame has nothing left in the bytes that it comes from

    @property
    def rows(self) -> int:
        """How many the frame has."""

    def unpack(self, data: bytes) -> Frame:
        """The frame again."""


class Frame(Protocol):
    """Rows of named columns. It is never changed: another one is made, which shares what stays as it is.

    Names are data: any text may be one, and there is none twice. Arguments called `wanted` are names of columns that
    are there. A column that is normalized holds numbers or lists of them; where numbers come from text, it is text as
    long as it holds words that mean missing (NA), and the format has made sure that nothing else is in it.
    """

    typed: ClassVar[bool]  # whether columns have the types of the data; else these are text, whatever was read of it

    @property
    def names(self) -> tuple[str, ...]:
        """All that columns are called, in order, with the hidden ones."""

    @property
    def rows(self) -> int:
        """How many there are."""

    # -- rows and columns
    def contiguous(self) -> Self:
        """The same rows, each column in one piece of memory."""

    def slice(self, start: int, stop: int | None = None) -> Self:
        """The rows from `start` up to `stop`, or the end, without a copy."""

    def filter(self, mask: NDArray[np.bool_]) -> Self:
        """The rows where the mask (rows,) is true; itself where that is all."""

    def take(self, wanted: Sequence[str], rows: Codes) -> Self:
        """Few rows of the wanted columns, in the order given."""

    def select(self, wanted: Sequence[str]) -> Self:
        """The wanted columns alone, in this order."""

    def gather(self, wanted: Mapping[str, tuple[Self, str]]) -> Self:
        """Columns out of several frames of as many rows: each by its name, the frame that it is from, and what it is
        called there. What is said of the table is what this frame says."""

    def of(self, columns: Mapping[str, pl.Series]) -> Self:
        """Other columns, of any number of rows, in a frame of this kind."""

    def with_texts(self, texts: Mapping[str, str | None]) -> Self:
        """The frame with columns of one text each (None: null) behind the others, none of which stays that is called
        so."""

    # -- what columns hold
    def types(self, wanted: Sequence[str]) -> dict[str, str]:
        """What their values are, as Arrow calls it: of text, that is known of all of it only when all was read."""

    def numbers(self, name: str) -> Numbers:
        """(rows,) a column, NaN where it is missing. Raises BadRowError at the first list."""

    def ends(self, name: str) -> tuple[Any, ...]:
        """The least and the greatest number of a column of 64-bit integers or of decimals, and what is farther out;
        None where there is none, () of another column. Text that is whole numbers is such a column."""

    def texts(self, name: str) -> tuple[Codes, list[str | None]]:
        """(rows,) which of the values each row has, and the values of a column as texts (None: null), each once. A
        whole number is its decimal text. Raises BadRowError for what is neither text nor a whole number."""

    def words(self, name: str, *, numbers: bool) -> Words | None:
        """The values of a column that are no numbers, or as texts all of it unless its `numbers` count as such; None
        where there are none of them. What is null is no value."""

    def lists(self, name: str) -> pa.Array | None:
        """(rows,) a column of lists, None where it is of anything else."""

    def numbered(self, wanted: Sequence[str]) -> Self:
        """The frame with nothing but numbers and null in its wanted columns, where words that mean missing were."""

    # -- new columns
    def put(self, values: Mapping[str, Array | Fixed], kinds: Mapping[str, str], names: Sequence[str]) -> Self:
        """The columns called `names`, new ones where there are `values` (rows,), of floats of the types `kinds` or of
        what Fixed says. What was missing in a column of the same name stays what it was (null, NaN, a word); a NaN
        where a value was becomes null. Raises BadRowError where a value does not fit its type."""

    def put_lists(self, name: str, lists: pa.Array) -> Self:
        """The frame with `lists` (rows,) in the place of a column."""

    # -- hidden columns, which are none of the data's
    @property
    def hidden(self) -> tuple[str, ...]:
        """What hidden columns are called."""

    @property
    def rest(self) -> pl.Series | None:
        """(rows,) what a format needs to write the rows again, if anything: bytes, or null."""

    def originals(self) -> Self | None:
        """The columns of `with_originals`, if there are some."""

    def with_originals(self, texts: Self, wanted: Sequence[str]) -> Self:
        """The frame with what stood in its wanted columns, from the same rows read as text; itself where it is typed,
        and tells."""

    def without_originals(self) -> Self:
        """The frame without them."""

    # -- on the way out
    def to_arrow(self, schema: pa.Schema | None = None) -> pa.RecordBatch:
        """As one RecordBatch: of text, with a schema, of exactly its types (a word that means missing becomes null);
        what is typed remains what it is, dictionaries too."""

    def to_polars(self, moment: str = MOMENT) -> pl.DataFrame:
        """As polars has it, with the hidden columns; all types have a text. Moments in a zone that polars does not
        have become text, in the form given. Raises BadRowError."""

    def textless(self, *, nested: bool) -> Schema:
        """The columns that no text can be made of; `nested`: of lists, structs and maps it can, as in JSON."""

    def pack(self, buffer: io.BytesIO) -> tuple[Packed, list[memoryview]]:
        """What it is packed into, and its bytes: pieces of memory, then what is put into an empty buffer."""


# -- what all kinds can, by what each can ------------------------------------------------------------------------
def cut(frame: Frame, rows: int) -> tuple[Frame, Frame]:
    """Its first rows and the others, without a copy."""
    return frame.slice(0, rows), frame.slice(rows)


def ordered_as(frame: Frame, first: Frame) -> Frame:
    """The frame with its columns in the order of another one that has the same, then its own hidden ones."""
    theirs = first.hidden
    return frame.select([*(n for n in first.names if n not in theirs), *frame.hidden])


def gathered(wanted: Mapping[str, tuple[Frame, str]]) -> Frame:
    """A frame of columns out of several frames; what is said of the table is what the first says."""
    frame, _ = next(iter(wanted.values()))
    return frame.gather(wanted)


def with_texts(frame: Frame, texts: Sequence[tuple[str, str | None]]) -> Frame:
    """The frame with more columns, of one text each (None: null), where there is none of that name."""
    new: dict[str, str | None] = {}
    for name, text in texts:
        if name not in frame.names:
            new.setdefault(name, text)
    return frame.with_texts(new) if new else frame


def without_values(frame: Frame, gone: Sequence[str]) -> Frame:
    """The frame with nothing but null in columns of these names, which need not be there."""
    return frame.with_texts(dict.fromkeys(gone)) if gone else frame


def has_originals(frame: Frame) -> bool:
    """Whether what stood in a frame's columns can be had from it: of text, the numbers do not tell."""
    return frame.typed or frame.originals() is not None
