"""Outputs: writers of formats, and what stands around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from normcli.columns.schema import Field
from normcli.errors import UsageError
from normcli.formats._format import bare, record, signature
from normcli.io import compression

if TYPE_CHECKING:
    from normcli.columns import Frame, Schema
    from normcli.formats._description import Description


class Outlet(Protocol):
    """Where bytes go; what file objects and `outputs.Target` have in common."""

    def write(self, data: bytes | memoryview, /) -> int: ...


class Sink(Protocol):
    """An output being written, in order. `close` completes it, and is called only when all went well: a writer that
    failed must not be closed, for that would publish a valid, short file."""

    def write(self, piece: Any) -> None: ...
    def close(self) -> None: ...


class Grouping(Protocol):
    """How pieces of an output are put together, where a sink takes several as one."""

    def share(self, piece: Any) -> float:
        """How much of a whole group a piece makes: what makes 1 is one. Pieces are not cut."""

    def load(self, pieces: Sequence[Any]) -> int:
        """Bytes of memory that they take, about, until they are written."""

    def encode(self, pieces: Sequence[Any]) -> Any:
        """They as a sink takes them. Raises BadDataError."""


class Writer(Protocol):
    """One output: pieces are encoded in the workers, and written by a sink where it was opened."""

    @property
    def grouping(self) -> Grouping | None:
        """What the workers do with pieces before the sink has them; None: each is written as it is."""

    @property
    def in_parts(self) -> bool:
        """Whether pieces of fewer rows make the same bytes: of text."""

    @property
    def delimiter(self) -> str | None:
        """What stands between fields of text, if those of an input with the same can be copied as they stand."""

    def following(self, description: Description, blank: Frame) -> Writer:
        """What encodes rows of another input, like `blank`, into the same output; its columns are in the same order.
        Raises BadDataError where a column is of a type that can't be there."""

    def encode(self, frame: Frame) -> Any: ...
    def open(self, file: Outlet) -> Sink: ...


class WriterClass(Protocol):
    """A format's `Writer`."""

    def for_input(self, description: Description, blank: Frame, options: Any, digests: tuple[str, ...]) -> Writer:
        """For output of the columns of `blank`, of data of that description; with `options`, or else in its manner.
        `digests` are those of the parameters by which the output will have been normalized."""

    def refused(self, blank: Frame) -> Schema:
        """The columns of `blank` that the format has no place for, going by their types."""


def writer(
    name: str,
    description: Description,
    blank: Frame,
    options: Any,
    digests: tuple[str, ...],
    *,
    first: Writer | None = None,
) -> Writer:
    """For output that is csv, csv.gz or the like; the rest is as of `WriterClass.for_input`. With the writer of the
    `first` input, one that follows it in the same output."""
    format, codec = bare(name), compression.by_suffix(name)
    if description.inferred and not signature(format).binary:
        raise UsageError(f"types are inferred for Parquet or Arrow output, and this is {format}")
    plain = _translation(format, description)
    blank = plain(blank) if plain else blank
    kind = record(format).writer
    writer = first.following(description, blank) if first else kind.for_input(description, blank, options, digests)
    bounded = not signature(format).binary and blank.typed
    if plain or codec or bounded:
        from normcli.formats import _layers as layers
        from normcli.formats._binary.sizes import Limit

        writer = layers.Translated(writer, plain) if plain else writer
        writer = layers.Bounded(writer, Limit.of(description)) if bounded else writer
        writer = layers.Compressed(writer, codec) if codec else writer
    return writer


def refused(name: str, description: Description, blank: Frame) -> Schema:
    """The columns of `blank`, of data of that description, that csv, csv.gz or the like has no place for."""
    opaque = tuple(f for f in (Field(n, t) for n, t in blank.types(blank.names).items()) if f.is_opaque)
    blank = blank.select([n for n in blank.names if n not in {f.name for f in opaque}]) if opaque else blank
    plain = _translation(bare(name), description)
    return (*opaque, *record(bare(name)).writer.refused(plain(blank) if plain else blank))


def _translation(format: str, description: Description) -> Callable[[Frame], Frame] | None:
    """What makes frames of an input plain, where a format needs that."""
    return description.to_plain if format != description.format else None
