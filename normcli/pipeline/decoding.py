"""Chunks decoded part by part: of rows that are measured and not written, only numbers and keys are held at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from itertools import chain
from typing import TypeVar

import numpy as np
from msgspec.structs import replace

from normcli import columns
from normcli.columns import Frame, Infinite
from normcli.errors import BadPlaceError, BadRowError, InfiniteValueError, infinite_value
from normcli.formats import Chunk, Decoded, LateColumn, Reject

P = TypeVar("P")


def decode(
    chunk: Chunk, wanted: frozenset[str], beside: Collection[str], infinite: Infinite, *, skip: bool = False,
    keep: Callable[[Chunk, Decoded], P] | None = None,
) -> tuple[Decoded, list[P]]:  # fmt: skip
    """The wanted columns of a chunk as the numbers of `Chunk.decode`, and those `beside` unchanged: compact, or part by
    part; the whole result of `Chunk.decode` where there is one part, or a part alone is ambiguous. Also the result of
    `keep` for each part. Raises as `Chunk.decode`."""
    if not beside and keep is None and (compact := chunk.compact(wanted, infinite)):
        return compact, []
    parts = chunk.parts()
    first, second = next(parts, chunk), next(parts, None)
    done, results = list[Decoded](), list[P]()
    if second is not None:
        with suppress(BadPlaceError, BadRowError):  # the first one in the chunk is reported below
            for part in chain((first, second), parts):
                decoded = part.decode(wanted, infinite, skip=skip)
                frame = columns.numeric(decoded.frame, wanted, beside)
                if frame is None:
                    break
                results += [keep(part, decoded)] if keep else []
                done.append(replace(decoded, frame=frame))
            else:
                joint = columns.stacked([decoded.frame for decoded in done], wanted)
                if joint is not None:
                    return _joined(done, joint), results
        done.clear()
    decoded = chunk.decode(wanted, infinite, skip=skip)
    return decoded, [keep(chunk, decoded)] if keep else []


def in_words(chunk: Chunk, row: int, error: BadRowError) -> str:
    """What is wrong with a row of a chunk; of an infinite value in text with how it is spelled, which its number no
    longer says."""
    if not isinstance(error, InfiniteValueError) or chunk.content is None:
        return error.what
    with suppress(BadPlaceError, BadRowError):
        frame = chunk.decode(frozenset(), "missing").frame
        if error.column in frame.names:
            codes, values = frame.take([error.column], np.array([row])).texts(error.column)
            return infinite_value(error.column, values[int(codes[0])] or "")
    return error.what


def _joined(parts: Sequence[Decoded], frame: Frame) -> Decoded:
    """What follows each other, of these rows."""
    rejects, late = list[Reject](), dict[str, LateColumn]()
    rows = places = blank_lines = 0
    for part in parts:
        before_it = len(rejects) + rows
        rejects += (replace(r, row=r.row + before_it, place=r.place + places) for r in part.rejects)
        for column in part.late:
            before = late.get(column.name)
            if before is None or (before.number is None and column.number is not None):
                late[column.name] = replace(column, row=column.row + rows)
        rows += part.frame.rows
        places += part.places
        blank_lines += part.blank_lines
    return Decoded(frame, places, blank_lines, tuple(rejects), tuple(late.values()))
