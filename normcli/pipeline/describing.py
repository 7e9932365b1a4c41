"""Describing: what a worker looks at in one chunk, and all chunks of all inputs in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import ClassVar

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from normcli import columns
from normcli.columns import Field, Frame, Schema
from normcli.engines import Engine
from normcli.errors import BadPlaceError, BadRowError
from normcli.formats import Chunk, LateColumn, Reader
from normcli.formats._surveying import surveyed
from normcli.methods import listed
from normcli.pipeline.checks import needing
from normcli.pipeline.parts import Part
from normcli.pipeline.profile import ProfileState
from normcli.pipeline.progress import Progress
from normcli.pipeline.work import Result


class Survey(Struct, frozen=True):
    """One chunk's way to its profile: decode, then look at each of the columns that are described."""

    fields: Schema
    wanted: tuple[str, ...]  # those that may hold numbers
    skip: bool = False  # bad rows of text are left out, and reported
    plain: Callable[[Frame], Frame] | None = None  # there where texts are strings, as JSON has them
    beside: tuple[tuple[str, str | None], ...] = ()  # columns of one text each
    multiple: ClassVar[int] = 1
    in_parts: ClassVar[bool] = False
    copied: ClassVar[None] = None

    def __call__(self, chunk: Chunk) -> Result:
        decoded = None
        try:
            with np.errstate(all="ignore"):
                decoded = chunk.survey(frozenset(self.wanted), skip=self.skip)
                frame = columns.with_texts(decoded.frame, self.beside)
                survey = list(surveyed(frame, self.fields, self.wanted, strings=self.plain is not None))
                numeric = sorted(c.name for c in survey if c.numbers is not None and c.words is None)
                result = Result.of(chunk, decoded, columns.inexact(frame, numeric))
                return replace(result, profile=ProfileState.of(frame.rows, survey, self.wanted))
        except BadRowError as e:
            row = decoded.row(e.row) if decoded else e.row
            raise BadPlaceError(chunk.locate(row), e.what, e.hint) from None


def describe(
    readers: Iterable[Reader],
    chosen: Schema,
    engine: Engine,
    *,
    closed: bool = False,
    skip: bool = False,
    progress: Progress | None = None,
) -> ProfileState:
    """The profile of the columns of all inputs, in one pass: those that are `chosen`, by the first input, and unless
    that is `closed` any other that there is. Where an input lacks one, it is missing. Raises BadDataError."""
    progress = progress or Progress()
    known, doubted = {f.name for f in chosen}, set[str]()

    def warn(names: Iterable[str], where: str, what: str) -> None:
        """Of each column once."""
        new = sorted(set(names) - doubted)
        doubted.update(new)
        if new:
            progress.events.warning(f"{where}: {what} {listed(new)}")

    def late(column: LateColumn, where: str) -> None:
        if column.name not in known and not closed:
            warn([column.name], where, "a column that only later rows have, which -c takes:")

    def parts() -> Iterator[Part]:
        for i, reader in enumerate(readers):
            description = needing(reader.description, sorted(known), ())
            readable = (f for f in description.schema if not f.is_opaque or f.name in known)
            present = {f.name: f for f in (*(Field(n, "string") for n, _ in description.keys), *readable)}
            absent = partial(warn, where=description.name, what="no such column, it counts as missing there:")
            absent(known.difference(present))
            if not closed:
                warn(set(present) - known if i else (), description.name, "columns that the inputs before do not have:")
                known.update(present)
            fields = tuple(f for f in present.values() if f.name in known)
            wanted = tuple(f.name for f in fields if f.may_be_number or f.name in description.doubts)
            work = Survey(fields, wanted, skip)
            names = tuple(f.name for f in fields)
            yield Part(reader.described_as(description), work, names, late=late, absent=partial(_of_one, absent))

    profile = ProfileState(types={f.name: "null" for f in chosen})
    for _, result in progress.run(parts(), engine):
        if result.profile is not None:
            profile = profile.merge(result.profile)
    return profile


def _of_one(absent: Callable[[Iterable[str]], None], name: str) -> None:
    absent([name])
