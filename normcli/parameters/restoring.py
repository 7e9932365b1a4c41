"""Restoring: rounds restored floats to their original types, as far as the stored values are precise enough."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from normcli.blocks.record import Array, Codes
from normcli.caching import cached_property
from normcli.columns import Frame, Infinite
from normcli.columns.fixed import Fixed, Rounding, Where
from normcli.columns.storage import is_coarse, is_long, is_single
from normcli.errors import BadRowError
from normcli.parameters.error_bounds import ErrorBounds
from normcli.parameters.targets import Target
from normcli.transforms import LAST

if TYPE_CHECKING:
    from normcli.parameters.frame_transform import FrameTransform

HEAD = 64  # rows that usually suffice to decide whether text is of float32
LARGE = 0.25  # steps; a value that is off by more may be of another number


class Doubt(Struct, frozen=True):
    """How many of the `values` restored in a column may differ from the original numbers: `count` by the precision of
    the stored values; `single` if these are float32 written as text, which holds if all of them look so and one of them
    is `long`. None: they are not float32."""

    values: int = 0
    count: int = 0
    single: int | None = 0
    long: bool = False

    def __add__(self, other: Doubt) -> Doubt:
        single = None if self.single is None or other.single is None else self.single + other.single
        return Doubt(self.values + other.values, self.count + other.count, single, self.long or other.long)

    @property
    def total(self) -> int:
        """Values in doubt."""
        return self.single if self.single is not None and self.long else self.count


class Restoring(Struct, frozen=True, dict=True):
    """The `values` (rows,) of each column that a transform has restored from a frame; `codes` (rows,) are the groups
    of its rows, None without keys."""

    transform: FrameTransform
    frame: Frame
    infinite: Infinite
    codes: Codes | None
    values: Mapping[str, Array]

    @cached_property
    def _bounds(self) -> ErrorBounds:
        return ErrorBounds(self.transform, self.frame, self.infinite, self.codes, self.values)

    def fixed(self, doubts: dict[str, Doubt]) -> dict[str, Array | Fixed]:
        """The values, rounded to integers or decimals where the type is one; adds to `doubts`. Raises BadRowError at
        the first row that does not fit the type."""
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
        return {**self.values, **fixed}

    @cached_property
    def _roundings(self) -> dict[str, Rounding]:
        return {n: Rounding.of(self.values[n], target.kind, n) for n, target in self.transform.targets.items()}

    @cached_property
    def _levers(self) -> dict[str, float]:
        """For columns that one step restores: the greatest change of their values for a relative error of 1 in
        stored values."""
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
        """(rows,) the tolerance of some rows if they are float32 written as text; 0 where they are not."""
        tolerance = np.zeros(len(rows))
        if not self.frame.typed and (single := self._is_single(target, rows)).any():
            tolerance[single] = x.rounding(target.tight)[rows[single]] + self._error(
                target, x, rows[single], single=True
            )
        return tolerance

    def _of_text(self, target: Target, x: Rounding, count: int) -> Doubt:
        """The doubt about text that may be float32; a few rows suffice to decide that it is not."""
        if not x.count:
            return Doubt()
        for rows in (self._few(target, x), np.arange(len(x.values))):
            large = rows[x.at(rows).is_uncertain(self._error(target, x, rows, single=True), LARGE)]
            if not len(large) and target.alone:
                break  # where the least and the greatest are certain, so is what is between
            if not self._is_single(target, large).all():
                return Doubt(x.count, count, None)
        long = any(is_long(self._bounds.stored(n)[large]) for n in target.sources)
        return Doubt(x.count, count, len(large), long)

    def _few(self, target: Target, x: Rounding) -> Codes:
        """Indices of rows that usually suffice to decide whether text is of float32."""
        head = range(0 if target.alone else min(HEAD, len(x.values)))
        return np.array(sorted({*head, *x.extremes}), np.intp)

    def _is_single(self, target: Target, rows: Codes) -> Where:
        return np.asarray(np.all([is_single(self._bounds.stored(n)[rows]) for n in target.sources], axis=0))

    def _error(self, target: Target, x: Rounding, rows: Codes, *, single: bool) -> Array:
        """(rows,) bounds of the errors of some values of a restored column, from the precision of the stored values;
        with `single`, assuming that these are float32 written as text."""
        if target.alone:
            return self._bounds.of_one(target, x, rows, single=single)
        if not single:
            return self._bounds.errors[x.name] if len(rows) == len(x.values) else self._bounds.errors[x.name][rows]
        if np.isin(rows, self._few_of_all, assume_unique=True).all():
            return self._at_few.single_errors[x.name][np.searchsorted(self._few_of_all, rows)]
        return self._bounds.single_errors[x.name][rows]

    @cached_property
    def _few_of_all(self) -> Codes:
        """The few rows of all columns that depend on several columns or steps."""
        pairs = ((self.transform.targets[n], x) for n, x in self._roundings.items())
        return np.unique(np.concatenate([self._few(target, x) for target, x in pairs if not target.alone]))

    @cached_property
    def _at_few(self) -> ErrorBounds:
        return self._bounds.at(self._few_of_all, self.transform.needs(), list(self.values))
