"""Description of an input, known before its rows are read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from msgspec import Struct, field
from msgspec.structs import replace

if TYPE_CHECKING:
    from normcli.columns import Frame, Schema


class Description(Struct, frozen=True, kw_only=True):
    """An input as whoever plans a run has to know it, apart from the reader that has it open; it can be pickled. What
    becomes known later makes another description. Columns are called by their names."""

    format: str
    name: str  # what messages call the input
    schema: Schema  # the columns, as far as they can be known before all of it was read
    keys: tuple[tuple[str, str | None], ...] = ()  # columns of one text each, or null, that its directories give
    room: int | None = None  # bytes of memory that its data may take at once
    typed: bool = False  # whether the types are certain, not inferred from a sample
    unit: Literal["B", "rows"] = "B"  # of the weights of chunks
    size: int | None = None  # all chunks' weights together, where that is known
    start: int = 0  # the place, from 0, where the first chunk begins
    by_line: bool = False  # whether a place is a line; else it is a row
    first_byte: int | None = None  # of the first row, in text that can be read from any row on; else None
    block_size: int | None = None  # bytes of text, or rows, to a chunk; None: as the format has it
    early: int = 0  # lines before the first chunk that are blank or comments
    doubt: str = ""  # what may be a mistake in how all of it is read
    hint: str = ""  # at what may be wrong with how it is read, should it not have the columns that are wanted
    notices: tuple[str, ...] = ()  # what should be known of it even if nothing is wrong
    doubts: Mapping[str, str] = field(default_factory=dict)  # columns left out, and why that may be a mistake
    unread_numbers: Mapping[str, str] = field(default_factory=dict)  # those of numbers in another notation, likewise
    not_numbers: Mapping[str, str] = field(default_factory=dict)  # columns of text, and where the first other value is
    identifiers: frozenset[str] = frozenset()  # columns of numbers with zeros before them, which only -c takes
    indexes: frozenset[str] = frozenset()  # columns that are an index of the rows, which only their names select
    expected: frozenset[str] = frozenset()  # columns that the first rows do not have, and that may never come
    inferred: Mapping[str, Any] = field(default_factory=dict)  # types of columns of text that are not normalized
    digests: tuple[str, ...] = ()  # of the parameters that the data are marked as normalized by, in order

    def place(self, place: int) -> str:
        """What people call a place of the input, counted from 0."""
        return f"{self.name}:{place + 1}" if self.by_line else f"{self.name}: row {place + 1}"

    def blank(self, wanted: frozenset[str]) -> Frame:
        """A frame of no rows, as chunks will give them, with the wanted columns as numbers."""
        raise NotImplementedError

    @property
    def delimiter(self) -> str | None:
        """What stands between fields of text."""
        return None

    @property
    def to_plain(self) -> Callable[[Frame], Frame] | None:
        """What makes frames of the input such as other formats write; None where they are."""
        return None

    def expecting(self, names: Sequence[str]) -> Self:
        """With columns that the first rows do not have, as empty ones, where they may still come."""
        return self

    def with_texts(self, names: Collection[str]) -> Self:
        """With columns as text, regardless of the first rows."""
        types = {n: t for n, t in self.inferred.items() if n not in names}
        return replace(self, inferred=types) if len(types) < len(self.inferred) else self

    def typed_as(self, other: Description) -> Self:
        """With the types of another input for what both have inferred."""
        return replace(self, inferred={n: other.inferred.get(n, t) for n, t in self.inferred.items()})
