"""ErrorBounds: bounds of the errors of restored values, from the precision of the stored values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from normcli import columns
from normcli.blocks.block import Block
from normcli.blocks.record import Array, Codes
from normcli.caching import cached_property
from normcli.columns import Frame, Infinite
from normcli.columns.fixed import Rounding
from normcli.columns.storage import unit
from normcli.parameters.targets import Target
from normcli.transforms import LAST

if TYPE_CHECKING:
    from normcli.parameters.frame_transform import FrameTransform
    from normcli.parameters.steps import Step


class ErrorBounds(Struct, frozen=True, dict=True):
    """Bounds of the errors of columns (rows,) that a transform has `restored` from a frame, in input units; `codes`
    (rows,) are the groups of its rows, None without keys."""

    transform: FrameTransform
    frame: Frame
    infinite: Infinite
    codes: Codes | None
    restored: Mapping[str, Array]

    def stored(self, name: str) -> Array:
        """(rows,) a normalized column as it is stored in the data."""
        return columns.block(self.frame, [name], self.infinite).columns[0]

    def of_one(self, target: Target, x: Rounding, rows: Codes, *, single: bool) -> Array:
        """(rows,) bounds for some rows of a column that one step restores by itself; with `single`, assuming that its
        stored values are float32 written as text."""
        assert target.alone is not None
        (source,), (step, j) = target.sources, target.alone
        y, codes = self.stored(source)[rows], None if self.codes is None else self.codes[rows]
        error = 4.0 * LAST * np.abs(y)
        more = unit(self.frame, source, y, single=single)
        error = (error if more is None else error + more)[:, None]
        work = partial(step.of([j]).fitted.inverse_error, error=error, restored=Block((x.values[rows],)))
        return np.asarray(self.transform.by_group(work, Block((y,)), codes, partial(np.asarray, error))[:, 0])

    def at(self, rows: Codes, sources: Sequence[str], names: Sequence[str]) -> ErrorBounds:
        """The same for some rows, the frame's columns `sources` and the restored columns `names`."""
        if len(rows) == self.frame.rows:
            return self
        frame = self.frame.take(sources, rows)
        codes = None if self.codes is None else self.codes[rows]
        return replace(self, frame=frame, codes=codes, restored={n: self.restored[n][rows] for n in names})

    @cached_property
    def errors(self) -> dict[str, Array]:
        """(rows,) bounds for each restored column that depends on several columns or steps."""
        return self._errors_of(self._way, single=False)

    @cached_property
    def single_errors(self) -> dict[str, Array]:
        """The same, assuming that stored values are float32 written as text."""
        return self._errors_of(self._way, single=True)

    def _errors_of(self, way: Sequence[tuple[int, Step]], *, single: bool) -> dict[str, Array]:
        """(rows,) bounds for all columns that these steps restore; each step comes with its index in the parameters."""
        matrices, errors = self.transform.matrices([self.frame], self.infinite), dict[str, Array]()
        for i, step in way:
            block = matrices.block(step)
            error = np.empty((block.rows, len(block.columns)), order="F")
            for name, y, e in zip(step.outputs, block.columns, error.T, strict=True):
                np.abs(y, out=e)
                e *= 4.0 * LAST
                more = (
                    errors.pop(name) if name in errors else unit(self.frame, matrices.spelled[name], y, single=single)
                )
                if more is not None:
                    e += more
            if {n for s in self.transform.parameters.steps[:i] for n in s.outputs}.isdisjoint(step.columns):
                restored = Block(tuple(self.restored[n] for n in step.columns))
            else:
                values = self.transform.values(step, block, self.codes)
                matrices.put(step, values)
                restored = Block.of(values)
            work = partial(step.fitted.inverse_error, error=error, restored=restored)
            bounds = self.transform.by_group(work, block, self.codes, partial(np.asarray, error))
            errors |= zip(step.columns, bounds.T, strict=True)
        return errors

    @cached_property
    def _way(self) -> list[tuple[int, Step]]:
        """The steps that restore the columns in `errors`, in the order of inversion, each reduced to the columns that
        matter."""
        way = []
        wanted = {n for n, target in self.transform.targets.items() if not target.alone}
        for i, step in enumerate(self.transform.parameters.steps):
            at = [j for j, n in enumerate(step.columns) if n in wanted]
            if step.length is None and at:
                part = step.of(at)
                way.append((i, part))
                wanted = wanted.difference(part.columns).union(part.outputs)
        return way[::-1]
