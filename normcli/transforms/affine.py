"""Each column by itself: subtract, divide, stretch, shift."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

import numpy as np
from msgspec.structs import replace

from normcli.blocks.block import Block
from normcli.blocks.expressions import Expression, constant, if_complete, maximum, minimum, where_equal, where_less
from normcli.blocks.record import Array, per_group
from normcli.caching import cached_property
from normcli.errors import NotInvertibleError
from normcli.transforms import LAST, Terms, Transform

TOGETHER = 1 << 16  # values of a run of columns, which fits a CPU cache
HALF, SMALLEST = 2.0**-53, 5e-324  # of a unit in the last place of 1; the least float above zero


class Affine(Transform, frozen=True, dict=True):
    """y = ((x − center) − center_low) / scale · gain + offset.

    The centre is hi + lo up to the value: with one double a z-score at 1e12 is wrong by 1.7e-4, with two by 2e-16.
    The parameters of a column without values are NaN, and its values become missing. With `ends`, scaled values of 0
    and 1 map to them exactly, and those between stay between; `clip` clips to them. `gain` is one number, or one per
    column; with `whole`, all values of a row that misses one become missing.
    """

    center: Array = per_group("feature", empty=np.nan)  # input units
    center_low: Array = per_group("feature", empty=np.nan)
    scale: Array = per_group("feature", empty=np.nan, holds="positive")  # input units for one of output
    gain: float | tuple[float, ...] = 1.0
    offset: float = 0.0
    ends: tuple[float, float] | None = None
    clip: bool = False
    whole: bool = False

    def fault(self) -> tuple[str, str] | None:
        features = self.center.shape[1]
        if isinstance(self.gain, tuple) and len(self.gain) != features:
            return "gain", f"{len(self.gain)} entries, not {features}"
        if not all(np.isfinite(g) and g != 0.0 for g in self._gains(features)):
            return "gain", "must be finite, and not 0"
        if self.ends is not None and not self.ends[0] < self.ends[1] < self.ends[0] + np.inf:
            return "ends", "must rise, by a float"
        return None

    def _gains(self, features: int) -> tuple[float, ...]:
        return self.gain if isinstance(self.gain, tuple) else (self.gain,) * features

    def terms(self) -> Terms:
        return Terms({"center": self.center[0] + self.center_low[0], "scale": self.scale[0]})

    def moments(self, mean: Array, mean_low: Array, std: Array) -> tuple[Array, Array]:
        """(features,) the mean and the standard deviation of normalized values, given those (features,) of the values:
        by the parameters of all rows, NaN where what is clipped or left out changes them."""
        if self.clip or self.whole:
            return np.full_like(mean, np.nan), np.full_like(std, np.nan)
        gains, offset = np.array(self._gains(len(mean))), self.offset
        if self.ends is not None:
            gains, offset = np.full(len(mean), self.ends[1] - self.ends[0]), self.ends[0]
        slope = gains / self.scale[0]
        return ((mean - self.center[0]) + (mean_low - self.center_low[0])) * slope + offset, np.abs(slope) * std

    def _by_group(self, block: Block, work: Callable[[Self, Block], Array]) -> Array:
        return work(self, block)  # work handles groups

    def _normalized(self, block: Block) -> Array:
        out = np.empty((block.rows, len(block.columns)), order="F")
        gains = np.array(self._gains(len(block.columns)))
        for at, run in _runs(block):
            y = out[:, run]
            for j, column in zip(range(run.start, run.stop), y.T, strict=True):
                np.subtract(block.columns[j], _of_column(self.center, block, j), out=column)
            y -= self.center_low[at, run]
            y /= self.scale[at, run]
            if self.ends is not None:
                self._between(y)
                continue
            if (gains[run] != 1.0).any():
                y *= gains[run]
            y += self.offset  # also turns −0 into 0
        if self.whole and block.incomplete is not None:
            out[block.incomplete] = np.nan
        return out

    def _between(self, t: Array) -> None:
        """Scaled values to output units, in place."""
        assert self.ends is not None
        low, high = self.ends
        if self.clip:
            np.clip(t, 0.0, 1.0, out=t)
        if (high - low) + low == high:  # then those between stay there, as rounding keeps the order of numbers
            if high - low != 1.0:
                t *= high - low
            t += low + 0.0  # never −0, so that no sum is
            return
        within = (t >= 0.0) & (t <= 1.0)
        top = t == 1.0
        t *= high - low
        t += low
        np.clip(t, low, high, out=t, where=within)
        t[top] = high
        t += 0.0

    def formula(self, x: Expression) -> Expression:
        y = (x - self.parameter("center") - self.parameter("center_low")) / self.parameter("scale")
        y = y * constant(self._gains(x.width), "gain") + self.offset if self.ends is None else self._between_ends(y)
        return if_complete(y, x) if self.whole else y

    def _between_ends(self, t: Expression) -> Expression:
        """`_between` as a formula."""
        assert self.ends is not None
        low, high = self.ends
        if self.clip:
            t = minimum(maximum(t, 0.0), 1.0)
        y = t * (high - low) + (low + 0.0)
        if (high - low) + low == high:
            return y
        within = where_less(1.0, t, y, minimum(maximum(y, low), high))
        return where_equal(t, 1.0, high, where_less(t, 0.0, y, within)) + 0.0

    def inverse_formula(self, y: Expression) -> Expression:
        self.check_invertible()
        low, high = self.ends if self.ends is not None else (self.offset, self.offset)
        gains = (high - low,) if self.ends is not None else self._gains(y.width)
        return (
            (y - low) / constant(gains, "gain") * self.parameter("scale")
            + self.parameter("center_low")
            + self.parameter("center")
        )

    def check_invertible(self) -> None:
        if self.clip:
            raise NotInvertibleError("what was clipped is gone", "fit without --clip, or --lossy leaves it as it is")

    def lossy(self) -> Self:
        return replace(self, clip=False)

    def _inverse(self, block: Block) -> Array:
        features = len(block.columns)
        out = np.empty((block.rows, features), order="F")
        low, high = self.ends if self.ends is not None else (self.offset, self.offset)
        gains = np.full(features, high - low) if self.ends is not None else np.array(self._gains(features))
        for at, run in _runs(block):
            x = out[:, run]
            for y, column in zip(block.columns[run], x.T, strict=True):
                np.subtract(y, low, out=column)
            x /= gains[run]
            x *= self.scale[at, run]
            x += self.center_low[at, run]
            x += self.center[at, run]
        return out

    def rounding(self, block: Block, restored: Array, j: int, allowed: Any) -> Array | float:
        offset, gain = self.offset, self._gains(len(block.columns))[j]
        if self.ends is not None:
            offset, gain = self.ends[0], self.ends[1] - self.ends[0]
        return rounding(block.columns[j], _of_column(self.scale, block, j), gain, offset, allowed)

    def inverse_error(self, block: Block, error: Array, restored: Block) -> Array:
        out = np.empty_like(error, order="F")
        slope, shift = self._back
        for j, (e, x) in enumerate(zip(error.T, out.T, strict=True)):
            np.add(e, LAST * shift[j], out=x)
            x *= _of_column(slope, block, j)
        return out

    def lever(self, span: Array) -> Array:
        return span + self._levers

    def reorder(self, order: Sequence[int]) -> Self:
        gain = tuple(self.gain[j] for j in order) if isinstance(self.gain, tuple) else self.gain
        return replace(super().reorder(order), gain=gain)

    @cached_property
    def _levers(self) -> Array:
        """(2, features) `lever` for a span of 0."""
        slope, shift = self._back
        return ends_of(np.abs(self.center) + slope * (1.0 + shift))

    @cached_property
    def _back(self) -> tuple[Array, Array]:
        """(groups, features) absolute slope of the inverse, and (features,) absolute offset of the outputs."""
        features = self.center.shape[1]
        if self.ends is not None:
            return self.scale / (self.ends[1] - self.ends[0]), np.full(features, abs(self.ends[0]))
        return self.scale / np.abs(self._gains(features)), np.full(features, abs(self.offset))


def rounding(y: Array, scale: Any, gain: float, offset: float, allowed: Any) -> Array | float:
    """`Transform.rounding` of y = (x − center) / scale · gain + offset: four roundings each way of the scaled value,
    one of y, and the loss of digits of subnormal numbers."""

    def of(y: Array) -> Array:
        places = (8.0 * HALF * np.abs(y - offset) + HALF * np.abs(y)) / abs(gain) * scale
        unit = max(1.0, 1.0 / abs(gain))  # times scale: what the smallest float stands for
        return np.asarray(places + np.where(unit * scale > 1.0, SMALLEST * unit * scale, 0.0))

    if np.ndim(scale) == 0:
        farthest = of(np.array([np.fmin.reduce(y, initial=np.inf), np.fmax.reduce(y, initial=-np.inf)])).max()
        if farthest <= allowed:
            return float(farthest)
    return of(y)


def ends_of(values: Array) -> Array:
    """(2, features) the least and the greatest of (groups, features), NaN where there is none."""
    return np.stack([np.fmin.reduce(values), np.fmax.reduce(values)])


def _runs(block: Block) -> Iterator[tuple[Any, slice]]:
    """Runs of columns that fit a CPU cache together, and the groups that index (groups, features) for all rows: to
    compute with more than one at once takes fewer calls, between which other threads take the interpreter."""
    width, features = max(1, TOGETHER // max(1, block.rows)) if block.codes is None else 1, len(block.columns)
    groups = 0 if block.codes is None else block.codes
    return ((groups, slice(at, min(at + width, features))) for at in range(0, features, width))


def _of_column(values: Array, block: Block, j: int) -> Any:
    """The entry of (groups, features) for column j of a block: a scalar, or one for each row by its group."""
    return values[0, j] if block.codes is None else values[block.codes, j]
