"""Restoring: floats as numbers of their original types, as far as what they come from is exact enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from normcli import columns
from normcli.blocks.block import Block
from normcli.blocks.record import Array, Codes
from normcli.columns import Frame, Infinite
from normcli.columns.fixed import Fixed, Rounding, Where
from normcli.columns.fixed import step as step_of
from normcli.columns.storage import is_coarse, is_long, like_single, unit
from normcli.errors import BadRowError
from normcli.transforms import LAST

if TYPE_CHECKING:
    from normcli.parameters.frame_transform import FrameTransform
    from normcli.parameters.steps import Step

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
    made, which says how far what it is from may move it: that step, and the column's place there."""

    kind: str
    tight: float
    sources: tuple[str, ...]
    alone: tuple[Step, int] | None


def targets(transform: FrameTransform) -> dict[str, Target]:
    """The columns that are restored to a type with a step."""
    parameters, layout = transform.parameters, transform.column_layout
    sources: dict[str, list[str]] = {n: [] for n in parameters.needs()}
    for origins, names in parameters.lineage.bundles:
        for origin in origins:
            sources[origin] += map(layout.called, names)
    counts = Counter(n for s in parameters.steps for n in s.columns)
    alone: dict[str, tuple[Step, int]] = {}
    least: dict[str, float] = {}
    for step in parameters.steps:
        lever = None if step.length is not None else step.fitted.lever(np.zeros(len(step.columns)))
        if lever is not None:
            alone |= {n: (step, j) for j, n in enumerate(step.columns) if counts[n] == 1}
            least |= zip(step.columns, np.nan_to_num(lever[0]).tolist(), strict=True)
    result = {}
    for name in parameters.needs():
        kind = parameters.types.get(name, "")
        if step_of(kind) is not None and name not in parameters.lists and not transform.form.dtype:
            tight = 4.0 * LAST * least[name] if name in alone else 0.0
            result[name] = Target(kind, tight, tuple(sources[name]), alone.get(name))
    return result


@dataclass(frozen=True)
class Restoring:
    """The columns (rows,) that a transform has `made` of a frame when it restored it; `codes` are the groups of its
    rows, where there are any."""

    transform: FrameTransform
    frame: Frame
    infinite: Infinite
    codes: Codes | None
    made: Mapping[str, Array]

    def fixed(self, doubts: dict[str, Doubt]) -> dict[str, Array | Fixed]:
        """The same, in steps of its type where that has them; what is in doubt is added. Raises BadRowError at the
        first row that does not fit."""
        fixed: dict[str, Fixed] = {}
        faults: list[BadRowError] = []
        for name, x in self._roundings.items():
            try:
                fixed[name], doubt = self._fixed(self.transform.targets[name], x)
                doubts[name] = doubts.get(name, Doubt()) + doubt
            except BadRowError as e:
                faults.append(e)
        if faults:
            raise min(faults, key=lambda e: e.row)
        return {**self.made, **fixed}

    @cached_property
    def _roundings(self) -> dict[str, Rounding]:
        return {n: Rounding.of(self.made[n], target.kind, n) for n, target in self.transform.targets.items()}

    @cached_property
    def _levers(self) -> dict[str, float]:
        """What a relative error of 1 in what columns are from makes of their values, at most; of those alone."""
        levers: dict[str, float] = {}
        for step in self.transform.parameters.steps:
            names = [n for n in step.columns if n in self._roundings and self.transform.targets[n].alone]
            if names:
                spans = np.array([self._roundings[n].span if n in self._roundings else 0.0 for n in step.columns])
                lever = step.fitted.lever(spans)
                assert lever is not None
                levers |= zip(step.columns, lever[1].tolist(), strict=True)
        return levers

    def _fixed(self, target: Target, x: Rounding) -> tuple[Fixed, Doubt]:
        lever, text = self._levers[x.name] if target.alone else np.inf, not self.frame.typed
        coarse = not text and any(is_coarse(self.frame, n) for n in target.sources)
        certain = not coarse and 8.0 * LAST * lever <= LARGE * x.step
        if certain and x.within and x.farthest <= target.tight:
            count, fixed = 0, x.plain()
        else:
            tolerance = x.rounding(target.tight)
            count = 0
            if not certain:
                error = self._error(target, x, np.arange(len(x.values)), single=False)
                count = int(np.count_nonzero(x.is_uncertain(error, LARGE)))
                tolerance += error
            elif len(rows := x.doubtful(tolerance)):
                tolerance[rows] += self._error(target, x, rows, single=False)
            fixed = x.fixed(tolerance, partial(self._wider, target, x), text=self.transform.form.text)
        if text and 2.0**-22 * lever > LARGE * x.step:
            return fixed, self._of_text(target, x, count)
        return fixed, Doubt(x.count, count, count)

    def _wider(self, target: Target, x: Rounding, rows: Codes) -> Array:
        """(rows,) the tolerance of some rows if they are of float32 that became text; 0 where they are not."""
        found = np.zeros(len(rows))
        if not self.frame.typed and (like := self._like_single(target, rows)).any():
            found[like] = x.rounding(target.tight)[rows[like]] + self._error(target, x, rows[like], single=True)
        return found

    def _of_text(self, target: Target, x: Rounding, count: int) -> Doubt:
        """What is in doubt, of text that may be of float32; a few rows suffice where it is not."""
        if not x.count:
            return Doubt()
        for rows in (self._few(target, x), np.arange(len(x.values))):
            large = rows[x.at(rows).is_uncertain(self._error(target, x, rows, single=True), LARGE)]
            if not len(large) and target.alone:
                break  # where the least and the greatest are certain, so is what is between
            if not self._like_single(target, large).all():
                return Doubt(x.count, count, None)
        long = any(is_long(self._stored(n)[large]) for n in target.sources)
        return Doubt(x.count, count, len(large), long)

    def _few(self, target: Target, x: Rounding) -> Codes:
        """Rows that mostly say already whether text is of float32."""
        head = range(0 if target.alone else min(HEAD, len(x.values)))
        return np.array(sorted({*head, *x.extremes}), np.intp)

    def _like_single(self, target: Target, rows: Codes) -> Where:
        return np.asarray(np.all([like_single(self._stored(n)[rows]) for n in target.sources], axis=0))

    def _stored(self, name: str) -> Array:
        """(rows,) a column that others are restored from, as it is in the data."""
        return columns.block(self.frame, [name], self.infinite).columns[0]

    def _error(self, target: Target, x: Rounding, rows: Codes, *, single: bool) -> Array:
        """(rows,) how far some values of a restored column may be off, by how exactly the data hold what it comes
        from; with `single`, if that is of float32 that became text."""
        if target.alone:
            return self._error_of_one(target, x, rows, single=single)
        if not single:
            return self._errors[x.name] if len(rows) == len(x.values) else self._errors[x.name][rows]
        if np.isin(rows, self._few_of_all, assume_unique=True).all():
            return self._at_few._single_errors[x.name][np.searchsorted(self._few_of_all, rows)]
        return self._single_errors[x.name][rows]

    def _error_of_one(self, target: Target, x: Rounding, rows: Codes, *, single: bool) -> Array:
        """The same of a column that is alone."""
        assert target.alone is not None
        (source,), (step, j) = target.sources, target.alone
        y, codes = self._stored(source)[rows], None if self.codes is None else self.codes[rows]
        error = 4.0 * LAST * np.abs(y)
        more = unit(self.frame, source, y, single=single)
        error = (error if more is None else error + more)[:, None]
        work = partial(step.of([j]).fitted.inverse_error, error=error, restored=Block((x.values[rows],)))
        return np.asarray(self.transform.by_group(work, Block((y,)), codes, partial(np.asarray, error))[:, 0])

    @cached_property
    def _few_of_all(self) -> Codes:
        """The few rows of all columns that are not alone."""
        pairs = ((self.transform.targets[n], x) for n, x in self._roundings.items())
        return np.unique(np.concatenate([self._few(target, x) for target, x in pairs if not target.alone]))

    @cached_property
    def _at_few(self) -> Restoring:
        return self._at(self._few_of_all, self.transform.needs(), list(self.made))

    def _at(self, rows: Codes, sources: Sequence[str], names: Sequence[str]) -> Restoring:
        """The same of some rows, of these columns of the frame, and these restored."""
        if len(rows) == self.frame.rows:
            return self
        frame = self.frame.take(sources, rows)
        codes = None if self.codes is None else self.codes[rows]
        return replace(self, frame=frame, codes=codes, made={n: self.made[n][rows] for n in names})

    @cached_property
    def _errors(self) -> dict[str, Array]:
        """(rows,) of each restored column that is not alone, `_error`."""
        return self._errors_of(self._way, single=False)

    @cached_property
    def _single_errors(self) -> dict[str, Array]:
        """The same, if they are of float32 that became text."""
        return self._errors_of(self._way, single=True)

    def _errors_of(self, way: Sequence[tuple[int, Step]], *, single: bool) -> dict[str, Array]:
        """The same of all that these steps restore, each with its place in the plan."""
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
                restored = Block(tuple(self.made[n] for n in step.columns))
            else:
                values = self.transform.values(step, block, self.codes)
                matrices.put(step, values)
                restored = Block.of(values)
            work = partial(step.fitted.inverse_error, error=error, restored=restored)
            found = self.transform.by_group(work, block, self.codes, partial(np.asarray, error))
            errors |= zip(step.columns, found.T, strict=True)
        return errors

    @cached_property
    def _way(self) -> list[tuple[int, Step]]:
        """The steps that columns that are not alone are restored by, as that goes: of each, what leads to them."""
        way = []
        wanted = {n for n, target in self.transform.targets.items() if not target.alone}
        for i, step in enumerate(self.transform.parameters.steps):
            at = [j for j, n in enumerate(step.columns) if n in wanted]
            if step.length is None and at:
                part = step.of(at)
                way.append((i, part))
                wanted = wanted.difference(part.columns).union(part.outputs)
        return way[::-1]
