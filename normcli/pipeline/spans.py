"""Spans: inputs, and segments of large ones, as tasks for the workers of a cluster, and what these report of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from normcli.engines import Share
from normcli.errors import BadPlaceError, NormcliError
from normcli.formats import Address, Description, Reader
from normcli.io.parts import PartFile
from normcli.pipeline.work import Result

if TYPE_CHECKING:
    from normcli.formats._text.ranges import Scan
    from normcli.io.inputs import Input
    from normcli.io.sources import Source

Changes = Description | Mapping[str, Any]  # what differs from the first input's description, or another kind of one
Stretch = tuple[int, int]  # from one byte of text to another


class Opening(Protocol):
    """How workers open inputs."""

    @property
    def worker(self) -> Callable[[], str]:
        """Returns what messages call the worker that calls it."""

    def source(self, span: Span, share: Share) -> Source:
        """Raises NormcliError."""

    def reader(self, source: Source) -> Reader:
        """Raises NormcliError."""


class Span(Struct, frozen=True):
    """An input, or a segment of one: where workers find it, and the file that its rows go to, if there is one of its
    own. Paths are absolute, for workers are in other directories."""

    input: Input
    path: str
    target: str | None = None
    shown: str = ""  # the target, in messages
    load: int = 0  # bytes to be read, compressed where they are; 0 where that is unknown
    version: tuple[object, ...] = ()  # of the input, if it was opened before
    changes: Changes | None = None  # of its description, if it was opened before
    address: Address | None = None  # of the segment; None: all of the input
    stretch: Stretch | None = None  # to scan, and to measure as a segment if it is likely one

    @property
    def name(self) -> str:
        return self.input.name


class SpanResult(Struct, frozen=True):
    """The report of a worker on a span: the results of its chunks, without rows, up to the first error, if any. An
    input that is to be read in segments has only been opened."""

    results: tuple[Result, ...] = ()
    changes: Changes | None = None  # of an input
    version: tuple[object, ...] = ()
    comments: int = 0  # lines
    count: int = 0  # bytes read
    error: NormcliError | None = None
    worker: str = ""  # that can't read the input, as its error says
    empty: bool = False  # the input is empty, and was not named itself
    doubt: str = ""  # what should be known of its output
    watch: Any = None  # the state of its watch, as plain values
    file: PartFile | None = None  # what was written of it
    segments: tuple[Address, ...] = ()  # that the input is to be read in
    stretches: tuple[Stretch, ...] = ()  # that it is to be scanned in first
    scans: tuple[Scan, ...] = ()  # of a stretch
    likely: Address | None = None  # of the segment that was measured, but for its place
    fault: BadPlaceError | None = None  # in it, after the results; the driver knows where the segment is

    @property
    def is_cut(self) -> bool:
        """Whether segments of the input are to follow."""
        return bool(self.segments or self.stretches)


class SpanLimits(Struct, frozen=True):
    """What a span may take at most, wherever it is worked on."""

    rejects: int  # rows skipped; where there are more, the run fails, and no more is read
    threads: int | None = None
    max_memory: int | None = None  # bytes

    def within(self, share: Share) -> Share:
        """A share that is no larger."""
        threads = min(share.threads, self.threads or share.threads)
        sizes = [n for n in (share.max_memory, self.max_memory) if n is not None]
        return replace(share, threads=threads, max_memory=min(sizes, default=None))


def changes_from(first: Description, other: Description) -> Changes:
    """The fields in which a description differs from the first: 100,000 files mostly have the same columns."""
    if type(other) is not type(first):
        return other
    return {n: getattr(other, n) for n in first.__struct_fields__ if getattr(other, n) != getattr(first, n)}


def changed(changes: Changes, first: Description) -> Description:
    """The description that has these changes."""
    return changes if isinstance(changes, Description) else replace(first, **changes)
