"""How far a run has come, of how much: in the unit of its one input, or in bytes of the files that it reads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from normcli.formats import Reader
    from normcli.inputs import Input


@dataclass
class Distance:
    """`total` is None where nobody can know it: an input is a pipe, or an Arrow file alone."""

    total: int | None
    unit: str
    files: bool = False  # whether it is bytes of files
    passed: int = 0  # bytes of the files that have ended
    within: int = 0  # weight of the chunks that came of the one that has not
    told: int = 0

    @classmethod
    def of(cls, inputs: Sequence[Input], first: Reader) -> Distance:
        """For all inputs, as the first one's reader tells."""
        if len(inputs) == 1 and (first.size is not None or first.unit != "B"):
            return cls(first.size, first.unit)
        paths = [str(i.path) for i in inputs if i.path is not None and os.path.isfile(i.path)]
        if len(paths) < len(inputs):
            return cls(None, first.unit)
        return cls(sum(map(os.path.getsize, paths)), "B", files=True)

    def step(self, reader: Reader, weight: int, *, ended: bool) -> int:
        """How much further it came by a chunk of an input, or by its end."""
        if not self.files:
            return weight
        self.within += weight
        length = reader.source.length or 0
        here = reader.source.position if reader.unit == "B" else length * self.within // (reader.size or length or 1)
        if ended:
            self.passed, self.within, here = self.passed + length, 0, 0
        before, self.told = self.told, self.passed + min(here, length)
        return self.told - before
