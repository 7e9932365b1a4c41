"""How far a run has come, of how much: in the unit of its one input, or in bytes of the files that it reads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from normcli.formats import Reader

FEW = 1000  # inputs on a cluster of which bytes are counted


class Distance(Struct):
    """`total` is None where it is unknown: an input is a pipe, or there is a single Arrow file."""

    total: int | None
    unit: str
    files: bool = False  # whether it is bytes of files
    passed: int = 0  # bytes of the files that have ended
    within: int = 0  # weight of the chunks that came of the one that has not
    reported: int = 0  # the sum of all steps so far
    is_reread: bool = False  # whether it is rows that were read before

    @classmethod
    def of(cls, paths: Sequence[str | None], first: Reader) -> Distance:
        """For all inputs, None for a stream, in the unit of the first one's reader if it is alone."""
        size, unit = first.description.size, first.description.unit
        if len(paths) == 1 and (size is not None or unit != "B"):
            return cls(size, unit)
        files = [path for path in paths if path is not None and os.path.isfile(path)]
        if len(files) < len(paths):
            return cls(None, unit)
        return cls(sum(map(os.path.getsize, files)), "B", files=True)

    @classmethod
    def of_rows(cls, rows: int) -> Distance:
        """For inputs that are read again, whose number of rows is known."""
        return cls(rows, "rows", is_reread=True)

    @classmethod
    def of_sizes(cls, sizes: Sequence[int], first: Reader) -> Distance:
        """For inputs of so many bytes that are read on a cluster, 0 where that is unknown. Many are counted, for each
        is a small part of all."""
        size, unit = first.description.size, first.description.unit
        if len(sizes) == 1 and size is not None:
            return cls(size, unit)
        return cls(sum(sizes), "B", files=True) if len(sizes) <= FEW and all(sizes) else cls(len(sizes), "inputs")

    def step(self, reader: Reader, weight: int, *, rows: int = 0, ended: bool) -> int:
        """The distance covered by a chunk of an input, of a number of rows, or by the input's end."""
        if self.is_reread:
            return rows
        if self.unit == "inputs":
            return int(ended)
        if not self.files:
            return weight
        self.within += weight
        length, position = reader.length, reader.position
        if position is None:  # it is read elsewhere
            position = self.within
        if reader.description.unit != "B":
            position = length * self.within // (reader.description.size or length or 1)
        if ended:
            self.passed, self.within, position = self.passed + length, 0, 0
        before, self.reported = self.reported, self.passed + min(position, length)
        return self.reported - before
