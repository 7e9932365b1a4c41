"""The work on one chunk, and its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import lcm
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from normcli import columns
from normcli.columns import Frame, Infinite
from normcli.errors import BadPlaceError, BadRowError
from normcli.formats import Chunk, Decoded, LateColumn, Reject, Writer
from normcli.parameters import FrameTransform, Measured, Parameters, measure, raise_first
from normcli.parameters.matrices import map_frames
from normcli.parameters.measuring import blocks_of, categories_of
from normcli.pipeline import decoding, learning
from normcli.pipeline.spool import Piece, Spool, SpoolChunk, Stored, keep, keep_parsed, keep_text

if TYPE_CHECKING:
    from xxhash import xxh3_128

    from normcli.parameters.folding import Subtotal
    from normcli.parameters.restoring import Doubt
    from normcli.pipeline.profile import ProfileState
    from normcli.pipeline.rebatch import Segment


class Result(Struct, frozen=True):
    """What a worker made of one chunk; never its rows, unless encoded."""

    part: int = 0  # the number of the input
    last: bool = False  # that input has ended, and this is all
    rows: int = 0
    weight: int = 0
    places: int = 0
    blank_lines: int = 0
    incomplete: int = 0
    clips: int = 0  # output values that were held within limits
    fills: int = 0  # and missing ones that were filled
    rejects: tuple[Reject, ...] = ()
    late: tuple[LateColumn, ...] = ()  # that the first rows do not have, each with a place in the chunk
    measured: Measured | None = None
    counted: int = 0  # rows that were measured whose weight is not 0
    subtotal: Subtotal | None = None  # what was measured of these rows and those before them, where that is one
    can_end_segment: bool = False  # what was measured is of a chunk after which a segment may end
    types: tuple[str, ...] = ()
    digest: bytes = b""  # of what was counted
    fingerprint: bytes = b""  # of what was read, where nothing else tells whether it is the same when it is read again
    inexact: tuple[str, ...] = ()  # columns with integers that a float can't represent exactly
    doubts: Mapping[str, Doubt] = field(default_factory=dict)  # of columns that were restored
    pieces: tuple[Any, ...] = ()  # encoded, or kept in a spool
    segment: Segment | None = None  # the rows themselves, on their way to be cut into whole batches
    profile: ProfileState | None = None  # of the columns that are described

    @classmethod
    def of(cls, chunk: Chunk, decoded: Decoded, inexact: tuple[str, ...]) -> Self:
        """The counts of a chunk, for any kind of work."""
        return cls(
            rows=decoded.frame.rows,
            weight=chunk.weight,
            can_end_segment=chunk.can_end_segment,
            places=decoded.places,
            blank_lines=decoded.blank_lines,
            rejects=decoded.rejects,
            late=tuple(replace(c, row=chunk.locate(decoded.row(c.row))) for c in decoded.late),
            inexact=inexact,
        )


class Work(Struct, frozen=True):
    """One chunk's whole way through a worker: decode, then transform and encode where there is a `writer`, then measure
    where it is said by which parameters. fit measures to learn, check to compare, apply writes, apply --check does
    both."""

    wanted: frozenset[str]
    infinite: Infinite = "error"
    skip: bool = False  # bad rows of text are left out, and reported
    keep: tuple[str, ...] | None = None  # the columns that are written, in order; None: all
    keys: tuple[tuple[str, str | None], ...] = ()  # columns of one text each, that are written too
    beside: tuple[tuple[str, str | None], ...] = ()  # those that may be taken as texts
    plain: Callable[[Frame], Frame] | None = None  # makes texts of a frame what they mean, where they are spelled apart
    transform: FrameTransform | None = None  # what is made of rows that are written
    writer: Writer | None = None
    measuring: Parameters | None = None  # by which rows are measured
    counts: bool = False  # the states are learned from, so types and digests are needed, too
    absent: tuple[str, ...] = ()  # columns of which there are no numbers: all of them are missing
    fingerprints: bool = False  # data in memory are read again
    spool: Spool | None = None  # where what was measured is kept, to be normalized later
    position: int = 0  # of the chunk in its segment: sketches of the first are finer

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns that are taken as texts: those that rows are grouped by, and categories."""
        grouped = self.transform.parameters.by if self.transform else ()
        return tuple(dict.fromkeys((*grouped, *(self.measuring.texts if self.measuring else ()))))

    @property
    def multiple(self) -> int:
        """Rows to a whole batch; 1 where chunks are worked on as they come."""
        written = self.transform.parameters.multiple if self.transform else 1
        return lcm(written, self.measuring.unfitted_multiple if self.measuring else 1)

    @property
    def in_parts(self) -> bool:
        """Whether the parts of a chunk may be worked on by themselves: what is measured is of whole ones, and binary
        data are written as they come."""
        return self.measuring is None and self.writer is not None and self.writer.in_parts

    @property
    def copied(self) -> str | None:
        """The delimiter of text that can be written as it stands but for the numbers; None where none is."""
        transform = self.transform
        if self.writer is None or transform is None or self.multiple > 1 or self.text_columns:
            return None
        return None if self.keys or self.spool or not transform.puts_floats else self.writer.delimiter

    @property
    def apart(self) -> tuple[Work, Work | None]:
        """What is written, and what is measured by itself: where that runs on in batches from input to input."""
        if self.measuring is None or self.measuring.unfitted_multiple == 1:
            return self, None
        return replace(self, measuring=None), replace(self, transform=None, writer=None)

    def __call__(self, chunk: Chunk) -> Result:
        decoded = None
        try:
            with np.errstate(all="ignore"):
                decoded, spooled = self._decode(chunk)
                decoded = self._with_originals(chunk, decoded)
                result = Result.of(chunk, decoded, columns.inexact(decoded.frame, sorted(self.wanted)))
                if self.absent:
                    decoded = replace(decoded, frame=columns.without_values(decoded.frame, self.absent))
                if self.counts and self.measuring:
                    result = self._described(self.measuring, result, chunk, decoded)
                    result = replace(result, pieces=(spooled,) if spooled else ())
                if self.fingerprints and self.measuring:
                    from normcli.pipeline.fingerprints import fingerprint

                    texts = self._texts(decoded.frame)
                    result = replace(result, fingerprint=fingerprint(self.measuring, decoded.frame, texts))
                if self.multiple > 1:
                    from normcli.pipeline.rebatch import Segment

                    return replace(result, segment=Segment(0, 0, chunk, decoded.rejects, decoded.frame))
                return self._done(result, [self], [decoded.frame], chunk.content, decoded.hasher)
        except BadRowError as e:
            row = decoded.row(e.row) if decoded else e.row
            raise BadPlaceError(chunk.locate(row), decoding.in_words(chunk, row, e), e.hint) from None

    def _decode(self, chunk: Chunk) -> tuple[Decoded, Stored | None]:
        """Its rows, of those that are measured alone but numbers and keys; and where the spool has them."""
        if self.transform is None and self.multiple == 1:
            if self.spool and self.spool.delimiter and not self.text_columns:
                compact = chunk.compact(self.wanted, self.infinite, self.spool.delimiter)
                if compact:
                    return compact, self._keep_text(self.spool, chunk, compact.frame)
            keep = self._keep if self.spool else None
            return self._spooled(
                chunk, *decoding.decode(chunk, self.wanted, self.text_columns, self.infinite, skip=self.skip, keep=keep)
            )
        compact = chunk.compact(self.wanted, self.infinite, self.copied) if self.copied else None
        decoded = compact or chunk.decode(self.wanted, self.infinite, skip=self.skip)
        return self._spooled(chunk, decoded, [self._keep(chunk, decoded)] if self.spool else [])

    def _spooled(self, chunk: Chunk, decoded: Decoded, pieces: list[Piece]) -> tuple[Decoded, Stored | None]:
        return decoded, SpoolChunk(self.spool, tuple(pieces), chunk.can_end_segment) if self.spool else None

    def _keep(self, chunk: Chunk, decoded: Decoded) -> Piece:
        assert self.measuring is not None
        assert self.spool is not None
        decoded = replace(decoded, frame=decoded.frame.without_originals().contiguous())
        return keep(self.spool, self._to_normalize(self.measuring, chunk, decoded))

    def _keep_text(self, spool: Spool, chunk: Chunk, frame: Frame) -> Stored:
        assert self.measuring is not None
        if self.wanted.symmetric_difference(self.measuring.lineage.needs):  # a column of weights is copied as it stands
            return keep_text(spool, chunk, frame.rows)
        return keep_parsed(spool, chunk, frame)

    def _with_originals(self, chunk: Chunk, decoded: Decoded) -> Decoded:
        """And what stood there, where it comes out beside the numbers; nor else, though a spool may have it."""
        frame = decoded.frame
        if self.transform is None or not self.transform.form.texts:
            return replace(decoded, frame=frame.without_originals())
        if columns.has_originals(frame):
            return decoded
        texts = self._texts_of(chunk, decoded, frozenset())
        return replace(decoded, frame=frame.with_originals(texts, self.transform.needs()))

    def _texts_of(self, chunk: Chunk, decoded: Decoded, wanted: frozenset[str]) -> Frame:
        """What stood in the columns of text of the same rows: decoded once more, with other columns as numbers."""
        texts = chunk.decode(wanted, self.infinite, skip=bool(decoded.rejects))
        good = np.ones(decoded.frame.rows + len(decoded.rejects), np.bool_)
        good[[r.row for r in decoded.rejects]] = False
        present = np.ones(len(good), np.bool_)
        present[[r.row for r in texts.rejects]] = False
        return texts.frame.filter(good[present])

    def _texts(self, frame: Frame) -> Frame:
        """The columns that are taken as texts, as all formats have them."""
        if not self.text_columns:
            return frame
        texts = columns.with_texts(frame, self.beside)
        spelled = [n for n in self.text_columns if n in frame.names] if self.plain else []
        if self.plain is None or not spelled:
            return texts
        plain = self.plain(frame.select(spelled))
        return columns.gathered({n: (plain if n in spelled else texts, n) for n in self.text_columns})

    def together(self, segments: Sequence[Segment], works: Sequence[Work]) -> Result:
        """What is made of rows that were decoded before, each segment's of the work of its own part."""
        try:
            with np.errstate(all="ignore"):
                return self._done(Result(segments[-1].part), works, [s.frame for s in segments])
        except BadRowError as e:
            at = segments[e.frame]
            fault = BadPlaceError(at.locate(e.row), decoding.in_words(at.chunk, at.row(e.row), e), e.hint)
            fault.part, fault.start = at.part, at.place
            raise fault from None

    def _described(self, measuring: Parameters, result: Result, chunk: Chunk, decoded: Decoded) -> Result:
        """The result with the types and the digest of a chunk, before it is measured."""
        frame, content = decoded.frame, chunk.content
        types = tuple(frame.types(measuring.needs()).values())
        digest = b""
        if self.multiple > 1:  # else it is of what was measured
            blocks = blocks_of(measuring, [frame], self.infinite) if content is None else ()
            categories = categories_of(measuring, [self._texts(frame)]) if content is None else ()
            digest = learning.digest(content, blocks, categories=categories)
        return replace(result, types=types, digest=digest)

    def _to_normalize(self, measuring: Parameters, chunk: Chunk, decoded: Decoded) -> Frame:
        """A frame as apply would have it: weights are numbers for the fit alone, and originals may be copied."""
        frame, weights = decoded.frame, measuring.weights
        copies = self.spool is not None and self.spool.texts
        if columns.has_originals(frame) or not (copies or weights is not None):
            return frame
        texts = self._texts_of(chunk, decoded, frozenset() if copies else self.wanted - {weights})
        if weights is not None:
            frame = columns.gathered({n: (texts if n == weights else frame, n) for n in frame.names})
        return frame.with_originals(texts, measuring.needs()) if copies else frame

    def _done(
        self, result: Result, works: Sequence[Work], frames: Sequence[Frame], content: bytes | None = None,
        hasher: xxh3_128 | None = None,
    ) -> Result:  # fmt: skip
        texts = [work._texts(frame) for work, frame in zip(works, frames, strict=True)]
        measuring = (
            partial(measure, self.measuring, frames, self.infinite, texts=texts, position=self.position)
            if self.measuring
            else None
        )
        if self.transform:
            try:
                transformed = self.transform.transform(frames, self.infinite, texts=texts)
            except BadRowError as e:
                raise_first(e, [measuring] if measuring else [])
            pairs = list(zip(works, transformed.frames, strict=True))
            result = replace(
                result, incomplete=transformed.incomplete, clips=transformed.clips, fills=transformed.fills,
                doubts=transformed.doubts, pieces=tuple(map_frames(pairs, lambda pair: pair[0].encoded(pair[1]))),
            )  # fmt: skip
        if measuring:
            measured = measuring()
            if not self.transform:
                result = replace(result, incomplete=measured.incomplete)
            if self.counts and self.multiple == 1:
                beside = self.beside if self.text_columns else ()
                digest = learning.digest(content, measured.blocks, measured.keyed, beside, hasher, measured.categories)
                result = replace(result, digest=digest)
            result = replace(result, measured=replace(measured, blocks=[]), counted=measured.rows)
        return result

    def encoded(self, frame: Frame) -> Any:
        """The encoded output of a normalized frame."""
        assert self.writer is not None
        frame = columns.with_texts(frame, self.keys)
        return self.writer.encode(frame if self.keep is None else frame.select(self.keep))


def written_by(
    writer: Writer, blank: Frame, transform: FrameTransform, *, infinite: Infinite = "error", skip: bool = False
) -> Work:
    """The work of transforming rows into an output like `blank`."""
    wanted = frozenset(transform.needs())
    return Work(wanted, infinite, skip, keep=blank.names, transform=transform, writer=writer)
