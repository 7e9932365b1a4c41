"""Matrices: inputs and outputs of successive steps on frames."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NoReturn, TypeVar

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from normcli import columns
from normcli.blocks.block import Block
from normcli.blocks.record import Array, Codes
from normcli.blocks.reductions import Sampling
from normcli.caching import cached_property
from normcli.columns import Frame, Infinite
from normcli.errors import BadRowError
from normcli.parameters.steps import Step

A = TypeVar("A")
B = TypeVar("B")


class Matrices(Struct, dict=True):
    """The matrices of successive steps on consecutive frames: columns read from the frames, then outputs of steps,
    which stay float64 and are never written to a frame. `spelled` maps names to those in the frames, where they differ.
    With `inverse`, steps read their outputs and give their inputs. Methods raise BadRowError with the index of the
    frame."""

    frames: Sequence[Frame]
    infinite: Infinite
    spelled: Mapping[str, str] = field(default_factory=dict)
    inverse: bool = False
    reduce: bool = False  # blocks are read for statistics
    sampling: Sampling | None = None  # of their columns, if these are to be sketched
    values: dict[str, Array] = field(default_factory=dict)  # (rows,) by column, and (rows, length) of one of lists
    read: list[Block] = field(default_factory=list)  # blocks as read from the frames
    names: list[tuple[str, ...]] = field(default_factory=list)  # of the columns of each, or that of one of lists

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
            block = partial(columns.block, reduce=self.reduce, sampling=self.sampling)
            self._read(fresh, lambda frame: block(frame, spellings, self.infinite))
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
        self._read([name], lambda frame: columns.list_block(frame, spelling, features, self.infinite))
        return self.read[-1]

    def read_remaining(self, step: Step) -> None:
        """Reads the columns that a step takes from the frames, where nobody has yet."""
        known = {n for names in self.names for n in names}.union(self.values)
        remaining = tuple(n for n in step.columns if n not in known and n in self.frames[0].names)
        if remaining:
            self.block(replace(step, columns=remaining))

    def _read(self, names: Sequence[str], work: Callable[[Frame], Block]) -> None:
        self.names.append(tuple(names))
        self.read.append(Block.joined(map_frames(self.frames, work)))

    def _finite(self, values: Array, name: str) -> Array:
        """Output of a step as input of the next. Raises BadRowError at a value beyond the range of a float."""
        self.located(lambda: columns.narrowed(values, "float64", name))
        return values

    def located(self, work: Callable[[], B]) -> B:
        """The result of `work` on all rows. A BadRowError gets the index of the frame, and the row within it."""
        try:
            return work()
        except BadRowError as e:
            e.frame = int(np.searchsorted(self.ends, e.row, "right"))
            e.row -= int(self.ends[e.frame - 1]) if e.frame else 0
            raise

    def put(self, step: Step, values: Array) -> None:
        """Replaces the input columns of a step by its output `values` (rows, outputs)."""
        old, new = (step.outputs, step.columns) if self.inverse else (step.columns, step.outputs)
        for name in old:
            self.values.pop(name, None)
        self.values |= {new[0]: values} if step.length is not None else dict(zip(new, values.T, strict=True))

    def parts(self) -> list[tuple[Frame, dict[str, Array]]]:
        """Each frame with the values of its rows, by column."""
        if len(self.frames) == 1:
            return [(self.frames[0], self.values)]
        cut = {n: np.split(values, self.ends[:-1]) for n, values in self.values.items()}
        return [(frame, {n: pieces[k] for n, pieces in cut.items()}) for k, frame in enumerate(self.frames)]


def map_frames(things: Sequence[A], work: Callable[[A], B]) -> list[B]:
    """The results of `work` on things, one to a frame; a BadRowError gets the index of the frame."""
    done = []
    for number, thing in enumerate(things):
        try:
            done.append(work(thing))
        except BadRowError as e:
            e.frame = number
            raise
    return done


def raise_first(first: BadRowError, checks: Iterable[Callable[[], object]]) -> NoReturn:
    """Raises the error of the earliest row among `first` and those that `checks` raise."""
    for check in checks:
        try:
            check()
        except BadRowError as e:
            first = e if (e.frame, e.row) < (first.frame, first.row) else first
    raise first from None
