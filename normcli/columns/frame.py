"""Frame: the interface to decoded rows. Each implementation is a file here: `<name>_frame.py`."""

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
    """The layout of a frame that has been packed into bytes."""

    copies: ClassVar[bool]  # whether an unpacked frame shares no memory with the bytes

    @property
    def rows(self) -> int:
        """The number of rows."""

    def unpack(self, data: bytes) -> Frame:
        """The frame in these bytes."""


class Frame(Protocol):
    """Rows of named columns. Frames are immutable: methods return new ones, which share unchanged columns.

    Names are data: any text may be a name, and names are unique. Arguments called `wanted` are names of existing
    columns. A normalized column holds numbers or lists of numbers. A column of numbers parsed from text stays text if
    it contains words for missing values (NA); the format has verified that it contains no other words.
    """

    typed: ClassVar[bool]  # whether columns have the types of the data; else the data are text

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns, in order, including hidden ones."""

    @property
    def rows(self) -> int:
        """The number of rows."""

    # -- rows and columns
    def contiguous(self) -> Frame:
        """The same rows, each column in one piece of memory."""

    def slice(self, start: int, stop: int | None = None) -> Frame:
        """The rows from `start` up to `stop`, or the end, without a copy."""

    def filter(self, mask: NDArray[np.bool_]) -> Frame:
        """The rows where the mask (rows,) is true; the frame itself if that is all."""

    def take(self, wanted: Sequence[str], rows: Codes) -> Frame:
        """A few rows of the wanted columns, in the order of `rows`."""

    def select(self, wanted: Sequence[str]) -> Frame:
        """The wanted columns, in this order."""

    def gather(self, wanted: Mapping[str, tuple[Self, str]]) -> Frame:
        """Columns of several frames with the same number of rows: for each new name, a frame and the name of the column
        in it. The schema metadata are those of this frame."""

    def of(self, columns: Mapping[str, pl.Series]) -> Frame:
        """Other columns, of any number of rows, in a frame of this kind."""

    def with_texts(self, texts: Mapping[str, str | None]) -> Frame:
        """The frame with constant text columns (None: null) appended; existing columns of these names are removed."""

    # -- contents of columns
    def types(self, wanted: Sequence[str]) -> dict[str, str]:
        """The Arrow types of their values; for text, only those of the rows in this frame."""

    def numbers(self, name: str) -> Numbers:
        """(rows,) values of a column, NaN where missing. Raises BadRowError for the first list."""

    def ends(self, name: str) -> tuple[Any, ...]:
        """The least and the greatest value of a column of 64-bit integers, decimals or text of integers, the latter
        also beyond int64; None for an end without a value, () for any other column."""

    def texts(self, name: str) -> tuple[Codes, list[str | None]]:
        """Codes (rows,) and the distinct values of a column as text (None: null). An integer becomes its decimal text.
        Raises BadRowError for a column that is neither text nor integers."""

    def words(self, name: str, *, numbers: bool) -> Words | None:
        """The distinct values of a column that are not numbers, or all values as text if not `numbers`; None if there
        are none. Null is not a value."""

    def lists(self, name: str) -> pa.Array | None:
        """(rows,) a column of lists; None if it has another type."""

    def numbered(self, wanted: Sequence[str]) -> Frame:
        """The frame with words for missing values in its wanted columns replaced by null."""

    # -- new columns
    def put(self, values: Mapping[str, Array | Fixed], kinds: Mapping[str, str], names: Sequence[str]) -> Frame:
        """The columns `names`, new where there are `values` (rows,): floats of the types `kinds`, or Fixed. A missing
        value in an existing column of the same name stays as it is (null, NaN, a word); a NaN in place of a value
        becomes null. Raises BadRowError if a value does not fit its type."""

    def put_lists(self, name: str, lists: pa.Array) -> Frame:
        """The frame with a column replaced by `lists` (rows,)."""

    # -- hidden columns, which are not part of the data
    @property
    def hidden(self) -> tuple[str, ...]:
        """The names of the hidden columns."""

    @property
    def rest(self) -> pl.Series | None:
        """(rows,) bytes (or null) that a format needs to write the rows; None if it needs none."""

    def originals(self) -> Frame | None:
        """The columns added by `with_originals`; None if there are none."""

    def with_originals(self, texts: Self, wanted: Sequence[str]) -> Frame:
        """The frame with the original text of its wanted columns, taken from the same rows read as text; the frame
        itself if it is typed."""

    def without_originals(self) -> Frame:
        """The frame without the columns of `with_originals`."""

    # -- export
    def to_arrow(self, schema: pa.Schema | None = None) -> pa.RecordBatch:
        """One RecordBatch. For text with a schema, exactly of its types (words for missing values become null); a typed
        frame is returned as it is, including dictionaries."""

    def to_polars(self, moment: str = MOMENT) -> pl.DataFrame:
        """A polars DataFrame with the hidden columns; all types can be written as text. Timestamps in a time zone
        unknown to polars become text in the format `moment`. Raises BadRowError."""

    def textless(self, *, nested: bool) -> Schema:
        """The columns that can't be written as text; `nested`: lists, structs and maps can, as in JSON."""

    @property
    def is_parsed(self) -> bool:
        """Whether it holds the numbers and the fields of a text apart, and does so after it is packed and unpacked."""

    def stacked(self, below: Sequence[Frame], wanted: Sequence[str]) -> Frame:
        """The wanted columns of numbers, with those of other frames of its kind below them."""

    def pack(self, buffer: io.BytesIO) -> tuple[Packed, list[memoryview]]:
        """The layout and the bytes of the frame: pieces of memory, followed by what is written to the empty buffer."""


# -- functions of any frame --------------------------------------------------------------------------------------
def cut(frame: Frame, rows: int) -> tuple[Frame, Frame]:
    """The first `rows` rows and the rest, without a copy."""
    return frame.slice(0, rows), frame.slice(rows)


def ordered_as(frame: Frame, first: Frame) -> Frame:
    """The frame with its columns in the order of `first`, which has the same columns, then its hidden ones."""
    theirs = first.hidden
    return frame.select([*(n for n in first.names if n not in theirs), *frame.hidden])


def gathered(wanted: Mapping[str, tuple[Frame, str]]) -> Frame:
    """A frame of columns of several frames; the schema metadata are those of the first."""
    frame, _ = next(iter(wanted.values()))
    return frame.gather(wanted)


def with_texts(frame: Frame, texts: Sequence[tuple[str, str | None]]) -> Frame:
    """The frame with constant text columns (None: null) added, except for names that exist."""
    new: dict[str, str | None] = {}
    for name, text in texts:
        if name not in frame.names:
            new.setdefault(name, text)
    return frame.with_texts(new) if new else frame


def without_values(frame: Frame, names: Sequence[str]) -> Frame:
    """The frame with null columns of these names, in place of existing ones."""
    return frame.with_texts(dict.fromkeys(names)) if names else frame


def has_originals(frame: Frame) -> bool:
    """Whether the original values are available: numbers parsed from text do not preserve them."""
    return frame.typed or frame.originals() is not None
