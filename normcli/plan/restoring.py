"""Restoring: floats as numbers of their original types, as far as what they come from is exact enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from normcli import columns
from normcli.block import Block
from normcli.columns import Fixed, Frame, Infinite, Rounding
from normcli.columns.storage import is_coarse, is_long, like_single, unit
from normcli.errors import BadRowError
from normcli.plan.matrices import Matrices
from normcli.record import Array, Codes
from normcli.transforms import LAST

if TYPE_CHECKING:
    from normcli.plan.steps import Step
    from normcli.plan.whole import Plan

HEAD = 64  # rows that mostly say already whether text is of float32
LARGE = 0.25  # steps; a value that is off by more may be of another number


@dataclass(frozen=True)
class Doubt:
    """How many of the values restored in a column may be other numbers than those that were normalized: as what they
    come from says; and if text is of float32, which it is where all of the `single` are spelled so, and one of these
    is `long`. None: it is not."""

    values: int = 0
    count: int = 0
    single: int | None = 0
    long: bool = False

    def __add__(self, other: Doubt) -> Doubt:
        single = None if self.single is None or other.single is None else self.single + other.single
        return Doubt(self.values + other.values, self.count + other.count, single, self.long or other.long)

    @property
    def total(self) -> int:
        return self.single if self.single is not None and self.long else self.count


@dataclass(frozen=True)
class Target:
    """A column that is restored to a type with a step: how far its values may be from a multiple of it, at least, and
    the columns that it is restored from, by their names in the data. Of one that a single step of a simple kind has
    made, `lever` says how far what it is from may move it."""

    kind: str
    tight: float
    sources: tuple[str, ...]
    step: Step | None

    def lever(self, name: str, span: float) -> float:
        """What a relative error of 1 in what it is from makes of values up to `span`, at most."""
        if self.step is None:
            return np.inf
        made = self.step.fitted.lever(np.full(len(self.step.columns), span))
        return np.inf if made is None else float(np.fmax.reduce(made[:, self.step.columns.index(name)]))


def targets(plan: Plan) -> dict[str, Target]:
    """The columns of a plan that are restored to a type with a step."""
    made = {}
    for name in plan.course.needs:
        kind = plan.types.get(name, "")
        if columns.step(kind) is None or name in plan.lists or plan.form.dtype:
            continue
        sources = tuple(plan.placing.called(n) for n, origins in plan.course.origins.items() if name in origins)
        steps = [s for s in plan.steps if name in s.columns]
        only = steps[0] if len(steps) == 1 else None
        reach = only.fitted.lever(np.zeros(len(only.columns))) if only else None
        least = 0.0 if only is None or reach is None else np.fmin.reduce(reach[:, only.columns.index(name)])
        made[name] = Target(kind, 4.0 * LAST * float(np.nan_to_num(least)), sources, only)
    return made


@dataclass(frozen=True)
class Restoring:
    """The columns (rows,) that a plan has `made` of a frame when it restored it; `codes` are its rows' groups, where
    there are any."""

    plan: Plan
    frame: Frame
    infinite: Infinite
    codes: Codes | None
    made: Mapping[str, Array]

    def fixed(self, doubts: dict[str, Doubt]) -> dict[str, Array | Fixed]:
        """The same, in steps of its type where that has them; what is in doubt is added. Raises BadRowError at the
        first row that does not fit."""
        fixed: dict[str, Fixed] = {}
        faults: list[BadRowError] = []
        for name, target in self.plan.targets.items():
            try:
                fixed[name], doubt = self._fixed(target, Rounding.of(self.made[name], target.kind, name))
                doubts[name] = doubts.get(name, Doubt()) + doubt
            except BadRowError as e:
                faults.append(e)
        if faults:
            raise min(faults, key=lambda e: e.row)
        return {**self.made, **fixed}

    def _fixed(self, target: Target, x: Rounding) -> tuple[Fixed, Doubt]:
        lever, text = target.lever(x.name, x.span), columns.is_polars(self.frame)
        coarse = not text and any(is_coarse(self.frame, n) for n in target.sources)
        certain = not coarse and 8.0 * LAST * lever <= LARGE * x.step
        if certain and x.within and x.is_near(target.tight):
            count, fixed = 0, x.plain()
        else:
            error = self._errors[x.name]
            count = 0 if certain else int(np.count_nonzero(x.is_uncertain(error, LARGE)))
            tolerance = x.rounding(target.tight) + error
            fixed = x.fixed(tolerance, lambda rows: self._wider(target, x, rows), text=self.plan.form.text)
        if text and 2.0**-22 * lever > LARGE * x.step:
            return fixed, self._of_text(target, x, count)
        return fixed, Doubt(x.count, count, count)

    def _wider(self, target: Target, x: Rounding, rows: Codes) -> Array:
        """(rows,) the tolerance of some rows if they are of float32 that became text; 0 where they are not."""
        found = np.zeros(len(rows))
        if columns.is_polars(self.frame):
            like = self._like_single(target, rows)
            found[like] = (x.rounding(target.tight) + self._single_errors[x.name])[rows[like]]
        return found

    def _of_text(self, target: Target, x: Rounding, count: int) -> Doubt:
        """What is in doubt, of text that may be of float32; a few rows suffice where it is not."""
        if not x.count:
            return Doubt()
        bounded = not np.isinf(target.lever(x.name, x.span))
        head = np.arange(0 if bounded else min(HEAD, len(x.values)))
        for rows in (np.union1d(head, x.extremes), np.arange(len(x.values))):
            large = rows[x.at(rows).is_uncertain(self._at(rows)._single_errors[x.name], LARGE)]
            if not len(large) and bounded:
                break  # where the least and the greatest are certain, so is what is between
            if not self._like_single(target, large).all():
                return Doubt(x.count, count, None)
        long = any(is_long(self._stored(n)[large]) for n in target.sources)
        return Doubt(x.count, count, len(large), long)

    def _like_single(self, target: Target, rows: Codes) -> columns.Where:
        return np.asarray(np.all([like_single(self._stored(n)[rows]) for n in target.sources], axis=0))

    def _stored(self, name: str) -> Array:
        """(rows,) a column that others are restored from, as it is in the data."""
        return columns.block(self.frame, [name], self.infinite).columns[0]

    def _at(self, rows: Codes) -> Restoring:
        """The same of some rows of text."""
        if len(rows) == columns.rows(self.frame):
            return self
        frame = columns.some_rows(self.frame, self.plan.needs(inverse=True), rows)
        codes = None if self.codes is None else self.codes[rows]
        return replace(self, frame=frame, codes=codes, made={n: values[rows] for n, values in self.made.items()})

    @cached_property
    def _errors(self) -> dict[str, Array]:
        """(rows,) how far each restored column may be off, by how exactly the data hold what it comes from."""
        return self._errors_if(single=False)

    @cached_property
    def _single_errors(self) -> dict[str, Array]:
        """The same, if they are of float32 that became text."""
        return self._errors_if(single=True)

    def _errors_if(self, *, single: bool) -> dict[str, Array]:
        spelled = {n: self.plan.placing.called(n) for n in self.plan.course.gives}
        matrices, errors = Matrices([self.frame], self.infinite, spelled), dict[str, Array]()
        steps = [s for s in reversed(self.plan.steps) if s.length is None]
        for i, step in enumerate(steps):
            block = matrices.block(step, inverse=True)
            error = np.empty((block.rows, len(block.columns)), order="F")
            for name, y, e in zip(step.outputs, block.columns, error.T, strict=True):
                np.abs(y, out=e)
                e *= 4.0 * LAST
                more = errors.pop(name) if name in errors else unit(self.frame, spelled[name], y, single=single)
                if more is not None:
                    e += more
            if {n for s in steps[i + 1 :] for n in s.outputs}.isdisjoint(step.columns):
                restored = Block(tuple(self.made[n] for n in step.columns))
            else:
                values = self.plan.values(step, block, self.codes, inverse=True)
                matrices.put(step, values, inverse=True)
                restored = Block.of(values)
            work = partial(step.fitted.inverse_error, error=error, restored=restored)
            found = self.plan.by_group(work, block, self.codes, partial(np.asarray, error))
            errors |= zip(step.columns, found.T, strict=True)
        return errors
