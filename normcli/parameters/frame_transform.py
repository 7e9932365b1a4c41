"""FrameTransform: parameters applied to the columns of frames, forwards or inverted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from normcli import columns
from normcli.blocks.block import Block
from normcli.blocks.record import Array, Codes
from normcli.caching import cached_property
from normcli.columns import Dtype, Frame, Infinite
from normcli.errors import BadRowError
from normcli.parameters.column_layout import ColumnLayout
from normcli.parameters.keys import described
from normcli.parameters.matrices import Matrices, map_frames, raise_first
from normcli.parameters.parameters import Parameters
from normcli.parameters.rules import INSTEAD, MISSING, PASS
from normcli.parameters.steps import Step

if TYPE_CHECKING:
    from normcli.columns.fixed import Fixed
    from normcli.parameters.restoring import Doubt
    from normcli.parameters.targets import Target


class Form(Struct, frozen=True):
    """Form of the output columns: their type (None: float32 where the column was, else float64), and an optional
    suffix, with which they are added after the originals instead of replacing them. The output may be `text`, which can
    show a fraction in a column of whole numbers. `texts`: originals that are kept are copied character for character
    from `Frame.with_originals`; else they are numbers. Values are held within
    `limits`, then missing ones become `fill`, and floats are rounded to `digits`."""

    dtype: Dtype | None = None
    suffix: str = ""
    text: bool = False
    texts: bool = False
    limits: tuple[float, float] | None = None
    fill: float | None = None
    digits: int | None = None


class Transformed(Struct, frozen=True):
    """Frames with their output columns; the number of rows that became missing because one value is; the doubts about
    restored columns; and how many values were clipped to limits, and filled."""

    frames: list[Frame]
    incomplete: int
    doubts: dict[str, Doubt]
    clips: int
    fills: int


class FrameTransform(Struct, frozen=True, dict=True):
    """Parameters, a direction and the form of the output: normalizes columns of frames, or with `inverse`, restores
    them. Outputs have no columns called as `constants`. Workers receive it pickled."""

    parameters: Parameters
    form: Form = Form()
    inverse: bool = False
    constants: frozenset[str] = frozenset()

    def needs(self) -> tuple[str, ...]:
        """Names of the columns that a frame must have."""
        return self._normalized if self.inverse else self.parameters.lineage.needs

    def gives(self) -> tuple[str, ...]:
        """Names of the output columns."""
        return self.parameters.lineage.needs if self.inverse else self._normalized

    def origins(self, names: Collection[str]) -> list[str]:
        """Names of the fitted columns that the columns `names`, which a frame must have, are or come from."""
        lineage = self.parameters.lineage
        if not self.inverse:
            return [n for n in lineage.needs if n in names]
        spelled = zip(self._normalized, lineage.origins.values(), strict=True)
        origins = {n for name, origins in spelled if name in names for n in origins}
        return [n for n in lineage.needs if n in origins]

    @cached_property
    def _normalized(self) -> tuple[str, ...]:
        """Names of the normalized columns."""
        return tuple(map(self.column_layout.called, self.parameters.lineage.gives))

    @cached_property
    def column_layout(self) -> ColumnLayout:
        """Positions and types of the output columns."""
        parameters, form = self.parameters, self.form
        return ColumnLayout(
            parameters.lineage, parameters.lists, parameters.types, form.dtype, form.suffix, inverse=self.inverse,
            digits=form.digits, fills_lists=form.fill is not None,
        )  # fmt: skip

    @cached_property
    def lists(self) -> frozenset[str]:
        """Names of the columns of lists, each of which is a matrix, with and without the suffix."""
        return self.parameters.lists.union(map(self.column_layout.called, self.parameters.lists))

    @cached_property
    def targets(self) -> dict[str, Target]:
        """The columns that are restored to integers or decimals, by name."""
        from normcli.parameters.targets import targets

        return targets(self)

    @property
    def puts_floats(self) -> bool:
        """Whether all output columns are of float64, each in the place of an input column."""
        form = self.form
        return form.dtype != "float32" and not form.suffix and not form.texts and not (self.inverse and self.targets)

    def clashes(self, names: Collection[str]) -> list[str]:
        """Names of output columns that other columns among `names` have already."""
        if self.inverse and self.form.suffix:
            return []  # originals that are still present are replaced
        stay = set(names) if self.form.suffix else set(names).difference(self.needs())
        counts = Counter(self.gives())
        return [n for n, count in counts.items() if n in stay or count > 1 or n in self.parameters.lineage.clashes]

    def original_order(self, names: Sequence[str]) -> tuple[str, ...]:
        """Names of restored columns in their original order, if all original columns are among `names`."""
        original = tuple(f.name for f in self.parameters.schema)
        return original if set(original) == set(names) else tuple(names)

    def transform(self, frames: Sequence[Frame], infinite: Infinite, *, texts: Sequence[Frame]) -> Transformed:
        """Consecutive frames with their columns normalized, or restored. `texts` are frames of the same rows that hold
        the keys. Raises BadRowError; UsageError for limits that no value of a column can be in."""
        steps = list(enumerate(self.parameters.steps))[:: -1 if self.inverse else 1]
        matrices = self.matrices(frames, infinite)
        incomplete = np.zeros(matrices.ends[-1], np.bool_)
        codes = self._codes(texts, matrices)
        for i, step in steps:
            block = matrices.block(step)
            with self.parameters.naming(i, inverse=self.inverse):
                matrices.put(step, matrices.located(partial(self.values, step, block, codes)))
            if step.method.by_row and block.incomplete is not None:
                incomplete |= block.incomplete
        doubts: dict[str, Doubt] = {}
        codes_of_frames = repeat(None) if codes is None else np.split(codes, matrices.ends[:-1])
        triples = [(*part, codes) for part, codes in zip(matrices.parts(), codes_of_frames, strict=False)]
        results = map_frames(triples, lambda triple: self._placed(*triple, infinite, doubts))
        outputs, clips, fills = zip(*results, strict=True)
        return Transformed(list(outputs), int(np.count_nonzero(incomplete)), doubts, sum(clips), sum(fills))

    def matrices(self, frames: Sequence[Frame], infinite: Infinite) -> Matrices:
        """The matrices of the steps in frames, as input of this direction."""
        normalized = self.parameters.lineage.gives if self.inverse else ()
        spelled = {name: self.column_layout.called(name) for name in normalized}
        return Matrices(frames, infinite, spelled, inverse=self.inverse)

    def _placed(
        self, frame: Frame, values: dict[str, Array], codes: Codes | None, infinite: Infinite, doubts: dict[str, Doubt]
    ) -> tuple[Frame, int, int]:
        """A frame with the `values` of its output columns, and how many were clipped and filled; adds to `doubts`."""
        outputs: Mapping[str, Array | Fixed] = values
        if self.inverse and self.targets:
            from normcli.parameters.restoring import Restoring

            outputs = Restoring(self, frame, infinite, codes, values).fixed(doubts)
        clips = fills = 0
        limits, fill = self.form.limits, self.form.fill
        if limits is not None or fill is not None:
            from normcli.columns.adjusting import adjust

            outputs, clips, fills = adjust(outputs, limits, fill, text=self.form.text)
        return self.column_layout(frame, outputs), clips, fills

    def _codes(self, texts: Sequence[Frame], matrices: Matrices) -> Codes | None:
        """(rows,) the group of each row of all frames; None without keys. Raises BadRowError for the first row at
        fault, whether for its key or for a value that the first steps read."""
        if not self.parameters.by:
            return None
        try:
            return np.concatenate(map_frames(texts, self._codes_of))
        except BadRowError as e:
            lineage = self.parameters.lineage
            begin = set(lineage.gives if self.inverse else lineage.needs)
            first = (s for s in self.parameters.steps if begin.issuperset(s.outputs if self.inverse else s.columns))
            raise_first(e, (partial(matrices.block, s) for s in first))

    def _codes_of(self, texts: Frame) -> Codes:
        """(rows,) the group of each row; MISSING or PASS for those that have none. Raises BadRowError."""
        by, unseen = self.parameters.by, self.parameters.rules.unseen
        keys, codes = columns.keys(texts, by)
        groups = np.array([self.parameters.groups.get(key, INSTEAD[unseen]) for key in keys], np.intp)
        if unseen == "error" and (groups == PASS).any():
            row = int(np.argmax(groups[codes] == PASS))
            what = f"{described(by, keys[codes[row]])} was not fitted"
            raise BadRowError(row, what, "--unseen global, missing or pass takes it")
        return groups[codes]

    def values(self, step: Step, block: Block, codes: Codes | None) -> Array:
        """(rows, outputs) the matrix of a step normalized, or restored."""
        work = step.restored if self.inverse else step.normalized
        return self.by_group(work, block, codes, lambda: block.values)

    def by_group(
        self, work: Callable[[Block], Array], block: Block, codes: Codes | None, instead: Callable[[], Array]
    ) -> Array:
        """(rows, outputs) the result of `work` on a block whose rows belong to groups `codes`; those of group
        MISSING are NaN, and those of PASS get their values from `instead`."""
        if codes is None:
            return work(block)
        groups = 1 + len(self.parameters.keys)
        if not (codes < 0).any():
            return work(replace(block, codes=codes, groups=groups))
        empty = tuple(np.where(codes < 0, np.nan, x) for x in block.columns)  # rows without a group raise no errors
        values = work(replace(block, columns=empty, matrix=None, codes=np.maximum(codes, 0), groups=groups))
        values[codes == MISSING] = np.nan  # which a step may have filled
        if (stays := codes == PASS).any():
            values[stays] = instead()[stays]
        return values
