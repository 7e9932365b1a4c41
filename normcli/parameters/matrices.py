"""Matrices: what steps take and make of frames, while they follow each other."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NoReturn, TypeVar

import numpy as np

from normcli import columns
from normcli.blocks.block import Block
from normcli.blocks.record import Array, Codes
from normcli.columns import Frame, Infinite
from normcli.errors import BadRowError
from normcli.parameters.steps import Step

A = TypeVar("A")
B = TypeVar("B")


@dataclass
class Matrices:
    """The matrices of steps in frames that follow each other: columns that are read from these, then what steps have
    made of them, which stays float64 and never goes through a frame. `spelled` are names that columns have there, where
    those are others. With `inverse`, steps restore what they have become. All that reads or makes raises BadRowError,
    which says in which frame."""

    frames: Sequence[Frame]
    infinite: Infinite
    spelled: Mapping[str, str] = field(default_factory=dict)
    inverse: bool = False
    values: dict[str, Array] = field(default_factory=dict)  # (rows,) by column, and (rows, length) of one of lists
    read: list[Block] = field(default_factory=list)  # as it came from the frames

    @cached_property
    def ends(self) -> Codes:
        """Where each frame ends."""
        return np.cumsum([f.rows for f in self.frames])

    def block(self, step: Step) -> Block:
        """The matrix that a step takes."""
        names = step.outputs if self.inverse else step.columns
        if step.length is not None:
            return self._lists(names[0], len(step.results) if self.inverse else step.length)
        fresh = [n for n in names if n not in self.values]
        if fresh:
            spellings = [self.spelled.get(n, n) for n in fresh]
            self._read(lambda frame: columns.block(frame, spellings, self.infinite))
        if len(fresh) == len(names):
            return self.read[-1]
        read = dict(zip(fresh, self.read[-1].columns, strict=True)) if fresh else {}
        return Block(tuple(read[n] if n in read else self._finite(self.values[n], n) for n in names))

    def _lists(self, name: str, length: int) -> Block:
        spelling = self.spelled.get(name, name)
        features = [f"{spelling}[{j}]" for j in range(length)]
        if name in self.values:
            matrix = self.values[name]
            return Block(tuple(map(self._finite, matrix.T, features)), matrix)
        self._read(lambda frame: columns.list_block(frame, spelling, features, self.infinite))
        return self.read[-1]

    def _read(self, work: Callable[[Frame], Block]) -> None:
        self.read.append(Block.joined(map_frames(self.frames, work)))

    def _finite(self, values: Array, name: str) -> Array:
        """What a step has made, where the next takes it: nothing of it may be beyond a float."""
        self.located(lambda: columns.narrowed(values, "float64", name))
        return values

    def located(self, work: Callable[[], B]) -> B:
        """What work on all rows makes. Where a row is at fault, it is told in which frame."""
        try:
            return work()
        except BadRowError as e:
            e.frame = int(np.searchsorted(self.ends, e.row, "right"))
            e.row -= int(self.ends[e.frame - 1]) if e.frame else 0
            raise

    def put(self, step: Step, values: Array) -> None:
        """The matrix that a step takes has become `values` (rows, outputs)."""
        old, new = (step.outputs, step.columns) if self.inverse else (step.columns, step.outputs)
        for name in old:
            self.values.pop(name, None)
        self.values |= {new[0]: values} if step.length is not None else dict(zip(new, values.T, strict=True))

    def parts(self) -> list[tuple[Frame, dict[str, Array]]]:
        """Each frame with what was made of its rows."""
        cut = {n: np.split(values, self.ends[:-1]) for n, values in self.values.items()}
        return [(frame, {n: pieces[k] for n, pieces in cut.items()}) for k, frame in enumerate(self.frames)]


def map_frames(things: Sequence[A], work: Callable[[A], B]) -> list[B]:
    """`work` of each, one thing to a frame; a BadRowError says of which."""
    done = []
    for number, thing in enumerate(things):
        try:
            done.append(work(thing))
        except BadRowError as e:
            e.frame = number
            raise
    return done


def raise_first(first: BadRowError, checks: Iterable[Callable[[], object]]) -> NoReturn:
    """Raises the one of the first row: what was found, or what others raise."""
    for check in checks:
        try:
            check()
        except BadRowError as e:
            first = e if (e.frame, e.row) < (first.frame, first.row) else first
    raise first from None
